"""Counting: an anchor on the card, taken against what the book said; news of the time before it end there."""

import dataclasses
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from services.aid_distribution.distributions import lists
from services.aid_distribution.ledger import counts, holding, lateness
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.cards import BalanceQuery, balances, posting
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.domain import BookMoved, CountedSince, LotHeld, LotNeeded, Reason, ShortOfStock
from services.aid_distribution.ledger.handlers import AlreadyReversed
from services.aid_distribution.ledger.lateness import WhatChanged, WhatChangedQuery
from services.aid_distribution.ledger.orders import (
    AddItem,
    CountedLine,
    CountStock,
    CountView,
    GoodsLine,
    HoldLot,
    ReleaseLot,
    SnapshotView,
    TakeSnapshot,
)
from shared.caller import Caller
from shared.clock import WIB
from shared.contracts.aid_distribution import StockCounted, StockRestated
from shared.database import Database
from shared.problems import Absent, Invalid
from shared.routes import Asked
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    RICE,
    WAREHOUSE,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    give_out,
    issue,
    receipt,
    receive,
    reverse,
)
from tests.door import Recorded

TODAY = NOON.astimezone(WIB).date()


def line(quantity: int, item: str = MASKS, lot: str | None = None, reason: Reason = Reason.RECOUNT) -> CountedLine:
    return CountedLine(item=item, quantity=quantity, lot=lot, reason=reason)


async def count(
    database: Database,
    *lines: CountedLine,
    days_ago: float = 0,
    snapshot: UUID | None = None,
    place: str = WAREHOUSE,
    caller: Caller = OFFICE,
) -> CountView:
    order = CountStock(place=place, occurred_at=ago(days_ago), lines=list(lines), snapshot=snapshot)
    async with database.work(caller) as work:
        return await counts.count(work, caller, order)


async def snapshot(database: Database, items: list[str] | None = None) -> SnapshotView:
    async with database.work(OFFICE) as work:
        return await counts.take_snapshot(work, OFFICE, TakeSnapshot(place=WAREHOUSE, items=items))


async def shown(database: Database, count_id: UUID, caller: Caller = OFFICE) -> CountView:
    async with database.reading(caller) as work:
        return await counts.show(work, caller, count_id)


async def closings(database: Database, *days_ago: int, lot: str = "") -> list[int]:
    """Give the balance at the end of these days, or now for today."""
    found = []
    for days in days_ago:
        at = datetime(TODAY.year, TODAY.month, TODAY.day, 23, 59, tzinfo=WIB) - timedelta(days=days)
        async with database.reading(OFFICE) as work:
            page = await balances(work, OFFICE, BalanceQuery(place=WAREHOUSE, item=MASKS, as_of=at))
        found.append(sum(view.on_hand for view in page.items if (view.lot or "") == lot))
    return found


async def changes(database: Database, caller: Caller = OFFICE) -> Sequence[WhatChanged]:
    async with database.reading(caller) as work:
        return (await lateness.page(work, caller, WhatChangedQuery())).items


async def test_a_late_count_sets_its_day_and_later_movements_add_to_it(database: Database) -> None:
    for days in (5, 2, 1):
        await receive(database, receipt(10, ago(days)))
    await count(database, line(50), days_ago=4)
    assert await closings(database, 5, 4, 2, 1) == [10, 50, 60, 70]
    assert await audited(database) == []


async def test_what_is_found_out_of_the_time_before_a_count_changes_only_what_it_found(database: Database) -> None:
    await receive(database, receipt(10, ago(6)))
    await receive(database, receipt(10, ago(5)))
    counted = await count(database, line(10), days_ago=2)
    assert counted.lines[0].difference == -10
    late = await receive(database, receipt(15, ago(3)))
    assert await closings(database, 3, 2, 0) == [35, 10, 10]
    stands = (await shown(database, counted.id)).lines[0]
    assert (stands.counted, stands.book, stands.difference) == (10, 20, -25)
    assert [(one.posting_id, one.quantity) for one in stands.absorbed] == [(late.id, 15)]
    assert await audited(database) == []


