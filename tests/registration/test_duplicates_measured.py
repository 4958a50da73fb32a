"""How many of the same are found, and how many of the found are the same, among businesses that were made up."""

import random

from sqlalchemy import text

from services.registration.duplicates import domain, handlers, store
from shared.database import Database, Work
from tests.registration.people import OFFICE
from tests.registration.twins import again, businesses, put

KNOWN, NEW, TWICE = 3_000, 600, 300


async def pairs(work: Work) -> set[tuple[int, int]]:
    """Give the pairs of which there is a case, by the numbers that `put` gave them."""
    rows = await work.session.execute(text("SELECT low_id, high_id FROM duplicate_case"))
    return {(low.int, high.int) for low, high in rows}


async def test_most_of_the_same_are_found_and_most_of_the_found_are_the_same(database: Database) -> None:
    dice = random.Random(19)
    known = list(businesses(KNOWN))
    fresh = list(businesses(NEW - TWICE, seed=8))
    twice = dice.sample(known, TWICE)
    new = [again(one, dice) for one in twice]
    due = {(known.index(one) + 1, KNOWN + 1 + place) for place, one in enumerate(twice)}
    async with database.work(OFFICE) as work:
        await put(work, known, 1)
        ids = await put(work, [*new, *fresh], KNOWN + 1)
    async with database.work(OFFICE) as work:
        await work.session.execute(text("ANALYZE business, business_search, duplicate_key, owner"))
    async with database.work(OFFICE) as work:
        looked_at = {(low.int, high.int) for low, high in await store.candidates(work.session, ids)}
        opened = await handlers.check(work, ids)
        found = await pairs(work)
    assert len(opened) == len(found)
    met, right = len(due & looked_at) / len(due), due & found
    recall, precision = len(right) / len(due), len(right) / len(found)
    told = f"met {met:.3f}, recall {recall:.3f}, precision {precision:.3f} of {len(found)}, rule {domain.RULE}"
    assert met >= 0.97, told
    assert recall >= 0.9, told
    assert precision >= 0.9, told
