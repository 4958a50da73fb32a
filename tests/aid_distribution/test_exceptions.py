"""Parked exceptions: what has happened and could not be entered is kept, explained, and entered or dropped later."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.aid_distribution.audits import AUDITS
from services.aid_distribution.distributions.batches import SendBatch, post_batch
from services.aid_distribution.exceptions import sweeper
from services.aid_distribution.exceptions.domain import (
    DEADLINE_DAYS,
    LikelyCause,
    ShortCard,
    Why,
    causes_named,
    due_at,
    with_causes,
)
from services.aid_distribution.exceptions.handlers import apply, sweep
from services.aid_distribution.exceptions.orders import ApplyException
from services.aid_distribution.ledger import counts, transfers
from services.aid_distribution.ledger.orders import CountedLine, CountStock, DispatchTransfer, GoodsLine
from services.aid_distribution.main import APPLIERS
from shared.contracts.aid_distribution import (
    DistributionPosted,
    ExceptionApplied,
    ExceptionDropped,
    ExceptionOpened,
    ExceptionOverdue,
    StockIssued,
)
from shared.database import Database
from shared.routes import Asked
from tests.aid_distribution.story import (
    MARKET,
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    PROVINCE,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    plant,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.aid_distribution.test_batches import entry, sent, states
from tests.aid_distribution.test_distributions import TAILOR, happened, registered
from tests.aid_distribution.test_limit_races import other  # noqa: F401 - a fixture
from tests.aid_distribution.test_limits import limited
from tests.door import Client, Recorded, told
from tests.waiting import wait_until

Door = Mapping[str, Client]
Json = dict[str, Any]
CARD = ShortCard(
    place=WAREHOUSE, item=MASKS, lot=None, asked=5, available=2, short=3, first_short_on=NOON.date()
)  # fmt: skip


def issued(quantity: int, occurred_at: datetime = NOON, **changes: object) -> Json:
    line = {"item": MASKS, "quantity": quantity}
    return {
        "place": WAREHOUSE,
        "reason": "damaged",
        "occurred_at": occurred_at.isoformat(),
        "lines": [line],
    } | changes


def handed_out(quantity: int, occurred_at: datetime = NOON, **changes: object) -> Json:
    order = entry(1, occurred_at, quantity) | changes
    del order["id"]
    return order


async def made(client: Client, path: str, body: Json, status: int = 201) -> Json:
    answer = await client.post(path, json=body)
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


@pytest.mark.parametrize(
    ("wished", "due"),
    [
        (None, NOON + timedelta(days=DEADLINE_DAYS)),
        (NOON + timedelta(days=1), NOON + timedelta(days=1)),
        (NOON - timedelta(days=1), NOON),
        (NOON + timedelta(days=1_000), NOON + timedelta(days=366)),
    ],
)
def test_the_deadline_is_as_wished_within_reason(wished: datetime | None, due: datetime) -> None:
    assert due_at(NOON, wished) == due


def test_causes_stand_by_likelihood_and_few_other_places_are_named() -> None:
    places = [LikelyCause(why=Why.WRONG_PLACE, place=f"P-{number}", quantity=number) for number in range(5)]
    coming = LikelyCause(why=Why.MISSING_RECEIPT, number="TO-1", place=PROVINCE, quantity=1)
    explained, unexplained = with_causes([CARD, CARD], {0: [*places, coming]})
    assert [(one.why, one.place) for one in explained.causes] == [
        (Why.MISSING_RECEIPT, PROVINCE),
        (Why.WRONG_PLACE, "P-4"),
        (Why.WRONG_PLACE, "P-3"),
        (Why.WRONG_PLACE, "P-2"),
    ]
    assert unexplained.causes == [LikelyCause(why=Why.UNKNOWN)]
    assert causes_named([unexplained, explained]) == [Why.MISSING_RECEIPT, Why.WRONG_PLACE, Why.UNKNOWN]


async def test_an_entry_that_runs_short_is_parked_once_however_often_it_is_sent(
    database: Database, door: Door, recorded: Recorded
) -> None:
    await receive(database, receipt(10, ago(20)))
    short = entry(1, ago(2), 15)
    first = await sent(database, short, entry(2, ago(3), 4), short)
    assert states(first) == ["parked", "posted", "parked"]
    again = await sent(database, short, device="HP-2")
    ids = {one.exception_id for view in (first, again) for one in view.entries if one.state == "parked"}
    assert (states(again), len(ids)) == (["parked"], 1)
    assert again.entries[0].problem is not None
    assert again.entries[0].problem["code"] == "short_of_stock"
    parked = (await door["pangkalpinang"].get(f"/aid/exceptions/{ids.pop()}")).json()
    assert (parked["state"], parked["kind"], parked["owner"]) == ("open", "distribution", "officer-19.71")
    assert (parked["attempts"], parked["version"], parked["last_refusal"]) == (2, 2, "short_of_stock")
    assert [(card["item"], card["asked"], card["available"], card["short"]) for card in parked["cards"]] == [
        (MASKS, 15, 6, 9)
    ]
    assert parked["cards"][0]["first_short_on"] == "2026-05-18"
    assert parked["cards"][0]["causes"] == [{"why": "unknown", "number": None, "place": None, "quantity": None}]
    assert (parked["opened_at"][:10], parked["due_at"][:10], parked["overdue"]) == ("2026-05-20", "2026-05-27", False)
    opened = [event for event in await recorded() if isinstance(event, ExceptionOpened)]
    assert [(one.region, one.causes, one.short[0].quantity) for one in opened] == [("19.71", ["unknown"], 9)]
    assert await ask(database, "SELECT count(*) FROM distribution_entry") == [(1,)]
    assert await audited(database) == []


async def test_sent_again_when_the_goods_are_there_it_is_entered_and_the_exception_closed(
    database: Database, recorded: Recorded
) -> None:
    short = entry(1, ago(2), 15)
    first = await sent(database, short)
    await receive(database, receipt(20, ago(3)))
    again = await sent(database, short, short)
    assert (states(first), states(again)) == (["parked"], ["posted", "duplicate"])
    rows = await ask(
        database,
        "SELECT e.state, e.number, p.number FROM stock_exception e JOIN posting p ON p.id = e.posting_id",
    )
    assert rows == [("applied", again.entries[0].number, again.entries[0].number)]
    applied = [event for event in await recorded() if isinstance(event, ExceptionApplied)]
    assert [one.number for one in applied] == [again.entries[0].number]
    assert await audited(database) == []


async def test_an_entry_that_was_applied_is_a_duplicate_when_it_is_sent_again(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    """It is dated 29 days back and applied 10 days later, which the officer's role alone would not allow."""
    await happened(database, registered())
    evidence = {"signature_name": "Sulastri"}
    short = entry(1, ago(29), 15, recipients={"businesses": [str(TAILOR)]}, evidence=evidence)
    (parked,) = (await sent(database, short)).entries
    path = f"/aid/exceptions/{parked.exception_id}"
    client = door["pangkalpinang"]
    assert "evidence" not in (await client.get(path)).json()["order"]
    assert await ask(database, "SELECT asked #>> '{evidence,signature_name}' FROM stock_exception") == [("Sulastri",)]
    clock.advance(timedelta(days=10))
    refused = await made(client, f"{path}/application", {}, 409)
    assert (refused["code"], refused["cards"][0]["short"]) == ("short_of_stock", 15)
    shown = (await client.get(path)).json()
    assert (shown["state"], shown["attempts"], shown["version"]) == ("open", 2, 2)
    await receive(database, receipt(20, ago(30)))
    applied = await made(client, f"{path}/application", {"document": "BA-7"})
    assert (applied["state"], applied["closed_by"], applied["document"]) == ("applied", "officer-19.71", "BA-7")
    assert applied["occurred_at"] == shown["occurred_at"]
    assert await ask(database, "SELECT asked ? 'evidence' FROM stock_exception") == [(False,)]
    (posted,) = [event for event in await recorded() if isinstance(event, DistributionPosted)]
    assert (posted.number, posted.occurred_at, posted.businesses) == (applied["number"], ago(29), [TAILOR])
    signed = await client.get(f"/aid/distributions/{posted.distribution_id}/evidence")
    assert signed.json()["signature_name"] == "Sulastri"
    assert await ask(database, "SELECT document FROM posting WHERE kind = 'distribution'") == [("BA-7",)]
    (again,) = (await sent(database, short)).entries
    assert (again.state, again.distribution_id) == ("duplicate", posted.distribution_id)
    assert (await made(client, f"{path}/application", {}, 409))["code"] == "exception_closed"
    assert await audited(database) == []


