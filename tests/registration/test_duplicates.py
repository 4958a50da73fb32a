from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services import demo
from services.registration.businesses import handlers as businesses
from services.registration.businesses.domain import BusinessData, OwnerData
from services.registration.businesses.handlers import Found
from services.registration.duplicates import handlers
from services.registration.duplicates.domain import (
    CaseDecided,
    Kind,
    Known,
    Spelled,
    State,
    alike,
    compare,
    follow,
)
from services.registration.duplicates.store import Case
from shared.caller import Caller
from shared.database import Database
from shared.privacy import Vault
from shared.problems import Absent
from shared.province import Province
from tests.conftest import Databases
from tests.door import Client, told
from tests.registration.people import OFFICE, PANGKALPINANG, registration

Door = Mapping[str, Client]
CASES = "/registration/duplicates"
MELATI = BusinessData(name="UD. Bordir Melati Indah", sector="garment", region="19.71")
DEWI = OwnerData(name="Dewi Kusuma", phone="0834-0000-0777")


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("ud sinar jaya", "sinar jaya", 1.0, 1.0),  # a legal form says nothing of whose it is
        ("sinar jaya", "jaya sinar", 1.0, 1.0),
        ("konveksi melati", "konveksi mlati", 0.75, 0.99),
        ("konveksi melati", "konveksi mawar", 0.3, 0.7),
        ("konveksi melati", "bengkel bahari", 0.0, 0.25),
        ("cabang 1", "cabang 2", 0.0, 0.0),  # other figures, another name
        ("usaha", "usaha", 1.0, 1.0),  # where there is nothing but the form
        ("", "", 1.0, 1.0),
    ],
)
def test_names_are_alike_by_the_threes_of_letters_that_they_share(
    one: str, other: str, least: float, most: float
) -> None:
    spelled, others = Spelled(one), Spelled(other)
    assert least <= alike(spelled, others) <= most
    assert alike(spelled, others) == alike(others, spelled)


def known(**changes: object) -> Known:
    given: dict[str, object] = {
        "id": UUID(int=1),
        "owner_id": UUID(int=2),
        "name": "bordir melati indah",
        "owner": "dewi kusuma",
        "phone": "+6283400000777",
        "region": "19.71",
        "sector": "garment",
        "nik": None,
    }
    return Known(**given | changes)  # type: ignore[arg-type]  # as the rules' own table names them


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (Kind.CERTAIN, 100)),  # one owner is one NIK
        ({"owner_id": UUID(int=3)}, (Kind.POSSIBLE, 100)),
        ({"owner_id": UUID(int=3), "phone": None}, (Kind.POSSIBLE, 80)),
        ({"owner_id": UUID(int=3), "phone": None, "region": "19.02"}, (Kind.POSSIBLE, 70)),
        ({"owner_id": UUID(int=3), "phone": None, "region": "19.02", "owner": "rahmat"}, None),
        ({"owner_id": UUID(int=3), "name": "bengkel bahari"}, None),  # a family's telephone
        ({"name": "bengkel bahari", "sector": "electronics"}, None),  # one person, two businesses
        ({"owner_id": UUID(int=3), "nik": b"b"}, (Kind.POSSIBLE, 100)),  # of one of them the NIK is not known
    ],
)
def test_a_pair_is_scored_by_points_that_are_named(
    changes: dict[str, object], expected: tuple[Kind, int] | None
) -> None:
    score = compare(known(), known(id=UUID(int=9), **changes))
    assert (score and (score.kind, score.total)) == expected
    if score:
        assert score.total == sum(score.points.values())


def test_two_persons_by_their_nik_are_two_however_alike_their_names_are() -> None:
    score = compare(known(nik=b"a"), known(id=UUID(int=9), owner_id=UUID(int=3), nik=b"b", phone=None))
    assert score is None


def test_what_was_decided_leads_to_what_it_may() -> None:
    assert follow(State.OPEN, State.MERGED) is State.MERGED
    assert follow(State.DIFFERENT, State.SAME) is State.SAME
    for state, wanted in (
        (State.MERGED, State.DIFFERENT),
        (State.DIFFERENT, State.MERGED),
        (State.OPEN, State.UNDONE),
        (State.SAME, State.OPEN),
        (State.MERGED, State.MERGED),
    ):
        with pytest.raises(CaseDecided):
            follow(state, wanted)


async def registered(
    database: Database, business: BusinessData = MELATI, person: OwnerData = DEWI, caller: Caller = OFFICE
) -> Found:
    async with database.work(caller) as work:
        return await businesses.register_business(work, business, owner=person)


async def cases(database: Database, state: State | None = None, caller: Caller = OFFICE) -> list[Case]:
    async with database.reading(caller) as work:
        return (await handlers.page(work, state, None, None, 50)).items


async def test_a_registration_that_is_like_another_opens_one_case_and_says_so(database: Database) -> None:
    first = await registered(database)
    assert first.notices == []
    second = await registered(database, replace(MELATI, name="Bordir Mlati Indah"))
    (case,) = await cases(database)
    (notice,) = second.notices
    assert (notice.pointer, notice.code) == ("/name", "possible_duplicate")
    assert str(case.row.id) in notice.detail
    assert MELATI.name in notice.detail
    assert {case.row.low_id, case.row.high_id} == {first.business.id, second.business.id}
    assert (case.row.kind, case.row.rule, case.row.state) == ("possible", "duplicates-1", "open")
    assert case.row.points["phone"] == 20
    assert case.row.score == sum(case.row.points.values())


