"""`serumpun demo`: a month of aid of every kind, each act of it once, and verify finds nothing wrong."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.operations.installation import opened
from services.operations.month import hearing, people, places
from services.operations.month.allowing import again_max, province_of
from services.operations.month.carrying import Month
from services.operations.month.diary import PROVINCE_STAFF, Diary
from services.operations.refusals import NotPossible
from shared.caller import Role
from shared.keys import KeyStore
from shared.settings import SERVICES, Settings
from shared.tokens import issue_token
from tests.operations.conftest import Installation
from tests.operations.test_history import A_STRANGER, MOVEMENTS
from tests.operations.test_history import demo as history
from tests.processes import Process
from tests.waiting import wait_until

ACTS_MIN = 200
SECONDS_MAX = 240
HALF_WAY = 60
"""Postings of the month after which it is broken off in the test of that."""

TABLES = "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
NOT_OF_THE_MONTH = {"checkpoint", "signed_head"}
"""Tables that show that services have run, whether or not anything was asked of them."""

LISTS: Mapping[str, Mapping[str, set[str]]] = {
    "/aid/transfers": {"state": {"received", "in_transit"}},
    "/aid/reservations": {"state": {"open", "released"}},
    "/aid/loans": {"state": {"open", "overdue"}},
    "/aid/returns": {"direction": {"from_public", "to_donor"}},
    "/aid/exceptions": {"state": {"open", "applied", "dropped"}},
    "/aid/production-orders": {"state": {"offered", "accepted", "declined", "delivered", "taken_back"}},
    "/aid/stations": {"state": {"working", "dry"}},
    "/aid/markets": {"state": {"announced", "cancelled", "settled"}},
    "/aid/coupon-rounds": {"state": {"open", "closed"}},
    "/aid/allocation-plans": {"state": {"draft", "confirmed"}},
    "/aid/alerts": {"state": {"open", "cleared"}, "kind": {"low", "price", "dry_station", "expiring"}},
    "/aid/distributions": {"state": {"posted", "voided"}},
    "/aid/counts": {},
    "/aid/lots": {},
    "/aid/kits": {},
    "/aid/prices": {},
    "/aid/what-changed": {},
    "/registration/surveys": {},
    "/notifications/inbox": {},
}
"""Each list with what is to be seen in it of each kind."""


async def told(there: Installation) -> Month:
    """Give the command as somebody at a terminal would."""
    answered = await there.command("demo", "--json")
    assert answered.code == 0, answered.error
    return answered.read(Month)


def staff(there: Installation) -> dict[str, str]:
    """Give a token of the office of the province."""
    keys = KeyStore(there.settings.home)
    return {PROVINCE_STAFF: issue_token(keys, Role.PROVINCE_STAFF, ("19",), PROVINCE_STAFF, 1)}


async def rows(there: Installation) -> dict[tuple[str, str], int]:
    """Count what each table of each service holds."""
    counted: dict[tuple[str, str], int] = {}
    for service in SERVICES:
        names = [row["name"] for row in await there.rows(service, TABLES) if row["name"] not in NOT_OF_THE_MONTH]
        counts = [f"SELECT '{name}' AS name, count(*) AS rows FROM {name}" for name in names]  # noqa: S608 - our tables
        question = " UNION ALL ".join(counts)
        counted |= {(service, row["name"]): row["rows"] for row in await there.rows(service, question)}
    return counted


async def postings(there: Installation) -> int:
    ((count,),) = await there.rows("aid_distribution", "SELECT count(*) FROM posting")
    return int(count)


async def items(client: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, object]]:
    answer = await client.get(path, params={"limit": 200, **query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_month_fills_every_list_once_and_verify_holds_also_over_a_history(
    there: Installation, tmp_path: Path
) -> None:
    first = await told(there)
    assert first.acts > ACTS_MIN
    assert await there.faults() == []
    after = await rows(there)
    again = await told(there)
    assert (again.acts, again.begun_at) == (0, first.begun_at)
    assert await rows(there) == after
    async with there.running() as client:
        for path, wanted in LISTS.items():
            found = await items(client, path)
            assert found, path
            for name, values in wanted.items():
                assert values <= {str(one[name]) for one in found}, (path, name)
        settled = next(one for one in await items(client, "/aid/markets", state="settled") if one["seller"])
        assert await items(client, f"/aid/markets/{settled['id']}/double-uses")
        trainings = {one["programme"]: one for one in await items(client, "/registration/trainings")}
        assert [(await client.get(f"/registration/trainings/{trainings[code]['id']}")).json()["kits"]["state"]
                for code in ("TR-P-1", "TR-P-2", "TR-P-3")] == ["reserved", "refused", "released"]  # fmt: skip
        plan = (await items(client, "/aid/allocation-plans", state="draft"))[0]
        shared = (await client.get(f"/aid/allocation-plans/{plan['id']}")).json()
        assert "surveys" in {line["decline_from"] for line in shared["lines"]}
    loaded = await history(there, MOVEMENTS, tmp_path)
    assert loaded.exit_code == 0, loaded.output
    assert await there.faults() == []


async def test_a_month_that_was_broken_off_is_gone_on_with(there: Installation, tmp_path: Path) -> None:
    before = await postings(there)
    environment = {name: value for name, value in there.environment.items() if name != "SERUMPUN_HOME"}
    process = Process(there.settings.home, "demo", log=tmp_path / "demo.log", **environment)

    async def half_way() -> bool:
        assert process.running, process.output
        return await postings(there) > before + HALF_WAY

    process.start()
    await wait_until(half_way, SECONDS_MAX, "half of the month")
    process.kill()
    part = await told(there)
    assert 0 < part.acts < ACTS_MIN
    assert await there.faults() == []
    assert (await told(there)).acts == 0


async def test_a_month_begun_a_week_ago_is_told_to_its_end_also_over_a_history(
    there: Installation, tmp_path: Path
) -> None:
    loaded = await history(there, MOVEMENTS, tmp_path)
    assert loaded.exit_code == 0, loaded.output
    there.environment |= {"PROVINCE_STAFF_DATING_BACK_DAYS": "35"}
    province = province_of(there.settings)
    gone = next(one.id for one in province.businesses if one.sector == people.GARMENT)
    async with there.running() as client:
        closed = await client.post(f"/registration/businesses/{gone}/closure", json={"reason": "moved away"})
        assert closed.is_success, closed.text
        await people.call_for_masks(Diary(client, province, staff(there), datetime.now(UTC)))
    begun = "UPDATE production_call SET created_at = created_at - INTERVAL '167 hours' WHERE document = '{}'"
    await there.sql("aid_distribution", begun.format(people.CALL))
    month = await told(there)
    assert month.acts > ACTS_MIN
    assert month.begun_at < datetime.now(UTC) - timedelta(hours=166)
    assert await there.faults() == []
    assert (await told(there)).acts == 0


@pytest.mark.parametrize(("hours", "settings"), [(960, {}), (30, {"IDEMPOTENCY_RETENTION_DAYS": "1"})])
async def test_a_month_of_long_ago_or_whose_keys_are_gone_is_left_as_it_is(
    there: Installation, hours: int, settings: dict[str, str]
) -> None:
    there.environment |= settings
    call = "UPDATE production_call SET document = '{}', created_at = created_at - INTERVAL '{} hours'"
    await there.sql("aid_distribution", call.format(people.CALL, hours))
    before = await rows(there)
    month = await told(there)
    assert month.acts == 0
    assert month.begun_at < datetime.now(UTC) - timedelta(hours=hours - 1)
    assert await rows(there) == before


@pytest.mark.parametrize(
    ("settings", "hours"),
    [
        ({}, 7 * 24),
        ({"IDEMPOTENCY_RETENTION_DAYS": "3"}, 3 * 24 - 1),
        ({"REGENCY_OFFICER_DATING_BACK_DAYS": "25"}, 2 * 24),
        ({"PROVINCE_STAFF_DATING_BACK_DAYS": "29"}, 24),
    ],
)
def test_a_month_is_gone_on_with_while_its_keys_are_kept_and_its_days_may_be_told(
    settings: dict[str, str], hours: int
) -> None:
    assert again_max(Settings.from_env(settings)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"PROVINCE": "31-dki-jakarta"}, "this installation is of 31-dki-jakarta"),
        ({"REGENCY_OFFICER_DATING_BACK_DAYS": "22"}, "set REGENCY_OFFICER_DATING_BACK_DAYS to 23 or more"),
    ],
)
async def test_where_the_month_cannot_be_told_nothing_is_begun(
    there: Installation, settings: dict[str, str], why: str
) -> None:
    there.environment |= settings
    before = await rows(there)
    refused = await there.command("demo")
    assert refused.code == 1
    assert why in refused.line
    assert await rows(there) == before


async def test_where_somebody_is_registered_whom_no_demo_lists_no_month_is_told(there: Installation) -> None:
    await there.sql("registration", A_STRANGER)
    before = await rows(there)
    refused = await there.command("demo")
    assert refused.code == 1
    assert "this is no demo" in refused.line
    assert await rows(there) == before


async def test_a_month_waits_for_what_was_told_and_not_for_what_others_go_on_telling(there: Installation) -> None:
    stopped = False
    goods = {"place": "WH-PROV", "source": "donation", "lines": [{"item": "MASK-CLOTH", "quantity": 1}]}

    async def go_on() -> None:
        while not stopped:
            at = datetime.now(UTC).isoformat()
            assert (await client.post("/aid/receipts", json={**goods, "occurred_at": at})).status_code == 201

    async with opened(there.settings) as installation:
        async with there.running() as client, asyncio.TaskGroup() as tasks:
            tasks.create_task(go_on())
            assert await hearing.heard(installation, SECONDS_MAX)
            await hearing.quiet(installation, 2 * hearing.LOOK_SECONDS)
            stopped = True
        await there.sql("registration", "UPDATE outbox_head SET last_seq = last_seq + 1")
        assert not await hearing.heard(installation, hearing.LOOK_SECONDS)


async def test_a_station_that_was_removed_is_named(there: Installation) -> None:
    province = province_of(there.settings)
    code = province.stations[1].code
    await there.sql("aid_distribution", f"UPDATE station SET code = 'GONE' WHERE code = '{code}'")  # noqa: S608 - ours
    async with there.running() as client:
        with pytest.raises(NotPossible, match=code):
            await places.stations(Diary(client, province, staff(there), datetime.now(UTC)))
