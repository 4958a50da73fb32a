"""Many orders in one request: an answer for each line, in order; what is sent again is done once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from services.aid_distribution.main import SERVICE
from shared import ndjson, openapi
from shared.contracts.aid_distribution import StockIssued, StockReceived, TransferDispatched
from shared.database import Database
from shared.service import VERSION
from tests.aid_distribution.story import ELSEWHERE, MASKS, NOON, PROVINCE, WAREHOUSE, ago, ask, audited
from tests.door import Client, Recorded

Door = Mapping[str, Client]
Body = dict[str, Any]
LINES = {"Content-Type": "application/x-ndjson"}
DOCUMENT = openapi.document(SERVICE.title, VERSION, SERVICE.declared)


def receipt(key: str, quantity: int = 100, **changes: object) -> Body:
    goods = [{"item": MASKS, "quantity": quantity}]
    order = {"place": WAREHOUSE, "source": "supplier", "occurred_at": NOON.isoformat(), "lines": goods}
    return {"key": key, "receipt": order | changes}


def issue(key: str, quantity: int = 1, **changes: object) -> Body:
    goods = [{"item": MASKS, "quantity": quantity}]
    order = {"place": WAREHOUSE, "reason": "damaged", "occurred_at": NOON.isoformat(), "lines": goods}
    return {"key": key, "issue": order | changes}


def transfer(key: str, quantity: int = 1, **changes: object) -> Body:
    goods = [{"item": MASKS, "quantity": quantity}]
    order = {"from_place": WAREHOUSE, "to_place": ELSEWHERE, "occurred_at": NOON.isoformat(), "lines": goods}
    return {"key": key, "transfer": order | changes}


def file_of(lines: Sequence[object]) -> bytes:
    return b"".join(line if isinstance(line, bytes) else msgspec.json.encode(line) + b"\n" for line in lines)


async def send(client: Client, lines: Sequence[object], **headers: str) -> httpx.Response:
    return await client.post("/aid/bulk", content=file_of(lines), headers=LINES | headers)


async def answers(client: Client, *lines: object) -> list[Body]:
    answer = await send(client, lines)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    told = [msgspec.json.decode(line, type=Body) for line in answer.content.splitlines()]
    schema = DOCUMENT["paths"]["/aid/bulk"]["post"]["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
    documented = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})
    assert [error.message for line in told for error in documented.iter_errors(line)] == []
    return told


def mistakes(answer: Body) -> set[tuple[str, str]]:
    return {(error["pointer"], error["code"]) for error in answer["errors"]}


async def test_every_line_is_answered_in_order_by_what_it_has_brought_about(
    door: Door, database: Database, recorded: Recorded
) -> None:
    told = await answers(door["office"], receipt("a"), issue("b", 30), transfer("c", 20), receipt("d", 5))
    assert [(one["line"], one["key"], one["status"]) for one in told] == [
        (1, "a", 201),
        (2, "b", 201),
        (3, "c", 201),
        (4, "d", 201),
    ]
    assert [one["number"][-7:] for one in told] == ["GR-0001", "GI-0001", "TO-0001", "GR-0002"]
    assert (await door["office"].get(f"/aid/postings/{told[1]['id']}")).json()["number"] == told[1]["number"]
    assert (await door["office"].get(f"/aid/transfers/{told[2]['id']}")).json()["state"] == "in_transit"
    kinds = {type(event) for event in await recorded()}
    assert kinds == {StockReceived, StockIssued, TransferDispatched}
    assert await ask(database, "SELECT on_hand FROM card WHERE place = :place", place=WAREHOUSE) == [(55,)]
    assert await audited(database) == []


def counted(key: str, quantity: int, **changes: object) -> Body:
    goods = [{"item": MASKS, "quantity": quantity}]
    return {"key": key, "count": {"place": WAREHOUSE, "occurred_at": NOON.isoformat(), "lines": goods} | changes}


def handed_out(key: str, quantity: int = 1, **changes: object) -> Body:
    goods = [{"item": MASKS, "quantity": quantity}]
    order = {"programme": "free-masks", "place": WAREHOUSE, "occurred_at": NOON.isoformat(), "lines": goods}
    return {"key": key, "distribution": order | {"recipients": {"public": 5}} | changes}


def given_back(key: str, quantity: int = 1, **changes: object) -> Body:
    goods = [{"item": MASKS, "quantity": quantity}]
    order = {"direction": "from_public", "place": WAREHOUSE, "reason": "Too small", "lines": goods}
    return {"key": key, "return": order | {"occurred_at": NOON.isoformat()} | changes}


async def test_counts_distributions_and_returns_are_lines_like_others(
    door: Door, database: Database, recorded: Recorded
) -> None:
    told = await answers(
        door["office"],
        receipt("a", 100, occurred_at=ago(1).isoformat()),
        handed_out("b", 30),
        handed_out("c", 1_000),
        handed_out("d", 10),
        given_back("e", 5),
        counted("f", 60),
        given_back("g", 2, direction="to_supplier", posting="00000000-0000-7000-8000-000000000000"),
        counted("h", 50, place=ELSEWHERE, lines=[{"item": "NONE", "quantity": 1}]),
    )
    assert [one["status"] for one in told] == [201, 201, 409, 201, 201, 201, 422, 422]
    assert [one["number"][-7:] for one in told if one["status"] == 201][1:3] == ["DO-0001", "DO-0002"]
    assert told[2]["code"] == "short_of_stock"
    assert ("/return/posting", "unknown_posting") in mistakes(told[6])
    assert mistakes(told[7]) == {("/count/lines/0/item", "unknown_item")}
    client = door["office"]
    for path, number in (("distributions", 1), ("returns", 4), ("counts", 5)):
        shown = await client.get(f"/aid/{path}/{told[number]['id']}")
        assert (shown.status_code, shown.json()["number"]) == (200, told[number]["number"])
    assert await ask(database, "SELECT on_hand FROM card WHERE place = :place", place=WAREHOUSE) == [(60,)]
    kinds = [type(event) for event in await recorded()]
    assert sorted(kind.__name__ for kind in kinds) == [
        "DistributionPosted",
        "DistributionPosted",
        "StockCounted",
        "StockReceived",
        "StockReturned",
    ]
    assert await audited(database) == []


async def test_each_new_kind_sent_again_is_done_once_and_told_all_its_mistakes(door: Door, database: Database) -> None:
    lines = [receipt("a"), handed_out("b", 3), given_back("c", 2), counted("d", 90)]
    first, again = await send(door["office"], lines), await send(door["office"], lines)
    assert (first.content, first.content.count(b'"status":201')) == (again.content, 4)
    assert await ask(database, "SELECT count(*) FROM posting") == [(4,)]
    wrong = await answers(
        door["office"],
        handed_out("e", -1, place="NOWHERE", colour="red"),
        given_back("f", -1, place="NOWHERE"),
        counted("g", -1, place="NOWHERE"),
        handed_out("h") | counted("h", 1),
    )
    assert mistakes(wrong[0]) == {
        ("/distribution/lines/0/quantity", "too_small"),
        ("/distribution/place", "unknown_place"),
        ("/distribution/colour", "unknown_field"),
    }
    assert mistakes(wrong[1]) == {("/return/lines/0/quantity", "too_small"), ("/return/place", "unknown_place")}
    assert mistakes(wrong[2]) == {("/count/lines/0/quantity", "too_small"), ("/count/place", "unknown_place")}
    assert mistakes(wrong[3]) == {("", "one_order")}


async def test_lines_are_carried_out_as_if_one_came_after_the_other(door: Door) -> None:
    told = await answers(door["office"], issue("early"), receipt("goods", 1), issue("last"), issue("none-left"))
    assert [one["status"] for one in told] == [409, 201, 201, 409]
    assert {one["code"] for one in told if one["status"] == 409} == {"short_of_stock"}
    assert told[0]["cards"][0]["short"] == 1


async def test_a_malformed_line_is_that_lines_mistake_alone_with_its_number_and_all_that_is_wrong(door: Door) -> None:
    wrong = receipt("wrong", -1, place="NOWHERE", colour="red")
    told = await answers(
        door["office"],
        receipt("a"),
        b"{not json\n",
        b"\n",
        wrong,
        {"key": "none"},
        receipt("two") | issue("two"),
        receipt("b", 5, occurred_at="2099-01-01T00:00:00Z", place="NOWHERE"),
        {"receipt": receipt("x")["receipt"]},
        receipt("c"),
    )
    assert [(one["line"], one["status"]) for one in told] == [
        (1, 201),
        (2, 422),
        (4, 422),
        (5, 422),
        (6, 422),
        (7, 422),
        (8, 422),
        (9, 201),
    ]
    assert mistakes(told[1]) == {("", "malformed_json")}
    assert told[2]["key"] == "wrong"
    assert mistakes(told[2]) == {
        ("/receipt/lines/0/quantity", "too_small"),
        ("/receipt/place", "unknown_place"),
        ("/receipt/colour", "unknown_field"),
    }
    assert mistakes(told[3]) == mistakes(told[4]) == {("", "one_order")}
    assert mistakes(told[5]) == {("/receipt/occurred_at", "in_the_future"), ("/receipt/place", "unknown_place")}
    assert (told[6]["key"], mistakes(told[6])) == (None, {("/key", "missing")})


async def test_a_file_that_is_sent_again_gives_the_same_bytes_and_doubles_nothing(
    door: Door, database: Database
) -> None:
    lines = [receipt(f"k{number}", 10) for number in range(1_200)] + [issue("short", 1_000_000)]
    first, again = await send(door["office"], lines), await send(door["office"], lines)
    assert first.content == again.content
    assert first.content.count(b'"status":201') == 1_200
    assert await ask(database, "SELECT count(*), count(DISTINCT number) FROM posting") == [(1_200, 1_200)]
    assert await ask(database, "SELECT on_hand FROM card") == [(12_000,)]
    assert await audited(database) == []


async def test_a_broken_connection_leaves_whole_batches_and_the_whole_file_again_does_the_rest(
    door: Door, database: Database
) -> None:
    lines = [receipt(f"k{number}", 1) for number in range(ndjson.BATCH_LINES_MAX * 2)]

    async def broken_off() -> AsyncIterator[bytes]:
        yield file_of(lines[: ndjson.BATCH_LINES_MAX + 7])
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await door["office"].post("/aid/bulk", content=broken_off(), headers=LINES)
    assert (await ask(database, "SELECT count(*) FROM posting"))[0][0] in (0, ndjson.BATCH_LINES_MAX)
    assert (await send(door["office"], lines)).content.count(b'"status":201') == len(lines)
    assert await ask(database, "SELECT count(*) FROM posting") == [(len(lines),)]


async def test_a_key_belongs_to_one_line_wherever_it_is_used(door: Door, database: Database) -> None:
    told = await answers(door["office"], receipt("k", 1), receipt("k", 1), receipt("k", 2), receipt("l", 1))
    assert [one["status"] for one in told] == [201, 201, 422, 201]
    assert told[0]["id"] == told[1]["id"]
    assert told[2]["code"] == "idempotency_key_reused"
    single = await door["office"].post(
        "/aid/receipts", json=receipt("", 1)["receipt"], headers={"Idempotency-Key": "k"}
    )
    assert single.json()["code"] == "idempotency_key_reused"
    (of_another,) = await answers(door["operator"], receipt("k", 7))
    assert of_another["status"] == 201
    assert await ask(database, "SELECT count(*) FROM posting") == [(3,)]


async def test_a_line_names_only_what_its_caller_may_know_of(door: Door) -> None:
    told = await answers(door["pangkalpinang"], receipt("a"), receipt("b", place=ELSEWHERE), transfer("c"))
    assert [one["status"] for one in told] == [201, 422, 422]
    assert mistakes(told[1]) == {("/receipt/place", "unknown_place")}
    refused = await send(door["auditor"], [receipt("a")])
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_the_expiry_of_a_lot_that_a_line_tells_is_known_to_the_lines_after_it(door: Door) -> None:
    goods = [
        {"item": MASKS, "quantity": 5, "lot": "OLD", "expires_on": "2026-05-01"},
        {"item": MASKS, "quantity": 5, "lot": "NEW", "expires_on": date(2027, 1, 1)},
    ]
    told = await answers(
        door["office"],
        receipt("a", place=PROVINCE, occurred_at=ago(1).isoformat(), lines=goods),
        transfer("b", 6, from_place=PROVINCE),
        transfer("c", 5, from_place=PROVINCE),
        receipt("d", lines=[goods[0] | {"expires_on": "2026-06-01"}]),
    )
    assert [one["status"] for one in told] == [201, 409, 201, 422]
    assert told[1]["cards"][0]["skipped_expired"] == ["OLD"]
    sent = (await door["office"].get(f"/aid/transfers/{told[2]['id']}")).json()
    assert [line["lot"] for line in sent["lines"]] == ["NEW"]
    assert mistakes(told[3]) == {("/receipt/lines/0/expires_on", "differs")}


async def test_a_line_that_is_too_long_is_refused_in_its_place(door: Door) -> None:
    told = await answers(door["office"], receipt("a"), b"x" * (3 * ndjson.LINE_BYTES_MAX) + b"\n", receipt("b"))
    assert [(one["line"], one["status"]) for one in told] == [(1, 201), (2, 413), (3, 201)]
    assert told[1]["code"] == "line_too_long"


async def test_the_last_line_needs_no_end(door: Door) -> None:
    answer = await send(door["office"], [receipt("a"), msgspec.json.encode(receipt("b"))])
    assert answer.content.count(b'"status":201') == 2
    assert (await send(door["office"], [])).content == b""


@pytest.mark.parametrize("filling", [b"\n" * ndjson.LINES_MAX, (b" " * 99_999 + b"\n") * 501], ids=["lines", "bytes"])
async def test_what_is_beyond_the_limit_is_not_read_and_the_last_answer_says_so(door: Door, filling: bytes) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        yield file_of([receipt("a")])
        for first in range(0, len(filling), 1_000_000):
            yield filling[first : first + 1_000_000]
        yield file_of([receipt("b")])

    answer = await door["office"].post("/aid/bulk", content=unannounced(), headers=LINES)
    told = [msgspec.json.decode(line) for line in answer.content.splitlines()]
    assert [one["status"] for one in told] == [201, 413]
    assert told[1]["code"] == "body_too_large"


async def test_what_is_no_file_of_lines_is_refused_before_it_is_read(door: Door) -> None:
    one = file_of([receipt("a")])
    as_json = await door["office"].post("/aid/bulk", content=one, headers={"Content-Type": "application/json"})
    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_media_type")
    announced = await send(door["office"], [receipt("a")], **{"Content-Length": "50000001"})
    assert (announced.status_code, announced.json()["code"]) == (413, "body_too_large")
    asked = await door["office"].post("/aid/bulk?place=x", content=one, headers=LINES)
    assert (asked.status_code, mistakes(asked.json())) == (422, {("/query/place", "unknown_field")})
