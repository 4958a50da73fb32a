"""A chain with something of everything in it, and what an administrator could change in it by hand."""

# ruff: noqa: S608  the statements are ours
from collections.abc import Sequence
from datetime import timedelta

from services.aid_distribution.ledger import chain_audit, counts
from services.aid_distribution.ledger.orders import CountedLine, CountStock
from shared.database import Database
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    OFFICE,
    RICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    give_out,
    issue,
    receipt,
    receive,
    reverse,
)


async def lived_in(database: Database, clock: StoppedClock) -> None:
    """Eight postings of 19.71 and one of 19.02, each at a moment of its own, with a count and what came late before it.

    1, 2 received; 3 damaged; 4 the reversal of 3; 5 counted; 6 received late, before the count; 7, 8 received
    """

    async def later() -> None:
        clock.advance(timedelta(minutes=1))

    await receive(database, receipt(100, ago(9)))
    await later()
    await receive(database, receipt(50, ago(8), item=RICE))
    await later()
    damaged = await give_out(database, issue(10, ago(7)))
    await later()
    await reverse(database, damaged.id)
    await later()
    order = CountStock(place=WAREHOUSE, occurred_at=ago(5), lines=[CountedLine(item=MASKS, quantity=90)])
    async with database.work(OFFICE) as work:
        await counts.count(work, OFFICE, order)
    await later()
    await receive(database, receipt(7, ago(6)))
    await later()
    await receive(database, receipt(1, ago(2)))
    await later()
    await receive(database, receipt(2, ago(1)))
    await receive(database, receipt(3, place=ELSEWHERE))


AT = "(SELECT id FROM posting WHERE region = '19.71' AND chain_seq = {})"
SWAP = """
    UPDATE posting p SET chain_seq = CASE chain_seq WHEN 6 THEN 7 ELSE 6 END
    WHERE region = '19.71' AND chain_seq IN (6, 7)
"""
WITHOUT_PLACES = "ALTER TABLE posting DROP CONSTRAINT posting_chain_place"
ADDED = f"""
    INSERT INTO posting_line SELECT posting_id, 2, item, lot, 1, from_place, to_place, occurred_at, recorded_at, NULL
    FROM posting_line WHERE posting_id = {AT.format(8)}
"""
FORGED = """
    INSERT INTO posting SELECT gen_random_uuid(), 'X-1', kind, region, occurred_at, recorded_at, actor, document,
                               reason, reverses, chain_seq + 1, chain_hash, chain_form
    FROM posting WHERE region = '19.71' AND chain_seq = 8
"""
BROKEN, HEAD = chain_audit.BROKEN, chain_audit.HEAD
CHANGED: dict[str, tuple[Sequence[str], Sequence[tuple[str, str]]]] = {
    "a quantity": (
        [f"UPDATE posting_line SET quantity = 99 WHERE posting_id = {AT.format(1)}"],
        [(BROKEN, "19.71 number 1 ")],
    ),
    "a moment of a line": (
        [f"UPDATE posting_line SET recorded_at = recorded_at + interval '1 us' WHERE posting_id = {AT.format(2)}"],
        [(BROKEN, "19.71 number 2 ")],
    ),
    "who posted": ([f"UPDATE posting SET actor = 'x' WHERE id = {AT.format(3)}"], [(BROKEN, "19.71 number 3 ")]),
    "what a reversal is about": (
        [f"UPDATE posting SET reverses = {AT.format(1)} WHERE id = {AT.format(4)}"],
        [(BROKEN, "19.71 number 4 ")],
    ),
    "what was counted": (["UPDATE count_line SET counted = 80"], [(BROKEN, "19.71 number 5 ")]),
    "a count forgotten": (["DELETE FROM count_line"], [(BROKEN, "19.71 number 5 ")]),
    "a line at a later count": (
        ["UPDATE posting_line SET quantity = 6 WHERE late_by IS NOT NULL"],
        [(BROKEN, "19.71 number 6 ")],
    ),
    "whose line it is": (
        [f"UPDATE posting_line SET late_by = {AT.format(7)} WHERE late_by IS NOT NULL"],
        [(BROKEN, "19.71 number 6 "), (BROKEN, "19.71 number 7 ")],
    ),
    "a line deleted": ([f"DELETE FROM posting_line WHERE posting_id = {AT.format(7)}"], [(BROKEN, "19.71 number 7 ")]),
    "a line added": ([ADDED], [(BROKEN, "19.71 number 8 ")]),
    "a posting deleted": ([f"DELETE FROM posting WHERE id = {AT.format(3)}"], [(BROKEN, "19.71 before ")]),
    "a posting moved to another region": (
        ["UPDATE posting SET region = '19.02' WHERE region = '19.71' AND chain_seq = 3"],
        [(BROKEN, "19.02 before "), (HEAD, "19.02"), (BROKEN, "19.71 before ")],
    ),
    "a posting added at the end": ([FORGED], [(BROKEN, "19.71 number 9 "), (HEAD, "19.71")]),
    "two postings swapped": (
        [WITHOUT_PLACES, SWAP],
        # the second of them, and the one after it, follow a hash that is not theirs
        [(BROKEN, "19.71 number 6 "), (BROKEN, "19.71 number 7 "), (BROKEN, "19.71 number 8 ")],
    ),
    "a hash": (
        [f"UPDATE posting SET chain_hash = sha256('x') WHERE id = {AT.format(4)}"],
        [(BROKEN, "19.71 number 4 "), (BROKEN, "19.71 number 5 ")],
    ),
    "the hash of the head": (
        ["UPDATE chain_head SET last_hash = sha256('x') WHERE region = '19.71'"],
        [(HEAD, "19.71")],
    ),
    "the number of the head": (["UPDATE chain_head SET last_seq = 7 WHERE region = '19.71'"], [(HEAD, "19.71")]),
    "the head forgotten": (["DELETE FROM chain_head WHERE region = '19.71'"], [(HEAD, "19.71")]),
    "a head of nothing": (["INSERT INTO chain_head VALUES ('19.05', 1, sha256('x'))"], [(HEAD, "19.05")]),
    "the end cut off": ([f"DELETE FROM posting WHERE id = {AT.format(8)}"], [(HEAD, "19.71")]),
    "two errors": (
        [
            f"UPDATE posting SET document = 'x' WHERE id = {AT.format(2)}",
            f"UPDATE posting SET document = 'x' WHERE id = {AT.format(7)}",
        ],
        [(BROKEN, "19.71 number 2 "), (BROKEN, "19.71 number 7 ")],
    ),
}
