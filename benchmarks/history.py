"""Questions about stock after a hundred thousand movements and after a million: they take the same time.

To measure one more, add a line to QUESTIONS; one whose route is not declared is passed over.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from types import MappingProxyType
from urllib.parse import quote

import httpx
from sqlalchemy import text

from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage, database
from services import history
from services.aid_distribution.ledger import cards
from services.aid_distribution.ledger.cards import BalanceQuery
from services.aid_distribution.main import SERVICE
from shared.api_keys import lookup_in
from shared.caller import Caller, Role
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.keys import KeyStore
from shared.security import Authenticator
from shared.settings import Settings
from shared.tokens import issue_token
from shared.web import Edge, assemble

MOVEMENTS = 1_000_000
MOVEMENTS_FEW = 100_000
TIMES = 200
PLACES, ITEMS = 7, 5
PERIOD_DAYS = 30
STAFF = Caller("staff-19", Role.PROVINCE_STAFF, ("19",))
P95_MS_MAX = 50
AS_OF_P95_MS_MAX = 10
TIMES_MAX = 1.5
"""How much longer a question may take after ten times the movements: flat, with room for what a busy machine adds."""

Choose = Callable[[random.Random, datetime], str]


def _moment(choice: random.Random, now: datetime) -> datetime:
    return now - timedelta(seconds=choice.randrange(86_400, history.DAYS * 86_400))


def _balances(choice: random.Random, now: datetime) -> str:
    moment = quote(_moment(choice, now).isoformat())
    return f"/aid/balances?place=WH-{choice.randrange(PLACES)}&as_of={moment}&limit=50"


def _card(choice: random.Random, now: datetime) -> str:
    moment = quote(_moment(choice, now).isoformat())
    return f"/aid/cards/WH-{choice.randrange(PLACES)}/ITEM-{choice.randrange(ITEMS)}?from={moment}&limit=50"


def _explained(choice: random.Random, now: datetime) -> str:
    moment = quote(_moment(choice, now).isoformat())
    return f"/aid/explanations/WH-{choice.randrange(PLACES)}/ITEM-{choice.randrange(ITEMS)}?as_of={moment}&limit=50"


def _equity(choice: random.Random, now: datetime) -> str:
    first = _moment(choice, now).date()
    return f"/aid/equity?item=ITEM-{choice.randrange(ITEMS)}&from={first}&to={now.date()}"


def _pressure(choice: random.Random, now: datetime) -> str:
    return f"/aid/pressure?item=ITEM-{choice.randrange(ITEMS)}&on={_moment(choice, now).date()}"


def _periods(choice: random.Random, now: datetime) -> str:
    first = _moment(choice, now).date()
    return f"/aid/periods?place=WH-{choice.randrange(PLACES)}&from={first}&to={first + timedelta(PERIOD_DAYS)}&limit=50"


def _stockouts(choice: random.Random, now: datetime) -> str:
    first = _moment(choice, now).date()
    days = f"from={first}&to={first + timedelta(PERIOD_DAYS)}"
    return f"/aid/stockouts?place=WH-{choice.randrange(PLACES)}&{days}&limit=50"


def _cover(choice: random.Random, _now: datetime) -> str:
    return f"/aid/cover?place=WH-{choice.randrange(PLACES)}&item=ITEM-{choice.randrange(ITEMS)}"


def _distributions(choice: random.Random, _now: datetime) -> str:
    return f"/aid/distributions?place=WH-{choice.randrange(PLACES)}&limit=50"


def _of_region(choice: random.Random, _now: datetime) -> str:
    return f"/aid/distributions?region=19.0{choice.randrange(PLACES)}&programme=handwashing&limit=50"


def _without_any(choice: random.Random, _now: datetime) -> str:
    return f"/aid/distributions?place=WH-{choice.randrange(PLACES)}&programme=cheap-market&limit=50"


def _follow_ups(choice: random.Random, now: datetime) -> str:
    return f"/aid/follow-ups?programme=free-masks&since={_moment(choice, now).date()}&limit=50"


def _changed(choice: random.Random, _now: datetime) -> str:
    return f"/aid/what-changed?place=WH-{choice.randrange(PLACES)}&item=ITEM-{choice.randrange(ITEMS)}&limit=50"


def _counts(choice: random.Random, _now: datetime) -> str:
    return f"/aid/counts?region=19.0{choice.randrange(PLACES)}&limit=50"


def _exported(choice: random.Random, now: datetime) -> str:
    day = _moment(choice, now).date()
    return f"/aid/cards/WH-{choice.randrange(PLACES)}/ITEM-{choice.randrange(ITEMS)}/export?from={day}&to={day}"


QUESTIONS: Mapping[str, tuple[str, Choose, int]] = MappingProxyType(
    {
        "Balances of a place as of any date": ("/aid/balances", _balances, AS_OF_P95_MS_MAX),
        "A page of a card from any date": ("/aid/cards/{place}/{item}", _card, P95_MS_MAX),
        "Explain a balance of any date": ("/aid/explanations/{place}/{item}", _explained, P95_MS_MAX),
        "Equity board": ("/aid/equity", _equity, P95_MS_MAX),
        "Pressure ranking": ("/aid/pressure", _pressure, P95_MS_MAX),
        "A month of every card of a place": ("/aid/periods", _periods, P95_MS_MAX),
        "Days out of stock in a month": ("/aid/stockouts", _stockouts, P95_MS_MAX),
        "Days of cover": ("/aid/cover", _cover, P95_MS_MAX),
        "A day of a card as a file": ("/aid/cards/{place}/{item}/export", _exported, P95_MS_MAX),
        "Last distributions of a place": ("/aid/distributions", _distributions, P95_MS_MAX),
        "Last distributions of a region and programme": ("/aid/distributions", _of_region, P95_MS_MAX),
        "Distributions that there are none of": ("/aid/distributions", _without_any, P95_MS_MAX),
        "Who did not receive": ("/aid/follow-ups", _follow_ups, P95_MS_MAX),
        "Counts of a region": ("/aid/counts", _counts, P95_MS_MAX),
        "What late postings changed": ("/aid/what-changed", _changed, P95_MS_MAX),
    }
)
"""By what is asked: the path of the route, how an address of it is chosen, and in how many ms most must be answered."""

# A store of this benchmark alone: its constraints would only be asked what is right by construction.
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
    """
    INSERT INTO known_region (code, id, code_system, name, kind, population, households)
    SELECT DISTINCT ON (region) region, gen_random_uuid(), 'kemendagri', region, 'regency', 200000, 50000 FROM place
    WHERE kind = 'warehouse'
    """,
    """
    INSERT INTO price_ceiling (id, item, region, valid_from, price_rupiah, source, actor, recorded_at)
    SELECT gen_random_uuid(), code, '19', '2017-09-01', 50000, 'HET', 'bench', now() FROM item
    """,
    f"""
    INSERT INTO price_observation (id, place, region, item, observed_at, observed_on, price_rupiah, actor, recorded_at)
    SELECT gen_random_uuid(), p.code, p.region, i.code, at, (at AT TIME ZONE INTERVAL '7 hours')::date,
           49000 + (random() * 9000)::int, 'bench', at
    FROM place p, item i, generate_series(now() - INTERVAL '{history.DAYS} days', now(), INTERVAL '1 day') AS at
    WHERE p.kind = 'warehouse'
    """,
    "ANALYZE price_observation, price_ceiling, known_region",
)
HELD = text(
    "SELECT coalesce(sum(CASE WHEN to_place = :place THEN quantity ELSE -quantity END), 0) FROM posting_line"
    " WHERE :place IN (from_place, to_place) AND occurred_at <= :moment"
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger with a history, and a client at its door."""

    store: Database
    client: httpx.AsyncClient


