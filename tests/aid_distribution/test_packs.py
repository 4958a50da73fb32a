"""Packs: goods are entered and shown as they are handled, and the ledger counts base units."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.ledger.domain import QUANTITY_MAX
from services.aid_distribution.ledger.known import Known
from services.aid_distribution.ledger.mistakes import pack_mistakes
from services.aid_distribution.ledger.orders import GoodsLine, LooseLine
from shared.contracts.aid_distribution import DistributionPosted
from shared.database import Database
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    PROVINCE,
    SOAP,
    WAREHOUSE,
    ago,
    ask,
    audited,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import TAILOR, happened, registered
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_limits import limited
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]
BOX = "BOX-50"


@pytest.fixture
async def boxed(database: Database, door: Door) -> Database:
    """Masks come in boxes of fifty."""
    await made(door["office"], f"/aid/items/{MASKS}/packs", {"code": BOX, "name": "Dus isi 50", "quantity": 50})
    return database


def line(quantity: int, pack: str | None = BOX, **changes: object) -> Json:
    return {"item": MASKS, "quantity": quantity, "pack": pack} | changes


def order(*lines: Json, **changes: object) -> Json:
    return {"place": WAREHOUSE, "occurred_at": NOON.isoformat(), "lines": list(lines)} | changes


def test_a_line_in_packs_is_so_many_base_units() -> None:
    here = Known({}, packs={(MASKS, BOX): 50})
    boxes, loose = GoodsLine(item=MASKS, quantity=3, pack=BOX), LooseLine(item=MASKS, quantity=3)
    assert (here.base(boxes), here.base(loose)) == (150, 3)
    assert [(one.packs, one.per_pack) for one in here.packed([boxes, loose])] == [(3, 50)]
    leaves = {"/lines/0/item": MASKS, "/lines/0/quantity": 3, "/lines/0/pack": BOX, "/lines/1/quantity": 4}
    assert here.in_base_units(leaves) == leaves | {"/lines/0/quantity": 150}


@pytest.mark.parametrize(
    ("packs", "wrong"),
    [(QUANTITY_MAX // 50, []), (QUANTITY_MAX // 50 + 1, [("/lines/0/quantity", "too_many_units")])],
)
def test_more_units_than_a_line_may_move_are_refused_where_they_are_told(
    packs: int, wrong: list[tuple[str, str]]
) -> None:
    here = Known({}, packs={(MASKS, BOX): 50})
    leaves = {"/lines/0/item": MASKS, "/lines/0/quantity": packs, "/lines/0/pack": BOX}
    assert [(error.pointer, error.code) for error in pack_mistakes(leaves, here)] == wrong


async def test_packs_are_defined_for_an_item_and_listed(boxed: Database, door: Door) -> None:
    path = f"/aid/items/{MASKS}/packs"
    await made(door["office"], path, {"code": "BALE", "name": "Bal", "quantity": 1_000})
    listed = (await door["auditor"].get(path)).json()
    assert [(one["code"], one["quantity"]) for one in listed["items"]] == [("BALE", 1_000), (BOX, 50)]
    page = (await door["auditor"].get(path, params={"limit": "1"})).json()
    rest = (await door["auditor"].get(path, params={"limit": "1", "cursor": page["next"]})).json()
    assert [one["code"] for one in page["items"] + rest["items"]] == ["BALE", BOX]
    again = {"code": BOX, "name": "Dus", "quantity": 60}
    assert (await made(door["office"], path, again, 409))["code"] == "code_taken"
    assert (await door["office"].post("/aid/items/NOTHING/packs", json=again)).status_code == 404
    assert (await door["pangkalpinang"].post(path, json=again)).status_code == 403
    assert told(await door["office"].post(path, json={"code": "ONE", "name": "x", "quantity": 1})) == {
        ("/quantity", "too_small")
    }
    assert (await door["office"].get(f"/aid/items/{SOAP}/packs")).json()["items"] == []


async def test_what_comes_in_and_goes_out_in_packs_is_counted_in_base_units(
    boxed: Database, door: Door, recorded: Recorded
) -> None:
    client = door["pangkalpinang"]
    lots = [line(2, lot="L1"), line(7, None, lot="L2")]
    received = await made(client, "/aid/receipts", order(*lots, source="supplier", occurred_at=ago(9).isoformat()))
    assert [one["quantity"] for one in received["lines"]] == [100, 7]
    assert received["packs"] == [{"item": MASKS, "lot": "L1", "pack": BOX, "packs": 2, "quantity": 100}]
    assert (await client.get(f"/aid/postings/{received['id']}")).json() == received
    issued = await made(client, "/aid/issues", order(line(1), line(3, None), reason="damaged"))
    assert sum(one["quantity"] for one in issued["lines"]) == 53
    given = {"programme": "free-masks", "recipients": {"public": 9}}
    short = await made(client, "/aid/distributions", order(line(2), **given), 409)
    assert (short["code"], short["cards"][0]["asked"], short["cards"][0]["short"]) == ("short_of_stock", 100, 46)
    handed = await made(client, "/aid/distributions", order(line(1), **given))
    assert sum(one["quantity"] for one in handed["lines"]) == 50
    posting = (await client.get(f"/aid/postings/{handed['posting_id']}")).json()
    assert [(one["pack"], one["packs"], one["lot"]) for one in posting["packs"]] == [(BOX, 1, None)]
    (event,) = [event for event in await recorded() if isinstance(event, DistributionPosted)]
    assert sum(goods.quantity for goods in event.lines) == 50
    assert await audited(boxed) == []


async def test_transfers_counts_returns_and_bulk_are_told_in_packs_too(boxed: Database, door: Door) -> None:
    await receive(boxed, receipt(500, ago(20), place=PROVINCE))
    office = door["office"]
    ends = {"from_place": PROVINCE, "to_place": WAREHOUSE}
    sent = {"occurred_at": ago(5).isoformat(), "lines": [line(3)]} | ends
    transfer = await made(office, "/aid/transfers", sent)
    assert [one["dispatched"] for one in transfer["lines"]] == [150]
    counted = await made(office, "/aid/counts", order(line(6), place=PROVINCE))
    assert [(one["counted"], one["difference"]) for one in counted["lines"]] == [(300, -50)]
    back = order(line(1), direction="to_supplier", reason="Torn", place=PROVINCE)
    returned = await made(office, "/aid/returns", back)
    assert [one["quantity"] for one in returned["lines"]] == [50]
    bulk = b'{"key": "k", "issue": ' + str(order(line(2), place=PROVINCE, reason="damaged")).replace("'", '"').encode()
    answer = await office.post("/aid/bulk", content=bulk + b"}", headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["status"] == 201, answer.text
    assert await ask(boxed, "SELECT on_hand FROM card WHERE place = :place", place=PROVINCE) == [(150,)]
    kinds = "SELECT p.kind FROM posting_pack k JOIN posting p ON p.id = k.posting_id ORDER BY 1"
    assert await ask(boxed, kinds) == [("count",), ("issue",), ("return",), ("transfer_dispatch",)]
    assert await audited(boxed) == []


async def test_limits_and_shares_count_base_units(boxed: Database, door: Door) -> None:
    await happened(boxed, registered())
    await receive(boxed, receipt(500, ago(20)))
    await limited(boxed, item=MASKS, quantity_max=60, period_days=7)
    client = door["pangkalpinang"]

    def given(packs: int, share: int) -> Json:
        recipients = {
            "businesses": [str(TAILOR)],
            "shares": [{"business": str(TAILOR), "item": MASKS, "quantity": share}],
        }
        return order(line(packs), programme="free-masks", recipients=recipients)

    wrong = await client.post("/aid/distributions", json=given(1, 1))
    assert {code for _, code in told(wrong)} == {"does_not_add_up"}
    await made(client, "/aid/distributions", given(1, 50))
    assert (await made(client, "/aid/distributions", given(1, 50), 409))["code"] == "limit_reached"


async def test_a_parked_order_keeps_its_packs(boxed: Database, door: Door) -> None:
    client = door["pangkalpinang"]
    parked = await made(client, "/aid/exceptions/issues", order(line(2), reason="damaged"))
    assert (parked["order"]["lines"][0]["pack"], parked["cards"][0]["short"]) == (BOX, 100)
    await receive(boxed, receipt(120, ago(3)))
    await made(client, f"/aid/exceptions/{parked['id']}/application", {})
    assert await ask(boxed, "SELECT on_hand FROM card") == [(20,)]


async def test_a_pack_that_there_is_not_is_told_and_nothing_is_posted(boxed: Database, door: Door) -> None:
    client = door["pangkalpinang"]
    lines = [line(1, "CRATE"), line(1, item=SOAP), line(QUANTITY_MAX), line(1, item="NOTHING")]
    answer = await client.post("/aid/receipts", json=order(*lines, source="supplier"))
    assert told(answer) == {
        ("/lines/0/pack", "unknown_pack"),
        ("/lines/1/pack", "unknown_pack"),
        ("/lines/2/quantity", "too_many_units"),
        ("/lines/3/item", "unknown_item"),
    }
    assert await ask(boxed, "SELECT count(*) FROM posting") == [(0,)]


async def test_balances_and_cards_show_whole_packs_and_loose_units(boxed: Database, door: Door) -> None:
    await receive(boxed, receipt(120, ago(3)))
    client = door["pangkalpinang"]
    (balance,) = (await client.get("/aid/balances", params={"item": MASKS, "pack": BOX})).json()["items"]
    assert (balance["on_hand"], balance["packs"], balance["loose"]) == (120, 2, 20)
    (plain,) = (await client.get("/aid/balances", params={"item": MASKS})).json()["items"]
    assert (plain["packs"], plain["loose"]) == (None, None)
    (entry,) = (await client.get(f"/aid/cards/{WAREHOUSE}/{MASKS}", params={"pack": BOX})).json()["items"]
    assert (entry["balance"], entry["packs"], entry["loose"]) == (120, 2, 20)
    assert told(await client.get("/aid/balances", params={"pack": BOX})) == {("/query/item", "missing")}
    assert told(await client.get("/aid/balances", params={"item": SOAP, "pack": BOX})) == {
        ("/query/pack", "unknown_pack")
    }


PLANTED = {
    "fewer packs than were told": (
        "UPDATE posting_pack SET packs = 1, quantity = 50 WHERE packs = 2",
        {"chain_is_unbroken"},
    ),
    "packs forgotten": ("DELETE FROM posting_pack WHERE packs = 2", {"chain_is_unbroken"}),
    "packs invented": (
        "INSERT INTO posting_pack SELECT posting_id, 9, item, lot, pack, 1, per_pack, 50 FROM posting_pack",
        {"chain_is_unbroken", "packs_are_part_of_what_moved"},
    ),
    "another size": (
        "UPDATE item_pack SET quantity = 60; UPDATE posting_pack SET per_pack = 60, quantity = packs * 60",
        {"chain_is_unbroken", "packs_are_part_of_what_moved"},
    ),
    "another size of the pack alone": ("UPDATE item_pack SET quantity = 40", {"packs_are_their_base_units"}),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_packs_that_were_changed_behind_the_books_are_found(boxed: Database, door: Door, planted: str) -> None:
    client = door["pangkalpinang"]
    early = ago(9).isoformat()
    await made(client, "/aid/receipts", order(line(2, lot="L1"), line(7, None), source="supplier", occurred_at=early))
    counted = {"item": MASKS, "lot": "L1", "quantity": 1, "pack": BOX, "reason": "recount"}
    await made(client, "/aid/counts", {"place": WAREHOUSE, "occurred_at": NOON.isoformat(), "lines": [counted]})
    assert await audited(boxed) == []
    orders, due = PLANTED[planted]
    async with boxed.work(OFFICE) as work:
        await plant(work, *orders.split("; "))
    assert {one.check for one in await audited(boxed)} == due


async def test_a_pack_that_was_used_never_changes(boxed: Database, door: Door) -> None:
    async with boxed.work(OFFICE) as work:
        await work.session.execute(text("UPDATE item_pack SET quantity = 40"))  # nobody has used it yet
    await made(door["pangkalpinang"], "/aid/receipts", order(line(2), source="supplier"))
    for change in (
        "UPDATE item_pack SET quantity = 50",
        "DELETE FROM item_pack",
        "UPDATE posting_pack SET packs = 3, quantity = 120",
    ):
        with pytest.raises(DBAPIError, match="posting_pack"):
            async with boxed.work(OFFICE) as work:
                await work.session.execute(text(change))
    assert await ask(boxed, "SELECT packs, per_pack, quantity FROM posting_pack") == [(2, 40, 80)]
