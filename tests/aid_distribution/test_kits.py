"""Kits: put together from what is available, taken apart again, and stock like any other in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from services.aid_distribution.kits import handlers
from services.aid_distribution.kits.domain import KitDefined, KitInItself, way_to_itself
from services.aid_distribution.kits.orders import AssembleKits, Component, DefineKit, KitQuery, KitView, UnpackKits
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger import reservations
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.handlers import AlreadyReversed
from services.aid_distribution.ledger.orders import AddItem, GoodsLine, PostingView
from services.aid_distribution.ledger.reservation_orders import ReserveStock
from shared.caller import Caller
from shared.contracts.aid_distribution import KitsAssembled, KitsUnpacked, StockReversed
from shared.database import Database
from shared.problems import Absent, Invalid
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    RICE,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    plant,
    receipt,
    receive,
    reverse,
    waits_for_a_lock,
)
from tests.door import Client, Recorded, told
from tests.waiting import wait_until

KIT, BOX = "SEWING-KIT", "FAMILY-BOX"
Door = dict[str, Client]


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


@pytest.fixture
async def shop(database: Database) -> Database:
    """A store that knows two kits by name, and has goods for them."""
    async with database.work(OFFICE) as work:
        for code in (KIT, BOX):
            order = AddItem(code=code, name=f"Paket {code}", unit=Unit.PIECE, category=Category.KIT)
            await ledger.add_item(work, order)
    await receive(database, receipt(100, ago(1)))
    await receive(database, receipt(25, ago(1), item=SOAP))
    return database


async def define(database: Database, kit: str = KIT, **components: int) -> KitView:
    parts = components or {MASKS: 4, SOAP: 1}
    order = DefineKit(kit=kit, components=[Component(item=item, quantity=each) for item, each in parts.items()])
    async with database.work(OFFICE) as work:
        return await handlers.define(work, OFFICE, order)


async def assemble(
    database: Database, quantity: int, *, days_ago: float = 0, lot: str | None = None, caller: Caller = PANGKALPINANG
) -> PostingView:
    order = AssembleKits(place=WAREHOUSE, quantity=quantity, occurred_at=ago(days_ago), lot=lot)
    async with database.work(caller) as work:
        return await handlers.assemble(work, caller, KIT, order)


async def unpack(database: Database, quantity: int, *, lot: str | None = None) -> PostingView:
    order = UnpackKits(place=WAREHOUSE, quantity=quantity, occurred_at=NOON, lot=lot)
    async with database.work(PANGKALPINANG) as work:
        return await handlers.unpack(work, PANGKALPINANG, KIT, order)


async def stock(database: Database) -> dict[object, int]:
    rows = await ask(database, "SELECT item, sum(on_hand)::bigint FROM card GROUP BY item")
    return {item: int(str(held)) for item, held in rows}


async def test_kits_are_made_of_their_components(shop: Database, recorded: Recorded) -> None:
    defined = await define(shop)
    assert [(one.item, one.quantity, one.unit) for one in defined.components] == [
        (MASKS, 4, "piece"),
        (SOAP, 1, "litre"),
    ]
    done = await assemble(shop, 20)
    assert (done.number, done.kind) == ("2026-05-19.71-KA-0001", "assembly")
    assert await stock(shop) == {MASKS: 20, SOAP: 5, KIT: 20}
    event = (await recorded())[-1]
    assert isinstance(event, KitsAssembled)
    assert (event.kit, event.quantity, [(line.item, line.quantity) for line in event.lines]) == (
        KIT,
        20,
        [(MASKS, 80), (SOAP, 20), (KIT, 20)],
    )
    apart = await unpack(shop, 5)
    assert (apart.number, apart.kind) == ("2026-05-19.71-KU-0001", "unpacking")
    assert await stock(shop) == {MASKS: 40, SOAP: 10, KIT: 15}
    assert isinstance((await recorded())[-1], KitsUnpacked)
    assert await audited(shop) == []


async def test_what_is_short_is_told_for_each_component_with_how_many_can_be_made(shop: Database) -> None:
    await define(shop, **{MASKS: 4, SOAP: 1, RICE: 1})
    await receive(shop, receipt(1_000, ago(1), item=RICE))
    with pytest.raises(ShortOfStock) as refused:
        await assemble(shop, 26)
    told: Any = refused.value.members
    assert told["kits_possible"] == 25
    assert [(one["item"], one["asked"], one["available"], one["per_kit"], one["kits"]) for one in told["cards"]] == [
        (MASKS, 104, 100, 4, 25),
        (SOAP, 26, 25, 1, 25),
    ]
    with pytest.raises(ShortOfStock) as refused:
        await assemble(shop, 200)
    assert refused.value.members["kits_possible"] == 25
    await assemble(shop, 25)
    assert await stock(shop) == {MASKS: 0, SOAP: 0, RICE: 975, KIT: 25}


async def test_what_is_reserved_goes_into_no_kit(shop: Database) -> None:
    await define(shop)
    promised = ReserveStock(
        place=WAREHOUSE,
        purpose="Masjid",
        expires_at=NOON + timedelta(days=1),
        lines=[GoodsLine(item=MASKS, quantity=50)],
    )
    async with shop.work(OFFICE) as work:
        await reservations.reserve(work, OFFICE, promised)
    with pytest.raises(ShortOfStock) as refused:
        await assemble(shop, 13)
    assert refused.value.members["kits_possible"] == 12


async def test_kits_are_not_made_of_what_came_later_nor_taken_apart_after_they_left(shop: Database) -> None:
    await define(shop)
    with pytest.raises(ShortOfStock):
        await assemble(shop, 1, days_ago=2)
    await assemble(shop, 5, days_ago=0.5)
    with pytest.raises(ShortOfStock):
        await unpack(shop, 6)
    assert await audited(shop) == []


async def test_a_lot_of_kits_expires_with_the_first_of_its_components(shop: Database) -> None:
    await receive(shop, receipt(3, ago(1), item=RICE, lot="R-1", expires_on=date(2026, 12, 1)))
    await receive(shop, receipt(9, ago(1), item=RICE, lot="R-2", expires_on=date(2027, 3, 1)))
    await define(shop, **{MASKS: 1, RICE: 1})
    done = await assemble(shop, 5, lot="P-1")
    assert [(line.item, line.lot, line.quantity) for line in done.lines] == [
        (MASKS, None, 5),
        (RICE, "R-1", 3),
        (RICE, "R-2", 2),
        (KIT, "P-1", 5),
    ]
    assert await ask(shop, "SELECT expires_on FROM lot WHERE item = :kit", kit=KIT) == [(date(2026, 12, 1),)]
    with pytest.raises(Invalid) as refused:
        await assemble(shop, 5, lot="P-1")
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/lot", "differs")]
    await unpack(shop, 2, lot="P-1")
    assert await stock(shop) == {MASKS: 97, SOAP: 25, RICE: 9, KIT: 3}
    assert await audited(shop) == []


async def test_a_mistake_is_undone_like_a_receipt(shop: Database, recorded: Recorded) -> None:
    await define(shop)
    done = await assemble(shop, 20)
    apart = await unpack(shop, 5)
    with pytest.raises(ShortOfStock):
        await reverse(shop, done.id)
    await reverse(shop, apart.id)
    await reverse(shop, done.id)
    assert await stock(shop) == {MASKS: 100, SOAP: 25, KIT: 0}
    assert isinstance((await recorded())[-1], StockReversed)
    with pytest.raises(AlreadyReversed):
        await reverse(shop, done.id)
    assert await audited(shop) == []


WAYS: list[tuple[dict[str, list[str]], list[str]]] = [
    ({}, []),
    ({"B": ["C"], "C": ["D"]}, []),
    ({"B": ["A"]}, ["A", "B", "A"]),
    ({"B": ["C"], "C": ["D", "A"]}, ["A", "B", "C", "A"]),
    ({"B": ["C"], "C": ["B"]}, []),
]


@pytest.mark.parametrize(("known", "way"), WAYS, ids=str)
def test_a_way_from_a_kit_to_itself_is_found_however_long(known: dict[str, list[str]], way: list[str]) -> None:
    assert way_to_itself("A", ["B"], known) == way


async def test_a_kit_may_hold_kits_but_never_itself(shop: Database) -> None:
    await define(shop, KIT, **{MASKS: 1})
    with pytest.raises(KitDefined):
        await define(shop, KIT, **{SOAP: 1})
    await define(shop, BOX, **{KIT: 2, SOAP: 1})
    async with shop.work(OFFICE) as work:
        order = AddItem(code="INNER", name="Isi", unit=Unit.PIECE, category=Category.KIT)
        await ledger.add_item(work, order)
    with pytest.raises(Invalid) as refused:
        await define(shop, "INNER", INNER=1, NOTHING=1)
    assert {(error.pointer, error.code) for error in refused.value.errors} == {
        ("/components/0/item", "kit_in_itself"),
        ("/components/1/item", "unknown_item"),
    }


async def test_of_two_kits_that_would_hold_one_another_the_second_is_refused(shop: Database, other: Database) -> None:
    order = DefineKit(kit=KIT, components=[Component(item=BOX, quantity=1)])
    async with shop.work(OFFICE) as work:
        await handlers.define(work, OFFICE, order)
        second = asyncio.create_task(define(other, BOX, **{KIT: 1}))
        await wait_until(lambda: waits_for_a_lock(shop), description="the second to wait for the first")
    with pytest.raises(KitInItself) as refused:
        await second
    assert refused.value.members["way"] == [BOX, KIT, BOX]


async def test_of_two_who_take_the_last_components_one_is_refused(shop: Database, other: Database) -> None:
    await define(shop)
    outcomes = await asyncio.gather(assemble(shop, 15), assemble(other, 15), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {PostingView, ShortOfStock}
    assert await stock(shop) == {MASKS: 40, SOAP: 10, KIT: 15}
    assert await audited(shop) == []


async def test_a_component_that_was_taken_out_behind_the_books_is_found(shop: Database) -> None:
    await define(shop)
    await assemble(shop, 5)
    async with shop.work(OFFICE) as work:
        await plant(work, "UPDATE kit_component SET quantity = 3 WHERE item = 'MASK-CLOTH'")
    assert [(found.check, found.expected, found.found) for found in await audited(shop)] == [
        ("kit_holds_its_components", "15", "20")
    ]


async def test_it_works_over_http(door: Door, shop: Database) -> None:
    body = {"kit": KIT, "components": [{"item": MASKS, "quantity": 4}, {"item": SOAP, "quantity": 1}]}
    assert (await door["pangkalpinang"].post("/aid/kits", json=body)).status_code == 403
    wrong = {"kit": "NOTHING", "components": [{"item": MASKS, "quantity": 0}, {"item": MASKS, "quantity": 1}]}
    answer = await door["office"].post("/aid/kits", json=wrong)
    assert (answer.status_code, told(answer)) == (
        422,
        {("/kit", "unknown_item"), ("/components/0/quantity", "too_small"), ("/components/1/item", "duplicate")},
    )
    answer = await door["office"].post("/aid/kits", json=body)
    assert (answer.status_code, answer.json()["kit"]) == (201, KIT)
    shown = (await door["auditor"].get(f"/aid/kits/{KIT}")).json()
    assert (await door["auditor"].get("/aid/kits")).json() == {"items": [shown], "next": None}
    assert (await door["auditor"].get("/aid/kits/NOTHING")).status_code == 404
    made = {"place": WAREHOUSE, "quantity": 3, "occurred_at": NOON.isoformat()}
    assert (await door["belitung"].post(f"/aid/kits/{KIT}/assemblies", json=made)).status_code == 422
    assert (await door["pangkalpinang"].post("/aid/kits/NOTHING/assemblies", json=made)).status_code == 404
    answer = await door["pangkalpinang"].post(f"/aid/kits/{KIT}/assemblies", json=made)
    assert (answer.status_code, answer.headers["location"]) == (201, f"/aid/postings/{answer.json()['id']}")
    answer = await door["pangkalpinang"].post(f"/aid/kits/{KIT}/assemblies", json={**made, "quantity": 100})
    assert (answer.status_code, answer.json()["kits_possible"]) == (409, 22)
    answer = await door["pangkalpinang"].post(f"/aid/kits/{KIT}/unpackings", json={**made, "quantity": 4})
    assert (answer.status_code, answer.json()["code"]) == (409, "short_of_stock")
    answer = await door["pangkalpinang"].post(f"/aid/kits/{KIT}/unpackings", json=made)
    assert answer.status_code == 201


async def test_pages_of_kits_are_whole(shop: Database) -> None:
    await define(shop, KIT, **{MASKS: 1})
    await define(shop, BOX, **{MASKS: 2})
    async with shop.reading(OFFICE) as work:
        first = await handlers.page(work, KitQuery(limit=1))
        second = await handlers.page(work, KitQuery(limit=1, cursor=first.next))
        with pytest.raises(Absent):
            await handlers.show(work, MASKS)
    assert [one.kit for one in (*first.items, *second.items)] == [BOX, KIT]
    assert second.next is None
