"""Staff choose what they are told of and where; whoever never chose is told by role."""

import pytest
from sqlalchemy import text

from services.notifications.contacts import audit, subscriptions
from services.notifications.messages.rules import RULES
from services.notifications.plans import Kind
from shared.database import Database
from tests.notifications.story import (
    AUDITOR,
    OFFICE,
    PANGKALPINANG,
    Door,
    happened,
    messages,
    out_of_use,
    posted,
    staff,
)

PATH = "/notifications/subscriptions"
FIRST = {"If-Match": '"1"'}


@pytest.fixture
async def known(database: Database) -> None:
    await staff(
        database, ("officer-19.71", "regency_officer", "19.71"), ("staff-provinsi", "province_staff", "19"), email=True
    )


async def told(database: Database, purpose: str) -> set[str]:
    return {person for person, what in await messages(database) if what == purpose}


async def test_whoever_never_chose_is_told_by_role(database: Database, known: None, door: Door) -> None:
    shown = (await door(OFFICE).get(PATH)).json()
    assert shown == {"kinds": [kind.value for kind in Kind], "regions": ["19"], "by_role": True, "version": 1}
    await happened(database, *out_of_use())
    assert await told(database, "station_dry") == {"staff/officer-19.71"}


async def test_who_subscribes_is_told_of_what_lies_in_the_regions_and_who_does_not_want_it_is_not(
    database: Database, known: None, door: Door
) -> None:
    mine = await door(OFFICE).patch(PATH, json={"kinds": ["station"]}, headers=FIRST)
    assert mine.json() == {"kinds": ["station"], "regions": ["19"], "by_role": False, "version": 2}
    await door(PANGKALPINANG).patch(PATH, json={"kinds": ["price"]}, headers=FIRST)
    await happened(database, *out_of_use())
    assert await told(database, "station_dry") == {"staff/staff-provinsi"}
    await happened(database, posted(public_heads=3))
    assert await told(database, "aid_office") == {"staff/officer-19.71", "staff/staff-provinsi"}, "it is of no kind"


async def test_nobody_subscribes_to_what_is_not_theirs_nor_keeps_what_was_taken_from_them(
    database: Database, known: None, door: Door
) -> None:
    answer = await door(PANGKALPINANG).patch(PATH, json={"regions": ["19.71", "19.02"]}, headers=FIRST)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/regions/1")
    assert (await door(AUDITOR).get(PATH)).status_code == 403
    assert (await door(OFFICE).patch(PATH, json={"regions": ["19.71"]}, headers=FIRST)).status_code == 200
    assert (await door(OFFICE).patch(PATH, json={"kinds": []}, headers=FIRST)).status_code == 412
    await staff(database, ("staff-provinsi", "province_staff", "19"))
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE staff_member SET regions = '{18}' WHERE subject = 'staff-provinsi'"))
    await happened(database, *out_of_use())
    assert await told(database, "station_dry") == {"staff/officer-19.71"}


async def test_verify_does_not_miss_whoever_chose_otherwise(database: Database, known: None, door: Door) -> None:
    await door(PANGKALPINANG).patch(PATH, json={"kinds": []}, headers=FIRST)
    async with database.reading(OFFICE) as work:
        rows = (await work.session.execute(audit.STAFF, {"roles": ["regency_officer"]})).all()
    assert [row.subscribed for row in rows] == [True]


def test_every_kind_but_who_was_not_told_has_a_rule_and_the_store_knows_them_all() -> None:
    assert {rule.kind for rule in RULES if rule.kind} | {Kind.NOT_TOLD} == set(Kind)
    assert [kind.value for kind in Kind] == subscriptions.KINDS
