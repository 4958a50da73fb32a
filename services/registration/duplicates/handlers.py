"""What is done about duplicates: look for them, show them, and keep what a person decides."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from services.registration.duplicates import domain, store
from services.registration.duplicates.domain import State
from services.registration.duplicates.store import Case, DuplicateCaseRow
from shared import cursor
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page


async def check(work: Work, business_ids: Collection[UUID]) -> list[UUID]:
    """Hold businesses against all that are known, and open a case for each pair that is alike.

    Shape:  as many at once as one likes, in five statements; gives the cases that are open now and were not before.
            What was decided about a pair before is not asked again
    """
    pairs = await store.candidates(work.session, business_ids)
    known = await store.known(work.session, {side for pair in pairs for side in pair})
    found = [
        (work.new_id(), low, high, score)
        for low, high in pairs
        if (score := domain.compare(known[low], known[high])) is not None
    ]
    return await store.open_cases(work.session, found, domain.RULE, work.now) if found else []


async def ask(work: Work, business_ids: Collection[UUID], batch: UUID) -> int:
    """Let businesses be compared soon, by whoever works that off; gives how many did not wait already."""
    return await store.ask(work.session, business_ids, batch)


async def compare_some(work: Work, most: int) -> Mapping[UUID, int]:
    """Compare some of those that wait, in the transaction in which they cease to wait: once, whoever dies over it.

    Shape: gives how many were compared of each batch; none where nothing waits
    """
    taken = await store.take(work.session, most)
    if taken:
        await check(work, [business_id for business_id, _ in taken])
    return Counter(batch for _, batch in taken)


async def scan(work: Work, business_ids: Collection[UUID]) -> tuple[int, list[UUID]]:
    """Check those of these businesses that the caller sees; gives how many these are, and the cases opened anew."""
    seen = await store.seen(work.session, business_ids, work.caller.regions)
    return len(seen), await check(work, seen)


async def seen_of(work: Work, case_ids: Collection[UUID]) -> list[Case]:
    """Give those of these cases that the caller may know of: both businesses are theirs."""
    rows = await store.by_ids(work.session, case_ids) if case_ids else []
    return [case for case in await store.cases(work.session, rows) if _seen(work, case)]


async def page(work: Work, state: State | None, business: UUID | None, after: str | None, limit: int) -> Page[Case]:
    """List the cases of the caller's regions, the surest first."""
    beyond = cursor.decode(after, tuple[int, UUID]) if after else None
    rows = await store.page(work.session, work.caller.regions, state, business, beyond, limit + 1)
    cases = {case.row.id: case for case in await store.cases(work.session, rows)}
    return cursor.page(rows, limit, lambda row: cases[row.id], lambda row: (row.score, row.id))


async def show(work: Work, case_id: UUID) -> Case:
    """Show a case; raises Absent (404), also where one of its businesses is not the caller's."""
    return await _shown(work, await work.session.get(DuplicateCaseRow, case_id))


async def locked(work: Work, case_id: UUID) -> Case:
    """Give a case that nobody else decides meanwhile; raises Absent (404)."""
    return await _shown(work, await store.locked(work.session, case_id))


async def decide(work: Work, case_id: UUID, decision: State, reason: str) -> Case:
    """Keep that two businesses are the same, or are different. Raises: Absent (404), CaseDecided (409)."""
    case = await locked(work, case_id)
    await settle(work, case.row, decision, reason)
    return case


async def settle(work: Work, row: DuplicateCaseRow, decision: State, reason: str) -> None:
    """Write what was decided about a locked case; raises CaseDecided (409)."""
    row.state = domain.follow(State(row.state), decision).value
    row.decided_at, row.decided_by, row.reason = work.now, work.caller.subject, reason
    row.version += 1
    await work.session.flush()


async def _shown(work: Work, row: DuplicateCaseRow | None) -> Case:
    if row is None:
        raise Absent
    (case,) = await store.cases(work.session, [row])
    if not _seen(work, case):
        raise Absent
    return case


def _seen(work: Work, case: Case) -> bool:
    return all(work.caller.sees(region) for region in case.regions.values())