async def test_limits_are_checked_when_it_is_applied_and_it_stays_open(database: Database, door: Door) -> None:
    await happened(database, registered())
    order = handed_out(5, ago(1), recipients={"businesses": [str(TAILOR)]})
    client = door["pangkalpinang"]
    parked = await made(client, "/aid/exceptions/distributions", order)
    await receive(database, receipt(20, ago(3)))
    await limited(database, times_max=1, period_days=7)
    await made(client, "/aid/distributions", handed_out(1, ago(2), recipients={"businesses": [str(TAILOR)]}))
    refused = await made(client, f"/aid/exceptions/{parked['id']}/application", {}, 409)
    assert refused["code"] == "limit_reached"
    shown = (await client.get(f"/aid/exceptions/{parked['id']}")).json()
    assert (shown["state"], shown["last_refusal"], shown["attempts"]) == ("open", "limit_reached", 2)


async def test_the_ledger_says_why_a_card_may_be_short(database: Database, door: Door) -> None:
    await receive(database, receipt(100, ago(20), place=PROVINCE))
    await receive(database, receipt(40, ago(20)))
    await receive(database, receipt(7, ago(20), place=MARKET))
    async with database.work(OFFICE) as work:
        order = DispatchTransfer(
            from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=ago(9), lines=[GoodsLine(item=MASKS, quantity=30)]
        )
        (sending,) = await transfers.dispatch(work, [Asked(order, OFFICE)])
    async with database.work(OFFICE) as work:
        counting = CountStock(place=WAREHOUSE, occurred_at=ago(8), lines=[CountedLine(item=MASKS, quantity=10)])
        counted = await counts.count(work, OFFICE, counting)
    parked = await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(12, ago(2)))
    assert [(one["why"], one["number"], one["place"], one["quantity"]) for one in parked["cards"][0]["causes"]] == [
        ("missing_receipt", getattr(sending, "number", None), PROVINCE, 30),
        ("wrong_count", counted.number, None, 30),
        ("wrong_place", None, MARKET, 7),
    ]


