import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from services.registration.businesses import handlers, store
from services.registration.businesses.domain import (
    BusinessData,
    BusinessIsClosed,
    NibTaken,
    NikBelongsToAnother,
    OwnerData,
)
from services.registration.businesses.handlers import Found
from services.registration.businesses.store import OwnerRow, Wanted
from services.registration.reactions import REACTIONS
from services.registration.support.handlers import remember, support_of, take_back
from shared.caller import Caller
from shared.contracts.aid_distribution import (
    BusinessShare,
    DistributionPosted,
    DistributionVoided,
    Goods,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketSold,
    ProductionAccepted,
    ProductionDeclined,
    ProductionDelivered,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    ReturnVoided,
    StockReturned,
)
from shared.contracts.notifications import PhoneUnreachable, ReplyReceived
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessRegistered,
    OwnerChanged,
    OwnerRegistered,
)
from shared.database import Database
from shared.privacy import Vault
from shared.problems import Absent, Invalid, Stale
from shared.province import Province
from shared.reaction import Heard
from tests.door import Recorded
from tests.registration.people import BELITUNG, NIK, OFFICE, PANGKALPINANG, SITI, TAILOR, owner
from tests.waiting import wait_until

Fact = TypeVar("Fact")


async def register(
    database: Database,
    business: BusinessData = TAILOR,
    person: OwnerData | None = SITI,
    *,
    owner_id: UUID | None = None,
    caller: Caller = PANGKALPINANG,
) -> Found:
    async with database.work(caller) as work:
        return await handlers.register_business(work, business, owner=person, owner_id=owner_id)


async def change(
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


async def stored(database: Database, table: str) -> list[dict[str, object]]:
    async with database.reading(OFFICE) as work:
        rows = await work.session.execute(text(f"SELECT * FROM {table}"))  # noqa: S608  the tests' own names
        return [dict(row._mapping) for row in rows]


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in refused.value.errors]


async def test_a_registration_stores_owner_and_business_and_records_both(
    database: Database, recorded: Recorded
) -> None:
    found = await register(database)
    assert (found.business.version, found.business.state) == (1, "active")
    assert (found.business.business_scale, found.business.business_scale_rule) == ("micro", "pp-7-2021")
    assert (found.business.industry_scale, found.business.industry_scale_rule) == ("small", "permenperin-64-2016")
    assert found.nik == "************9901"
    assert found.notices == []
    assert await recorded() == [
        OwnerRegistered(
            owner_id=found.owner.id,
            name="Siti Aminah",
            region="19.71",
            language="id",
            phone="+6283400000101",
            email="siti@contoh.example",
        ),
        BusinessRegistered(
            business_id=found.business.id,
            owner_id=found.owner.id,
            name="Konveksi Bersama",
            sector="garment",
            region="19.71",
        ),
    ]
    assert {row.region for row in await recorded.rows()} == {"19.71"}
    assert {row.actor for row in await recorded.rows()} == {"officer-19.71"}


async def test_neither_nik_nor_turnover_stands_anywhere_in_plain(database: Database) -> None:
    await register(database)
    async with database.reading(OFFICE) as work:
        for table in ("owner", "business", "person_key", "outbox"):
            rows = await work.session.execute(text(f"SELECT t::text FROM {table} t"))  # noqa: S608  the tests' own names
            for (line,) in rows:
                for secret in (NIK, "200000000"):
                    assert secret not in line
                    assert secret.encode().hex() not in line


async def test_a_known_nik_with_the_same_name_adds_a_business_to_its_owner(
    database: Database, recorded: Recorded
) -> None:
    first = await register(database)
    person = replace(SITI, name="SITI AMINAH", phone="0834-0000-0199")
    second = await register(
        database, replace(TAILOR, name="Warung", sector="food", region="19.02"), person, caller=OFFICE
    )
    assert second.owner.id == first.owner.id
    assert [(notice.pointer, notice.code) for notice in second.notices] == [
        ("/owner/nik", "nik_issued_elsewhere"),
        ("/owner/nik", "owner_known"),
        ("/owner/phone", "contact_kept"),
    ]
    assert second.owner.phone == "+6283400000101"
    assert [type(event) for event in await recorded()] == [OwnerRegistered, BusinessRegistered, BusinessRegistered]


