"""Stock that runs low is told once, by whoever of several sweepers comes first, until it is well again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from services.aid_distribution.alerts import handlers, store, sweeper
from services.aid_distribution.alerts.audit import ALERTS
from services.aid_distribution.alerts.domain import AlertKind, Turn, expires_soon, level_mistakes, turn
from services.aid_distribution.alerts.handlers import SetLevel
from services.aid_distribution.alerts.sweep import sweep
from shared.clock import wib_day
from shared.contracts import Event
from shared.contracts.aid_distribution import ShelfEvent, StockExpiring, StockLow, StockOut, StockRestored
from shared.database import Database, Work
from shared.effect_audit import Told
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    OFFICE,
    RICE,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    give_out,
    hold,
    issue,
    plant,
    receipt,
    receive,
)
from tests.door import Recorded
from tests.waiting import wait_until

LOW, OUT = AlertKind.LOW, AlertKind.OUT


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


async def level(
    database: Database,
    low_at: int = 20,
    ok_at: int = 40,
    *,
    place: str = WAREHOUSE,
    item: str = MASKS,
    days: int | None = 30,
) -> UUID:
    async with database.work(OFFICE) as work:
        order = SetLevel(place=place, item=item, low_at=low_at, ok_at=ok_at, expires_within_days=days)
        return (await handlers.set_level(work, OFFICE, order)).id


async def swept(database: Database) -> None:
    while await database.run(OFFICE, sweep):
        pass


async def told(recorded: Recorded) -> list[ShelfEvent]:
    return [event for event in await recorded() if isinstance(event, ShelfEvent)]


async def told_types(recorded: Recorded) -> list[type[Event]]:
    return [type(event) for event in await told(recorded)]


async def open_kinds(database: Database) -> list[object]:
    return [kind for (kind,) in await ask(database, "SELECT kind FROM alert WHERE cleared_at IS NULL ORDER BY kind")]


@pytest.mark.parametrize(
    ("on_hand", "already", "expected"),
    [
        (41, [], Turn()),
        (40, [], Turn()),
        (21, [], Turn()),
        (20, [], Turn(raised=LOW)),
        (1, [], Turn(raised=LOW)),
        (0, [], Turn(raised=OUT)),
        (0, [LOW], Turn(raised=OUT)),
        (0, [LOW, OUT], Turn()),
        (0, [OUT], Turn()),
        (5, [OUT], Turn()),
        (20, [LOW], Turn()),
        (21, [LOW], Turn()),
        (40, [LOW], Turn()),
        (41, [LOW], Turn(cleared=True)),
        (41, [OUT], Turn(cleared=True)),
        (41, [LOW, OUT], Turn(cleared=True)),
    ],
)
def test_stock_against_its_level(on_hand: int, already: list[AlertKind], expected: Turn) -> None:
    assert turn(on_hand, 20, 40, already) == expected


def test_a_level_is_well_only_above_where_it_is_low() -> None:
    assert level_mistakes({"/low_at": 5, "/ok_at": 6}) == []
    for ok_at in (5, 4):
        assert [error.code for error in level_mistakes({"/low_at": 5, "/ok_at": ok_at})] == ["not_above_low_at"]


def test_a_lot_expires_soon_from_so_many_days_before_on() -> None:
    last = date(2026, 6, 19)
    assert [expires_soon(last, date(2026, 5, day), 30) for day in (19, 20, 21)] == [False, True, True]
    assert expires_soon(last, date(2026, 7, 1), 30)


async def test_stock_that_falls_to_its_level_is_told_once_and_its_recovery_too(
    database: Database, recorded: Recorded
) -> None:
    await level(database)
    await receive(database, receipt(100, ago(1)))
    await swept(database)
    assert await told(recorded) == []
    await give_out(database, issue(79))
    await swept(database)
    assert await told(recorded) == []
    await give_out(database, issue(1))
    await swept(database)
    await swept(database)
    (low,) = await told(recorded)
    assert isinstance(low, StockLow)
    assert (low.subject, low.on_hand, low.low_at, low.region) == (f"stock/{WAREHOUSE}/{MASKS}", 20, 20, "19.71")
    assert (low.place_name, low.item_name, low.unit) == (f"Gudang {WAREHOUSE}", "Masker kain", "piece")
    assert low.matter.startswith(f"{low.subject}#")
    await give_out(database, issue(20))
    await swept(database)
    await receive(database, receipt(41))
    await swept(database)
    assert await told_types(recorded) == [StockLow, StockOut, StockRestored]
    restored = (await told(recorded))[-1]
    assert isinstance(restored, StockRestored)
    assert (restored.kinds, restored.on_hand, restored.lot) == (["low", "out"], 41, None)
    assert low.alert_id in restored.alert_ids
    assert await open_kinds(database) == []
    assert {row.region for row in await recorded.rows()} == {"19.71"}


async def test_stock_that_goes_up_and_down_around_its_level_is_told_once(
    database: Database, recorded: Recorded
) -> None:
    await level(database)
    await receive(database, receipt(21, ago(1)))
    for _ in range(10):
        await give_out(database, issue(1))
        await swept(database)
        await receive(database, receipt(1))
        await swept(database)
    assert await told_types(recorded) == [StockLow]


async def test_what_cannot_be_handed_out_does_not_count_and_is_told_of(
    database: Database, recorded: Recorded, clock: StoppedClock
) -> None:
    """A shelf full of lots is low when they go on hold or pass their day, without any goods that move."""
    await level(database, days=None)
    for lot, quantity, expires_on in (("A", 50, None), ("B", 30, date(2026, 5, 20)), ("C", 10, date(2026, 6, 1))):
        await receive(database, receipt(quantity, ago(1), lot=lot, expires_on=expires_on))
    await swept(database)
    assert await told(recorded) == []
    await hold(database, "A")
    await swept(database)
    assert await told(recorded) == []
    clock.advance(timedelta(days=1))
    await swept(database)
    (low,) = await told(recorded)
    assert isinstance(low, StockLow)
    assert (low.on_hand, low.expiring, low.expired, low.held) == (10, 10, 30, 50)
    async with database.reading(OFFICE) as work:
        (view,) = (await handlers.alerts(work, OFFICE, handlers.AlertQuery())).items
    assert view.left_out is not None
    assert (view.figure, view.expiring, view.left_out.expired, view.left_out.held) == (10, 10, 30, 50)
    clock.advance(timedelta(days=12))
    await swept(database)
    assert await told_types(recorded) == [StockLow, StockOut]


async def test_a_shelf_that_was_never_filled_is_out(database: Database, recorded: Recorded) -> None:
    await level(database, 0, 1)
    await swept(database)
    assert await told_types(recorded) == [StockOut]


async def test_what_is_asked_of_the_store_is_what_the_rule_says(database: Database, recorded: Recorded) -> None:
    """Three shelves go up and down by the dice; what was told of each is what the rule alone tells."""
    random = Random(3)
    on_hand = dict.fromkeys((MASKS, RICE, SOAP), 0)
    is_open: dict[str, set[str]] = {item: set() for item in on_hand}
    expected: dict[str, list[str]] = {item: [] for item in on_hand}
    for item in on_hand:
        await level(database, 2, 4, item=item)
    for _ in range(40):
        for item in random.sample(sorted(on_hand), 2):
            change = random.randint(-5, 4)
            if change > 0:
                await receive(database, receipt(change, item=item))
            elif change := -min(-change, on_hand[item]):
                await give_out(database, issue(-change, item=item))
            on_hand[item] += change
        await swept(database)
        for item, stock in on_hand.items():
            due = turn(stock, 2, 4, is_open[item])
            if due.raised:
                is_open[item].add(due.raised)
                expected[item].append(due.raised)
            if due.cleared:
                expected[item].append("restored")
                is_open[item].clear()
    names = {StockLow: "low", StockOut: "out", StockRestored: "restored"}
    events = await told(recorded)
    assert {item: [names[type(e)] for e in events if e.item == item] for item in on_hand} == expected
    assert {kind for one in expected.values() for kind in one} == {"low", "out", "restored"}
    rows = await recorded.rows()
    asked = [
        Told("aid_distribution", row.partition, row.seq, row.time, event)
        for row, event in zip(rows, await recorded(), strict=True)
        if type(event) in ALERTS.events
    ]
    async with database.reading(OFFICE) as work:
        latest = {(one.told.event.subject, one.aspect): one.wrong for one in await ALERTS.look(work.session, asked)}
    assert set(latest.values()) == {""}


async def test_a_level_that_is_changed_is_held_against_what_is_there(database: Database, recorded: Recorded) -> None:
    level_id = await level(database)
    await receive(database, receipt(30, ago(1)))
    await swept(database)
    for version, (low_at, ok_at) in enumerate([(30, 40), (10, 20)], 1):
        async with database.work(OFFICE) as work:
            order = handlers.ChangeLevel(low_at=low_at, ok_at=ok_at)
            await handlers.change_level(work, OFFICE, level_id, version, order)
        await swept(database)
    assert await told_types(recorded) == [StockLow, StockRestored]


async def test_a_lot_that_expires_soon_is_told_until_it_is_used_up(
    database: Database, recorded: Recorded, clock: StoppedClock
) -> None:
    await level(database, 0, 1, item=SOAP)
    await level(database, 0, 1, item=RICE, days=None)
    for item in (SOAP, RICE):
        await receive(database, receipt(50, ago(1), item=item, lot="L/1", expires_on=date(2026, 7, 1)))
        await receive(database, receipt(50, ago(1), item=item, lot="L2"))
    await swept(database)
    clock.advance(timedelta(days=12))
    await swept(database)
    await swept(database)
    (expiring,) = await told(recorded)
    assert isinstance(expiring, StockExpiring)
    assert (expiring.item, expiring.lot, expiring.on_hand) == (SOAP, "L/1", 50)
    assert expiring.expires_on == date(2026, 7, 1)
    rows = await ask(database, "SELECT subject, figure, threshold, due_on FROM alert")
    assert rows == [(f"stock/{WAREHOUSE}/{SOAP}/L/1", 50, 30, date(2026, 7, 1))]
    await give_out(database, issue(50, clock.at, item=SOAP, lot="L/1"))
    await swept(database)
    restored = (await told(recorded))[-1]
    assert isinstance(restored, StockRestored)
    assert (restored.kinds, restored.lot) == (["expiring"], "L/1")
    assert await open_kinds(database) == []


async def test_of_many_sweepers_at_once_one_tells(database: Database, other: Database, recorded: Recorded) -> None:
    for item in (MASKS, RICE, SOAP):
        await level(database, item=item)
        await level(database, item=item, place=ELSEWHERE)
    await asyncio.gather(*(swept(one) for one in (database, other) * 5))
    await swept(database)
    assert await told_types(recorded) == [StockOut] * 6
    assert await ask(database, "SELECT count(*) FROM alert") == [(6,)]


async def test_whoever_comes_while_another_one_sweeps_leaves_it_to_them(
    database: Database, other: Database, recorded: Recorded
) -> None:
    await level(database)
    async with database.work(OFFICE) as work:
        await sweep(work)
        await swept(other)
        assert await told(recorded) == []
    await swept(other)
    assert await told_types(recorded) == [StockOut]


async def test_without_the_lock_two_would_find_the_same_and_the_store_lets_one_tell(
    database: Database, other: Database
) -> None:
    """The control: both see that the shelf is out; what only one of them raises is a rule of the database."""
    await level(database)
    async with database.work(OFFICE) as one, other.work(OFFICE) as another:
        found = [await store.crossings(work.session, wib_day(work.now)) for work in (one, another)]
        assert [len(shelves) for shelves in found] == [1, 1]
        alerts = [
            store.AlertRow(id=work.new_id(), kind="out", subject="stock/a/b", region="19.71", raised_at=work.now)
            for work in (one, another)
        ]
        first = await store.raise_all(one.session, alerts[:1], one.now)
        late = asyncio.create_task(store.raise_all(another.session, alerts[1:], another.now))
        await one.session.commit()
        assert (first, await late) == ({alerts[0].id}, set())


async def test_a_second_open_alert_of_the_same_is_refused_by_the_store(database: Database) -> None:
    await level(database)
    await swept(database)
    copy = (
        "INSERT INTO alert (id, kind, subject, region, raised_at) SELECT gen_random_uuid(), kind, subject, region,"
        " raised_at FROM alert"
    )
    with pytest.raises(IntegrityError, match="alert_open_once"):
        async with database.work(OFFICE) as work:
            await plant(work, copy)
    with pytest.raises(IntegrityError, match="stock_level_ok_above_low"):
        async with database.work(OFFICE) as work:
            await plant(work, "UPDATE stock_level SET ok_at = low_at")


async def test_a_sweep_that_is_broken_off_is_made_up_for_by_the_next(database: Database, recorded: Recorded) -> None:
    await level(database)

    async def broken_off(work: Work) -> None:
        await sweep(work)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await database.run(OFFICE, broken_off)
    assert (await told(recorded), await open_kinds(database)) == ([], [])
    await swept(database)
    assert (await told_types(recorded), await open_kinds(database)) == ([StockOut], ["out"])


async def test_what_is_posted_is_told_without_being_asked_for(
    database: Database, other: Database, recorded: Recorded
) -> None:
    await receive(database, receipt(100, ago(1)))
    await level(database)
    running = [asyncio.create_task(sweeper.run(one, apart_seconds=0.05)) for one in (database, other)]
    try:
        for quantity, expected in ((80, [StockLow]), (20, [StockLow, StockOut])):
            await give_out(database, issue(quantity))

            async def heard(expected: list[type[Event]] = expected) -> bool:
                return await told_types(recorded) == expected

            await wait_until(heard, description=f"{expected} to be told")
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
