"""The face of replies: staff enter what they were told, and read what was written in their region."""

from datetime import timedelta

from shared.database import Database
from tests.notifications.story import (
    BELITUNG,
    HASAN,
    NOON,
    OFFICE,
    PANGKALPINANG,
    SITI,
    Door,
    business,
    happened,
    owner,
)
from tests.notifications.test_replies import PHONE, answers, offered, wrote

REPLIES = "/notifications/replies"


async def test_what_was_told_by_telephone_is_understood_as_if_written(database: Database, door: Door) -> None:
    await happened(database, owner(phone=PHONE), business(), offered())
    told = {"owner_id": str(SITI), "channel": "phone", "text": "ya", "told_at": NOON.isoformat()}
    answer = await door(PANGKALPINANG).post(REPLIES, json=told)
    assert answer.status_code == 201, answer.text
    (event,) = await answers(database)
    assert (event.answer, event.channel) == ("yes", "phone")
    (listed,) = (await door(PANGKALPINANG).get(REPLIES)).json()["items"]
    assert (listed["outcome"], listed["entered_by"], listed["names"]) == ("answered", "officer-19.71", "Siti Rohani")


async def test_another_region_sees_nothing_and_its_owner_is_nobody(database: Database, door: Door) -> None:
    await happened(database, owner(phone=PHONE), business())
    await wrote(database, "halo")
    await wrote(database, "halo", "2", sender="+6281234567890")
    told = {"owner_id": str(SITI), "channel": "phone", "text": "ya", "told_at": NOON.isoformat()}
    assert (await door(BELITUNG).post(REPLIES, json=told)).status_code == 404
    assert (await door(PANGKALPINANG).post(REPLIES, json={**told, "owner_id": str(HASAN)})).status_code == 404
    assert (await door(BELITUNG).get(REPLIES)).json()["items"] == []
    shown = (await door(PANGKALPINANG).get(REPLIES)).json()["items"]
    assert [(one["text"], one["sender"]) for one in shown] == [("halo", "+62********101")]
    assert len((await door(OFFICE).get(REPLIES)).json()["items"]) == 2
    only = await door(OFFICE).get(REPLIES, params={"outcome": "unknown_sender"})
    assert [one["outcome"] for one in only.json()["items"]] == ["unknown_sender"]


async def test_what_was_told_in_the_future_or_long_ago_is_refused(database: Database, door: Door) -> None:
    await happened(database, owner(phone=PHONE), business())
    told = {"owner_id": str(SITI), "channel": "phone", "text": "ya"}
    for at, code in ((NOON + timedelta(minutes=1), "in_the_future"), (NOON - timedelta(days=31), "too_long_ago")):
        answer = await door(PANGKALPINANG).post(REPLIES, json={**told, "told_at": at.isoformat()})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