async def test_an_issue_is_parked_and_applied_as_if_it_had_been_posted(
    database: Database, door: Door, recorded: Recorded
) -> None:
    client = door["pangkalpinang"]
    parked = await client.post("/aid/exceptions/issues", json=issued(5, ago(2)), headers={"Idempotency-Key": "park-1"})
    again = await client.post("/aid/exceptions/issues", json=issued(5, ago(2)), headers={"Idempotency-Key": "park-1"})
    assert (parked.status_code, again.content) == (201, parked.content)
    path = parked.headers["location"]
    assert path == f"/aid/exceptions/{parked.json()['id']}"
    await receive(database, receipt(5, ago(3)))
    applied = await made(client, f"{path}/application", {})
    events = [
        event for event in await recorded() if isinstance(event, ExceptionOpened | ExceptionApplied | StockIssued)
    ]
    assert [type(event) for event in events] == [ExceptionOpened, StockIssued, ExceptionApplied]
    assert isinstance(events[1], StockIssued)
    assert (events[1].number, events[1].occurred_at, events[1].reason) == (applied["number"], ago(2), "damaged")
    assert str(events[1].posting_id) == applied["posting_id"]
    assert await audited(database) == []


async def test_what_can_be_posted_is_not_parked_and_what_is_wrong_is_told_as_ever(
    database: Database, door: Door
) -> None:
    await receive(database, receipt(5, ago(3)))
    client = door["pangkalpinang"]
    assert (await made(client, "/aid/exceptions/issues", issued(5), 409))["code"] == "not_short"
    assert (await made(client, "/aid/exceptions/distributions", handed_out(5), 409))["code"] == "not_short"
    old = await client.post("/aid/exceptions/issues", json=issued(50, ago(31), place="NOWHERE", reason="found"))
    assert told(old) == {
        ("/occurred_at", "too_far_back"),
        ("/place", "unknown_place"),
        ("/reason", "unknown_value"),
    }
    wrong = await client.post("/aid/exceptions/distributions", json={"place": "NOWHERE", "due_at": "soon"})
    assert {("/place", "unknown_place"), ("/due_at", "bad_format"), ("/lines", "missing")} <= told(wrong)
    assert await ask(database, "SELECT count(*) FROM stock_exception") == [(0,)]
    assert await ask(database, "SELECT on_hand FROM card") == [(5,)]
    assert (await door["auditor"].post("/aid/exceptions/issues", json=issued(50))).status_code == 403


