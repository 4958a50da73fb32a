import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from services.aid_distribution.main import SERVICE
from shared.caller import Caller, Role
from shared.database import Database
from shared.roles import allowed
from shared.security import KeyStore
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    NOON,
    PROVINCE,
    RICE,
    WAREHOUSE,
    ago,
    ask,
    audited,
)
from tests.aid_distribution.test_distributions import ABROAD, TAILOR, happened, registered
from tests.door import Client, Recorded, open_door, told

Door = Mapping[str, Client]
Body = dict[str, object]
QUANTITY_MAX = 1_000_000_000_000
ABSENT = UUID(int=7)


def receipt(quantity: int = 100, at: datetime = NOON, **changes: object) -> Body:
    lines = [{"item": MASKS, "quantity": quantity}]
    return {"place": WAREHOUSE, "source": "supplier", "occurred_at": at.isoformat(), "lines": lines} | changes


def issue(quantity: int = 1, at: datetime = NOON, **changes: object) -> Body:
    lines = [{"item": MASKS, "quantity": quantity}]
    return {"place": WAREHOUSE, "reason": "damaged", "occurred_at": at.isoformat(), "lines": lines} | changes


def transfer(quantity: int = 1, at: datetime = NOON, **changes: object) -> Body:
    lines = [{"item": MASKS, "quantity": quantity}]
    places = {"from_place": PROVINCE, "to_place": WAREHOUSE}
    return {**places, "occurred_at": at.isoformat(), "lines": lines} | changes


def distribution(quantity: int = 1, at: datetime = NOON, **changes: object) -> Body:
    return {
        "programme": "free-masks",
        "place": WAREHOUSE,
        "occurred_at": at.isoformat(),
        "lines": [{"item": MASKS, "quantity": quantity}],
        "recipients": {"public": 100},
    } | changes


async def made(client: Client, path: str, body: Body) -> Body:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def stocked(door: Door, quantity: int = 100, **changes: object) -> Body:
    return await made(door["office"], "/aid/receipts", receipt(quantity, ago(1), **changes))


async def on_hand(client: Client, **query: str) -> dict[str, int]:
    answer = await client.get("/aid/balances", params=query)
    assert answer.status_code == 200, answer.text
    return {
        f"{row['place']} {row['item']} {row['lot'] or ''}".strip(): row["on_hand"] for row in answer.json()["items"]
    }


def made_up(*key: object) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode(key)).decode().rstrip("=")


async def test_the_catalogue_is_made_by_the_office_and_read_by_all(door: Door) -> None:
    item = {"code": "SUGAR-1KG", "name": "Gula", "unit": "kg", "category": "staple", "document": "SK-12"}
    answer = await door["office"].post("/aid/items", json=item)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert answer.json() == {"id": answer.json()["id"], "version": 1} | {k: item[k] for k in item if k != "document"}
    place = {"code": "PASAR-19.02", "name": "Pasar", "kind": "market_venue", "region": "19.02"}
    assert (await door["office"].post("/aid/places", json=place)).status_code == 201
    for path, body in (("/aid/items", item), ("/aid/places", place)):
        again = await door["office"].post(path, json=body)
        assert (again.status_code, again.json()["code"]) == (409, "code_taken")
        assert (await door["pangkalpinang"].post(path, json=body)).status_code == 403
    codes = [one["code"] for one in (await door["belitung"].get("/aid/items")).json()["items"]]
    assert codes == [MASKS, RICE, "SOAP-5L", "SUGAR-1KG"]
    codes = [one["code"] for one in (await door["belitung"].get("/aid/places")).json()["items"]]
    assert codes == ["PASAR-19.02", ELSEWHERE]


async def test_catalogues_and_balances_are_read_page_by_page(door: Door) -> None:
    for item in (MASKS, RICE, "SOAP-5L"):
        await stocked(door, lines=[{"item": item, "quantity": 5}])
    for path, expected in (
        ("/aid/items", [MASKS, RICE, "SOAP-5L"]),
        ("/aid/places", ["PASAR-19.71", ELSEWHERE, WAREHOUSE, PROVINCE]),
        ("/aid/balances", [MASKS, RICE, "SOAP-5L"]),
    ):
        seen: list[str] = []
        following: str | None = f"{path}?limit=1"
        while following:
            answer = await door["office"].get(following)
            seen += [one.get("code") or one["item"] for one in answer.json()["items"]]
            link = answer.links.get("next", {}).get("url")
            assert (link is None) == (answer.json()["next"] is None)
            following = link
        assert seen == expected