async def rows(stage: Stage) -> list[Row]:
    """Ask both histories the same questions, in turns."""
    few, many = stage.scaled(MOVEMENTS_FEW), stage.scaled(MOVEMENTS)
    declared = {route.path for route in SERVICE.declared}
    now = datetime.now(UTC)
    async with loaded(stage, few) as short, loaded(stage, many) as long:
        await _counted_again(long.store, now)
        found: list[Row] = []
        for what, (path, choose, p95_ms_max) in QUESTIONS.items():
            if path in declared:
                found += await _asked(stage, what, choose, p95_ms_max, now, {few: short, many: long})
    return found


async def _asked(
    stage: Stage, what: str, choose: Choose, p95_ms_max: int, now: datetime, ledgers: Mapping[int, Ledger]
) -> list[Row]:
    choice = random.Random(2020)  # noqa: S311 - the same questions in every run
    addresses = [choose(choice, now) for _ in range(stage.scaled(TIMES))]
    (few, short), (many, long) = ledgers.items()
    p95 = {movements: list[float]() for movements in ledgers}

    async def median_ms(movements: int, ledger: Ledger) -> float:
        waits = sorted([await _once(ledger.client, address) for address in addresses])
        p95[movements].append(waits[int(len(waits) * 0.95)])
        return waits[len(waits) // 2]

    found = await stage.in_turns(
        {
            f"{what}, {many:,}": lambda: median_ms(many, long),
            f"{what}, {few:,}": lambda: median_ms(few, short),
        }
    )
    after_many, after_few = found.values()
    return [
        Row(what=f"{what}, {many:,} movements, p95", unit="ms", figures=p95[many][-stage.repetitions :],
            budgets=(Budget(p95_ms_max, most=True),)),
        Row(what="The same, p50: flat as history grows", unit="ms", figures=after_many, against=f"{few:,} movements",
            others=after_few, budgets=(Budget(TIMES_MAX, ratio=True, most=True),)),
    ]  # fmt: skip


async def _once(client: httpx.AsyncClient, address: str) -> float:
    began = perf_counter()
    answer = await client.get(address)
    waited = (perf_counter() - began) * 1000
    answer.raise_for_status()
    return waited


@asynccontextmanager
async def loaded(stage: Stage, movements: int) -> AsyncIterator[Ledger]:
    """Give a ledger that holds a history of so many movements."""
    async with database(stage, f"history_{movements}", migrated="aid_distribution") as store:
        stage.say(f"loading {movements:,} movements")
        await fill(store, movements)
        async with at_the_door(stage.settings, store) as client:
            yield Ledger(store, client)


async def fill(store: Database, movements: int) -> None:
    """Load a history of so many movements into a fresh store."""
    async with store.engine.begin() as connection:
        for statement in PREPARE:
            await connection.execute(text(statement))
    await history.load(store.url, movements, lambda _line: None)


@asynccontextmanager
async def at_the_door(settings: Settings, store: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client at the routes, without a network between: what a question costs is looked at, not the way to it."""
    keys = KeyStore(settings.home)
    token = issue_token(keys, STAFF.role, STAFF.regions, STAFF.subject, 1)
    authenticator = Authenticator(settings, keys, lookup_in(store.engine), ended_in(store.engine))
    edge = Edge(store, authenticator)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(assemble(SERVICE.name, edge, SERVICE.declared, ())),
        base_url="http://bench",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client


async def _counted_again(store: Database, now: datetime) -> None:
    """See that what is answered is right: a place of some day is counted again, movement by movement."""
    moment = _moment(random.Random(1), now)  # noqa: S311 - any day will do
    async with store.reading(STAFF) as work:
        page = await cards.balances(work, STAFF, BalanceQuery(place="WH-0", as_of=moment))
        counted = (await work.session.execute(HELD, {"place": "WH-0", "moment": moment})).scalar_one()
    if (held := sum(balance.on_hand for balance in page.items)) != counted:
        raise RuntimeError(f"WH-0 held {counted} at {moment}, and {held} is said")
