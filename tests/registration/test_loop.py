"""The closed loop: what was ordered of a business, where its goods went, and who made what was given at an occasion."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from services.registration.businesses import handlers
from services.registration.main import SERVICE
from services.registration.support.given import ALL_GIVEN, GIVEN
from services.registration.support.loop import LoopView, MakersView, loop_of, makers_of
from services.registration.support.ordered import ALL_ORDERED, ORDERED
from shared.caller import Caller
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    Goods,
    MarketSold,
    ProductionAccepted,
    ProductionDeclined,
    ProductionOffered,
    ProductionTakenBack,
    ReturnVoided,
    StockReturned,
    production_lot,
)
from shared.database import Database
from shared.effect_audit import EffectAudit, Told
from shared.problems import Absent
from shared.reaction import Heard
from shared.security import KeyStore
from tests.door import Client, open_door
from tests.registration.people import BELITUNG, OFFICE, PANGKALPINANG, SITI, TAILOR
from tests.registration.test_income import ORDER, THE_THIRD, delivered, order, paid

LOT = production_lot(ORDER)
EVENING = datetime(2020, 9, 5, 12, tzinfo=UTC)
DISTRIBUTION, MARKET = UUID(int=71), UUID(int=72)


@pytest.fixture
async def business(database: Database) -> UUID:
    async with database.work(PANGKALPINANG) as work:
        return (await handlers.register_business(work, TAILOR, owner=SITI)).business.id


def offered(business_id: UUID) -> ProductionOffered:
    return ProductionOffered(**order(business_id), answer_by=THE_THIRD)


def goods(quantity: int, lot: str | None = LOT) -> Goods:
    return Goods(item="MASK-CLOTH", item_name="Masker kain", unit="piece", quantity=quantity, lot=lot)


def handed_out(*lines: Goods, distribution_id: UUID = DISTRIBUTION, **told: Any) -> dict[str, Any]:
    return {
        "distribution_id": distribution_id,
        "number": "2020-09-19.71-DO-0001",
        "programme": "MASK-2020",
        "place": "WH-19.71",
        "place_name": "Gudang",
        "region": "19.71",
        "occurred_at": EVENING,
        "lines": list(lines),
        "public_heads": 40,
        "businesses": [],
    } | told


def moved(posting_id: UUID, *lines: Goods) -> dict[str, Any]:
    return {
        "posting_id": posting_id,
        "number": "2020-09-19.71-MS-0001",
        "region": "19.71",
        "occurred_at": EVENING,
        "lines": list(lines),
        "place": "MARKET-1",
    }


def sold(posting_id: UUID, *lines: Goods) -> MarketSold:
    return MarketSold(**moved(posting_id, *lines), market_id=MARKET, counter="Loket 1", amount_rupiah=5_000)


def brought_back(posting_id: UUID, *lines: Goods, direction: str = "from_public") -> StockReturned:
    return StockReturned(**moved(posting_id, *lines), direction=direction, reason="unused", returns=UUID(int=81))


def no_return(of: UUID, *lines: Goods) -> ReturnVoided:
    return ReturnVoided(**moved(UUID(int=of.int + 100), *lines), direction="from_public", reverses=of, reason="wrong")


async def hear(database: Database, *events: Event) -> None:
    """Hear events as the service does, each by what its table says of it."""
    async with database.work(OFFICE) as work:
        for event in events:
            for reaction in SERVICE.reactions:
                if reaction.event is type(event):
                    await reaction.run(work, [Heard(msgspec.msgpack.encode(event), OFFICE)])


async def loop(database: Database, business_id: UUID, caller: Caller = PANGKALPINANG) -> LoopView:
    async with database.reading(caller) as work:
        return await loop_of(work, business_id)


async def makers(database: Database, occasion: UUID, caller: Caller = PANGKALPINANG) -> MakersView:
    async with database.reading(caller) as work:
        return await makers_of(work, occasion)


async def test_the_loop_of_a_business_goes_from_the_order_to_those_who_got_its_goods(
    database: Database, business: UUID
) -> None:
    telling = (
        offered(business),
        ProductionAccepted(**order(business)),
        delivered(business),
        paid(business),
        DistributionPosted(**handed_out(goods(30), goods(5), goods(100, "PO-000000000099"), goods(7, None))),
        DistributionPosted(**handed_out(goods(9), distribution_id=UUID(int=73))),
        DistributionVoided(**handed_out(goods(9), distribution_id=UUID(int=73)), reason="twice"),
        sold(UUID(int=81), goods(4)),
        brought_back(UUID(int=82), goods(3)),
        brought_back(UUID(int=84), goods(2)),
        no_return(UUID(int=84), goods(2)),
        no_return(UUID(int=85), goods(1)),  # heard of before the return that it takes back
        brought_back(UUID(int=85), goods(1)),
        brought_back(UUID(int=83), goods(20), direction="to_donor"),
        DistributionPosted(**handed_out(goods(50, "A"), distribution_id=UUID(int=74), businesses=[business])),
    )
    for _ in range(2):  # whatever is told again changes nothing
        await hear(database, *telling)
    found = await loop(database, business)
    (line,) = found.orders
    assert (found.name, found.region) == ("Konveksi Bersama", "19.71")
    assert (line.state, line.quantity, line.accepted, line.rejected) == ("accepted", 100, 60, 5)
    assert (line.due_rupiah, line.paid_rupiah) == (300_000, 100_000)
    assert (line.lot, line.given, line.occasions) == (LOT, 30 + 5 + 4 - 3, 2)
    assert line.first_given_at == line.last_given_at == EVENING
    assert [one.distribution_id for one in found.received] == [UUID(int=74)]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (lambda told: ProductionDeclined(**told, reason="no cloth"), "declined"),
        (lambda told: ProductionTakenBack(**told, reason="late", accepted=0, released=100), "taken_back"),
    ],
)
async def test_an_order_that_came_to_nothing_is_shown_as_such(
    database: Database, business: UUID, last: Any, state: str
) -> None:
    await hear(database, offered(business))
    assert [one.state for one in (await loop(database, business)).orders] == ["expired"], "nobody answered in time"
    await hear(database, last(order(business)))
    (line,) = (await loop(database, business)).orders
    assert (line.state, line.accepted, line.given, line.first_given_at) == (state, 0, 0, None)


async def test_whoever_made_what_was_given_at_an_occasion_is_named_to_those_who_may_see_them(
    database: Database, business: UUID
) -> None:
    other = UUID(int=91)
    await hear(
        database, offered(business), ProductionOffered(**order(UUID(int=99)) | {"order_id": other}, answer_by=THE_THIRD)
    )
    await hear(
        database,
        paid(business),
        DistributionPosted(**handed_out(goods(30), goods(8, production_lot(other)))),
        sold(UUID(int=81), goods(4)),
        sold(UUID(int=82), goods(6)),
    )
    found = await makers(database, DISTRIBUTION)
    assert [(one.business_id, one.order_id, one.quantity, one.paid_rupiah) for one in found.makers] == [
        (business, ORDER, 30, 100_000)
    ]
    assert [(one.item, one.quantity) for one in found.elsewhere] == [("MASK-CLOTH", 8)]
    assert [(one.name, one.quantity) for one in (await makers(database, MARKET)).makers] == [("Konveksi Bersama", 10)]
    for occasion, caller in ((DISTRIBUTION, BELITUNG), (UUID(int=5), PANGKALPINANG)):
        nothing = await makers(database, occasion, caller)
        assert (nothing.makers, nothing.elsewhere) == ([], [])


async def test_the_loop_of_another_region_does_not_exist(database: Database, business: UUID, keys: KeyStore) -> None:
    await hear(database, offered(business))
    with pytest.raises(Absent):
        await loop(database, business, BELITUNG)
    async with Client(open_door(SERVICE, database, keys), keys, PANGKALPINANG) as client:
        answer = await client.get(f"/registration/businesses/{business}/loop")
        assert [one["lot"] for one in answer.json()["orders"]] == [LOT]
        assert (await client.get(f"/registration/occasions/{DISTRIBUTION}/makers")).json()["makers"] == []
        assert (await client.get(f"/registration/businesses/{UUID(int=5)}/loop")).status_code == 404


async def test_what_is_missing_or_otherwise_is_seen(database: Database, business: UUID) -> None:
    given = (DistributionPosted(**handed_out(goods(30))), sold(UUID(int=81), goods(4)))
    await hear(database, offered(business), delivered(business), *given)

    async def wrong(audit: EffectAudit, heard: Sequence[Event]) -> list[str]:
        told = [Told("aid_distribution", 0, number, THE_THIRD, event) for number, event in enumerate(heard, 1)]
        async with database.reading(OFFICE) as work:
            return [seen.wrong for seen in await audit.look(work.session, told)]

    assert await wrong(ORDERED, [delivered(business)]) == [""]
    assert await wrong(GIVEN, given) == ["", ""]
    async with database.work(OFFICE) as work:
        assert [one.subject for one in await ALL_ORDERED.page(work.session, "", 10)] == [f"production_order/{ORDER}"]
        assert {one.subject for one in await ALL_GIVEN.page(work.session, "", 10)} == {
            f"distribution/{DISTRIBUTION}",
            f"posting/{UUID(int=81)}",
        }
        await work.session.execute(text("UPDATE ordered SET state = 'short'"))
        await work.session.execute(text("UPDATE given SET quantity = 1 WHERE kind = 'sale'"))
        await work.session.execute(text("DELETE FROM given WHERE kind = 'distribution'"))
    assert await wrong(ORDERED, [delivered(business)]) == ["the row differs in state"]
    assert await wrong(GIVEN, given) == ["of 1 lots made to order 0 are as told"] * 2
