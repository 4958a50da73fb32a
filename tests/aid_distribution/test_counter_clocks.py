"""The clock of a counter may be off, and each try says anew when it is sent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.aid_distribution.markets import sales
from services.aid_distribution.markets.domain import Model
from services.aid_distribution.markets.orders import MarketView, RecordSales, SaleEntry, SaleOutcome
from shared.database import Database
from tests.aid_distribution.market_story import announcement, entry, family, offer, open_market, said, tell
from tests.aid_distribution.story import (
    MARKET,
    NOON,
    PANGKALPINANG,
    SOAP,
    StoppedClock,
    ago,
    ask,
    audited,
    receipt,
    receive,
)
from tests.aid_distribution.test_batches import entry as batch_entry
from tests.aid_distribution.test_exceptions import made
from tests.door import Client

Door = Mapping[str, Client]
AHEAD = timedelta(days=3)


async def counter_tells(database: Database, market: MarketView, one: SaleEntry, sent_at: datetime) -> SaleOutcome:
    async with database.work(PANGKALPINANG) as work:
        order = RecordSales(counter="Loket 1", sent_at=sent_at, entries=[one])
        (outcome,) = (await sales.record(work, PANGKALPINANG, market.id, order)).outcomes
    return outcome


async def test_the_sales_of_a_counter_whose_clock_is_ahead_are_dated_by_a_good_one(database: Database) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))
    await receive(database, receipt(10, ago(hours=2), place=MARKET, item=SOAP))
    one = entry(2, to=family(1), item=SOAP, sold_at=NOON + AHEAD - timedelta(hours=1))
    assert said([await counter_tells(database, market, one, NOON + AHEAD)]) == ["recorded"]
    assert await ask(database, "SELECT sold_at FROM market_sale") == [(ago(hours=1),)]
    # Its clock is right now: the sale is the same one, and its first moment stands.
    assert said([await counter_tells(database, market, one, NOON)]) == ["repeated"]
    without = entry(1, to=family(2), item=SOAP, sold_at=NOON + AHEAD)
    assert said(await tell(database, market, without)) == ["in_the_future"]
    assert await audited(database) == []


async def test_a_sale_that_was_parked_keeps_the_moment_of_its_first_telling(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))
    one = entry(2, to=family(1), item=SOAP, sold_at=NOON - AHEAD - timedelta(hours=1))
    parked = await counter_tells(database, market, one, NOON - AHEAD)
    assert (parked.outcome, parked.code) == ("parked", "short_of_stock")
    assert await ask(database, "SELECT occurred_at FROM stock_exception") == [(ago(hours=1),)]
    clock.advance(timedelta(days=1))
    again = await counter_tells(database, market, one, clock.at)
    assert (again.outcome, again.exception_id) == ("parked", parked.exception_id)
    await receive(database, receipt(10, ago(hours=2), place=MARKET, item=SOAP))
    await made(door["pangkalpinang"], f"/aid/exceptions/{parked.exception_id}/application", {})
    assert await ask(database, "SELECT sold_at FROM market_sale") == [(ago(hours=1),)]
    assert said([await counter_tells(database, market, one, clock.at)]) == ["repeated"]
    assert await audited(database) == []


async def test_the_same_batch_may_be_sent_days_later_under_its_key_with_the_moment_of_that_try(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    await receive(database, receipt(100, ago(20)))
    client, key = door["pangkalpinang"], {"Idempotency-Key": "hp-1/7"}
    body: dict[str, Any] = {"device": "HP-1", "sent_at": NOON.isoformat(), "entries": [batch_entry(1, ago(1))]}
    first = await client.post("/aid/distributions/batch", json=body, headers=key)
    assert first.status_code == 201, first.text
    clock.advance(timedelta(days=2))
    resent = await client.post("/aid/distributions/batch", json=body | {"sent_at": clock.at.isoformat()}, headers=key)
    assert (resent.status_code, resent.content) == (201, first.content)
    other = body | {"sent_at": clock.at.isoformat(), "entries": [batch_entry(2, ago(1))]}
    refused = await client.post("/aid/distributions/batch", json=other, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    # What never arrived at the first try is dated by the second one's own moment, and moved by nothing.
    late = await client.post("/aid/distributions/batch", json=other, headers={"Idempotency-Key": "hp-1/8"})
    assert (late.json()["clock_corrected"], late.json()["entries"][0]["state"]) == (False, "posted")
    moments = "SELECT occurred_at FROM distribution ORDER BY id"
    assert await ask(database, moments) == [(ago(1),), (ago(1),)]


async def test_a_body_that_says_the_moment_of_an_earlier_try_is_taken_for_a_clock_that_is_behind(
    database: Database, clock: StoppedClock
) -> None:
    """What cannot be told apart, and why each try says its own moment: an old client moves its entries."""
    market = await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))
    await receive(database, receipt(10, ago(hours=2), place=MARKET, item=SOAP))
    clock.advance(timedelta(hours=2))
    one = entry(1, to=family(1), item=SOAP, sold_at=ago(hours=1))
    assert said([await counter_tells(database, market, one, NOON)]) == ["recorded"]
    assert await ask(database, "SELECT sold_at FROM market_sale") == [(NOON + timedelta(hours=1),)]