async def test_a_known_nik_with_another_name_is_refused_and_tells_nothing(
    database: Database, recorded: Recorded
) -> None:
    await register(database)
    before = await recorded()
    with pytest.raises(NikBelongsToAnother) as refused:
        await register(database, replace(TAILOR, region="19.02"), replace(SITI, name="Rahmat Hidayat"), caller=BELITUNG)
    assert refused.value.members == {}
    for told in ("Siti", "19.71", NIK, "6283400000101"):
        assert told not in refused.value.detail
    assert await recorded() == before
    assert len(await stored(database, "business")) == 1


async def test_a_look_up_alone_would_not_keep_two_from_registering_one_person(database: Database) -> None:
    index = (database.vault or Vault(b"")).index(NIK)
    person = OwnerRow(
        id=UUID(int=1),
        name="Siti",
        nik_sealed=b"sealed",
        nik_index=index,
        language="id",
        region="19.71",
        registered_at=datetime.now(UTC),
    )
    async with database.work(OFFICE) as second:
        async with database.work(OFFICE) as first:
            assert await store.owner_by_nik(first.session, [index]) is None
            assert await store.owner_by_nik(second.session, [index]) is None  # both would go on to register
            assert await store.add_owner(first.session, person)
            waiting = asyncio.create_task(
                store.add_owner(second.session, person.model_copy(update={"id": UUID(int=2)}))
            )
            await wait_until(partial(_waits_for_a_lock, database), description="the second to wait for the first")
        assert await waiting is False
        found = await store.owner_by_nik(second.session, [index])
        assert found is not None
        assert found.id == UUID(int=1)


async def _waits_for_a_lock(database: Database) -> bool:
    async with database.reading(OFFICE) as work:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool((await work.session.execute(text(asked))).scalar_one())


async def test_people_without_a_nik_are_never_taken_for_one_another(database: Database) -> None:
    person = OwnerData(name="Siti Aminah")
    assert (await register(database, person=person)).owner.id != (await register(database, person=person)).owner.id


async def test_an_owner_is_named_by_id_where_the_caller_may_know_of_them(database: Database) -> None:
    first = await register(database)
    second = await register(database, replace(TAILOR, name="Second"), None, owner_id=first.owner.id)
    assert second.owner.id == first.owner.id
    with pytest.raises(Invalid) as refused:
        await register(database, replace(TAILOR, region="19.02"), None, owner_id=first.owner.id, caller=BELITUNG)
    assert codes(refused) == [("/owner_id", "unknown_owner")]


async def test_every_mistake_of_a_registration_is_told_at_once(database: Database, recorded: Recorded) -> None:
    business = replace(TAILOR, region="19.02", annual_sales_on=datetime(2099, 1, 1, tzinfo=UTC).date())
    person = replace(SITI, nik="1971010000000000", phone="12")
    with pytest.raises(Invalid) as refused:
        await register(database, business, person, owner_id=UUID(int=7))
    assert sorted(codes(refused)) == [
        ("/annual_sales_on", "in_the_future"),
        ("/owner/nik", "invalid_nik"),
        ("/owner/phone", "invalid_phone"),
        ("/owner_id", "both_given"),
        ("/owner_id", "unknown_owner"),
        ("/region", "unknown_region"),
    ]
    assert await recorded() == []
    assert await stored(database, "owner") == []


async def test_a_region_of_others_is_refused_in_the_same_words_as_one_that_does_not_exist(database: Database) -> None:
    told = []
    for region in ("19.02", "19.99", "31.71"):
        with pytest.raises(Invalid) as refused:
            await register(database, replace(TAILOR, region=region))
        told.append(refused.value.errors)
    assert told[0] == told[1] == told[2]


async def test_a_nib_belongs_to_one_business(database: Database) -> None:
    first = await register(database, replace(TAILOR, nib="0220000000099"))
    with pytest.raises(NibTaken) as refused:
        await register(database, replace(TAILOR, nib="0220000000099"))
    assert refused.value.members == {"business_id": str(first.business.id)}
    with pytest.raises(NibTaken) as elsewhere:
        await register(
            database, replace(TAILOR, nib="0220000000099", region="19.02"), OwnerData(name="Amir"), caller=BELITUNG
        )
    assert elsewhere.value.members == {}
    second = await register(database)
    with pytest.raises(NibTaken):
        await change(database, second, nib="0220000000099")


