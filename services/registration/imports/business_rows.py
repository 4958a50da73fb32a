"""What becomes of the rows of a file of businesses: each new, changed, unchanged or refused."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from services.registration.businesses import bulk, told
from services.registration.businesses.told import Decision, Fault, Kind, Sees, Several
from services.registration.imports.columns import BUSINESSES, Layout
from services.registration.imports.domain import ReadRow, SoFar, note
from shared.clock import wib_day
from shared.database import Work


class BusinessRows:
    """Decides about businesses as registering and changing them one by one does."""

    def __init__(self, layout: Layout, sees: Sees) -> None:
        """Take where the columns stand, and what the sender sees."""
        self._layout = layout
        self._sees = sees
        self._so_far = SoFar()

    def begin(self) -> None:
        """Forget the rows so far."""
        self._so_far = SoFar()

    async def decide(self, work: Work, read: Sequence[ReadRow], *, lock: bool) -> Sequence[Decision]:
        """Decide about the next rows; with `lock` nobody else changes what they are about until the end."""
        known = await bulk.known_of(work, [one.told for one in read], lock=lock)
        now = told.Now(wib_day(work.now), work.now, work.new_id, work.caller)
        return await asyncio.to_thread(self._decide_all, read, known, now)

    async def write(self, work: Work, decisions: Sequence[Decision], batch: UUID) -> int:
        """Write what was decided, with its events; gives how many businesses are to be compared later."""
        return await bulk.write(work, decisions, batch)

    def _decide_all(self, read: Sequence[ReadRow], known: told.Known, now: told.Now) -> list[Decision]:
        return [self._decide(one, known, now) for one in read]

    def _decide(self, one: ReadRow, known: told.Known, now: told.Now) -> Decision:
        wrong_cells = bool(one.findings)
        meant: UUID | None = None
        faults: list[Fault] = []
        try:
            meant = told.matched(one.told, known, self._sees)
        except Several:
            faults.append(Fault("name", "ambiguous_match", "More than one business is meant; name its id."))
        except LookupError:
            faults.append(Fault("id", "unknown_business", "There is no business of this id."))
        owner = known.businesses[meant]["owner_id"] if meant else None
        faults += self._so_far.faults(one.number, one.told, meant, owner)
        if wrong_cells or faults:  # what else is wrong is told too, and nothing of it becomes known
            faults += told.faults_only(one.told, meant, known, self._sees, now)
            decision = Decision(kind=Kind.REFUSED)
        else:
            decision = told.decide(one.told, meant, known, self._sees, now)
            faults = decision.faults
        note(one, self._layout, faults, BUSINESSES.by_field)
        return decision
