"""Loans: assets go out, are due, come back in parts, or are lost."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.orders import AddItem
from services.aid_distribution.loans.domain import Back, Lent, MoreThanLent, State, laid_out, state_of
from shared.contracts.aid_distribution import LoanOpened, LoanReturned
from shared.database import Database
from tests.aid_distribution.story import (
    MARKET,
    MASKS,
    NOON,
    OFFICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import TAILOR, happened, registered
from tests.aid_distribution.test_exceptions import made
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]
TENT = "TENT"
DUE = date(2026, 5, 25)


@pytest.fixture
async def tents(database: Database) -> Database:
    """Three tents without a lot, and one that has one."""
    async with database.work(OFFICE) as work:
        await ledger.add_item(work, AddItem(code=TENT, name="Tenda", unit=Unit.PIECE, category=Category.ASSET))
    await receive(database, receipt(3, ago(20), item=TENT))
    await receive(database, receipt(1, ago(20), item=TENT, lot="T-1"))
    return database


def lent(quantity: int = 3, occurred_at: datetime = NOON, **changes: object) -> Json:
    return {
        "place": WAREHOUSE,
        "borrower": {"name": "Posko RT 04"},
        "due_on": DUE.isoformat(),
        "occurred_at": occurred_at.isoformat(),
        "lines": [{"item": TENT, "quantity": quantity}],
    } | changes


def back(occurred_at: datetime = NOON, place: str | None = None, **line: object) -> Json:
    return {"occurred_at": occurred_at.isoformat(), "lines": [{"item": TENT, **line}], "place": place}


@pytest.mark.parametrize(
    ("closed", "today", "state"),
    [
        (False, DUE, State.OPEN),
        (False, DUE + timedelta(days=1), State.OVERDUE),
        (True, date(2027, 1, 1), State.RETURNED),
    ],
)
def test_a_loan_is_overdue_when_its_day_is_over(closed: bool, today: date, state: State) -> None:  # noqa: FBT001
    assert state_of(closed, DUE, today) is state


def test_what_comes_back_is_laid_over_the_lines_in_their_order() -> None:
    lines = [Lent(TENT, "", 3, returned=1), Lent(TENT, "T-1", 1)]
    assert laid_out(lines, [Back(TENT, None, 2, 1, "lost")]) == [
        (0, Back(TENT, "", 2, 0)),
        (1, Back(TENT, "T-1", 0, 1, "lost")),
    ]
    assert laid_out(lines, [Back(TENT, "T-1", 1, 0)]) == [(1, Back(TENT, "T-1", 1, 0))]
    refusal = laid_out(lines, [Back(TENT, None, 3, 0), Back(TENT, "T-1", 1, 0)])
    assert isinstance(refusal, MoreThanLent)
    assert refusal.members["lines"] == [{"item": TENT, "lot": None, "out": 2, "asked": 3}]
    unnamed, named = Back(TENT, None, 2, 0), Back(TENT, "T-1", 1, 0)
    assert laid_out(lines, [unnamed, named]) == laid_out(lines, [named, unnamed])


async def test_assets_go_out_come_back_in_parts_and_some_are_lost(
    tents: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    client = door["pangkalpinang"]
    loan = await client.post("/aid/loans", json=lent(4, ago(2)), headers={"Idempotency-Key": "l-1"})
    assert loan.status_code == 201, loan.text
    path = loan.headers["location"]
    opened = loan.json()
    assert (opened["number"], opened["state"], opened["borrower"]["name"]) == (
        "2026-05-19.71-LO-0001",
        "open",
        "Posko RT 04",
    )
    assert [(line["lot"], line["quantity"], line["out"]) for line in opened["lines"]] == [(None, 3, 3), ("T-1", 1, 1)]
    assert await ask(tents, "SELECT sum(on_hand)::bigint FROM card") == [(0,)]
    some = await made(client, f"{path}/returns", back(ago(1), returned=2, place=MARKET))
    assert (some["state"], [line["out"] for line in some["lines"]]) == ("open", [1, 1])
    clock.advance(timedelta(days=10))
    late = (await client.get(path)).json()
    assert (late["state"], late["days_overdue"], late["version"]) == ("overdue", 5, 2)
    over = await made(client, f"{path}/returns", back(returned=3), 409)
    assert (over["code"], over["lines"][0]["out"]) == ("more_than_lent", 2)
    end = await made(client, f"{path}/returns", back(returned=1, lost=1, reason="damaged"))
    assert (end["state"], [line["lost"] for line in end["lines"]], len(end["returns"])) == ("returned", [0, 1], 2)
    assert (await made(client, f"{path}/returns", back(returned=1), 409))["code"] == "loan_closed"
    rows = await ask(tents, "SELECT place, on_hand FROM card WHERE on_hand > 0 ORDER BY place")
    assert rows == [(MARKET, 2), (WAREHOUSE, 1)]
    moved = await ask(tents, "SELECT to_place, quantity FROM posting_line WHERE from_place = 'ON-LOAN' ORDER BY 1")
    assert moved == [("LOSS", 1), (MARKET, 2), (WAREHOUSE, 1)]
    events = [event for event in await recorded() if isinstance(event, LoanOpened | LoanReturned)]
    assert {event.subject for event in events} == {f"loan/{opened['id']}"}
    assert [event.closed for event in events if isinstance(event, LoanReturned)] == [False, True]
    assert "Posko" not in str(events)
    assert await audited(tents) == []


async def test_everything_that_is_wrong_with_a_loan_is_told(tents: Database, door: Door) -> None:
    client = door["pangkalpinang"]
    lines = [{"item": MASKS}, {"item": TENT, "quantity": 2, "lot": "T-1"}, {"item": "NOTHING"}]
    both = {"name": "Posko", "business": str(uuid4())}
    wrong = lent(lines=lines, borrower=both, due_on=ago(1).date().isoformat())
    assert told(await client.post("/aid/loans", json=wrong)) == {
        ("/borrower", "not_both"),
        ("/borrower/business", "unknown_business"),
        ("/due_on", "before_lent"),
        ("/lines/0/item", "not_an_asset"),
        ("/lines/1/quantity", "lot_of_one"),
        ("/lines/2/item", "unknown_item"),
    }
    assert told(await client.post("/aid/loans", json=lent(borrower={}))) == {("/borrower", "missing")}
    assert (await made(client, "/aid/loans", lent(9), 409))["code"] == "short_of_stock"
    loan = await made(client, "/aid/loans", lent(1))
    path = f"/aid/loans/{loan['id']}/returns"
    answer = await client.post(path, json=back(ago(1), lot="T-1", lost=1))
    assert told(answer) == {
        ("/occurred_at", "before_lent"),
        ("/lines/0/lot", "not_lent"),
        ("/lines/0/reason", "missing"),
    }
    assert told(await client.post(path, json=back(reason="recount"))) == {
        ("/lines/0/returned", "missing"),
        ("/lines/0/reason", "not_a_loss"),
    }
    assert (await door["belitung"].post(path, json=back(returned=1))).status_code == 404
    assert (await door["belitung"].get(f"/aid/loans/{loan['id']}")).status_code == 404


async def test_what_is_out_and_overdue_is_listed_by_when_it_is_due(
    tents: Database, door: Door, clock: StoppedClock
) -> None:
    await happened(tents, registered())
    client = door["pangkalpinang"]
    later = await made(client, "/aid/loans", lent(1, borrower={"business": str(TAILOR)}))
    sooner = await made(client, "/aid/loans", lent(1, due_on="2026-05-21"))
    done = await made(client, "/aid/loans", lent(1))
    await made(client, f"/aid/loans/{done['id']}/returns", back(returned=1))
    clock.advance(timedelta(days=3))

    async def listed(who: str, **query: str) -> list[str]:
        return [one["id"] for one in (await door[who].get("/aid/loans", params=query)).json()["items"]]

    assert await listed("auditor", state="open") == [later["id"]]
    assert await listed("auditor", state="overdue") == [sooner["id"]]
    assert await listed("office", state="returned", place=WAREHOUSE) == [done["id"]]
    assert (await listed("office", region="19.71"))[0] == sooner["id"]
    assert await listed("belitung") == []
    page = (await client.get("/aid/loans", params={"limit": "2"})).json()
    rest = (await client.get("/aid/loans", params={"limit": "2", "cursor": page["next"]})).json()
    assert (len(page["items"]), len(rest["items"])) == (2, 1)
    assert later["borrower"] == {"name": None, "business": str(TAILOR)}


async def test_two_who_take_the_same_asset_back_take_it_once(tents: Database, door: Door) -> None:
    loan = await made(door["pangkalpinang"], "/aid/loans", lent(1))
    path = f"/aid/loans/{loan['id']}/returns"
    clients = door["pangkalpinang"], door["office"]
    answers = await asyncio.gather(*(client.post(path, json=back(returned=1)) for client in clients))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert await audited(tents) == []


async def test_the_audit_finds_a_loan_that_was_changed(tents: Database, door: Door) -> None:
    await made(door["pangkalpinang"], "/aid/loans", lent(2))
    async with tents.work(OFFICE) as work:
        await plant(work, "UPDATE loan_line SET returned = 2")
    found = [one.check for one in await audited(tents)]
    assert found == ["on_loan_is_sum_of_loans", "loan_is_returned_when_nothing_is_out"]