async def test_data_that_brings_its_own_ids_may_be_loaded_twice(
    database: Database, province: Province, recorded: Recorded
) -> None:
    row, person = province.businesses[0], province.owners[0]
    business = BusinessData(name=row.name, sector=row.sector, region=row.region, nib=row.nib)
    data = OwnerData(name=person.name, nik=person.nik, phone=person.phone, email=person.email)
    for _ in range(2):
        async with database.work(OFFICE) as work:
            found = await handlers.register_business(
                work, business, owner=data, business_id=row.id, new_owner_id=person.id
            )
            assert (found.business.id, found.owner.id) == (row.id, person.id)
    assert len(await recorded()) == 2


async def test_every_owner_and_business_of_the_demo_province_can_be_registered(
    database: Database, province: Province
) -> None:
    people = {person.id: person for person in province.owners}
    async with database.work(OFFICE) as work:
        for row in province.businesses:
            person = people[row.owner]
            await handlers.register_business(
                work,
                BusinessData(
                    name=row.name,
                    sector=row.sector,
                    region=row.region,
                    nib=row.nib,
                    annual_sales_rupiah=row.annual_sales_rupiah,
                ),
                owner=OwnerData(name=person.name, nik=person.nik, phone=person.phone, language=person.language),
                business_id=row.id,
                new_owner_id=person.id,
            )
    assert {row["id"] for row in await stored(database, "business")} == {row.id for row in province.businesses}
    assert {row["id"] for row in await stored(database, "owner")} == {row.owner for row in province.businesses}


async def test_a_change_raises_the_version_and_is_recorded(database: Database, recorded: Recorded) -> None:
    found = await register(database)
    changed = await change(database, found, name="Konveksi Baru", workers=25, kbli=None, annual_sales_rupiah=3 * 10**9)
    assert changed.business.version == 2
    assert changed.business.industry_scale == "medium"
    assert changed.business.business_scale == "small"
    assert changed.business.kbli_code is None
    (_, _, event) = await recorded()
    assert event == BusinessChanged(
        business_id=found.business.id,
        owner_id=found.owner.id,
        name="Konveksi Baru",
        sector="garment",
        region="19.71",
    )


async def test_a_change_to_what_is_known_already_changes_nothing(database: Database, recorded: Recorded) -> None:
    found = await register(database)
    same = {"name": "Siti Aminah", "phone": "0834 0000 0101", "nik": NIK}
    changed = await change(database, found, name=TAILOR.name, annual_sales_rupiah=200_000_000, of_owner=same)
    assert changed.business.version == 1
    assert len(await recorded()) == 2


async def test_a_change_of_an_older_version_is_refused(database: Database) -> None:
    found = await register(database)
    await change(database, found, workers=5)
    async with database.work(PANGKALPINANG) as work:
        with pytest.raises(Stale):
            await handlers.change_business(work, found.business.id, 1, {"workers": 6}, {})


async def test_an_owner_who_is_reached_otherwise_makes_all_their_businesses_newer(
    database: Database, recorded: Recorded
) -> None:
    first = await register(database)
    second = await register(database, replace(TAILOR, name="Second"), None, owner_id=first.owner.id)
    changed = await change(database, first, of_owner={"phone": "0834-0000-0155", "email": None, "language": "en"})
    assert changed.business.version == 2
    assert [row["version"] for row in await stored(database, "business")] == [2, 2]
    assert (await recorded())[-1] == OwnerChanged(
        owner_id=first.owner.id, name="Siti Aminah", region="19.71", language="en", phone="+6283400000155", email=None
    )
    with pytest.raises(Stale):
        await change(database, second, workers=9)


