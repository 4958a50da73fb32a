import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from services.registration.businesses import finding, handlers, searching
from services.registration.businesses.domain import BusinessData, OwnerData
from services.registration.businesses.lookups import NIK_LOOKUPS_PER_DAY
from services.registration.businesses.searching import Question, grams, is_nik, question
from services.registration.businesses.store import Wanted
from shared.caller import Caller
from shared.clock import wib_day
from shared.database import Database, Work
from shared.problems import Invalid
from shared.security import KeyStore
from shared.telemetry import AsgiApp
from tests.door import Client, told
from tests.registration.people import AUDITOR, BELITUNG, NIK, OFFICE, PANGKALPINANG, TAILOR, registration
from tests.registration.people import owner as owner_of

Door = Mapping[str, Client]
BUSINESSES = "/registration/businesses"
OTHER_NIK = "1971015203789902"

KNOWN = (
    ("UD. Sinar Jaya", "Siti Aminah", "0834-0000-0101", "19.71", "garment", "0220000000101"),
    ("Konveksi Sinarjaya", "Rahmat Hidayat", "0834-0000-0202", "19.71", "garment", None),
    ("Lada Putih 100%", "Jaya Kusuma", "0834-0000-0303", "19.02", "spices", None),
    ("Café Ñusa's", "Renée", None, "19.71", "food", None),
    ("C.V. Maju", "Siti Rohani", "0834-1234-0101", "19.01", "garment", "0220000000202"),
)


@pytest.fixture
async def known(database: Database) -> Database:
    for name, owner, phone, region, sector, nib in KNOWN:
        async with database.work(OFFICE) as work:  # each by itself, so that their ids are in this order
            business = BusinessData(name=name, sector=sector, region=region, nib=nib)
            await handlers.register_business(work, business, owner=OwnerData(name=owner, phone=phone))
    return database


async def found(database: Database, typed: str, caller: Caller = OFFICE, wanted: Wanted | None = None) -> list[str]:
    async with database.reading(caller) as work:
        page = await finding.find(work, typed, wanted or Wanted(), None, 10)
    return [one.business.name for one in page.items]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sinar", ["UD. Sinar Jaya", "Konveksi Sinarjaya"]),
        ("jaya sinar", ["UD. Sinar Jaya", "Konveksi Sinarjaya"]),  # words in any order, the beginnings of words first
        ("INARJA", ["Konveksi Sinarjaya"]),
        ("u.d. sinar jaya", ["UD. Sinar Jaya"]),
        ("ud", ["UD. Sinar Jaya"]),  # two letters only where a word begins
        ("cafe nusas", ["Café Ñusa's"]),
        ("RENÉE café", ["Café Ñusa's"]),
        ("siti", ["UD. Sinar Jaya", "C.V. Maju"]),
        ("rohani maju", ["C.V. Maju"]),  # a word of the owner and one of the business
        ("cv", ["C.V. Maju"]),
        ("100%", ["Lada Putih 100%"]),
        ("siti lada", []),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("' OR 1=1", []),
        ("0834-0000-0101", ["UD. Sinar Jaya"]),
        ("+62 834 0000 0101", ["UD. Sinar Jaya"]),
        ("62834 0000 0202", ["Konveksi Sinarjaya"]),
        ("0834 0000", ["UD. Sinar Jaya", "Konveksi Sinarjaya", "Lada Putih 100%"]),
        ("0101", ["UD. Sinar Jaya", "C.V. Maju"]),
        ("101", []),
        ("0220000000202", ["C.V. Maju"]),
    ],
)
async def test_a_clerk_finds_a_business_by_what_they_type(known: Database, typed: str, expected: list[str]) -> None:
    assert await found(known, typed) == expected


async def test_a_question_is_narrowed_by_region_sector_and_state(known: Database) -> None:
    assert await found(known, "jaya", wanted=Wanted(region="19.02")) == ["Lada Putih 100%"]
    assert await found(known, "siti", wanted=Wanted(region="19.01", sector="garment")) == ["C.V. Maju"]
    assert await found(known, "siti", wanted=Wanted(sector="food")) == []
    assert await found(known, "jaya", BELITUNG) == ["Lada Putih 100%"]
    assert await found(known, "sinar", BELITUNG) == []


async def test_an_auditor_finds_nobody_by_telephone(known: Database) -> None:
    assert await found(known, "0834-0000-0101", AUDITOR) == []
    assert await found(known, "0220000000202", AUDITOR) == ["C.V. Maju"]


async def test_what_is_renamed_is_found_by_its_new_name_alone(known: Database) -> None:
    async with known.work(OFFICE) as work:
        (page,) = (await finding.find(work, "rohani", Wanted(), None, 10)).items
        await handlers.change_business(
            work, page.business.id, 1, {"name": "Mekar"}, {"name": "Siti Nurbaya", "phone": "0834-5678-0909"}
        )
    assert await found(known, "mekar nurbaya") == ["Mekar"]
    assert await found(known, "5678-0909") == ["Mekar"]
    for old in ("maju", "rohani", "0834-1234-0101"):
        assert await found(known, old) == []


