"""The same entry of a device told at two places at once: the second waits for its turn, and finds what became of it."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.distributions.batches import SendBatch, post_batch
from services.aid_distribution.exceptions import store
from services.aid_distribution.exceptions.handlers import apply
from services.aid_distribution.exceptions.orders import ApplyException
from services.aid_distribution.main import APPLIERS
from services.aid_distribution.markets import sales
from services.aid_distribution.markets.domain import Model
from services.aid_distribution.markets.orders import MarketView, RecordSales
from shared.database import Database
from shared.problems import Refusal
from tests.aid_distribution.market_story import announcement, entry, family, offer, open_market, said, tell
from tests.aid_distribution.story import (
    MARKET,
    NOON,
    OFFICE,
    PANGKALPINANG,
    SOAP,
    ago,
    ask,
    audited,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.aid_distribution.test_batches import codes, sent, states
from tests.aid_distribution.test_batches import entry as batch_entry
from tests.aid_distribution.test_markets import other  # noqa: F401 - a fixture
from tests.waiting import wait_until


async def market_of(database: Database) -> MarketView:
    return await open_market(database, announcement(offer(SOAP, 10, 5), model=Model.DISTRIBUTOR_PRICE))


@pytest.mark.parametrize(("stocked", "became"), [(True, "recorded"), (False, "parked")])
async def test_a_sale_told_at_two_markets_at_once_is_of_the_first(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
    stocked: bool,  # noqa: FBT001 - a case
    became: str,
) -> None:
    if stocked:
        await receive(database, receipt(20, ago(1), place=MARKET, item=SOAP))
    one, two = await market_of(database), await market_of(database)
    told = entry(2, to=family(1), item=SOAP)
    async with other.work(PANGKALPINANG) as work:
        order = RecordSales(counter="Loket 1", entries=[told])
        first = await sales.record(work, PANGKALPINANG, one.id, order)
        second = asyncio.create_task(tell(database, two, told, entry(1, to=family(2), item=SOAP)))
        await wait_until(lambda: waits_for_a_lock(database), description="the second market to wait for its turn")
    assert said(first.outcomes) == [became]
    assert said(await second) == ["id_taken", became]
    assert await audited(database) == []


async def test_without_the_turn_the_database_refuses_a_second_sale_by_the_id(database: Database) -> None:
    """The control: whoever has read that nobody told it yet would fail as no answer may."""
    await receive(database, receipt(20, ago(1), place=MARKET, item=SOAP))
    one, two = await market_of(database), await market_of(database)
    told = entry(2, to=family(1), item=SOAP)
    await tell(database, one, told)
    again = text(
        "INSERT INTO market_sale (id, market_id, counter, actor, sold_at, recorded_at, family, fingerprint, double_use,"
        " posting_id, number, amount_rupiah) SELECT id, :market, counter, actor, sold_at, recorded_at, family,"
        " fingerprint, false, posting_id, number, 0 FROM market_sale"
    )
    async with database.work(OFFICE) as work:
        with pytest.raises(DBAPIError, match="market_sale_pkey"):
            await work.session.execute(again, {"market": two.id})
        await work.session.rollback()


@pytest.mark.parametrize(("stocked", "expected"), [(True, ("posted", "duplicate")), (False, ("parked", "parked"))])
async def test_an_entry_sent_in_two_batches_at_once_is_entered_or_parked_once(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
    stocked: bool,  # noqa: FBT001 - a case
    expected: tuple[str, str],
) -> None:
    if stocked:
        await receive(database, receipt(20, ago(20)))
    told = batch_entry(1, ago(2), 5)
    async with other.work(PANGKALPINANG) as work:
        batch = SendBatch(device="HP-1", sent_at=NOON, entries=[told])
        first = await post_batch(work, PANGKALPINANG, batch)
        second = asyncio.create_task(sent(database, told, batch_entry(2, ago(1), 1), device="HP-2"))
        await wait_until(lambda: waits_for_a_lock(database), description="the second batch to wait for its turn")
    again = await second
    assert (states(first)[0], states(again)[0]) == expected
    assert codes(again)[1] == (None if stocked else "short_of_stock")
    assert await ask(database, "SELECT count(*) FROM stock_exception WHERE entry_id = :id", id=told["id"]) == [
        (0 if stocked else 1,)
    ]
    assert await audited(database) == []


async def test_whoever_applies_an_entry_and_two_who_send_it_again_take_their_turns(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
) -> None:
    """Each locks its turn before anything else, so that none of them waits in a circle."""
    told = batch_entry(1, ago(2), 5)
    (parked,) = (await sent(database, told)).entries
    await receive(database, receipt(20, ago(20)))
    assert parked.exception_id is not None
    async with other.work(PANGKALPINANG) as work:
        await store.take_turn(work.session, [parked.exception_id, *[one for one in [parked.id] if one]])

        async def applied() -> str:
            async with database.work(PANGKALPINANG) as work:
                assert parked.exception_id is not None
                try:
                    view = await apply(work, PANGKALPINANG, parked.exception_id, ApplyException(), APPLIERS)
                except Refusal as refusal:
                    return refusal.code
            return getattr(view, "state", "refused")

        waiting = [asyncio.create_task(applied()), *(asyncio.create_task(sent(database, told)) for _ in range(2))]
        await wait_until(lambda: waits_for_a_lock(database), description="them to wait")
    outcomes = [await one for one in waiting]
    assert outcomes[0] in {"applied", "exception_closed"}
    assert await ask(database, "SELECT on_hand FROM card") == [(15,)]
    assert await ask(database, "SELECT count(*) FROM distribution") == [(1,)]
    assert await audited(database) == []
