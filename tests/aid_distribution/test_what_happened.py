"""What has happened is kept whatever rule stands against it, and entered when somebody says why it was so."""

from collections.abc import Mapping
from typing import Any

from services.aid_distribution.ledger import counts
from services.aid_distribution.ledger.orders import CountedLine, CountStock
from services.aid_distribution.markets.domain import Model
from shared.contracts.aid_distribution import DistributionPosted, ExceptionApplied, ExceptionOpened
from shared.contracts.registration import BusinessClosed, BusinessMerged
from shared.database import Database
from tests.aid_distribution.market_story import announcement, entry, family, offer, open_market, said, tell
from tests.aid_distribution.story import (
    MARKET,
    MASKS,
    NOON,
    OFFICE,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    hold,
    receipt,
    receive,
)
from tests.aid_distribution.test_batches import codes, on_hand, sent, states
from tests.aid_distribution.test_batches import entry as told
from tests.aid_distribution.test_distributions import KITCHEN, OWNER, TAILOR, happened, registered
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_limits import limited
from tests.aid_distribution.test_reservations import reserve, reserving
from tests.door import Client, Recorded

Door = Mapping[str, Client]
BECAUSE = {"breach_accepted": "Barang sudah diserahkan"}
TO_TAILOR = {"recipients": {"businesses": [str(TAILOR)]}}
CLOSED = BusinessClosed(business_id=TAILOR, owner_id=OWNER, region="19.71", reason="bangkrut")


async def applied(database: Database, door: Door, one: dict[str, Any], code: str, status: int = 409) -> dict[str, Any]:
    """Tell an entry that a rule stands against, apply it with a reason, and tell it again."""
    view = await sent(database, one)
    assert states(view) == ["parked"], view
    client, path = door["pangkalpinang"], f"/aid/exceptions/{view.entries[0].exception_id}"
    shown = (await client.get(path)).json()
    assert (shown["state"], shown["last_refusal"], shown["cards"]) == ("open", code, [])
    again = await sent(database, one)
    assert (states(again), again.entries[0].exception_id) == (["parked"], view.entries[0].exception_id)
    await made(client, f"{path}/application", {}, status)
    done = await made(client, f"{path}/application", BECAUSE)
    assert (done["state"], done["breach"]["code"], done["breach_reason"]) == (
        "applied",
        code,
        BECAUSE["breach_accepted"],
    )
    assert states(await sent(database, one)) == ["duplicate"]
    assert await audited(database) == []
    return done


async def test_a_hand_out_beyond_a_limit_is_parked_and_applied_with_a_reason(
    database: Database, door: Door, recorded: Recorded
) -> None:
    await receive(database, receipt(100, ago(20)))
    await happened(database, registered())
    await limited(database, times_max=1, period_days=7)
    assert states(await sent(database, told(1, ago(2), **TO_TAILOR))) == ["posted"]
    await applied(database, door, told(2, ago(1), **TO_TAILOR), "limit_reached")
    events = await recorded()
    (opened,) = [event for event in events if isinstance(event, ExceptionOpened)]
    assert (opened.refusal, opened.short, opened.causes) == ("limit_reached", [], [])
    assert [event.breach for event in events if isinstance(event, ExceptionApplied)] == ["limit_reached"]


async def test_a_lot_on_hold_that_was_handed_out_is_parked_and_applied_with_a_reason(
    database: Database, door: Door
) -> None:
    await receive(database, receipt(10, ago(20), lot="L-1"))
    await hold(database, "L-1")
    one = told(1, ago(1), lines=[{"item": MASKS, "quantity": 4, "lot": "L-1"}])
    await applied(database, door, one, "lot_held")
    assert await on_hand(database) == 6


