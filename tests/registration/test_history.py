from collections.abc import Mapping
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.registration.businesses import handlers, history
from services.registration.businesses.handlers import Found
from services.registration.businesses.history import Entry
from shared.caller import Caller
from shared.clock import wib_day
from shared.database import Database
from shared.problems import Absent, Invalid
from tests.door import Client, told
from tests.registration.people import NIK, OFFICE, PANGKALPINANG, SITI, TAILOR, registration

Door = Mapping[str, Client]
BUSINESSES = "/registration/businesses"


async def registered(database: Database) -> Found:
    async with database.work(PANGKALPINANG) as work:
        return await handlers.register_business(work, TAILOR, owner=SITI)


async def changed(
    database: Database, found: Found, caller: Caller = PANGKALPINANG, *, of_owner: object = None, **changes: object
) -> Found:
    async with database.work(caller) as work:
        return await handlers.change_business(
            work,
            found.business.id,
            found.business.version,
            changes,
            of_owner if isinstance(of_owner, dict) else {},
        )


async def entries(database: Database, found: Found) -> list[Entry]:
    async with database.reading(OFFICE) as work:
        return (await history.of_business(work, found.business.id, None, 100)).items


async def fields(database: Database, found: Found) -> dict[str, tuple[str | None, str | None]]:
    return {f"{one.subject}.{one.field}": (one.before, one.after) for one in (await entries(database, found))[1:]}


async def test_a_registration_is_its_own_first_line_and_writes_no_other(database: Database) -> None:
    found = await registered(database)
    (first,) = await entries(database, found)
    assert (first.field, first.by, first.role, first.version) == ("registered", "officer-19.71", "regency_officer", 1)
    assert first.at == found.business.registered_at
    async with database.reading(OFFICE) as work:
        assert (await work.session.execute(text("SELECT count(*) FROM record_change"))).scalar_one() == 0


async def test_every_field_that_changes_has_a_line_with_before_and_after_and_who(database: Database) -> None:
    found = await registered(database)
    found = await changed(
        database,
        found,
        OFFICE,
        name="Konveksi Baru",
        workers=25,
        kbli=None,
        annual_sales_rupiah=3 * 10**9,
        annual_sales_on=date(2020, 8, 31),
        document="BA/1",
        of_owner={"phone": "0834-0000-0155", "email": None},
    )
    told_fields = await fields(database, found)
    assert told_fields.pop("business.annual_sales_on")[1] == "2020-08-31"
    assert told_fields == {
        "business.name": ("Konveksi Bersama", "Konveksi Baru"),
        "business.workers": ("4", "25"),
        "business.kbli": ("14111/2020", None),
        "business.document": (None, "BA/1"),
        "business.annual_sales_rupiah": ("200000000", "3000000000"),
        "business.business_scale": ("micro/pp-7-2021", "small/pp-7-2021"),
        "business.industry_scale": ("small/permenperin-64-2016", "medium/permenperin-64-2016"),
        "owner.phone": ("+6283400000101", "+6283400000155"),
        "owner.email": ("siti@contoh.example", None),
    }
    lines = (await entries(database, found))[1:]
    assert {(one.by, one.role, one.document, one.version) for one in lines} == {
        ("staff-1", "province_staff", "BA/1", 2)
    }


async def test_what_is_not_new_leaves_no_line(database: Database) -> None:
    found = await registered(database)
    await changed(database, found, name=TAILOR.name, of_owner={"phone": "0834 0000 0101"})
    assert await fields(database, found) == {}


async def test_nothing_of_a_person_stands_in_a_history_in_plain(database: Database) -> None:
    found = await registered(database)
    found = await changed(database, found, annual_sales_rupiah=987_654_321, address="Jalan Rahasia 7", of_owner={
        "name": "Siti Rahasia", "nik": "3310024906809905", "phone": "0834-0000-0177", "email": "rahasia@contoh.example",
    })  # fmt: skip
    async with database.reading(OFFICE) as work:
        lines = list((await work.session.execute(text("SELECT t::text FROM record_change t"))).scalars())
    assert len(lines) == 6
    for secret in ("987654321", "200000000", "Rahasia", "Aminah", NIK, "3310024906809905", "6283400000", "contoh"):
        for line in lines:
            assert secret not in line
            assert secret.encode().hex() not in line
    told_fields = await fields(database, found)
    assert told_fields["owner.nik"] == (NIK, "3310024906809905")  # opened here, masked at the edge


async def test_a_destroyed_key_leaves_the_lines_and_takes_the_person_out_of_them(database: Database) -> None:
    found = await registered(database)
    await changed(database, found, name="Konveksi Baru", of_owner={"name": "Siti A."})
    async with database.work(OFFICE) as work:
        await work.session.execute(text("DELETE FROM person_key"))
    lines = {one.field + "/" + one.subject: one for one in await entries(database, found)}
    assert (lines["name/owner"].before, lines["name/owner"].after, lines["name/owner"].readable) == (None, None, False)
    assert (lines["name/business"].after, lines["name/business"].readable) == ("Konveksi Baru", True)


