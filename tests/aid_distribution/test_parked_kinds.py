"""Transfers, visits and deliveries that have happened and that a rule stands against wait as exceptions too."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.aid_distribution import (
    ExceptionApplied,
    ExceptionOpened,
    ProductionDelivered,
    StationServiced,
    TransferDispatched,
)
from shared.database import Database
from tests.aid_distribution import stations
from tests.aid_distribution.story import (
    MASKS,
    PROVINCE,
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
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.workshops import accept, call, offer, open_workshops
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]


async def applied(client: Client, parked: Json, **body: object) -> Json:
    answer = await client.post(f"/aid/exceptions/{parked['id']}/application", json=body)
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


def sent(quantity: int = 5, **changes: object) -> Json:
    lines = [{"item": MASKS, "quantity": quantity}]
    order = {"from_place": PROVINCE, "to_place": WAREHOUSE, "occurred_at": ago(1).isoformat(), "lines": lines}
    return order | changes


def visited(station_id: object, cans: int = 50, **changes: object) -> Json:
    refill = {"water_millilitre": 1_000, "from_place": WAREHOUSE, "lines": [{"item": SOAP, "quantity": cans}]}
    return {
        "station": str(station_id),
        "occurred_at": ago(1).isoformat(),
        "state": "working",
        "water_before_millilitre": 50_000,
        "soap_before_millilitre": 500,
        "refill": refill,
        "note": "Ibu Sari menunggu di sana",
    } | changes


def delivered(order_id: object, accepted: int = 100, **changes: object) -> Json:
    inspection = {"layers": 2, "accepted": accepted, "rejected": 0}
    return {
        "order": str(order_id),
        "occurred_at": ago(1).isoformat(),
        "quantity": accepted,
        "inspection": inspection,
    } | changes


async def test_a_transfer_that_ran_short_waits_and_is_sent_when_the_goods_are_known(
    database: Database, door: Door, recorded: Recorded
) -> None:
    office = door["office"]
    parked = await made(office, "/aid/exceptions/transfers", sent(5))
    assert (parked["kind"], parked["place"], parked["region"]) == ("transfer", PROVINCE, "19")
    assert (parked["last_refusal"], parked["cards"][0]["short"]) == ("short_of_stock", 5)
    assert [type(event) for event in await recorded()] == [ExceptionOpened]
    assert await ask(database, "SELECT count(*) FROM transfer") == [(0,)]
    again = await office.post(f"/aid/exceptions/{parked['id']}/application", json={})
    assert (again.status_code, again.json()["code"]) == (409, "short_of_stock")
    await receive(database, receipt(5, ago(2), place=PROVINCE))
    done = await applied(office, parked, document="SJ-7")
    assert (done["state"], done["attempts"]) == ("applied", 2)
    (row,) = await ask(database, "SELECT posting_id, number, document, state, occurred_at FROM transfer")
    assert (str(row[0]), *row[1:]) == (done["posting_id"], done["number"], "SJ-7", "in_transit", ago(1))
    kinds = [type(event) for event in await recorded()]
    assert (kinds.count(TransferDispatched), kinds.count(ExceptionApplied)) == (1, 1)
    assert await audited(database) == []


async def test_a_transfer_of_a_lot_on_hold_waits_until_it_is_let_go(database: Database, door: Door) -> None:
    await receive(database, receipt(9, ago(2), place=PROVINCE, lot="L-1"))
    await hold(database, "L-1")
    lines = [{"item": MASKS, "quantity": 3, "lot": "L-1"}]
    parked = await made(door["office"], "/aid/exceptions/transfers", sent(lines=lines))
    assert (parked["last_refusal"], parked["cards"]) == ("lot_held", [])


async def test_a_visit_that_took_unknown_soap_waits_with_what_was_seen(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    await stations.furnish_sites(database)
    station = await stations.place(database)
    officer = door["pangkalpinang"]
    parked = await made(officer, "/aid/exceptions/visits", visited(station.id))
    assert (parked["kind"], parked["place"], parked["last_refusal"]) == ("visit", WAREHOUSE, "short_of_stock")
    assert "note" not in parked["order"], "what is said of people is shown to nobody"
    assert await ask(database, "SELECT count(*) FROM station_visit") == [(0,)]
    clock.advance(timedelta(days=40))
    await receive(database, receipt(50, ago(2), item=SOAP))
    done = await applied(officer, parked)
    assert done["state"] == "applied", "how far back one may date was judged when it was parked"
    (visit,) = await ask(database, "SELECT posting_id, number, note, occurred_at FROM station_visit")
    assert (str(visit[0]), *visit[1:]) == (done["posting_id"], done["number"], "Ibu Sari menunggu di sana", ago(1))
    assert [type(event) for event in await recorded()].count(StationServiced) == 1
    assert await ask(database, "SELECT asked ? 'note' FROM stock_exception") == [(False,)]
    assert await audited(database) == []


async def test_a_visit_that_is_not_refused_for_its_goods_is_not_parked(database: Database, door: Door) -> None:
    await stations.furnish_sites(database)
    station = await stations.place(database)
    officer = door["pangkalpinang"]
    possible = await officer.post("/aid/exceptions/visits", json=visited(station.id, 1))
    assert (possible.status_code, possible.json()["code"]) == (409, "not_short")
    await stations.remove(database, station.id, ago(2))
    bare = await officer.post("/aid/exceptions/visits", json=visited(station.id, refill=None))
    assert (bare.status_code, bare.json()["code"]) == (409, "station_removed")
    taken = await made(officer, "/aid/exceptions/visits", visited(station.id, 1))
    assert taken["last_refusal"] == "station_removed"
    wrong = await officer.post("/aid/exceptions/visits", json=visited(station.id, repaired=True))
    assert (wrong.status_code, told(wrong)) == (422, {("/repaired", "not_broken")})
    theirs = await door["belitung"].post("/aid/exceptions/visits", json=visited(station.id, repaired=True))
    assert {("/station", "unknown_station"), ("/repaired", "not_broken")} <= told(theirs), "another region's is unknown"
    assert await ask(database, "SELECT count(*) FROM station_visit") == [(0,)]


async def test_goods_that_come_before_their_order_is_accepted_wait_for_it(
    database: Database, door: Door, recorded: Recorded
) -> None:
    await open_workshops(database)
    order = await offer(database, (await call(database)).id)
    officer = door["pangkalpinang"]
    parked = await made(officer, "/aid/exceptions/deliveries", delivered(order.id))
    assert (parked["kind"], parked["place"], parked["last_refusal"]) == ("delivery", WAREHOUSE, "not_accepted")
    refused = await officer.post(f"/aid/exceptions/{parked['id']}/application", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_accepted")
    await accept(database, order.id)
    done = await applied(officer, parked)
    (row,) = await ask(database, "SELECT posting_id, number, accepted, occurred_at FROM production_delivery")
    assert (str(row[0]), *row[1:]) == (done["posting_id"], done["number"], 100, ago(1))
    assert [type(event) for event in await recorded()].count(ProductionDelivered) == 1
    assert await audited(database) == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 409, "not_short"),
        ({"quantity": 1, "inspection": {"layers": 1, "accepted": 1, "rejected": 0}}, 409, "too_few_layers"),
        ({"quantity": 2}, 422, "invalid"),
    ],
)
async def test_a_delivery_is_parked_only_for_what_its_order_forbids(
    database: Database, door: Door, changes: Json, status: int, code: str
) -> None:
    await open_workshops(database)
    order = await offer(database, (await call(database)).id)
    await accept(database, order.id)
    answer = await door["pangkalpinang"].post("/aid/exceptions/deliveries", json=delivered(order.id, 10, **changes))
    assert answer.status_code == status, answer.text
    assert status == 422 or answer.json()["code"] == code
    theirs = await door["belitung"].post("/aid/exceptions/deliveries", json=delivered(order.id))
    assert (theirs.status_code, told(theirs)) == (422, {("/order", "unknown_order")})
    assert await ask(database, "SELECT count(*) FROM stock_exception") == [(0,)]


async def test_more_than_was_ordered_waits_and_can_be_given_up(database: Database, door: Door) -> None:
    await open_workshops(database)
    order = await offer(database, (await call(database)).id)
    await accept(database, order.id)
    officer = door["pangkalpinang"]
    parked = await made(officer, "/aid/exceptions/deliveries", delivered(order.id, order.quantity + 1))
    assert parked["last_refusal"] == "more_than_ordered"
    answer = await officer.post(f"/aid/exceptions/{parked['id']}/drop", json={"reason": "Dibawa pulang lagi"})
    assert (answer.is_success, answer.json()["state"]) == (True, "dropped")
    assert await ask(database, "SELECT accepted FROM production_order") == [(0,)]