async def test_a_nik_may_be_told_later_and_corrected_but_not_taken_from_another(database: Database) -> None:
    found = await register(database, person=OwnerData(name="Siti Aminah"))
    other = await register(database, person=OwnerData(name="Rahmat"))
    told = await change(database, found, of_owner={"nik": "3310024906809905"})
    assert told.nik == "************9905"
    assert [notice.code for notice in told.notices] == ["nik_issued_elsewhere"]
    corrected = await change(database, told, of_owner={"nik": NIK})
    assert corrected.nik == "************9901"
    with pytest.raises(NikBelongsToAnother):
        await change(database, other, of_owner={"nik": NIK})


async def test_who_moves_with_their_only_business_belongs_to_the_new_region(
    database: Database, recorded: Recorded
) -> None:
    found = await register(database)
    moved = await change(database, found, OFFICE, region="19.02")
    assert (moved.business.region, moved.owner.region, moved.business.version) == ("19.02", "19.02", 2)
    assert [event.region for event in await recorded() if isinstance(event, BusinessChanged | OwnerChanged)] == [
        "19.02",
        "19.02",
    ]
    async with database.reading(PANGKALPINANG) as work:
        with pytest.raises(Absent):
            await handlers.business(work, found.business.id)


async def test_who_keeps_a_business_where_they_were_stays_there(database: Database) -> None:
    found = await register(database)
    await register(database, replace(TAILOR, name="Second"), None, owner_id=found.owner.id)
    moved = await change(database, found, OFFICE, region="19.02")
    assert moved.owner.region == "19.71"


async def test_an_officer_cannot_move_a_business_out_of_their_regions(database: Database) -> None:
    found = await register(database)
    with pytest.raises(Invalid) as refused:
        await change(database, found, region="19.02")
    assert codes(refused) == [("/region", "unknown_region")]


async def test_new_sales_without_a_day_are_of_today_and_never_of_the_old_day(database: Database) -> None:
    found = await register(database, replace(TAILOR, annual_sales_on=datetime(2020, 1, 1, tzinfo=UTC).date()))
    today = (await change(database, found, annual_sales_rupiah=1)).business.annual_sales_on
    assert today is not None
    assert today.year > 2020


async def test_sales_can_be_taken_away(database: Database) -> None:
    found = await register(database)
    changed = await change(database, found, annual_sales_rupiah=None)
    assert changed.business.annual_sales_sealed is None
    assert changed.business.annual_sales_on is None
    assert changed.business.business_scale is None
    with pytest.raises(Invalid) as refused:
        await change(database, changed, annual_sales_on=datetime(2020, 1, 1, tzinfo=UTC).date())
    assert codes(refused) == [("/annual_sales_rupiah", "missing")]


async def test_a_business_is_suspended_with_a_reason_and_taken_up_again(database: Database) -> None:
    found = await register(database)
    with pytest.raises(Invalid) as refused:
        await change(database, found, state="suspended")
    assert codes(refused) == [("/state_reason", "missing")]
    suspended = await change(database, found, state="suspended", state_reason="No orders")
    assert (suspended.business.state, suspended.business.state_reason) == ("suspended", "No orders")
    with pytest.raises(Invalid) as refused:
        await change(database, suspended, state="active")
    assert codes(refused) == [("/state_reason", "missing")]
    active = await change(database, suspended, state="active", state_reason="Orders again")
    assert (active.business.state, active.business.state_reason) == ("active", "Orders again")


async def test_a_closed_business_stays_closed_and_unchanged(database: Database, recorded: Recorded) -> None:
    found = await register(database)
    async with database.work(PANGKALPINANG) as work:
        closed = await handlers.close_business(work, found.business.id, "No orders since April", "BA/2020/4")
    assert (closed.business.state, closed.business.version) == ("closed", 2)
    assert (await recorded())[-1] == BusinessClosed(
        business_id=found.business.id, owner_id=found.owner.id, region="19.71", reason="No orders since April"
    )
    with pytest.raises(BusinessIsClosed):
        await change(database, closed, workers=1)
    async with database.work(PANGKALPINANG) as work:
        with pytest.raises(BusinessIsClosed):
            await handlers.close_business(work, found.business.id, "Again", None)