async def test_goods_come_in_and_go_out_and_the_balance_says_so(door: Door) -> None:
    client = door["pangkalpinang"]
    answer = await client.post("/aid/receipts", json=receipt(100, ago(2), document="SJ-7"))
    assert answer.status_code == 201
    done = answer.json()
    assert done == {
        "id": done["id"],
        "number": "2026-05-19.71-GR-0001",
        "kind": "receipt",
        "region": "19.71",
        "occurred_at": "2026-05-18T12:00:00+07:00",
        "recorded_at": "2026-05-20T12:00:00+07:00",
        "document": "SJ-7",
        "reason": "supplier",
        "reverses": None,
        "lines": [
            {"item": MASKS, "quantity": 100, "lot": None, "from_place": "SUPPLIER", "to_place": WAREHOUSE},
        ],
        "lot_notes": [],
        "packs": [],
    }
    assert answer.headers["location"] == f"/aid/postings/{done['id']}"
    assert (await client.get(answer.headers["location"])).json() == done
    await made(client, "/aid/issues", issue(30))
    assert (await client.get("/aid/balances")).json() == {
        "items": [
            {
                "place": WAREHOUSE,
                "item": MASKS,
                "lot": None,
                "on_hand": 70,
                "reserved": 0,
                "available": 70,
                "packs": None,
                "loose": None,
            },
        ],
        "next": None,
    }
    assert await on_hand(client, as_of=ago(1).isoformat(), place=WAREHOUSE, item=MASKS) == {f"{WAREHOUSE} {MASKS}": 100}
    assert await on_hand(client, as_of=ago(3).isoformat()) == {f"{WAREHOUSE} {MASKS}": 0}
    assert await on_hand(client, item=RICE) == {}


async def test_a_card_goes_on_with_its_balance_from_page_to_page(door: Door, database: Database) -> None:
    client = door["pangkalpinang"]
    for number in range(1, 8):
        await made(client, "/aid/receipts", receipt(10, ago(9 - number), document=f"SJ-{number}"))
        await made(client, "/aid/issues", issue(number, ago(9 - number)))
    path = f"/aid/cards/{WAREHOUSE}/{MASKS}"
    whole = (await client.get(path)).json()["items"]
    assert [entry["quantity"] for entry in whole] == [q for number in range(1, 8) for q in (10, -number)]
    assert [entry["balance"] for entry in whole] == [sum(e["quantity"] for e in whole[: n + 1]) for n in range(14)]
    assert [entry["document"] for entry in whole[:2]] == ["SJ-1", "2026-05-19.71-GI-0001"]
    for limit in (1, 3, 14):
        entries, following = [], f"{path}?limit={limit}"
        while following:
            answer = await client.get(following)
            entries += answer.json()["items"]
            following = answer.links.get("next", {}).get("url")
        assert entries == whole
    part = await client.get(path, params={"from": ago(6).isoformat(), "to": ago(4).isoformat()})
    assert part.json()["items"] == whole[4:8]
    first = await client.get(path, params={"from": ago(6).isoformat(), "limit": 1})
    assert (first.json()["items"], first.json()["next"] is None) == (whole[4:5], False)


