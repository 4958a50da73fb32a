"""`serumpun demo`: a month of aid of every kind, each act of it once, and verify finds nothing wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from services.operations.month.carrying import Month
from shared.settings import SERVICES
from tests.operations.conftest import Installation
from tests.processes import Process
from tests.waiting import wait_until

ACTS_MIN = 200
SECONDS_MAX = 240
HALF_WAY = 60
"""Postings of the month after which it is broken off in the test of that."""

TABLES = "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
NOT_OF_THE_MONTH = {"checkpoint"}
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


async def test_a_month_fills_every_list_once_and_verify_holds(there: Installation) -> None:
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


async def test_a_month_of_long_ago_is_left_as_it_is(there: Installation) -> None:
    call = "UPDATE production_call SET document = 'SPK-MASKER (peragaan)', created_at = created_at - INTERVAL '40 days'"
    await there.sql("aid_distribution", call)
    before = await rows(there)
    month = await told(there)
    assert month.acts == 0
    assert month.begun_at < datetime.now(UTC) - timedelta(days=39)
    assert await rows(there) == before
