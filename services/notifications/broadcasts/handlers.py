"""What is done with broadcasts: draft, look ahead, let go with a second person's word, pause, resume and cancel."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.broadcasts import audience, store
from services.notifications.broadcasts.audience import Audience
from services.notifications.broadcasts.domain import (
    ALONE_MAX,
    ALONE_WITHIN,
    EXAMPLES,
    OPEN_MAX,
    STEPS_MAX,
    BroadcastExpired,
    BroadcastStateWrong,
    NobodyToTell,
    Outcome,
    SecondPersonNeeded,
    State,
    Texts,
    TooManyBroadcasts,
    demand,
    filled,
    mask_name,
    reach_of,
    text_mistakes,
    time_mistakes,
)
from services.notifications.broadcasts.store import BroadcastRow
from services.notifications.contacts import handlers as contacts
from services.notifications.messages.texts import Words
from services.notifications.people import owner_key
from services.notifications.plans import Urgency
from shared.database import Work
from shared.privacy import mask_phone
from shared.problems import Absent, FieldError, Invalid

Counts = Mapping[Outcome, Mapping[str, int]]
"""How many people are told how: by their first channel, or by why not outside."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be told, to whom, from when on, and until when it is of use."""

    urgency: Urgency
    texts: Texts
    audience: Audience
    expires_at: datetime
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """How it would read to one person, of whom no more is shown than tells people apart."""

    owner: str
    phone: str
    language: str
    reaches: str
    words: Words


