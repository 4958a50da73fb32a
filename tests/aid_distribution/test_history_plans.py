"""What a question costs does not grow with the history behind it: the rows and the pages that it reads are counted."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import event

from benchmarks import history
from services import demo
from shared.clock import Clock
from shared.database import Database
from shared.privacy import Vault
from shared.province import PROVINCES, read_province
from shared.settings import Settings
from tests.aid_distribution.story import OPERATOR
from tests.conftest import Databases
from tests.operations.conftest import plain

FEW, MANY = 4_000, 40_000
JOURNAL = {"posting", "posting_line", "distribution", "distribution_business", "late_change"}
"""What grows with every movement."""

BY_DAY = {"card_day", "handed_out_day"}
"""What grows with the days and not with what happens on one."""

TIMES_MAX, ROWS_MORE_MAX, PAGES_MORE_MAX = 1.5, 100, 150
DAY_ROWS_MAX = 20_000
"""Two years of every card of a place, with room for those that are read twice."""

TIMES = 3
BY_PROGRAMME = (
    "distribution_by_programme",
    "distribution_of_place_by_programme",
    "distribution_of_region_by_programme",
)
PLAN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "

Statements = list[tuple[str, Sequence[object]]]


@dataclass(frozen=True, slots=True)
class Read:
    """How many rows were read of each table for one answer, and how many pages of all tables and indexes."""

    rows: Counter[str]
    pages: int

    def of(self, tables: set[str]) -> int:
        return sum(self.rows[table] for table in tables)


@dataclass(slots=True)
class Asking:
    """A ledger with a history: its routes, and a connection that asks again for the plan of every statement."""

    client: httpx.AsyncClient
    connection: asyncpg.Connection
    statements: Statements

    async def read(self, address: str) -> Read:
        """Ask a route; gives what it has read for its answer."""
        return await self.read_by(await self.asked(address))

    async def asked(self, address: str) -> Statements:
        """Ask a route; gives the statements that it has asked for its answer."""
        self.statements.clear()
        answer = await self.client.get(address)
        assert answer.status_code == 200, answer.text
        return list(self.statements)

    async def read_by(self, statements: Statements) -> Read:
        """Give what these statements read."""
        rows: Counter[str] = Counter()
        pages = 0
        for statement, values in statements:
            if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                told = await self.connection.fetchval(PLAN + statement, *values)
                plan = msgspec.json.decode(told)[0]["Plan"]
                pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
                for table, node in nodes(plan):
                    rows[table] += touched(node)
        return Read(rows, pages)


def nodes(plan: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every part of a plan that reads rows, with the table; a bitmap of an index reads for the part above it."""
    table = above if "Bitmap" in plan["Node Type"] and "Relation Name" not in plan else plan.get("Relation Name", "")
    yield table, plan
    for part in plan.get("Plans", ()):
        yield from nodes(part, table)


def touched(node: dict[str, Any]) -> int:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(rows * node["Actual Loops"])


@asynccontextmanager
async def asking(store: Database, home: Path) -> AsyncIterator[Asking]:
    connection = await asyncpg.connect(plain(str(store.url)))
    statements: Statements = []

    def keep(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        statements.append((statement, values))

    event.listen(store.engine.sync_engine, "before_cursor_execute", keep)
    try:
        async with history.at_the_door(Settings.from_env({"SERUMPUN_HOME": str(home)}), store) as client:
            yield Asking(client, connection, statements)
    finally:
        event.remove(store.engine.sync_engine, "before_cursor_execute", keep)
        await connection.close()


@pytest_asyncio.fixture(scope="module")
async def ledgers(
    database_templates: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Asking, Asking]]:
    """A short history and one ten times as long, over the same places, items and days."""
    home = tmp_path_factory.mktemp("history")
    short = await database_templates("aid_distribution", migrated=True, clock=Clock())
    long = await database_templates("aid_distribution", migrated=True, clock=Clock())
    for store, movements in ((short, FEW), (long, MANY)):
        await history.fill(store, movements)
    async with asking(short, home) as few, asking(long, home) as many:
        yield few, many
    await database_templates.drop()


@pytest.mark.parametrize("what", list(history.QUESTIONS))
async def test_what_a_question_reads_does_not_grow_with_history(ledgers: tuple[Asking, Asking], what: str) -> None:
    _, choose, _ = history.QUESTIONS[what]
    now = datetime.now(UTC)
    choice = random.Random(what)
    for address in [choose(choice, now) for _ in range(TIMES)]:
        few, many = [await ledger.read(address) for ledger in ledgers]
        journal, before = many.of(JOURNAL), few.of(JOURNAL)
        assert journal <= TIMES_MAX * before + ROWS_MORE_MAX, (
            f"{address}: {many.rows} after {MANY}, {few.rows} after {FEW}"
        )
        assert many.of(BY_DAY) <= DAY_ROWS_MAX, f"{address}: {many.rows}"
        assert many.pages <= TIMES_MAX * few.pages + PAGES_MORE_MAX, f"{address}: {many.pages} pages, {few.pages}"


async def test_the_check_sees_a_question_that_reads_the_whole_history(ledgers: tuple[Asking, Asking]) -> None:
    found: list[Read] = []
    for ledger in ledgers:
        statements = await ledger.asked("/aid/distributions?place=WH-1&programme=cheap-market")
        await ledger.connection.execute("BEGIN")
        try:
            await ledger.connection.execute("DROP INDEX " + ", ".join(BY_PROGRAMME))
            found.append(await ledger.read_by(statements))
        finally:
            await ledger.connection.execute("ROLLBACK")
    few, many = found
    assert many.of(JOURNAL) > TIMES_MAX * few.of(JOURNAL) + ROWS_MORE_MAX


