"""Returns: goods come back from the public or go back to whoever gave them, and never more than was moved."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest

from services.aid_distribution.ledger.returned import Left
from services.aid_distribution.returns.domain import lots_of, too_much
from shared.contracts.aid_distribution import ReturnVoided, StockReturned
from shared.database import Database
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    SOAP,
    WAREHOUSE,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    give_out,
    issue,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_exceptions import made
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]
MOVED = {(MASKS, "L1"): Left(WAREHOUSE, "PUBLIC", 10, 4), (MASKS, "L2"): Left(WAREHOUSE, "PUBLIC", 5, 0)}


def back(quantity: int, occurred_at: datetime = NOON, item: str = MASKS, **changes: object) -> Json:
    return {
        "direction": "from_public",
        "place": WAREHOUSE,
        "occurred_at": occurred_at.isoformat(),
        "reason": "Too small",
        "lines": [{"item": item, "quantity": quantity}],
    } | changes


@pytest.mark.parametrize(
    ("line", "lot", "wrong"),
    [
        ((MASKS, "L1", 1), "L1", []),
        ((MASKS, None, 1), "", [("/lines/0/lot", "missing")]),
        ((MASKS, "L3", 1), "L3", [("/lines/0/lot", "not_moved")]),
        ((SOAP, None, 1), "", [("/lines/0/item", "not_moved")]),
    ],
)
def test_the_lot_is_one_that_was_moved(
    line: tuple[str, str | None, int], lot: str, wrong: list[tuple[str, str]]
) -> None:
    lots, errors = lots_of([line], MOVED)
    assert (lots, [(error.pointer, error.code) for error in errors]) == ([lot], wrong)


def test_no_more_goes_back_than_is_left() -> None:
    assert too_much({(MASKS, "L1"): 6, (MASKS, "L2"): 5}, MOVED) is None
    refusal = too_much({(MASKS, "L1"): 7}, MOVED)
    assert refusal is not None
    assert refusal.members["lines"] == [{"item": MASKS, "lot": "L1", "moved": 10, "returned": 4, "asked": 7}]


async def test_what_was_handed_out_comes_back_up_to_what_was_moved(
    database: Database, door: Door, recorded: Recorded
) -> None:
    await receive(database, receipt(100, ago(20), lot="L1", expires_on=date(2027, 1, 1)))
    given = await distribute(database, distribution(30, ago(5)))
    client = door["pangkalpinang"]
    order = back(20, ago(1), posting=str(given.posting_id))
    first = await client.post("/aid/returns", json=order, headers={"Idempotency-Key": "r-1"})
    again = await client.post("/aid/returns", json=order, headers={"Idempotency-Key": "r-1"})
    assert (first.status_code, again.content) == (201, first.content)
    shown = first.json()
    assert shown["number"] == "2026-05-19.71-GB-0001"
    assert shown["lines"] == [
        {"item": MASKS, "quantity": 20, "lot": "L1", "from_place": "PUBLIC", "to_place": WAREHOUSE}
    ]
    refused = await made(client, "/aid/returns", back(11, posting=str(given.posting_id)), 409)
    assert (refused["code"], refused["lines"][0]["returned"]) == ("more_than_moved", 20)
    await made(client, "/aid/returns", back(10, posting=str(given.posting_id)))
    assert await ask(database, "SELECT moved, returned FROM posting_returned") == [(30, 30)]
    assert await ask(database, "SELECT on_hand FROM card WHERE lot = 'L1'") == [(100,)]
    events = [event for event in await recorded() if isinstance(event, StockReturned)]
    assert [(one.direction, one.lines[0].quantity, one.returns) for one in events] == [
        ("from_public", 20, given.posting_id),
        ("from_public", 10, given.posting_id),
    ]
    assert await audited(database) == []


async def test_a_distribution_of_which_something_came_back_is_not_voided_and_a_voided_one_gives_nothing_back(
    database: Database, door: Door
) -> None:
    await receive(database, receipt(100, ago(20)))
    given, voided = [await distribute(database, distribution(30, ago(5))) for _ in range(2)]
    client = door["pangkalpinang"]
    await made(client, "/aid/returns", back(1, posting=str(given.posting_id)))
    refused = await made(client, f"/aid/distributions/{given.id}/void", {"reason": "Wrong"}, 409)
    assert refused["code"] == "goods_returned"
    await made(client, f"/aid/distributions/{voided.id}/void", {"reason": "Wrong"})
    refused = await made(client, "/aid/returns", back(1, posting=str(voided.posting_id)), 409)
    assert refused["code"] == "already_reversed"
    assert await audited(database) == []


WHY = {"reason": "Salah catat"}


async def test_a_return_is_taken_back_and_then_the_distribution_can_be(
    database: Database, door: Door, recorded: Recorded
) -> None:
    await receive(database, receipt(100, ago(20), lot="L1"))
    given = await distribute(database, distribution(30, ago(5)))
    client = door["pangkalpinang"]
    ten, twenty = [
        await made(client, "/aid/returns", back(quantity, ago(1), posting=str(given.posting_id)))
        for quantity in (10, 20)
    ]
    assert (ten["state"], ten["void_posting_id"]) == ("posted", None)
    assert (await door["belitung"].post(f"/aid/returns/{ten['id']}/void", json=WHY)).status_code == 404
    gone = await made(client, f"/aid/returns/{twenty['id']}/void", WHY)
    assert (gone["state"], gone["void_reason"], gone["lines"]) == ("voided", "Salah catat", twenty["lines"])
    assert (ten["version"], gone["version"]) == (1, 2)
    assert await ask(database, "SELECT moved, returned FROM posting_returned") == [(30, 10)]
    again = await made(client, f"/aid/returns/{twenty['id']}/void", WHY, 409)
    assert (again["code"], again["posting_id"]) == ("already_voided", gone["void_posting_id"])
    assert (await made(client, f"/aid/distributions/{given.id}/void", WHY, 409))["code"] == "goods_returned"
    await made(client, "/aid/returns", back(20, posting=str(given.posting_id)))
    refused = await made(client, "/aid/returns", back(1, posting=str(given.posting_id)), 409)
    assert refused["code"] == "more_than_moved"
    listed = (await client.get("/aid/returns")).json()["items"]
    for one in listed:
        if one["state"] == "posted":
            await made(client, f"/aid/returns/{one['id']}/void", WHY)
    assert await ask(database, "SELECT moved, returned FROM posting_returned") == []
    await made(client, f"/aid/distributions/{given.id}/void", WHY)
    assert await ask(database, "SELECT on_hand FROM card WHERE lot = 'L1'") == [(100,)]
    events = [event for event in await recorded() if isinstance(event, ReturnVoided)]
    assert [(one.lines[0].quantity, one.returns, one.direction) for one in events[:1]] == [
        (20, given.posting_id, "from_public")
    ]
    assert len(events) == 3
    assert await audited(database) == []


async def test_a_return_is_not_taken_back_over_a_count_or_below_nothing(database: Database, door: Door) -> None:
    await receive(database, receipt(5, ago(20)))
    client = door["pangkalpinang"]
    came = await made(client, "/aid/returns", back(4, ago(10)))
    await give_out(database, issue(6, ago(8)))
    assert (await made(client, f"/aid/returns/{came['id']}/void", WHY, 409))["code"] == "short_of_stock"
    line = {"item": MASKS, "quantity": 3, "reason": "recount"}
    counted = {"place": WAREHOUSE, "occurred_at": ago(6).isoformat(), "lines": [line]}
    count = await made(client, "/aid/counts", counted)
    refused = await made(client, f"/aid/returns/{came['id']}/void", WHY, 409)
    assert (refused["code"], refused["numbers"]) == ("counted_since", [count["number"]])
    sent = await made(client, "/aid/returns", back(2, ago(1), direction="to_supplier"))
    await made(client, f"/aid/returns/{sent['id']}/void", WHY)
    assert await ask(database, "SELECT on_hand FROM card") == [(3,)]
    assert await audited(database) == []


async def test_of_two_who_take_the_same_return_back_one_does(database: Database, door: Door) -> None:
    await receive(database, receipt(5, ago(20)))
    given = await distribute(database, distribution(5, ago(5)))
    one = await made(door["pangkalpinang"], "/aid/returns", back(4, posting=str(given.posting_id)))
    clients = door["pangkalpinang"], door["office"]
    answers = await asyncio.gather(*(who.post(f"/aid/returns/{one['id']}/void", json=WHY) for who in clients))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await audited(database) == []


async def test_the_audit_finds_a_return_that_was_voided_without_its_posting(database: Database, door: Door) -> None:
    await receive(database, receipt(5, ago(20)))
    await made(door["pangkalpinang"], "/aid/returns", back(1))
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE stock_return SET void_reason = 'x', void_posting_id = posting_id")
    assert [one.check for one in await audited(database)] == ["return_is_voided_by_its_reversal"]


async def test_what_was_written_off_comes_back_from_the_loss(database: Database, door: Door) -> None:
    await receive(database, receipt(10, ago(20)))
    lost = await give_out(database, issue(4, ago(5)))
    found = await made(door["pangkalpinang"], "/aid/returns", back(3, posting=str(lost.id)))
    assert [(line["from_place"], line["to_place"]) for line in found["lines"]] == [("LOSS", WAREHOUSE)]


async def test_goods_go_back_to_whoever_gave_them(database: Database, door: Door) -> None:
    received = await receive(database, receipt(10, ago(20)))
    client = door["pangkalpinang"]
    order = {"direction": "to_supplier", "posting": str(received.id)}
    given = await made(client, "/aid/returns", back(6, **order))
    assert [(line["from_place"], line["to_place"]) for line in given["lines"]] == [(WAREHOUSE, "SUPPLIER")]
    assert (await made(client, "/aid/returns", back(5, **order), 409))["code"] == "more_than_moved"
    free = await made(client, "/aid/returns", back(5, direction="to_donor"), 409)
    assert free["code"] == "short_of_stock"
    assert told(await client.post("/aid/returns", json=back(1, direction="to_donor", posting=str(received.id)))) == {
        ("/posting", "wrong_posting")
    }


async def test_everything_that_is_wrong_is_told_and_another_office_sees_nothing(database: Database, door: Door) -> None:
    await receive(database, receipt(100, ago(20)))
    given = await distribute(database, distribution(30, ago(5)))
    client = door["pangkalpinang"]
    early = back(1, ago(6), item=SOAP, posting=str(given.posting_id))
    assert told(await client.post("/aid/returns", json=early)) == {
        ("/occurred_at", "before_posting"),
        ("/lines/0/item", "not_moved"),
    }
    foreign = await door["belitung"].post("/aid/returns", json=back(1, posting=str(given.posting_id)))
    assert told(foreign) == {("/place", "unknown_place"), ("/posting", "unknown_posting")}
    shapeless = await client.post("/aid/returns", json={"place": "NOWHERE", "direction": "up", "lines": []})
    assert {("/place", "unknown_place"), ("/direction", "unknown_value"), ("/lines", "too_few")} <= told(shapeless)
    made_one = await made(client, "/aid/returns", back(1))
    assert (await door["belitung"].get(f"/aid/returns/{made_one['id']}")).status_code == 404
    assert (await door["belitung"].get("/aid/returns")).json()["items"] == []
    listed = (await door["auditor"].get("/aid/returns", params={"region": "19.71"})).json()
    assert [one["id"] for one in listed["items"]] == [made_one["id"]]
    assert (await door["auditor"].post("/aid/returns", json=back(1))).status_code == 403


async def test_two_who_return_the_same_goods_at_once_return_them_once(database: Database, door: Door) -> None:
    await receive(database, receipt(100, ago(20)))
    given = await distribute(database, distribution(5, ago(5)))
    order = back(3, posting=str(given.posting_id))
    clients = door["pangkalpinang"], door["office"]
    answers = await asyncio.gather(*(client.post("/aid/returns", json=order) for client in clients))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert await ask(database, "SELECT returned FROM posting_returned") == [(3,)]


async def test_the_audit_finds_a_sum_of_returns_that_was_changed(database: Database, door: Door) -> None:
    await receive(database, receipt(100, ago(20)))
    given = await distribute(database, distribution(5, ago(5)))
    await made(door["pangkalpinang"], "/aid/returns", back(3, posting=str(given.posting_id)))
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE posting_returned SET returned = 2")
    assert [one.check for one in await audited(database)] == ["returned_is_sum_of_returns"]
