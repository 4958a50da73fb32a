"""Sales of a counter that no card held the goods of: parked, entered when they are told again or applied."""

from collections.abc import Mapping

from services.aid_distribution.markets.domain import Model
from shared.contracts.aid_distribution import ExceptionApplied, ExceptionOpened, MarketSold
from shared.database import Database
from tests.aid_distribution.market_story import announcement, close, entry, family, give, offer, open_market, said, tell
from tests.aid_distribution.story import MARKET, SOAP, ago, ask, audited, receipt, receive
from tests.aid_distribution.test_exceptions import made
from tests.door import Client, Recorded

Door = Mapping[str, Client]


async def test_a_sale_is_parked_once_and_is_in_the_book_when_it_is_told_again(
    database: Database, recorded: Recorded
) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5)))
    (coupon,) = (await give(database, market, [1])).coupons
    told = entry(5, coupon=coupon.token, item=SOAP)
    first, twice = await tell(database, market, told, told)
    (again,) = await tell(database, market, told)
    assert {one.exception_id for one in (first, twice, again)} == {first.exception_id}
    assert (said([first, again]), first.code, first.exception_id is None) == (["parked"] * 2, "short_of_stock", False)
    assert await ask(database, "SELECT attempts, state FROM stock_exception") == [(2, "open")]
    assert said(await tell(database, market, entry(4, item=SOAP, entry_id=told.id))) == ["id_taken"]
    await receive(database, receipt(5, ago(hours=2), place=MARKET, item=SOAP))
    assert said(await tell(database, market, told)) == ["recorded"]
    assert said(await tell(database, market, told)) == ["repeated"]
    assert await ask(database, "SELECT state, asked ? 'coupon' FROM stock_exception") == [("applied", False)]
    kinds = ExceptionOpened | ExceptionApplied | MarketSold
    events = [event for event in await recorded() if isinstance(event, kinds)]
    assert [type(event) for event in events] == [ExceptionOpened, MarketSold, ExceptionApplied]
    assert await audited(database) == []


async def test_a_parked_sale_is_applied_with_its_coupon_and_neither_is_shown(database: Database, door: Door) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5)))
    (coupon,) = (await give(database, market, [1])).coupons
    told = entry(5, coupon=coupon.token, item=SOAP, sold_at=ago(hours=1))
    (parked,) = await tell(database, market, told)
    client, path = door["pangkalpinang"], f"/aid/exceptions/{parked.exception_id}"
    assert coupon.token not in (await client.get(path)).text
    refused = await made(client, f"{path}/application", {}, 409)
    assert (refused["code"], refused["cards"][0]["short"]) == ("short_of_stock", 5)
    assert await ask(database, "SELECT count(*) FROM market_sale") == [(0,)]
    await receive(database, receipt(5, ago(hours=2), place=MARKET, item=SOAP))
    applied = await made(client, f"{path}/application", {})
    rows = await ask(database, "SELECT id, number, sold_at, coupon_id IS NOT NULL FROM market_sale")
    assert rows == [(told.id, applied["number"], ago(hours=1), True)]
    assert said(await tell(database, market, told)) == ["repeated"]
    assert await audited(database) == []


async def test_a_market_is_neither_claimed_nor_settled_while_sales_of_it_are_parked(
    database: Database, door: Door
) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5)))
    (coupon,) = (await give(database, market, [1])).coupons
    (parked,) = await tell(database, market, entry(5, coupon=coupon.token, item=SOAP))
    await close(database, market)
    client, path = door["office"], f"/aid/markets/{market.id}/settlement"
    refused = await made(client, path, {}, 409)
    assert (refused["code"], refused["exceptions"]) == ("sales_parked", [str(parked.exception_id)])
    await made(client, f"/aid/exceptions/{parked.exception_id}/drop", {"reason": "The counter was mistaken"})
    assert (await made(client, path, {}))["state"] == "settled"


async def test_a_parked_sale_beyond_the_limit_of_its_family_stays_open(database: Database, door: Door) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))
    told = entry(4, to=family(1), item=SOAP)
    (parked,) = await tell(database, market, told)
    await receive(database, receipt(10, ago(hours=2), place=MARKET, item=SOAP))
    assert said(await tell(database, market, entry(3, to=family(1), item=SOAP))) == ["recorded"]
    path = f"/aid/exceptions/{parked.exception_id}"
    refused = await made(door["pangkalpinang"], f"{path}/application", {}, 409)
    assert (refused["code"], refused["reason"]) == ("sale_refused", "limit_per_family")
    dropped = await made(door["pangkalpinang"], f"{path}/drop", {"reason": "The family has had its share"})
    assert (dropped["state"], dropped["last_refusal"]) == ("dropped", "limit_per_family")
    assert said(await tell(database, market, told)) == ["entry_dropped"]