async def test_a_late_posting_is_exact(door: Door) -> None:
    client = door["office"]
    await stocked(door, 10)
    await made(client, "/aid/receipts", receipt(10, NOON - timedelta(minutes=1)))
    refused = await client.post("/aid/issues", json=issue(20, ago(0.5)))
    assert (refused.status_code, refused.json()["code"]) == (409, "short_of_stock")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["cards"][0]["available"] == 10
    assert (await client.post("/aid/issues", json=issue(10, ago(0.5)))).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "reported"),
    [
        (
            "/aid/receipts",
            receipt(
                0,
                NOON + timedelta(seconds=1),
                place="WH-NONE",
                source="theft",
                document="",
                extra=1,
                lines=[
                    {"item": "NOTHING", "quantity": 0},
                    {"item": MASKS, "quantity": 2**64},
                    {"item": MASKS, "quantity": "7", "expires_on": "2026-09-31"},
                    {"item": 7, "quantity": 1.5, "lot": "?", "expires_on": "2026-09-30"},
                    {"item": MASKS, "quantity": 1, "expires_on": "2026-09-30"},
                ],
            ),
            {
                ("/occurred_at", "in_the_future"),
                ("/place", "unknown_place"),
                ("/source", "unknown_value"),
                ("/document", "too_short"),
                ("/extra", "unknown_field"),
                ("/lines/0/item", "unknown_item"),
                ("/lines/0/quantity", "too_small"),
                ("/lines/1/quantity", "too_large"),
                ("/lines/2/quantity", "wrong_type"),
                ("/lines/2/expires_on", "bad_format"),
                ("/lines/3/item", "wrong_type"),
                ("/lines/3/quantity", "wrong_type"),
                ("/lines/3/lot", "bad_format"),
                ("/lines/4/lot", "missing"),
            },
        ),
        (
            "/aid/issues",
            issue(-1, ago(367), place=ELSEWHERE.lower(), reason="found")
            | {"lines": [], "document": "1971.0123.0405.0678"},
            {
                ("/document", "person_number"),
                ("/occurred_at", "too_far_back"),
                ("/place", "bad_format"),
                ("/reason", "unknown_value"),
                ("/lines", "too_few"),
            },
        ),
        (
            "/aid/transfers",
            transfer(0, NOON + timedelta(days=1), from_place="NOWHERE", to_place="NOWHERE", document=7),
            {
                ("/occurred_at", "in_the_future"),
                ("/from_place", "unknown_place"),
                ("/to_place", "unknown_place"),
                ("/to_place", "same_place"),
                ("/document", "wrong_type"),
                ("/lines/0/quantity", "too_small"),
            },
        ),
        (
            "/aid/distributions",
            {
                "programme": "gifts",
                "place": "NOWHERE",
                "occurred_at": "2026-05-20T12:00:01+07:00",
                "lines": [{"item": "NOTHING", "quantity": None}],
                "recipients": {
                    "public": -1,
                    "businesses": [str(TAILOR), str(ABSENT), str(TAILOR), "x"],
                },
            },
            {
                ("/programme", "unknown_value"),
                ("/place", "unknown_place"),
                ("/occurred_at", "in_the_future"),
                ("/lines/0/item", "unknown_item"),
                ("/lines/0/quantity", "missing"),
                ("/recipients/public", "too_small"),
                ("/recipients/businesses/1", "unknown_business"),
                ("/recipients/businesses/2", "duplicate"),
                ("/recipients/businesses/3", "bad_format"),
            },
        ),
        (
            "/aid/distributions",
            distribution(document="", recipients={"public": 0, "businesses": []}),
            {("/document", "too_short"), ("/recipients", "no_recipient")},
        ),
        (
            f"/aid/transfers/{ABSENT}/receipt",
            {
                "occurred_at": "2026-05-20T12:00:01+07:00",
                "lines": [
                    {"item": MASKS, "accepted": -1, "rejected": 1},
                    {"item": MASKS, "accepted": 1, "rejected": 0},
                    {"item": "NOTHING", "accepted": 1, "rejected": 0, "reason": "stolen"},
                ],
            },
            {
                ("/occurred_at", "in_the_future"),
                ("/lines/0/accepted", "too_small"),
                ("/lines/0/reason", "missing"),
                ("/lines/1/item", "duplicate"),
                ("/lines/2/item", "unknown_item"),
                ("/lines/2/reason", "unknown_value"),
            },
        ),
        (
            "/aid/places",
            {"code": "wh", "name": "x", "kind": "cave", "region": "31.71"},
            {("/code", "bad_format"), ("/kind", "unknown_value"), ("/region", "unknown_region")},
        ),
    ],
)
async def test_mistakes_of_shape_and_of_meaning_are_one_answer(
    door: Door, database: Database, path: str, body: Body, reported: set[tuple[str, str]]
) -> None:
    await happened(database, registered())
    answer = await door["office"].post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert told(answer) == reported
    for table in ("posting", "transfer", "distribution", "card", "outbox"):
        assert await ask(database, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - our own names


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/aid/receipts", receipt(1, NOON + timedelta(1), place="NOWHERE", lines=[{"item": "X", "quantity": 1}])),
        ("/aid/issues", issue(1, ago(999), place="NOWHERE", reason="found", lines=[{"item": "X", "quantity": 1}])),
        ("/aid/transfers", transfer(1, ago(999), from_place=WAREHOUSE, lines=[{"item": "X", "quantity": 1}])),
        (
            "/aid/distributions",
            distribution(1, ago(999), place="NOWHERE", recipients={"businesses": [str(TAILOR), str(TAILOR)]}),
        ),
    ],
)
async def test_a_mistake_of_meaning_is_the_same_whether_or_not_the_shape_is_right(
    door: Door, path: str, body: Body
) -> None:
    client = door["pangkalpinang"]
    well_shaped, misshapen = [await client.post(path, json=body | wrong) for wrong in ({}, {"extra": 1})]
    assert told(misshapen) == told(well_shaped) | {("/extra", "unknown_field")}
    assert len(told(well_shaped)) > 2


