"""Who was there: codes scanned offline and told late, twice and out of order, and marks by hand."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.trainings import entry_codes
from services.registration.trainings.entry_codes import Entry
from shared.contracts.registration import TrainingAttendanceTakenBack, TrainingAttended
from tests.door import Recorded
from tests.registration.people import OFFICE
from tests.registration.seats import Story, ask


async def attended(story: Story) -> list[tuple[str, int]]:
    rows = await ask(story.database, "SELECT enrolment_id, session_no FROM attendance ORDER BY 1, 2")
    return [(str(enrolment), session) for enrolment, session in rows]


async def test_the_same_scan_twice_is_one_attendance_and_another_scan_is_already_there(story: Story) -> None:
    training, (siti, _) = await story.seated(2)
    story.clock.at += timedelta(days=8)
    one, other = story.scanned(await story.code(siti)), story.scanned(await story.code(siti))
    assert await story.scan(training, one, one) == [("recorded", None), ("repeated", None)]
    assert await story.scan(training, one, other) == [("repeated", None), ("already_there", None)]
    assert await attended(story) == [(siti["id"], 1)]
    events = [event for event in await Recorded(story.database)() if isinstance(event, TrainingAttended)]
    assert [(str(event.enrolment_id), event.session) for event in events] == [(siti["id"], 1)]


async def test_scans_come_in_any_order_each_twice_by_a_clock_that_is_off(story: Story) -> None:
    training, people = await story.seated(3)
    story.clock.at += timedelta(days=20)
    scans = []
    for number, person in enumerate(people):
        code = await story.code(person)
        for session in range(1, 5 - number):
            wrong = (story.clock.at + timedelta(days=400 * number - 300)).isoformat()
            scans.append(story.scanned(code, session) | {"scanned_at": wrong})
    twice = [*scans, *scans]
    Random(7).shuffle(twice)
    outcomes = Counter(outcome for outcome, _ in await story.scan(training, *twice[:9]))
    outcomes += Counter(outcome for outcome, _ in await story.scan(training, *twice[9:]))
    assert outcomes == {"recorded": 9, "repeated": 9}
    expected = {(person["id"], session) for number, person in enumerate(people) for session in range(1, 5 - number)}
    assert set(await attended(story)) == expected


async def test_every_scan_that_is_refused_says_why(story: Story) -> None:
    training, (siti, gone) = await story.seated(2)
    other, (stranger,) = await story.seated(1, programme="TR-2020-09")
    code, stale, foreign = await story.code(siti), await story.code(gone), await story.code(stranger)
    path = f"/registration/enrolments/{gone['id']}/withdrawal"
    await story.done("office", path, how="phone", reason="Sakit")
    cancelled = f"/registration/trainings/{training['id']}/sessions/2/cancellation"
    await story.done("office", cancelled, reason="Aula bocor")
    story.clock.at += timedelta(days=8)
    first = story.scanned(code, 1)
    forged = code[:-1] + ("A" if code[-1] != "A" else "B")
    scans = [
        (first, None),
        (story.scanned(forged), "code_invalid"),
        (story.scanned("x" * 130), "code_invalid"),
        (story.scanned(foreign), "code_of_another_training"),
        (story.scanned(stale), "not_a_participant"),
        (story.scanned(code, 2), "session_cancelled"),
        (story.scanned(code, 4), "session_not_yet"),
        (story.scanned(code, 9), "unknown_session"),
        ({**first, "session": 3}, "id_taken"),
    ]
    answers = await story.scan(training, *(scan for scan, _ in scans))
    assert [code for _, code in answers] == [why for _, why in scans]
    assert await attended(story) == [(siti["id"], 1)]
    await story.done("office", f"/registration/trainings/{other['id']}/cancellation", reason="Wabah")
    assert await story.scan(other, story.scanned(foreign)) == [("refused", "training_cancelled")]


async def test_two_telephones_that_tell_the_same_at_once_are_one_attendance(story: Story) -> None:
    training, people = await story.seated(2)
    story.clock.at += timedelta(days=8)
    scans = [story.scanned(await story.code(person)) for person in people]
    told = await asyncio.gather(*(story.scan(training, *scans) for _ in range(6)))
    assert Counter(outcome for one in told for outcome, _ in one) == {"recorded": 2, "repeated": 10}
    assert len(await attended(story)) == 2


async def test_a_telephone_checks_codes_with_the_public_key_alone_and_they_name_nobody(story: Story) -> None:
    training, (siti,) = await story.seated(1)
    key = (await story.door["pangkalpinang"].get("/registration/entry-key")).json()
    assert (key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 43)
    code = await story.code(siti)
    said = entry_codes.read(code, story.database.vault.signer(entry_codes.PURPOSE).public_key())  # type: ignore[union-attr]  # it has one
    assert isinstance(said, Entry)
    assert str(said.training_id) == training["id"]
    assert str(said.ticket) not in (siti["id"], siti["business_id"])


async def test_an_owner_has_the_code_of_their_own_seat_and_of_no_other(story: Story) -> None:
    training = await story.announce(seats=1)
    mine, other = await story.business(), await story.business()
    enrolment = await story.apply(training, mine)
    path = f"/registration/enrolments/{enrolment['id']}/code"
    async with story.owner_of(mine) as owner:
        assert (await owner.get(path)).status_code == 404  # no seat yet
        await story.offer(training)
        await story.answer(enrolment)
        assert (await owner.get(path)).json()["qr"].startswith("data:image/svg+xml")
    async with story.owner_of(other) as owner:
        assert (await owner.get(path)).status_code == 404
    assert (await story.door["belitung"].get(path)).status_code == 404
    assert (await story.door["auditor"].get(path)).status_code == 403


async def test_who_was_there_without_a_code_is_marked_by_hand_once_for_a_reason(story: Story) -> None:
    training, (siti, other) = await story.seated(2)
    path = f"/registration/trainings/{training['id']}/sessions/1/attendance"
    body: dict[str, Any] = {"enrolment_id": siti["id"], "reason": "HP tertinggal"}
    assert await story.refused("pangkalpinang", path, **body) == (409, "session_not_yet")
    story.clock.at += timedelta(days=8)
    first = await story.done("pangkalpinang", path, **body)
    assert (first["reason"], first["scanned_at"]) == ("HP tertinggal", None)
    assert await story.done("pangkalpinang", path, **(body | {"reason": "Lagi"})) == first
    assert await story.scan(training, story.scanned(await story.code(siti))) == [("already_there", None)]
    await story.done("office", f"/registration/enrolments/{other['id']}/withdrawal", how="phone", reason="Sakit")
    wrong = body | {"enrolment_id": other["id"]}
    assert await story.refused("pangkalpinang", path, **wrong) == (409, "step_not_possible")
    assert await story.refused("pangkalpinang", path, **(body | {"enrolment_id": str(uuid4())})) == (404, "not_found")
    assert await story.refused("belitung", path, **body) == (404, "not_found")
    listed = (await story.door["auditor"].get(path)).json()["items"]
    assert [one["enrolment_id"] for one in listed] == [siti["id"]]


def taking_back(training: dict[str, Any], session: int = 1) -> str:
    return f"/registration/trainings/{training['id']}/sessions/{session}/attendance/taking-back"


async def test_what_was_written_by_mistake_is_taken_back_for_a_reason_and_kept_as_it_was(story: Story) -> None:
    training, (siti, other) = await story.seated(2)
    story.clock.at += timedelta(days=8)
    scan = story.scanned(await story.code(siti))
    await story.scan(training, scan, story.scanned(await story.code(other)))
    body: dict[str, Any] = {"enrolment_id": siti["id"], "reason": "Kode tetangganya"}
    taken = await story.done("pangkalpinang", taking_back(training), **body)
    assert (taken["enrolment_id"], taken["session"], taken["reason"]) == (siti["id"], 1, None)
    assert (taken["taken_back_reason"], taken["taken_back_by"]) == ("Kode tetangganya", taken["recorded_by"])
    assert await attended(story) == [(other["id"], 1)]
    listed = (await story.door["auditor"].get(taking_back(training).replace("taking-back", "taken-back"))).json()
    assert listed["items"] == [taken]
    (event,) = [one for one in await Recorded(story.database)() if isinstance(one, TrainingAttendanceTakenBack)]
    assert (str(event.enrolment_id), event.session, event.reason) == (siti["id"], 1, "Kode tetangganya")
    # The telephone that tells the same scan again does not bring it back; another scan, or a mark, may be the true one.
    assert await story.scan(training, scan) == [("refused", "taken_back")]
    assert await story.refused("pangkalpinang", taking_back(training), **body) == (404, "not_found")
    assert await story.scan(training, story.scanned(await story.code(siti))) == [("recorded", None)]
    await story.done("pangkalpinang", taking_back(training), **body)
    assert await story.audited() == []


async def test_nobody_takes_back_what_is_of_another_region_session_or_training(story: Story) -> None:
    training, (siti,) = await story.seated(1)
    another = await story.announce(programme="TR-2020-09")
    story.clock.at += timedelta(days=8)
    await story.scan(training, story.scanned(await story.code(siti)))
    body: dict[str, Any] = {"enrolment_id": siti["id"], "reason": "x"}
    absent = (404, "not_found")
    assert await story.refused("belitung", taking_back(training), **body) == absent
    assert await story.refused("office", taking_back(training, 2), **body) == absent
    assert await story.refused("office", taking_back(another), **body) == absent
    assert await story.refused("office", taking_back(training), **(body | {"enrolment_id": str(uuid4())})) == absent
    assert (await story.door["auditor"].post(taking_back(training), json=body)).status_code == 403
    assert await attended(story) == [(siti["id"], 1)]


async def test_two_who_take_back_the_same_at_once_take_it_back_once(story: Story) -> None:
    training, (siti,) = await story.seated(1)
    story.clock.at += timedelta(days=8)
    await story.scan(training, story.scanned(await story.code(siti)))
    body = {"enrolment_id": siti["id"], "reason": "x"}
    told = await asyncio.gather(*(story.door["office"].post(taking_back(training), json=body) for _ in range(5)))
    assert sorted(one.status_code for one in told) == [201, 404, 404, 404, 404]
    assert len(await ask(story.database, "SELECT id FROM attendance_taken_back")) == 1


async def test_a_session_at_which_somebody_was_is_neither_moved_nor_called_off(story: Story) -> None:
    training, (siti,) = await story.seated(1)
    story.clock.at += timedelta(days=7)
    await story.scan(training, story.scanned(await story.code(siti)))
    path = f"/registration/trainings/{training['id']}/sessions/1"
    assert await story.refused("office", f"{path}/cancellation", reason="x") == (409, "session_held")
    later = (story.clock.today + timedelta(days=9)).isoformat()
    assert await story.refused("office", f"{path}/move", held_on=later, reason="x") == (409, "session_held")


async def test_the_list_of_a_session_is_whole_page_by_page(story: Story) -> None:
    training, people = await story.seated(3)
    story.clock.at += timedelta(days=8)
    await story.scan(training, *[story.scanned(await story.code(person)) for person in people])
    path, seen, after = f"/registration/trainings/{training['id']}/sessions/1/attendance", [], None
    for _ in range(3):
        params: dict[str, Any] = {"limit": 1} | ({"cursor": after} if after else {})
        page = (await story.door["office"].get(path, params=params)).json()
        seen += [one["enrolment_id"] for one in page["items"]]
        after = page["next"]
    assert (seen, after) == (sorted(one["id"] for one in people), None)


GUARDED = (
    "INSERT INTO attendance SELECT * FROM attendance",
    "UPDATE attendance SET session_no = 9",
    "UPDATE attendance SET scan_id = NULL",
    "UPDATE attendance SET reason = 'juga'",
    (
        "INSERT INTO attendance_taken_back SELECT gen_random_uuid(), enrolment_id, session_no, training_id, scan_id,"
        " scanned_at, reason, recorded_at, actor, recorded_at, 'x', '' FROM attendance"
    ),
    (
        "INSERT INTO attendance_taken_back SELECT gen_random_uuid(), enrolment_id, session_no, training_id, scan_id,"
        " scanned_at, reason, recorded_at, actor, recorded_at - interval '1 second', 'x', 'x' FROM attendance"
    ),
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(story: Story, order: str) -> None:
    training, (siti,) = await story.seated(1)
    story.clock.at += timedelta(days=8)
    await story.scan(training, story.scanned(await story.code(siti)))
    with pytest.raises(IntegrityError):
        async with story.database.work(OFFICE) as work:
            await work.session.execute(text(order))
