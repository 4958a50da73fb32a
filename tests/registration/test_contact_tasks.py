"""An owner whose number reaches nobody is one open task of their office, until it is corrected or closed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.contact_tasks import handlers
from shared.contracts.notifications import PhoneUnreachable
from shared.database import Database
from tests.door import Client
from tests.registration.people import OFFICE, registration

Door = Mapping[str, Client]
TASKS = "/registration/contact-tasks"
SECOND = (
    "INSERT INTO contact_task (id, owner_id, channel, reason, failed_at, state, opened_at)"
    " SELECT gen_random_uuid(), owner_id, channel, reason, failed_at, state, opened_at FROM contact_task"
)
LATER = timedelta(minutes=1)


async def registered(door: Door) -> tuple[str, UUID]:
    answer = await door["pangkalpinang"].post("/registration/businesses", json=registration())
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], UUID(answer.json()["owner_id"])


async def heard(database: Database, owner_id: UUID, at: datetime) -> None:
    event = PhoneUnreachable(owner_id=owner_id, message_id=owner_id, channel="sms", reason="bad_address", at=at)
    async with database.work(OFFICE) as work:
        await handlers.hear(work, event)


async def tasks(door: Door, who: str = "pangkalpinang", **asked: str) -> list[dict[str, object]]:
    answer = await door[who].get(TASKS, params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def correct(door: Door, business: str, phone: str | None) -> None:
    path = f"/registration/businesses/{business}"
    version = (await door["pangkalpinang"].get(path)).json()["version"]
    headers = {"If-Match": f'"{version}"'}
    answer = await door["pangkalpinang"].patch(path, json={"owner": {"phone": phone}}, headers=headers)
    assert answer.status_code == 200, answer.text


def soon() -> datetime:
    return datetime.now(UTC) + LATER


async def test_however_often_a_number_reaches_nobody_its_office_has_one_task(database: Database, door: Door) -> None:
    _, owner_id = await registered(door)
    for _ in range(3):
        await heard(database, owner_id, soon())
    (task,) = await tasks(door, state="open")
    assert (task["owner_id"], task["region"], task["channel"]) == (str(owner_id), "19.71", "sms")
    assert "0101" not in str(task["phone"]).replace(str(task["phone"])[-4:], ""), "the number is masked"
    assert str(task["phone"]) != "+6283400000101"
    assert await tasks(door, "belitung") == []


async def test_a_correction_ends_the_task_and_the_next_bad_number_opens_another(database: Database, door: Door) -> None:
    business, owner_id = await registered(door)
    await heard(database, owner_id, datetime.now(UTC))
    await correct(door, business, "0834-0000-0101")
    assert [task["state"] for task in await tasks(door)] == ["open"], "the same number is no correction"
    await correct(door, business, "0834-0000-0202")
    (task,) = await tasks(door)
    assert (task["state"], task["ended_by"], task["ended_reason"]) == ("corrected", "officer-19.71", None)
    await heard(database, owner_id, datetime.now(UTC) - LATER)
    assert await tasks(door, state="open") == [], "that was the number before"
    await heard(database, owner_id, soon())
    assert [task["state"] for task in await tasks(door)] == ["open", "corrected"]


async def test_what_is_heard_after_a_correction_that_came_first_opens_nothing(database: Database, door: Door) -> None:
    business, owner_id = await registered(door)
    sent_at = datetime.now(UTC)
    await correct(door, business, "0834-0000-0202")
    await heard(database, owner_id, sent_at)
    assert await tasks(door) == []


async def test_staff_of_the_region_close_a_task_once_and_for_a_reason(database: Database, door: Door) -> None:
    _, owner_id = await registered(door)
    await heard(database, owner_id, datetime.now(UTC))
    (task,) = await tasks(door)
    path = f"{TASKS}/{task['id']}/closure"
    assert (await door["belitung"].post(path, json={"reason": "x"})).status_code == 404
    assert (await door["auditor"].post(path, json={"reason": "x"})).status_code == 403
    wrong = await door["pangkalpinang"].post(path, json={"reason": "", "more": 1})
    assert wrong.status_code == 422
    assert {error["pointer"] for error in wrong.json()["errors"]} == {"/reason", "/more"}
    closed = await door["pangkalpinang"].post(path, json={"reason": "Tidak punya telepon"})
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    again = await door["pangkalpinang"].post(path, json={"reason": "Tidak punya telepon"})
    assert (again.status_code, again.json()["code"]) == (409, "contact_task_ended")


async def test_who_has_no_number_or_is_unknown_here_has_no_task(database: Database, door: Door) -> None:
    business, owner_id = await registered(door)
    await correct(door, business, None)
    await heard(database, owner_id, soon())
    await heard(database, UUID(int=7), soon())
    assert await tasks(door, "office") == []


async def test_the_database_keeps_one_open_task_and_no_end_without_a_reason(database: Database, door: Door) -> None:
    _, owner_id = await registered(door)
    await heard(database, owner_id, datetime.now(UTC))
    for statement in (
        SECOND,
        "UPDATE contact_task SET state = 'closed', ended_at = now(), ended_by = 'x'",
        "UPDATE contact_task SET state = 'corrected'",
        "UPDATE contact_task SET state = 'lost'",
    ):
        with pytest.raises(IntegrityError):
            async with database.work(OFFICE) as work:
                await work.session.execute(text(statement))