ORDERS: list[tuple[str, Body]] = [
    ("/aid/items", {"code": "X", "name": "x", "unit": "kg", "category": "kit"}),
    ("/aid/places", {"code": "X", "name": "x", "kind": "warehouse", "region": "19.71"}),
    ("/aid/receipts", receipt()),
    ("/aid/issues", issue()),
    ("/aid/transfers", transfer()),
    (f"/aid/transfers/{ABSENT}/receipt", {"occurred_at": NOON.isoformat(), "lines": []}),
    (f"/aid/postings/{ABSENT}/reversal", {"reason": "x"}),
    ("/aid/distributions", distribution()),
    (f"/aid/distributions/{ABSENT}/void", {"reason": "x"}),
]


@pytest.mark.parametrize("path", [path for path, _ in ORDERS])
async def test_what_is_no_order_at_all_is_refused(door: Door, path: str) -> None:
    client = door["office"]
    json = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"{}"):
        answer = await client.post(path, content=body, headers=json)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), body
    assert (await client.post(path, content=b"{}", headers={"Content-Type": "text/plain"})).status_code == 415
    answer = await client.post(path, content=b'{"reason":"' + b"x" * 1_000_001 + b'"}', headers=json)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_every_route_is_for_the_roles_of_the_matrix(database: Database, keys: KeyStore) -> None:
    app = open_door(SERVICE, database, keys)
    for role in set(Role) - {Role.PUBLIC}:
        regions = () if role is Role.OWNER else ("19.71",)
        async with Client(app, keys, Caller(f"some-{role}", role, regions)) as client:
            for route in SERVICE.declared:
                path = route.path.format(**dict.fromkeys(route.path_parameters, str(ABSENT)))
                ends = {"wait_seconds": 0} if route.shows else None  # a live feed would not end by itself
                headers = {"Serumpun-Page": "1"} if route.session else {}
                answer = await client.request(
                    route.method, path, json={} if route.body else None, params=ends, headers=headers
                )
                assert (answer.status_code == 403) is not allowed(route.action, role), (role, route.path)
                assert answer.status_code < 500
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as stranger:
        for route in SERVICE.declared:
            path = route.path.format(**dict.fromkeys(route.path_parameters, str(ABSENT)))
            ends = {"wait_seconds": 0} if route.shows else None
            refused = (await stranger.request(route.method, path, params=ends)).status_code == 401
            assert refused is not allowed(route.action, Role.PUBLIC), route.path


async def test_what_is_of_another_region_is_as_absent_as_what_does_not_exist(door: Door, database: Database) -> None:
    await happened(database, registered(ABROAD, "Lada", "19.02"))
    await stocked(door, place=ELSEWHERE)
    posting = (await made(door["office"], "/aid/issues", issue(place=ELSEWHERE)))["id"]
    handed_out = (await made(door["office"], "/aid/distributions", distribution(place=ELSEWHERE)))["id"]
    sent = (await made(door["office"], "/aid/transfers", transfer(from_place=ELSEWHERE, to_place=PROVINCE)))["id"]
    officer, absent = door["pangkalpinang"], str(uuid4())
    arrived = [{"item": MASKS, "accepted": 1, "rejected": 0}]

    async def same(there: httpx.Response, nowhere: httpx.Response, *names: str) -> None:
        answers = []
        for answer in (there, nowhere):
            body = answer.json()
            for name in ("request_id", "instance"):
                body.pop(name, None)
            text = msgspec.json.encode(body).decode()
            for name in names:
                text = text.replace(name, "?")
            answers.append((answer.status_code, text))
        assert answers[0] == answers[1]

    for path, its in (("postings", posting), ("distributions", handed_out), ("transfers", sent)):
        there, nowhere = [await officer.get(f"/aid/{path}/{id_}") for id_ in (its, absent)]
        assert there.status_code == 404
        await same(there, nowhere)
    for path, its, body in (
        ("postings/{}/reversal", posting, {"reason": "x"}),
        ("distributions/{}/void", handed_out, {"reason": "x"}),
        (
            "transfers/{}/receipt",
            sent,
            {"occurred_at": NOON.isoformat(), "lines": arrived},
        ),
    ):
        there, nowhere = [await officer.post("/aid/" + path.format(id_), json=body) for id_ in (its, absent)]
        assert there.status_code == 404
        await same(there, nowhere)
    for path, order in (
        ("/aid/receipts", receipt),
        ("/aid/issues", issue),
        ("/aid/distributions", distribution),
    ):
        there, nowhere = [await officer.post(path, json=order(place=place)) for place in (ELSEWHERE, "WH-99")]
        assert told(there) == {("/place", "unknown_place")}
        await same(there, nowhere, ELSEWHERE, "WH-99")
    there, nowhere = [
        await officer.post("/aid/transfers", json=transfer(from_place=WAREHOUSE, to_place=place))
        for place in (ELSEWHERE, "WH-99")
    ]
    await same(there, nowhere, ELSEWHERE, "WH-99")
    there, nowhere = [
        await officer.post("/aid/distributions", json=distribution(recipients={"businesses": [str(business)]}))
        for business in (ABROAD, absent)
    ]
    assert told(there) == {("/recipients/businesses/0", "unknown_business")}
    await same(there, nowhere, str(ABROAD), absent)
    there, nowhere = [await officer.get(f"/aid/cards/{place}/{MASKS}") for place in (ELSEWHERE, "WH-99")]
    assert there.status_code == 404
    await same(there, nowhere)
    for path in ("balances", "distributions"):
        for query in (f"place={ELSEWHERE}", "place=WH-99", ""):
            assert (await officer.get(f"/aid/{path}?{query}")).json() == {"items": [], "next": None}
    assert (await officer.get("/aid/distributions?region=19.02")).json()["items"] == []


