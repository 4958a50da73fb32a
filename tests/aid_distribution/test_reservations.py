"""Reservations: what is promised still lies there, is available to nobody else, and ends by use, release or expiry."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from services.aid_distribution.distributions import handlers as distributions
from services.aid_distribution.distributions.orders import DistributionView, VoidDistribution
from services.aid_distribution.ledger import counts, holding, mixed, reservation_questions, reservations, transfers
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.cards import BalanceQuery, CardQuery, CatalogueQuery, balances, card, places
from services.aid_distribution.ledger.domain import (
    CountedSince,
    LotHeld,
    Reason,
    ReservedNotCounted,
    ShortOfStock,
)
from services.aid_distribution.ledger.explain import ExplanationQuery, explain
from services.aid_distribution.ledger.handlers import NotReversible
from services.aid_distribution.ledger.orders import (
    CountedLine,
    CountStock,
    CountView,
    DispatchTransfer,
    GoodsLine,
    HoldLot,
    IssueStock,
    TakeSnapshot,
    TransferView,
)
from services.aid_distribution.ledger.periods import PeriodQuery, periods
from services.aid_distribution.ledger.reservation_orders import (
    ReleaseReservation,
    ReservationQuery,
    ReservationView,
    ReserveStock,
)
from services.aid_distribution.ledger.reserved_use import MoreThanReserved, ReservationEnded
from services.aid_distribution.ledger.stockouts import stockouts
from services.aid_distribution.planning import store as planning
from services.aid_distribution.planning.cover import CoverQuery, cover
from shared.caller import Caller
from shared.contracts.aid_distribution import Goods, StockReleased, StockReserved
from shared.database import Database
from shared.problems import Absent, Invalid, Refusal
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
    StoppedClock,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    give_out,
    issue,
    plant,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.door import Client, Recorded, told
from tests.waiting import wait_until

Door = dict[str, Client]


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


def reserving(
    quantity: int, *, item: str = MASKS, lot: str | None = None, days: float = 7, at: datetime = NOON
) -> ReserveStock:
    return ReserveStock(
        place=WAREHOUSE,
        purpose="Pelatihan penjahit",
        expires_at=at + timedelta(days=days),
        lines=[GoodsLine(item=item, quantity=quantity, lot=lot)],
    )


async def reserve(database: Database, order: ReserveStock, caller: Caller = PANGKALPINANG) -> ReservationView:
    async with database.work(caller) as work:
        return await reservations.reserve(work, caller, order)


async def release(database: Database, one: ReservationView, caller: Caller = PANGKALPINANG) -> ReservationView:
    async with database.work(caller) as work:
        return await reservations.release(work, caller, one.id, ReleaseReservation(reason="Batal"))


async def sweep(database: Database) -> int:
    async with database.work(OFFICE) as work:
        return await reservations.sweep(work)


async def shown(database: Database, one: UUID, caller: Caller = OFFICE) -> ReservationView:
    async with database.reading(caller) as work:
        return await reservation_questions.show(work, caller, one)


async def hand_out(database: Database, quantity: int, one: UUID, at: datetime = NOON) -> DistributionView:
    return await distribute(database, replace(distribution(quantity, at), reservation=one))


async def void(database: Database, one: UUID) -> DistributionView:
    async with database.work(OFFICE) as work:
        return await distributions.void(work, OFFICE, one, VoidDistribution(reason="Salah catat"))


async def count(database: Database, quantity: int, at: datetime = NOON, lot: str | None = None) -> CountView:
    line = CountedLine(item=MASKS, quantity=quantity, lot=lot, reason=Reason.RECOUNT)
    async with database.work(OFFICE) as work:
        return await counts.count(work, OFFICE, CountStock(place=WAREHOUSE, occurred_at=at, lines=[line]))


async def there(database: Database, as_of: datetime | None = None) -> list[tuple[str | None, int, int, int]]:
    """Give lot, on hand, reserved and available."""
    async with database.reading(OFFICE) as work:
        page = await balances(work, OFFICE, BalanceQuery(item=MASKS, as_of=as_of))
    return [(one.lot, one.on_hand, one.reserved, one.available) for one in page.items]


async def test_what_is_reserved_lies_there_and_is_not_available(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    assert (one.number, one.state, one.place, one.region) == ("2026-05-19.71-RS-0001", "open", WAREHOUSE, "19.71")
    assert [(line.item, line.lot, line.quantity, line.left) for line in one.lines] == [(MASKS, None, 30, 30)]
    assert await there(database) == [(None, 100, 30, 70)]
    assert (await recorded())[-1] == StockReserved(
        posting_id=one.posting_id,
        number=one.number,
        region="19.71",
        occurred_at=NOON,
        lines=[Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=30)],
        reservation_id=one.id,
        place=WAREHOUSE,
        place_name=f"Gudang {WAREHOUSE}",
        purpose="Pelatihan penjahit",
        expires_at=NOON + timedelta(days=7),
    )
    with pytest.raises(ShortOfStock) as refused:
        await give_out(database, issue(71))
    assert refused.value.members["cards"][0]["available"] == 70  # type: ignore[index,call-overload]
    assert await audited(database) == []


async def test_no_more_can_be_reserved_than_is_available(database: Database) -> None:
    await receive(database, receipt(10, ago(1)))
    await reserve(database, reserving(6))
    with pytest.raises(ShortOfStock):
        await reserve(database, reserving(5))
    await reserve(database, reserving(4))
    assert await there(database) == [(None, 10, 10, 0)]
    assert await audited(database) == []


async def test_lots_are_reserved_by_expiry_and_those_of_no_use_are_left(database: Database) -> None:
    await receive(database, receipt(5, ago(3), lot="OLD", expires_on=date(2026, 5, 1)))
    await receive(database, receipt(6, ago(3), lot="LATER", expires_on=date(2027, 2, 1)))
    await receive(database, receipt(4, ago(3), lot="SOON", expires_on=date(2026, 12, 1)))
    one = await reserve(database, reserving(7))
    assert [(line.lot, line.quantity) for line in one.lines] == [("SOON", 4), ("LATER", 3)]
    with pytest.raises(ShortOfStock) as refused:
        await reserve(database, reserving(4))
    assert refused.value.members["cards"][0]["skipped_expired"] == ["OLD"]  # type: ignore[index,call-overload]
    async with database.work(OFFICE) as work:
        await holding.hold(work, HoldLot(item=MASKS, lot="LATER", reason="Bau"))
    with pytest.raises(LotHeld):
        await reserve(database, reserving(1, lot="LATER"))
    assert await there(database) == [("LATER", 6, 3, 3), ("OLD", 5, 0, 5), ("SOON", 4, 4, 0)]


async def test_what_is_wanted_on_a_later_day_is_of_lots_still_good_on_it(database: Database) -> None:
    for lot, quantity, expires_on in (
        ("OLD", 5, date(2026, 5, 1)),
        ("EVE", 5, date(2026, 5, 23)),
        ("DAY", 4, date(2026, 5, 24)),
        ("LATER", 3, date(2027, 2, 1)),
        ("EMPTY", 1, date(2026, 5, 22)),
    ):
        await receive(database, receipt(quantity, ago(30), lot=lot, expires_on=expires_on))
    await give_out(database, issue(1, lot="EMPTY"))
    one = await reserve(database, replace(reserving(6), wanted_on=date(2026, 5, 24)))
    assert [(line.lot, line.quantity) for line in one.lines] == [("DAY", 4), ("LATER", 2)]
    assert one.wanted_on == date(2026, 5, 24)
    assert [(note.lot, note.why) for note in one.lot_notes] == [
        ("DAY", "expiring"),
        ("EVE", "expires_before"),
        ("OLD", "expired"),
    ]
    assert (await shown(database, one.id)).lot_notes == one.lot_notes
    with pytest.raises(ShortOfStock) as refused:
        await reserve(database, replace(reserving(2), wanted_on=date(2026, 5, 24)))
    (card,) = refused.value.members["cards"]  # type: ignore[misc]
    assert (card["available"], card["skipped_expires_before"], card["skipped_expired"]) == (  # type: ignore[index]
        1,
        ["EMPTY", "EVE"],
        ["OLD"],
    )
    named = await reserve(database, replace(reserving(1, lot="EVE"), wanted_on=date(2026, 5, 24)))
    assert [(note.lot, note.why) for note in named.lot_notes] == [("EVE", "expires_before")]
    today = await reserve(database, reserving(4))
    assert [(line.lot, line.quantity) for line in today.lines] == [("EVE", 4)]
    assert await audited(database) == []


@pytest.mark.parametrize(("day", "code"), [(19, "in_the_past"), (28, "after_expiry")])
async def test_goods_are_wanted_while_the_promise_holds(database: Database, day: int, code: str) -> None:
    await receive(database, receipt(5, ago(1)))
    with pytest.raises(Invalid) as refused:
        await reserve(database, replace(reserving(1), wanted_on=date(2026, 5, day)))
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/wanted_on", code)]
    for good in (20, 27):
        await reserve(database, replace(reserving(1), wanted_on=date(2026, 5, good)))


async def test_what_is_used_leaves_the_reservation_and_the_rest_stays(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    given = await hand_out(database, 20, one.id)
    now = await shown(database, one.id)
    assert (now.state, now.lines[0].used, now.lines[0].left) == ("open", 20, 10)
    assert [(use.posting_id, use.quantity) for use in now.uses] == [(given.posting_id, 20)]
    assert await there(database) == [(None, 80, 10, 70)]
    await hand_out(database, 10, one.id)
    assert ((await shown(database, one.id)).state, await there(database)) == ("used", [(None, 70, 0, 70)])
    with pytest.raises(ReservationEnded):
        await hand_out(database, 1, one.id)
    assert await audited(database) == []


async def test_more_than_is_reserved_is_refused_though_it_lies_there(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    await receive(database, receipt(100, ago(1), item=RICE))
    one = await reserve(database, reserving(30))
    with pytest.raises(MoreThanReserved) as refused:
        await hand_out(database, 31, one.id)
    assert refused.value.members["cards"] == [{"item": MASKS, "lot": None, "asked": 31, "reserved": 30}]
    with pytest.raises(MoreThanReserved):
        await distribute(database, replace(distribution(1, item=RICE), reservation=one.id))
    assert await there(database) == [(None, 100, 30, 70)]


async def test_a_lot_that_was_held_or_has_expired_since_is_skipped_and_told_of(
    database: Database, clock: StoppedClock
) -> None:
    await receive(database, receipt(5, ago(3), lot="A", expires_on=date(2026, 5, 22)))
    await receive(database, receipt(5, ago(3), lot="B"))
    await receive(database, receipt(5, ago(3), lot="C"))
    one = await reserve(database, reserving(15))
    async with database.work(OFFICE) as work:
        await holding.hold(work, HoldLot(item=MASKS, lot="B", reason="Bau"))
    clock.advance(timedelta(days=4))
    with pytest.raises(MoreThanReserved) as refused:
        await hand_out(database, 6, one.id, clock.now())
    assert refused.value.members["cards"] == [
        {"item": MASKS, "lot": None, "asked": 6, "reserved": 5, "skipped_held": ["B"], "skipped_expired": ["A"]}
    ]
    given = await hand_out(database, 5, one.id, clock.now())
    assert [line.lot for line in given.lines] == ["C"]


async def test_a_transfer_takes_what_it_sends_out_of_a_reservation(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    sending = DispatchTransfer(
        from_place=WAREHOUSE,
        to_place=ELSEWHERE,
        occurred_at=NOON,
        lines=[GoodsLine(item=MASKS, quantity=12)],
        reservation=one.id,
    )
    async with database.work(OFFICE) as work:
        first, second, third = await transfers.dispatch(work, [Asked(sending, OFFICE)] * 3)
    assert isinstance(first, TransferView)
    assert isinstance(second, TransferView)
    assert isinstance(third, MoreThanReserved), "what the others in the batch took is seen"
    async with database.work(OFFICE) as work:
        (moved,) = await mixed.move(work, [Asked(replace(sending, lines=[GoodsLine(item=MASKS, quantity=6)]), OFFICE)])
    assert not isinstance(moved, Refusal)
    assert ((await shown(database, one.id)).state, await there(database)) == ("used", [(None, 70, 0, 70)])
    assert await audited(database) == []


async def test_in_one_batch_what_the_first_was_refused_the_second_may_have(database: Database) -> None:
    await receive(database, receipt(10, ago(1)))
    one = await reserve(database, reserving(10))
    orders = [
        Asked(replace(distribution(quantity, at), reservation=one.id), OFFICE)
        for quantity, at in ((11, NOON), (10, ago(1)), (6, NOON), (4, NOON))
    ]
    async with database.work(OFFICE) as work:
        outcomes = await distributions.post_all(work, orders)
    assert [type(outcome) for outcome in outcomes] == [MoreThanReserved, Invalid, DistributionView, DistributionView]
    assert await audited(database) == []


@pytest.mark.parametrize("caller", [OFFICE, BELITUNG], ids=lambda caller: caller.subject)
async def test_a_reservation_of_another_place_or_region_is_like_none(database: Database, caller: Caller) -> None:
    await receive(database, receipt(10, ago(1)))
    await receive(database, receipt(10, ago(1), place=ELSEWHERE))
    one = await reserve(database, reserving(10))
    with pytest.raises(Invalid) as refused:
        await distribute(database, replace(distribution(1, place=ELSEWHERE), reservation=one.id), caller)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/reservation", "unknown_reservation")]
    for question in (shown(database, one.id, BELITUNG), release(database, one, BELITUNG)):
        with pytest.raises(Absent):
            await question


async def test_what_is_released_is_available_again_once(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    await hand_out(database, 10, one.id)
    over = await release(database, one)
    assert (over.state, over.reason, over.lines[0].released, over.lines[0].left) == ("released", "Batal", 20, 0)
    assert await there(database) == [(None, 90, 0, 90)]
    event = (await recorded())[-1]
    assert isinstance(event, StockReleased)
    assert (event.number, event.reservation_id, event.lines[0].quantity) == ("2026-05-19.71-RL-0001", one.id, 20)
    with pytest.raises(ReservationEnded):
        await release(database, one)
    assert await audited(database) == []


async def test_what_is_kept_too_long_is_not_used_and_is_swept(database: Database, clock: StoppedClock) -> None:
    await receive(database, receipt(100, ago(1)))
    short, long = await reserve(database, reserving(30, days=1)), await reserve(database, reserving(5, days=9))
    assert await sweep(database) == 0
    clock.advance(timedelta(days=1))
    with pytest.raises(ReservationEnded):
        await hand_out(database, 1, short.id, clock.now())
    assert await sweep(database) == 1
    assert await sweep(database) == 0
    assert [(await shown(database, one.id)).state for one in (short, long)] == ["expired", "open"]
    assert await there(database) == [(None, 100, 5, 95)]
    assert await audited(database) == []


async def test_a_void_reserves_again_what_was_used_or_frees_it_where_the_promise_is_over(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    used = await reserve(database, reserving(10))
    await void(database, (await hand_out(database, 10, used.id)).id)
    now = await shown(database, used.id)
    assert (now.state, now.lines[0].left, [use.returned for use in now.uses]) == ("open", 10, [True])
    assert await there(database) == [(None, 100, 10, 90)]
    given = await hand_out(database, 4, used.id)
    await release(database, used)
    await void(database, given.id)
    now = await shown(database, used.id)
    assert (now.state, now.lines[0].used, now.lines[0].released) == ("released", 0, 10)
    assert await there(database) == [(None, 100, 0, 100)]
    assert await audited(database) == []


async def test_nothing_is_reserved_or_used_before_the_promise(database: Database, clock: StoppedClock) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(10))
    clock.advance(timedelta(days=2))
    with pytest.raises(Invalid) as refused:
        await hand_out(database, 1, one.id, ago(0, minutes=1))
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/occurred_at", "before_reservation")]
    await hand_out(database, 3, one.id, NOON + timedelta(days=1))
    assert await there(database, NOON - timedelta(minutes=1)) == [(None, 100, 0, 100)]
    assert await there(database, NOON) == [(None, 100, 10, 90)]
    assert await there(database, NOON + timedelta(days=1)) == [(None, 97, 7, 90)]


async def test_a_reservation_is_undone_by_releasing_it(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(10))
    with pytest.raises(NotReversible):
        async with database.work(OFFICE) as work:
            await ledger.reverse(work, OFFICE, one.posting_id, ledger.ReversePosting(reason="x"))


async def test_a_count_is_of_all_that_lies_there_and_leaves_promises_alone(
    database: Database, clock: StoppedClock
) -> None:
    await receive(database, receipt(100, ago(1)))
    await reserve(database, reserving(30))
    async with database.work(OFFICE) as work:
        book = await counts.take_snapshot(work, OFFICE, TakeSnapshot(place=WAREHOUSE))
    assert [(line.item, line.on_hand) for line in book.lines] == [(MASKS, 100)]
    clock.advance(timedelta(hours=1))
    found = await count(database, 95, clock.now())
    assert [(line.counted, line.book, line.difference) for line in found.lines] == [(95, 100, -5)]
    assert await there(database) == [(None, 95, 30, 65)]
    clock.advance(timedelta(hours=1))
    with pytest.raises(ReservedNotCounted) as refused:
        await count(database, 29, clock.now())
    assert refused.value.members["cards"] == [{"item": MASKS, "lot": None, "counted": 29, "reserved": 30}]
    await count(database, 30, clock.now())
    assert await there(database) == [(None, 30, 30, 0)]
    assert await audited(database) == []


async def test_what_was_reserved_when_it_was_counted_is_not_changed_afterwards(
    database: Database, clock: StoppedClock
) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    given = await hand_out(database, 5, one.id)
    clock.advance(timedelta(hours=2))
    await count(database, 90, clock.now())
    clock.advance(timedelta(hours=2))
    with pytest.raises(CountedSince):
        await hand_out(database, 5, one.id, NOON + timedelta(hours=1))
    with pytest.raises(CountedSince):
        await void(database, given.id)
    await hand_out(database, 5, one.id, clock.now())
    assert await there(database) == [(None, 85, 20, 65)]
    # Without the reservation it is absorbed as everything else that becomes known late.
    await distribute(database, distribution(7, NOON + timedelta(hours=1)))
    assert await there(database) == [(None, 85, 20, 65)]
    assert await audited(database) == []


async def test_a_count_waits_for_a_promise_that_is_being_made(database: Database, other: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    async with database.work(PANGKALPINANG) as work:
        await reservations.reserve(work, PANGKALPINANG, reserving(30))
        counting = asyncio.create_task(count(other, 90))
        await wait_until(lambda: waits_for_a_lock(database), description="the count to wait for the free goods")
    await counting
    assert await there(database) == [(None, 90, 30, 60)]
    assert await audited(database) == []


async def test_of_two_who_use_the_last_of_a_promise_one_is_refused(database: Database, other: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    async with database.work(OFFICE) as work:
        (first,) = await distributions.post_all(work, [Asked(replace(distribution(20), reservation=one.id), OFFICE)])
        second = asyncio.create_task(hand_out(other, 20, one.id))
        await wait_until(lambda: waits_for_a_lock(database), description="the second to wait for the reservation")
    assert isinstance(first, DistributionView)
    with pytest.raises(MoreThanReserved):
        await second
    assert await there(database) == [(None, 80, 10, 70)]


async def test_promises_uses_and_releases_at_once_leave_every_book_right(database: Database, other: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    held = [await reserve(database, reserving(5)) for _ in range(6)]
    stores = (database, other) * 3
    tasks: list[Any] = []
    for store, one in zip(stores, held, strict=True):
        tasks += [hand_out(store, 3, one.id), release(store, one), reserve(store, reserving(7)), sweep(store)]
        tasks += [give_out(store, issue(2)), count_of(store)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, Refusal)] == []
    assert await audited(database) == []


async def count_of(database: Database) -> CountView:
    return await count(database, 90, ago(minutes=1))


async def test_the_card_shows_what_moved_and_not_what_was_only_promised(database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    given = await hand_out(database, 20, one.id)
    await release(database, one)
    async with database.reading(OFFICE) as work:
        entries = (await card(work, OFFICE, WAREHOUSE, MASKS, CardQuery())).items
        explained = await explain(work, OFFICE, WAREHOUSE, MASKS, ExplanationQuery())
        of_lot = await explain(work, OFFICE, WAREHOUSE, MASKS, ExplanationQuery(lot="", order="newest"))
        (period,) = (await periods(work, OFFICE, PeriodQuery(item=MASKS, from_=date(2026, 5, 20)))).items
        listed = (await places(work, OFFICE, CatalogueQuery())).items
    assert [(entry.kind, entry.quantity, entry.balance) for entry in entries] == [
        ("receipt", 100, 100),
        ("distribution", -20, 80),
    ]
    assert (explained.on_hand, [one.change for one in explained.items]) == (80, [100, -20])
    assert next((one.posting_id, one.balance) for one in of_lot.items) == (given.posting_id, 80)
    assert (period.opening, period.incoming, period.outgoing, period.closing) == (100, 0, 20, 80)
    assert WAREHOUSE in [place.code for place in listed]
    assert all(place.code[-1] != "~" for place in listed)


async def test_a_shelf_that_is_all_promised_is_not_out_of_stock(database: Database, clock: StoppedClock) -> None:
    await receive(database, receipt(30, ago(2)))
    one = await reserve(database, reserving(30))
    clock.advance(timedelta(days=3))
    async with database.reading(OFFICE) as work:
        (view,) = (await stockouts(work, OFFICE, PeriodQuery(item=MASKS))).items
    assert (view.place, view.days) == (WAREHOUSE, 0)
    await hand_out(database, 30, one.id, NOON + timedelta(days=1))
    async with database.reading(OFFICE) as work:
        (view,) = (await stockouts(work, OFFICE, PeriodQuery(item=MASKS))).items
    assert [(str(one.from_), str(one.to)) for one in view.ranges] == [("2026-05-21", "2026-05-23")]


async def test_plans_look_at_what_is_available_and_demand_is_what_left(database: Database, clock: StoppedClock) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30, days=60))
    clock.advance(timedelta(days=20))
    await distribute(database, replace(distribution(9, NOON + timedelta(days=2)), reservation=one.id), OFFICE)
    await distribute(database, distribution(6, NOON + timedelta(days=4)))
    async with database.work(OFFICE) as work:
        view = await cover(work, CoverQuery(place=WAREHOUSE, item=MASKS))
        free = await planning.available(work.session, WAREHOUSE, MASKS, date(2026, 6, 9))
    assert (view.on_hand, view.available, view.demand_days, free) == (85, 64, 2, 64)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_uses_that_come_in_late_and_in_any_order_end_alike(
    database: Database, clock: StoppedClock, order: Sequence[int]
) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(30))
    clock.advance(timedelta(days=3))
    for hours in order:
        await hand_out(database, 10, one.id, NOON + timedelta(hours=hours + 1))
    assert ((await shown(database, one.id)).state, await there(database)) == ("used", [(None, 70, 0, 70)])
    assert await there(database, NOON + timedelta(hours=2)) == [(None, 80, 10, 70)]
    assert await audited(database) == []


PLANTED = {
    "UPDATE reservation_line SET used = 1": "reservation_used_is_sum_of_uses",
    "UPDATE card SET on_hand = on_hand + 1 WHERE right(place, 1) = '~'": "reserved_is_what_is_promised",
    "UPDATE reservation SET state = 'used', ended_at = reserved_at": "reservation_ends_with_its_goods",
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_an_error_that_was_planted_is_found(database: Database, planted: str) -> None:
    await receive(database, receipt(100, ago(1)))
    await reserve(database, reserving(30))
    async with database.work(OFFICE) as work:
        await plant(work, planted)
    assert PLANTED[planted] in {found.check for found in await audited(database)}


async def test_it_works_over_http_and_all_mistakes_are_told(door: Door, database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    wrong = {"place": "NOWHERE", "purpose": "x", "expires_at": "2026-05-01T00:00:00Z"}
    answer = await door["pangkalpinang"].post(
        "/aid/reservations", json=wrong | {"lines": [{"item": "NOTHING", "quantity": 0}]}
    )
    assert (answer.status_code, told(answer)) == (
        422,
        {
            ("/place", "unknown_place"),
            ("/expires_at", "in_the_past"),
            ("/lines/0/item", "unknown_item"),
            ("/lines/0/quantity", "too_small"),
        },
    )
    right = {"place": WAREHOUSE, "purpose": "Pelatihan", "expires_at": "2026-05-27T00:00:00Z"}
    body = right | {"lines": [{"item": MASKS, "quantity": 30}]}
    assert (await door["auditor"].post("/aid/reservations", json=body)).status_code == 403
    answer = await door["pangkalpinang"].post("/aid/reservations", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/aid/reservations/{made['id']}"
    listed = (await door["auditor"].get("/aid/reservations", params={"place": WAREHOUSE, "state": "open"})).json()
    assert [one["number"] for one in listed["items"]] == [made["number"]]
    assert (await door["belitung"].get("/aid/reservations")).json()["items"] == []
    assert (await door["belitung"].get(f"/aid/reservations/{made['id']}")).status_code == 404
    given = {
        "programme": "free-masks",
        "place": WAREHOUSE,
        "occurred_at": NOON.isoformat(),
        "lines": [{"item": MASKS, "quantity": 31}],
        "recipients": {"public": 10},
        "reservation": made["id"],
    }
    answer = await door["pangkalpinang"].post("/aid/distributions", json=given)
    assert (answer.status_code, answer.json()["code"]) == (409, "more_than_reserved")
    over = await door["pangkalpinang"].post(f"/aid/reservations/{made['id']}/release", json={"reason": "Batal"})
    assert (over.status_code, over.json()["state"]) == (201, "released")
    again = await door["pangkalpinang"].post(f"/aid/reservations/{made['id']}/release", json={"reason": "Batal"})
    assert (again.status_code, again.json()["code"]) == (409, "reservation_ended")


async def test_nobody_posts_to_what_is_reserved(door: Door, database: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    await reserve(database, reserving(30))
    order = {"place": f"{WAREHOUSE}~", "reason": "damaged", "occurred_at": NOON.isoformat()}
    answer = await door["office"].post("/aid/issues", json=order | {"lines": [{"item": MASKS, "quantity": 1}]})
    assert answer.status_code == 422
    assert (await door["office"].get(f"/aid/cards/{WAREHOUSE}~/{MASKS}")).status_code in (404, 422)
    with pytest.raises(Invalid):
        await give_out(database, IssueStock(**{**_fields(issue(1)), "place": f"{WAREHOUSE}~"}))


def _fields(order: IssueStock) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__struct_fields__}


async def test_the_uses_of_a_reservation_are_listed_page_by_page(database: Database, door: Door) -> None:
    await receive(database, receipt(100, ago(1)))
    await receive(database, receipt(100, ago(1), lot="L1", expires_on=date(2027, 1, 1)))
    one = await reserve(database, reserving(160))
    given = [await hand_out(database, quantity, one.id) for quantity in [*range(1, 12), 60]]  # the last takes both lots
    path = f"/aid/reservations/{one.id}"
    seen: list[tuple[str, str | None]] = []
    after: str | None = None
    while True:
        page = {"limit": "5"} | ({"cursor": after} if after else {})
        answer = (await door["pangkalpinang"].get(f"{path}/uses", params=page)).json()
        assert len(answer["items"]) <= 5
        seen += [(use["posting_id"], use["lot"]) for use in answer["items"]]
        after = answer["next"]
        if after is None:
            break
    lots = {str(made.posting_id): {line.lot for line in made.lines} for made in given}
    assert sorted(seen, key=str) == sorted(((key, lot) for key, lots_ in lots.items() for lot in lots_), key=str)
    assert [key for key, _ in seen] == sorted(key for key, _ in seen)
    assert (await door["belitung"].get(f"{path}/uses")).status_code == 404
    assert (await door["belitung"].get(f"/aid/reservations/{uuid4()}/uses")).status_code == 404
    whole = await shown(database, one.id)
    assert (len(whole.uses), whole.uses_next) == (13, None)


async def test_with_a_reservation_no_more_than_the_first_uses_are_shown(database: Database, door: Door) -> None:
    await receive(database, receipt(100, ago(1)))
    one = await reserve(database, reserving(90))
    for _ in range(reservation_questions.USES_SHOWN + 1):
        await hand_out(database, 1, one.id)
    made = await shown(database, one.id)
    assert len(made.uses) == reservation_questions.USES_SHOWN
    answer = await door["office"].get(f"/aid/reservations/{one.id}/uses", params={"cursor": str(made.uses_next)})
    (last,) = answer.json()["items"]
    assert UUID(last["posting_id"]) > made.uses[-1].posting_id
    async with database.reading(OFFICE) as work:
        (listed,) = (await reservation_questions.page(work, OFFICE, ReservationQuery())).items
    assert listed == made


async def test_pages_of_reservations_are_whole(database: Database, clock: StoppedClock) -> None:
    await receive(database, receipt(100, ago(1)))
    made = []
    for _ in range(5):
        made.append((await reserve(database, reserving(1))).number)
        clock.advance(timedelta(seconds=1))
    seen: list[str] = []
    after = None
    for _ in range(3):
        async with database.reading(OFFICE) as work:
            page = await reservation_questions.page(work, OFFICE, ReservationQuery(cursor=after, limit=2))
        seen += [one.number for one in page.items]
        after = page.next
    assert (seen, after) == (made[::-1], None)
    assert await ask(database, "SELECT count(*) FROM place WHERE kind = 'reserved'") == [(1,)]
    with pytest.raises(Absent):
        await shown(database, uuid4())
