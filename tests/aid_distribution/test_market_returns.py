"""Goods of sales that come back: not sold any more, free to be sold again, and nothing that a seller is paid for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.aid_distribution.markets.claim_rules import payable
from services.aid_distribution.markets.claims import ClaimedLine, DecidedLine
from services.aid_distribution.markets.domain import Model
from services.aid_distribution.markets.orders import MarketView
from shared.database import Database
from tests.aid_distribution.market_story import announcement, close, entry, family, give, offer, open_market, said, tell
from tests.aid_distribution.story import MARKET, NOON, OFFICE, RICE, SOAP, StoppedClock, ask, audited, plant
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_market_claims import database, decide, market, pay, submit  # noqa: F401 - fixtures too
from tests.aid_distribution.test_returns import back
from tests.door import Client, told

Door = Mapping[str, Client]
APPROVED = [DecidedLine(item=RICE, approved=True), DecidedLine(item=SOAP, approved=True)]


async def sale_of(database: Database, item: str, **wanted: Any) -> UUID:  # noqa: F811 - the fixture
    question = (
        "SELECT s.posting_id FROM market_sale s JOIN market_sale_line l ON l.sale_id = s.id"
        " WHERE l.item = :item AND s.double_use = :double ORDER BY l.quantity DESC LIMIT 1"
    )
    ((posting,),) = await ask(database, question, item=item, double=wanted.get("double_use", False))
    assert isinstance(posting, UUID)
    return posting


async def comes_back(door: Door, posting: UUID, quantity: int, item: str, status: int = 201) -> dict[str, Any]:
    order = back(quantity, NOON, item, place=MARKET, posting=str(posting))
    return await made(door["pangkalpinang"], "/aid/returns", order, status)


@pytest.mark.parametrize(
    ("claimed", "sold", "returned", "expected"), [(5, 5, 0, 5), (5, 5, 2, 3), (3, 5, 2, 3), (3, 5, 3, 2), (0, 5, 5, 0)]
)
def test_what_is_claimed_is_paid_as_far_as_it_was_kept(claimed: int, sold: int, returned: int, expected: int) -> None:
    assert payable(claimed, sold, returned) == expected


async def test_what_came_back_before_the_claim_is_not_claimed(
    database: Database,  # noqa: F811 - the fixture
    market: MarketView,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    shown = await comes_back(door, await sale_of(database, SOAP), 1, SOAP)
    assert [(line["item"], line["from_place"]) for line in shown["lines"]] == [(SOAP, "PUBLIC")]
    offers = {
        one["item"]: one["sold"] for one in (await door["office"].get(f"/aid/markets/{market.id}")).json()["items"]
    }
    assert offers == {RICE: 6, SOAP: 1}
    await close(database, market)
    claim = await submit(database, market)
    assert [(line.item, line.sold, line.claimed) for line in claim.lines] == [(RICE, 5, 5), (SOAP, 1, 1)]
    assert claim.computed_rupiah == 5 * 7_000 + 12_000
    assert await audited(database) == []


async def test_what_comes_back_after_the_claim_lowers_what_is_paid_and_after_the_payment_is_owed(
    database: Database,  # noqa: F811 - the fixture
    market: MarketView,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    await close(database, market)
    claim = await submit(database, market, ClaimedLine(item=RICE, quantity=4))
    rice, soap = await sale_of(database, RICE), await sale_of(database, SOAP)
    await comes_back(door, rice, 1, RICE)  # 5 sold, 4 claimed, 4 kept: it was not claimed
    await comes_back(door, soap, 1, SOAP)
    decided = await decide(database, claim, *APPROVED)
    assert (decided.settled_rupiah, decided.computed_rupiah) == (4 * 7_000 + 12_000, 59_000)
    assert [(line.sold, line.claimed, line.returned, line.settled) for line in decided.lines] == [
        (5, 4, 1, 4),
        (2, 2, 1, 1),
    ]
    await comes_back(door, soap, 1, SOAP)
    paid = await pay(database, claim)
    assert (paid.settled_rupiah, paid.recoverable_rupiah) == (4 * 7_000, 0)
    await comes_back(door, rice, 1, RICE)
    shown = (await door["office"].get(f"/aid/markets/{market.id}/claims/{claim.id}")).json()
    assert (shown["settled_rupiah"], shown["recoverable_rupiah"], shown["state"]) == (28_000, 7_000, "paid")
    assert (await comes_back(door, rice, 1, RICE, 409))["code"] == "more_than_moved"
    assert await audited(database) == []


async def test_what_comes_back_of_a_double_use_or_of_a_late_sale_is_in_no_claim(
    database: Database,  # noqa: F811 - the fixture
    market: MarketView,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    await close(database, market)
    claim = await submit(database, market)
    (late,) = (await ask(database, "SELECT count(*) FROM market_sale WHERE claim_id IS NULL"))[0]
    assert late == 1  # the double use
    await comes_back(door, await sale_of(database, RICE, double_use=True), 1, RICE)
    assert [line.returned for line in (await decide(database, claim, *APPROVED)).lines] == [0, 0]
    assert await ask(database, "SELECT sold FROM market_item WHERE item = :item", item=RICE) == [(5,)]
    assert await audited(database) == []


async def test_a_family_that_gave_back_may_have_its_share_again_and_a_used_coupon_stays_used(
    database: Database,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    shop = await open_market(database, announcement(offer(limit=2, allotment=3), model=Model.DISTRIBUTOR_PRICE))
    first = entry(2, to=family(1))
    await tell(database, shop, first)
    assert said(await tell(database, shop, entry(1, to=family(1)))) == ["parked"]
    posting = await sale_of(database, RICE)
    order = back(1, NOON, RICE, place=MARKET, posting=str(posting), business=str(UUID(int=11)))
    assert told(await door["pangkalpinang"].post("/aid/returns", json=order)) == {("/business", "not_a_recipient")}
    await comes_back(door, posting, 2, RICE)
    assert await ask(database, "SELECT quantity FROM market_family") == [(0,)]
    assert await ask(database, "SELECT sold FROM market_item") == [(0,)]
    assert said(await tell(database, shop, entry(2, to=family(1)))) == ["recorded"]
    assert said(await tell(database, shop, first)) == ["repeated"]
    with_coupons = await open_market(database)
    (coupon,) = (await give(database, with_coupons, [1])).coupons
    sold = entry(2, coupon=coupon.token)
    await tell(database, with_coupons, sold)
    ((posting,),) = await ask(database, "SELECT posting_id FROM market_sale WHERE id = :id", id=sold.id)  # type: ignore[assignment]
    await comes_back(door, posting, 2, RICE)
    assert said(await tell(database, with_coupons, entry(2, coupon=coupon.token))) == ["double_use"]
    assert await audited(database) == []


@pytest.mark.parametrize(
    ("planted", "check"),
    [
        ("UPDATE market_item SET sold = sold + 1", "sold_is_sum_of_sales"),
        ("UPDATE market_sale_line SET returned = 1", "returned_of_sales_is_sum_of_returns"),
        ("UPDATE market_claim SET settled_rupiah = settled_rupiah - 1", "settled_is_sum_of_claim_lines"),
        (
            "INSERT INTO market_family SELECT market_id, repeat('k', 16), item, 1, 2 FROM market_item LIMIT 1",
            "taken_by_families_is_sum_of_sales",
        ),
    ],
)
async def test_the_audit_finds_a_sum_of_a_market_that_was_changed(
    database: Database,  # noqa: F811 - the fixture
    market: MarketView,  # noqa: F811 - the fixture
    planted: str,
    check: str,
) -> None:
    await close(database, market)
    await decide(database, await submit(database, market), *APPROVED)
    assert await audited(database) == []
    async with database.work(OFFICE) as work:
        await plant(work, planted)
    assert check in {one.check for one in await audited(database)}


async def test_a_return_of_a_sale_is_taken_back_unless_its_goods_were_sold_again(
    database: Database,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    shop = await open_market(database, announcement(offer(allotment=3, limit=3), model=Model.DISTRIBUTOR_PRICE))
    client = door["pangkalpinang"]
    assert said(await tell(database, shop, entry(3, to=family(1)))) == ["recorded"]
    posting = await sale_of(database, RICE)
    shown = await comes_back(door, posting, 2, RICE)
    gone = await made(client, f"/aid/returns/{shown['id']}/void", {"reason": "Salah catat"})
    assert gone["state"] == "voided"
    assert await ask(database, "SELECT sold, allotment FROM market_item") == [(3, 3)]
    assert await ask(database, "SELECT quantity, returned FROM market_sale_line") == [(3, 0)]
    shown = await comes_back(door, posting, 2, RICE)
    assert said(await tell(database, shop, entry(1, to=family(2)))) == ["recorded"]
    refused = await made(client, f"/aid/returns/{shown['id']}/void", {"reason": "Salah catat"}, 409)
    assert (refused["code"], refused["items"]) == ("sold_since", [RICE])
    assert await audited(database) == []


async def test_a_return_is_not_taken_back_when_its_family_has_bought_as_much_as_it_may_since(
    database: Database,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    shop = await open_market(database, announcement(offer(allotment=9, limit=2), model=Model.DISTRIBUTOR_PRICE))
    assert said(await tell(database, shop, entry(2, to=family(1)))) == ["recorded"]
    shown = await comes_back(door, await sale_of(database, RICE), 2, RICE)
    assert said(await tell(database, shop, entry(2, to=family(1)))) == ["recorded"]
    refused = await made(door["pangkalpinang"], f"/aid/returns/{shown['id']}/void", {"reason": "Salah catat"}, 409)
    assert (refused["code"], refused["items"]) == ("sold_since", [RICE])
    assert await audited(database) == []


async def test_a_return_is_not_taken_back_once_a_claim_has_counted_it(
    database: Database,  # noqa: F811 - the fixture
    market: MarketView,  # noqa: F811 - the fixture
    door: Door,
    clock: StoppedClock,
) -> None:
    client, why = door["pangkalpinang"], {"reason": "Salah catat"}
    posting = await sale_of(database, RICE)
    before = await comes_back(door, posting, 1, RICE)
    await close(database, market)
    claim = await submit(database, market)
    assert (await made(client, f"/aid/returns/{before['id']}/void", why, 409))["code"] == "return_settled"
    clock.advance(timedelta(minutes=1))
    after = await comes_back(door, posting, 1, RICE)
    lines = "SELECT sold, returned FROM market_claim_line WHERE item = :item"
    assert await ask(database, lines, item=RICE) == [(4, 1)]
    assert (await made(client, f"/aid/returns/{before['id']}/void", why, 409))["code"] == "return_settled"
    await made(client, f"/aid/returns/{after['id']}/void", why)
    assert await ask(database, lines, item=RICE) == [(4, 0)]
    paid = await comes_back(door, posting, 1, RICE)
    await decide(database, claim, *APPROVED)
    await pay(database, claim)
    assert (await made(client, f"/aid/returns/{paid['id']}/void", why, 409))["code"] == "return_settled"
    assert await audited(database) == []
