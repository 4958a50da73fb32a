"""Production over HTTP: from the call to the payment, and everything that may be wrong with a body."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest

from services.aid_distribution.main import SERVICE
from shared.database import Database
from shared.security import KeyStore
from tests.aid_distribution.story import MASKS, NOON, PROVINCE, WAREHOUSE
from tests.aid_distribution.workshops import HARTINI, LINA, OWNER, STRANGER, open_workshops
from tests.door import Client, open_door, told

Door = Mapping[str, Client]
Body = dict[str, object]
ABSENT = UUID(int=7)


@pytest.fixture
async def busy(door: Door, database: Database, keys: KeyStore) -> AsyncIterator[Door]:
    """Give the usual callers and two owners of workshops."""
    await open_workshops(database)
    app = open_door(SERVICE, database, keys)
    owners = {"owner": Client(app, keys, OWNER), "stranger": Client(app, keys, STRANGER)}
    yield {**door, **owners}
    for client in owners.values():
        await client.aclose()


def call(**changes: object) -> Body:
    return {
        "item": MASKS,
        "quantity": 200,
        "price_rupiah": 5_000,
        "due_on": "2026-05-30",
        "regions": ["19.71"],
        "place": WAREHOUSE,
        "sector": "garment",
        "cap_per_business": 150,
    } | changes


def delivery(accepted: int = 100, rejected: int = 0, **changes: object) -> Body:
    reasons = [{"reason": "size", "quantity": rejected}] if rejected else []
    inspection = {"layers": 2, "accepted": accepted, "rejected": rejected, "reasons": reasons}
    return {
        "occurred_at": NOON.isoformat(),
        "quantity": accepted + rejected,
        "inspection": inspection,
        "document": "SJ-1",
    } | changes


async def made(client: Client, path: str, body: Body) -> Body:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def offered(door: Door, **changes: object) -> Body:
    needed = await made(door["office"], "/aid/production-calls", call())
    body = {"call": needed["id"], "business": str(HARTINI), **changes}
    return await made(door["office"], "/aid/production-orders", body)


async def test_masks_are_called_for_sewn_delivered_and_paid(busy: Door) -> None:
    office = busy["office"]
    answer = await office.post("/aid/production-calls", json=call(document="SPK-1"))
    needed = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/aid/production-calls/{needed['id']}")
    assert needed == call(document="SPK-1") | {
        "id": needed["id"],
        "held": 0,
        "open": 200,
        "created_at": "2026-05-20T12:00:00+07:00",
        "version": 1,
    }
    ranking = (await office.get(f"{answer.headers['location']}/candidates")).json()
    assert {name: value for name, value in ranking.items() if name != "items"} == {
        "next": None,
        "rule": "decline-capacity-served/1",
        "candidates": 3,
        "quantity": 200,
        "held": 0,
        "proposed": 200,
        "short": 0,
    }
    assert ranking["items"][0] == {
        "rank": 1,
        "business_id": str(HARTINI),
        "name": "Konveksi Hartini",
        "region": "19.71",
        "decline_permille": 600,
        "capacity_per_week": 200,
        "served": 0,
        "not_yet_served_permille": 1000,
        "score": 120_000_000,
        "share": 150,
        "held": 0,
        "proposed": 150,
        "left_out": None,
    }
    order = await made(office, "/aid/production-orders", {"call": needed["id"], "business": str(HARTINI)})
    path = f"/aid/production-orders/{order['id']}"
    assert (order["state"], order["quantity"], order["answer_by"]) == ("offered", 150, "2026-05-23T12:00:00+07:00")
    assert (await busy["owner"].get("/aid/my/production-orders")).json()["items"] == [order]
    assert (await busy["stranger"].get("/aid/my/production-orders")).json()["items"] == []
    accepted = await made(busy["owner"], f"{path}/acceptance", {})
    assert (accepted["state"], accepted["accepted_at"]) == ("accepted", "2026-05-20T12:00:00+07:00")
    received = await made(busy["pangkalpinang"], f"{path}/deliveries", delivery(140, 4))
    assert (received["outstanding"], received["due_rupiah"]) == (10, 700_000)
    assert received["deliveries"][0]["number"] == "2026-05-19.71-PD-0001"  # type: ignore[index]
    stock = (await office.get("/aid/balances", params={"place": WAREHOUSE, "item": MASKS})).json()["items"]
    assert [(row["lot"], row["on_hand"]) for row in stock] == [(order["lot"], 140)]
    payment = {"amount_rupiah": 700_000, "paid_at": NOON.isoformat(), "reference": "SP2D-9"}
    settled = await made(office, f"{path}/payments", payment)
    assert (settled["paid_rupiah"], settled["balance_rupiah"]) == (700_000, 0)
    gone = await made(office, f"{path}/taking-back", {"reason": "Cukup"})
    assert (gone["state"], gone["accepted"]) == ("taken_back", 140)
    assert (await office.get(path)).json() == gone
    record = (await busy["auditor"].get(f"/aid/producers/{HARTINI}")).json()
    assert (record["ordered"], record["accepted"], record["rejected"], record["paid_rupiah"]) == (150, 140, 4, 700_000)


async def test_a_profile_is_set_by_the_office_and_shown_in_the_record(busy: Door) -> None:
    told_of = {"capacity_per_week": 90, "decline_permille": 700, "as_of": "2026-05-02", "source": "Kunjungan"}
    answer = await busy["office"].post(f"/aid/producers/{LINA}/profile", json=told_of)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
    assert answer.json() == told_of | {"id": str(LINA), "changed_at": "2026-05-20T12:00:00+07:00", "version": 2}
    assert (await busy["office"].get(f"/aid/producers/{LINA}")).json()["profile"] == answer.json()
    older = await busy["office"].post(f"/aid/producers/{LINA}/profile", json=told_of | {"as_of": "2026-05-01"})
    assert (older.status_code, older.json()["code"]) == (409, "newer_profile_known")


async def test_only_the_owner_and_the_office_answer_and_only_the_office_orders(busy: Door) -> None:
    order = await offered(busy)
    path = f"/aid/production-orders/{order['id']}"
    assert (await busy["stranger"].post(f"{path}/acceptance", json={})).status_code == 404
    assert (await busy["belitung"].post(f"{path}/acceptance", json={})).status_code == 404
    assert (await busy["auditor"].post(f"{path}/acceptance", json={})).status_code == 403
    assert (await busy["owner"].get(path)).status_code == 403
    assert (await busy["owner"].post(f"{path}/deliveries", json=delivery())).status_code == 403
    assert (await busy["pangkalpinang"].post("/aid/production-calls", json=call())).status_code == 403
    assert (await busy["pangkalpinang"].post(f"{path}/payments", json={})).status_code == 403
    for client in (busy["belitung"], busy["pangkalpinang"]):
        assert (await client.get(f"/aid/production-orders/{ABSENT}")).status_code == 404
    declined = await made(busy["owner"], f"{path}/decline", {"reason": "Mesin rusak"})
    assert declined["state"] == "declined"
    again = await busy["owner"].post(f"{path}/acceptance", json={})
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "not_offered", "declined")


async def test_refusals_by_a_rule_have_their_own_codes(busy: Door) -> None:
    needed = await made(busy["office"], "/aid/production-calls", call())
    asked: Body = {"call": needed["id"], "business": str(HARTINI), "reason": "uji"}
    over = await busy["office"].post("/aid/production-orders", json=asked | {"quantity": 151})
    assert (over.status_code, over.json()["code"], over.json()["cap"]) == (409, "over_cap", 150)
    order = await made(busy["office"], "/aid/production-orders", asked)
    much = await busy["office"].post("/aid/production-orders", json=asked | {"business": str(LINA), "quantity": 51})
    assert (much.status_code, much.json()["code"], much.json()["open"]) == (409, "more_than_needed", 50)
    path = f"/aid/production-orders/{order['id']}"
    early = await busy["office"].post(f"{path}/deliveries", json=delivery())
    assert (early.status_code, early.json()["code"]) == (409, "not_accepted")
    await made(busy["owner"], f"{path}/acceptance", {})
    thin = delivery()
    thin["inspection"] = {"layers": 1, "accepted": 100, "rejected": 0}
    refused = await busy["office"].post(f"{path}/deliveries", json=thin)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_few_layers")
    assert refused.json()["source"] == "SNI 8914:2020"
    more = await busy["office"].post(f"{path}/deliveries", json=delivery(151))
    assert (more.status_code, more.json()["code"], more.json()["outstanding"]) == (409, "more_than_ordered", 150)
    payment = {"amount_rupiah": 1, "paid_at": NOON.isoformat(), "reference": "SP2D-9"}
    unpaid = await busy["office"].post(f"{path}/payments", json=payment)
    assert (unpaid.status_code, unpaid.json()["code"], unpaid.json()["balance_rupiah"]) == (409, "more_than_due", 0)


async def test_everything_wrong_with_a_body_is_told_at_once(busy: Door) -> None:
    office = busy["office"]
    wrong_call = call(
        quantity=0,
        price_rupiah=10**9,
        due_on="2026-05-19",
        regions=["19.71", "20.01"],
        place="NOWHERE",
        sector="G",
        extra=1,
    )
    assert told(await office.post("/aid/production-calls", json=wrong_call)) == {
        ("/quantity", "too_small"),
        ("/price_rupiah", "too_large"),
        ("/due_on", "in_the_past"),
        ("/regions/1", "unknown_region"),
        ("/place", "unknown_place"),
        ("/sector", "bad_format"),
        ("/extra", "unknown_field"),
    }
    order = await offered(busy)
    path = f"/aid/production-orders/{order['id']}/deliveries"
    wrong: Body = {
        "occurred_at": "2026-05-20T12:00:01+07:00",
        "quantity": 100,
        "inspection": {
            "layers": 99,
            "accepted": 90,
            "rejected": 9,
            "reasons": [{"reason": "size", "quantity": 4}, {"reason": "size", "quantity": 4}, {"reason": "ugly"}],
        },
    }
    assert told(await office.post(path, json=wrong)) == {
        ("/occurred_at", "in_the_future"),
        ("/inspection/layers", "too_large"),
        ("/inspection/rejected", "does_not_add_up"),
        ("/inspection/reasons/1/reason", "duplicate"),
        ("/inspection/reasons/2/reason", "unknown_value"),
        ("/inspection/reasons/2/quantity", "missing"),
    }
    late = {"call": str(ABSENT), "business": str(ABSENT), "answer_by": "2026-05-20T12:00:00+07:00", "quantity": 0}
    assert told(await office.post("/aid/production-orders", json=late)) == {
        ("/call", "unknown_call"),
        ("/business", "unknown_business"),
        ("/answer_by", "in_the_past"),
        ("/quantity", "too_small"),
    }


async def test_candidates_orders_and_calls_are_read_page_by_page(busy: Door) -> None:
    await offered(busy)
    second = await made(busy["office"], "/aid/production-calls", call(place=PROVINCE, regions=["19"]))
    order = await made(
        busy["office"],
        "/aid/production-orders",
        {"call": second["id"], "business": str(LINA), "quantity": 9, "reason": "uji"},
    )
    for path, expected in (
        ("/aid/production-calls", 2),
        ("/aid/production-orders", 2),
        (f"/aid/production-calls/{second['id']}/candidates", 4),
        (f"/aid/production-orders/{order['id']}/ranking", 4),
    ):
        whole = (await busy["office"].get(path)).json()["items"]
        assert len(whole) == expected
        seen, following = [], f"{path}?limit=1"
        while following:
            answer = await busy["office"].get(following)
            seen += answer.json()["items"]
            following = answer.links.get("next", {}).get("url")
        assert seen == whole