async def test_the_check_sees_an_index_that_is_read_through(ledgers: tuple[Asking, Asking]) -> None:
    found: list[Read] = []
    for ledger in ledgers:
        await ledger.connection.execute("BEGIN")
        try:
            await ledger.connection.execute(
                "CREATE INDEX read_through ON distribution (id, number, place, programme, public_heads)"
            )
            await ledger.connection.execute("SET LOCAL enable_seqscan = off")
            found.append(await ledger.read_by([("SELECT id FROM distribution WHERE public_heads = -1", [])]))
        finally:
            await ledger.connection.execute("ROLLBACK")
    few, many = found
    assert many.of(JOURNAL) == few.of(JOURNAL) == 0
    assert many.pages > TIMES_MAX * few.pages + PAGES_MORE_MAX


# --- lists of other documents, of which the demo province has some: as many more, years back -------------------------

DOCUMENTS = ("loan", "stock_return", "stock_exception", "price_observation", "alert")
FEW_DOCUMENTS, MANY_DOCUMENTS = 400, 4_000
OF_DOCUMENTS = (
    "/aid/loans",
    "/aid/loans?place=WH-19.05",
    "/aid/loans?state=overdue",
    "/aid/returns",
    "/aid/returns?place=WH-19.04",
    "/aid/exceptions",
    "/aid/exceptions?owner=operator",
    "/aid/exceptions?state=open",
    "/aid/prices",
    "/aid/prices?item=RICE-5KG",
    "/aid/prices?place=CC-19.01-01",
    "/aid/alerts",
    "/aid/alerts?kind=low",
    "/aid/alerts?place=WH-19.71",
)
OF_NONE = (
    "/aid/loans?place=WH-19.02",
    "/aid/returns?place=WH-19.02",
    "/aid/exceptions?owner=nobody",
    "/aid/exceptions?state=applied",
    "/aid/prices?item=MASK-CLOTH",
    "/aid/prices?place=MV-19.71-01",
    "/aid/alerts?kind=dry_station",
    "/aid/alerts?place=WH-19.02",
)
"""Of which there is nothing among all that there is: a list that looks for it in vain reads through everything."""
AN_ALERT = """
    INSERT INTO alert (id, kind, subject, region, place, item, figure, raised_at, cleared_at)
    VALUES (gen_random_uuid(), 'low', 'stock/WH-19.71/MASK-CLOTH', '19.71', 'WH-19.71', 'MASK-CLOTH', 10, now(), now())
"""


async def multiply(connection: asyncpg.Connection, table: str, rows: int) -> None:
    """Copy the rows of a table to other days, further and further back, with ids and numbers of their own."""
    columns = await connection.fetch(
        "SELECT column_name AS name, data_type AS kind FROM information_schema.columns WHERE table_name = $1", table
    )
    changed = ["'id', gen_random_uuid()"]
    for name, kind in ((row["name"], row["kind"]) for row in columns):
        if kind in {"timestamp with time zone", "date"}:
            changed.append(f"'{name}', x.{name} - n * INTERVAL '17 days'")
        elif name in {"number", "posting_id"}:
            changed.append(f"'{name}', CASE WHEN x.{name} IS NOT NULL THEN gen_random_uuid() END")
    made = f"jsonb_populate_record(x, jsonb_build_object({', '.join(changed)}))"
    chosen = f"FROM {table} x, generate_series(1, $1::int) n ON CONFLICT DO NOTHING"
    copies = f"INSERT INTO {table} SELECT ({made}).* {chosen}"
    await connection.execute(copies, rows)
    await connection.execute(f"ANALYZE {table}")


@pytest_asyncio.fixture(scope="module")
async def offices(
    database_templates: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Asking, Asking]]:
    """The demo province with some documents of each kind, and with ten times as many."""
    home = tmp_path_factory.mktemp("offices")
    stores = [
        await database_templates("aid_distribution", migrated=True, clock=Clock(), vault=Vault(b"m" * 32)) for _ in "12"
    ]
    for store in stores:
        async with store.work(OPERATOR) as work:
            await demo._stock(work, read_province(PROVINCES / "19-kepulauan-bangka-belitung"))
    async with asking(stores[0], home) as few, asking(stores[1], home) as many:
        for ledger, rows in ((few, FEW_DOCUMENTS), (many, MANY_DOCUMENTS)):
            await ledger.connection.execute("SET session_replication_role = replica")
            await ledger.connection.execute(AN_ALERT)
            for table in DOCUMENTS:
                counted = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own tables
                await multiply(ledger.connection, table, rows // await ledger.connection.fetchval(counted))
                assert await ledger.connection.fetchval(counted) > rows // 2, table
        yield few, many
    await database_templates.drop()


@pytest.mark.parametrize(
    ("address", "found"), [*((one, True) for one in OF_DOCUMENTS), *((one, False) for one in OF_NONE)]
)
async def test_what_a_list_reads_does_not_grow_with_its_documents(
    offices: tuple[Asking, Asking], address: str, *, found: bool
) -> None:
    address += ("&" if "?" in address else "?") + "limit=20"
    few, many = [await ledger.read(address) for ledger in offices]
    documents = set(DOCUMENTS)
    assert many.of(documents) <= TIMES_MAX * few.of(documents) + ROWS_MORE_MAX, (many.rows, few.rows)
    assert many.pages <= TIMES_MAX * few.pages + PAGES_MORE_MAX, (many.pages, few.pages)
    for ledger in offices:
        assert bool((await ledger.client.get(address)).json()["items"]) is found
