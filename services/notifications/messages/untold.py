"""Telling the office of whom no message could reach, once for each message, so that somebody calls them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from services.notifications.messages import store
from services.notifications.messages.handlers import ERASED_TEXT, Told
from services.notifications.messages.store import MessageRow
from services.notifications.messages.texts import Words
from services.notifications.messages.wording import shortened
from services.notifications.people import Language, Person
from services.notifications.plans import Silence, Urgency
from shared.database import Work

PURPOSE: Final = "not_told"
BROADCAST: Final = "broadcast"
"""Whom a broadcast does not reach stands in its results; an office is not told of each of thousands."""
WHOM: Mapping[Language, Mapping[str, str]] = {
    Language.INDONESIAN: {"owner": "pemilik", "staff": "petugas"},
    Language.ENGLISH: {"owner": "owner", "staff": "staff member"},
}
NAME_LENGTH_MAX: Final = 40
TEXTS: Mapping[Language, Words] = {
    Language.INDONESIAN: Words(
        "Ada yang belum diberi tahu",
        "Pesan \u201c{title}\u201d untuk {whom} tidak sampai lewat saluran mana pun. Mohon hubungi langsung. "
        "Sebabnya ada di daftar pengiriman.",
        "Anda menerima pesan ini karena bertugas di wilayah ini.",
    ),
    Language.ENGLISH: Words(
        "Somebody could not be told",
        "The message \u201c{title}\u201d to {whom} arrived over no channel. Please call them. "
        "The list of deliveries says why.",
        "You get this because you serve this region.",
    ),
}


UNSENT: Mapping[Language, Words] = {
    Language.INDONESIAN: Words(
        "Ada yang belum diberi tahu",
        "Pesan \u201c{title}\u201d untuk {whom} hanya ada di kotak masuk: {reason}. Mohon sampaikan langsung.",
        "Anda menerima pesan ini karena bertugas di wilayah ini.",
    ),
    Language.ENGLISH: Words(
        "Somebody could not be told",
        "The message \u201c{title}\u201d to {whom} is in the inbox alone: {reason}. Please tell them in person.",
        "You get this because you serve this region.",
    ),
}
"""What is said of a message for which there was no channel from the beginning."""

REASONS: Mapping[Language, Mapping[Silence, str]] = {
    Language.INDONESIAN: {
        Silence.STOPPED: "ia meminta BERHENTI",
        Silence.NO_CONSENT: "ia tidak bersedia dihubungi",
        Silence.NO_ADDRESS: "tanpa telepon dan surel",
        Silence.TOO_LATE: "sudah lewat waktu sebelum pagi",
    },
    Language.ENGLISH: {
        Silence.STOPPED: "they said STOP",
        Silence.NO_CONSENT: "they do not agree to be contacted",
        Silence.NO_ADDRESS: "there is no telephone and no e-mail",
        Silence.TOO_LATE: "it is of no use by the morning",
    },
}


async def concerning(work: Work, ids: Iterable[UUID]) -> list[MessageRow]:
    """Give those of some messages of which an office has to hear: aid and invitations, and no news of this kind.

    What a broadcast told is left out.
    """
    rows = await store.find(work.session, list(ids))
    return [row for row in rows if row.urgency != Urgency.INFORMATION and row.purpose not in (PURPOSE, BROADCAST)]


async def forget(work: Work, person: str) -> None:
    """Take away from the messages to the offices what they say of a person."""
    await store.forget_quotes(work.session, person, PURPOSE, ERASED_TEXT)


async def write(
    work: Work,
    unreached: Sequence[tuple[MessageRow, Sequence[Person]]],
    names: Mapping[str, str],
    why: Mapping[UUID, Silence],
) -> list[Told]:
    """Tell an office of each message that reached nobody; a message of which it was told already adds nothing.

    Shape: `names` say by key what the readers are called; whoever has none is named by their key; `why` says of those
           that were never sent the reason
    """
    told, letters = [], []
    for row, office in unreached:
        for person in office:
            if person.key == row.person or person.held:
                continue
            letter = _letter(work, row, person, names.get(row.person), why.get(row.id))
            letters.append(letter)
            told.append(
                Told(letter.id, person, Urgency.REQUIRED, row.region, row.traceparent, outside=True, until=None)
            )
    fresh = await store.add(work.session, letters, work.now)
    return [one for one in told if one.message_id in fresh]


def named(owner: str, business: str) -> str:
    """Name an owner as an office knows them: by a business of theirs too, where there is one."""
    short = shortened(owner, NAME_LENGTH_MAX)
    return f"{short} ({shortened(business, NAME_LENGTH_MAX)})" if business else short


def _letter(work: Work, row: MessageRow, person: Person, name: str | None, why: Silence | None) -> store.Letter:
    words = TEXTS[person.language] if why is None else UNSENT[person.language]
    kind, _, key = row.person.partition("/")
    told = {"title": row.title, "whom": f"{WHOM[person.language][kind]} {name or key[:NAME_LENGTH_MAX]}"}
    if why is not None:
        told["reason"] = REASONS[person.language][why]
    return store.Letter(
        id=work.new_id(),
        person=person.key,
        fact=f"message/{row.id}",
        purpose=PURPOSE,
        urgency=Urgency.REQUIRED,
        region=row.region,
        language=person.language,
        title=words.title,
        body=words.body.format_map(told),
        why=words.why,
        traceparent=row.traceparent,
        awaits_digest=False,
    )