async def test_ranked_pages_follow_one_another_without_gap_or_repetition(database: Database) -> None:
    for number in range(7):
        async with database.work(OFFICE) as work:
            name = f"Melati {number}" if number % 2 else f"Toko Melati {number}"
            business = replace(TAILOR, name=name, nib=None)
            await handlers.register_business(work, business, owner=OwnerData(name="Amir"))
    seen: list[str] = []
    cursor = None
    async with database.reading(OFFICE) as work:
        while True:
            page = await finding.find(work, "melati", Wanted(), cursor, 2)
            seen += [one.business.name for one in page.items]
            if (cursor := page.next) is None:
                break
    assert seen == [f"Melati {number}" for number in (1, 3, 5)] + [f"Toko Melati {number}" for number in (0, 2, 4, 6)]


async def test_a_nik_is_asked_for_in_a_body_and_never_in_an_address(door: Door) -> None:
    made = (await door["pangkalpinang"].post(BUSINESSES, json=registration())).json()
    refused = await door["pangkalpinang"].get(f"{BUSINESSES}?q={NIK}")
    assert told(refused) == {("/query/q", "nik_in_address")}
    # The problem names where it arose; the typed number is not among its words.
    answer = await door["pangkalpinang"].post(f"{BUSINESSES}/search", json={"nik": NIK})
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["items"]] == [made["id"]]
    assert NIK not in answer.text
    for who, body in (
        ("belitung", {"nik": NIK}),
        ("pangkalpinang", {"nik": "3310024906809905"}),
        ("pangkalpinang", {"nik": NIK, "sector": "food"}),
        ("pangkalpinang", {"nik": NIK, "q": "warung"}),
    ):
        assert (await door[who].post(f"{BUSINESSES}/search", json=body)).json() == {"items": [], "next": None}
    assert told(await door["office"].post(f"{BUSINESSES}/search", json={"nik": "12"})) == {("/nik", "invalid_nik")}
    assert told(await door["office"].post(f"{BUSINESSES}/search", json={"q": NIK})) == {("/q", "nik_in_text")}
    assert (await door["auditor"].post(f"{BUSINESSES}/search", json={"nik": NIK})).status_code == 403
    by_name = await door["pangkalpinang"].post(f"{BUSINESSES}/search", json={"q": "konveksi", "limit": 1})
    assert [one["id"] for one in by_name.json()["items"]] == [made["id"]]


async def test_a_cursor_of_one_kind_of_list_is_none_of_the_other(known: Database) -> None:
    async with known.reading(OFFICE) as work:
        plain = (await handlers.businesses(work, Wanted(), None, 1)).next
        with pytest.raises(Invalid):
            await finding.find(work, "siti", Wanted(), plain, 1)


async def planned(work: Work, asked: Question) -> str:
    rows = searching.answers(asked, Wanted(), OFFICE.regions, searching.ranked(asked))
    told = rows.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    connection = await work.session.connection()
    return "\n".join((await connection.exec_driver_sql(f"EXPLAIN {told}")).scalars())


async def test_the_indexes_answer_among_many(known: Database) -> None:
    async with known.work(OFFICE) as work:
        region = "INSERT INTO owner (id, name, phone, language, region, registered_at) SELECT gen_random_uuid(),"
        await work.session.execute(
            text(
                f"{region} 'Pemilik ' || n, '+62811' || lpad(n::text, 7, '0'), 'id', '19.71', now()"
                " FROM generate_series(1, 20000) AS n"
            )
        )
        await work.session.execute(
            text(
                "INSERT INTO business (id, owner_id, name, sector, region, state, registered_at, changed_at, version)"
                " SELECT gen_random_uuid(), id, 'Usaha ' || md5(name), 'food', '19.71', 'active', now(), now(), 1"
                " FROM owner WHERE name LIKE 'Pemilik %'"
            )
        )
    async with known.work(OFFICE) as work:
        await work.session.execute(text("ANALYZE business_search, business, owner"))
        for asked, index in (
            (Question(words=("sinarjaya",)), "business_search_grams"),
            (Question(phone_ends="1010"), "business_search_phone_tail"),
            (Question(phone_begins="+628340000", phone_ends="00004380"), "business_search_phone"),
        ):
            plan = await planned(work, asked)
            assert index in plan
            assert "Seq Scan on business_search" not in plan


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("0812 3456 7890", Question(("x",), "+6281234567890", "098765432180")),
        ("62812345", Question(("x",), phone_begins="+62812345", phone_ends="54321826")),
        ("7890", Question(("x",), phone_begins=None, phone_ends="0987")),
        ("789", Question(("x",))),
        ("usaha 7890", Question(("x",))),
        ("0220000000202", Question(("x",), "+62220000000202", "2020000000220", "0220000000202")),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(typed: str, expected: Question) -> None:
    assert question(typed, "x", phones=True) == expected
    assert question(typed, "x", phones=False) == replace(expected, phone_begins=None, phone_ends=None)


