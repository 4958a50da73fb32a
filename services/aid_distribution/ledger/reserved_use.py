"""Using what is reserved: a distribution or a transfer that names a reservation takes its goods out of it.

What is not used stays reserved until it is released or expires. A posting that is reversed gives back to its
reservation, or to the free goods where that has ended since.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.aid_distribution.ledger import reserved
from services.aid_distribution.ledger.domain import NO_LOT, Line, reserved_place
from services.aid_distribution.ledger.reserved import (
    Lot,
    ReservationLineRow,
    ReservationRow,
    ReservationUseRow,
    State,
    by_lot,
    left_of,
)
from services.aid_distribution.ledger.store import Posted
from shared.caller import Caller
from shared.clock import wib_day
from shared.database import Work
from shared.problems import FieldError, Json, Refusal
from shared.routes import Asked

B = TypeVar("B")
NO_LOT_KNOWN = Lot(None, held=False)

Returned = list[tuple[ReservationRow, list[Line]]]
"""What is given back to reservations that have ended, as the lines that free it."""


class ReservationEnded(Refusal):
    """What was reserved was used, released, or kept too long."""

    code = "reservation_ended"
    title = "This reservation has ended"


class MoreThanReserved(Refusal):
    """A reservation holds less than is asked of it."""

    code = "more_than_reserved"
    title = "More than is reserved"


@dataclass(slots=True)
class Reserved:
    """The reservations that some orders name, locked, with what they hold."""

    rows: dict[UUID, ReservationRow] = field(default_factory=dict)
    lines: dict[UUID, list[ReservationLineRow]] = field(default_factory=dict)
    lots: dict[tuple[UUID, str, str], Lot] = field(default_factory=dict)

    def mistakes(self, one: UUID | None, place: str, at: datetime, caller: Caller) -> list[FieldError]:
        """Say what is wrong with naming a reservation: there is none there for this caller, or it was made later."""
        if one is None:
            return []
        row = self.rows.get(one)
        if row is None or row.place != place or not caller.sees(row.region):
            return [FieldError("/reservation", "unknown_reservation", f"There is no reservation {one} at {place}.")]
        if at < row.reserved_at:
            return [FieldError("/occurred_at", "before_reservation", "Nothing was reserved then.")]
        return []

    def leaving(self, one: UUID | None, goods: tuple[Line, ...], at: datetime) -> tuple[Line, ...] | Refusal:
        """Give the lines of goods that leave a place, those of a reservation where one is named."""
        return goods if one is None else self._take(one, goods, at)

    def as_far_as_held(self, one: UUID, goods: tuple[Line, ...], at: datetime) -> tuple[Line, ...]:
        """Give the lines of goods that have left a place: out of the free ones what a reservation does not hold."""
        if self._ended(one, at):
            return goods
        taken, missing = self._choose(one, goods, at)
        return (*taken, *(not_held for _, not_held in missing))

    def freed_at(self, one: UUID) -> datetime | None:
        """Give when what was left of a reservation became free, if it did."""
        row = self.rows[one]
        return row.ended_at if row.state in (State.RELEASED, State.EXPIRED) else None

    def _ended(self, one: UUID, at: datetime) -> ReservationEnded | None:
        row = self.rows[one]
        if row.state == State.OPEN and row.expires_at > at:
            return None
        state = State.EXPIRED if row.state == State.OPEN else row.state
        return ReservationEnded(f"{row.number} is {state}.", state=str(state))

    def _take(self, one: UUID, goods: Sequence[Line], at: datetime) -> tuple[Line, ...] | Refusal:
        """Choose what is taken out of a reservation: what names its lot first, the rest in the order of expiry.

        What has expired or is on hold is skipped and told of; what names it by its lot is for the ledger to refuse.
        """
        if ended := self._ended(one, at):
            return ended
        row = self.rows[one]
        taken, missing = self._choose(one, goods, at)
        if missing:
            short: list[dict[str, Json]] = []
            for asked, not_held in missing:
                about: dict[str, Json] = {"item": asked.item, "lot": asked.lot, "asked": asked.quantity}
                held: dict[str, Json] = {"reserved": asked.quantity - not_held.quantity}
                short.append(about | held | self._skipped(one, asked, at))
            detail = f"{short[0]['item']}: asked {short[0]['asked']}, {row.number} holds {short[0]['reserved']}."
            return MoreThanReserved(detail, number=row.number, cards=[*short])
        return tuple(taken)

    def _choose(self, one: UUID, goods: Sequence[Line], at: datetime) -> tuple[list[Line], list[tuple[Line, Line]]]:
        """Give the lines out of a reservation; and for each line that it does not hold whole, that and its rest."""
        place = self.rows[one].place
        left = {(line.item, line.lot): line.left for line in self.lines[one]}
        taken: list[Line] = []
        missing: list[tuple[Line, Line]] = []
        for asked in sorted(goods, key=lambda line: line.lot is None):
            rest = asked.quantity
            for lot in self._choice(one, asked, at):
                if part := min(rest, left[asked.item, lot]):
                    taken.append(Line(asked.item, part, reserved_place(place), asked.to_place, lot))
                    left[asked.item, lot] -= part
                    rest -= part
            if rest:
                missing.append((asked, Line(asked.item, rest, asked.from_place, asked.to_place, asked.lot)))
        return taken, missing

    def _choice(self, one: UUID, asked: Line, at: datetime) -> Iterator[str]:
        for line in self.lines[one]:
            may_be_taken = asked.lot == line.lot if asked.lot else self._usable(line, at)
            if line.item == asked.item and may_be_taken:
                yield line.lot

    def _skipped(self, one: UUID, asked: Line, at: datetime) -> dict[str, Json]:
        """Name the lots that would have had more of it, were they not on hold or expired."""
        told: dict[str, Json] = {}
        unused = [line for line in self.lines[one] if line.item == asked.item and line.left and asked.lot is None]
        for name, held in (("skipped_held", True), ("skipped_expired", False)):
            lots = [line.lot for line in unused if not self._usable(line, at) and self._lot(line).held is held]
            if lots:
                told[name] = [*lots]
        return told

    def _usable(self, line: ReservationLineRow, at: datetime) -> bool:
        lot = self._lot(line)
        return not lot.held and (lot.expires_on is None or lot.expires_on >= wib_day(at))

    def _lot(self, line: ReservationLineRow) -> Lot:
        return self.lots.get((line.reservation_id, line.item, line.lot), NO_LOT_KNOWN)

    async def use(self, work: Work, outcomes: Iterable[tuple[UUID | None, Posted | Refusal]]) -> None:
        """Write down what postings took out of reservations, each of which ends with its last goods."""
        used = [(one, posted) for one, posted in outcomes if one is not None and isinstance(posted, Posted)]
        for one, posted in used:
            row, lines = self.rows[one], self.lines[one]
            shelf = reserved_place(row.place)
            taken = by_lot(
                (line.item, line.lot or NO_LOT, line.quantity) for line in posted.lines if line.from_place == shelf
            )
            if not taken:  # it had happened, and the reservation was gone
                continue
            for line in lines:
                line.used += taken[line.item, line.lot]
            work.session.add_all(
                ReservationUseRow(posting_id=posted.draft.id, item=item, lot=lot, reservation_id=one, quantity=quantity)
                for (item, lot), quantity in taken.items()
            )
            if not left_of(lines):
                row.state, row.ended_at, row.ended_by = State.USED, work.now, posted.draft.actor
            row.version += 1
        if used:
            await work.session.flush()


async def named(work: Work, ids: Collection[UUID | None]) -> Reserved:
    """Lock the reservations that orders name; costs nothing where they name none."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return Reserved()
    rows = await reserved.lock(work.session, wanted)
    return Reserved(rows, await reserved.lines_of(work.session, rows), await reserved.lots_of(work.session, rows))


