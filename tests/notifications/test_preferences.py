"""Everybody chooses how they are told; STOP ends every letter at once, and the inbox has everything."""

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.notifications.contacts import handlers as contacts
from services.notifications.contacts import preference_store
from services.notifications.delivery import store as delivery_store
from services.notifications.delivery.domain import Letter, Reason, Refused
from services.notifications.main import letters
from services.notifications.plans import Channel, Urgency, channels_of, plan_for, plan_for_code
from shared.contracts.registration import PersonErased
from shared.database import Database
from tests.notifications.story import (
    AUDITOR,
    BELITUNG,
    NOON,
    OFFICE,
    OWNER,
    PANGKALPINANG,
    SITI,
    TAILOR,
    Door,
    StoppedClock,
    business,
    happened,
    messages,
    owner,
    posted,
    rows,
    staff,
)

HER = f"owner/{SITI}"
PATH = "/notifications/preferences"


async def queued(database: Database) -> list[dict[str, object]]:
    return await rows(database, "SELECT d.*, m.purpose FROM delivery d JOIN message m ON m.id = d.message_id")


async def test_who_chose_nothing_is_told_over_every_channel_and_a_choice_needs_the_version(
    database: Database, door: Door
) -> None:
    await happened(database, owner(phone="+6283400000101"))
    client = door(OWNER)
    shown = await client.get(PATH)
    every = ["whatsapp", "sms", "email"]
    assert shown.json() == {
        "required": every, "invitation": every, "information": every,
        "digest": False, "language": None, "stopped": False, "stopped_at": None, "version": 1,
    }  # fmt: skip
    assert (await client.patch(PATH, json={"digest": True})).status_code == 428
    change = {"information": ["email", "whatsapp", "email"], "language": "en"}
    changed = await client.patch(PATH, json=change, headers={"If-Match": shown.headers["ETag"]})
    assert changed.json() == shown.json() | {"information": ["whatsapp", "email"], "language": "en", "version": 2}
    assert (await client.patch(PATH, json=change, headers={"If-Match": shown.headers["ETag"]})).status_code == 412
    assert (await client.get(PATH)).json() == changed.json()


async def test_aid_keeps_one_channel_and_the_store_says_so_too(database: Database, door: Door) -> None:
    answer = await door(OWNER).patch(PATH, json={"required": []}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/required")
    assert answer.json()["errors"][0]["code"] == "required_stays"
    row = preference_store.PreferenceRow(person=HER, required=[], changed_by="x", changed_at=NOON)
    with pytest.raises(IntegrityError, match="required_stays"):
        async with database.work(OFFICE) as work:
            await preference_store.save(work.session, row)


async def test_a_class_goes_over_the_channels_that_were_chosen_and_the_language_is_the_chosen_one(
    database: Database, door: Door
) -> None:
    await happened(database, owner(phone="+6283400000101"), business())
    change = {"required": ["sms"], "invitation": [], "language": "en"}
    await door(OWNER).patch(PATH, json=change, headers={"If-Match": '"1"'})
    await happened(database, posted(TAILOR))
    assert (await messages(database))[HER, "aid"]["language"] == "en"
    assert {row["channel"] for row in await queued(database) if row["purpose"] == "aid"} == {"sms"}
    async with database.reading(OFFICE) as work:
        (person,) = (await contacts.known(work, [HER])).values()
    assert channels_of(person, Urgency.REQUIRED) == (Channel.SMS,)
    assert channels_of(person, Urgency.INVITATION) == ()
    assert channels_of(person, Urgency.INFORMATION) == (Channel.WHATSAPP, Channel.SMS, Channel.EMAIL)


async def test_after_stop_nothing_is_sent_that_is_queued_already_and_the_inbox_still_has_all(
    database: Database, door: Door
) -> None:
    await happened(database, owner(phone="+6283400000101"), business())
    async with database.work(OFFICE) as work:
        (delivery,) = await _waiting(database)
        assert isinstance((await letters(work, [delivery]))[delivery.id], Letter)
        await contacts.stop(work, HER, work.now)
        refused = Refused("", Reason.STOPPED, ends=True)
        assert await letters(work, [delivery]) == {delivery.id: refused}
    await happened(database, posted(TAILOR))
    assert (HER, "aid") in await messages(database)
    assert {row["purpose"] for row in await queued(database)} == {"welcome"}
    shown = (await door(OFFICE).get(f"/notifications/owners/{SITI}/preferences")).json()
    assert (shown["stopped"], shown["stopped_at"]) == (True, "2020-09-21T12:00:00+07:00")


async def _waiting(database: Database) -> list[delivery_store.Delivery]:
    async with database.reading(OFFICE) as work:
        return delivery_store.seen(await work.session.execute(text("SELECT * FROM delivery")))


async def test_of_stop_and_start_the_later_one_counts_in_whatever_order_they_are_heard(database: Database) -> None:
    said = [("stop", 0), ("start", 1), ("stop", 2)]
    for place, order in enumerate(permutations(said)):
        person = f"owner/{place}"
        async with database.work(OFFICE) as work:
            for word, minute in order:
                await getattr(contacts, word)(work, person, NOON + timedelta(minutes=minute))
        async with database.reading(OFFICE) as work:
            row = await preference_store.find(work.session, person)
        assert row is not None
        assert row.stopped
        assert row.stopped_at == NOON + timedelta(minutes=2)


async def test_the_office_stops_for_an_owner_of_its_region_and_for_no_other(database: Database, door: Door) -> None:
    await happened(database, owner(phone="+6283400000101"))
    path = f"/notifications/owners/{SITI}/stop"
    assert (await door(BELITUNG).post(path, json={"stopped": True})).status_code == 404
    assert (await door(AUDITOR).post(path, json={"stopped": True})).status_code == 403
    assert (await door(PANGKALPINANG).post(path, json={"stopped": True})).json()["stopped"] is True
    assert (await door(OWNER).get(PATH)).json()["stopped"] is True


async def test_an_owner_says_stop_and_takes_it_back_and_a_code_still_comes(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    await happened(database, owner(phone="+6283400000101"))
    stopped = await door(OWNER).patch(PATH, json={"stopped": True}, headers={"If-Match": '"1"'})
    async with database.reading(OFFICE) as work:
        (person,) = (await contacts.known(work, [HER])).values()
    assert plan_for(person, Urgency.REQUIRED, NOON).channels == ()
    assert plan_for_code(person, NOON, NOON).channels == (Channel.WHATSAPP, Channel.SMS, Channel.EMAIL)
    clock.advance(timedelta(minutes=1))
    again = await door(OWNER).patch(PATH, json={"stopped": False}, headers={"If-Match": stopped.headers["ETag"]})
    assert (stopped.json()["stopped"], again.json()["stopped"]) == (True, False)


async def test_staff_choose_too_and_an_erased_owner_leaves_no_choice(database: Database, door: Door) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"), email=True)
    await door(PANGKALPINANG).patch(PATH, json={"information": []}, headers={"If-Match": '"1"'})
    await door(OWNER).patch(PATH, json={"digest": True}, headers={"If-Match": '"1"'})
    await happened(database, owner(phone="+6283400000101"), business(), posted(TAILOR))
    assert "aid_office" not in {row["purpose"] for row in await queued(database)}
    assert ("staff/officer-19.71", "aid_office") in await messages(database)
    await happened(database, PersonErased(owner_id=SITI, region="19.71", businesses=[TAILOR]))
    assert [row["person"] for row in await rows(database, "SELECT person FROM preference")] == ["staff/officer-19.71"]