async def test_reserved_goods_handed_out_before_a_count_are_parked_and_applied_out_of_the_free_ones(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    await receive(database, receipt(30, ago(20)))
    one = await reserve(database, reserving(10))
    began = clock.at
    clock.advance(NOON - ago(hours=4))
    async with database.work(OFFICE) as work:
        counting = CountStock(place=WAREHOUSE, occurred_at=clock.at, lines=[CountedLine(item=MASKS, quantity=26)])
        await counts.count(work, OFFICE, counting)
    order = told(1, began + (NOON - ago(hours=2)), 4, reservation=str(one.id))
    view = await sent(database, order, sent_at=clock.at)
    assert (states(view), codes(view)) == (["parked"], ["counted_since"])
    client, path = door["pangkalpinang"], f"/aid/exceptions/{view.entries[0].exception_id}"
    assert (await made(client, f"{path}/application", {}, 409))["code"] == "counted_since"
    assert (await made(client, f"{path}/application", BECAUSE))["breach"]["code"] == "counted_since"
    question = "SELECT place, on_hand FROM card WHERE item = :item ORDER BY place"
    # The count says what lies there; the promise is as it was, and is let go of by whoever made it.
    assert [row[1] for row in await ask(database, question, item=MASKS)] == [16, 10]
    assert await audited(database) == []


async def test_a_hand_out_to_a_business_that_had_closed_is_parked_and_applied_with_a_reason(
    database: Database, door: Door
) -> None:
    await receive(database, receipt(100, ago(20)))
    await happened(database, registered(), CLOSED)
    done = await applied(database, door, told(1, NOON, **TO_TAILOR), "business_closed", 422)
    assert done["breach"]["members"]["businesses"] == [str(TAILOR)]
    assert await ask(database, "SELECT business_id FROM distribution_business") == [(TAILOR,)]


async def test_what_is_malformed_is_refused_with_every_mistake_also_of_a_closed_business(database: Database) -> None:
    await receive(database, receipt(100, ago(20)))
    await happened(database, registered(), CLOSED)
    view = await sent(database, told(1, NOON, lines=[{"item": "NOTHING", "quantity": 1}], **TO_TAILOR))
    problem = view.entries[0].problem
    assert problem is not None
    assert (states(view), {error["code"] for error in problem["errors"]}) == (
        ["refused"],
        {"unknown_item", "business_closed"},
    )
    assert await ask(database, "SELECT count(*) FROM stock_exception") == [(0,)]


async def test_a_business_is_judged_by_the_moment_of_the_hand_out_and_not_by_today(database: Database) -> None:
    await receive(database, receipt(100, ago(20)))
    await happened(database, registered(), CLOSED, CLOSED)
    assert await ask(database, "SELECT state, closed_at FROM known_business") == [("closed", NOON)]
    view = await sent(database, told(1, ago(1), **TO_TAILOR), told(2, NOON, **TO_TAILOR))
    assert (states(view), codes(view)[1]) == (["posted", "parked"], "invalid")
    await happened(database, registered())
    assert states(await sent(database, told(2, NOON, **TO_TAILOR))) == ["posted"]
    assert await audited(database) == []


async def test_what_names_a_business_that_was_merged_is_handed_to_the_one_that_it_turned_out_to_be(
    database: Database, recorded: Recorded
) -> None:
    await receive(database, receipt(100, ago(20)))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"))
    await limited(database, times_max=1, period_days=7)
    merged = BusinessMerged(business_id=TAILOR, into=KITCHEN, owner_id=OWNER, name="Dapur Rina", region="19.71")
    await happened(database, merged)
    shares = [{"business": str(TAILOR), "item": MASKS, "quantity": 1}]
    named = {"recipients": {"businesses": [str(TAILOR)], "shares": shares}}
    view = await sent(database, told(1, NOON, **named), told(2, ago(1), recipients={"businesses": [str(KITCHEN)]}))
    # By time the second comes first, and both are the same business for its limit.
    assert (states(view), codes(view)[0]) == (["parked", "posted"], "limit_reached")
    assert await ask(database, "SELECT DISTINCT business_id FROM distribution_business") == [(KITCHEN,)]
    view = await sent(database, told(3, ago(9), **named))
    assert states(view) == ["posted"]
    (event,) = [one for one in await recorded() if isinstance(one, DistributionPosted) and one.shares]
    assert (event.businesses, event.shares[0].business_id) == ([KITCHEN], KITCHEN)
    assert states(await sent(database, told(3, ago(9), **named))) == ["duplicate"]
    assert await audited(database) == []


async def test_a_sale_beyond_the_limit_of_its_family_is_parked_when_it_is_first_told(
    database: Database, door: Door
) -> None:
    market = await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))
    await receive(database, receipt(20, ago(hours=2), place=MARKET, item=SOAP))
    over = entry(6, to=family(1), item=SOAP)
    (parked,) = await tell(database, market, over)
    assert (parked.outcome, parked.code) == ("parked", "limit_per_family")
    (again,) = await tell(database, market, over)
    assert again.exception_id == parked.exception_id
    client, path = door["pangkalpinang"], f"/aid/exceptions/{parked.exception_id}"
    assert (await client.get(path)).json()["last_refusal"] == "limit_per_family"
    assert (await made(client, f"{path}/application", {}, 409))["reason"] == "limit_per_family"
    assert (await made(client, f"{path}/application", BECAUSE))["breach"]["code"] == "limit_per_family"
    assert said(await tell(database, market, over)) == ["repeated"]
    assert await audited(database) == []


async def test_a_sale_beyond_the_allotment_is_parked_when_it_is_first_told(database: Database, door: Door) -> None:
    market = await open_market(database, announcement(offer(SOAP, 4, 4), model=Model.DISTRIBUTOR_PRICE))
    await receive(database, receipt(20, ago(hours=2), place=MARKET, item=SOAP))
    first, second = await tell(database, market, entry(3, to=family(1), item=SOAP), entry(3, to=family(2), item=SOAP))
    (parked,) = [one for one in (first, second) if one.outcome == "parked"]
    assert parked.code == "allotment_exhausted"
    path = f"/aid/exceptions/{parked.exception_id}/application"
    assert (await made(door["pangkalpinang"], path, BECAUSE))["breach"]["code"] == "allotment_exhausted"
    assert await ask(database, "SELECT sold FROM market_item") == [(3,)]
    assert await audited(database) == []
