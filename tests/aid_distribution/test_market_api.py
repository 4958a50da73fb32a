"""Prices and markets over HTTP, as an office and a counter use them."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import uuid4

import pytest

from services.aid_distribution.main import SERVICE
from shared.database import Database
from shared.privacy import Vault
from shared.security import KeyStore
from tests.aid_distribution.conftest import CALLERS
from tests.aid_distribution.market_story import family
from tests.aid_distribution.story import MARKET, NOON, OFFICE, RICE, StoppedClock, ago, furnish, receipt, receive
from tests.conftest import Databases
from tests.door import Client, open_door, told

Door = Mapping[str, Client]
Body = dict[str, object]


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    database = await databases("aid_distribution", migrated=True, clock=clock, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        await furnish(work)
    await receive(database, receipt(100, ago(1), place=MARKET, item=RICE))
    return database


@pytest.fixture
async def door(database: Database, keys: KeyStore) -> AsyncIterator[Door]:
    app = open_door(SERVICE, database, keys)
    clients = {name: Client(app, keys, caller) for name, caller in CALLERS.items()}
    yield clients
    for client in clients.values():
        await client.aclose()


def announcement(**changes: object) -> Body:
    rice = {"item": RICE, "price_rupiah": 45_000, "market_price_rupiah": 52_000, "allotment": 10, "limit_per_family": 2}
    opens, closes = (NOON + timedelta(hours=hours) for hours in (-1, 3))
    slot = {"from": opens.isoformat(), "to": closes.isoformat(), "capacity": 3}
    return {
        "place": MARKET,
        "model": "subsidised_package",
        "opens_at": opens.isoformat(),
        "closes_at": closes.isoformat(),
        "items": [rice],
        "slots": [slot],
    } | changes


async def test_a_market_from_its_announcement_to_its_settlement(door: Door) -> None:
    client = door["pangkalpinang"]
    answer = await client.post("/aid/markets", json=announcement())
    assert answer.status_code == 201, answer.text
    path = answer.headers["location"]
    assert (await client.get(path)).json() == answer.json()
    assert answer.json()["slots"][0]["from"] == "2026-05-20T11:00:00+07:00"
    given = await client.post(f"{path}/coupons", json={"coupons": [{"family": family(1), "slot": 1}]})
    assert given.status_code == 201, given.text
    (coupon,) = given.json()["coupons"]
    assert (await client.post(f"{path}/opening", json={})).json()["state"] == "open"
    lines = [{"item": RICE, "quantity": 2}]
    entry = {"id": str(uuid4()), "sold_at": NOON.isoformat(), "coupon": coupon["token"], "lines": lines}
    bad = entry | {"id": str(uuid4()), "coupon": "x"}
    told_twice = [await client.post(f"{path}/sales", json={"counter": "L1", "entries": [bad, entry]}) for _ in range(2)]
    assert [[one["outcome"] for one in answer.json()["outcomes"]] for answer in told_twice] == [
        ["refused", "recorded"],
        ["refused", "repeated"],
    ]
    paper = (await client.get(f"{path}/coupons/{coupon['id']}")).json()
    assert (paper["used"]["counter"], paper["qr"][:18]) == ("L1", "data:image/svg+xml")
    assert (await client.get("/aid/coupon-key")).json()["crv"] == "Ed25519"
    second = entry | {"id": str(uuid4())}
    await client.post(f"{path}/sales", json={"counter": "L2", "entries": [second]})
    (double,) = (await client.get(f"{path}/double-uses")).json()["items"]
    assert (double["first"]["counter"], double["second"]["counter"]) == ("L1", "L2")
    assert (await client.post(f"{path}/closing", json={})).status_code == 201
    assert (await client.get("/aid/markets", params={"state": "closed"})).json()["items"][0]["items"][0]["sold"] == 4
    assert (await client.post(f"{path}/settlement", json={})).status_code == 403
    settled = await door["office"].post(f"{path}/settlement", json={})
    assert (settled.status_code, settled.json().get("state")) == (201, "settled"), settled.text
    refused = await client.post(f"{path}/closing", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_market_state")
    assert (await door["belitung"].get(path)).status_code == 404
    assert (await door["belitung"].get("/aid/markets")).json()["items"] == []


async def test_all_mistakes_of_shape_and_rule_are_told_at_once(door: Door) -> None:
    body = announcement(place="NOWHERE", model="gift", closes_at=ago(1).isoformat())
    body["items"] = [{"item": "NOTHING", "price_rupiah": 2, "market_price_rupiah": 1, "allotment": 0}]
    answer = await door["office"].post("/aid/markets", json=body)
    assert answer.status_code == 422
    assert told(answer) >= {
        ("/place", "unknown_place"),
        ("/model", "unknown_value"),
        ("/closes_at", "before_opening"),
        ("/items/0/item", "unknown_item"),
        ("/items/0/allotment", "too_small"),
        ("/items/0/price_rupiah", "above_market_price"),
        ("/items/0/limit_per_family", "missing"),
    }
    price = {"place": "NOWHERE", "item": RICE, "observed_at": "2030-01-01T00:00:00Z", "price_rupiah": 0}
    answer = await door["office"].post("/aid/prices", json=price)
    assert told(answer) == {
        ("/place", "unknown_place"),
        ("/observed_at", "in_the_future"),
        ("/price_rupiah", "too_small"),
    }


async def test_prices_are_seen_by_their_region_and_compared_by_the_province_alone(door: Door) -> None:
    ceiling = {"item": RICE, "region": "19", "price_rupiah": 50_000, "valid_from": "2026-01-01", "source": "HET"}
    assert (await door["office"].post("/aid/ceilings", json=ceiling)).status_code == 201
    assert (await door["pangkalpinang"].post("/aid/ceilings", json=ceiling)).status_code == 403
    price = {
        "place": MARKET,
        "item": RICE,
        "observed_at": NOON.isoformat(),
        "price_rupiah": 51_000,
        "unit_note": "5 kg",
    }
    answer = await door["pangkalpinang"].post("/aid/prices", json=price)
    assert (answer.status_code, answer.json()["above_ceiling"]) == (201, True)
    assert (await door["belitung"].get("/aid/prices")).json()["items"] == []
    (seen,) = (await door["auditor"].get("/aid/prices", params={"item": RICE})).json()["items"]
    assert seen == answer.json()
    medians = await door["pangkalpinang"].get("/aid/prices/medians", params={"item": RICE})
    assert medians.json()["items"][0]["ceiling_rupiah"] == 50_000
    assert (await door["pangkalpinang"].get("/aid/pressure", params={"item": RICE})).status_code == 403
    found = await door["auditor"].get("/aid/pressure", params={"item": RICE, "on": "2026-05-20"})
    assert (found.status_code, found.json()["items"]) == (200, [])  # no region's people are known here
