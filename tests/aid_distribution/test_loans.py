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
from services.aid_distribution.loans.domain import Back, Lent, MoreThanLent, State, laid_out, state_of, taken_off
from shared.contracts.aid_distribution import LoanOpened, LoanReturned, LoanReturnVoided, LoanVoided
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
    give_out,
    issue,
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
    ("kept", "today", "state"),
    [
        (State.OPEN, DUE, State.OPEN),
        (State.OPEN, DUE + timedelta(days=1), State.OVERDUE),
        (State.RETURNED, date(2027, 1, 1), State.RETURNED),
        (State.VOIDED, date(2027, 1, 1), State.VOIDED),
    ],
)
def test_a_loan_is_overdue_when_its_day_is_over(kept: State, today: date, state: State) -> None:
    assert state_of(kept, DUE, today) is state


def test_what_a_return_had_laid_over_the_lines_is_taken_off_them_the_last_first() -> None:
    lines = [Lent(TENT, "", 3, returned=2, lost=1), Lent(TENT, "T-1", 1, returned=1), Lent(TENT, "", 2, returned=1)]
    assert taken_off(lines, [Back(TENT, "", 2, 0), Back(TENT, "", 0, 1)]) == [
        Lent(TENT, "", 3, returned=1),
        Lent(TENT, "T-1", 1, returned=1),
        Lent(TENT, "", 2),
    ]


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


WHY = {"reason": "Salah catat", "document": "BA-9"}


async def test_a_loan_is_taken_back_when_nothing_of_it_is_back(tents: Database, door: Door, recorded: Recorded) -> None:
    client = door["pangkalpinang"]
    loan = await made(client, "/aid/loans", lent(4, ago(2)))
    path = f"/aid/loans/{loan['id']}"
    first = await made(client, f"{path}/returns", back(ago(1), returned=2, place=MARKET))
    await made(client, f"{path}/returns", back(returned=1, lost=1, reason="damaged"))
    refused = await made(client, f"{path}/void", WHY, 409)
    assert (refused["code"], len(refused["returns"])) == ("loan_returned_in_part", 2)
    assert (await door["belitung"].post(f"{path}/void", json=WHY)).status_code == 404
    returns = [one["id"] for one in (await client.get(path)).json()["returns"]]
    assert (await door["belitung"].post(f"{path}/returns/{returns[0]}/void", json=WHY)).status_code == 404
    other = await made(client, "/aid/loans", lent(1, lines=[{"item": TENT}]))
    elsewhere = f"/aid/loans/{other['id']}/returns/{returns[0]}/void"
    assert (await client.post(elsewhere, json=WHY)).status_code == 404
    await made(client, f"/aid/loans/{other['id']}/void", WHY)
    opened = await made(client, f"{path}/returns/{returns[1]}/void", WHY)
    assert (opened["state"], opened["closed_at"]) == ("open", None)
    assert [(one["out"], one["returned"], one["lost"]) for one in opened["lines"]] == [(1, 2, 0), (1, 0, 0)]
    assert [one["void_reason"] for one in opened["returns"]] == [None, "Salah catat"]
    again = await made(client, f"{path}/returns/{returns[1]}/void", WHY, 409)
    assert (again["code"], again["posting_id"]) == ("already_voided", opened["returns"][1]["void_posting_id"])
    refused = await made(client, f"{path}/void", WHY, 409)
    assert [one["number"] for one in refused["returns"]] == [first["returns"][0]["number"]]
    await made(client, f"{path}/returns/{returns[0]}/void", WHY)
    gone = await made(client, f"{path}/void", WHY)
    assert (gone["state"], [one["out"] for one in gone["lines"]], gone["void_reason"]) == (
        "voided",
        [0, 0],
        "Salah catat",
    )
    assert (await made(client, f"{path}/void", WHY, 409))["code"] == "already_voided"
    assert (await made(client, f"{path}/returns", back(returned=1), 409))["code"] == "loan_closed"
    rows = await ask(tents, "SELECT place, lot, on_hand FROM card WHERE on_hand > 0 ORDER BY lot")
    assert rows == [(WAREHOUSE, "", 3), (WAREHOUSE, "T-1", 1)]
    voided = (await client.get("/aid/loans", params={"state": "voided"})).json()["items"]
    assert {one["id"] for one in voided} == {loan["id"], other["id"]}
    told_of = [event for event in await recorded() if isinstance(event, LoanVoided | LoanReturnVoided)]
    mine = [event for event in told_of if str(event.loan_id) == loan["id"]]
    assert [(type(one), one.place, str(one.reverses)) for one in mine] == [
        (LoanReturnVoided, WAREHOUSE, opened["returns"][1]["posting_id"]),
        (LoanReturnVoided, MARKET, opened["returns"][0]["posting_id"]),
        (LoanVoided, WAREHOUSE, loan["posting_id"]),
    ]
    paper = await client.get(f"/aid/postings/{loan['posting_id']}/paper")
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert await audited(tents) == []


async def test_what_was_counted_since_or_has_left_again_is_not_taken_back(tents: Database, door: Door) -> None:
    client = door["pangkalpinang"]
    loan = await made(client, "/aid/loans", lent(3, ago(5), lines=[{"item": TENT, "quantity": 3}]))
    path = f"/aid/loans/{loan['id']}"
    shown = await made(client, f"{path}/returns", back(ago(4), returned=2, place=MARKET))
    void = f"{path}/returns/{shown['returns'][0]['id']}/void"
    await give_out(tents, issue(1, ago(3), place=MARKET, item=TENT))
    assert (await made(client, void, WHY, 409))["code"] == "short_of_stock"
    line = {"item": TENT, "quantity": 1, "reason": "recount"}
    counted = {"place": MARKET, "occurred_at": ago(2).isoformat(), "lines": [line]}
    count = await made(client, "/aid/counts", counted)
    refused = await made(client, void, WHY, 409)
    assert (refused["code"], refused["numbers"]) == ("counted_since", [count["number"]])
    assert (await client.get(path)).json()["lines"][0]["returned"] == 2
    assert await audited(tents) == []


async def test_of_two_who_take_the_same_loan_back_one_does(tents: Database, door: Door) -> None:
    loan = await made(door["pangkalpinang"], "/aid/loans", lent(1))
    clients = door["pangkalpinang"], door["office"]
    answers = await asyncio.gather(*(one.post(f"/aid/loans/{loan['id']}/void", json=WHY) for one in clients))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert await audited(tents) == []


async def test_the_audit_finds_a_loan_that_was_voided_without_its_posting(tents: Database, door: Door) -> None:
    loan = await made(door["pangkalpinang"], "/aid/loans", lent(2))
    number = loan["number"]
    lie = f"UPDATE loan SET state = 'voided', void_reason = 'x', void_posting_id = posting_id WHERE number = '{number}'"  # noqa: S608 - ours
    async with tents.work(OFFICE) as work:
        await plant(work, lie)
    assert {one.check for one in await audited(tents)} == {
        "on_loan_is_sum_of_loans",
        "loan_is_voided_by_its_reversal",
    }


async def test_the_audit_finds_a_loan_that_was_changed(tents: Database, door: Door) -> None:
    await made(door["pangkalpinang"], "/aid/loans", lent(2))
    async with tents.work(OFFICE) as work:
        await plant(work, "UPDATE loan_line SET returned = 2")
    found = [one.check for one in await audited(tents)]
    assert found == ["on_loan_is_sum_of_loans", "loan_is_returned_when_nothing_is_out"]
