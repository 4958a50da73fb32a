"""What is done about trainings: announce them, call them off, and hear what became of their kits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from services.registration.trainings import domain, enrolment_store, store
from services.registration.trainings.domain import (
    ATTENDANCE_PERCENT_DEFAULT,
    BEFORE,
    KitsState,
    State,
    TrainingCancelled,
    TrainingOver,
)
from services.registration.trainings.store import TrainingKitRow, TrainingRow, TrainingSessionRow
from shared import cursor
from shared.clock import wib_day
from shared.contracts.aid_distribution import KitsRefused, KitsReleased, KitsReserved
from shared.contracts.registration import KitWanted, TrainingAnnounced
from shared.contracts.registration import TrainingCancelled as TrainingCancelledEvent
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What is announced: `kits` by item, and the place whose stock they are asked of."""

    programme: str
    title: str
    sector: str
    region: str
    venue: str
    seats: int
    sessions: Sequence[date]
    document: str | None = None
    kits_place: str | None = None
    kits: Mapping[str, int]
    attendance_percent: int = ATTENDANCE_PERCENT_DEFAULT


@dataclass(frozen=True, slots=True)
class Found:
    """A training with its days and what it needs."""

    training: TrainingRow
    sessions: Sequence[TrainingSessionRow]
    kits: Sequence[TrainingKitRow]


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find everything wrong with an announcement beside its shape."""
    errors = [*domain.session_mistakes(leaves, wib_day(work.now)), *domain.kit_mistakes(leaves)]
    region = leaves.get("/region")
    if isinstance(region, str) and not (work.caller.sees(region) and await store.region_known(work.session, region)):
        errors.append(FieldError("/region", "unknown_region", "There is no regency or city of this code."))
    return errors


async def announce(work: Work, data: TrainingData, leaves: Mapping[str, object]) -> Found:
    """Announce a training, and with it ask for its kits; raises Invalid (422) with every mistake."""
    if errors := await mistakes(work, leaves):
        raise Invalid(errors)
    days = sorted(data.sessions)
    row = TrainingRow(
        id=work.new_id(),
        programme=data.programme,
        title=data.title,
        sector=data.sector,
        region=data.region,
        venue=data.venue,
        seats=data.seats,
        attendance_percent=data.attendance_percent,
        starts_on=days[0],
        ends_on=days[-1],
        document=data.document,
        state=State.ANNOUNCED,
        announced_at=work.now,
        announced_by=work.caller.subject,
        kits_state=KitsState.ASKED if data.kits else KitsState.NONE,
        kits_place=data.kits_place,
    )
    work.session.add(row)
    await work.session.flush()
    sessions = [TrainingSessionRow(training_id=row.id, no=no, held_on=day) for no, day in enumerate(days, 1)]
    kits = [TrainingKitRow(training_id=row.id, item=item, quantity=count) for item, count in sorted(data.kits.items())]
    work.session.add_all([*sessions, *kits])
    await work.session.flush()
    event = TrainingAnnounced(
        **_about(row),
        sector=row.sector,
        venue=row.venue,
        sessions=days,
        seats=row.seats,
        kits_place=row.kits_place,
        kits=[KitWanted(item=kit.item, quantity=kit.quantity) for kit in kits],
    )
    work.record(event, region=row.region)
    return Found(row, sessions, kits)


async def cancel(work: Work, training_id: UUID, reason: str) -> Found:
    """Call a training off; its kits are released by whoever holds them, and who has or awaits a seat is told.

    Raises: Absent (404), TrainingCancelled and TrainingOver (409)
    """
    row = await store.locked(work.session, training_id)
    if row is None or not work.caller.sees(row.region):
        raise Absent
    if row.state == State.CANCELLED:
        raise TrainingCancelled("It was called off before.")
    if row.state == State.FINISHED or row.ends_on < wib_day(work.now):
        raise TrainingOver(f"It ended on {row.ends_on}.", ended_on=row.ends_on.isoformat())
    row.state, row.cancelled_at, row.reason = State.CANCELLED, work.now, reason
    row.version += 1
    await work.session.flush()
    businesses = await enrolment_store.concerned(work.session, row.id)
    work.record(TrainingCancelledEvent(**_about(row), reason=reason, businesses=businesses), region=row.region)
    return (await _found(work, [row]))[0]


def _about(row: TrainingRow) -> dict[str, Any]:
    return {
        "training_id": row.id,
        "programme": row.programme,
        "title": row.title,
        "region": row.region,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
    }


async def hear_reserved(work: Work, event: KitsReserved) -> None:
    """Note that the kits of a training lie ready, and under which number."""
    if row := await _answered(work, event.training_id, KitsState.RESERVED):
        row.kits_reservation_id, row.kits_number = event.reservation_id, event.number


async def hear_refused(work: Work, event: KitsRefused) -> None:
    """Note that the kits of a training are not to be had, what is short, and where more of it lies."""
    if row := await _answered(work, event.training_id, KitsState.REFUSED):
        row.kits_because = event.because
        row.kits_shortages = [msgspec.to_builtins(one) for one in event.shortages]


async def hear_released(work: Work, event: KitsReleased) -> None:
    """Note that the kits of a training are available to others again."""
    if row := await _answered(work, event.training_id, KitsState.RELEASED):
        row.kits_reservation_id, row.kits_number = event.reservation_id, event.number


async def _answered(work: Work, training_id: UUID, state: KitsState) -> TrainingRow | None:
    """Go on to a state of the kits; None where it was gone through already, or of a training that is not known."""
    row = await store.locked(work.session, training_id)
    if row is None or row.kits_state not in BEFORE[state]:
        return None
    row.kits_state = state
    row.version += 1
    return row


async def show(work: Work, training_id: UUID) -> Found:
    """Show a training of the caller's regions; raises Absent (404)."""
    row = await work.session.get(TrainingRow, training_id)
    if row is None or not work.caller.sees(row.region):
        raise Absent
    return (await _found(work, [row]))[0]


async def found(work: Work, row: TrainingRow) -> Found:
    """Give a training with its days and what it needs."""
    return (await _found(work, [row]))[0]


async def page(work: Work, state: State | None, after: str | None, limit: int) -> Page[Found]:
    """List the trainings of the caller's regions, the latest first."""
    beyond = cursor.decode(after, tuple[date, UUID]) if after else None
    rows = await store.page(work.session, work.caller.regions, state, beyond, limit + 1)
    found = {one.training.id: one for one in await _found(work, rows)}
    return cursor.page(rows, limit, lambda row: found[row.id], lambda row: (row.starts_on, row.id))


async def _found(work: Work, rows: Collection[TrainingRow]) -> list[Found]:
    ids = [row.id for row in rows]
    sessions, kits = await store.sessions_of(work.session, ids), await store.kits_of(work.session, ids)
    return [Found(row, sessions[row.id], kits[row.id]) for row in rows]
