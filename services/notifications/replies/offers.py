"""Knowing which offers are open: learnt from what registration tells of seats and trainings."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.replies import store
from services.notifications.replies.store import SeatOfferRow
from shared.consumer import Heard
from shared.contracts.registration import (
    SeatAccepted,
    SeatDeclined,
    SeatEvent,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    TrainingCancelled,
)
from shared.database import Work
from shared.effect_audit import Seen, Told, compared, seen_in

STEPS = (SeatOffered, SeatAccepted, SeatDeclined, SeatExpired, SeatWaitlisted, SeatWithdrawn)
"""Every fact after which an offer is open, or is not any more."""

STANDINGS: Mapping[type[SeatEvent], str] = MappingProxyType(
    {
        SeatOffered: "offered",
        SeatAccepted: "accepted",
        SeatDeclined: "declined",
        SeatExpired: "expired",
        SeatWaitlisted: "waitlisted",
        SeatWithdrawn: "withdrawn",
    }
)
"""How a business stands with a training after each of them."""


async def hear(work: Work, run: Sequence[Heard[SeatEvent]]) -> None:
    """Keep how enrolments stand: offered, or not."""
    for event in (one.event for one in run):
        row = SeatOfferRow(
            enrolment_id=event.enrolment_id,
            training_id=event.training_id,
            business_id=event.business_id,
            title=event.title,
            region=event.region,
            step=event.step,
            standing=STANDINGS[type(event)],
            open=isinstance(event, SeatOffered),
            answer_by=event.answer_by if isinstance(event, SeatOffered) else None,
        )
        await store.hear_offer(work.session, row)


async def end(work: Work, event: TrainingCancelled) -> None:
    """Keep that a training was called off, whose offers nobody can answer any more."""
    await store.end_training(work.session, event.training_id)


ROWS = text("SELECT enrolment_id, step, open FROM seat_offer WHERE enrolment_id = ANY(CAST(:ids AS uuid[]))")
OVER = text("SELECT training_id FROM training_over WHERE training_id = ANY(CAST(:ids AS uuid[]))")


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare how each enrolment stands with what was told of it last."""
    events = [(one, one.event) for one in told if isinstance(one.event, SeatEvent)]
    rows = await session.execute(ROWS, {"ids": [event.enrolment_id for _, event in events]})
    found = {row["enrolment_id"]: dict(row) for row in rows.mappings()}
    return [Seen(one, "offer", _wrong(event, found.get(event.enrolment_id))) for one, event in events]


def _wrong(event: SeatEvent, row: Mapping[str, object] | None) -> str:
    step = row["step"] if row else None
    if isinstance(step, int) and step > event.step:
        return ""  # overtaken: by an event that is judged next, or by one that an erasure has made a tombstone
    return compared({"step": event.step, "open": isinstance(event, SeatOffered)}, row)


async def look_over(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Look whether it is known of each training that it was called off."""
    events = [(one, one.event) for one in told if isinstance(one.event, TrainingCancelled)]
    found = set((await session.execute(OVER, {"ids": [event.training_id for _, event in events]})).scalars())
    missing = "its offers still count as open"
    return [Seen(one, "over", "" if event.training_id in found else missing) for one, event in events]


LEARNT_OFFERS = seen_in(look, *STEPS)
LEARNT_OVER = seen_in(look_over, TrainingCancelled)