async def test_what_was_dropped_is_over_and_does_not_come_back(
    database: Database, door: Door, recorded: Recorded
) -> None:
    short = entry(1, ago(2), 15)
    (parked,) = (await sent(database, short)).entries
    client, path = door["pangkalpinang"], f"/aid/exceptions/{parked.exception_id}/drop"
    assert told(await client.post(path, json={})) == {("/reason", "missing")}
    assert (await door["belitung"].post(path, json={"reason": "x"})).status_code == 404
    dropped = await made(client, path, {"reason": "Entered twice"})
    assert (dropped["state"], dropped["drop_reason"], dropped["posting_id"]) == ("dropped", "Entered twice", None)
    assert [event.reason for event in await recorded() if isinstance(event, ExceptionDropped)] == ["Entered twice"]
    await receive(database, receipt(50, ago(3)))
    (again,) = (await sent(database, short)).entries
    assert again.problem is not None
    assert (again.state, again.problem["code"]) == ("refused", "entry_dropped")
    assert (await made(client, path, {"reason": "again"}, 409))["code"] == "exception_closed"
    assert await ask(database, "SELECT count(*) FROM distribution_entry") == [(0,)]


async def test_an_id_of_a_parked_entry_stands_for_that_entry_alone(database: Database) -> None:
    await sent(database, entry(1, ago(2), 15))
    (other_content,) = (await sent(database, entry(1, ago(2), 16))).entries
    assert other_content.problem is not None
    assert (other_content.state, other_content.problem["code"]) == ("refused", "entry_id_reused")
    assert await ask(database, "SELECT attempts FROM stock_exception") == [(1,)]


async def test_each_office_sees_its_own_and_the_most_urgent_first(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    client = door["pangkalpinang"]
    later = await made(client, "/aid/exceptions/issues", issued(5))
    sooner = await made(client, "/aid/exceptions/issues", issued(6, due_at=(NOON + timedelta(days=1)).isoformat()))
    dropped = await made(client, "/aid/exceptions/issues", issued(7))
    await made(client, f"/aid/exceptions/{dropped['id']}/drop", {"reason": "Typed twice"})

    async def listed(who: str, **query: str) -> list[str]:
        return [one["id"] for one in (await door[who].get("/aid/exceptions", params=query)).json()["items"]]

    assert await listed("auditor", state="open") == [sooner["id"], later["id"]]
    assert await listed("pangkalpinang", state="dropped") == [dropped["id"]]
    assert len(await listed("office", region="19.71")) == 3
    assert await listed("office", region="19.02") == []
    assert await listed("belitung") == []
    assert await listed("office", overdue="true") == []
    clock.advance(timedelta(days=2))
    assert await listed("office", overdue="true") == [sooner["id"]]
    assert sooner["id"] not in await listed("office", overdue="false")
    page = (await client.get("/aid/exceptions", params={"limit": "2"})).json()
    rest = (await client.get("/aid/exceptions", params={"limit": "2", "cursor": page["next"]})).json()
    assert page["items"][0]["id"] == sooner["id"]
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert (await door["belitung"].get(f"/aid/exceptions/{later['id']}")).status_code == 404


async def test_what_is_overdue_is_told_once(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    parked = await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(5))

    async def overdue() -> list[ExceptionOverdue]:
        async with database.work(OFFICE) as work:
            assert not await sweep(work)
        return [event for event in await recorded() if isinstance(event, ExceptionOverdue)]

    assert await overdue() == []
    clock.advance(timedelta(days=DEADLINE_DAYS))
    for _ in range(2):
        assert [(str(one.exception_id), one.owner) for one in await overdue()] == [(parked["id"], "officer-19.71")]


async def test_the_sweeper_looks_when_time_has_passed_and_nothing_was_recorded(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(5))
    sweeping = asyncio.create_task(sweeper.run(database, apart_seconds=0.0, look_seconds=0.05))
    try:
        clock.advance(timedelta(days=DEADLINE_DAYS))

        async def was_told() -> bool:
            return any(isinstance(event, ExceptionOverdue) for event in await recorded())

        await wait_until(was_told, description="somebody to be told")
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)


