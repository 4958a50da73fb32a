"""The balance of any date after ten thousand movements and after a million: the same question, the same answer time."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter

from sqlalchemy import text

from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage, database
from services.aid_distribution.ledger import cards
from services.aid_distribution.ledger.cards import BalanceQuery
from shared.caller import Caller, Role
from shared.database import Database

MOVEMENTS = 1_000_000
MOVEMENTS_FEW = 10_000
MOVEMENTS_PER_STATEMENT = 100_000
QUESTIONS = 200
PLACES, ITEMS = 7, 5
BEGINS = datetime(2020, 9, 1, tzinfo=UTC)
DAYS = 730
STAFF = Caller("staff-19", Role.PROVINCE_STAFF, ("19",))

# Movement n is on card n modulo 35, two in and then one out, spread evenly over two years. Loading does what the
# journal and its days would hold, without checking again for each row what is right by construction.
MOVE = text(
    f"""
    INSERT INTO posting_line (posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at, recorded_at)
    SELECT gen_random_uuid(), 0, item, '', CASE WHEN inward THEN 2 ELSE 1 END,
           CASE WHEN inward THEN 'SUPPLIER' ELSE here END, CASE WHEN inward THEN here ELSE 'PUBLIC' END, at, at
    FROM (SELECT 'WH-' || n % {PLACES} AS here, 'ITEM-' || n / {PLACES} % {ITEMS} AS item,
                 n / {PLACES * ITEMS} % 2 = 0 AS inward,
                 CAST(:begins AS timestamptz) + n * (interval '{DAYS} days' / CAST(:movements AS bigint)) AS at
          FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n) AS movement
    """
)
PREPARE = (
    """
    ALTER TABLE posting_line DROP CONSTRAINT posting_line_posting_id_fkey,
        DROP CONSTRAINT posting_line_from_place_fkey, DROP CONSTRAINT posting_line_to_place_fkey,
        DROP CONSTRAINT posting_line_item_fkey
    """,
    f"""
    INSERT INTO item (code, id, name, unit, category, created_at)
    SELECT 'ITEM-' || n, gen_random_uuid(), 'Item', 'piece', 'mask', now() FROM generate_series(0, {ITEMS - 1}) AS n
    """,
    f"""
    INSERT INTO place (code, id, name, kind, region, created_at)
    SELECT 'WH-' || n, gen_random_uuid(), 'Gudang', 'warehouse', '19.0' || n, now()
    FROM generate_series(0, {PLACES - 1}) AS n
    """,
)
ADD_UP = (
    """
    INSERT INTO card_day (place, item, lot, day, opening, incoming, outgoing, lowest)
    SELECT place, item, '', day, opening, incoming, outgoing, least(opening, opening + incoming - outgoing) FROM (
        SELECT *, coalesce(sum(incoming - outgoing) OVER (
            PARTITION BY place, item ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS opening
        FROM (SELECT CASE WHEN from_place = 'SUPPLIER' THEN to_place ELSE from_place END AS place, item,
                     CAST(occurred_at AT TIME ZONE 'Asia/Jakarta' AS date) AS day,
                     coalesce(sum(quantity) FILTER (WHERE from_place = 'SUPPLIER'), 0) AS incoming,
                     coalesce(sum(quantity) FILTER (WHERE to_place = 'PUBLIC'), 0) AS outgoing
              FROM posting_line GROUP BY 1, 2, 3) AS days
    ) AS opened
    """,
    """
    INSERT INTO card (place, item, lot, on_hand)
    SELECT DISTINCT ON (place, item) place, item, '', opening + incoming - outgoing FROM card_day
    ORDER BY place, item, day DESC
    """,
)
HELD = text(
    "SELECT sum(CASE WHEN to_place = :place THEN quantity ELSE -quantity END) FROM posting_line"
    " WHERE :place IN (from_place, to_place) AND occurred_at <= :moment"
)


async def rows(stage: Stage) -> list[Row]:
    """Ask both histories for balances of the same moments, in turns."""
    few, many = stage.scaled(MOVEMENTS_FEW), stage.scaled(MOVEMENTS)
    async with loaded(stage, few) as short, loaded(stage, many) as long:
        moments = _moments()
        found = await stage.in_turns(
            {
                f"p99 of {many:,}": lambda: _asked(long, moments, 0.99),
                f"p50 of {many:,}": lambda: _asked(long, moments, 0.5),
                f"p50 of {few:,}": lambda: _asked(short, moments, 0.5),
            },
        )
    slowest, after_many, after_few = found.values()
    return [
        Row(what=f"Balances of a place as of any date, {many:,} movements, p99", unit="ms", figures=slowest,
            budgets=(Budget(10, most=True),)),
        Row(what="The same, p50: flat as history grows", unit="ms", figures=after_many, against=f"{few:,} movements",
            others=after_few, budgets=(Budget(2, ratio=True, most=True),)),
    ]  # fmt: skip


@asynccontextmanager
async def loaded(stage: Stage, movements: int) -> AsyncIterator[Database]:
    """Give a ledger that holds a history of so many movements."""
    async with database(stage, f"history_{movements}", migrated="aid_distribution") as store:
        stage.say(f"loading {movements:,} movements")
        async with store.engine.begin() as connection:
            for statement in PREPARE:
                await connection.execute(text(statement))
        for first in range(0, movements, MOVEMENTS_PER_STATEMENT):  # each of them well within its time-out
            async with store.engine.begin() as connection:
                last = min(first + MOVEMENTS_PER_STATEMENT, movements) - 1
                await connection.execute(MOVE, {"begins": BEGINS, "movements": movements, "first": first, "last": last})
        async with store.engine.begin() as connection:
            for statement in ADD_UP:
                await connection.execute(text(statement))
        async with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("VACUUM ANALYZE"))
        yield store


def _moments() -> list[datetime]:
    choice = random.Random(2020)  # noqa: S311 - the same moments in every run
    return [BEGINS + timedelta(seconds=choice.randrange(DAYS * 86_400)) for _ in range(QUESTIONS)]


async def _asked(store: Database, moments: list[datetime], share: float) -> float:
    """Ask for the balances of a place at each moment; gives the milliseconds that such a share did not exceed."""
    waits: list[float] = []
    for number, moment in enumerate(moments):
        place, began = f"WH-{number % PLACES}", perf_counter()
        held = await _held(store, place, moment)
        waits.append((perf_counter() - began) * 1000)
        if number == 0:  # one is counted again, movement by movement
            async with store.reading(STAFF) as work:
                counted = (await work.session.execute(HELD, {"place": place, "moment": moment})).scalar_one()
            if counted != held:
                raise RuntimeError(f"{place} held {counted} at {moment}, and {held} is said")
    return sorted(waits)[int(len(waits) * share)]


async def _held(store: Database, place: str, moment: datetime) -> int:
    """Ask as the API does, and add up the items."""
    async with store.reading(STAFF) as work:
        page = await cards.balances(work, STAFF, BalanceQuery(place=place, as_of=moment))
    return sum(balance.on_hand for balance in page.items)