def test_what_may_be_a_nik_is_known_in_any_writing() -> None:
    assert is_nik(NIK)
    assert is_nik("1971 0152 0378 9901")
    assert not is_nik("0220000000202")
    assert not is_nik(f"no {NIK}")


def test_a_word_is_indexed_by_threes_and_a_short_one_by_its_beginning() -> None:
    assert grams(["sinar", "ud", "a"]) == ["sin", "ina", "nar", " ud", "  a"]


async def test_who_looks_by_a_nik_is_on_record_with_who_was_found_and_never_with_the_nik(
    door: Door, app: AsgiApp, keys: KeyStore, database: Database
) -> None:
    business = (await door["office"].post(BUSINESSES, json=registration())).json()
    for asked in ({"nik": NIK}, {"nik": OTHER_NIK}, {"q": "konveksi"}):
        assert (await door["pangkalpinang"].post(f"{BUSINESSES}/search", json=asked)).status_code == 200
    unknown, known = (await door["auditor"].get("/registration/nik-lookups")).json()["items"]
    assert (known["owner_id"], unknown["owner_id"]) == (business["owner"]["id"], None)
    assert {one["actor"] for one in (known, unknown)} == {PANGKALPINANG.subject}
    only = (await door["auditor"].get(f"/registration/nik-lookups?owner_id={business['owner']['id']}")).json()
    assert only["items"] == [known]
    first = (await door["auditor"].get("/registration/nik-lookups?limit=1")).json()
    after = (await door["auditor"].get(f"/registration/nik-lookups?limit=1&cursor={first['next']}")).json()
    assert [*first["items"], *after["items"]] == [unknown, known]
    async with Client(app, keys, owner_of(UUID(business["owner"]["id"]))) as herself:
        assert (await herself.get("/registration/my/nik-lookups")).json()["items"] == [known]
    async with Client(app, keys, owner_of(uuid4())) as another:
        assert (await another.get("/registration/my/nik-lookups")).json()["items"] == []
    assert (await door["office"].get("/registration/nik-lookups")).status_code == 403
    async with database.reading(OFFICE) as work:
        kept = str((await work.session.execute(text("SELECT to_jsonb(l) FROM nik_lookup l"))).all())
    assert NIK not in kept


async def test_a_caller_looks_so_often_a_day_and_no_two_at_once_take_the_last_look(
    door: Door, database: Database
) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text(
                "INSERT INTO nik_lookup (id, region, actor, role, day, no, at) SELECT gen_random_uuid(), '19',"
                " :actor, 'province_staff', :day, no, :at FROM generate_series(1, :many) AS no"
            ),
            {"actor": OFFICE.subject, "day": wib_day(work.now), "at": work.now, "many": NIK_LOOKUPS_PER_DAY - 3},
        )
    asked = {"nik": NIK}
    answers = await asyncio.gather(*(door["office"].post(f"{BUSINESSES}/search", json=asked) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] * 3 + [429] * 3
    refused = next(one for one in answers if one.status_code == 429)
    assert (refused.json()["code"], refused.json()["limit"]) == ("nik_lookups_used_up", NIK_LOOKUPS_PER_DAY)
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert (await door["office"].post(f"{BUSINESSES}/search", json={"q": "konveksi"})).status_code == 200
    assert (await door["pangkalpinang"].post(f"{BUSINESSES}/search", json=asked)).status_code == 200


async def test_the_record_of_looks_is_never_changed_and_within_the_limit(door: Door, database: Database) -> None:
    await door["office"].post(f"{BUSINESSES}/search", json={"nik": NIK})
    for change in ("UPDATE nik_lookup SET actor = 'x'", "DELETE FROM nik_lookup", "TRUNCATE nik_lookup"):
        with pytest.raises(IntegrityError, match="append only"):
            async with database.work(OFFICE) as work:
                await work.session.execute(text(change))
    more = (
        "INSERT INTO nik_lookup SELECT gen_random_uuid(), owner_id, region, actor, role, day, :no, at FROM nik_lookup"
    )
    for no, why in ((NIK_LOOKUPS_PER_DAY + 1, "nik_lookup_within_the_limit"), (1, "nik_lookup_counted_once")):
        with pytest.raises(IntegrityError, match=why):
            async with database.work(OFFICE) as work:
                await work.session.execute(text(more), {"no": no})
