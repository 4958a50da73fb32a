"""Telling somebody that their data were restricted or erased, over the channels that they had; nobody writes after it.

Source: Law 27/2022, articles 41 and 45: whoever keeps data tells the person that a restriction, and that an erasure,
was carried out
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.notifications.outgoing import Outgoing, Written, send
from services.notifications.people import Language, Person
from services.notifications.plans import BY_PHONE, Channel, Urgency
from services.notifications.rights import store, texts
from services.notifications.rights.store import LastWordRow
from services.notifications.rights.texts import Words
from shared.database import Work

RESTRICTED: Final = "restricted"
ERASED: Final = "erased"
PURPOSES: Final = frozenset({RESTRICTED, ERASED})
FACT: Final = "rights/"
SENT_WITHIN: Final = timedelta(hours=72)
"""An erasure is done within 3 x 24 hours: by then nothing is left of an address, whether it could be reached or not."""

SWEPT_MAX: Final = 1_000
TO_PHONE, TO_EMAIL = "last word by phone", "last word by mail"


async def say_restricted(work: Work, person: Person, region: str) -> None:
    """Tell somebody that their data are only stored from now on; whoever is held already was told."""
    if not person.held:
        await _say(work, person, f"{FACT}{work.new_id()}", RESTRICTED, texts.RESTRICTED, region)


async def say_erased(work: Work, person: Person, region: str) -> None:
    """Tell somebody that their data were erased, to addresses that are kept sealed until that is done.

    Shape: `person` is as they were known before; whoever had no address that may be written to is told nothing
    """
    free = replace(person, held=False)  # who was restricted before is told of this too
    for one in await _say(work, free, f"{FACT}{person.key}", ERASED, texts.ERASED, region):
        if one.plan.channels:
            work.session.add(_held(work, one))
    await work.session.flush()


async def _say(
    work: Work, person: Person, fact: str, purpose: str, words: Mapping[Language, Words], region: str
) -> list[Written]:
    told = words[person.language]
    outgoing = Outgoing(
        person=person,
        fact=fact,
        purpose=purpose,
        urgency=Urgency.REQUIRED,
        region=region,
        title=told.title,
        body=told.body.format(region=region),
        why=told.why,
        over=frozenset({*BY_PHONE, Channel.EMAIL}),
        until=work.now + SENT_WITHIN,
    )
    return await send(work, [outgoing])


def _held(work: Work, one: Written) -> LastWordRow:
    person, key = one.outgoing.person, str(one.message_id)
    return LastWordRow(
        message_id=one.message_id,
        person=person.key,
        phone_held=work.vault.hold(TO_PHONE, key, person.phone) if person.phone else None,
        email_held=work.vault.hold(TO_EMAIL, key, person.email) if person.email else None,
        until=work.now + SENT_WITHIN,
    )


async def addresses(work: Work, message_ids: Collection[UUID]) -> dict[UUID, tuple[str | None, str | None]]:
    """Give telephone and mail address to which last words to the erased go; of none that is too old."""
    rows = await store.words(work.session, message_ids) if message_ids else {}
    return {
        message_id: (
            work.vault.held(TO_PHONE, str(message_id), row.phone_held) if row.phone_held else None,
            work.vault.held(TO_EMAIL, str(message_id), row.email_held) if row.email_held else None,
        )
        for message_id, row in rows.items()
        if row.until > work.now
    }


async def forget_sent(work: Work) -> bool:
    """Forget the addresses of last words that are not on their way any more; tells whether there may be more."""
    return await store.forget(work.session, work.now, SWEPT_MAX) == SWEPT_MAX