async def test_a_value_moved_to_another_line_does_not_open(database: Database) -> None:
    found = await registered(database)
    await changed(database, found, of_owner={"name": "Siti A.", "phone": "0834-0000-0177"})
    async with database.work(OFFICE) as work:
        await work.session.execute(text("ALTER TABLE record_change DISABLE TRIGGER USER"))
        await work.session.execute(
            text(
                "UPDATE record_change a SET after_sealed = b.after_sealed FROM record_change b"
                " WHERE a.field = 'name' AND b.field = 'phone'"
            )
        )
    with pytest.raises(Exception, match="sealed with another key, for another place"):
        await entries(database, found)


@pytest.mark.parametrize(
    "act", ["UPDATE record_change SET field = 'x'", "DELETE FROM record_change", "TRUNCATE record_change"]
)
async def test_a_history_is_only_added_to(database: Database, act: str) -> None:
    await changed(database, await registered(database), workers=9)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(act))


async def test_states_follow_with_reason_document_and_day(database: Database) -> None:
    found = await registered(database)
    found = await changed(
        database,
        found,
        state="suspended",
        state_reason="No orders",
        state_document="BA/2",
        state_since=date(2020, 4, 1),
    )
    assert (found.business.state_since, found.business.state_document) == (date(2020, 4, 1), "BA/2")
    found = await changed(database, found, state="active", state_reason="Orders again")
    assert found.business.state_document is None
    async with database.work(PANGKALPINANG) as work:
        await handlers.close_business(work, found.business.id, "Sold", "BA/3", date(2020, 12, 31))
    states = [one for one in await entries(database, found) if one.field == "state"]
    assert [(one.before, one.after, one.reason, one.document) for one in states] == [
        ("active", "suspended", "No orders", "BA/2"),
        ("suspended", "active", "Orders again", None),
        ("active", "closed", "Sold", "BA/3"),
    ]
    assert (states[0].since, states[2].since) == (date(2020, 4, 1), date(2020, 12, 31))


async def test_a_state_of_a_day_to_come_is_refused(database: Database) -> None:
    found = await registered(database)
    with pytest.raises(Invalid) as refused:
        await changed(database, found, state="suspended", state_reason="x", state_since=date(2999, 1, 1))
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/state_since", "in_the_future")]
    async with database.work(PANGKALPINANG) as work:
        with pytest.raises(Invalid):
            await handlers.close_business(work, found.business.id, "x", None, date(2999, 1, 1))


async def test_a_scale_says_since_when_it_is_this_one(database: Database) -> None:
    found = await registered(database)
    async with database.work(OFFICE) as work:  # as if it had been registered long ago
        await work.session.execute(text("UPDATE business SET registered_at = '2020-01-01T00:00:00Z'"))
    found = await changed(database, found, workers=25)
    since = found.business.industry_scale_since
    assert since == wib_day(found.business.changed_at)
    assert found.business.business_scale_since is None  # as it was from the start
    found = await changed(database, found, workers=26)
    assert found.business.industry_scale_since == since
    found = await changed(database, found, investment_rupiah=None)
    assert (found.business.industry_scale, found.business.industry_scale_since) == (None, None)


async def test_pages_of_a_history_follow_one_another(database: Database) -> None:
    found = await registered(database)
    for workers in range(5, 12):
        found = await changed(database, found, workers=workers)
    everything = [one.id for one in await entries(database, found)]
    seen, cursor = [], None
    async with database.reading(OFFICE) as work:
        while True:
            page = await history.of_business(work, found.business.id, cursor, 3)
            seen += [one.id for one in page.items]
            if (cursor := page.next) is None:
                break
    assert seen == everything
    assert len(seen) == 8


async def test_the_history_of_another_region_is_absent(database: Database) -> None:
    found = await registered(database)
    async with database.reading(Caller("officer", OFFICE.role, ("19.02",))) as work:
        with pytest.raises(Absent):
            await history.of_business(work, found.business.id, None, 10)


async def test_the_edge_masks_what_not_everybody_may_see(door: Door) -> None:
    made = (await door["pangkalpinang"].post(BUSINESSES, json=registration())).json()
    path = f"{BUSINESSES}/{made['id']}"
    body = {
        "annual_sales_rupiah": 987_654_321,
        "owner": {"nik": "3310024906809905", "phone": "0834-0000-0155", "email": "baru@contoh.example"},
    }
    assert (await door["office"].patch(path, json=body, headers={"If-Match": '"1"'})).status_code == 200
    for who in ("pangkalpinang", "auditor"):
        answer = await door[who].get(f"{path}/history")
        shown = {line["field"]: (line["before"], line["after"]) for line in answer.json()["items"]}
        assert shown["registered"] == (None, None)
        assert shown["nik"] == ("************9901", "************9905")
        assert shown["annual_sales_rupiah"] == ("********", "********")
        reachable = who == "pangkalpinang"
        assert (shown["phone"][1] == "+6283400000155") is reachable
        assert (shown["email"][1] == "baru@contoh.example") is reachable
        assert "987654321" not in answer.text
    assert (await door["belitung"].get(f"{path}/history")).status_code == 404


@pytest.mark.parametrize("edition", [2009, 2021])
async def test_a_class_is_read_in_an_edition_that_there_is(door: Door, edition: int) -> None:
    body = registration(kbli={"code": "14111", "edition": edition})
    assert told(await door["office"].post(BUSINESSES, json=body)) == {("/kbli/edition", "unknown_value")}
    for known in (2015, 2017, 2020, 2025):
        body = registration(kbli={"code": "14111", "edition": known}, nib=None)
        assert (await door["office"].post(BUSINESSES, json=body)).status_code == 201
