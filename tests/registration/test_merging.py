from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.registration.businesses import handlers, history, merging
from services.registration.businesses.domain import BusinessData, BusinessIsMerged, Kbli, NibTaken, OwnerData
from services.registration.businesses.handlers import Found
from services.registration.businesses.merging import TAKEN, ChangedSinceMerge, MergeUnreadable, SurvivorNotOpen
from services.registration.businesses.store import Wanted
from services.registration.duplicates import handlers as cases
from services.registration.duplicates.domain import CaseDecided
from services.registration.support.handlers import remember, support_of
from shared.contracts.aid_distribution import DistributionPosted, Goods
from shared.contracts.registration import BusinessChanged, BusinessMerged
from shared.database import Database
from shared.problems import Absent, Invalid
from shared.reaction import Heard
from tests.door import Client, Recorded, told
from tests.registration.people import BELITUNG, OFFICE, registration

Door = Mapping[str, Client]
MELATI = BusinessData(
    name="Bordir Melati Indah",
    sector="garment",
    region="19.71",
    workers=4,
    investment_rupiah=40_000_000,
    annual_sales_rupiah=200_000_000,
    address="Jalan Mawar 1",
)
TWIN = BusinessData(
    name="UD. Bordir Melati Indah",
    sector="food",
    region="19.71",
    kbli=Kbli("14111", 2020),
    nib="0220000000777",
    workers=25,
    investment_rupiah=2_000_000_000,
    annual_sales_rupiah=3_000_000_000,
    annual_sales_on=date(2020, 8, 31),
    address="Jalan Melati 2",
)
DEWI = OwnerData(name="Dewi Kusuma", phone="0834-0000-0777")


async def pair(database: Database, other: BusinessData = TWIN) -> tuple[Found, Found, UUID]:
    made = []
    for business in (MELATI, other):
        async with database.work(OFFICE) as work:
            made.append(await handlers.register_business(work, business, owner=DEWI))
    async with database.reading(OFFICE) as work:
        (case,) = (await cases.page(work, None, made[1].business.id, None, 10)).items
    return made[0], made[1], case.row.id


async def merged(database: Database, case_id: UUID, survivor: Found, take: Sequence[str] = ()) -> None:
    async with database.work(OFFICE) as work:
        await merging.merge(work, case_id, survivor.business.id, take, "One and the same")


async def undone(database: Database, case_id: UUID) -> None:
    async with database.work(OFFICE) as work:
        await merging.undo(work, case_id, "Two after all")


async def rows(database: Database, *ids: UUID) -> dict[UUID, dict[str, object]]:
    """Give businesses as they are stored, without what says that they were written anew."""
    async with database.reading(OFFICE) as work:
        found = await work.session.execute(text("SELECT * FROM business WHERE id = ANY(:ids)"), {"ids": list(ids)})
        return {
            row["id"]: {name: value for name, value in row.items() if name not in ("version", "changed_at")}
            for row in found.mappings()
        }


def posted(*businesses: UUID) -> Heard[DistributionPosted]:
    event = DistributionPosted(
        distribution_id=uuid4(),
        number="2020-09-19.71-DO-0001",
        programme="free-masks",
        place="WH-19.71",
        place_name="Gudang Pangkalpinang",
        region="19.71",
        occurred_at=datetime(2020, 9, 21, 3, tzinfo=UTC),
        lines=[Goods(item="MASK-CLOTH", item_name="Masker kain", quantity=5, unit="piece")],
        public_heads=0,
        businesses=list(businesses),
    )
    return Heard(event, OFFICE)


async def supported(database: Database, business_id: UUID, limit: int = 50) -> list[tuple[UUID, UUID]]:
    seen, cursor = [], None
    async with database.reading(OFFICE) as work:
        while True:
            page = await support_of(work, business_id, cursor, limit)
            seen += [(row.distribution_id, row.business_id) for row in page.items]
            if (cursor := page.next) is None:
                return seen