async def test_what_belongs_to_another_region_is_absent(database: Database) -> None:
    found = await register(database)
    async with database.reading(BELITUNG) as work:
        with pytest.raises(Absent):
            await handlers.business(work, found.business.id)
        with pytest.raises(Absent):
            await support_of(work, found.business.id, None, 10)
    async with database.work(BELITUNG) as work:
        with pytest.raises(Absent):
            await handlers.close_business(work, found.business.id, "Not mine", None)
    with pytest.raises(Absent):
        await change(database, found, BELITUNG, workers=1)
    async with database.reading(BELITUNG) as work:
        assert (await handlers.businesses(work, Wanted(region="19.71"), None, 10)).items == []


async def test_pages_follow_one_another_without_gap_or_repetition(database: Database) -> None:
    names = [f"Usaha {number}" for number in range(7)]
    for name in names:
        await register(database, replace(TAILOR, name=name))
    seen: list[str] = []
    cursor = None
    async with database.reading(OFFICE) as work:
        while True:
            page = await handlers.businesses(work, Wanted(), cursor, 3)
            seen += [found.business.name for found in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert seen == names


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(sector="garment"), {"Konveksi"}),
        (Wanted(region="19.02"), {"lada_hitam"}),
        (Wanted(region="19"), {"Lada Putih 100%", "lada_hitam", "Konveksi"}),
        (Wanted(region="19.7"), set()),
    ],
)
async def test_a_list_is_narrowed_by_what_is_asked(database: Database, wanted: Wanted, expected: set[str]) -> None:
    for name, sector, region in (
        ("Lada Putih 100%", "spices", "19.71"),
        ("lada_hitam", "spices", "19.02"),
        ("Konveksi", "garment", "19.71"),
    ):
        await register(
            database, BusinessData(name=name, sector=sector, region=region), OwnerData(name="Amir"), caller=OFFICE
        )
    async with database.reading(OFFICE) as work:
        page = await handlers.businesses(work, wanted, None, 10)
    assert {found.business.name for found in page.items} == expected


async def test_owners_see_their_own_businesses_with_the_sales_they_told(database: Database) -> None:
    found = await register(database)
    await register(database, replace(TAILOR, region="19.02"), None, owner_id=found.owner.id, caller=OFFICE)
    await register(database, person=OwnerData(name="Somebody else"))
    async with database.reading(owner(found.owner.id)) as work:
        page = await handlers.own_businesses(work, None, 10)
    assert [(own.business.region, own.annual_sales_rupiah) for own in page.items] == [
        ("19.71", 200_000_000),
        ("19.02", 200_000_000),
    ]
    async with database.reading(replace(owner(found.owner.id), subject="not an id")) as work:
        assert (await handlers.own_businesses(work, None, 10)).items == []


async def test_a_destroyed_key_leaves_the_business_and_takes_the_person_out_of_it(database: Database) -> None:
    found = await register(database)
    async with database.work(OFFICE) as work:
        await work.session.execute(text("DELETE FROM person_key"))
    async with database.reading(PANGKALPINANG) as work:
        assert (await handlers.business(work, found.business.id)).nik is None
    async with database.reading(owner(found.owner.id)) as work:
        assert (await handlers.own_businesses(work, None, 10)).items[0].annual_sales_rupiah is None


def distribution(businesses: list[UUID], number: int = 1, hour: int = 2) -> DistributionPosted:
    return DistributionPosted(
        distribution_id=UUID(int=number),
        number=f"2020-09-19.71-DI-000{number}",
        programme="free-masks",
        place="CC-PASAR",
        place_name="Pasar Pagi",
        region="19.71",
        occurred_at=datetime(2020, 9, 3, hour, tzinfo=UTC),
        lines=[Goods(item="MASK-CLOTH", item_name="Masker kain", unit="piece", quantity=200)],
        public_heads=150,
        businesses=businesses,
    )


def voided(posted: DistributionPosted) -> DistributionVoided:
    fields = {name: getattr(posted, name) for name in posted.__struct_fields__}
    return DistributionVoided(**fields, reason="Entered twice")


def heard(*events: Fact) -> list[Heard[Fact]]:
    return [Heard(event, OFFICE) for event in events]


