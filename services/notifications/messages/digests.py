"""One message a day that tells of all information, for those who chose it: each piece once, and none left out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.notifications.messages import digest_store, store
from services.notifications.messages.digest_store import Gathered
from services.notifications.messages.handlers import Told
from services.notifications.messages.texts import Words
from services.notifications.messages.wording import figure, listed
from services.notifications.people import Language, Person
from services.notifications.plans import Urgency
from shared.clock import WIB
from shared.database import Work
from shared.night import last_morning

PURPOSE: Final = "digest"
PEOPLE_MAX: Final = 200
TITLES_LENGTH_MAX: Final = 200
TEXTS: Mapping[Language, Words] = {
    Language.INDONESIAN: Words(
        "Ringkasan hari ini: {count} kabar",
        "{count} kabar baru: {titles}. Selengkapnya di kotak masuk Serumpun.",
        "Anda menerima pesan ini karena memilih satu ringkasan sehari.",
    ),
    Language.ENGLISH: Words(
        "Today's summary: {count} pieces of news",
        "{count} pieces of news: {titles}. All of it is in your Serumpun inbox.",
        "You get this because you chose one summary a day.",
    ),
}


async def due(work: Work) -> list[Gathered]:
    """Give what the morning that has come last is to be told of, for as many people as one transaction takes."""
    morning = last_morning(work.now)
    return await digest_store.gather(work.session, _fact(morning), PURPOSE, morning, PEOPLE_MAX)


async def write(work: Work, gathered: Sequence[Gathered], people: Mapping[str, Person]) -> list[Told]:
    """Write the message of the day to each, and give those that are new; whoever has read all of it needs none.

    It goes out in the transaction that takes the pieces off what waits, under a key that one day has once: so a crash
    leaves both or neither, and of two processes at once one writes it.
    """
    morning = last_morning(work.now)
    told, letters = [], []
    for one in gathered:
        person = people.get(one.person)
        if person is None or person.held or not one.titles:
            continue
        letter = _letter(work, one, person, morning)
        letters.append(letter)
        until = morning + timedelta(days=1)
        told.append(
            Told(
                letter.id, person, Urgency.INFORMATION, letter.region, letter.traceparent,
                outside=True, until=until, digests=True,
            )
        )  # fmt: skip
    fresh = await store.add(work.session, letters, work.now)
    written = {letter.person for letter in letters}
    new = {letter.person for letter in letters if letter.id in fresh}
    settled = [one for one in gathered if one.person in new or one.person not in written]
    await digest_store.done(work.session, [message_id for one in settled for message_id in one.ids])
    return [one for one in told if one.message_id in fresh]


def _letter(work: Work, gathered: Gathered, person: Person, morning: datetime) -> store.Letter:
    words = TEXTS[person.language]
    told = {
        "count": figure(len(gathered.titles), person.language),
        "titles": listed(gathered.titles, TITLES_LENGTH_MAX, person.language),
    }
    return store.Letter(
        id=work.new_id(),
        person=person.key,
        fact=_fact(morning),
        purpose=PURPOSE,
        urgency=Urgency.INFORMATION,
        region=person.home,
        language=person.language,
        title=words.title.format_map(told),
        body=words.body.format_map(told),
        why=words.why,
        traceparent=work.caller.traceparent,
        awaits_digest=False,
    )


def _fact(morning: datetime) -> str:
    return f"digest/{morning.astimezone(WIB):%Y-%m-%d}"