async def test_the_other_stays_on_record_and_the_survivor_takes_what_is_named(
    database: Database, recorded: Recorded
) -> None:
    stays, goes, case = await pair(database)
    await merged(database, case, stays, ["nib", "workers", "annual_sales_rupiah", "kbli"])
    found = await rows(database, stays.business.id, goes.business.id)
    after, other = found[stays.business.id], found[goes.business.id]
    assert (after["name"], after["nib"], after["workers"], after["kbli_code"]) == (
        "Bordir Melati Indah", "0220000000777", 25, "14111",
    )  # fmt: skip
    assert (after["business_scale"], after["annual_sales_on"]) == ("small", date(2020, 8, 31))
    assert after["industry_scale"] == "medium"
    assert (other["state"], other["merged_into"], other["state_reason"], other["nib"]) == (
        "merged", stays.business.id, "One and the same", None,
    )  # fmt: skip
    assert [type(event) for event in await recorded()][-2:] == [BusinessMerged, BusinessChanged]
    async with database.reading(OFFICE) as work:
        assert [one.business.id for one in (await handlers.businesses(work, Wanted(), None, 10)).items] == [
            stays.business.id
        ]
        shown = await handlers.business(work, goes.business.id)
        lines = (await history.of_business(work, stays.business.id, None, 50)).items
    assert shown.business.merged_into == stays.business.id
    told_lines = {line.field: (line.before, line.after) for line in lines}
    assert told_lines["annual_sales_rupiah"] == ("200000000", "3000000000")
    assert told_lines["nib"] == (None, "0220000000777")


async def test_what_either_received_is_shown_with_the_survivor_in_pages_and_apart_again_after_undoing(
    database: Database,
) -> None:
    stays, goes, case = await pair(database)
    both = posted(stays.business.id, goes.business.id)
    async with database.work(OFFICE) as work:
        await remember(work, [both, posted(goes.business.id), posted(stays.business.id)])
    before = [await supported(database, one.business.id) for one in (stays, goes)]
    assert [len(one) for one in before] == [2, 2]
    await merged(database, case, stays)
    for limit in (1, 3, 50):
        assert sorted(await supported(database, stays.business.id, limit)) == sorted([*before[0], *before[1]])
    await undone(database, case)
    assert [await supported(database, one.business.id) for one in (stays, goes)] == before


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_merging_and_undoing_leaves_everything_as_it_was(database: Database, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 10**9))
    maybe = {
        "nib": st.none() | st.just(f"022{number:010}"),
        "kbli": st.none() | st.builds(Kbli, st.just("14111"), st.sampled_from([2015, 2020])),
        "workers": st.none() | st.integers(0, 40),
        "investment_rupiah": st.none() | st.integers(0, 20 * 10**9),
        "annual_sales_rupiah": st.none() | st.integers(0, 60 * 10**9),
        "address": st.none() | st.just("Jalan Melati 2"),
        "sector": st.sampled_from(["garment", "food"]),
    }
    other = replace(TWIN, annual_sales_on=None, **{name: data.draw(values) for name, values in maybe.items()})
    async with database.work(OFFICE) as work:  # each example begins with nothing
        await work.session.execute(text("DELETE FROM business_merge"))
        await work.session.execute(text("DELETE FROM duplicate_case"))
        await work.session.execute(text("DELETE FROM business"))
    first, second, case = await pair(database, other)
    ids = (first.business.id, second.business.id)
    suspended = data.draw(st.booleans())
    if suspended:
        async with database.work(OFFICE) as work:
            await handlers.change_business(work, ids[1], 1, {"state": "suspended", "state_reason": "No orders"}, {})
    before = await rows(database, *ids)
    for _ in range(data.draw(st.integers(1, 2))):
        survivor = data.draw(st.sampled_from([first, second]))
        take = data.draw(st.lists(st.sampled_from(sorted(TAKEN)), unique=True))
        await merged(database, case, survivor, take)
        assert await rows(database, *ids) != before
        await undone(database, case)
        assert await rows(database, *ids) == before


async def test_undoing_gives_back_the_nib_and_tells_that_the_business_is_there_again(
    database: Database, recorded: Recorded
) -> None:
    stays, goes, case = await pair(database)
    await merged(database, case, stays, ["nib"])
    await undone(database, case)
    found = await rows(database, stays.business.id, goes.business.id)
    assert (found[stays.business.id]["nib"], found[goes.business.id]["nib"]) == (None, "0220000000777")
    last = (await recorded())[-1]
    assert isinstance(last, BusinessChanged)
    assert last.business_id == goes.business.id
    with pytest.raises(CaseDecided):
        await undone(database, case)
    await merged(database, case, goes)  # and the other way round, after all


async def test_what_was_changed_since_is_not_lost_by_undoing(database: Database) -> None:
    stays, _, case = await pair(database)
    await merged(database, case, stays, ["workers", "annual_sales_rupiah"])
    async with database.work(OFFICE) as work:  # something else may change, and stays
        row = (await handlers.business(work, stays.business.id)).business
        changed = await handlers.change_business(work, row.id, row.version, {"address": "Jalan Baru 3"}, {})
    async with database.work(OFFICE) as work:
        await handlers.change_business(work, row.id, changed.business.version, {"workers": 30}, {})
    with pytest.raises(ChangedSinceMerge) as refused:
        await undone(database, case)
    assert refused.value.members == {"fields": ["workers"]}
    async with database.work(OFFICE) as work:
        row = (await handlers.business(work, stays.business.id)).business
        await handlers.change_business(work, row.id, row.version, {"workers": 25}, {})
    await undone(database, case)
    after = (await rows(database, stays.business.id))[stays.business.id]
    assert (after["workers"], after["address"]) == (4, "Jalan Baru 3")


