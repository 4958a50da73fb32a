"""Made-up businesses of made-up people, and the same once more as another clerk would write them down."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import text

from shared.database import Work


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN = _words(
    """Siti Rahmat Dewi Agus Sri Budi Nur Hendra Wati Yusuf Ratna Joko Fitri Andi Maya Hasan Lina Rudi Indah Fajar Tuti
    Bambang Eka Surya Yanti Dedi Mega Arif Rina Iwan Sari Ahmad Yuni Eko Lestari Rizal Ani Doni Kartika Usman"""
)
FAMILY = _words(
    """Aminah Hidayat Kusuma Rohani Saputra Wulandari Basri Marlina Karim Nurhaliza Gunawan Pratama Susanti Halim
    Wijaya Permata Syahputra Handayani Zulkarnain Maharani Setiawan Purnama Safitri Nugroho Rahayu Iskandar Amelia
    Anggraini Firmansyah Oktaviani Ramadhan Puspita Hakim Utami Ismail Febriani Mahmud Astuti Salim Novita"""
)
TRADES = (
    ("garment", _words("Konveksi Penjahit Bordir Butik Sulam")),
    ("spices", _words("Lada Rempah Bumbu Sambal Merica")),
    ("food", _words("Kerupuk Kue Kopi Abon Keripik Getas Rusip Terasi")),
    ("electronics", _words("Servis Bengkel Teknik Elektronik")),
    ("wood", _words("Mebel Ukir Kayu Rotan Anyaman")),
)
CALLED = _words(
    """Jaya Makmur Sejahtera Mandiri Berkah Abadi Melati Mawar Cempaka Bersama Maju Sentosa Lestari Barokah Mekar Indah
    Harapan Cahaya Sinar Bintang Mutiara Pesona Timur Bahari Serumpun Nusantara Pelangi Anugerah Rejeki Kencana"""
)
FORMS = ("", "", "", "UD ", "U.D. ", "CV ", "CV. ", "Toko ", "PD. ")
REGIONS = ("19.01", "19.02", "19.03", "19.04", "19.05", "19.06", "19.71")


@dataclass(frozen=True)
class Twin:
    """A business as somebody wrote it down; `of` says which business it really is."""

    of: int
    name: str
    owner: str
    phone: str | None
    region: str
    sector: str


def businesses(count: int, seed: int = 7) -> Iterator[Twin]:
    """Make up businesses that are all different, though many have a word, and some a telephone, in common."""
    dice = random.Random(seed)
    for number in range(count):
        sector, trades = dice.choice(TRADES)
        given = dice.choice(GIVEN)
        owner = f"{given} {dice.choice(FAMILY)}"
        named = [
            dice.choice(trades),
            dice.choice((given, dice.choice(CALLED))),
            dice.choice(CALLED),
        ]
        phone = f"+62834{dice.randrange(10**7):07}" if dice.random() < 0.8 else None
        name = dice.choice(FORMS) + " ".join(dict.fromkeys(named))
        yield Twin(number, name, owner, phone, dice.choice(REGIONS), sector)


def again(one: Twin, dice: random.Random) -> Twin:
    """Write a business down as somebody else would: a wrong letter, another order or form, no telephone."""
    name = dice.choice(FORMS) + " ".join(word for word in one.name.split() if f"{word} " not in FORMS)
    owner = one.owner
    if dice.random() < 0.5:
        name = _wrong_letter(name, dice)
    if dice.random() < 0.3:
        owner = _wrong_letter(owner, dice)
    if dice.random() < 0.25:
        words = name.split()
        dice.shuffle(words)
        name = " ".join(words)
    if dice.random() < 0.1:
        owner = owner.split()[0]
    if dice.random() < 0.2:
        name = name.upper()
    phone = one.phone if dice.random() < 0.6 else None
    return replace(one, name=name, owner=owner, phone=phone)


def _wrong_letter(text: str, dice: random.Random) -> str:
    at = dice.randrange(1, len(text))
    match dice.randrange(3):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + dice.choice("aeiourntsk") + text[at:]
        case _:
            return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :] if at < len(text) else text


PUT_OWNERS = text(
    "INSERT INTO owner (id, name, phone, language, region, registered_at)"
    " SELECT id, name, phone, 'id', region, now() FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]),"
    " CAST(:phones AS text[]), CAST(:regions AS text[])) AS n(id, name, phone, region)"
)
PUT_BUSINESSES = text(
    "INSERT INTO business (id, owner_id, name, sector, region, state, registered_at, changed_at, version)"
    " SELECT id, owner, name, sector, region, 'active', now(), now(), 1"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:owners AS uuid[]), CAST(:names AS text[]), CAST(:sectors AS text[]),"
    " CAST(:regions AS text[])) AS n(id, owner, name, sector, region)"
)


async def put(work: Work, twins: Sequence[Twin], first: int) -> list[UUID]:
    """Store businesses, each with an owner of its own, by two statements."""
    ids = [UUID(int=first + number) for number in range(len(twins))]
    owners = [UUID(int=2**64 + first + number) for number in range(len(twins))]
    regions = [one.region for one in twins]
    people = {"ids": owners, "names": [one.owner for one in twins], "phones": [one.phone for one in twins]}
    await work.session.execute(PUT_OWNERS, people | {"regions": regions})
    named = {"names": [one.name for one in twins], "sectors": [one.sector for one in twins]}
    await work.session.execute(PUT_BUSINESSES, named | {"ids": ids, "owners": owners, "regions": regions})
    return ids