async def test_a_pair_is_asked_about_once(database: Database) -> None:
    ids = [(await registered(database)).business.id for _ in range(3)]
    assert len(await cases(database)) == 3  # each with each
    async with database.work(OFFICE) as work:
        assert await handlers.scan(work, ids) == (3, [])
    (case, *_) = await cases(database)
    async with database.work(OFFICE) as work:
        await handlers.decide(work, case.row.id, State.DIFFERENT, "Two sisters")
    async with database.work(OFFICE) as work:
        assert await handlers.scan(work, ids) == (3, [])
    (kept,) = await cases(database, State.DIFFERENT)
    assert (kept.row.decided_by, kept.row.reason) == ("staff-1", "Two sisters")
    assert kept.row.decided_at is not None


async def test_what_was_different_is_asked_again_when_it_has_become_certain(database: Database) -> None:
    first, second = await registered(database), await registered(database)
    (case,) = await cases(database)
    async with database.work(OFFICE) as work:
        await handlers.decide(work, case.row.id, State.DIFFERENT, "Two sisters")
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text("UPDATE business SET owner_id = :owner WHERE id = :id"),
            {"owner": first.owner.id, "id": second.business.id},
        )
        assert (await handlers.scan(work, [second.business.id]))[1] == [case.row.id]
    (again,) = await cases(database, State.OPEN)
    assert (again.row.kind, again.row.decided_at, again.row.version) == ("certain", None, 3)


async def test_closed_businesses_and_those_of_other_regions_are_left_alone(database: Database) -> None:
    first = await registered(database)
    async with database.work(OFFICE) as work:
        await businesses.close_business(work, first.business.id, "Sold", None)
    await registered(database)
    assert await cases(database) == []


async def test_a_business_that_moves_or_is_renamed_is_compared_anew(database: Database) -> None:
    person = OwnerData(name="Dewi Kusuma")
    await registered(database, person=person)
    other = await registered(database, BusinessData(name="Kerupuk Bahari", sector="food", region="19.02"), person)
    assert await cases(database) == []
    async with database.work(OFFICE) as work:
        changed = await businesses.change_business(
            work, other.business.id, 1, {"name": "Melati Bordir Indah", "region": "19.71", "sector": "garment"}, {}
        )
    assert [notice.code for notice in changed.notices] == ["possible_duplicate"]
    assert len(await cases(database)) == 1


async def test_a_pair_over_two_regions_is_a_matter_of_the_province(database: Database) -> None:
    await registered(database)
    second = await registered(database, replace(MELATI, region="19.02"))
    assert [notice.code for notice in second.notices] == ["possible_duplicate"]
    (case,) = await cases(database)
    assert await cases(database, caller=PANGKALPINANG) == []
    async with database.work(PANGKALPINANG) as work:
        with pytest.raises(Absent):
            await handlers.show(work, case.row.id)
        with pytest.raises(Absent):
            await handlers.decide(work, case.row.id, State.DIFFERENT, "x")
    third = await registered(database, caller=PANGKALPINANG)
    assert len(third.notices) == 1  # of the one in their own region, and not a word of the other


async def test_the_edge_lists_the_surest_first_and_keeps_decisions(door: Door) -> None:
    owners = {"name": "Dewi Kusuma", "phone": "0834-0000-0777"}
    for name in ("Bordir Melati Indah", "Bordir Mlati Indah", "Bordir Melati Indah"):
        body = registration(name=name, nib=None, owner=owners, annual_sales_rupiah=None, annual_sales_on=None)
        del body["annual_sales_rupiah"], body["annual_sales_on"]
        made = await door["pangkalpinang"].post("/registration/businesses", json=body)
        assert made.status_code == 201, made.text
    first = (await door["auditor"].get(f"{CASES}?limit=2&state=open")).json()
    rest = (await door["auditor"].get(f"{CASES}?limit=2&state=open&cursor={first['next']}")).json()
    scores = [one["score"] for one in (*first["items"], *rest["items"])]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    case = first["items"][0]
    assert (await door["auditor"].get(f"{CASES}/{case['id']}")).json() == case
    of_business = await door["office"].get(f"{CASES}?business={made.json()['id']}")
    assert len(of_business.json()["items"]) == 2
    path = f"{CASES}/{case['id']}/decision"
    assert (await door["auditor"].post(path, json={"decision": "same", "reason": "x"})).status_code == 403
    decided = await door["pangkalpinang"].post(path, json={"decision": "different", "reason": "Two sisters"})
    assert (decided.status_code, decided.json()["state"]) == (201, "different")
    again = await door["pangkalpinang"].post(path, json={"decision": "different", "reason": "Two sisters"})
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (
        409,
        "duplicate_case_decided",
        "different",
    )
    assert told(await door["office"].post(path, json={"decision": "merged"})) == {
        ("/decision", "unknown_value"),
        ("/reason", "missing"),
    }
    assert (await door["belitung"].get(f"{CASES}/{case['id']}")).status_code == 404
    assert (await door["belitung"].get(CASES)).json()["items"] == []
    scanned = await door["belitung"].post(f"{CASES}/scan", json={"businesses": [made.json()["id"], str(uuid4())]})
    assert (scanned.status_code, scanned.json()) == (200, {"checked": 0, "opened": []})


async def test_the_demo_province_has_one_pair_that_is_for_people_to_look_at(
    databases: Databases, province: Province
) -> None:
    database = await databases("registration", migrated=True, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        assert await demo._people(work, province)
    async with database.reading(OFFICE) as work:
        (case,) = (await handlers.page(work, State.OPEN, None, None, 10)).items
    assert set(case.names.values()) == {"Tenun Cual Maryam", "Tenun Cual Maryam Said"}
    assert case.row.kind == Kind.CERTAIN