async def test_a_cursor_of_another_caller_shows_only_ones_own(door: Door) -> None:
    for place in (WAREHOUSE, ELSEWHERE):
        for _ in range(2):
            await stocked(door, place=place)
            await made(door["office"], "/aid/distributions", distribution(place=place))
    for path in ("/aid/balances", "/aid/distributions", "/aid/places"):
        theirs = (await door["office"].get(path, params={"limit": 1})).json()["next"]
        shown = (await door["pangkalpinang"].get(path, params={"cursor": theirs})).json()["items"]
        assert {one.get("place", one.get("code")) for one in shown} == {WAREHOUSE}
    theirs = (await door["office"].get(f"/aid/cards/{ELSEWHERE}/{MASKS}", params={"limit": 1})).json()["next"]
    assert (await door["pangkalpinang"].get(f"/aid/cards/{ELSEWHERE}/{MASKS}?cursor={theirs}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "cursors"),
    [
        ("/aid/items", [made_up(7), made_up("\0"), made_up("A", "B"), "x", "%%", ""]),
        ("/aid/balances", [made_up("A", "B"), made_up("A", "B", "\0"), made_up(1, 2, 3)]),
        (
            "/aid/distributions",
            [
                made_up("2026-05-20T12:00:00", uuid4()),
                made_up("0001-01-01T00:00:00+14:00", uuid4()),
                made_up("9999-12-31T23:59:59-14:00", uuid4()),
                made_up(NOON),
            ],
        ),
        (
            f"/aid/cards/{WAREHOUSE}/{MASKS}",
            [
                made_up(NOON, NOON, uuid4(), 2**40, 0),
                made_up(NOON, NOON, uuid4(), -1, 0),
                made_up(NOON, NOON, uuid4(), 1, 2**63),
                made_up(NOON, "2026-05-20T12:00:00", uuid4(), 1, 0),
                made_up("0001-01-01T00:00:00+14:00", NOON, uuid4(), 1, 0),
            ],
        ),
    ],
)
async def test_a_made_up_cursor_is_told_and_never_a_defect(door: Door, path: str, cursors: list[str]) -> None:
    for text in cursors:
        answer = await door["office"].get(path, params={"cursor": text})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), text
        assert {pointer for pointer, _ in told(answer)} == {"/query/cursor"}


@pytest.mark.parametrize(
    ("path", "reported"),
    [
        ("/aid/balances?as_of=yesterday&limit=0", {("/query/as_of", "bad_format"), ("/query/limit", "too_small")}),
        ("/aid/balances?as_of=2026-05-20T12:00:00", {("/query/as_of", "offset_missing")}),
        ("/aid/balances?place=&colour=red", {("/query/place", "too_short"), ("/query/colour", "unknown_field")}),
        (f"/aid/cards/{WAREHOUSE}/{MASKS}?from=x&to=y", {("/query/from", "bad_format"), ("/query/to", "bad_format")}),
        ("/aid/distributions?programme=gifts", {("/query/programme", "unknown_value")}),
        ("/aid/items?limit=501", {("/query/limit", "too_large")}),
    ],
)
async def test_every_mistake_of_a_question_is_told(door: Door, path: str, reported: set[tuple[str, str]]) -> None:
    answer = await door["office"].get(path)
    assert answer.status_code == 422
    assert told(answer) == reported


