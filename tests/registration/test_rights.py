"""Data that may only be stored, and data that are erased: refused, recorded, told, and unreadable for good."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.people.domain import bears_name
from services.registration.people.rights import ERASED_NAME
from services.registration.support.income import IncomeRow
from shared.contracts import EVENTS
from shared.contracts.registration import BusinessClosed, PersonErased, PersonReleased, PersonRestricted
from shared.database import Database
from shared.idempotency import REPLAYED_HEADER
from shared.stream import LOST
from tests.door import Client, Recorded
from tests.registration.people import NIK, OFFICE, registration
from tests.registration.seats import Story

Door = Mapping[str, Client]
WHY = {"reason": "Diminta dengan surat 14 September 2020"}
KK = "1971012908190007"


async def registered(client: Client, **changes: object) -> dict[str, Any]:
    answer = await client.post(
        "/registration/businesses", json=registration(**changes), headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def path_of(business: Mapping[str, object], end: str) -> str:
    return f"/registration/owners/{business['owner_id']}/{end}"


async def rows(database: Database, question: str) -> list[Any]:
    async with database.reading(OFFICE) as work:
        return [dict(row) for row in (await work.session.execute(text(question))).mappings()]


async def test_restricted_data_are_shown_as_such_and_nothing_of_them_changes(door: Door, recorded: Recorded) -> None:
    business = await registered(door["office"])
    answer = await door["office"].post(path_of(business, "restriction"), json=WHY)
    assert answer.status_code == 201, answer.text
    owner_id = UUID(business["owner_id"])
    assert PersonRestricted(owner_id=owner_id, region="19.71") in await recorded()
    path = f"/registration/businesses/{business['id']}"
    assert (await door["office"].get(path)).json()["owner"]["state"] == "restricted"
    refused = [
        await door["office"].patch(path, json={"name": "Lain"}, headers={"If-Match": '"1"'}),
        await door["office"].post(f"{path}/closure", json=WHY),
        await door["office"].post("/registration/businesses", json=registration(nib=None)),
        await door["office"].post(path_of(business, "kk"), json={"kk": KK}),
        await door["office"].post(path_of(business, "reveal"), json={"field": "nik", **WHY}),
        await door["office"].post(path_of(business, "restriction"), json=WHY),
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(409, "owner_restricted")] * 6

    assert (await door["office"].post(path_of(business, "release"), json=WHY)).status_code == 201
    assert PersonReleased(owner_id=owner_id, region="19.71") in await recorded()
    assert (await door["office"].patch(path, json={"name": "Lain"}, headers={"If-Match": '"1"'})).status_code == 200
    again = await door["office"].post(path_of(business, "release"), json=WHY)
    assert (again.status_code, again.json()["code"]) == (409, "not_restricted")


async def test_rights_are_carried_out_by_the_province_for_people_of_its_regions(door: Door) -> None:
    business = await registered(door["office"])
    for end in ("restriction", "release", "erasure"):
        assert (await door["pangkalpinang"].post(path_of(business, end), json=WHY)).status_code == 403
        assert (await door["office"].post(f"/registration/owners/{uuid4()}/{end}", json=WHY)).status_code == 404


async def test_who_is_erased_stands_nowhere_any_more(door: Door, database: Database, recorded: Recorded) -> None:
    business = await registered(door["office"])
    path = f"/registration/businesses/{business['id']}"
    await door["office"].post(path_of(business, "kk"), json={"kk": KK, "since": "2019-08-29"})
    changed = {"owner": {"phone": "0834-0000-0102"}}
    await door["office"].patch(path, json=changed, headers={"If-Match": '"1"'})
    sealed = await rows(database, "SELECT nik_sealed FROM owner")

    answer = await door["office"].post(path_of(business, "erasure"), json=WHY)
    assert answer.status_code == 201, answer.text
    counts = answer.json()["counts"]
    of_tables = {"person_key": 2, "owner_kk": 1, "business": 1, "record_change": 1, "owner": 1, "outbox": 3}
    assert {table: count for table, count in counts.items() if count} == of_tables | {"idempotency": 1}
    assert business["owner_id"] not in answer.text

    assert sealed[0]["nik_sealed"] is not None
    (owner,) = await rows(database, "SELECT * FROM owner")
    assert (owner["name"], owner["phone"], owner["email"], owner["nik_sealed"]) == (ERASED_NAME, None, None, None)
    (shown,) = await rows(database, "SELECT * FROM business")
    assert (shown["state"], shown["address"], shown["annual_sales_sealed"]) == ("closed", None, None)
    tables = [one["name"] for one in await rows(database, "SELECT relname::text AS name FROM pg_class"
              " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")]  # fmt: skip
    for table in tables:
        found = str(await rows(database, f"SELECT * FROM {table}"))  # noqa: S608  from the catalogue
        for secret in ("Siti Aminah", "siti@contoh.example", "83400000101", "83400000102", "Syafrie", NIK):
            assert secret not in found, (table, secret)
    tombstones = [row for row in await recorded.rows() if row.type == LOST]
    assert len(tombstones) == 3
    kinds = [type(event) for event in await events_of(recorded)]
    assert {BusinessClosed, PersonErased} <= set(kinds)


async def _of_twins(story: Story, one: Mapping[str, object], other: Mapping[str, object]) -> None:
    """Leave a merge of two businesses of which its reasons name somebody."""
    low, high = sorted((str(one["id"]), str(other["id"])))
    async with story.database.work(OFFICE) as work:
        case = await work.session.execute(
            text(
                "INSERT INTO duplicate_case (id, low_id, high_id, kind, score, points, rule, state, opened_at,"
                " decided_at, decided_by, reason, version) VALUES (gen_random_uuid(), CAST(:low AS uuid),"
                " CAST(:high AS uuid), 'certain', 90, '{}', 'r', 'undone', now(), now(), 's', :name, 1) RETURNING id"
            ),
            {"low": low, "high": high, "name": NAME},
        )
        await work.session.execute(
            text(
                "INSERT INTO business_merge SELECT gen_random_uuid(), CAST(:case AS uuid), CAST(:low AS uuid),"
                " CAST(:high AS uuid), '{}', convert_to('x', 'UTF8'), :name, now(), 's', now(), 's', :name"
            ),
            {"case": case.scalar_one(), "low": low, "high": high, "name": NAME},
        )


NAME = "Ratna Kenanga"


async def test_a_name_that_was_planted_in_every_field_of_free_words_is_found_nowhere(story: Story) -> None:
    owner = {"name": NAME, "nik": "1971015203789999"}
    body = registration(nib=None, name=f"Usaha {NAME}", owner=owner, document=f"Berkas {NAME}")
    business = await story.done("office", "/registration/businesses", **body)
    owner_path, path = f"/registration/owners/{business['owner_id']}", f"/registration/businesses/{business['id']}"
    office = story.door["office"]
    changed = {"name": f"Konveksi {NAME}", "document": f"Surat {NAME}"}
    assert (await office.patch(path, json=changed, headers={"If-Match": '"1"'})).status_code == 200
    for how, words in (("signature", {"proof": f"Map {NAME}"}), ("spoken", {"witness": NAME})):
        kind = {"signature": "contact_by_phone", "spoken": "publish_story"}[how]
        asked = {"kind": kind, "given": True, "how": how, "happened_at": story.clock.at.isoformat(), **words}
        named = {"id": kind.replace("_", "-"), "version": 1}
        await story.done("office", f"{owner_path}/consents", **asked, text=named)
    key = {"Idempotency-Key": "looked"}
    looked = await office.post(f"{owner_path}/reveal", json={"field": "nik", "reason": NAME}, headers=key)
    assert looked.status_code == 201, looked.text
    survey = await story.done(
        "office", "/registration/surveys", title="Survei", region="19.71", opens_on=story.clock.today.isoformat(),
        closes_on=(story.clock.today + timedelta(days=9)).isoformat(), before_month="2020-02", now_month="2020-04",
    )  # fmt: skip
    invited = await office.post(f"/registration/surveys/{survey['id']}/invitations", json={"sector": "garment"})
    assert invited.json()["invited"] == 1
    link = (await office.get(f"/registration/surveys/{survey['id']}{path.removeprefix('/registration')}/link")).json()
    await story.done(
        "office", f"/registration/surveys/{survey['id']}/answers", business_id=business["id"], status="running",
        document=f"Formulir {NAME}",
    )  # fmt: skip
    training = await story.announce(seats=3, sessions=[story.clock.today.isoformat()])
    walked = f"/registration/trainings/{training['id']}/walk-ins"
    seat = await story.done("office", walked, business_id=business["id"], reason=f"Datang: {NAME}")
    other = await story.announce(seats=3, programme="TR-2020-09", sector="spices")
    there = await story.apply(other, business)
    await story.done("office", f"/registration/enrolments/{there['id']}/eligibility", reason=f"Izin {NAME}")
    await story.done(
        "office", f"/registration/enrolments/{there['id']}/withdrawal", how="phone", reason=f"Sakit {NAME}"
    )
    marked = f"/registration/trainings/{training['id']}/sessions/1/attendance"
    await story.done("office", marked, enrolment_id=seat["id"], reason=f"HP {NAME} tertinggal")
    await story.done("office", f"/registration/trainings/{training['id']}/finish")
    given = (await office.get(f"/registration/trainings/{training['id']}/certificates")).json()["items"][0]
    await story.done("office", f"/registration/certificates/{given['id']}/revocation", reason=f"Palsu: {NAME}")
    await story.done("office", f"{owner_path}/restriction", reason=f"Surat {NAME}")
    twin = await story.business()
    await _of_twins(story, business, twin)
    before = await _dumped(story)
    assert {table for table, found in before.items() if NAME in found} >= FREE_WORDS

    erased = await office.post(f"{owner_path}/erasure", json=WHY)
    assert erased.status_code == 201, erased.text
    after = await _dumped(story)
    gone = (NAME, NAME.lower(), "Ratna", link["code"])
    assert [(table, one) for table, found in after.items() for one in gone if one in found] == []
    assert await story.audited() == []
    again = await office.post(f"{owner_path}/reveal", json={"field": "nik", "reason": NAME}, headers=key)
    assert again.json() == {"erased": True}
    answered = await office.get(f"/registration/survey-links/{link['code']}")
    assert answered.status_code == 404


@pytest.mark.parametrize(
    ("trade_name", "owner", "bears"),
    [
        ("Usaha Siti Aminah", "Siti Aminah", True),
        ("SITI-AMINAH Jaya", "Hj. Siti Aminah", True),
        ("Warung Bu Siti", "Siti Aminah", True),
        ("Konveksi Melati", "Siti Aminah", False),
        ("Hj. Konveksi", "Hj. Siti", False),
        ("Sitirejo", "Siti Aminah", False),
    ],
)
def test_a_trade_name_goes_where_it_bears_the_name_of_its_owner(trade_name: str, owner: str, bears: bool) -> None:  # noqa: FBT001 - a case
    assert bears_name(trade_name, owner) is bears


FREE_WORDS = {
    "owner", "business", "record_change", "consent_act", "reveal", "survey_answer", "enrolment", "enrolment_step",
    "attendance", "certificate", "person_act", "business_merge", "duplicate_case", "outbox",
}  # fmt: skip


async def _dumped(story: Story) -> dict[str, str]:
    tables = await rows(story.database, "SELECT relname::text AS name FROM pg_class"
                        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")  # fmt: skip
    return {one["name"]: str(await rows(story.database, f"SELECT * FROM {one['name']}"))  # noqa: S608  the catalogue
            for one in tables}  # fmt: skip


async def test_a_journal_changes_for_the_one_who_is_erased_and_for_nobody_else(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    assert (await door["office"].post(path_of(business, "reveal"), json={"field": "nik", **WHY})).status_code == 201
    tried = [(str(uuid4()), "UPDATE reveal SET reason = 'x'"), (business["owner_id"], "DELETE FROM reveal")]
    for erases, order in tried:
        with pytest.raises(IntegrityError, match="append only"):
            await _ordered(database, erases, order)


async def _ordered(database: Database, erases: str, order: str) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(text("SELECT set_config('serumpun.erases', :who, true)"), {"who": erases})
        await work.session.execute(text(order))


async def events_of(recorded: Recorded) -> list[Any]:
    rows_ = [row for row in await recorded.rows() if row.type in EVENTS]
    return [msgspec.msgpack.decode(row.data, type=EVENTS[row.type]) for row in rows_]


async def test_erasing_again_is_refused_and_a_retry_gives_the_first_protocol(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    headers = {"Idempotency-Key": "once"}
    first = await door["office"].post(path_of(business, "erasure"), json=WHY, headers=headers)
    again = await door["office"].post(path_of(business, "erasure"), json=WHY, headers=headers)
    assert (again.content, again.headers[REPLAYED_HEADER]) == (first.content, "true")
    refused = await door["office"].post(path_of(business, "erasure"), json=WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "owner_erased")
    (act,) = await rows(database, "SELECT * FROM person_act")
    assert (act["act"], act["owner_id"], act["actor"], act["reason"]) == ("erase", None, "staff-1", WHY["reason"])


async def test_whose_work_is_not_paid_yet_is_not_erased(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    order_id = uuid4()
    async with database.work(OFFICE) as work:
        row = IncomeRow(
            order_id=order_id, kind="delivery", no=1, business_id=UUID(business["id"]), region="19.71",
            occurred_at=datetime.now(UTC), item="MASK-CLOTH", item_name="Masker", unit="piece", accepted=10,
            rejected=0, amount_rupiah=50_000,
        )  # fmt: skip
        work.session.add(row)
    refused = await door["office"].post(path_of(business, "erasure"), json=WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
    assert refused.json()["holds"] == [{"order_id": str(order_id), "unpaid_rupiah": 50_000}]
    assert (await rows(database, "SELECT name FROM owner")) == [{"name": "Siti Aminah"}]
    async with database.work(OFFICE) as work:
        row = IncomeRow(
            order_id=order_id, kind="payment", no=1, business_id=UUID(business["id"]), region="19.71",
            occurred_at=datetime.now(UTC), item="MASK-CLOTH", item_name="Masker", unit="piece", amount_rupiah=50_000,
        )  # fmt: skip
        work.session.add(row)
    assert (await door["office"].post(path_of(business, "erasure"), json=WHY)).status_code == 201


async def test_the_store_lets_nothing_stand_beside_an_erasure(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    await door["office"].post(path_of(business, "erasure"), json=WHY)
    with pytest.raises(IntegrityError, match="owner_erased_holds_nothing"):
        async with database.work(OFFICE) as work:
            await work.session.execute(text("UPDATE owner SET phone = '+6283400000101'"))
    with pytest.raises(IntegrityError, match="person_act_keeps_no_erased_person"):
        async with database.work(OFFICE) as work:
            await work.session.execute(
                text(
                    "INSERT INTO person_act SELECT gen_random_uuid(), at, actor, act, CAST(:owner AS uuid), reason,"
                    " counts FROM person_act"
                ),
                {"owner": UUID(business["owner_id"])},
            )


async def test_nobody_registers_a_business_of_somebody_who_is_erased_at_the_same_moment(
    door: Door, database: Database
) -> None:
    for round_ in range(4):
        nik = f"197101520378{9910 + round_}"
        first = await registered(door["office"], nib=None, owner={"name": "Siti Aminah", "nik": nik})
        another = registration(nib=None, name="Cabang", owner=None, owner_id=first["owner_id"])
        del another["owner"]
        erased, *others = await asyncio.gather(
            door["office"].post(path_of(first, "erasure"), json=WHY),
            *(door["office"].post("/registration/businesses", json=another) for _ in range(3)),
        )
        assert erased.status_code == 201, erased.text
        assert {one.status_code for one in others} <= {201, 409}
        assert {one.json()["code"] for one in others if one.status_code == 409} <= {"owner_erased"}
    trading = (
        "SELECT 1 FROM business JOIN owner ON owner.id = owner_id WHERE erased_at IS NOT NULL AND state <> 'closed'"
    )
    assert await rows(database, trading) == []
    assert (
        await rows(database, "SELECT 1 FROM person_key JOIN owner ON id = owner_id WHERE erased_at IS NOT NULL") == []
    )
