"""What is kept about people is cleared on the day that the schedule says, not before, and everything stays whole."""

from datetime import date
from typing import Any

import pytest

from services.commands.terminal import Steps
from services.operations.field_retention import apply
from services.operations.installation import opened
from services.operations.schedule import SCHEDULE, Field
from shared import migrations
from tests.operations.conftest import BUSINESS, Installation

WHY = ("--reason", "Jadwal retensi")


@pytest.mark.parametrize("field", SCHEDULE, ids=lambda field: field.field)
def test_every_field_of_the_schedule_has_a_table_a_purpose_a_time_and_a_ground(field: Field) -> None:
    assert field.table in migrations.metadata_of(field.service).tables
    assert 0 < field.months <= 120
    assert field.purpose
    assert field.basis


async def due(there: Installation, day: date) -> dict[str, int]:
    async with opened(there.settings) as found:
        return {one.field: one.due for one in (await apply(found, Steps(), None, day)).fields}


async def test_a_field_is_due_on_the_day_and_not_on_the_day_before(there: Installation) -> None:
    # 21 September in WIB is still the 20th in UTC.
    await there.sql(
        "registration",
        "UPDATE business SET state = 'closed', state_reason = 'tutup', address = 'Jalan 7',"
        " changed_at = '2020-09-21 00:30+07'",
        "UPDATE business SET annual_sales_on = '2020-01-31' WHERE annual_sales_sealed IS NOT NULL",
    )
    await there.sql(
        "notifications",
        "UPDATE message SET created_at = '2020-09-21 00:30+07', read_at = NULL",
        "INSERT INTO withheld VALUES ('distribution/1', 'owner/1', 'aid', '2020-09-20 18:00+00')",
    )
    owners = len(await there.rows("registration", "SELECT 1 FROM owner WHERE phone IS NOT NULL OR email IS NOT NULL"))
    businesses = len(await there.rows("registration", "SELECT 1 FROM business"))
    niks = len(await there.rows("registration", "SELECT 1 FROM owner WHERE nik_sealed IS NOT NULL"))
    sales = len(await there.rows("registration", "SELECT 1 FROM business WHERE annual_sales_sealed IS NOT NULL"))
    messages = len(await there.rows("notifications", "SELECT 1 FROM message WHERE person LIKE 'owner/%'"))
    assert owners
    assert messages

    eve, day = await due(there, date(2022, 9, 20)), await due(there, date(2022, 9, 21))
    expected = {
        "registration.owner.phone, email": owners,
        "registration.business.address": businesses,
        "notifications.message.text": messages,
        "notifications.withheld.row": 1,
    }
    assert {name: eve[name] for name in expected} == dict.fromkeys(expected, 0)
    assert {name: day[name] for name in expected} == expected
    for before, on, name, many in (
        (date(2025, 9, 20), date(2025, 9, 21), "registration.owner.nik", niks),
        (date(2025, 1, 30), date(2025, 1, 31), "registration.business.annual_sales", sales),
    ):
        assert ((await due(there, before))[name], (await due(there, on))[name]) == (0, many)


async def test_one_business_that_is_not_closed_keeps_its_owner_reachable(there: Installation) -> None:
    await there.sql(
        "registration",
        "UPDATE business SET state = 'closed', state_reason = 'tutup', changed_at = '2010-01-01'",
        f"UPDATE business SET state = 'active', state_reason = NULL WHERE id = '{BUSINESS}'",  # noqa: S608  ours
    )
    counted = (await due(there, date(2030, 1, 1)))["registration.owner.phone, email"]
    reachable = await there.rows("registration", "SELECT 1 FROM owner WHERE phone IS NOT NULL OR email IS NOT NULL")
    assert counted == len(reachable) - 1


async def test_a_business_that_was_merged_away_keeps_nobody_reachable(there: Installation) -> None:
    others = f"(SELECT id FROM business WHERE owner_id <> b.owner_id AND id <> '{BUSINESS}' LIMIT 1)"  # noqa: S608  ours
    await there.sql(
        "registration",
        "UPDATE business SET state = 'closed', state_reason = 'tutup', address = 'Jalan 7', changed_at = '2010-01-01'",
        f"UPDATE business b SET state = 'merged', merged_into = {others} WHERE id = '{BUSINESS}'",  # noqa: S608  ours
    )
    found = await due(there, date(2030, 1, 1))
    reachable = await there.rows("registration", "SELECT 1 FROM owner WHERE phone IS NOT NULL OR email IS NOT NULL")
    businesses = await there.rows("registration", "SELECT 1 FROM business")
    assert found["registration.owner.phone, email"] == len(reachable)
    assert found["registration.business.address"] == len(businesses)


async def test_what_is_due_is_cleared_once_told_to_whom_it_concerns_and_on_record(there: Installation) -> None:
    businesses = "SELECT id FROM business WHERE owner_id = (SELECT id FROM owner WHERE email IS NOT NULL LIMIT 1)"
    await there.sql("registration", f"UPDATE business SET changed_at = '2010-01-01' WHERE id IN ({businesses})")  # noqa: S608
    async with there.running() as client:
        for row in await there.rows("registration", businesses):
            answer = await client.post(f"/registration/businesses/{row['id']}/closure", json={"reason": "tutup"})
            assert answer.is_success, answer.text
    await there.sql("registration", "UPDATE business SET changed_at = '2010-01-01' WHERE state = 'closed'")

    looked = await there.command("retention", "--dry-run", "--json")
    found = {one["field"]: one["due"] for one in looked.read(dict[str, Any])["fields"]}
    assert found["registration.owner.phone, email"] == 1
    assert await there.rows("registration", "SELECT 1 FROM person_act") == []

    cleared = await there.command("retention", "--apply", *WHY, "--json")
    assert cleared.code == 0, cleared
    assert {one["field"]: one["due"] for one in cleared.read(dict[str, Any])["fields"]} == found
    again = (await there.command("retention", "--json")).read(dict[str, Any])
    assert {one["due"] for one in again["fields"]} == {0}
    (act,) = await there.rows("registration", "SELECT act, owner_id, reason FROM person_act")
    assert tuple(act) == ("retention", None, WHY[1])
    await there.becomes_whole()
    told = await there.rows("notifications", "SELECT 1 FROM contact WHERE phone IS NULL AND email IS NULL")
    assert len(told) >= 1


async def test_clearing_needs_a_reason(there: Installation) -> None:
    assert (await there.command("retention", "--apply")).code == 2
    assert (await there.command("retention", "--apply", "--dry-run", *WHY)).code == 2