async def test_an_entry_that_is_sent_again_while_somebody_applies_it_is_entered_once(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    """Whichever of the two comes first: the other one finds what has become of it."""
    client = door["pangkalpinang"]
    await receive(database, receipt(5, ago(20)))
    for number, device_first in ((1, True), (2, False)):
        told_again = entry(number, ago(2), 10)
        (parked,) = (await sent(database, told_again)).entries
        await receive(database, receipt(10, ago(3)))
        path = f"/aid/exceptions/{parked.exception_id}/application"
        assert parked.exception_id is not None
        second: asyncio.Task[Any]
        async with other.work(PANGKALPINANG) as work:
            if device_first:
                batch = SendBatch(device="HP-1", sent_at=NOON, entries=[told_again])
                assert states(await post_batch(work, PANGKALPINANG, batch)) == ["posted"]
                second = asyncio.create_task(client.post(path, json={}))
            else:
                await apply(work, PANGKALPINANG, parked.exception_id, ApplyException(), APPLIERS)
                second = asyncio.create_task(sent(database, told_again, entry(9, ago(1), 1)))
            await wait_until(lambda: waits_for_a_lock(database), description="the other one to wait")
        if device_first:
            assert (await second).json()["code"] == "exception_closed"
        else:
            assert states(await second) == ["duplicate", "posted"]
    assert await ask(database, "SELECT on_hand FROM card") == [(4,)]
    assert await audited(database) == []


async def test_two_who_apply_at_once_enter_it_once(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    parked = await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(5, ago(2)))
    await receive(database, receipt(20, ago(3)))
    async with other.work(OFFICE) as work:
        await work.session.execute(text("SELECT FROM stock_exception FOR UPDATE"))
        path = f"/aid/exceptions/{parked['id']}/application"
        both = [asyncio.create_task(door["pangkalpinang"].post(path, json={})) for _ in range(2)]
        await wait_until(lambda: waits_for_a_lock(database), description="both to wait for the exception")
    answers = sorted([(await one).status_code for one in both])
    assert answers == [201, 409]
    assert await ask(database, "SELECT on_hand FROM card") == [(15,)]


async def test_the_audit_finds_an_applied_exception_without_its_posting(database: Database, door: Door) -> None:
    parked = await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(5, ago(2)))
    await receive(database, receipt(20, ago(3)))
    await made(door["pangkalpinang"], f"/aid/exceptions/{parked['id']}/application", {})
    assert await audited(database) == []
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE stock_exception SET number = '2026-05-19.71-GI-0099'")
    assert [one.check for one in await audited(database)] == ["applied_exception_names_its_posting"]


def test_what_was_told_of_exceptions_is_looked_for() -> None:
    watched = {event for audit in AUDITS.recorded for event in audit.events}
    assert {ExceptionOpened, ExceptionApplied, ExceptionDropped} <= watched
