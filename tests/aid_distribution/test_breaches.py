"""What was parked and meets a limit or a coupon that others used up since: entered as what it is, and explained."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.aid_distribution.markets import double_uses
from services.aid_distribution.markets.claims import SubmitClaim, submit
from services.aid_distribution.markets.domain import Model
from services.aid_distribution.markets.double_uses import DoubleUseQuery
from services.aid_distribution.markets.orders import MarketView, SaleEntry
from shared.contracts.aid_distribution import ExceptionApplied, MarketSold
from shared.database import Database
from tests.aid_distribution.market_story import announcement, close, entry, family, give, offer, open_market, said, tell
from tests.aid_distribution.story import MARKET, OFFICE, SOAP, ago, ask, audited, receipt, receive
from tests.aid_distribution.test_batches import codes, sent, states
from tests.aid_distribution.test_batches import entry as batch_entry
from tests.aid_distribution.test_distributions import TAILOR, happened, registered
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_limits import limited
from tests.door import Client, Recorded

Door = Mapping[str, Client]
BECAUSE = {"breach_accepted": "Barang sudah diserahkan"}


async def stock(database: Database, quantity: int, days: float = 0.1) -> None:
    await receive(database, receipt(quantity, ago(days), place=MARKET, item=SOAP))


async def with_coupon(database: Database, **more: Any) -> tuple[MarketView, str]:
    market = await open_market(database, announcement(offer(SOAP, 10, 5), **more))
    (coupon,) = (await give(database, market, [1])).coupons
    return market, coupon.token


async def parked_sale(database: Database, market: MarketView, told: SaleEntry) -> str:
    """Tell a sale that no card holds the goods of; gives the address of its exception."""
    (parked,) = await tell(database, market, told, counter="Loket 2")
    assert parked.outcome == "parked"
    return f"/aid/exceptions/{parked.exception_id}"


# Double uses


async def test_a_parked_sale_whose_coupon_was_used_since_is_applied_as_a_double_use(
    database: Database, door: Door, recorded: Recorded
) -> None:
    market, token = await with_coupon(database)
    told = entry(5, coupon=token, item=SOAP, sold_at=ago(hours=1))
    path = await parked_sale(database, market, told)
    await stock(database, 8)
    first = entry(3, coupon=token, item=SOAP)
    assert said(await tell(database, market, first)) == ["recorded"]
    applied = await made(door["pangkalpinang"], f"{path}/application", {})
    assert (applied["state"], applied["breach"]) == ("applied", None)
    async with database.reading(OFFICE) as work:
        (found,) = (await double_uses.page(work, OFFICE, market.id, DoubleUseQuery())).items
    assert (found.first.sale_id, found.second.sale_id, found.second.counter) == (first.id, told.id, "Loket 2")
    assert (found.number, found.unposted_reason) == (applied["number"], None)
    assert await ask(database, "SELECT on_hand FROM card WHERE item = :item", item=SOAP) == [(0,)]
    assert [event.double_of for event in await recorded() if isinstance(event, MarketSold)] == [None, first.id]
    packages = "SELECT on_hand FROM card WHERE item = :item AND place = :place"
    assert await ask(database, packages, item=market.coupon_item, place=MARKET) == [(0,)]
    assert await audited(database) == []


async def test_a_parked_double_use_waits_for_its_goods_and_is_never_in_the_book_without_them(
    database: Database, door: Door
) -> None:
    market, token = await with_coupon(database)
    told = entry(5, coupon=token, item=SOAP, sold_at=ago(hours=1))
    path = await parked_sale(database, market, told)
    await stock(database, 3)
    assert said(await tell(database, market, entry(3, coupon=token, item=SOAP))) == ["recorded"]
    refused = await made(door["pangkalpinang"], f"{path}/application", {}, 409)
    assert refused["code"] == "short_of_stock"
    assert said(await tell(database, market, told, counter="Loket 2")) == ["parked"]
    assert await ask(database, "SELECT count(*) FROM market_sale") == [(1,)]
    await stock(database, 5, 0.09)
    assert said(await tell(database, market, told, counter="Loket 2")) == ["double_use"]
    shown = (await door["pangkalpinang"].get(path)).json()
    assert (shown["state"], shown["attempts"]) == ("applied", 3)
    assert await audited(database) == []


async def test_the_goods_of_a_parked_double_use_leave_the_book_though_the_allotment_is_sold(
    database: Database, door: Door
) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5)))
    one, two = (await give(database, market, [1, 2])).coupons
    path = await parked_sale(database, market, entry(5, coupon=one.token, item=SOAP, sold_at=ago(hours=1)))
    await stock(database, 15)
    outcomes = await tell(
        database, market, entry(5, coupon=one.token, item=SOAP), entry(5, coupon=two.token, item=SOAP)
    )
    assert said(outcomes) == ["recorded", "recorded"]
    await made(door["pangkalpinang"], f"{path}/application", {})
    assert await ask(database, "SELECT sold FROM market_item") == [(10,)]
    assert await ask(database, "SELECT on_hand FROM card WHERE item = :item", item=SOAP) == [(0,)]
    question = "SELECT double_use, beyond_allotment, unposted_reason FROM market_sale ORDER BY double_use, id"
    assert (await ask(database, question))[-1] == (True, True, None)
    assert await audited(database) == []


async def test_a_double_use_that_was_applied_is_in_no_claim(database: Database, door: Door) -> None:
    await happened(database, registered())
    market, token = await with_coupon(database, seller=TAILOR)
    path = await parked_sale(database, market, entry(5, coupon=token, item=SOAP, sold_at=ago(hours=1)))
    await stock(database, 8)
    await tell(database, market, entry(3, coupon=token, item=SOAP))
    await made(door["pangkalpinang"], f"{path}/application", {})
    await close(database, market)
    async with database.work(OFFICE) as work:
        claim = await submit(work, OFFICE, market.id, SubmitClaim())
    assert [(line.sold, line.claimed) for line in claim.lines] == [(3, 3)]
    assert [(one.counter, one.quantity) for one in claim.excluded] == [("Loket 2", 5)]


# Limits


async def test_a_parked_sale_beyond_the_limit_of_its_family_is_applied_with_a_reason(
    database: Database, door: Door, recorded: Recorded
) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))
    told = entry(4, to=family(1), item=SOAP)
    path = await parked_sale(database, market, told)
    await stock(database, 10)
    assert said(await tell(database, market, entry(3, to=family(1), item=SOAP))) == ["recorded"]
    (again,) = await tell(database, market, told, counter="Loket 2")
    assert (again.outcome, again.code, again.exception_id is None) == ("parked", "limit_per_family", False)
    client = door["pangkalpinang"]
    refused = await made(client, f"{path}/application", {}, 409)
    assert (refused["code"], refused["reason"]) == ("sale_refused", "limit_per_family")
    applied = await made(client, f"{path}/application", BECAUSE)
    assert applied["breach"]["code"] == "limit_per_family"
    assert (applied["breach_reason"], applied["closed_by"]) == (BECAUSE["breach_accepted"], "officer-19.71")
    assert await ask(database, "SELECT quantity FROM market_family") == [(3,)]
    assert await ask(database, "SELECT on_hand FROM card WHERE item = :item", item=SOAP) == [(3,)]
    (event,) = [event for event in await recorded() if isinstance(event, ExceptionApplied)]
    assert (event.breach, event.breach_reason) == ("limit_per_family", BECAUSE["breach_accepted"])
    assert said(await tell(database, market, told)) == ["repeated"]
    assert await audited(database) == []


async def test_a_parked_sale_beyond_the_allotment_is_applied_with_a_reason(database: Database, door: Door) -> None:
    market = await open_market(database, announcement(offer(SOAP, 4, 3), model=Model.DISTRIBUTOR_PRICE))
    path = await parked_sale(database, market, entry(3, to=family(1), item=SOAP))
    await stock(database, 10)
    assert said(await tell(database, market, entry(3, to=family(2), item=SOAP))) == ["recorded"]
    client = door["pangkalpinang"]
    assert (await made(client, f"{path}/application", {}, 409))["reason"] == "allotment_exhausted"
    applied = await made(client, f"{path}/application", BECAUSE)
    assert applied["breach"]["code"] == "allotment_exhausted"
    assert await ask(database, "SELECT sold, allotment FROM market_item") == [(3, 4)]
    assert await ask(database, "SELECT quantity FROM market_family ORDER BY family") == [(3,), (3,)]
    assert await audited(database) == []


async def test_a_hand_out_beyond_a_limit_that_its_own_batch_used_up_is_applied_with_a_reason(
    database: Database, door: Door, recorded: Recorded
) -> None:
    """Short when it came, it left its turn to a later one of the same batch."""
    await receive(database, receipt(2, ago(20)))
    await happened(database, registered())
    await limited(database, times_max=1, period_days=7)
    to_tailor = {"recipients": {"businesses": [str(TAILOR)]}}
    earlier, later = batch_entry(1, ago(3), 5, **to_tailor), batch_entry(2, ago(2), 1, **to_tailor)
    view = await sent(database, earlier, later)
    assert states(view) == ["parked", "posted"]
    await receive(database, receipt(20, ago(10)))
    again = await sent(database, earlier)
    assert (states(again), codes(again)) == (["parked"], ["limit_reached"])
    assert again.entries[0].exception_id == view.entries[0].exception_id
    client, path = door["pangkalpinang"], f"/aid/exceptions/{view.entries[0].exception_id}"
    assert (await made(client, f"{path}/application", {}, 409))["code"] == "limit_reached"
    shown = (await client.get(path)).json()
    assert (shown["state"], shown["last_refusal"], shown["attempts"]) == ("open", "limit_reached", 3)
    applied = await made(client, f"{path}/application", BECAUSE)
    assert (applied["breach"]["code"], applied["breach_reason"]) == ("limit_reached", BECAUSE["breach_accepted"])
    (reached,) = applied["breach"]["members"]["reached"]
    assert (UUID(reached["business"]), reached["counts"], reached["received"]) == (TAILOR, "times", 1)
    (event,) = [event for event in await recorded() if isinstance(event, ExceptionApplied)]
    assert (event.breach, event.breach_reason) == ("limit_reached", BECAUSE["breach_accepted"])
    assert states(await sent(database, earlier)) == ["duplicate"]
    assert await audited(database) == []


async def test_a_reason_that_nothing_needed_is_kept_nowhere_and_stock_is_never_waived(
    database: Database, door: Door
) -> None:
    (parked,) = (await sent(database, batch_entry(1, ago(2), 5))).entries
    path = f"/aid/exceptions/{parked.exception_id}/application"
    client = door["pangkalpinang"]
    assert (await made(client, path, BECAUSE, 409))["code"] == "short_of_stock"
    await receive(database, receipt(20, ago(10)))
    applied = await made(client, path, BECAUSE)
    assert (applied["breach"], applied["breach_reason"]) == (None, None)
