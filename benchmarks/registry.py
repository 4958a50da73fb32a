"""Finding businesses, and finding those that are one, among fifty thousand."""

import random
from itertools import islice
from time import perf_counter
from uuid import UUID

from sqlalchemy import text

from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage, database
from services.registration.businesses import searching
from services.registration.businesses.store import Wanted
from services.registration.duplicates import domain, handlers
from shared.caller import Caller, Role
from shared.database import Database
from tests.registration.twins import Twin, again, businesses, put

KNOWN, NEW = 50_000, 5_000
TWICE = NEW // 2
ASKED = 300
CHUNK = 5_000
STAFF = Caller("staff-19", Role.PROVINCE_STAFF, ("19",))
REGIONS = text(
    "INSERT INTO region (code, code_system, name, kind, population)"
    " SELECT code, 'kemendagri', code, 'regency', 1 FROM unnest(CAST(:codes AS text[])) AS code"
)
OWNERLESS = "DELETE FROM owner WHERE NOT EXISTS (SELECT FROM business WHERE owner_id = owner.id)"
SCAN_SECONDS_MAX, SEARCH_MS_MAX = 10, 50


async def rows(stage: Stage) -> list[Row]:
    """Measure the search of a clerk, and the check of new businesses against all that are known."""
    dice = random.Random(19)  # noqa: S311  the same businesses each time
    count, new = stage.scaled(KNOWN), stage.scaled(NEW)
    known = list(businesses(count))
    twice = dice.sample(range(count), new // 2)
    fresh = [*(again(known[one], dice) for one in twice), *islice(businesses(new, seed=8), new - new // 2)]
    async with database(stage, "registry", migrated="registration") as store:
        async with store.work(STAFF) as work:
            await work.session.execute(REGIONS, {"codes": sorted({one.region for one in known})})
            for first in range(0, count, CHUNK):
                await put(work, known[first : first + CHUNK], first + 1)
        await _settled(store)
        milliseconds = sorted([await _asked(store, known, dice) for _ in range(stage.scaled(ASKED))])
        seconds, found = [], 0
        for repetition in range(stage.repetitions):
            async with store.work(STAFF) as work:
                ids = await put(work, fresh, count + 1)
            await _settled(store)
            began = perf_counter()
            async with store.work(STAFF) as work:
                found = len(await handlers.check(work, ids))
            seconds.append(perf_counter() - began)
            right = await _right(store, twice, ids)
            stage.say(f"  check {repetition + 1}: {seconds[-1]:.2f} s, {right} of {len(twice)} found, {found} cases")
            await _forget(store, ids)
    return [
        Row(
            what=f"Search by part of a name among {KNOWN:,} businesses, p99",
            unit="ms",
            figures=[milliseconds[int(len(milliseconds) * 0.99)]],
            budgets=(Budget(SEARCH_MS_MAX, most=True),),
        ),
        Row(
            what=f"{NEW:,} new businesses held against {KNOWN:,} known ({domain.RULE})",
            unit="s",
            figures=seconds,
            budgets=(Budget(SCAN_SECONDS_MAX, most=True),),
        ),
    ]


async def _asked(store: Database, known: list[Twin], dice: random.Random) -> float:
    one = dice.choice(known)
    typed = dice.choice((one.name, one.owner, one.name.split()[-1][:5], (one.phone or "+62834000")[-6:]))
    began = perf_counter()
    async with store.reading(STAFF) as work:
        asked = searching.question(typed, await searching.folded(work.session, typed), phones=True)
        await searching.matching(work.session, asked, Wanted(), STAFF.regions, None, 51)
    return (perf_counter() - began) * 1000


async def _right(store: Database, twice: list[int], ids: list[UUID]) -> int:
    """Count the pairs that are the same business indeed: the first of the new ones are known ones, written anew."""
    due = {(one + 1, ids[place].int) for place, one in enumerate(twice)}
    async with store.reading(STAFF) as work:
        found = await work.session.execute(text("SELECT low_id, high_id FROM duplicate_case"))
        return sum((low.int, high.int) in due for low, high in found)


async def _settled(store: Database) -> None:
    async with store.work(STAFF) as work:
        await work.session.execute(text("ANALYZE owner, business, business_search, duplicate_key"))


async def _forget(store: Database, ids: list[UUID]) -> None:
    async with store.work(STAFF) as work:
        await work.session.execute(text("DELETE FROM duplicate_case"))
        await work.session.execute(text("DELETE FROM business WHERE id = ANY(:ids)"), {"ids": ids})
        await work.session.execute(
            text("DELETE FROM owner WHERE NOT EXISTS (SELECT FROM business WHERE owner_id = owner.id)")
        )