async def test_what_a_business_received_is_remembered_once_however_often_it_is_told(database: Database) -> None:
    found = await register(database)
    other = UUID(int=99)  # not known here, which is no reason to stop listening
    posted = distribution([found.business.id, other, found.business.id])
    for _ in range(2):
        async with database.work(OFFICE) as work:
            await remember(work, heard(posted))
    async with database.reading(PANGKALPINANG) as work:
        (row,) = (await support_of(work, found.business.id, None, 10)).items
    assert (row.number, row.businesses_count, row.public_heads) == (posted.number, 2, 150)
    assert row.lines[0]["quantity"] == 200
    assert row.voided_at is None


async def test_what_a_business_itself_received_is_remembered_where_it_was_told(database: Database) -> None:
    found = await register(database)
    other = UUID(int=99)
    posted = distribution([found.business.id, other])
    shares = [
        BusinessShare(business_id=found.business.id, item="MASK-CLOTH", quantity=120),
        BusinessShare(business_id=other, item="SOAP-5L", quantity=3),
    ]
    soap = Goods(item="SOAP-5L", item_name="Sabun cair 5 l", unit="litre", quantity=3)
    told = msgspec.structs.replace(posted, lines=[*posted.lines, soap], shares=shares)
    async with database.work(OFFICE) as work:
        await remember(work, heard(told))
        await remember(work, heard(distribution([found.business.id], number=2)))
    async with database.reading(PANGKALPINANG) as work:
        rows = (await support_of(work, found.business.id, None, 10)).items
    assert [[line.get("share") for line in row.lines] for row in rows] == [[None], [120, 0]]


@pytest.mark.parametrize("heard_of_it", [True, False])
async def test_what_was_taken_back_stays_in_the_history_with_its_reason(
    database: Database, *, heard_of_it: bool
) -> None:
    found = await register(database)
    posted = distribution([found.business.id])
    async with database.work(OFFICE) as work:
        if heard_of_it:
            await remember(work, heard(posted))
        await take_back(work, heard(voided(posted)))
        await remember(work, heard(posted))  # told once more, late
    async with database.reading(PANGKALPINANG) as work:
        (row,) = (await support_of(work, found.business.id, None, 10)).items
    assert row.void_reason == "Entered twice"


async def test_each_of_several_taken_back_at_once_keeps_its_own_reason(database: Database) -> None:
    found = await register(database)
    told = [distribution([found.business.id], number) for number in (1, 2, 3)]
    async with database.work(OFFICE) as work:
        await remember(work, heard(*told))
        await take_back(work, heard(*(msgspec.structs.replace(voided(one), reason=one.number) for one in told[:2])))
    async with database.reading(PANGKALPINANG) as work:
        history = (await support_of(work, found.business.id, None, 10)).items
    assert {row.number: row.void_reason for row in history} == {
        told[0].number: told[0].number,
        told[1].number: told[1].number,
        told[2].number: None,
    }


async def test_a_distribution_to_the_public_alone_is_nobodys_history(database: Database) -> None:
    async with database.work(OFFICE) as work:
        await remember(work, heard(distribution([])))
    assert await stored(database, "support") == []


async def test_support_is_shown_latest_first_page_by_page(database: Database) -> None:
    found = await register(database)
    async with database.work(OFFICE) as work:
        told = [distribution([found.business.id], number, hour) for number, hour in ((1, 5), (2, 9), (3, 5), (4, 1))]
        await remember(work, heard(*told))
    seen: list[int] = []
    cursor = None
    async with database.reading(PANGKALPINANG) as work:
        while True:
            page = await support_of(work, found.business.id, cursor, 1)
            seen += [row.distribution_id.int for row in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert seen == [2, 3, 1, 4]


def test_the_service_reacts_to_what_businesses_received_what_became_of_kits_and_what_owners_answer() -> None:
    assert {reaction.event for reaction in REACTIONS} == {
        DistributionPosted,
        DistributionVoided,
        *(ProductionOffered, ProductionAccepted, ProductionDeclined, ProductionTakenBack),
        *(ProductionDelivered, ProductionPaid),
        *(MarketSold, StockReturned, ReturnVoided),
        *(KitsReserved, KitsRefused, KitsReleased),
        *(ReplyReceived, PhoneUnreachable),
    }
