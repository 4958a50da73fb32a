"""What was ordered arrives: inspected, in stock, due and paid; and two who record it at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.aid_distribution.production import deliveries, handlers
from services.aid_distribution.production.audit import PRODUCED
from services.aid_distribution.production.domain import (
    MoreThanDue,
    MoreThanNeeded,
    MoreThanOrdered,
    NotAccepted,
    OverCap,
    PaymentKnown,
    TooFewLayers,
)
from services.aid_distribution.production.shapes import ProductionOrderView
from services.aid_distribution.production.store import ProductionOrderRow
from shared.contracts import Event
from shared.contracts.aid_distribution import Goods, ProductionDelivered, ProductionPaid, Rejected
from shared.database import Database
from shared.effect_audit import Told
from shared.problems import Absent, Invalid
from tests.aid_distribution.story import (
    BELITUNG,
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    WAREHOUSE,
    StoppedClock,
    ask,
    audited,
    waits_for_a_lock,
)
from tests.aid_distribution.test_distributions import codes
from tests.aid_distribution.workshops import (
    HARTINI,
    LINA,
    accept,
    call,
    decline,
    deliver,
    delivery,
    offer,
    open_workshops,
    pay,
    record_of,
    shown_call,
    shown_order,
    take_back,
    taken,
)
from tests.door import Recorded
from tests.waiting import wait_until


@pytest.fixture
async def workshops(database: Database) -> Database:
    await open_workshops(database)
    return database


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


async def test_what_is_accepted_is_in_stock_and_due_in_one_go(workshops: Database, recorded: Recorded) -> None:
    order = await taken(workshops)
    part = await deliver(workshops, order.id, delivery(60, 10))
    assert (part.state, part.delivered, part.accepted, part.rejected, part.outstanding) == ("accepted", 70, 60, 10, 40)
    assert (part.due_rupiah, part.paid_rupiah, part.balance_rupiah) == (300_000, 0, 300_000)
    (first,) = part.deliveries
    assert (first.number, first.document, first.amount_due_rupiah) == ("2026-05-19.71-PD-0001", "SJ-1", 300_000)
    assert [(reason.reason, reason.quantity) for reason in first.reasons] == [("seams", 10)]
    assert await ask(workshops, "SELECT place, item, lot, on_hand FROM card") == [(WAREHOUSE, MASKS, order.lot, 60)]
    question = "SELECT kind, region, from_place, to_place, quantity FROM posting JOIN posting_line ON id = posting_id"
    assert await ask(workshops, question) == [("production", "19.71", "PRODUCTION", WAREHOUSE, 60)]
    event = (await recorded())[-1]
    assert isinstance(event, ProductionDelivered)
    assert (event.business_id, event.number, event.delivered, event.accepted) == (HARTINI, first.number, 70, 60)
    assert event.reasons == [Rejected(reason="seams", quantity=10)]
    assert event.lines == [Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=60, lot=order.lot)]
    assert (event.amount_due_rupiah, event.due_rupiah, event.state) == (300_000, 300_000, "accepted")
    whole = await deliver(workshops, order.id, delivery(40))
    assert (whole.state, whole.outstanding, whole.days_late) == ("delivered", 0, 0)
    assert [one.no for one in whole.deliveries] == [1, 2]
    assert await ask(workshops, "SELECT on_hand FROM card") == [(100,)]
    assert await audited(workshops) == []
    with pytest.raises(NotAccepted):
        await deliver(workshops, order.id, delivery(1))


async def test_masks_of_one_layer_are_rejected_all_of_them(workshops: Database, recorded: Recorded) -> None:
    order = await taken(workshops)
    before = await recorded()
    for layers in (1, None):
        with pytest.raises(TooFewLayers):
            await deliver(workshops, order.id, delivery(1, 99, layers=layers))
    assert await recorded() == before
    done = await deliver(workshops, order.id, delivery(0, 100, layers=1))
    assert (done.state, done.accepted, done.rejected, done.due_rupiah) == ("accepted", 0, 100, 0)
    assert (done.deliveries[0].number, done.deliveries[0].posting_id) == (None, None)
    event = (await recorded())[-1]
    assert isinstance(event, ProductionDelivered)
    assert (event.number, event.lines, event.accepted) == (None, [], 0)
    assert await ask(workshops, "SELECT count(*) FROM posting") == [(0,)]


async def test_never_more_is_accepted_than_was_ordered(workshops: Database) -> None:
    order = await taken(workshops)
    await deliver(workshops, order.id, delivery(60))
    with pytest.raises(MoreThanOrdered) as refused:
        await deliver(workshops, order.id, delivery(41))
    assert refused.value.members == {"ordered": 100, "accepted": 60, "outstanding": 40}
    assert await ask(workshops, "SELECT on_hand FROM card") == [(60,)]
    assert (await deliver(workshops, order.id, delivery(40, 5))).state == "delivered"


async def test_an_order_of_which_no_more_will_come_ends_short_and_gives_the_rest_free(
    workshops: Database,
) -> None:
    made = await call(workshops, 150, 150)
    order = await accept(workshops, (await offer(workshops, made.id, HARTINI, 100, "uji")).id)
    short = await deliver(workshops, order.id, delivery(70, last=True))
    assert (short.state, short.accepted, short.outstanding, short.due_rupiah) == ("short", 70, 0, 350_000)
    assert (await shown_call(workshops, made.id)).open == 80
    assert (await offer(workshops, made.id, LINA, 80, "sisa")).quantity == 80


async def test_lateness_is_counted_in_local_days(workshops: Database, clock: StoppedClock) -> None:
    order = await taken(workshops)
    clock.advance(timedelta(days=10, hours=11, minutes=30))  # 23:30 WIB on the day itself
    assert (await shown_order(workshops, order.id)).days_late == 0
    clock.advance(timedelta(hours=1))
    assert (await shown_order(workshops, order.id)).days_late == 1
    at_last = await deliver(workshops, order.id, delivery(100, at=clock.now()))
    assert (at_last.state, at_last.days_late) == ("delivered", 1)
    clock.advance(timedelta(days=9))
    assert (await shown_order(workshops, order.id)).days_late == 1


async def test_a_delivery_is_recorded_where_it_arrives(workshops: Database) -> None:
    order = await taken(workshops)
    for order_id, caller in ((order.id, BELITUNG), (UUID(int=7), OFFICE)):
        with pytest.raises(Absent):
            await deliver(workshops, order_id, delivery(), caller)
    with pytest.raises(Invalid) as refused:
        await deliver(workshops, order.id, delivery(at=NOON + timedelta(seconds=1)))
    assert codes(refused) == [("/occurred_at", "in_the_future")]
    offered = await offer(workshops, (await call(workshops)).id, LINA)
    with pytest.raises(NotAccepted):
        await deliver(workshops, offered.id, delivery(1))


async def test_what_is_due_is_paid_in_parts_and_never_more(workshops: Database, recorded: Recorded) -> None:
    order = await taken(workshops)
    with pytest.raises(MoreThanDue):
        await pay(workshops, order.id, 1)
    await deliver(workshops, order.id, delivery(100))
    part = await pay(workshops, order.id, 200_000)
    assert (part.paid_rupiah, part.balance_rupiah) == (200_000, 300_000)
    event = (await recorded())[-1]
    assert isinstance(event, ProductionPaid)
    assert (event.payment_no, event.amount_rupiah, event.balance_rupiah) == (1, 200_000, 300_000)
    with pytest.raises(PaymentKnown) as known:
        await pay(workshops, order.id, 300_000)
    assert known.value.members == {"payment_no": 1, "amount_rupiah": 200_000}
    with pytest.raises(MoreThanDue) as refused:
        await pay(workshops, order.id, 300_001, "SP2D-2")
    assert refused.value.members == {"due_rupiah": 500_000, "paid_rupiah": 200_000, "balance_rupiah": 300_000}
    whole = await pay(workshops, order.id, 300_000, "SP2D-2")
    assert (whole.balance_rupiah, [one.no for one in whole.payments]) == (0, [1, 2])


async def test_the_record_of_a_producer_tells_what_was_ordered_and_what_came_of_it(
    workshops: Database, clock: StoppedClock
) -> None:
    assert (await record_of(workshops, HARTINI)).on_time_permille is None
    first = await taken(workshops)
    await deliver(workshops, first.id, delivery(100, 7))
    await pay(workshops, first.id, 400_000)
    await decline(workshops, (await offer(workshops, (await call(workshops)).id)).id)
    late = await taken(workshops)
    clock.advance(timedelta(days=20))
    await deliver(workshops, late.id, delivery(30, 3, at=clock.now()))
    await take_back(workshops, late.id)
    running = await taken_later(workshops)
    record = await record_of(workshops, HARTINI)
    assert (record.offered, record.declined, record.taken_back, record.open) == (4, 1, 1, 1)
    assert (record.completed, record.on_time, record.on_time_permille) == (2, 1, 500)
    assert (record.ordered, record.delivered, record.accepted, record.rejected) == (250, 140, 130, 10)
    assert [(one.reason, one.quantity) for one in record.rejected_by_reason] == [("seams", 10)]
    assert (record.due_rupiah, record.paid_rupiah, record.balance_rupiah) == (650_000, 400_000, 250_000)
    assert [one.id for one in record.open_orders] == [running.id]
    assert record.profile is not None
    assert record.profile.capacity_per_week == 200
    with pytest.raises(Absent):
        await record_of(workshops, HARTINI, BELITUNG)


async def taken_later(database: Database) -> ProductionOrderView:
    made = await call(database, 150, 150, due_on=date(2026, 7, 1))
    return await accept(database, (await offer(database, made.id, HARTINI, 50, "uji")).id)


def told(*events: Event) -> list[Told]:
    return [Told("aid_distribution", 0, number, NOON, event) for number, event in enumerate(events, 1)]


async def test_a_record_that_was_changed_afterwards_is_seen(workshops: Database, recorded: Recorded) -> None:
    order = await taken(workshops)
    await deliver(workshops, order.id, delivery(60, 10))
    await deliver(workshops, order.id, delivery(0, 1))
    await pay(workshops, order.id, 1_000)
    events = [event for event in await recorded() if type(event) in PRODUCED.events]
    assert len(events) == 3

    async def wrong() -> list[str]:
        async with workshops.reading(OFFICE) as work:
            return [seen.wrong for seen in await PRODUCED.look(work.session, told(*events)) if seen.wrong]

    assert await wrong() == []
    async with workshops.work(OFFICE) as work:
        await work.session.execute(text("UPDATE production_delivery SET accepted = 50, rejected = 20 WHERE no = 1"))
        await work.session.execute(text("DELETE FROM production_payment"))
    assert await wrong() == ["the row differs in accepted, rejected", "there is no such row"]


async def test_of_two_deliveries_of_60_to_an_order_of_100_one_is_accepted(workshops: Database, other: Database) -> None:
    order = await taken(workshops)
    async with workshops.work(PANGKALPINANG) as work:
        await deliveries.deliver(work, PANGKALPINANG, order.id, delivery(60))
        second = asyncio.create_task(deliver(other, order.id, delivery(60)))
        await wait_until(lambda: waits_for_a_lock(workshops), description="the second delivery to wait for the order")
        assert not second.done()
    with pytest.raises(MoreThanOrdered):
        await second
    assert await ask(workshops, "SELECT on_hand FROM card") == [(60,)]
    assert (await shown_order(workshops, order.id)).accepted == 60


async def test_without_the_lock_both_would_pass_the_rule_and_only_the_constraint_would_be_left(
    workshops: Database, other: Database
) -> None:
    order = await taken(workshops)
    async with workshops.work(PANGKALPINANG) as one, other.work(PANGKALPINANG) as another:
        for work in (one, another):
            row = await work.session.get_one(ProductionOrderRow, order.id)
            await deliveries._check(work, row, delivery(60))
        raise_by_60 = text("UPDATE production_order SET accepted = accepted + 60")
        await one.session.execute(raise_by_60)
        await one.session.commit()
        with pytest.raises(IntegrityError, match="production_order_accepted_within_quantity"):
            await another.session.execute(raise_by_60)
        await another.session.rollback()


async def test_of_two_payments_at_once_no_more_is_paid_than_is_due(workshops: Database, other: Database) -> None:
    order = await taken(workshops)
    await deliver(workshops, order.id, delivery(100))
    stores = (workshops, other) * 4
    payments = [pay(one, order.id, 200_000, f"SP2D-{number}") for number, one in enumerate(stores)]
    outcomes = await asyncio.gather(*payments, return_exceptions=True)
    assert len([one for one in outcomes if isinstance(one, ProductionOrderView)]) == 2
    assert len([one for one in outcomes if isinstance(one, MoreThanDue)]) == 6
    assert (await shown_order(workshops, order.id)).balance_rupiah == 100_000


async def test_offers_made_at_once_exceed_neither_need_nor_cap(workshops: Database, other: Database) -> None:
    made = await call(workshops, 200, 150)
    businesses = (HARTINI, LINA) * 6
    offers = [
        offer(one, made.id, business, 40, "bersamaan")
        for one, business in zip((workshops, other) * 6, businesses, strict=True)
    ]
    outcomes = await asyncio.gather(*offers, return_exceptions=True)
    assert len([one for one in outcomes if isinstance(one, ProductionOrderView)]) == 5
    assert len([one for one in outcomes if isinstance(one, MoreThanNeeded | OverCap)]) == 7
    assert await ask(workshops, "SELECT held FROM production_call") == [(200,)]
    assert await ask(workshops, "SELECT sum(held)::int, max(held) <= 150 FROM production_share") == [(200, True)]


async def test_without_the_lock_of_the_call_the_constraint_is_what_is_left(
    workshops: Database, other: Database
) -> None:
    made = await call(workshops, 200, 150)
    async with workshops.work(OFFICE) as one, other.work(OFFICE) as another:
        for work, business in ((one, HARTINI), (another, LINA)):
            assert await handlers.offer_mistakes(work, {"/call": made.id, "/business": business}) == []
        hold = text("UPDATE production_call SET held = held + 120")
        await one.session.execute(hold)
        await one.session.commit()
        with pytest.raises(IntegrityError, match="production_call_held_within_need"):
            await another.session.execute(hold)
        await another.session.rollback()


async def test_an_acceptance_and_a_taking_back_at_once_leave_one_of_both(workshops: Database, other: Database) -> None:
    made = await call(workshops)
    offered = await offer(workshops, made.id)
    async with workshops.work(OFFICE) as work:
        await handlers.take_back(work, OFFICE, offered.id, handlers.TakeBack(reason="salah"))
        second = asyncio.create_task(accept(other, offered.id))
        await wait_until(lambda: waits_for_a_lock(workshops), description="the acceptance to wait for the order")
    with pytest.raises(handlers.NotOffered):
        await second
    assert (await shown_order(workshops, offered.id)).state == "taken_back"
