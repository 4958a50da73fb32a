"""Each night one of many processes looks through the ledger; what it found is kept, shown and alerted of."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import IntegrityError

from services.aid_distribution.alerts.sweep import sweep
from services.aid_distribution.audits import FIGURES, look_through
from services.aid_distribution.main import WATCHES
from services.aid_distribution.self_audit import sweep as worker
from services.aid_distribution.self_audit.domain import AGAIN_AFTER, ATTEMPTS_MAX, LEASE, Audited, night_due
from services.aid_distribution.self_audit.handlers import audit_night
from shared.clock import WIB
from shared.contracts.aid_distribution import AlertCleared, AlertEvent, AlertRaised
from shared.database import Database, Work
from shared.night import WIT
from tests.aid_distribution.story import (
    MASKS,
    OFFICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_alerts import other  # noqa: F401 - a fixture
from tests.door import Client, Recorded
from tests.waiting import wait_until

Door = Mapping[str, Client]
NIGHT = date(2026, 5, 20)
SPOILT = f"UPDATE card SET on_hand = on_hand + 1 WHERE place = '{WAREHOUSE}' AND item = '{MASKS}'"  # noqa: S608 - ours
MENDED = SPOILT.replace("+ 1", "- 1")


async def audited(database: Database, night: date = NIGHT) -> bool:
    return await audit_night(database, database, night, look_through)


async def broken(_work: Work) -> Audited:
    raise TimeoutError


async def planted(database: Database, order: str) -> None:
    async with database.work(OFFICE) as work:
        await plant(work, order)


async def alerts(database: Database, recorded: Recorded) -> list[AlertEvent]:
    while await database.run(OFFICE, partial(sweep, watches=WATCHES)):
        pass
    return [event for event in await recorded() if isinstance(event, AlertEvent)]


@pytest.mark.parametrize(
    ("now", "hour", "zone", "due"),
    [
        (datetime(2026, 5, 19, 18, 59, tzinfo=UTC), 2, WIB, None),
        (datetime(2026, 5, 19, 19, 0, tzinfo=UTC), 2, WIB, NIGHT),
        (datetime(2026, 5, 20, 16, 59, tzinfo=UTC), 2, WIB, NIGHT),
        (datetime(2026, 5, 20, 17, 0, tzinfo=UTC), 0, WIB, date(2026, 5, 21)),
        (datetime(2026, 5, 19, 17, 0, tzinfo=UTC), 2, WIT, NIGHT),
    ],
)
def test_a_night_is_due_from_its_local_hour_to_the_end_of_the_day(
    now: datetime, hour: int, zone: object, due: date | None
) -> None:
    assert night_due(now, hour, zone) == due  # type: ignore[arg-type]  # a table


async def test_a_night_on_which_all_is_whole_is_kept_with_what_was_looked_at(database: Database, door: Door) -> None:
    await receive(database, receipt(10, ago(1)))
    assert await audited(database)
    answer = await door["office"].get("/aid/audits")
    (one,) = answer.json()["items"]
    assert one == {
        "night": "2026-05-20",
        "state": "whole",
        "attempts": 1,
        "started_at": "2026-05-20T12:00:00+07:00",
        "ended_at": "2026-05-20T12:00:00+07:00",
        "took_ms": 0,
        "checked": {"figures": len(FIGURES), "postings": 1, "signed_heads": 0},
        "found": 0,
        "findings": [],
        "failed": None,
    }
    assert not await audited(database), "a night is audited once"


async def test_an_error_that_was_planted_is_found_shown_and_alerted_of_until_a_night_is_whole(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    await receive(database, receipt(10, ago(1)))
    await planted(database, SPOILT)
    assert await audited(database)
    answer = await door["operator"].get("/aid/audits", params={"whole": "false"})
    (one,) = answer.json()["items"]
    assert (one["state"], one["found"]) == ("wrong", len(one["findings"]))
    found = {finding["check"]: finding for finding in one["findings"]}
    assert found["card_is_sum_of_lines"]["subject"] == f"{WAREHOUSE} {MASKS}"
    assert found["card_is_sum_of_lines"]["expected"].startswith("10 at ")
    assert found["card_is_sum_of_lines"]["found"].startswith("11 at ")
    (raised,) = await alerts(database, recorded)
    assert isinstance(raised, AlertRaised)
    assert (raised.kind, raised.region, raised.about) == ("ledger_audit", "19", "audit/2026-05-20")
    assert (raised.figure, raised.due_on) == (one["found"], NIGHT)
    listed = await door["office"].get("/aid/alerts", params={"kind": "ledger_audit", "state": "open"})
    assert [alert["subject"] for alert in listed.json()["items"]] == ["audit/2026-05-20"]
    assert (await door["pangkalpinang"].get("/aid/alerts")).json()["items"] == []
    clock.advance(timedelta(days=1))
    assert await audited(database, NIGHT + timedelta(days=1))
    await planted(database, MENDED)
    clock.advance(timedelta(days=1))
    assert [type(event) for event in await alerts(database, recorded)][1:] == [AlertRaised, AlertCleared]
    assert await audited(database, NIGHT + timedelta(days=2))
    assert isinstance((await alerts(database, recorded))[-1], AlertCleared)
    assert await ask(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == [(0,)]
    nights = await door["auditor"].get("/aid/audits", params={"limit": "2"})
    rest = await door["auditor"].get("/aid/audits", params={"limit": "2", "cursor": nights.json()["next"]})
    assert [night["state"] for answer in (nights, rest) for night in answer.json()["items"]] == [
        "whole",
        "wrong",
        "wrong",
    ]


async def test_a_posting_that_was_changed_breaks_its_chain_and_is_found(database: Database, door: Door) -> None:
    await receive(database, receipt(10, ago(1)))
    await planted(database, "UPDATE posting SET actor = 'x'")
    assert await audited(database)
    (one,) = (await door["office"].get("/aid/audits")).json()["items"]
    assert [finding["check"] for finding in one["findings"]] == ["chain_is_unbroken"]


async def test_of_many_processes_one_audits_a_night(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
) -> None:
    begun = 0

    async def counted(work: Work) -> Audited:
        nonlocal begun
        begun += 1
        return await look_through(work)

    done = await asyncio.gather(*(audit_night(store, store, NIGHT, counted) for store in (database, other) * 4))
    assert (sorted(done), begun) == ([False] * 7 + [True], 1)


async def test_a_night_that_breaks_off_is_tried_again_after_a_pause_and_not_for_ever(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(TimeoutError):
            await audit_night(database, database, NIGHT, broken)
        assert not await audited(database), "others leave it for a while"
        clock.advance(AGAIN_AFTER)
    assert not await audited(database), "enough have tried"
    (one,) = (await door["office"].get("/aid/audits")).json()["items"]
    assert (one["state"], one["attempts"], one["failed"]) == ("broken_off", ATTEMPTS_MAX, "TimeoutError")


async def test_whoever_comes_back_after_their_time_changes_nothing(database: Database, clock: StoppedClock) -> None:
    async def slow(_work: Work) -> Audited:
        clock.advance(LEASE)
        assert await audited(database), "another has taken it over"
        return Audited({}, [])

    assert not await audit_night(database, database, NIGHT, slow)
    (row,) = await ask(database, "SELECT attempts, found, checked ? 'figures' FROM ledger_audit")
    assert row == (2, 0, True)


async def test_audits_are_seen_by_who_has_a_whole_province(database: Database, door: Door) -> None:
    assert await audited(database)
    seen = {name: await client.get("/aid/audits") for name, client in door.items()}
    assert {name: answer.status_code for name, answer in seen.items()} == {
        "office": 200,
        "auditor": 200,
        "operator": 200,
        "pangkalpinang": 403,
        "belitung": 403,
    }


async def test_the_database_keeps_no_outcome_without_an_end(database: Database) -> None:
    with pytest.raises(IntegrityError, match="ledger_audit_ended_has_outcome"):
        await planted(
            database,
            "INSERT INTO ledger_audit (night, started_at, lease_until, attempts, found) VALUES"
            " ('2026-05-20', now(), now(), 1, 0)",
        )


async def test_the_worker_audits_what_is_due_and_says_what_it_found(database: Database, clock: StoppedClock) -> None:
    await receive(database, receipt(10, ago(1)))
    await planted(database, SPOILT)
    nights: list[date | None] = [None, NIGHT]
    working = asyncio.create_task(
        worker.run(
            database, database, lambda: nights.pop(0) if len(nights) > 1 else NIGHT, look_through, look_seconds=0.02
        )
    )

    def measured() -> bool:
        return (REGISTRY.get_sample_value("serumpun_ledger_audit_found") or 0) > 0

    async def is_measured() -> bool:
        return measured()

    try:
        await wait_until(is_measured, description="the audit to be measured")
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert REGISTRY.get_sample_value("serumpun_ledger_audit_ended_at_seconds") == clock.now().timestamp()
