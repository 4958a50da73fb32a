"""Who settles an exception, and by when: changed by whoever may settle it, with a reason that is kept."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.audits import AUDITS
from services.aid_distribution.exceptions.domain import DEADLINE_DAYS
from services.aid_distribution.exceptions.handlers import sweep
from shared.contracts.aid_distribution import ExceptionChanged, ExceptionOverdue
from shared.database import Database
from tests.aid_distribution.story import NOON, OFFICE, StoppedClock, audited, plant
from tests.aid_distribution.test_exceptions import issued, made
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]
NEXT_WEEK = (NOON + timedelta(days=20)).isoformat()


async def parked(door: Door) -> tuple[str, Json]:
    shown = await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(5))
    return f"/aid/exceptions/{shown['id']}", shown


async def changed(client: Client, path: str, version: int, status: int = 200, **change: str) -> Json:
    body = {"reason": "Cuti"} | change
    answer = await client.patch(path, json=body, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


async def test_another_owner_and_another_deadline_are_kept_with_their_reasons(
    database: Database, door: Door, recorded: Recorded
) -> None:
    path, before = await parked(door)
    client = door["pangkalpinang"]
    first = await changed(client, path, 1, owner="officer-19.71-2", document="ND-4")
    assert (first["owner"], first["due_at"], first["version"]) == ("officer-19.71-2", before["due_at"], 2)
    second = await changed(door["office"], path, 2, due_at=NEXT_WEEK, reason="Menunggu surat jalan")
    assert second["owner"] == "officer-19.71-2"
    shown = (await client.get(path)).json()
    assert shown == second
    assert [(one["version"], one["owner"], one["reason"], one["document"]) for one in shown["changes"]] == [
        (2, "officer-19.71-2", "Cuti", "ND-4"),
        (3, "officer-19.71-2", "Menunggu surat jalan", None),
    ]
    assert [one["changed_by"] for one in shown["changes"]] == ["officer-19.71", "staff-provinsi"]
    events = [event for event in await recorded() if isinstance(event, ExceptionChanged)]
    assert [(one.change_no, one.owner_before, one.owner, one.due_at, one.reason) for one in events] == [
        (2, "officer-19.71", "officer-19.71-2", NOON + timedelta(days=DEADLINE_DAYS), "Cuti"),
        (3, "officer-19.71-2", "officer-19.71-2", NOON + timedelta(days=20), "Menunggu surat jalan"),
    ]
    assert len({one.matter for one in events} - {f"exception/{before['id']}"}) == 2
    listed = (await client.get("/aid/exceptions", params={"owner": "officer-19.71-2"})).json()["items"]
    assert [one["id"] for one in listed] == [before["id"]]
    assert (await client.get("/aid/exceptions", params={"owner": "officer-19.71"})).json()["items"] == []
    assert await audited(database) == []


async def test_what_is_stale_settled_foreign_or_says_nothing_is_not_changed(door: Door) -> None:
    path, _ = await parked(door)
    client = door["pangkalpinang"]
    assert (await client.patch(path, json={"reason": "x", "owner": "y"})).status_code == 428
    assert (await changed(client, path, 2, 412, owner="y"))["code"] == "stale"
    assert told(await client.patch(path, json={"owner": ""}, headers={"If-Match": '"1"'})) == {
        ("/owner", "too_short"),
        ("/reason", "missing"),
    }
    nothing = await client.patch(path, json={"reason": "x"}, headers={"If-Match": '"1"'})
    assert told(nothing) == {("", "nothing_to_change")}
    await changed(door["belitung"], path, 1, 404, owner="y")
    await changed(door["auditor"], path, 1, 403, owner="y")
    await made(client, f"{path}/drop", {"reason": "Ganda"})
    assert (await changed(client, path, 2, 409, owner="y"))["code"] == "exception_closed"
    assert (await client.get(path)).json()["changes"] == []


async def test_a_new_deadline_that_passes_is_told_of_as_a_matter_of_its_own(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    path, _ = await parked(door)

    async def overdue() -> list[tuple[int, bool]]:
        async with database.work(OFFICE) as work:
            await sweep(work)
        events = [event for event in await recorded() if isinstance(event, ExceptionOverdue)]
        return [(one.deadline_no, one.matter == one.subject) for one in events]

    clock.advance(timedelta(days=DEADLINE_DAYS))
    assert await overdue() == [(1, True)]
    await changed(door["pangkalpinang"], path, 1, due_at=NEXT_WEEK)
    assert await overdue() == [(1, True)]
    clock.advance(timedelta(days=20 - DEADLINE_DAYS))
    for _ in range(2):
        assert await overdue() == [(1, True), (2, False)]
    shown = await changed(door["pangkalpinang"], path, 2, due_at=NOON.isoformat())
    assert shown["due_at"][:10] == clock.at.date().isoformat()  # a deadline is never before it was given


async def test_changes_are_history_and_the_audit_finds_what_was_changed_beside_them(
    database: Database, door: Door
) -> None:
    path, _ = await parked(door)
    await changed(door["pangkalpinang"], path, 1, owner="officer-19.71-2")
    async with database.work(OFFICE) as work:
        with pytest.raises(DBAPIError, match="append-only"):
            await work.session.execute(text("UPDATE stock_exception_change SET owner = 'x'"))
        await work.session.rollback()
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE stock_exception SET owner = 'officer-19.02'")
    assert [one.check for one in await audited(database)] == ["exception_is_as_it_was_changed_last"]
    assert ExceptionChanged in {event for audit in AUDITS.recorded for event in audit.events}
