"""Personal data over HTTP: revealed with a reason, on record and within a limit; family cards with their history."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import LargeBinary, text
from sqlalchemy.exc import IntegrityError

from services.registration.people.domain import REVEALS_PER_DAY, follows, kk_mistakes
from services.registration.people.sealing import SEALED
from shared import migrations
from shared.clock import seconds_until_midnight, wib_day
from shared.database import Database
from shared.idempotency import REPLAYED_HEADER, request_hash
from shared.person_numbers import kk_fault
from shared.security import KeyStore
from shared.telemetry import AsgiApp
from tests.door import Client, Recorded, told
from tests.registration.people import NIK, OFFICE, owner, registration

Door = Mapping[str, Client]
KK, NEW_KK = "1971012908190007", "1971010109200003"
REASON = "Pembayaran pesanan masker"


async def registered(client: Client, **changes: object) -> dict[str, Any]:
    answer = await client.post("/registration/businesses", json=registration(**changes))
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def path_of(business: Mapping[str, object], end: str) -> str:
    return f"/registration/owners/{business['owner_id']}/{end}"


async def stored(database: Database, question: str) -> list[Any]:
    async with database.reading(OFFICE) as work:
        return list((await work.session.execute(text(question))).scalars())


# The registry


def test_every_sealed_column_is_known_to_what_must_reach_all_of_them() -> None:
    tables = migrations.metadata_of("registration")
    sealed = {
        f"{table.name}.{column.name}": column.type
        for table in tables.tables.values()
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert all(isinstance(kind, LargeBinary) for kind in sealed.values())
    assert set(sealed) == {one.name for one in SEALED}
    for one in SEALED:
        columns = tables.tables[one.table].columns
        assert {one.row, one.owner, *([one.index] if one.index else [])} <= set(columns.keys())
        assert (one.index is None) == (one.kind == "")


def test_no_other_service_has_a_sealed_column() -> None:
    for service in ("aid_distribution", "notifications"):
        tables: list[Any] = list(migrations.metadata_of(service).tables.values())
        assert not [column for table in tables for column in table.columns if column.name.endswith("_sealed")]


# Reveal


async def test_a_number_is_revealed_with_a_reason_and_both_are_on_record(door: Door, recorded: Recorded) -> None:
    business = await registered(door["pangkalpinang"])
    before = await recorded()
    answer = await door["pangkalpinang"].post(path_of(business, "reveal"), json={"field": "nik", "reason": REASON})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.json()["number"], answer.json()["left_today"]) == (NIK, REVEALS_PER_DAY - 1)
    assert await recorded() == before, "no event tells of it"
    (seen,) = (await door["auditor"].get("/registration/reveals")).json()["items"]
    assert (seen["owner_id"], seen["field"], seen["actor"], seen["role"], seen["reason"]) == (
        business["owner_id"],
        "nik",
        "officer-19.71",
        "regency_officer",
        REASON,
    )
    assert NIK not in str(seen)


async def test_a_person_sees_who_looked_at_their_data_and_at_nobody_elses(
    door: Door, app: AsgiApp, keys: KeyStore
) -> None:
    business = await registered(door["office"])
    await door["office"].post(path_of(business, "reveal"), json={"field": "nik", "reason": REASON})
    async with Client(app, keys, owner(UUID(business["owner_id"]))) as herself:
        (seen,) = (await herself.get("/registration/my/reveals")).json()["items"]
        assert (seen["actor"], seen["reason"]) == ("staff-1", REASON)
    async with Client(app, keys, owner(uuid4())) as another:
        assert (await another.get("/registration/my/reveals")).json()["items"] == []


async def test_sales_take_a_role_of_their_own_which_sees_no_identity(door: Door) -> None:
    business = await registered(door["office"])
    asked = {"field": "annual_sales", "reason": REASON}
    for name in ("pangkalpinang", "office"):
        refused = await door[name].post(path_of(business, "reveal"), json=asked)
        assert (refused.status_code, refused.json()["action"]) == (403, "reveal_turnover")
    for field in ("nik", "kk"):
        refused = await door["turnover"].post(path_of(business, "reveal"), json={"field": field, "reason": REASON})
        assert (refused.status_code, refused.json()["action"]) == (403, "reveal_identity")
    seen = (await door["turnover"].get(f"/registration/businesses/{business['id']}")).json()
    assert (seen["owner"]["email"], seen["owner"]["phone"]) == (None, "+62********101")
    shown = (await door["turnover"].post(path_of(business, "reveal"), json=asked)).json()
    assert shown["number"] is None
    assert shown["annual_sales"] == [
        {
            "business_id": business["id"],
            "name": "Konveksi Bersama",
            "annual_sales_rupiah": 200_000_000,
            "annual_sales_on": "2020-08-31",
        }
    ]
    assert len((await door["auditor"].get("/registration/reveals")).json()["items"]) == 1, "a refusal is no look"


async def test_another_region_is_told_nothing_and_what_is_not_known_is_not_counted(door: Door) -> None:
    business = await registered(door["office"], owner={"name": "Amir"})
    asked = {"field": "nik", "reason": REASON}
    assert (await door["belitung"].post(path_of(business, "reveal"), json=asked)).status_code == 404
    refused = await door["office"].post(path_of(business, "reveal"), json=asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_reveal")
    assert (await door["auditor"].get("/registration/reveals")).json()["items"] == []


async def test_a_look_needs_a_field_and_a_reason(door: Door) -> None:
    business = await registered(door["office"])
    answer = await door["office"].post(path_of(business, "reveal"), json={"field": "shoe_size", "reason": " "})
    assert told(answer) == {("/field", "unknown_value"), ("/reason", "bad_format")}


async def test_looks_are_limited_by_the_day_also_when_all_come_at_once(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    asked = {"field": "nik", "reason": REASON}
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text(
                "INSERT INTO reveal (id, owner_id, region, field, actor, role, reason, day, no, at)"
                " SELECT gen_random_uuid(), CAST(:owner AS uuid), '19.71', 'nik', 'staff-1', 'province_staff', 'x',"
                " CAST(:day AS date), no, CAST(:now AS timestamptz) FROM generate_series(1, :many) AS no"
            ),
            {
                "owner": UUID(business["owner_id"]),
                "day": wib_day(work.now),
                "now": work.now,
                "many": REVEALS_PER_DAY - 3,
            },
        )
    answers = await asyncio.gather(*(door["office"].post(path_of(business, "reveal"), json=asked) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 3
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["code"], refused.json()["limit"]) == ("reveals_used_up", REVEALS_PER_DAY)
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    assert NIK not in refused.text
    other = await door["pangkalpinang"].post(path_of(business, "reveal"), json=asked)
    assert other.status_code == 201, "each caller has a limit of their own"


async def test_a_retry_is_answered_as_the_first_time_and_looks_once(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    asked, headers = {"field": "nik", "reason": REASON}, {"Idempotency-Key": "once"}
    first = await door["office"].post(path_of(business, "reveal"), json=asked, headers=headers)
    again = await door["office"].post(path_of(business, "reveal"), json=asked, headers=headers)
    assert again.content == first.content
    assert again.headers[REPLAYED_HEADER] == "true"
    assert await stored(database, "SELECT count(*) FROM reveal") == [1]
    (kept,) = await stored(database, "SELECT body FROM idempotency")
    assert NIK.encode() not in kept


async def test_the_digest_of_a_request_tells_nothing_to_whoever_tries_out_numbers(
    door: Door, database: Database
) -> None:
    body = b'{"kk":"1971012908190007"}'
    business = await registered(door["office"])
    path = path_of(business, "kk")
    headers = {"Idempotency-Key": "kk", "Content-Type": "application/json"}
    assert (await door["office"].post(path, content=body, headers=headers)).status_code == 201
    (kept,) = await stored(database, "SELECT request_hash FROM idempotency")
    assert len(kept) == 32
    assert kept != request_hash("POST", path, b"", body)


async def test_the_record_of_looks_is_never_changed(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    await door["office"].post(path_of(business, "reveal"), json={"field": "nik", "reason": REASON})
    for change in ("UPDATE reveal SET reason = 'x'", "DELETE FROM reveal", "TRUNCATE reveal"):
        with pytest.raises(IntegrityError, match="append only"):
            async with database.work(OFFICE) as work:
                await work.session.execute(text(change))
    with pytest.raises(IntegrityError, match="reveal_within_the_limit"):
        async with database.work(OFFICE) as work:
            await work.session.execute(
                text(
                    "INSERT INTO reveal SELECT gen_random_uuid(), owner_id, region, field, actor, role, reason, day,"
                    " :no, at FROM reveal"
                ),
                {"no": REVEALS_PER_DAY + 1},
            )


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2020, 9, 14, 17, 0, tzinfo=UTC), 24 * 3600),
        (datetime(2020, 9, 14, 16, 59, 59, tzinfo=UTC), 1),
        (datetime(2020, 9, 14, 16, 59, 59, 500_000, tzinfo=UTC), 1),
        (datetime(2020, 9, 14, 5, 0, tzinfo=UTC), 12 * 3600),
    ],
)
def test_the_next_day_begins_at_midnight_in_wib(now: datetime, seconds: int) -> None:
    assert seconds_until_midnight(now) == seconds


# Family cards


@pytest.mark.parametrize(
    ("kk", "fault"),
    [
        (KK, None),
        ("1971012902200001", None),
        ("197101290219000", "16 digits"),
        ("19710129021900012", "16 digits"),
        ("1971012902190001", "the day on which"),
        ("1971016908190007", "the day on which"),
        ("1900012908190007", "a district"),
        ("1971012908190000", "serial"),
        ("١٩٧١٠١٢٩٠٨١٩٠٠٠٧", "16 digits"),
    ],
)
def test_the_number_of_a_family_card_has_a_form(kk: str, fault: str | None) -> None:
    found = kk_fault(kk)
    assert (found is None) if fault is None else (found is not None and fault in found)
    assert kk not in (found or "")


def test_a_card_begins_after_the_one_before_and_not_in_the_future() -> None:
    day = date(2020, 9, 14)
    assert follows(day, None) == []
    assert follows(day, day - timedelta(days=1)) == []
    assert [error.code for error in follows(day, day)] == ["not_after_the_one_before"]
    assert [error.code for error in kk_mistakes({"/since": day + timedelta(days=1)}, day)] == ["in_the_future"]


async def test_the_family_card_changes_and_its_history_is_kept(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    first = await door["pangkalpinang"].post(path_of(business, "kk"), json={"kk": KK, "since": "2019-08-29"})
    assert (first.json()["kk"], first.json()["until"]) == ("*" * 12 + KK[-4:], None)
    assert KK not in first.text
    second = await door["office"].post(path_of(business, "kk"), json={"kk": NEW_KK, "since": "2020-09-01"})
    assert second.status_code == 201, second.text
    shown = (await door["office"].get(path_of(business, "kk"))).json()["items"]
    assert [(one["kk"][-4:], one["since"], one["until"]) for one in shown] == [
        (NEW_KK[-4:], "2020-09-01", None),
        (KK[-4:], "2019-08-29", "2020-09-01"),
    ]
    revealed = await door["office"].post(path_of(business, "reveal"), json={"field": "kk", "reason": REASON})
    assert revealed.json()["number"] == NEW_KK
    for sealed in await stored(database, "SELECT kk_sealed FROM owner_kk"):
        assert KK.encode() not in sealed
        assert NEW_KK.encode() not in sealed


async def test_a_card_is_refused_with_every_mistake(door: Door) -> None:
    business = await registered(door["office"])
    answer = await door["office"].post(path_of(business, "kk"), json={"kk": "12", "since": "2999-01-01"})
    assert told(answer) == {("/kk", "invalid_kk"), ("/since", "in_the_future")}
    await door["office"].post(path_of(business, "kk"), json={"kk": KK, "since": "2019-08-29"})
    same = await door["office"].post(path_of(business, "kk"), json={"kk": KK})
    assert (same.status_code, same.json()["code"]) == (409, "kk_unchanged")
    earlier = await door["office"].post(path_of(business, "kk"), json={"kk": NEW_KK, "since": "2019-08-29"})
    assert told(earlier) == {("/since", "not_after_the_one_before")}
    assert (await door["belitung"].post(path_of(business, "kk"), json={"kk": NEW_KK})).status_code == 404
    assert (await door["auditor"].get(path_of(business, "kk"))).status_code == 403


async def test_two_cards_at_once_leave_one_that_holds(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    answers = await asyncio.gather(
        *(door["office"].post(path_of(business, "kk"), json={"kk": kk, "since": "2020-01-01"}) for kk in (KK, NEW_KK))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert await stored(database, "SELECT count(*) FROM owner_kk WHERE until IS NULL") == [1]


async def test_who_shares_a_card_is_told_within_the_callers_regions(door: Door) -> None:
    other_nik = "1971015203789902"
    one = await registered(door["office"])
    two = await registered(door["office"], nib=None, owner={"name": "Budi", "nik": other_nik})
    await door["office"].post(path_of(one, "kk"), json={"kk": KK})
    shown = await door["office"].post(path_of(two, "kk"), json={"kk": KK})
    assert shown.json()["same_card"] == [one["owner_id"]]
