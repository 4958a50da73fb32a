"""What delivery does: queue what is to be sent, and move each delivery on, telling the others what became of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.notifications.delivery import receipts, store
from services.notifications.delivery.domain import KEYED, LEASE, Attempt, Outcome, Reason, Refused, State, change_after
from services.notifications.delivery.store import Delivery, Wanted
from services.notifications.people import OWNER_PREFIX
from services.notifications.plans import Lane
from shared.caller import Caller, Role
from shared.contracts.notifications import MessageDelivered, MessageFailed, PhoneUnreachable
from shared.database import Work
from shared.problems import Absent, Refusal

LEASED_MAX: Final = 20
"""How many deliveries a sender takes at once: what it does not get to waits until the lease is over."""

SWEPT_MAX: Final = 500

GiveUp = Callable[[Work, Sequence[UUID]], Awaitable[None]]
"""What is done, in the same transaction, about messages that no channel of their plans brings to their readers."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a channel answered to one attempt of a delivery."""

    delivery: Delivery
    attempt: Attempt
    outcome: Outcome


async def queue(work: Work, wanted: Sequence[Wanted]) -> None:
    """Queue messages over the first channel of their plans; a plan without any leaves a message to the inbox alone."""
    wanted = [one for one in wanted if one.plan.channels]
    if wanted:
        await store.queue(work.session, [work.new_id() for _ in wanted], wanted, now=work.now)


async def lease(
    work: Work, sender: UUID, channel: str, *, lanes: Sequence[Lane] = tuple(Lane), rows: int = LEASED_MAX
) -> list[Delivery]:
    """Take the deliveries that are due for one sender alone, the first lanes first."""
    until = work.now + LEASE
    return await store.lease(work.session, sender, channel, lanes=lanes, now=work.now, until=until, rows=rows)


async def begin(work: Work, sender: UUID, deliveries: Sequence[Delivery]) -> dict[UUID, Attempt]:
    """Say that deliveries are handed over now; those that are not this sender's any more are left out."""
    ids = [delivery.id for delivery in deliveries]
    return await store.begin(work.session, sender, ids, now=work.now, until=work.now + LEASE)


async def settle(
    work: Work, sender: UUID, answered: Sequence[Answered], give_up: GiveUp
) -> list[tuple[Answered, State]]:
    """Write what a channel answered, record what is an end, and queue the next channel where one failed for good.

    Gives the state that each leads to.
    """
    changes = {one.delivery.id: change_after(one.outcome, one.attempt, work.now) for one in answered}
    moved = await store.settle(work.session, sender, changes, work.now)
    failed, ended = [], set()
    for one in answered:
        change = changes[one.delivery.id]
        if one.delivery.id in moved:
            _record(work, one.delivery, change.state, change.reason)
            if change.state is State.FAILED:
                failed.append(one.delivery.id)
                if isinstance(one.outcome, Refused) and one.outcome.ends:
                    ended.add(one.delivery.id)
    await _go_on(work, failed, give_up, ended)
    return [(one, changes[one.delivery.id].state) for one in answered]


async def _go_on(work: Work, failed: Sequence[UUID], give_up: GiveUp, ended: AbstractSet[UUID] = frozenset()) -> None:
    """Queue the next channel of deliveries that failed for good, and give up the messages that have none left.

    Shape: those that are `ended` go over no other channel, whatever their plan says
    """
    if not failed:
        return
    following = {one: work.new_id() for one in failed if one not in ended}
    await store.queue_next(work.session, following, work.now)
    for delivery in await store.bad_numbers(work.session, failed):
        _record_unreachable(work, delivery)
    if lost := await store.lost(work.session, failed):
        await give_up(work, lost)


async def forget(work: Work, person: str) -> None:
    """Take away what may name the address of a person; what became of each delivery stays."""
    await store.forget(work.session, person)


async def release(work: Work, sender: UUID, ids: Sequence[UUID]) -> None:
    """Give back what a sender has taken and not begun, so that another can send it at once."""
    await store.release(work.session, sender, ids)


async def put_off(work: Work, sender: UUID, due_at: Mapping[UUID, datetime]) -> None:
    """Give back what is not to be handed over before a moment; it counts as no attempt."""
    if due_at:
        await store.put_off(work.session, sender, due_at)