async def test_questions_about_the_ends_of_time_have_an_answer(door: Door) -> None:
    await stocked(door)
    for moment in ("0001-01-05T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-29T23:59:59Z"):
        balance = 100 if moment.startswith("9") else 0
        assert await on_hand(door["office"], as_of=moment) == {f"{WAREHOUSE} {MASKS}": balance}
        answer = await door["office"].get(f"/aid/cards/{WAREHOUSE}/{MASKS}", params={"from": moment})
        assert len(answer.json()["items"]) == (0 if balance else 1)
        answer = await door["office"].get(f"/aid/cards/{WAREHOUSE}/{MASKS}", params={"to": moment})
        assert len(answer.json()["items"]) == (1 if balance else 0)


async def test_an_order_from_before_all_time_is_refused(door: Door) -> None:
    for moment in ("0001-01-05T00:00:00+14:00", "1969-12-31T23:59:59Z"):
        answer = await door["operator"].post("/aid/receipts", json=receipt() | {"occurred_at": moment})
        assert told(answer) == {("/occurred_at", "too_far_back")}
    assert (await door["operator"].post("/aid/receipts", json=receipt(1, ago(20_000)))).status_code == 201
    items = (await door["operator"].get(f"/aid/cards/{WAREHOUSE}/{MASKS}")).json()["items"]
    assert [entry["balance"] for entry in items] == [1]