async def test_a_count_before_a_count_leaves_the_later_one_as_it_is(database: Database) -> None:
    await receive(database, receipt(10, ago(3)))
    await receive(database, receipt(1, ago(2)))
    await receive(database, receipt(1, ago(0)))
    await count(database, line(6), days_ago=1)
    assert await closings(database, 0) == [7]
    await count(database, line(8), days_ago=4)
    assert await closings(database, 4, 3, 2, 1, 0) == [8, 18, 19, 6, 7]
    assert await audited(database) == []


async def test_a_count_after_which_too_little_would_have_been_there_is_refused(database: Database) -> None:
    await receive(database, receipt(10, ago(2)))
    await give_out(database, issue(2, ago(0)))
    with pytest.raises(ShortOfStock) as refusal:
        await count(database, line(1), days_ago=1)
    assert refusal.value.members["cards"][0]["first_short_on"] == TODAY.isoformat()  # type: ignore[index, call-overload]
    assert await closings(database, 1, 0) == [10, 8]


async def test_what_came_before_its_count_arrives_and_adds_to_it(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    await count(database, line(100), days_ago=2)
    assert await closings(database, 2, 1, 0) == [100, 200, 200]


async def test_every_order_of_arrival_comes_to_the_same(database: Database) -> None:
    """Four facts, each told twice: what was accepted once is refused or absorbed, and the end is the same."""
    ends = set()
    for number, order in enumerate(permutations(range(4))):
        item = f"ITEM-{number}"
        async with database.work(OFFICE) as work:
            await ledger.add_item(work, AddItem(code=item, name=item, unit=Unit.PIECE, category=Category.OTHER))
        for fact in order:
            if fact == 0:
                await receive(database, receipt(30, ago(5), item=item))
            elif fact == 1:
                await receive(database, receipt(20, ago(3), item=item))
            elif fact == 2:
                await count(database, line(40, item), days_ago=2)
            else:
                await receive(database, receipt(5, ago(1), item=item))
        days = await ask(
            database,
            "SELECT day, opening + incoming - outgoing FROM card_day WHERE item = :item ORDER BY day",
            item=item,
        )
        ends.add(tuple(days))
    assert [[held for _, held in days] for days in ends] == [[30, 50, 40, 45]]
    assert await audited(database) == []


async def test_a_count_against_a_snapshot_names_the_lines_that_moved_and_writes_nothing(database: Database) -> None:
    await receive(database, receipt(10, ago(2)))
    await receive(database, receipt(7, ago(2), item=RICE))
    taken = await snapshot(database)
    assert [(one.item, one.on_hand) for one in taken.lines] == [(MASKS, 10), (RICE, 7)]
    await give_out(database, issue(4, ago(0, minutes=5)))
    with pytest.raises(BookMoved) as refusal:
        await count(database, line(9), line(7, RICE), snapshot=taken.id)
    assert refusal.value.members["lines"] == [{"item": MASKS, "lot": None, "snapshot": 10, "book": 6}]
    assert await ask(database, "SELECT count(*) FROM count_line") == [(0,)]
    counted = await count(database, line(6, RICE, reason=Reason.DAMAGED), snapshot=taken.id)
    assert (counted.lines[0].snapshot, counted.lines[0].difference) == (7, -1)
    assert await audited(database) == []


async def test_what_is_wrong_with_a_count_is_told_all_at_once(database: Database) -> None:
    taken = await snapshot(database, [MASKS])
    with pytest.raises(Invalid) as refusal:
        await count(database, line(1), line(2), line(3, RICE), line(3, "NOTHING"), snapshot=taken.id, days_ago=-1)
    assert {(error.pointer, error.code) for error in refusal.value.errors} == {
        ("/occurred_at", "in_the_future"),
        ("/lines/1/item", "duplicate"),
        ("/lines/2/item", "not_in_snapshot"),
        ("/lines/3/item", "unknown_item"),
        ("/lines/3/item", "not_in_snapshot"),
    }
    with pytest.raises(Invalid) as refusal:
        await count(database, line(1), snapshot=uuid4())
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/snapshot", "unknown_snapshot")]


async def test_goods_in_lots_are_counted_lot_by_lot_and_what_is_not_counted_stays(database: Database) -> None:
    await receive(database, receipt(10, ago(2), lot="A"))
    await receive(database, receipt(5, ago(2), lot="B"))
    with pytest.raises(LotNeeded) as refusal:
        await count(database, line(15))
    assert refusal.value.members["cards"] == [{"item": MASKS, "lots": ["A", "B"]}]
    await count(database, line(9, lot="A"))
    assert await ask(database, "SELECT lot, on_hand FROM card WHERE lot <> '' ORDER BY lot") == [("A", 9), ("B", 5)]
    await receive(database, receipt(4, ago(1)))
    await count(database, line(9, lot="A"), line(5, lot="B"), line(3))
    assert await ask(database, "SELECT lot, on_hand FROM card ORDER BY lot") == [("", 3), ("A", 9), ("B", 5)]
    assert await audited(database) == []


async def test_a_count_that_finds_nothing_wrong_is_an_anchor_all_the_same(database: Database) -> None:
    await receive(database, receipt(10, ago(3)))
    counted = await count(database, line(10), days_ago=1)
    assert counted.lines[0].difference == 0
    await give_out(database, issue(4, ago(2)))
    assert await closings(database, 2, 1, 0) == [6, 10, 10]
    assert (await shown(database, counted.id)).lines[0].difference == 4
    assert await audited(database) == []


async def test_a_movement_is_not_reversed_when_it_was_counted_since_and_the_count_is_named(database: Database) -> None:
    received = await receive(database, receipt(10, ago(3)))
    counted = await count(database, line(12), days_ago=1)
    with pytest.raises(CountedSince) as refusal:
        await reverse(database, received.id)
    assert refusal.value.members == {"counts": [str(counted.id)], "numbers": [counted.number]}
    undone = await reverse(database, counted.id)
    assert (await shown(database, counted.id)).reversed_by == undone.id
    with pytest.raises(AlreadyReversed):
        await reverse(database, counted.id)
    await reverse(database, received.id)
    assert await closings(database, 3, 1, 0) == [0, 0, 0]
    assert await audited(database) == []


async def test_a_count_is_not_reversed_when_too_little_would_have_been_there_later(database: Database) -> None:
    await receive(database, receipt(5, ago(3)))
    counted = await count(database, line(20), days_ago=2)
    await give_out(database, issue(15, ago(1)))
    with pytest.raises(ShortOfStock):
        await reverse(database, counted.id)
    await receive(database, receipt(10, ago(1.5)))
    await reverse(database, counted.id)
    assert await closings(database, 0) == [0]
    assert await audited(database) == []


async def test_after_a_count_is_reversed_late_news_reach_further(database: Database) -> None:
    await receive(database, receipt(10, ago(4)))
    counted = await count(database, line(12), days_ago=2)
    await receive(database, receipt(3, ago(3)))
    await reverse(database, counted.id)
    assert await closings(database, 3, 2, 0) == [13, 13, 13]
    await receive(database, receipt(1, ago(3)))
    assert await closings(database, 3, 2, 0) == [14, 14, 14]
    assert await audited(database) == []


async def test_a_late_posting_leaves_word_of_the_days_that_it_changed(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(10, ago(6)))
    counted = await count(database, line(10), days_ago=1)
    before = len(await changes(database))
    late = await give_out(database, issue(4, ago(3)))
    newest = (await changes(database))[0]
    assert len(await changes(database)) == before + 1
    assert (newest.posting_id, newest.change, newest.taken_up_by) == (late.id, -4, counted.id)
    assert (newest.first_day, newest.last_day) == (TODAY - timedelta(days=3), TODAY - timedelta(days=2))
    assert newest.told_region == "19.71"
    (told,) = [event for event in await recorded() if isinstance(event, StockRestated)]
    assert newest.first_day is not None
    assert (told.posting_id, told.cards[0].change, told.cards[0].first_day) == (
        late.id,
        -4,
        newest.first_day.isoformat(),
    )
    assert await changes(database, BELITUNG) == []


async def test_late_postings_of_one_transaction_are_each_told_by_whoever_posted_them(
    database: Database,
) -> None:
    await receive(database, receipt(10, ago(6)))
    await receive(database, receipt(1, ago(1)))
    other = dataclasses.replace(OFFICE, subject="somebody-else")
    orders = [Asked(issue(1, ago(3)), OFFICE), Asked(issue(2, ago(2)), other)]
    async with database.work(OFFICE) as work:
        await ledger.issue(work, orders)
    told = await ask(database, "SELECT actor FROM outbox WHERE type = :type ORDER BY actor", type=StockRestated.type)
    assert told == [("somebody-else",), (OFFICE.subject,)]


async def test_what_is_posted_on_its_day_changes_no_closing(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(10, ago(0, hours=1)))
    await give_out(database, issue(4, ago(0, minutes=1)))
    assert await changes(database) == []
    assert not [event for event in await recorded() if isinstance(event, StockRestated)]


async def test_a_count_is_told_with_what_it_found(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(10, ago(1)))
    counted = await count(database, line(8, reason=Reason.LOST))
    (told,) = [event for event in await recorded() if isinstance(event, StockCounted)]
    assert (told.number, told.place, told.region) == (counted.number, WAREHOUSE, "19.71")
    assert [(one.counted, one.book, one.reason) for one in told.counted] == [(8, 10, "lost")]
    assert await ask(database, "SELECT to_place FROM posting_line WHERE posting_id = :id", id=counted.id) == [("LOSS",)]


async def test_another_regions_count_and_place_do_not_exist(database: Database) -> None:
    counted = await count(database, line(3))
    with pytest.raises(Absent):
        await shown(database, counted.id, BELITUNG)
    with pytest.raises(Invalid) as refusal:
        await count(database, line(3), place=ELSEWHERE, caller=PANGKALPINANG)
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/place", "unknown_place")]


async def test_a_lot_on_hold_is_skipped_and_told_of_and_not_handed_out_by_name(database: Database) -> None:
    soon = date(2026, 6, 1)
    await receive(database, receipt(5, ago(3), lot="OLD", expires_on=date(2026, 5, 1)))
    await receive(database, receipt(5, ago(3), lot="HELD", expires_on=date(2026, 5, 25)))
    await receive(database, receipt(5, ago(3), lot="SOON", expires_on=soon))
    async with database.work(OFFICE) as work:
        held = await holding.hold(work, HoldLot(item=MASKS, lot="HELD", reason="Bau bensin"))
    assert (held.held, held.held_reason, held.version) == (True, "Bau bensin", 2)
    posted = await distribute(database, distribution(3))
    assert [(one.lot, one.quantity) for one in posted.lines] == [("SOON", 3)]
    notes = [(one.lot, one.why) for one in posted.lot_notes]
    assert notes == [("HELD", "held"), ("OLD", "expired"), ("SOON", "expiring")]
    async with database.reading(OFFICE) as work:
        assert (await lists.show(work, OFFICE, posted.id)).lot_notes == posted.lot_notes
        assert (await posting(work, OFFICE, posted.posting_id)).lot_notes == posted.lot_notes
    with pytest.raises(ShortOfStock) as refusal:
        await distribute(database, distribution(3))
    told = refusal.value.members["cards"][0]  # type: ignore[index, call-overload]
    assert (told["skipped_expired"], told["skipped_held"]) == (["OLD"], ["HELD"])  # type: ignore[index, call-overload]
    named = replace(distribution(1), lines=[GoodsLine(item=MASKS, quantity=1, lot="HELD")])
    with pytest.raises(LotHeld):
        await distribute(database, named)
    async with database.work(OFFICE) as work:
        await holding.release(work, ReleaseLot(item=MASKS, lot="HELD"))
    assert [(one.lot, one.quantity) for one in (await distribute(database, distribution(3))).lines] == [("HELD", 3)]
    assert await audited(database) == []


async def test_a_lot_that_there_is_not_is_not_held(database: Database) -> None:
    with pytest.raises(Invalid) as refusal:
        async with database.work(OFFICE) as work:
            await holding.hold(work, HoldLot(item=MASKS, lot="X", reason="Bau"))
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/lot", "unknown_lot")]