async def sweep(work: Work, give_up: GiveUp) -> tuple[list[Delivery], list[Delivery]]:
    """Put in doubt what was begun and never finished, and fail what is too old; gives both.

    What a channel takes that knows our key is sent again instead of being doubted.
    """
    left = await store.doubt(work.session, keyed=sorted(KEYED), now=work.now, rows=SWEPT_MAX)
    await apply_receipts(work, give_up)
    aged = await store.age(work.session, now=work.now, rows=SWEPT_MAX)
    for delivery in aged:
        if delivery.state == State.FAILED:
            _record(work, delivery, State.FAILED, Reason.TOO_OLD)
    await _go_on(work, [one.id for one in aged if one.state == State.FAILED], give_up)
    return [one for one in left if one.state == State.UNKNOWN], aged


async def take_receipts(work: Work, channel: str, told: Sequence[receipts.Receipt], give_up: GiveUp) -> None:
    """Keep what a provider tells, each once, and apply what can be: the rest waits for our own write."""
    if told:
        await receipts.keep(work.session, channel, told, work.now)
        await apply_receipts(work, give_up)


async def apply_receipts(work: Work, give_up: GiveUp) -> None:
    """Bring to their end the deliveries of which receipts tell, and go on to the next channel where one failed."""
    applied = await receipts.apply(work.session, now=work.now, rows=SWEPT_MAX)
    for delivery, before, reason in applied:
        if delivery.state == State.FAILED:
            _record(work, delivery, State.FAILED, reason)
        elif before != State.ACCEPTED:  # that it was taken has been told already
            _record(work, delivery, State.ACCEPTED, None)
    await _go_on(work, [one.delivery.id for one in applied if one.delivery.state == State.FAILED], give_up)
    await receipts.forget(work.session, before=work.now - receipts.KEPT, rows=SWEPT_MAX)


class NotInDoubt(Refusal):
    """It is known what became of the delivery."""

    code = "not_in_doubt"
    title = "This delivery is in no doubt"


async def resolve(
    work: Work, caller: Caller, delivery_id: UUID, give_up: GiveUp, *, delivered: bool, why: str
) -> store.DeliveryRow:
    """Write what a person has found out of a delivery in doubt; what did not arrive goes over the next channel.

    Raises: Absent (404) for one of another region; NotInDoubt (409)
    """
    row = await store.one(work.session, delivery_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    state, reason = (State.DELIVERED, None) if delivered else (State.FAILED, Reason.NOT_DELIVERED)
    if not await receipts.resolve(work.session, delivery_id, state, reason, caller.subject, why, work.now):
        raise NotInDoubt(f"It is {row.state}.")
    (delivery,) = store.seen([row])
    _record(work, delivery, State.ACCEPTED if delivered else State.FAILED, reason)
    if not delivered:
        await _go_on(work, [delivery_id], give_up)
    row = await store.one(work.session, delivery_id)
    assert row is not None  # noqa: S101  it was there, and nobody deletes deliveries
    return row


async def reroute(work: Work, lacking: Sequence[str], give_up: GiveUp) -> tuple[list[Delivery], list[Delivery]]:
    """Take the next way for what is planned over channels that are not set up, and fail what has no other."""
    moved, stranded = await store.reroute(work.session, lacking, now=work.now, rows=SWEPT_MAX)
    for delivery in stranded:
        _record(work, delivery, State.FAILED, Reason.NOT_SET_UP)
    await _go_on(work, [one.id for one in stranded], give_up)
    return moved, stranded


def _caused(work: Work, delivery: Delivery) -> Caller:
    # The trace of the request that caused the message goes on in what became of it.
    return Caller(work.caller.subject, Role.SERVICE, work.caller.regions, traceparent=delivery.traceparent)


def _record_unreachable(work: Work, delivery: Delivery) -> None:
    event = PhoneUnreachable(
        owner_id=UUID(delivery.person.removeprefix(OWNER_PREFIX)),
        message_id=delivery.message_id,
        channel=delivery.channel,
        reason=Reason.BAD_ADDRESS.value,
        at=work.now,
    )
    work.record(event, region=delivery.region, caller=_caused(work, delivery))


def _record(work: Work, delivery: Delivery, state: State, reason: Reason | None) -> None:
    caller = _caused(work, delivery)
    if state is State.ACCEPTED:
        delivered = MessageDelivered(
            message_id=delivery.message_id, recipient=delivery.person, channel=delivery.channel, at=work.now
        )
        work.record(delivered, region=delivery.region, caller=caller)
    elif state is State.FAILED:
        failed = MessageFailed(
            message_id=delivery.message_id,
            recipient=delivery.person,
            channel=delivery.channel,
            at=work.now,
            reason=reason.value if reason else "",
        )
        work.record(failed, region=delivery.region, caller=caller)
