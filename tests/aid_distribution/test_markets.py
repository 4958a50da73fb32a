"""Cheap markets: what may follow what, coupons that count once, and sales that are told late and in any order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.coupons import signing
from services.aid_distribution.ledger.journal_audit import look
from services.aid_distribution.markets import coupons, double_uses, handlers
from services.aid_distribution.markets.domain import (
    CouponsExhausted,
    FamilyHasCoupon,
    Model,
    NoCoupons,
    SlotFull,
    State,
    WrongMarketState,
)
from services.aid_distribution.markets.double_uses import DoubleUseQuery
from services.aid_distribution.markets.orders import (
    CouponOrder,
    IssueCoupons,
    IssuedView,
    SaleEntry,
    SaleOutcome,
    SoldLine,
)
from shared.contracts.aid_distribution import CouponsIssued, MarketAnnounced, MarketClosed, MarketOpened, MarketSold
from shared.database import Database
from shared.effect_audit import Told
from shared.privacy import Vault
from shared.problems import Absent, Invalid
from tests.aid_distribution.market_story import (
    CLOSES,
    OPENS,
    announce,
    announcement,
    cancel,
    close,
    entry,
    family,
    give,
    offer,
    open_market,
    said,
    slot,
    tell,
)
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MARKET,
    NOON,
    OFFICE,
    PANGKALPINANG,
    RICE,
    SOAP,
    StoppedClock,
    ago,
    ask,
    audited,
    furnish,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.conftest import Databases
from tests.door import Recorded
from tests.waiting import wait_until

VAULT = Vault(b"m" * 32)


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    """A venue with 100 packs of rice, and keys to sign coupons with."""
    database = await databases("aid_distribution", migrated=True, clock=clock, vault=VAULT)
    async with database.work(OFFICE) as work:
        await furnish(work)
    await receive(database, receipt(100, ago(1), place=MARKET, item=RICE))
    return database


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock, vault=VAULT)
    yield other
    await other.close()


async def on_hand(database: Database, item: str = RICE) -> int:
    question = "SELECT on_hand FROM card WHERE place = :place AND item = :item"
    rows = await ask(database, question, place=MARKET, item=item)
    return int(str(rows[0][0])) if rows else 0


async def test_a_market_is_announced_opened_and_closed_and_each_is_told(database: Database, recorded: Recorded) -> None:
    market = await announce(database, announcement(offer(), offer(SOAP, 30, 1), slots=[slot(40)]))
    assert (market.number, market.state, market.region) == ("2026-05-19.71-PM-0001", "announced", "19.71")
    assert (market.packages_max, market.coupon_item) == (30, "COUPON-2026-05-19.71-PM-0001")
    assert [(one.slot, one.capacity, one.issued) for one in market.slots] == [(1, 40, 0)]
    async with database.work(PANGKALPINANG) as work:
        assert (await handlers.open_market(work, PANGKALPINANG, market.id)).state == "open"
    closed = await close(database, market)
    assert (closed.state, closed.version) == ("closed", 3)
    told = [event for event in await recorded() if event.subject == f"market/{market.id}"]
    assert [type(event) for event in told] == [MarketAnnounced, MarketOpened, MarketClosed]
    assert (await announce(database)).number == "2026-05-19.71-PM-0002"


async def test_what_a_market_was_decides_what_it_may_become(database: Database) -> None:
    announced = await announce(database)
    with pytest.raises(WrongMarketState):
        await close(database, announced)
    with pytest.raises(WrongMarketState):
        await tell(database, announced, entry())
    opened = await open_market(database)
    for act in (cancel(database, opened), open_again(database, opened.id)):
        with pytest.raises(WrongMarketState):
            await act
    await close(database, opened)
    with pytest.raises(WrongMarketState):
        await give(database, opened, [1])


async def open_again(database: Database, market_id: UUID) -> None:
    async with database.work(PANGKALPINANG) as work:
        await handlers.open_market(work, PANGKALPINANG, market_id)


async def test_another_regions_market_is_as_absent_as_none(database: Database) -> None:
    market = await announce(database)
    async with database.work(BELITUNG) as work:
        for unknown in (market.id, uuid4()):
            with pytest.raises(Absent):
                await handlers.open_market(work, BELITUNG, unknown)
            with pytest.raises(Absent):
                await handlers.show(work, BELITUNG, unknown)


async def test_all_that_is_wrong_with_an_announcement_is_told_at_once(database: Database) -> None:
    late = slot(1, CLOSES)
    order = announcement(
        offer(price=53_000), offer(limit=101), offer("NOTHING"),
        place=ELSEWHERE, closes_at=OPENS, slots=[late], seller=uuid4(),
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        await announce(database, order)
    assert {(error.pointer, error.code) for error in refused.value.errors} == {
        ("/place", "unknown_place"),
        ("/closes_at", "before_opening"),
        ("/items/0/price_rupiah", "above_market_price"),
        ("/items/1/item", "duplicate"),
        ("/items/1/limit_per_family", "above_allotment"),
        ("/items/2/item", "unknown_item"),
        ("/slots/0/to", "outside_opening_hours"),
        ("/seller", "unknown_business"),
    }


# --- coupons ------------------------------------------------------------------------------------------------------


async def test_a_coupon_is_entitlement_in_the_ledger_and_is_used_up_with_the_sale(
    database: Database, recorded: Recorded
) -> None:
    market = await open_market(database)
    assert market.coupon_item
    issued = await give(database, market, [1, 2, 3])
    assert (issued.packages_issued, issued.packages_max) == (3, 50)
    assert await on_hand(database, market.coupon_item) == 3
    outcomes = await tell(database, market, entry(2, coupon=issued.coupons[0].token))
    assert [(one.outcome, one.amount_rupiah) for one in outcomes] == [("recorded", 90_000)]
    assert (await on_hand(database), await on_hand(database, market.coupon_item)) == (98, 2)
    assert await audited(database) == []
    (sold,) = [event for event in await recorded() if isinstance(event, MarketSold)]
    assert sorted((line.item, line.quantity) for line in sold.lines) == [(market.coupon_item, 1), (RICE, 2)]
    told = [Told("aid_distribution", 0, n, NOON, e) for n, e in enumerate(await recorded())]
    posted = [one for one in told if isinstance(one.event, CouponsIssued | MarketSold)]
    async with database.reading(OFFICE) as work:
        assert [one.wrong for one in await look(work.session, posted)] == ["", ""]


async def test_a_counter_without_a_network_tells_a_real_coupon_by_the_public_key(database: Database) -> None:
    market = await open_market(database, announcement(slots=[slot(5)]))
    (coupon,) = (await give(database, market, [1], packages=2, slot_no=1)).coupons
    async with database.reading(OFFICE) as work:
        key = await coupons.public_key(work)
        paper = await coupons.paper(work, PANGKALPINANG, market.id, coupon.id)
    public = VAULT.signer(coupons.PURPOSE).public_key()
    assert key.x == signing.public_letters(VAULT.signer(coupons.PURPOSE))
    assert signing.read(coupon.token, public) == signing.Signed(market.id, coupon.id, 1, 2, 1)
    assert len(coupon.token) < 280
    assert paper.token == coupon.token
    assert paper.qr.startswith("data:image/svg+xml")
    head, words, signature = coupon.token.split(".")
    more = signing._letters(signing._bytes(words).replace(b'"p":2', b'"p":9'))
    for forged in (f"{head}.{more}.{signature}", coupon.token[:-4], "", "a.b.c", f"{words}.{words}.{signature}"):
        assert signing.read(forged, public) is None
    assert signing.read(coupon.token, Vault(b"x" * 32).signer(coupons.PURPOSE).public_key()) is None
    assert signing.read(coupon.token, VAULT.signer("receipts").public_key()) is None


async def test_no_more_is_promised_than_the_allotment_the_slot_and_the_family_allow(database: Database) -> None:
    market = await open_market(database, announcement(offer(allotment=10, limit=2), slots=[slot(3), slot(9)]))
    await give(database, market, [1, 2, 3], slot_no=1)
    with pytest.raises(SlotFull):
        await give(database, market, [4], slot_no=1)
    with pytest.raises(FamilyHasCoupon):
        await give(database, market, [4, 1], slot_no=2)
    with pytest.raises(CouponsExhausted) as refused:
        await give(database, market, [4], packages=3, slot_no=2)
    assert refused.value.members["left"] == 2
    for slot_no in (None, 7):
        with pytest.raises(Invalid):
            await give(database, market, [4], slot_no=slot_no)
    assert len((await give(database, market, [4, 5], slot_no=2)).coupons) == 2
    cheap = await open_market(database, announcement(model=Model.DISTRIBUTOR_PRICE))
    with pytest.raises(NoCoupons):
        await give(database, cheap, [1])


async def test_a_market_that_is_called_off_takes_its_coupons_back(database: Database) -> None:
    market = await announce(database)
    await give(database, market, [1, 2])
    await cancel(database, market)
    assert market.coupon_item
    assert await on_hand(database, market.coupon_item) == 0
    assert await audited(database) == []


async def test_of_two_who_ask_for_the_last_coupon_one_gets_it(database: Database, other: Database) -> None:
    market = await open_market(database, announcement(offer(allotment=3, limit=1)))
    await give(database, market, [1, 2])
    asked = (give(one, market, [number]) for number, one in enumerate((database, other) * 3, 3))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, IssuedView) for one in outcomes) == 1
    assert sum(isinstance(one, CouponsExhausted) for one in outcomes) == 5
    assert await audited(database) == []


async def test_without_the_lock_both_would_be_promised_the_last_package_and_the_database_refuses_the_second(
    database: Database, other: Database
) -> None:
    """The control: both have read that one is left, and both write what they have decided."""
    market = await open_market(database, announcement(offer(allotment=1, limit=1)))
    question = "SELECT packages_max - packages_issued FROM market WHERE id = :id"
    take = text("UPDATE market SET packages_issued = packages_issued + 1 WHERE id = :id")
    async with database.work(OFFICE) as one, other.work(OFFICE) as another:
        left = [(await work.session.execute(text(question), {"id": market.id})).scalar_one() for work in (one, another)]
        assert left == [1, 1]
        await one.session.execute(take, {"id": market.id})
        await one.session.commit()
        with pytest.raises(DBAPIError, match="market_packages_within_allotment"):
            await another.session.execute(take, {"id": market.id})
        await another.session.rollback()


# --- sales --------------------------------------------------------------------------------------------------------


async def test_a_sale_that_is_told_again_is_taken_once_and_answered_as_before(database: Database) -> None:
    market = await open_market(database)
    (coupon,) = (await give(database, market, [1])).coupons
    told = entry(2, coupon=coupon.token)
    (first,) = await tell(database, market, told)
    again = await tell(database, market, told, told)
    assert said(again) == ["repeated", "repeated"]
    assert {(one.number, one.amount_rupiah) for one in again} == {(first.number, 90_000)}
    assert await on_hand(database) == 98
    other_sale = entry(1, coupon=coupon.token, entry_id=told.id)
    assert said(await tell(database, market, other_sale)) == ["id_taken"]


async def test_one_bad_line_loses_none_of_the_others_whatever_is_wrong_with_it(database: Database) -> None:
    market, elsewhere = await open_market(database), await open_market(database)
    issued = (await give(database, market, range(1, 6))).coupons
    (foreign,) = (await give(database, elsewhere, [1])).coupons
    outcomes = await tell(
        database,
        market,
        entry(1, coupon=issued[0].token),
        entry(3, coupon=issued[1].token),
        entry(0, coupon=issued[1].token),
        entry(1, coupon=issued[1].token, item="\x00"),
        entry(2**62, coupon=issued[1].token),
        entry(1, coupon=foreign.token),
        entry(1, coupon=issued[1].token[:-2]),
        entry(1, to=family(1)),
        entry(1, to="?", coupon=issued[1].token),
        entry(1, to="1971-0123-0405-0678", coupon=issued[1].token),
        entry(1, coupon=issued[1].token, sold_at=NOON + timedelta(seconds=1)),
        entry(1, coupon=issued[1].token, sold_at=ago(31)),
        entry(1, coupon=issued[2].token, sold_at=ago(1)),
    )
    assert said(outcomes) == [
        "recorded",
        "parked",
        "bad_quantity",
        "unknown_item",
        "bad_quantity",
        "coupon_of_another_market",
        "coupon_invalid",
        "coupon_missing",
        "family_invalid",
        "family_invalid",
        "in_the_future",
        "too_far_back",
        "recorded",
    ]
    assert await on_hand(database) == 98
    assert await ask(database, "SELECT count(*) FROM market_sale") == [(2,)]


async def test_the_number_of_a_family_card_names_neither_a_family_nor_a_counter(database: Database) -> None:
    market = await open_market(database)
    for card in ("1971012304050678", "1971-0123-0405-0678", "1971_0123_0405_0678"):
        async with database.work(PANGKALPINANG) as work:
            order = IssueCoupons(coupons=[CouponOrder(family=card)])
            with pytest.raises(Invalid) as refused:
                await coupons.issue(work, PANGKALPINANG, market.id, order)
        assert [(one.pointer, one.code) for one in refused.value.errors] == [("/coupons/0/family", "person_number")]
        with pytest.raises(Invalid) as refused:
            await tell(database, market, entry(1, to=family(1)), counter=card)
        assert [(one.pointer, one.code) for one in refused.value.errors] == [("/counter", "person_number")]


async def test_a_coupon_that_is_used_twice_is_found_and_both_sides_are_named(
    database: Database, recorded: Recorded
) -> None:
    market = await open_market(database)
    (coupon,) = (await give(database, market, [1])).coupons
    first, second = entry(2, coupon=coupon.token), entry(1, coupon=coupon.token, sold_at=ago(hours=1))
    await tell(database, market, first, counter="Loket 1")
    (outcome,) = await tell(database, market, second, counter="Loket 2", caller=OFFICE)
    assert (outcome.outcome, outcome.number is None) == ("double_use", False)
    assert outcome.first_use
    assert (outcome.first_use.sale_id, outcome.first_use.counter) == (first.id, "Loket 1")
    assert await on_hand(database) == 97  # the goods have left
    assert market.coupon_item
    assert await on_hand(database, market.coupon_item) == 0
    async with database.reading(OFFICE) as work:
        (found,) = (await double_uses.page(work, OFFICE, market.id, DoubleUseQuery())).items
    assert (found.coupon_id, found.first.told_by, found.second.told_by) == (
        coupon.id, PANGKALPINANG.subject, OFFICE.subject,
    )  # fmt: skip
    assert [event.double_of for event in await recorded() if isinstance(event, MarketSold)] == [None, first.id]
    assert said(await tell(database, market, second, caller=OFFICE)) == ["repeated"]
    assert await audited(database) == []


async def test_a_double_use_is_never_lost_even_when_the_book_has_no_goods_for_it(database: Database) -> None:
    market = await open_market(database, announcement(offer(allotment=200, limit=100)))
    (coupon,) = (await give(database, market, [1])).coupons
    first = entry(100, coupon=coupon.token, sold_at=ago(hours=1))
    outcomes = await tell(database, market, entry(1, coupon=coupon.token), first)
    assert [(one.outcome, one.detail) for one in outcomes] == [("double_use", "short_of_stock"), ("recorded", None)]
    assert outcomes[0].first_use
    assert outcomes[0].first_use.sale_id == first.id
    rows = await ask(database, "SELECT double_use, posting_id IS NULL, unposted_reason FROM market_sale ORDER BY 1")
    assert rows == [(False, False, None), (True, True, "short_of_stock")]
    assert await audited(database) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_entries_in_any_order_each_told_twice_give_the_same_book(
    database: Database, order: tuple[int, ...]
) -> None:
    market = await open_market(database, announcement(offer(allotment=3, limit=1)))
    issued = (await give(database, market, range(3))).coupons
    entries = [entry(1, coupon=one.token, sold_at=ago(hours=number)) for number, one in enumerate(issued)]
    for index in order:
        assert said(await tell(database, market, entries[index])) == ["recorded"]
    assert said(await tell(database, market, *entries)) == ["repeated"] * 3
    assert await on_hand(database) == 97
    assert await audited(database) == []


async def test_goods_that_are_not_there_are_not_sold_and_the_entry_may_be_told_again(database: Database) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5)))
    (coupon,) = (await give(database, market, [1])).coupons
    told = entry(5, coupon=coupon.token, item=SOAP)
    assert said(await tell(database, market, told)) == ["parked"]
    assert await ask(database, "SELECT sold FROM market_item") == [(0,)]
    await receive(database, receipt(5, ago(hours=2), place=MARKET, item=SOAP))
    assert said(await tell(database, market, told)) == ["recorded"]


async def test_what_the_ledger_refuses_leaves_its_place_to_others(database: Database) -> None:
    offers = (offer(RICE, 2, 2), offer(SOAP, 2, 2))
    market = await open_market(database, announcement(*offers, model=Model.DISTRIBUTOR_PRICE))
    both = [SoldLine(item=RICE, quantity=2), SoldLine(item=SOAP, quantity=1)]
    without_soap = SaleEntry(id=uuid4(), sold_at=ago(hours=1), family=family(1), lines=both)
    outcomes = await tell(database, market, without_soap, entry(2, to=family(2)))
    assert said(outcomes) == ["parked", "recorded"]


async def test_a_family_takes_its_limit_at_the_distributors_price_and_no_more(database: Database) -> None:
    market = await open_market(database, announcement(model=Model.DISTRIBUTOR_PRICE))
    assert market.coupon_item is None
    assert said(await tell(database, market, entry(1, to=family(1)), entry(1, to=family(1)))) == ["recorded"] * 2
    outcomes = await tell(database, market, entry(1, to=family(1)), entry(2, to=family(2)), entry(1))
    assert said(outcomes) == ["parked", "recorded", "family_missing"]
    assert outcomes[0].code == "limit_per_family"
    assert await ask(database, "SELECT quantity FROM market_family ORDER BY family") == [(2,), (2,)]


async def test_of_two_counters_that_tell_the_last_unit_one_has_sold_it(database: Database, other: Database) -> None:
    market = await open_market(database, announcement(offer(allotment=3, limit=1), model=Model.DISTRIBUTOR_PRICE))
    await tell(database, market, entry(1, to=family(1)), entry(1, to=family(2)))
    stores = (database, other) * 3
    outcomes = await asyncio.gather(
        *(tell(one, market, entry(1, to=family(number))) for number, one in enumerate(stores, 3))
    )
    assert sorted(said([one for told in outcomes for one in told])) == ["parked"] * 5 + ["recorded"]
    assert await on_hand(database) == 97
    assert await ask(database, "SELECT sold, allotment FROM market_item") == [(3, 3)]


async def test_without_the_lock_both_would_have_sold_the_last_unit_and_the_database_refuses_the_second(
    database: Database, other: Database
) -> None:
    """The control: both have read that one is left of the allotment."""
    market = await open_market(database, announcement(offer(allotment=1, limit=1)))
    question = text("SELECT allotment - sold FROM market_item WHERE market_id = :id")
    sell = text("UPDATE market_item SET sold = sold + 1 WHERE market_id = :id")
    async with database.work(OFFICE) as one, other.work(OFFICE) as another:
        left = [(await work.session.execute(question, {"id": market.id})).scalar_one() for work in (one, another)]
        assert left == [1, 1]
        await one.session.execute(sell, {"id": market.id})
        await one.session.commit()
        with pytest.raises(DBAPIError, match="market_item_sold_within_allotment"):
            await another.session.execute(sell, {"id": market.id})
        await another.session.rollback()


async def test_of_two_counters_with_one_coupon_the_second_waits_and_is_a_double_use(
    database: Database, other: Database
) -> None:
    market = await open_market(database)
    (coupon,) = (await give(database, market, [1])).coupons

    async def second() -> list[SaleOutcome]:
        return await tell(other, market, entry(1, coupon=coupon.token), counter="Loket 2")

    async with database.work(PANGKALPINANG) as work:
        await handlers.market_for_update(work, PANGKALPINANG, market.id, State.OPEN)
        waiting = asyncio.create_task(second())
        await wait_until(lambda: waits_for_a_lock(database), description="the second counter to wait for the market")
    assert said(await waiting) == ["recorded"]
    assert said(await tell(database, market, entry(1, coupon=coupon.token))) == ["double_use"]


async def test_without_the_lock_the_database_lets_a_coupon_be_used_first_only_once(database: Database) -> None:
    """The control: a second first use of a coupon is refused by the index, and would be a defect."""
    market = await open_market(database)
    (coupon,) = (await give(database, market, [1])).coupons
    await tell(database, market, entry(1, coupon=coupon.token))
    again = text(
        "INSERT INTO market_sale (id, market_id, counter, actor, sold_at, recorded_at, coupon_id, fingerprint,"
        " double_use, posting_id, amount_rupiah) SELECT gen_random_uuid(), s.market_id, s.counter, s.actor, s.sold_at,"
        " s.recorded_at, s.coupon_id, s.fingerprint, false, c.posting_id, 0"
        " FROM market_sale s JOIN market_coupon c ON c.id = s.coupon_id"
    )
    async with database.work(OFFICE) as work:
        with pytest.raises(DBAPIError, match="market_sale_coupon_once"):
            await work.session.execute(again)
        await work.session.rollback()