@dataclass(frozen=True, slots=True)
class Preview:
    """How many would be told how, and how it would read to some; `alone` are those whom the caller tells alone."""

    counts: Counts
    examples: Sequence[Example]
    alone: int = 0

    @property
    def people(self) -> int:
        """Give how many people the audience has."""
        return _people(self.counts)

    @property
    def needs_approval(self) -> bool:
        """Tell whether these are more than one person may tell alone."""
        return self.alone + self.people > ALONE_MAX


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find everything wrong with a draft beside its shape."""
    found = [*text_mistakes(leaves), *time_mistakes(leaves.get("/starts_at"), leaves.get("/expires_at"), work.now)]
    regions = {pointer: one for pointer, one in leaves.items() if pointer.startswith("/audience/regions/")}
    found += [
        FieldError(pointer, "unknown_region", "No such region.")
        for pointer, one in regions.items()
        if isinstance(one, str) and not work.caller.sees(one)
    ]
    return found


async def draft(work: Work, wanted: Draft, leaves: Mapping[str, object]) -> BroadcastRow:
    """Keep a broadcast as a draft, of which nobody is told; raises Invalid (422) with every mistake."""
    if errors := await mistakes(work, leaves):
        raise Invalid(errors)
    row = BroadcastRow(
        id=work.new_id(),
        state=State.DRAFT.value,
        urgency=wanted.urgency.value,
        title_id=wanted.texts.title_id,
        body_id=wanted.texts.body_id,
        title_en=wanted.texts.title_en,
        body_en=wanted.texts.body_en,
        regions=sorted(set(wanted.audience.regions)),
        sectors=sorted(set(wanted.audience.sectors)),
        standings=sorted(set(wanted.audience.standings)),
        training_id=wanted.audience.training_id,
        starts_at=wanted.starts_at,
        expires_at=wanted.expires_at,
        drafted_by=work.caller.subject,
        drafted_at=work.now,
        traceparent=work.caller.traceparent,
    )
    work.session.add(row)
    await work.session.flush()
    await _stepped(work, row)
    return row


async def seen(work: Work, broadcast_id: UUID) -> BroadcastRow:
    """Give a broadcast all of whose regions the caller sees; raises Absent (404) for any other."""
    return _visible(work, await store.find(work.session, broadcast_id))


async def preview(work: Work, row: BroadcastRow) -> Preview:
    """Count who would be told how if it went now, and show how it reads to the first few."""
    counts = await _counted(work, row)
    first = await audience.stretch(work.session, row.audience, None, EXAMPLES)
    people = await contacts.known(work, [owner_key(one.owner_id) for one in first])
    examples = []
    for one in first:
        person = people[owner_key(one.owner_id)]
        masked = mask_name(one.name)
        words = filled(row.texts.of(person.language), person.language, masked, mask_name(one.business), row.expires_at)
        _, reaches = reach_of(person, Urgency(row.urgency), one.hold)
        examples.append(Example(masked, mask_phone(one.phone or ""), person.language, reaches, words))
    return Preview(counts, examples, await _told_alone(work))


async def _told_alone(work: Work) -> int:
    return await store.told_alone(work.session, work.caller.subject, work.now - ALONE_WITHIN)


async def _counted(work: Work, row: BroadcastRow) -> Counts:
    counts: dict[Outcome, Counter[str]] = {outcome: Counter() for outcome in Outcome}
    for alike in await audience.counted(work.session, row.audience):
        outcome, how = reach_of(alike.person, Urgency(row.urgency), alike.hold)
        counts[outcome][how] += alike.people
    return counts


def _people(counts: Counts) -> int:
    return sum(sum(by_how.values()) for by_how in counts.values())


async def submit(work: Work, broadcast_id: UUID) -> BroadcastRow:
    """Let a draft go where it is for few, or ask for the word of a second person.

    Shape: few are no more than one person may tell alone, together with all whom the caller told alone in 24 hours

    Raises: Absent (404); BroadcastStateWrong, BroadcastExpired, NobodyToTell, TooManyBroadcasts (409)
    """
    row = await _locked(work, broadcast_id)
    demand(State(row.state), State.DRAFT)
    counted = await _count_to_go(work, row)
    await store.lock(work.session)  # of two at once the second counts the first
    alone = await _told_alone(work) + counted <= ALONE_MAX
    if alone:
        await _demand_room(work)
    row.counted, row.submitted_by, row.submitted_at = counted, work.caller.subject, work.now
    row.traceparent = work.caller.traceparent
    row.state = (State.RUNNING if alone else State.SUBMITTED).value
    return await _stepped(work, row)


async def approve(work: Work, broadcast_id: UUID) -> BroadcastRow:
    """Let a broadcast to many go, as a second person; how many it is for is counted anew.

    Raises: Absent (404); BroadcastStateWrong, SecondPersonNeeded, BroadcastExpired, NobodyToTell,
            TooManyBroadcasts (409)
    """
    row = await _locked(work, broadcast_id)
    demand(State(row.state), State.SUBMITTED)
    _demand_second(work, row)
    row.counted = await _count_to_go(work, row)
    await _demand_room(work)
    row.approved_by, row.approved_at, row.state = work.caller.subject, work.now, State.RUNNING.value
    return await _stepped(work, row)


async def reject(work: Work, broadcast_id: UUID, why: str) -> BroadcastRow:
    """Keep a broadcast to many from going, as a second person; raises as `approve`."""
    row = await _locked(work, broadcast_id)
    demand(State(row.state), State.SUBMITTED)
    _demand_second(work, row)
    row.state, row.ended_at = State.REJECTED.value, work.now
    return await _stepped(work, row, why)


async def pause(work: Work, broadcast_id: UUID) -> BroadcastRow:
    """Let what is queued of a broadcast wait; what a sender has in hand goes. It still expires.

    Raises: Absent (404); BroadcastStateWrong (409)
    """
    row = await _locked(work, broadcast_id)
    demand(State(row.state), State.RUNNING)
    if row.steps >= STEPS_MAX:
        raise BroadcastStateWrong("It was paused too often; cancel it instead.", state=row.state)
    row.state = State.PAUSED.value
    await store.move(work.session, [row.fact], held=True)
    return await _stepped(work, row)


async def resume(work: Work, broadcast_id: UUID) -> BroadcastRow:
    """Let a paused broadcast go on where it stopped.

    Raises: Absent (404); BroadcastStateWrong, BroadcastExpired (409)
    """
    row = await _locked(work, broadcast_id)
    demand(State(row.state), State.PAUSED)
    _demand_of_use(work, row)
    row.state = State.RUNNING.value
    await store.move(work.session, [row.fact], held=False)
    return await _stepped(work, row)


async def cancel(work: Work, broadcast_id: UUID, why: str) -> BroadcastRow:
    """End a broadcast: what is queued is not sent, and nobody more is told.

    Raises: Absent (404); BroadcastStateWrong (409)
    """
    row = await _locked(work, broadcast_id)
    demand(State(row.state), State.DRAFT, State.SUBMITTED, State.RUNNING, State.PAUSED)
    row.state, row.ended_at = State.CANCELLED.value, work.now
    await store.end(work.session, [row.fact], work.now)
    return await _stepped(work, row, why)


async def _locked(work: Work, broadcast_id: UUID) -> BroadcastRow:
    return _visible(work, await store.locked(work.session, broadcast_id))


def _visible(work: Work, row: BroadcastRow | None) -> BroadcastRow:
    if row is None or not all(work.caller.sees(region) for region in row.regions):
        raise Absent
    return row


def _demand_second(work: Work, row: BroadcastRow) -> None:
    if work.caller.subject in (row.drafted_by, row.submitted_by):
        raise SecondPersonNeeded(f"{work.caller.subject} wrote it or submitted it.")


def _demand_of_use(work: Work, row: BroadcastRow) -> None:
    if row.expires_at <= work.now:
        raise BroadcastExpired


async def _count_to_go(work: Work, row: BroadcastRow) -> int:
    _demand_of_use(work, row)
    counts = await _counted(work, row)
    if not counts[Outcome.OUTSIDE] and not counts[Outcome.INBOX]:
        raise NobodyToTell
    return _people(counts)


async def _demand_room(work: Work) -> None:
    if await store.on_their_way(work.session) >= OPEN_MAX:
        raise TooManyBroadcasts(f"At most {OPEN_MAX}; one of them has to come to its end first.")


async def _stepped(work: Work, row: BroadcastRow, why: str | None = None) -> BroadcastRow:
    store.add_step(work.session, row, work.caller.subject, work.now, why)
    await work.session.flush()
    return row