async def test_a_destroyed_key_leaves_a_merge_as_it_is(database: Database) -> None:
    stays, _, case = await pair(database)
    await merged(database, case, stays)
    async with database.work(OFFICE) as work:
        await work.session.execute(text("DELETE FROM person_key"))
    with pytest.raises(MergeUnreadable):
        await undone(database, case)


async def test_a_nib_that_somebody_took_meanwhile_is_not_given_back(database: Database) -> None:
    stays, goes, case = await pair(database)
    await merged(database, case, stays)
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE business SET nib = NULL WHERE id = :id"), {"id": goes.business.id})
        taker = BusinessData(name="Lain", sector="food", region="19.71", nib=TWIN.nib)
        await handlers.register_business(work, taker, owner=OwnerData(name="X"))
    with pytest.raises(NibTaken):
        await undone(database, case)


async def test_only_an_open_business_takes_another_in_and_a_merged_one_is_left_alone(database: Database) -> None:
    stays, goes, case = await pair(database)
    async with database.work(OFFICE) as work:
        await handlers.close_business(work, stays.business.id, "Sold", None)
    with pytest.raises(SurvivorNotOpen):
        await merged(database, case, stays)
    with pytest.raises(Invalid) as refused:
        async with database.work(OFFICE) as work:
            await merging.merge(work, case, uuid4(), [], "x")
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/survivor", "not_of_the_pair")]
    await merged(database, case, goes)  # a closed one may be taken in
    async with database.work(OFFICE) as work:
        with pytest.raises(BusinessIsMerged):
            await handlers.close_business(work, stays.business.id, "x", None)
        with pytest.raises(BusinessIsMerged):
            await handlers.change_business(work, stays.business.id, 3, {"workers": 1}, {})
    await undone(database, case)
    assert (await rows(database, stays.business.id))[stays.business.id]["state"] == "closed"


async def test_merging_is_not_for_those_who_see_only_one_of_the_two(database: Database) -> None:
    stays, _, case = await pair(database, replace(TWIN, region="19.02", sector="garment"))
    async with database.work(BELITUNG) as work:
        with pytest.raises(Absent):
            await merging.merge(work, case, stays.business.id, [], "x")
        with pytest.raises(Absent):
            await merging.undo(work, case, "x")


async def test_the_edge_merges_and_undoes(door: Door) -> None:
    made = [
        (await door["pangkalpinang"].post("/registration/businesses", json=registration(nib=None))).json()
        for _ in range(2)
    ]
    assert [warning["code"] for warning in made[1]["warnings"]] == ["owner_known", "possible_duplicate"]
    (case,) = (await door["pangkalpinang"].get("/registration/duplicates?state=open")).json()["items"]
    assert case["kind"] == "certain"
    path = f"/registration/duplicates/{case['id']}"
    body = {"survivor": made[0]["id"], "take": ["address", "colour"], "reason": ""}
    assert told(await door["office"].post(f"{path}/merge", json=body)) == {
        ("/take/1", "unknown_value"),
        ("/reason", "too_short"),
    }
    good = {"survivor": made[0]["id"], "take": ["address"], "reason": "Typed twice"}
    assert (await door["auditor"].post(f"{path}/merge", json=good)).status_code == 403
    assert (await door["belitung"].post(f"{path}/merge", json=good)).status_code == 404
    answer = await door["pangkalpinang"].post(f"{path}/merge", json=good)
    assert (answer.status_code, answer.json()["state"]) == (201, "merged")
    shown = (await door["pangkalpinang"].get(f"/registration/businesses/{made[1]['id']}")).json()
    assert (shown["state"], shown["merged_into"]) == ("merged", made[0]["id"])
    undoing = await door["pangkalpinang"].post(f"{path}/undoing", json={"reason": "Two after all"})
    assert (undoing.status_code, undoing.json()["state"]) == (201, "undone")
    shown = (await door["pangkalpinang"].get(f"/registration/businesses/{made[1]['id']}")).json()
    assert (shown["state"], shown["merged_into"], shown["state_reason"]) == ("active", None, None)