async def test_a_retry_gives_the_first_answer_byte_for_byte_and_one_effect(door: Door, recorded: Recorded) -> None:
    await stocked(door, 100)
    await stocked(door, 100, place=PROVINCE)
    posting = (await made(door["office"], "/aid/issues", issue()))["id"]
    sent = (await made(door["office"], "/aid/transfers", transfer()))["id"]
    handed_out = (await made(door["office"], "/aid/distributions", distribution()))["id"]
    lines = [{"item": MASKS, "accepted": 1, "rejected": 0}]
    orders: list[tuple[str, Body]] = [
        ("/aid/items", {"code": "X", "name": "x", "unit": "kg", "category": "kit"}),
        ("/aid/places", {"code": "X", "name": "x", "kind": "warehouse", "region": "19.71"}),
        ("/aid/receipts", receipt()),
        ("/aid/issues", issue()),
        ("/aid/transfers", transfer()),
        (f"/aid/transfers/{sent}/receipt", {"occurred_at": NOON.isoformat(), "lines": lines}),
        (f"/aid/postings/{posting}/reversal", {"reason": "x"}),
        ("/aid/distributions", distribution()),
        (f"/aid/distributions/{handed_out}/void", {"reason": "x"}),
    ]
    for path, body in orders:
        before = len(await recorded())
        key = {"Idempotency-Key": f"phone-7{path}"}
        first = await door["office"].post(path, json=body, headers=key)
        again = await door["office"].post(path, json=body, headers=key)
        assert first.status_code == again.status_code == 201, first.text
        assert again.content == first.content
        kept = ("location", "etag", "content-type")
        assert [again.headers.get(name) for name in kept] == [first.headers.get(name) for name in kept]
        assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
        assert len(await recorded()) == before + (path not in ("/aid/items", "/aid/places"))
        other = await door["office"].post(path, json=body | {"document": "other"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        elses = await door["operator"].post(path, json={}, headers=key)
        assert elses.json()["code"] == "invalid", "keys are each caller's own"


async def test_what_was_refused_may_be_tried_again_with_the_same_key(door: Door) -> None:
    key = {"Idempotency-Key": "phone-7"}
    assert (await door["office"].post("/aid/issues", json=issue(), headers=key)).status_code == 409
    await stocked(door)
    assert (await door["office"].post("/aid/issues", json=issue(), headers=key)).status_code == 201


async def test_the_same_key_twice_at_once_has_one_effect(door: Door) -> None:
    await stocked(door, 100)
    key = {"Idempotency-Key": "phone-7"}
    answers = await asyncio.gather(*(door["office"].post("/aid/issues", json=issue(), headers=key) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    done = {answer.content for answer in answers if answer.status_code == 201}
    assert len(done) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "request_in_progress"
            assert int(answer.headers["retry-after"]) >= 1
    assert await on_hand(door["office"]) == {f"{WAREHOUSE} {MASKS}": 99}


async def test_fifty_orders_at_once_each_have_their_own_outcome(
    door: Door, database: Database, recorded: Recorded
) -> None:
    await stocked(door, 100)
    bodies: list[tuple[Body, int, str | None]] = [
        order
        for number in range(10)
        for order in (
            (issue(5, document=f"A-{number}"), 201, None),
            (issue(101), 409, "short_of_stock"),
            (issue(0), 422, "invalid"),
            (issue(1, place="NOWHERE"), 422, "invalid"),
            (issue(1, NOON + timedelta(days=1)), 422, "invalid"),
        )
    ]
    answers = await asyncio.gather(*(door["office"].post("/aid/issues", json=body) for body, _, _ in bodies))
    for (body, status, code), answer in zip(bodies, answers, strict=True):
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        if status == 201:
            assert answer.json()["document"] == body["document"]
    numbers = sorted(answer.json()["number"] for answer in answers if answer.status_code == 201)
    assert numbers == [f"2026-05-19.71-GI-{number:04d}" for number in range(1, 11)]
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 10
    assert await on_hand(door["office"]) == {f"{WAREHOUSE} {MASKS}": 50}
    assert len(await recorded()) == 11
    assert await audited(database) == []


async def test_orders_of_several_callers_in_one_transaction_are_each_their_own(door: Door, recorded: Recorded) -> None:
    await stocked(door, 100)
    clients = [door[name] for name in ("office", "pangkalpinang", "belitung", "operator", "auditor")]
    answers = await asyncio.gather(*(client.post("/aid/issues", json=issue(1, ago(0.5))) for client in clients))
    assert [answer.status_code for answer in answers] == [201, 201, 422, 201, 403]
    rows = (await recorded.rows())[1:]
    assert {row.actor for row in rows} == {"staff-provinsi", "officer-19.71", "operator"}
    assert len({row.traceparent for row in rows}) == 3


async def test_two_issues_of_60_from_100_at_once(door: Door) -> None:
    await stocked(door, 100)
    answers = await asyncio.gather(*(door["office"].post("/aid/issues", json=issue(60)) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await on_hand(door["office"]) == {f"{WAREHOUSE} {MASKS}": 40}


async def test_two_reversals_at_once(door: Door) -> None:
    posting = (await stocked(door))["id"]
    path = f"/aid/postings/{posting}/reversal"
    answers = await asyncio.gather(*(door["office"].post(path, json={"reason": "x"}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes == {"already_reversed"}
    (won,) = [answer for answer in answers if answer.status_code == 201]
    assert (await door["office"].get(won.headers["location"])).json() == won.json()


async def test_two_voids_at_once_and_two_arrivals_at_once(door: Door) -> None:
    await stocked(door)
    await stocked(door, place=PROVINCE)
    handed_out = (await made(door["office"], "/aid/distributions", distribution(10)))["id"]
    sent = (await made(door["office"], "/aid/transfers", transfer(10)))["id"]
    lines = [{"item": MASKS, "accepted": 10, "rejected": 0}]
    for path, body, code in (
        (f"/aid/distributions/{handed_out}/void", {"reason": "x"}, "already_voided"),
        (f"/aid/transfers/{sent}/receipt", {"occurred_at": NOON.isoformat(), "lines": lines}, "already_received"),
    ):
        answers = await asyncio.gather(*(door["office"].post(path, json=body) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {code}
    assert await on_hand(door["office"], place=WAREHOUSE) == {f"{WAREHOUSE} {MASKS}": 110}


async def test_the_refusals_of_a_rule_each_have_their_code(door: Door) -> None:
    posting = (await stocked(door))["id"]
    sent = (await made(door["office"], "/aid/transfers", transfer(from_place=WAREHOUSE, to_place=PROVINCE)))["id"]
    dispatch = (await door["office"].get(f"/aid/transfers/{sent}")).json()["posting_id"]
    await made(door["office"], "/aid/issues", issue(99))
    off = {"occurred_at": NOON.isoformat(), "lines": [{"item": MASKS, "accepted": 2, "rejected": 0}]}
    for path, body, code in (
        ("/aid/issues", issue(1), "short_of_stock"),
        ("/aid/distributions", distribution(1), "short_of_stock"),
        ("/aid/transfers", transfer(1), "short_of_stock"),
        (f"/aid/postings/{posting}/reversal", {"reason": "x"}, "short_of_stock"),
        (f"/aid/postings/{dispatch}/reversal", {"reason": "x"}, "not_reversible"),
        (f"/aid/transfers/{sent}/receipt", off, "does_not_add_up"),
    ):
        answer = await door["office"].post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
        assert answer.json()["type"] == f"urn:serumpun:problem:{code}"


async def test_the_most_that_a_line_may_move_moves(door: Door, database: Database) -> None:
    lines = [{"item": MASKS, "quantity": QUANTITY_MAX}] * 200
    for _ in range(5):
        await stocked(door, lines=lines)
    assert await on_hand(door["office"]) == {f"{WAREHOUSE} {MASKS}": 1_000 * QUANTITY_MAX}
    answer = await door["office"].post("/aid/receipts", json=receipt(1))
    assert (answer.status_code, answer.json()["code"]) == (409, "too_much")
    await made(door["office"], "/aid/issues", issue(lines=lines))
    assert await on_hand(door["office"]) == {f"{WAREHOUSE} {MASKS}": 800 * QUANTITY_MAX}
    assert await audited(database) == []


async def test_a_distribution_is_posted_listed_shown_and_voided(door: Door, database: Database) -> None:
    await happened(database, registered())
    await stocked(door, 100)
    client = door["pangkalpinang"]
    recipients = {"public": 50, "businesses": [str(TAILOR)]}
    answer = await client.post("/aid/distributions", json=distribution(30, recipients=recipients, document="BA-1"))
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    done = answer.json()
    assert done["recipients"] == recipients | {"shares": []}
    assert done["occurred_at"] == "2026-05-20T12:00:00+07:00"
    assert (await client.get(answer.headers["location"])).json() == done
    assert (await client.get("/aid/distributions?programme=free-masks")).json() == {"items": [done], "next": None}
    assert (await client.get("/aid/distributions?programme=training")).json()["items"] == []
    answer = await client.post(f"/aid/distributions/{done['id']}/void", json={"reason": "wrong market"})
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
    assert (await client.get(f"/aid/distributions/{done['id']}")).json() == answer.json()
    assert await on_hand(client) == {f"{WAREHOUSE} {MASKS}": 100}
    unchanged = await client.get(f"/aid/distributions/{done['id']}", headers={"If-None-Match": '"2"'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_a_transfer_is_sent_shown_and_received(door: Door) -> None:
    await stocked(door, 100, place=PROVINCE)
    answer = await door["office"].post("/aid/transfers", json=transfer(10, ago(0.5), document="SJ-9"))
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    sent = answer.json()
    assert (sent["state"], sent["document"], sent["received_at"]) == ("in_transit", "SJ-9", None)
    officer, path = door["pangkalpinang"], answer.headers["location"]
    assert (await officer.get(path)).json() == sent
    lines = [{"item": MASKS, "accepted": 7, "rejected": 3, "reason": "lost"}]
    body = {"occurred_at": ago(0.1).isoformat(), "lines": lines}
    answer = await officer.post(f"{path}/receipt", json=body)
    assert (answer.status_code, answer.headers["etag"], answer.headers["location"]) == (201, '"2"', path)
    done = answer.json()
    assert done["lines"] == [
        {"item": MASKS, "lot": None, "dispatched": 10, "accepted": 7, "rejected": 3, "reason": "lost"}
    ]
    assert (await door["office"].get(path)).json() == done
    assert await on_hand(officer) == {f"{WAREHOUSE} {MASKS}": 7}
    arrival = (await officer.get(f"/aid/postings/{done['receipt_posting_id']}")).json()
    assert [(line["to_place"], line["quantity"]) for line in arrival["lines"]] == [(WAREHOUSE, 7), ("LOSS", 3)]


async def test_distributions_are_read_page_by_page(door: Door) -> None:
    await stocked(door, 100)
    made_ = [await made(door["office"], "/aid/distributions", distribution(1, ago(0.5))) for _ in range(5)]
    seen: list[object] = []
    following: str | None = "/aid/distributions?limit=2"
    while following:
        answer = await door["office"].get(following)
        seen += answer.json()["items"]
        following = answer.links.get("next", {}).get("url")
    assert sorted(str(one["id"]) for one in seen) == sorted(str(one["id"]) for one in made_)  # type: ignore[index]


async def test_every_order_of_arrival_each_told_twice_gives_the_same_cards(door: Door, database: Database) -> None:
    movements = [(2, 40), (1.5, -10), (1.5, -7), (0.2, -80)]
    states = set()
    for number, order in enumerate(permutations(range(4))):
        item = f"ITEM-{number}"
        await made(door["office"], "/aid/items", {"code": item, "name": "x", "unit": "kg", "category": "kit"})
        await stocked(door, lines=[{"item": item, "quantity": 100}], occurred_at=ago(3).isoformat())
        for which in [*order, *reversed(order)]:
            days, change = movements[which]
            lines = [{"item": item, "quantity": abs(change)}]
            path, body = ("/aid/receipts", receipt) if change > 0 else ("/aid/issues", issue)
            key = {"Idempotency-Key": f"{item}-{which}"}
            answer = await door["office"].post(path, json=body(1, ago(days), lines=lines), headers=key)
            assert answer.status_code == 201, answer.text
        question = "SELECT day, opening, incoming, outgoing, lowest FROM card_day WHERE item = :item ORDER BY day"
        states.add(tuple(await ask(database, question, item=item)))
    assert len(states) == 1
    assert await audited(database) == []
