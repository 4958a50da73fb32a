"""What delivery does: queue what is to be sent, and move each delivery on, telling the others what became of it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.notifications.delivery import store
from services.notifications.delivery.domain import AGE_MAX, LEASE, Outcome, Reason, State, change_after
from services.notifications.delivery.store import Delivery, Wanted
from shared.caller import Caller, Role
from shared.contracts.notifications import MessageDelivered, MessageFailed
from shared.database import Work

LEASED_MAX: Final = 20
"""How many deliveries a sender takes at once: what it does not get to waits until the lease is over."""

SWEPT_MAX: Final = 500


async def queue(work: Work, wanted: Sequence[Wanted], *, channel: str) -> None:
    """Queue messages for a channel."""
    if wanted:
        await store.queue(work.session, [work.new_id() for _ in wanted], wanted, channel=channel, now=work.now)


async def lease(work: Work, sender: UUID, channel: str) -> list[Delivery]:
    """Take the deliveries that are due for one sender alone."""
    return await store.lease(work.session, sender, channel, now=work.now, until=work.now + LEASE, rows=LEASED_MAX)


async def begin(work: Work, sender: UUID, delivery: Delivery) -> int | None:
    """Say that a delivery is handed over now; None when it is not this sender's any more."""
    return await store.begin(work.session, sender, delivery.id, now=work.now, until=work.now + LEASE)


async def settle(work: Work, sender: UUID, delivery: Delivery, attempt: int, outcome: Outcome) -> State:
    """Write what a channel answered, and record it as a fact where it is an end; gives the state that it leads to."""
    change = change_after(outcome, attempt, work.now)
    if await store.settle(work.session, sender, delivery.id, change, work.now):
        _record(work, delivery, change.state, change.reason)
    return change.state


async def forget(work: Work, person: str) -> None:
    """Take away what may name the address of a person; what became of each delivery stays."""
    await store.forget(work.session, person)


async def release(work: Work, sender: UUID) -> None:
    """Give back what a sender has taken and not begun, so that another can send it at once."""
    await store.release(work.session, sender)


async def sweep(work: Work) -> tuple[list[Delivery], list[Delivery]]:
    """Put in doubt what was begun and never finished, and fail what is too old; gives both."""
    doubtful = await store.doubt(work.session, now=work.now, rows=SWEPT_MAX)
    aged = await store.age(work.session, before=work.now - AGE_MAX, now=work.now, rows=SWEPT_MAX)
    for delivery in aged:
        _record(work, delivery, State.FAILED, Reason.TOO_OLD)
    return doubtful, aged


def _record(work: Work, delivery: Delivery, state: State, reason: Reason | None) -> None:
    # The trace of the request that caused the message goes on in what became of it.
    caller = Caller(work.caller.subject, Role.SERVICE, work.caller.regions, traceparent=delivery.traceparent)
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
