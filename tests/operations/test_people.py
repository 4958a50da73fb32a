"""A person's rights by command: a copy of everything, a restriction, an erasure after which everything is whole."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Table

from services.aid_distribution.copies import TABLES as AID
from services.notifications.copies import TABLES as NOTIFICATIONS
from services.registration.people.copies import TABLES as REGISTRATION
from shared import migrations
from shared.person_copy import PersonTable
from tests.operations.conftest import BUSINESS, Installation
from tests.waiting import wait_until

WHY = ("--reason", "Diminta dengan surat 14 September 2020")
ABOUT_PEOPLE = {"owner_id", "business_id", "person"}
NOT_COPIED = {
    # The key itself: what it opens is given. The others hold what names are found by, and follow the names.
    "registration": {"person_key", "business_search", "duplicate_key", "duplicate_check"},
    "aid_distribution": set(),
    "notifications": set(),
}
CANARY_NIK, CANARY_SALES = "1971882307854321", 86_420_975_310_001


@pytest.mark.parametrize(
    ("service", "declared"),
    [("registration", REGISTRATION), ("aid_distribution", AID), ("notifications", NOTIFICATIONS)],
)
def test_every_table_that_names_a_person_or_their_business_is_part_of_a_copy(
    service: str, declared: list[PersonTable]
) -> None:
    tables: list[Table] = list(migrations.metadata_of(service).tables.values())
    naming = {table.name for table in tables if ABOUT_PEOPLE & set(table.columns.keys())}
    assert naming - {one.table for one in declared} == NOT_COPIED[service]


async def newcomer(there: Installation) -> dict[str, Any]:
    """Register somebody with everything, hand out to them alone, and have them sign."""
    async with there.running() as client:
        owner = {"name": "Ratna Kenanga", "nik": CANARY_NIK, "phone": "0834-0000-0977", "email": "ratna@contoh.example"}
        body = {
            "name": "Usaha Ratna Kenanga", "sector": "garment", "region": "19.71", "owner": owner,
            "annual_sales_rupiah": CANARY_SALES, "address": "Jalan Kenanga 7",
        }  # fmt: skip
        answer = await client.post("/registration/businesses", json=body, headers={"Idempotency-Key": "ratna"})
        assert answer.is_success, answer.text
        business: dict[str, Any] = answer.json()
        path = f"/registration/owners/{business['owner_id']}"
        assert (await client.post(f"{path}/kk", json={"kk": "1971870108125001"})).is_success
        assert (await client.post(f"{path}/reveal", json={"field": "nik", "reason": "Pembayaran"})).is_success
        hand_out = {
            "programme": "free-masks",
            "place": "WH-19.71",
            "occurred_at": datetime.now(UTC).isoformat(),
            "lines": [{"item": "MASK-CLOTH", "quantity": 3}],
            "recipients": {"public": 0, "businesses": [business["id"]]},
            "evidence": {"signature_name": "Ratna Kenanga"},
        }

        async def handed_out() -> bool:
            return (await client.post("/aid/distributions", json=hand_out)).is_success

        await wait_until(handed_out, description="aid to know the business")

        async def told() -> bool:
            people = [row["person"] for row in await there.rows("notifications", "SELECT person FROM message")]
            return people.count(f"owner/{business['owner_id']}") == 2

        await wait_until(told, description="her to be told")
    return business


async def everything(there: Installation) -> dict[str, str]:
    """Give every table of every service as text."""
    found = {}
    for service in ("registration", "aid_distribution", "notifications"):
        tables = await there.rows(
            service, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables:
            found[f"{service}.{table}"] = str(await there.rows(service, f"SELECT * FROM {table}"))  # noqa: S608  ours
    return found


async def test_a_copy_holds_everything_of_a_person_with_what_is_sealed_opened(
    there: Installation, tmp_path: Path
) -> None:
    business = await newcomer(there)
    answered = await there.command("person", "export", business["owner_id"], *WHY, "--json")
    assert answered.code == 0, answered
    copy = answered.read(dict[str, Any])["services"]
    (owner,) = copy["registration"]["owner"]
    assert (owner["name"], owner["nik"], owner["phone"]) == ("Ratna Kenanga", CANARY_NIK, "+6283400000977")
    assert copy["registration"]["business"][0]["annual_sales"] == str(CANARY_SALES)
    assert copy["registration"]["owner_kk"][0]["kk"] == "1971870108125001"
    assert copy["registration"]["reveal"][0]["actor"] == "staff-19"
    assert copy["aid_distribution"]["distribution_evidence"][0]["signature_name"] == "Ratna Kenanga"
    assert copy["notifications"]["contact"][0]["email"] == "ratna@contoh.example"
    assert {one["purpose"] for one in copy["notifications"]["message"]} == {"welcome", "aid"}
    assert len(copy["registration"]["support"]) == 1

    book = tmp_path / "salinan.xlsx"
    answered = await there.command("person", "export", business["owner_id"], *WHY, "--to", str(book))
    assert answered.code == 0, answered
    assert book.read_bytes().startswith(b"PK")
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
    again = await there.command("person", "export", business["owner_id"], *WHY, "--to", str(book))
    assert (again.code, "cannot be written" in again.line) == (1, True)
    acts = await there.rows("registration", "SELECT act, reason FROM person_act")
    assert [tuple(act) for act in acts] == [("export", WHY[1])] * 3


async def test_who_is_erased_is_in_no_database_any_more_and_everything_is_whole(there: Installation) -> None:
    business = await newcomer(there)
    before = await everything(there)
    assert "Ratna Kenanga" in before["aid_distribution.distribution_evidence"]

    planned = await there.command("person", "erase", business["owner_id"], *WHY, "--dry-run", "--json")
    assert planned.code == 0, planned
    plan = planned.read(dict[str, Any])
    assert (plan["done"], plan["counts"]["person_key"], plan["streams_kept_days"]) == (False, 2, 3)
    assert await everything(there) == before

    erased = await there.command("person", "erase", business["owner_id"], *WHY, "--yes", "--json")
    assert erased.code == 0, erased
    assert erased.read(dict[str, Any]) == plan | {"done": True}
    await there.becomes_whole()

    after = await everything(there)
    secrets = ("Ratna Kenanga", "ratna@contoh", "83400000977", "Jalan Kenanga", CANARY_NIK, str(CANARY_SALES))
    assert [(table, one) for table, rows in after.items() for one in secrets if one in rows] == []
    received = await there.rows(
        "registration", "SELECT business_id::text AS business, lines::text AS lines FROM support"
    )
    (lines,) = [msgspec.json.decode(row["lines"]) for row in received if row["business"] == business["id"]]
    assert lines[0]["quantity"] == 3, "what was received stays"
    again = await there.command("person", "erase", business["owner_id"], *WHY, "--yes")
    assert (again.code, "was erased at" in again.line) == (1, True)
    copy = await there.command("person", "export", business["owner_id"], *WHY)
    assert (copy.code, "was erased at" in copy.line) == (1, True)


async def test_a_restriction_by_command_holds_until_its_release(there: Installation) -> None:
    rows = await there.rows("registration", "SELECT id::text AS id, owner_id::text AS owner FROM business")
    owner = next(row["owner"] for row in rows if row["id"] == BUSINESS)
    assert (await there.command("person", "restrict", owner, *WHY, "--dry-run")).code == 0
    assert (await there.command("person", "release", owner, *WHY, "--yes")).code == 1
    assert (await there.command("person", "restrict", owner, *WHY, "--yes")).code == 0
    await there.becomes_whole()
    held = await there.rows("notifications", "SELECT kind FROM contact_hold")
    assert [one["kind"] for one in held] == ["restricted"]
    assert (await there.command("person", "release", owner, *WHY, "--yes")).code == 0
    await there.becomes_whole()
    assert await there.rows("notifications", "SELECT kind FROM contact_hold") == []


async def test_a_person_who_is_not_known_is_one_line(there: Installation) -> None:
    nobody = "01748b3f-6d00-7000-8000-000000000000"
    for act in ("export", "restrict", "release", "erase"):
        yes = () if act == "export" else ("--yes",)
        answered = await there.command("person", act, nobody, *WHY, *yes)
        assert (answered.code, answered.line) == (1, f"serumpun: there is no owner {nobody}")
