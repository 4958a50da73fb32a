"""Whoever was erased or may only be stored, and what was merged: nothing else is written about them, wherever it is."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.registration.businesses import merging
from services.registration.businesses.domain import OwnerErased, OwnerRestricted
from services.registration.surveys import questions
from shared.database import Database
from tests.registration.people import OFFICE
from tests.registration.seats import Story
from tests.registration.test_merging import merged, pair
from tests.registration.test_rights import WHY, Door, path_of, registered
from tests.registration.test_surveys import SURVEYS, answered, planned, told_by
from tests.shared.backbone import scalars

CONSENT = {
    "kind": "publish_story", "given": True, "how": "spoken", "happened_at": "2020-09-01T02:00:00Z",
    "text": {"id": "publish-story", "version": 1}, "witness": "Rahman",
}  # fmt: skip
ENDS = pytest.mark.parametrize(
    ("end", "code"), [("restriction", "owner_restricted"), ("erasure", "owner_erased")], ids=["restricted", "erased"]
)


async def ended(door: Door, business: dict[str, Any], end: str) -> None:
    answer = await door["office"].post(path_of(business, end), json=WHY)
    assert answer.status_code == 201, answer.text


async def test_who_is_erased_has_no_scale_any_more_whenever_it_began(door: Door, database: Database) -> None:
    business = await registered(door["office"])
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE business SET business_scale_since = '2020-09-01'"))
    await ended(door, business, "erasure")
    assert await scalars(database, "SELECT coalesce(business_scale, business_scale_since::text) FROM business") == [
        None
    ]


@ENDS
async def test_no_answer_to_a_survey_is_taken_of_them_and_no_key_is_made(
    door: Door, database: Database, end: str, code: str
) -> None:
    business = await registered(door["office"], annual_sales_rupiah=None, annual_sales_on=None)
    wave = await planned(door)
    invited = await door["office"].post(f"{SURVEYS}/{wave['id']}/invitations", json={})
    assert invited.json()["invited"] == 1
    link = await door["office"].get(f"{SURVEYS}/{wave['id']}/businesses/{business['id']}/link")
    await ended(door, business, end)
    keys = await scalars(database, "SELECT count(*) FROM person_key")
    by_staff = await door["office"].post(f"{SURVEYS}/{wave['id']}/answers", json=told_by(UUID(business["id"])))
    by_link = await door["office"].post(
        f"/registration/survey-links/{link.json()['code']}",
        json={name: value for name, value in told_by(UUID(business["id"])).items() if name != "business_id"},
    )
    assert (by_staff.status_code, by_staff.json()["code"]) == (409, code)
    lost = (404, "not_found")  # an erasure takes the link itself
    assert (by_link.status_code, by_link.json()["code"]) == (lost if end == "erasure" else (409, code))
    assert await scalars(database, "SELECT count(*) FROM survey_answer") == [0]
    assert await scalars(database, "SELECT count(*) FROM person_key") == keys


async def test_whose_data_are_restricted_is_not_invited(door: Door) -> None:
    business = await registered(door["office"])
    wave = await planned(door)
    await ended(door, business, "restriction")
    answer = await door["office"].post(f"{SURVEYS}/{wave['id']}/invitations", json={})
    assert (answer.json()["invited"], answer.json()["remaining"]) == (0, 0)


@ENDS
async def test_no_consent_is_taken_of_them_and_a_given_one_may_be_taken_back_while_they_are_stored(
    door: Door, end: str, code: str
) -> None:
    business = await registered(door["office"])
    path = path_of(business, "consents")
    assert (await door["pangkalpinang"].post(path, json=CONSENT)).status_code == 201
    await ended(door, business, end)
    again = await door["pangkalpinang"].post(path, json=CONSENT | {"happened_at": "2020-09-02T02:00:00Z"})
    assert (again.status_code, again.json()["code"]) == (409, code)
    withdrawn = {"kind": "publish_story", "given": False, "how": "spoken", "happened_at": "2020-09-03T02:00:00Z"}
    answer = await door["pangkalpinang"].post(path, json=withdrawn)
    assert answer.status_code == (201 if end == "restriction" else 409)


@ENDS
async def test_no_seat_is_asked_for_them_and_whoever_waits_is_passed_over(story: Story, end: str, code: str) -> None:
    training = await story.announce(seats=1)
    path = f"/registration/trainings/{training['id']}"
    first, second = [await registered(story.door["office"], nib=None, owner={"name": f"Siti {uuid4()}"}) for _ in "12"]
    for business in (first, second):
        await story.done("office", f"{path}/enrolments", business_id=business["id"], how="paper")
    await ended(story.door, first, end)
    refused = await story.door["office"].post(f"{path}/enrolments", json={"business_id": first["id"], "how": "paper"})
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    await story.done("office", f"{path}/offers")
    offered = await scalars(story.database, "SELECT business_id FROM enrolment WHERE state = 'offered'")
    assert offered == [UUID(second["id"])]


RESTRICTED = "UPDATE owner SET restricted_at = now()"
ERASED = "UPDATE owner SET erased_at = now(), nik_sealed = NULL, nik_index = NULL, phone = NULL, email = NULL"


async def told_to(database: Database, statement: str) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(text(statement))


async def test_nothing_of_those_is_merged_whose_data_are_restricted(database: Database) -> None:
    stays, _, case = await pair(database)
    await told_to(database, RESTRICTED)
    with pytest.raises(OwnerRestricted):
        await merged(database, case, stays)
    assert await scalars(database, "SELECT count(*) FROM business WHERE state = 'merged'") == [0]


@pytest.mark.parametrize(
    ("statement", "refusal"), [(RESTRICTED, OwnerRestricted), (ERASED, OwnerErased)], ids=["restricted", "erased"]
)
async def test_no_merge_of_theirs_is_undone(database: Database, statement: str, refusal: type[Exception]) -> None:
    stays, _, case = await pair(database)
    await merged(database, case, stays)
    await told_to(database, statement)
    async with database.work(OFFICE) as work:
        with pytest.raises(refusal):
            await merging.undo(work, case, "Two after all")
        await work.session.rollback()
    assert await scalars(database, "SELECT count(*) FROM business WHERE state = 'merged'") == [1]


async def test_what_a_merged_business_told_and_received_counts_for_the_one_that_it_is(
    door: Door, database: Database
) -> None:
    stays, goes, case = await pair(database)
    wave = await planned(door)
    await answered(door, wave, goes.business.id)
    async with database.work(OFFICE) as work:
        before = (await questions.need_of(work.session, [goes.business.id]))[goes.business.id]
    await merged(database, case, stays)
    async with database.work(OFFICE) as work:
        after = (await questions.need_of(work.session, [stays.business.id]))[stays.business.id]
    assert (after.parts[0].points, after.parts[0]) == (20, before.parts[0])
    refused = await door["office"].post(f"{SURVEYS}/{wave['id']}/answers", json=told_by(goes.business.id))
    assert (refused.status_code, refused.json()["code"]) == (409, "business_merged")
