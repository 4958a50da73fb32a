"""Telling the people of a broadcast, a stretch of them in a transaction; how far it has come lies in the same one."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from services.notifications.broadcasts import audience, store
from services.notifications.broadcasts.audience import Aimed
from services.notifications.broadcasts.domain import (
    ALONE_MAX,
    PURPOSE,
    Outcome,
    Reason,
    State,
    filled,
    reach_of,
)
from services.notifications.broadcasts.store import BroadcastRow, Recipient
from services.notifications.contacts import handlers as contacts
from services.notifications.outgoing import Outgoing, send
from services.notifications.people import Person, owner_key
from services.notifications.plans import Lane, Urgency
from shared.crashpoints import reach
from shared.database import Database, Work
from shared.service import Runtime
from shared.sweeping import by_the_clock, sweeping

BATCH: Final = 200
"""So many people are told in one transaction."""

WINDOW_MAX: Final = 1_000
"""So many deliveries of one broadcast wait at most: a pause, a resumption and a cancellation touch no more."""

LOOK_SECONDS: Final = 1.0
ENDED_WATCHED: Final = timedelta(minutes=10)


async def broadcaster(runtime: Runtime) -> None:
    """Tell people until cancelled; any number of processes may, and one at a time has a broadcast in hand."""
    await by_the_clock(runtime.database, partial(look, BATCH), "broadcast_interrupted", seconds=LOOK_SECONDS)


async def once(database: Database, *, batch: int = BATCH) -> int:
    """Tell all who can be told now; gives in how many looks, the last of which found nothing."""
    looks = 1
    while await database.run(sweeping(database), partial(look, batch)):
        looks += 1
    return looks


async def look(batch: int, work: Work, *, window: int = WINDOW_MAX) -> bool:
    """Tell the next people of one broadcast, and end what is over; gives whether there may be more to do at once."""
    rows = await store.under_way(work.session)
    ended = await store.ended_since(work.session, work.now - ENDED_WATCHED)
    if not rows and not ended:
        return False
    # A letter that failed over one channel is queued over the next, also while its broadcast is paused or just ended;
    # and what a sender had in hand when it was paused, resumed or ended was left as it was.
    paused = [row.fact for row in rows if row.state == State.PAUSED]
    if paused:
        await store.move(work.session, paused, held=True)
    await _expire(work, rows)
    if ended:
        await store.end(work.session, ended, work.now)
    running = [row for row in rows if row.state == State.RUNNING]
    if not running:
        return False
    await store.move(work.session, [row.fact for row in running], held=False)
    waiting = await store.waiting(work.session)
    for row in running:
        if row.listed_at is not None and not waiting.get(row.fact):
            _end(work, row, State.DONE)
    room = {row.id: min(batch, window - waiting.get(row.fact, 0)) for row in running}
    able = [row for row in running if row.listed_at is None and room[row.id] > 0 and _begun(work, row)]
    if not able:
        await work.session.flush()
        return False
    await _tell(work, able[0], room[able[0].id])
    reach("broadcast.before_commit")
    return True


def _begun(work: Work, row: BroadcastRow) -> bool:
    return row.starts_at is None or row.starts_at <= work.now


async def _expire(work: Work, rows: Sequence[BroadcastRow]) -> None:
    over = [row for row in rows if row.expires_at <= work.now]
    for row in over:
        listed = row.listed_at is not None and row.state == State.RUNNING
        _end(work, row, State.DONE if listed else State.EXPIRED)
    if over:
        await store.end(work.session, [row.fact for row in over], work.now)


def _end(work: Work, row: BroadcastRow, state: State) -> None:
    row.state, row.ended_at = state.value, work.now
    store.add_step(work.session, row, work.caller.subject, work.now)


async def _tell(work: Work, row: BroadcastRow, rows: int) -> None:
    """Take the next people, note how each is told, and write to them: all of it or nothing."""
    left = rows if row.approved_by is not None else min(rows, ALONE_MAX - row.told)
    aimed = await audience.stretch(work.session, row.audience, row.after, left) if left else []
    people = await contacts.known(work, [owner_key(one.owner_id) for one in aimed])
    told: list[tuple[Aimed, Person, Outcome, str]] = []
    for one in aimed:
        person = people[owner_key(one.owner_id)]
        told.append((one, person, *reach_of(person, Urgency(row.urgency), one.hold)))
    letters = [_letter(row, one, person) for one, person, outcome, _ in told if outcome is not Outcome.WITHHELD]
    written = {one.outgoing.person.key: one for one in await send(work, letters)}
    taken = []
    for _, person, outcome, how in told:
        if outcome is Outcome.WITHHELD:
            taken.append(Recipient(person.key, outcome.value, how, None))
            continue
        message = written[person.key]
        if message.plan.channels:
            taken.append(Recipient(person.key, Outcome.OUTSIDE.value, None, message.message_id))
            continue
        reason = Reason.TOO_LATE.value if outcome is Outcome.OUTSIDE else how
        taken.append(Recipient(person.key, Outcome.INBOX.value, reason, message.message_id))
    await store.add(work.session, row.id, taken, work.now)
    row.told += len(taken)
    row.worked_at = work.now
    if aimed:
        row.after = aimed[-1].owner_id
    if len(aimed) < rows:
        row.listed_at = work.now
    await work.session.flush()


def _letter(row: BroadcastRow, aimed: Aimed, person: Person) -> Outgoing:
    words = filled(row.texts.of(person.language), person.language, aimed.name, aimed.business, row.expires_at)
    return Outgoing(
        person=person,
        fact=row.fact,
        purpose=PURPOSE,
        urgency=Urgency(row.urgency),
        region=aimed.region,
        title=words.title,
        body=words.body,
        why=words.why,
        until=row.expires_at,
        lane=Lane.BROADCAST,
        traceparent=row.traceparent,
    )