def apart(orders: Iterable[Asked[B]]) -> Iterator[list[Asked[B]]]:
    """Part orders so that no two of one part name the same reservation: what one leaves, the next may have."""
    run: list[Asked[B]] = []
    seen: set[UUID] = set()
    for one in orders:
        if (wanted := getattr(one.body, "reservation", None)) is not None:
            if wanted in seen:
                yield run
                run, seen = [], set()
            seen.add(wanted)
        run.append(one)
    if run:
        yield run


async def lock_used(work: Work, posting_id: UUID) -> Reserved:
    """Lock the reservations that a posting used, before the cards are: whoever uses one locks in this order too."""
    return await named(work, await reserved.used_by(work.session, posting_id))


async def give_back(work: Work, held: Reserved, posting_id: UUID) -> Returned:
    """Give back to reservations what a reversed posting took out of them.

    Gives what belongs to reservations that were released or have expired since: it is to be released again.
    """
    to_release: Returned = []
    uses = await reserved.uses_by(work.session, held.rows, posting_id)
    for one, row in held.rows.items():
        mine = [use for use in uses[one] if not use.returned]
        back = by_lot((use.item, use.lot, use.quantity) for use in mine)
        for use in mine:
            use.returned = True
        over = row.state in (State.RELEASED, State.EXPIRED)
        for line in held.lines[one]:
            line.used -= back[line.item, line.lot]
            line.released += back[line.item, line.lot] if over else 0
        if over:
            shelf = reserved_place(row.place)
            lines = [Line(item, quantity, shelf, row.place, lot) for (item, lot), quantity in back.items()]
            to_release.append((row, lines))
        elif row.state == State.USED:
            row.state, row.ended_at, row.ended_by = State.OPEN, None, None
        row.version += 1
    await work.session.flush()
    return to_release
