"""Broadcasts: drafted, looked at, let go by a second person where they are for many, and told once to everybody."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.notifications.broadcasts import expanding, store
from services.notifications.broadcasts.domain import MOVES, State
from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.domain import Reason, Refused
from services.notifications.digesting import look as gather
from services.notifications.main import letters
from shared.contracts.registration import PersonErased, PersonRestricted, SeatOffered, SeatWaitlisted
from shared.database import Database
from tests.notifications.broadcast_story import ANOTHER, PATH, drafted, let_go, people, person, wanted
from tests.notifications.story import (
    AUDITOR,
    BELITUNG,
    HASAN,
    KITCHEN,
    NOON,
    OFFICE,
    OWNER,
    PANGKALPINANG,
    TAILOR,
    Door,
    StoppedClock,
    business,
    happened,
    owner,
    rows,
)

SECOND = replace(OFFICE, subject=ANOTHER)


async def told(database: Database) -> list[dict[str, object]]:
    return await rows(database, "SELECT * FROM broadcast_recipient ORDER BY person")


async def errors(door: Door, **changes: Any) -> set[tuple[str, str]]:
    answer = await door(PANGKALPINANG).post(PATH, json=wanted(**changes))
    assert answer.status_code == 422, answer.text
    return {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


# Drafts


async def test_all_that_is_wrong_with_a_draft_is_told_at_once_and_nothing_is_kept(
    door: Door, database: Database
) -> None:
    found = await errors(
        door,
        urgency="required",
        title_id="",
        body_id="{owner} {nik}",
        title_en="{owner",
        body_en="x" * 300 + "{business}",
        audience={"regions": ["19.02", "19.71"]},
        expires_at=NOON.isoformat(),
    )
    assert {pointer for pointer, _ in found} >= {"/urgency", "/title_id", "/body_id", "/title_en", "/body_en"}
    assert await errors(
        door,
        body_id="{owner} {nik}",
        title_en="{owner",
        body_en="x" * 300 + "{business}",
        audience={"regions": ["19.02", "19.71"]},
        expires_at=NOON.isoformat(),
    ) == {
        ("/body_id", "bad_placeholder"),
        ("/title_en", "bad_placeholder"),
        ("/body_en", "too_long"),
        ("/audience/regions/0", "unknown_region"),
        ("/expires_at", "in_the_past"),
    }
    assert await rows(database, "SELECT id FROM broadcast") == []


@pytest.mark.parametrize("words", ["{owner.__class__}", "{owner!r}", "{owner:>900}", "{}", "{0}", "}", "{owner}{"])
async def test_only_the_named_placeholders_may_stand_in_a_text(door: Door, words: str) -> None:
    assert await errors(door, body_id=words) == {("/body_id", "bad_placeholder")}


async def test_a_broadcast_is_of_use_for_at_most_thirty_days(door: Door) -> None:
    late = (NOON + timedelta(days=31)).isoformat()
    assert await errors(door, expires_at=late) == {("/expires_at", "too_far")}
    assert await errors(door, expires_at="2020-09-22T12:00:00") != set()


# Looking ahead


async def test_a_preview_counts_who_is_reached_how_and_who_is_not_and_why(door: Door, database: Database) -> None:
    await people(database, 9)
    async with database.work(OFFICE) as work:
        for number in (3, 9):
            await contacts.stop(work, f"owner/{person(number)}", NOON)
    await rows_changed(database, "UPDATE contact SET phone = NULL WHERE owner_id = :id", person(4))
    await rows_changed(
        database, "UPDATE contact SET phone = NULL, email = 'lima@contoh.example' WHERE owner_id = :id", person(5)
    )
    await happened(database, PersonRestricted(owner_id=person(6), region="19.71"))
    await happened(database, PersonErased(owner_id=person(7), region="19.71", businesses=[]))
    await rows_changed(database, "INSERT INTO contact_consent VALUES (:id, false, now())", person(8))
    answer = (await door(OFFICE).get(f"{await drafted(door)}/preview")).json()
    assert (answer["recipients"], answer["needs_approval"]) == (9, False)
    assert answer["outside"] == {"whatsapp": 2, "sms": 0, "email": 1}
    assert {key: value for key, value in answer["inbox_alone"].items() if value} == {
        "stopped": 2, "no_contact": 1, "no_consent": 1
    }  # fmt: skip
    assert answer["withheld"] == {"restricted": 1, "erased": 1}
    assert [one["reaches"] for one in answer["examples"]] == ["whatsapp", "whatsapp", "stopped"]
    assert answer["examples"][0] == {
        "owner": "P*** 1***",
        "phone": "+62********001",
        "language": "id",
        "reaches": "whatsapp",
        "title": "Pelatihan dibuka",
        "body": "P*** 1***, pendaftaran untuk U*** 1*** dibuka sampai 24 Sep 2020.",
        "why": "Anda menerima pesan ini karena usaha Anda terdaftar di Serumpun. Balas BERHENTI untuk berhenti.",
    }


async def rows_changed(database: Database, statement: str, owner_id: UUID) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(text(statement), {"id": owner_id})


async def test_an_audience_is_found_by_region_sector_and_training(door: Door, database: Database) -> None:
    await happened(database, owner(), business(), owner(HASAN, "Hasan"), business(KITCHEN, HASAN, "Dapur Hasan"))
    await rows_changed(database, "UPDATE contact_business SET sector = 'food' WHERE business_id = :id", KITCHEN)
    seat = {
        "enrolment_id": UUID(int=5), "training_id": UUID(int=6), "business_id": TAILOR, "programme": "masks",
        "title": "Jahit", "region": "19.71", "venue": "Aula", "starts_on": NOON.date(), "ends_on": NOON.date(),
    }  # fmt: skip
    await happened(database, SeatOffered(**seat, step=1, answer_by=NOON + timedelta(days=1)))

    async def reached(**audience: object) -> int:
        path = await drafted(door, audience={"regions": ["19"]} | audience)
        return int((await door(OFFICE).get(f"{path}/preview")).json()["recipients"])

    assert await reached() == 2
    assert await reached(regions=["19.02"]) == 0
    assert await reached(sectors=["food"]) == 1
    assert await reached(sectors=["food", "garment"]) == 2
    assert await reached(standings=["offered"]) == 1
    assert await reached(standings=["none"], sectors=["garment"]) == 0
    assert await reached(standings=["none", "offered"]) == 2
    assert await reached(training_id=str(UUID(int=6))) == 1
    assert await reached(training_id=str(UUID(int=7))) == 0
    await happened(database, SeatWaitlisted(**seat, step=2))
    assert await reached(standings=["offered"]) == 0
    assert await reached(training_id=str(UUID(int=6)), standings=["waitlisted"]) == 1


# Who may let it go


async def test_up_to_five_hundred_go_at_once_and_one_more_needs_a_second_person(door: Door, database: Database) -> None:
    await people(database, 501)
    path = await drafted(door)
    answer = await let_go(door, path)
    assert (answer["state"], answer["recipients"], answer["approved_by"]) == ("submitted", 501, None)
    assert await expanding.once(database) == 1
    assert await told(database) == []
    own = await door(OFFICE).post(f"{path}/approval")
    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    assert (await door(BELITUNG).post(f"{path}/approval")).status_code == 404
    assert (await door(AUDITOR).post(f"{path}/approval")).status_code == 403
    approved = (await door(SECOND).post(f"{path}/approval")).json()
    assert (approved["state"], approved["approved_by"]) == ("running", ANOTHER)
    await expanding.once(database)
    assert len(await told(database)) == 501
    few = await drafted(door, audience={"regions": ["19.71"], "sectors": ["food"]})
    await rows_changed(database, "UPDATE contact_business SET sector = 'food' WHERE business_id = :id", person(1))
    assert (await let_go(door, few))["state"] == "running"


async def test_whoever_splits_a_broadcast_tells_no_more_people_alone_in_a_day(
    door: Door, database: Database, clock: StoppedClock
) -> None:
    await people(database, 300)
    first = await drafted(door)
    assert not (await door(OFFICE).get(f"{first}/preview")).json()["needs_approval"]
    assert (await let_go(door, first))["state"] == "running"
    second = await drafted(door)
    assert (await door(OFFICE).get(f"{second}/preview")).json()["needs_approval"]
    assert not (await door(SECOND).get(f"{second}/preview")).json()["needs_approval"]
    answer = await let_go(door, second)
    assert (answer["state"], answer["recipients"]) == ("submitted", 300)
    assert (await door(SECOND).post(f"{second}/approval")).json()["state"] == "running"
    third = await drafted(door)
    theirs = (await door(SECOND).post(f"{third}/submission")).json()
    assert theirs["state"] == "running", "what they approved is another's"
    await expanding.once(database)
    clock.advance(timedelta(hours=24))
    assert (await let_go(door, await drafted(door)))["state"] == "running"


async def test_what_was_cancelled_before_anybody_was_told_leaves_room(door: Door, database: Database) -> None:
    await people(database, 300)
    path = await drafted(door)
    await let_go(door, path)
    assert (await door(OFFICE).post(f"{path}/cancellation", json={"reason": "Salah tanggal"})).status_code == 200
    assert (await let_go(door, await drafted(door)))["state"] == "running"


async def test_of_several_halves_that_are_let_go_at_the_same_moment_one_goes(door: Door, database: Database) -> None:
    await people(database, 300)
    halves = [await drafted(door) for _ in range(4)]
    states = [one["state"] for one in await asyncio.gather(*(let_go(door, path) for path in halves))]
    assert Counter(states) == {"running": 1, "submitted": 3}


async def test_without_the_lock_two_halves_at_once_count_one_another_not(door: Door, database: Database) -> None:
    """The control: what the race is that the lock keeps out."""
    await people(database, 300)
    halves = [UUID((await drafted(door))[-36:]) for _ in range(2)]
    since = NOON - timedelta(hours=24)
    running = (
        "UPDATE broadcast SET state = 'running', submitted_by = 'a', submitted_at = :now, counted = 300 WHERE id = :id"
    )
    async with database.work(OFFICE) as one, database.work(OFFICE) as other:
        for work, half in ((one, halves[0]), (other, halves[1])):
            await work.session.execute(text(running), {"id": half, "now": NOON})
        assert [await store.told_alone(work.session, "a", since) for work in (one, other)] == [300, 300]
    async with database.work(OFFICE) as work:
        assert await store.told_alone(work.session, "a", since) == 600


async def test_a_second_person_rejects_with_a_reason(door: Door, database: Database) -> None:
    await people(database, 501)
    path = await drafted(door)
    await let_go(door, path)
    own = await door(OFFICE).post(f"{path}/rejection", json={"reason": "x"})
    assert own.json()["code"] == "second_person_needed"
    assert (await door(SECOND).post(f"{path}/rejection", json={})).status_code == 422
    answer = await door(SECOND).post(f"{path}/rejection", json={"reason": "Tanggalnya salah"})
    assert answer.json()["state"] == "rejected"
    steps = (await door(OFFICE).get(path)).json()["steps"]
    assert [(one["state"], one["by"], one["reason"]) for one in steps] == [
        ("draft", OFFICE.subject, None), ("submitted", OFFICE.subject, None), ("rejected", ANOTHER, "Tanggalnya salah")
    ]  # fmt: skip
    again = await door(SECOND).post(f"{path}/approval")
    assert (again.json()["code"], again.json()["state"]) == ("broadcast_state_wrong", "rejected")


async def test_whatever_the_code_does_the_database_wants_a_second_person_for_many(
    door: Door, database: Database
) -> None:
    await people(database, 501)
    path = await drafted(door)
    await let_go(door, path)
    for change in (
        "state = 'running'",
        f"state = 'running', approved_by = '{OFFICE.subject}', approved_at = now()",
        "told = 501",
        "body_id = 'lain'",
        "regions = '{19}'",
        "state = 'done', ended_at = now(), listed_at = now()",
        "urgency = 'required'",
    ):
        with pytest.raises(IntegrityError):
            await rows_changed(database, f"UPDATE broadcast SET {change} WHERE id = :id", UUID(path[-36:]))  # noqa: S608


async def test_a_broadcast_moves_only_as_the_table_says(door: Door, database: Database) -> None:
    broadcast_id = UUID((await drafted(door))[-36:])
    ended = {State.REJECTED, State.DONE, State.CANCELLED, State.EXPIRED}
    for before in State:
        for after in set(State) - {before}:
            async with database.work(OFFICE) as work:
                session = work.session
                await session.execute(text("SET LOCAL session_replication_role = replica"))
                let = "submitted_by = 'a', submitted_at = now(), counted = 1, listed_at = now()"
                end = "now()" if before in ended else "NULL"
                where = {"id": broadcast_id, "before": before.value, "after": after.value}
                standing = text(f"UPDATE broadcast SET {let}, state = :before, ended_at = {end} WHERE id = :id")  # noqa: S608
                await session.execute(standing, where)
                await session.execute(text("SET LOCAL session_replication_role = origin"))
                end = "now()" if after in ended else "NULL"
                moving = text(f"UPDATE broadcast SET state = :after, ended_at = {end} WHERE id = :id")  # noqa: S608
                if (before, after) in MOVES:
                    await session.execute(moving, where)
                else:
                    with pytest.raises(DBAPIError):
                        await session.execute(moving, where)
                await session.rollback()


async def test_nobody_an_expired_one_and_too_many_at_once_are_refused(
    door: Door, database: Database, clock: StoppedClock
) -> None:
    empty = await drafted(door)
    refused = await door(OFFICE).post(f"{empty}/submission")
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_to_tell")
    await people(database, 1)
    for _ in range(20):
        await let_go(door, await drafted(door))
    refused = await door(OFFICE).post(f"{empty}/submission")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_broadcasts")
    clock.advance(timedelta(days=4))
    refused = await door(OFFICE).post(f"{empty}/submission")
    assert (refused.status_code, refused.json()["code"]) == (409, "broadcast_expired")


async def test_a_broadcast_of_a_region_that_is_not_ones_own_does_not_exist(door: Door, database: Database) -> None:
    await people(database, 1)
    path = await drafted(door, audience={"regions": ["19.71", "19.02"]})
    assert (await door(PANGKALPINANG).get(path)).status_code == 404
    assert (await door(PANGKALPINANG).post(f"{path}/submission")).status_code == 404
    assert (await door(PANGKALPINANG).get(PATH)).json()["items"] == []
    assert len((await door(AUDITOR).get(PATH)).json()["items"]) == 1
    assert (await door(OWNER).get(PATH)).status_code == 403


# Telling


async def test_everybody_is_told_once_in_stretches_and_how_far_it_is_can_be_seen(
    door: Door, database: Database
) -> None:
    await people(database, 25)
    path = await drafted(door)
    await let_go(door, path)
    async with database.work(OFFICE) as work:
        assert await expanding.look(10, work)
    detail = (await door(OFFICE).get(path)).json()
    assert (detail["broadcast"]["told"], detail["broadcast"]["recipients"]) == (10, 25)
    assert detail["outside"]["queued"] == 10
    await expanding.once(database, batch=10)
    found = await told(database)
    assert [row["person"] for row in found] == [f"owner/{person(number)}" for number in range(1, 26)]
    assert len({row["message_id"] for row in found}) == 25
    sent = await rows(database, "SELECT DISTINCT lane, channel FROM delivery")
    assert sent == [{"lane": 3, "channel": "whatsapp"}]
    (first,) = await rows(database, "SELECT * FROM message ORDER BY person LIMIT 1")
    assert first["body"] == "Pemilik 1, pendaftaran untuk Usaha 1 dibuka sampai 24 Sep 2020."
    assert (first["purpose"], first["urgency"], first["fact"]) == ("broadcast", "invitation", f"broadcast/{path[-36:]}")


async def test_a_stretch_that_was_not_committed_is_told_again_from_where_it_began(
    door: Door, database: Database
) -> None:
    await people(database, 25)
    await let_go(door, await drafted(door))
    async with database.work(OFFICE) as work:
        await expanding.look(10, work)
    async with database.work(OFFICE) as work:
        await expanding.look(10, work)
        await work.session.rollback()
    await expanding.once(database, batch=10)
    assert len(await told(database)) == 25


async def test_of_two_who_tell_at_once_one_has_the_broadcast_in_hand(door: Door, database: Database) -> None:
    await people(database, 25)
    await let_go(door, await drafted(door))
    async with database.work(OFFICE) as first, database.work(OFFICE) as second:
        assert await expanding.look(10, first)
        assert not await expanding.look(10, second)
    assert len(await told(database)) == 10


async def test_no_more_than_a_window_waits_and_what_was_sent_makes_room(door: Door, database: Database) -> None:
    await people(database, 25)
    await let_go(door, await drafted(door))
    for expected in (10, 15, 15):
        async with database.work(OFFICE) as work:
            await expanding.look(10, work, window=15)
        assert len(await told(database)) == expected
    async with database.reading(OFFICE) as work:
        assert list((await store.waiting(work.session)).values()) == [15]
    await failed(database, 7)
    async with database.work(OFFICE) as work:
        await expanding.look(10, work, window=15)
    assert len(await told(database)) == 22


FAIL = text(
    "UPDATE delivery SET state = 'failed', reason = 'refused' WHERE id IN"
    " (SELECT id FROM delivery WHERE state = 'queued' LIMIT :count)"
)


async def failed(database: Database, count: int) -> None:
    """Let so many deliveries come to their end."""
    async with database.work(OFFICE) as work:
        await work.session.execute(FAIL, {"count": count})


async def test_it_is_done_when_all_are_told_and_nothing_waits_any_more(door: Door, database: Database) -> None:
    await people(database, 3)
    path = await drafted(door)
    await let_go(door, path)
    await expanding.once(database)
    assert (await door(OFFICE).get(path)).json()["broadcast"]["state"] == "running"
    await failed(database, 3)
    await expanding.once(database)
    detail = (await door(OFFICE).get(path)).json()
    assert (detail["broadcast"]["state"], detail["outside"]["failed"]) == ("done", 3)


async def test_a_person_alone_never_tells_more_than_five_hundred_even_when_there_are_more_by_then(
    door: Door, database: Database
) -> None:
    await people(database, 501)
    await rows_changed(database, "UPDATE contact_business SET trading = false WHERE business_id = :id", person(1))
    path = await drafted(door)
    assert (await let_go(door, path))["state"] == "running"
    await rows_changed(database, "UPDATE contact_business SET trading = true WHERE business_id = :id", person(1))
    await expanding.once(database)
    assert len(await told(database)) == 500


# What people chose


async def test_everybody_is_told_as_they_chose_and_whom_nobody_writes_to_is_not(door: Door, database: Database) -> None:
    await people(database, 5)
    async with database.work(OFFICE) as work:
        await contacts.stop(work, f"owner/{person(2)}", NOON)
    await happened(database, PersonRestricted(owner_id=person(3), region="19.71"))
    await rows_changed(database, "UPDATE contact SET phone = NULL WHERE owner_id = :id", person(4))
    await let_go(door, await drafted(door))
    await expanding.once(database)
    assert [(row["outcome"], row["reason"], row["message_id"] is None) for row in await told(database)] == [
        ("outside", None, False), ("inbox", "stopped", False), ("withheld", "restricted", True),
        ("inbox", "no_contact", False), ("outside", None, False),
    ]  # fmt: skip
    # Beside it only who was restricted was told that, before nobody wrote to them any more.
    queued = "SELECT d.id FROM delivery d JOIN message ON message.id = message_id WHERE fact LIKE 'broadcast/%'"
    assert len(await rows(database, queued)) == 2
    assert len(await rows(database, "SELECT id FROM message WHERE fact LIKE 'broadcast/%'")) == 4
    theirs = await rows(database, "SELECT purpose FROM message WHERE person = :who", who=f"owner/{person(3)}")
    assert [row["purpose"] for row in theirs] == ["restricted"]


async def test_a_stop_after_the_approval_counts_for_who_is_not_told_yet_and_for_what_is_queued(
    door: Door, database: Database
) -> None:
    await people(database, 2)
    await let_go(door, await drafted(door))
    async with database.work(OFFICE) as work:
        await expanding.look(1, work)
    async with database.work(OFFICE) as work:
        for number in (1, 2):
            await contacts.stop(work, f"owner/{person(number)}", NOON)
    await expanding.once(database)
    assert [row["reason"] for row in await told(database)] == [None, "stopped"]
    async with database.work(OFFICE) as work:
        leased = await delivery.lease(work, UUID(int=1), "whatsapp")
        assert len(leased) == 1
        refused = Refused("", Reason.STOPPED, ends=True)
        assert await letters(work, leased) == {leased[0].id: refused}


async def test_at_night_nobody_is_woken_and_what_is_of_no_use_by_the_morning_stays_in_the_inbox(
    door: Door, database: Database, clock: StoppedClock
) -> None:
    await people(database, 2)
    database.quiet_hours = True
    clock.advance(timedelta(hours=10))  # 22:00 WIB
    await let_go(door, await drafted(door, urgency="information"))
    await let_go(door, await drafted(door, expires_at=(clock.now() + timedelta(hours=5)).isoformat()))
    await expanding.once(database)
    assert Counter(row["reason"] for row in await told(database)) == {None: 2, "too_late": 2}
    due = await rows(database, "SELECT DISTINCT due_at FROM delivery")
    assert [row["due_at"] for row in due] == [NOON + timedelta(hours=19)]  # 07:00 WIB


async def test_whoever_wants_one_message_a_day_is_told_of_information_in_that(
    door: Door, database: Database, clock: StoppedClock
) -> None:
    await people(database, 1)
    await rows_changed(
        database,
        "INSERT INTO preference (person, required, invitation, information, digest, changed_by, changed_at, version)"
        " VALUES ('owner/' || CAST(:id AS uuid), '{sms}', '{sms}', '{sms}', true, 'x', now(), 2)",
        person(1),
    )
    await let_go(door, await drafted(door, urgency="information"))
    await expanding.once(database)
    assert [row["reason"] for row in await told(database)] == ["digest"]
    assert await rows(database, "SELECT id FROM delivery") == []
    clock.advance(timedelta(days=1))
    async with database.work(OFFICE) as work:
        assert await gather(work)
    sent = await rows(database, "SELECT m.purpose, d.channel FROM delivery d JOIN message m ON m.id = d.message_id")
    assert sent == [{"purpose": "digest", "channel": "sms"}]
