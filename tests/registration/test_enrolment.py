"""Who comes to a training: applications, seats by need then time, deadlines, and seats that are offered on."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.trainings import offers
from services.registration.trainings.enrolment_rules import deadline
from services.registration.trainings.offers_sweep import run
from shared.caller import Caller, Role
from shared.clock import WIB
from shared.contracts.notifications import ReplyReceived
from shared.contracts.registration import (
    SeatAccepted,
    SeatDeclined,
    SeatEvent,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    TrainingCancelled,
    TrainingMoved,
)
from tests.door import Recorded, told
from tests.registration.people import OFFICE
from tests.registration.seats import Story, ask
from tests.waiting import wait_until


async def seat_events(story: Story) -> list[str]:
    return [type(one).__name__ for one in await Recorded(story.database)() if isinstance(one, SeatEvent)]


async def test_a_right_application_is_eligible_and_its_history_says_by_whom_and_how(story: Story) -> None:
    training, business = await story.announce(), await story.business()
    enrolment = await story.apply(training, business)
    assert (enrolment["state"], enrolment["reasons"], enrolment["need_points"]) == ("eligible", [], None)
    assert [(one["state"], one["how"], one["actor"]) for one in enrolment["history"]] == [
        ("applied", "paper", "staff-1"),
        ("eligible", "rule", "staff-1"),
    ]
    path = f"/registration/trainings/{training['id']}/enrolments"
    assert await story.refused("office", path, business_id=business["id"], how="phone") == (409, "already_enrolled")
    assert await story.audited() == []


async def test_all_reasons_against_somebody_are_told_and_the_province_may_override_them(story: Story) -> None:
    training = await story.announce()
    business = await story.business(sector="spices", region="19.02")
    long_ago = (story.clock.at - timedelta(days=200)).isoformat()
    enrolment = await story.apply(training, business, applied_at=long_ago)
    assert enrolment["state"] == "ineligible"
    assert [one["code"] for one in enrolment["reasons"]] == ["other_sector", "other_region", "application_too_old"]
    assert enrolment["reasons"][0]["indonesian"] == "Pelatihan ini untuk bidang usaha lain."
    path = f"/registration/enrolments/{enrolment['id']}/eligibility"
    assert (await story.door["pangkalpinang"].post(path, json={"reason": "Pindah"})).status_code == 403
    shown = await story.done("office", path, reason="Pindah ke Pangkalpinang")
    assert (shown["state"], shown["override_reason"]) == ("eligible", "Pindah ke Pangkalpinang")
    assert await story.refused("office", path, reason="Lagi") == (409, "step_not_possible")


async def test_a_programme_is_taken_once(story: Story) -> None:
    _, (taken,) = await story.seated(1)
    business = {"id": taken["business_id"]}
    same, other = await story.announce(), await story.announce(programme="TR-2020-09")
    assert [one["code"] for one in (await story.apply(same, business))["reasons"]] == ["taken_before"]
    assert (await story.apply(other, business))["state"] == "eligible"


async def test_who_asks_for_others_is_told_that_there_is_nothing(story: Story) -> None:
    training, mine, other = await story.announce(), await story.business(), await story.business()
    path = f"/registration/trainings/{training['id']}/enrolments"
    assert await story.refused("belitung", path, business_id=mine["id"], how="phone") == (404, "not_found")
    assert await story.refused("office", path, business_id=str(uuid4()), how="phone") == (404, "not_found")
    async with story.owner_of(mine) as owner:
        assert (await owner.post(path, json={"business_id": other["id"]})).status_code == 404
        enrolled = await owner.post(path, json={"business_id": mine["id"]})
        assert (enrolled.status_code, enrolled.json()["history"][0]["how"]) == (201, "online")
        shown = f"/registration/enrolments/{enrolled.json()['id']}"
        assert (await owner.get(shown)).status_code == 200
    async with story.owner_of(other) as owner:
        assert (await owner.get(shown)).status_code == 404
        assert (await owner.post(f"{shown}/answer", json={"answer": "accept"})).status_code == 404
    assert (await story.door["belitung"].get(shown)).status_code == 404


async def test_what_is_wrong_in_an_application_is_told(story: Story) -> None:
    training, business = await story.announce(), await story.business()
    path = f"/registration/trainings/{training['id']}/enrolments"
    later, body = (story.clock.at + timedelta(hours=1)).isoformat(), {"business_id": business["id"]}
    answer = await story.door["office"].post(path, json={**body, "applied_at": later, "how": "phone"})
    assert (answer.status_code, told(answer)) == (422, {("/applied_at", "in_the_future")})
    answer = await story.door["office"].post(path, json={**body, "applied_at": "2010-01-01T00:00:00Z", "how": "phone"})
    assert told(answer) == {("/applied_at", "too_long_ago")}
    assert told(await story.door["office"].post(path, json=body)) == {("/how", "missing")}
    async with story.owner_of(business) as owner:
        answer = await owner.post(path, json={**body, "applied_at": "2020-01-01T00:00:00Z"})
        assert told(answer) == {("/applied_at", "not_yours_to_say")}
        assert told(await owner.post(path, json={**body, "how": "phone"})) == {("/how", "not_yours_to_say")}


async def test_seats_go_by_need_then_time_and_the_rest_waits(story: Story) -> None:
    training = await story.announce(seats=2)
    enrolments = await story.applicants(training, 4)
    async with story.database.work(OFFICE) as work:  # as if two waited with a score, each fixed when it was worked out
        await work.session.execute(
            text(
                "UPDATE enrolment SET need_points = CAST(:points AS integer), need_explained = 'skor',"
                " state = 'waitlisted' WHERE id = :id"
            ),
            [{"points": 3, "id": enrolments[2]["id"]}, {"points": 9, "id": enrolments[3]["id"]}],
        )
    done = await story.offer(training)
    assert done["offered"] == [enrolments[3]["id"], enrolments[2]["id"]]
    assert (done["waitlisted"], done["seats_taken"]) == (2, 2)
    assert await story.states(enrolments) == ["waitlisted", "waitlisted", "offered", "offered"]
    first = await story.enrolment(enrolments[0])
    assert (first["need_points"], "No need score yet" in first["need_explained"]) == (0, True)


async def test_seven_seats_and_ten_who_want_one_run_twice(story: Story) -> None:
    training = await story.announce(seats=7)
    enrolments = await story.applicants(training, 10)
    first, again = await story.offer(training), await story.offer(training)
    assert (len(first["offered"]), first["waitlisted"]) == (7, 3)
    assert (again["offered"], again["waitlisted"]) == ([], 3)
    assert first["offered"] == [one["id"] for one in enrolments[:7]]
    assert (await seat_events(story)).count("SeatOffered") == 7
    assert await story.audited() == []


@pytest.mark.parametrize("leaves", ["decline", "withdrawal of an offer", "withdrawal of a seat", "nobody answers"])
async def test_a_seat_that_becomes_free_is_offered_to_the_next(story: Story, leaves: str) -> None:
    training = await story.announce(seats=1)
    enrolments = await story.applicants(training, 3)
    await story.offer(training)
    path = f"/registration/enrolments/{enrolments[0]['id']}/withdrawal"
    if leaves == "decline":
        assert (await story.answer(enrolments[0], "decline")).status_code == 201
    elif leaves == "nobody answers":
        story.clock.at += timedelta(days=3)
        async with story.database.work(OFFICE) as work:
            assert await offers.sweep(work) == 1
        async with story.database.work(OFFICE) as work:
            assert await offers.sweep(work) == 0
    else:
        if leaves.endswith("seat"):
            await story.answer(enrolments[0])
        await story.done("pangkalpinang", path, how="phone", reason="Pesanan besar")
    gone = {"decline": "declined", "nobody answers": "expired"}.get(leaves, "withdrawn")
    assert await story.states(enrolments) == [gone, "offered", "waitlisted"]
    assert (await story.training(training))["seats_taken"] == 1
    assert await story.audited() == []


async def test_more_seats_are_offered_at_once_and_fewer_than_are_taken_are_refused(story: Story) -> None:
    training = await story.announce(seats=1)
    enrolments = await story.applicants(training, 3)
    await story.offer(training)
    version = (await story.training(training))["version"]
    path, office = f"/registration/trainings/{training['id']}", story.door["office"]
    answer = await office.patch(path, json={"seats": 2}, headers={"If-Match": f'"{version - 1}"'})
    assert answer.status_code == 412
    answer = await office.patch(path, json={"seats": 2}, headers={"If-Match": f'"{version}"'})
    assert (answer.status_code, answer.json()["seats_taken"]) == (200, 2)
    assert await story.states(enrolments) == ["offered", "offered", "waitlisted"]
    answer = await office.patch(path, json={"seats": 1}, headers={"If-Match": f'"{answer.json()["version"]}"'})
    assert (answer.status_code, answer.json()["code"]) == (409, "seats_taken")


async def test_an_offer_is_answered_once_and_before_its_deadline(story: Story) -> None:
    training = await story.announce(seats=2)
    first, second = await story.applicants(training, 2)
    done = await story.offer(training)
    assert datetime.fromisoformat(done["answer_by"]) == deadline(story.clock.at, WIB)
    assert (await story.answer(first)).json()["state"] == "accepted"
    assert (await story.answer(first)).json()["code"] == "step_not_possible"
    story.clock.at += timedelta(days=3)
    late = await story.answer(second)
    assert (late.status_code, late.json()["code"]) == (409, "offer_expired")
    assert await story.states([first, second]) == ["accepted", "offered"]  # written down by whoever sweeps


async def test_no_offer_is_made_or_open_when_the_training_begins(story: Story) -> None:
    training = await story.announce(seats=1, sessions=[(story.clock.today + timedelta(days=1)).isoformat()])
    enrolments = await story.applicants(training, 2)
    done = await story.offer(training)
    assert done["answer_by"] == f"{story.clock.today + timedelta(days=1)}T07:00:00+07:00"
    story.clock.at += timedelta(days=1)
    async with story.database.work(OFFICE) as work:
        await offers.sweep(work)
    assert await story.states(enrolments) == ["expired", "waitlisted"]
    path = f"/registration/trainings/{training['id']}/offers"
    assert await story.refused("office", path) == (409, "training_begun")


async def test_who_is_out_may_apply_again_and_goes_to_the_end(story: Story) -> None:
    training = await story.announce(seats=1)
    first, second = await story.applicants(training, 2)
    await story.offer(training)
    await story.answer(first, "decline")
    story.clock.at += timedelta(minutes=5)
    again = await story.apply(training, {"id": first["business_id"]})
    assert (again["id"], again["state"], again["history"][-1]["no"]) == (first["id"], "eligible", 6)
    assert (await story.enrolment(second))["state"] == "offered"
    assert await story.audited() == []


async def test_whoever_stands_at_the_door_gets_a_seat_if_one_is_free(story: Story) -> None:
    training, (seated,) = await story.seated(1)
    path, business = f"/registration/trainings/{training['id']}/walk-ins", await story.business(sector="spices")
    body = {"business_id": business["id"], "reason": "Datang sendiri"}
    assert await story.refused("pangkalpinang", path, **body) == (409, "training_not_begun")
    story.clock.at += timedelta(days=7)
    assert await story.refused("pangkalpinang", path, **body) == (409, "no_seat")
    await story.done("office", f"/registration/enrolments/{seated['id']}/withdrawal", how="phone", reason="Sakit")
    shown = await story.done("pangkalpinang", path, **body)
    assert (shown["state"], shown["override_reason"], shown["reasons"][0]["code"]) == (
        "accepted",
        "Datang sendiri",
        "other_sector",
    )
    assert await story.refused("pangkalpinang", path, **body) == (409, "step_not_possible")
    assert await story.audited() == []


async def test_every_step_that_concerns_somebody_is_told_once(story: Story) -> None:
    training = await story.announce(seats=1)
    enrolments = await story.applicants(training, 3)
    await story.offer(training)
    await story.answer(enrolments[0], "decline")
    await story.answer(enrolments[1])
    path = f"/registration/enrolments/{enrolments[1]['id']}/withdrawal"
    await story.done("pangkalpinang", path, how="phone", reason="Sakit")
    story.clock.at += timedelta(days=3)
    async with story.database.work(OFFICE) as work:
        await offers.sweep(work)
    events = [one for one in await Recorded(story.database)() if isinstance(one, SeatEvent)]
    assert [type(one) for one in events] == [
        SeatOffered, SeatWaitlisted, SeatWaitlisted, SeatDeclined, SeatOffered, SeatAccepted, SeatWithdrawn,
        SeatOffered, SeatExpired,
    ]  # fmt: skip
    assert len({one.matter for one in events}) == len(events)
    assert events[0].business_id == UUID(enrolments[0]["business_id"])
    assert isinstance(events[5], SeatAccepted)
    assert events[5].how == "phone"


def reply(business: dict[str, Any], enrolment: dict[str, Any], at: datetime, answer: str = "yes") -> ReplyReceived:
    told = {
        "reply_id": uuid4(),
        "owner_id": business["owner_id"],
        "enrolment_id": enrolment["id"],
        "answer": answer,
        "channel": "whatsapp",
        "region": "19.71",
        "at": at,
    }
    return msgspec.convert(told, ReplyReceived)


async def hear(story: Story, told: ReplyReceived) -> bool:
    async with story.database.work(Caller("service-notifications", Role.SERVICE, ())) as work:
        return await offers.hear_reply(work, told)


async def test_a_reply_answers_the_offer_that_it_names_and_nothing_twice(story: Story) -> None:
    training, business = await story.announce(seats=1), await story.business()
    enrolment = await story.apply(training, business)
    yes = reply(business, enrolment, story.clock.at)
    assert not await hear(story, yes)  # nothing is offered yet
    await story.offer(training)
    assert [await hear(story, yes), await hear(story, yes)] == [True, False]
    assert not await hear(story, reply(business, enrolment, story.clock.at, "no"))
    assert await story.states([enrolment]) == ["accepted"]


async def test_a_reply_that_declines_gives_the_seat_to_the_next(story: Story) -> None:
    training, business = await story.announce(seats=1), await story.business()
    enrolment = await story.apply(training, business)
    (waits,) = await story.applicants(training, 1)
    await story.offer(training)
    assert await hear(story, reply(business, enrolment, story.clock.at, "no"))
    assert await story.states([enrolment, waits]) == ["declined", "offered"]
    assert await story.audited() == []


async def test_a_reply_of_somebody_else_or_written_after_the_deadline_answers_nothing(story: Story) -> None:
    training, business, other = await story.announce(), await story.business(), await story.business()
    enrolment = await story.apply(training, business)
    await story.offer(training)
    until = datetime.fromisoformat((await story.enrolment(enrolment))["answer_by"])
    assert not await hear(story, reply(other, enrolment, story.clock.at))
    assert not await hear(story, reply(business, enrolment, until))
    story.clock.at = until + timedelta(minutes=1)  # heard late, and nobody has written down that it is over
    assert await hear(story, reply(business, enrolment, until - timedelta(seconds=1)))
    assert await story.states([enrolment]) == ["accepted"]


async def test_a_session_is_moved_or_called_off_and_everybody_concerned_is_told(story: Story) -> None:
    training, enrolments = await story.seated(2)
    waits = await story.applicants(training, 1)
    await story.offer(training)
    days = [one["held_on"] for one in training["sessions"]]
    later = (story.clock.today + timedelta(days=30)).isoformat()
    path = f"/registration/trainings/{training['id']}/sessions"
    reason = "Aula dipakai vaksinasi"
    shown = await story.done("office", f"{path}/1/move", held_on=later, venue="Balai Latihan", reason=reason)
    assert (shown["sessions"][0]["held_on"], shown["sessions"][0]["venue"]) == (later, "Balai Latihan")
    shown = await story.done("office", f"{path}/2/cancellation", reason="Pemateri sakit")
    assert shown["sessions"][1]["cancel_reason"] == "Pemateri sakit"
    moved, off = [one for one in await Recorded(story.database)() if isinstance(one, TrainingMoved)]
    assert (str(moved.was_on), str(moved.held_on), moved.venue) == (days[0], later, "Balai Latihan")
    assert (str(off.was_on), off.held_on, len(off.sessions)) == (days[1], None, 3)
    everybody = {UUID(one["business_id"]) for one in (*enrolments, *waits)}
    assert set(moved.businesses) == set(off.businesses) == everybody
    assert moved.matter != off.matter
    assert await story.refused("office", f"{path}/3/move", held_on=later, reason=reason) == (409, "day_taken")
    assert await story.refused("office", f"{path}/2/move", held_on=later, reason=reason) == (409, "session_cancelled")
    assert await story.refused("office", f"{path}/9/move", held_on=later, reason=reason) == (404, "not_found")
    # The day of a session that is not held is free for another.
    await story.done("office", f"{path}/3/move", held_on=days[1], reason=reason)
    for no in (1, 3):
        await story.done("office", f"{path}/{no}/cancellation", reason=reason)
    assert await story.refused("office", f"{path}/4/cancellation", reason=reason) == (409, "last_session")


async def test_what_is_wrong_in_a_move_is_told(story: Story) -> None:
    training = await story.announce()
    path = f"/registration/trainings/{training['id']}/sessions/1/move"
    office = story.door["office"]
    assert told(await office.post(path, json={"held_on": "2020-09-01", "reason": "x"})) == {("/held_on", "in_the_past")}
    assert told(await office.post(path, json={"reason": "x"})) == {("/held_on", "missing")}
    answer = await office.post(path, json={"held_on": "2020-09-01"})
    assert told(answer) == {("/held_on", "in_the_past"), ("/reason", "missing")}


async def test_calling_off_tells_everybody_and_ends_every_other_step(story: Story) -> None:
    training, (seated, other) = await story.seated(2)
    (waits,) = await story.applicants(training, 1)
    await story.offer(training)
    await story.done("office", f"/registration/trainings/{training['id']}/cancellation", reason="Wabah")
    (event,) = [one for one in await Recorded(story.database)() if isinstance(one, TrainingCancelled)]
    assert set(event.businesses) == {UUID(one["business_id"]) for one in (seated, other, waits)}
    steps: dict[str, dict[str, Any]] = {
        f"/registration/trainings/{training['id']}/offers": {},
        f"/registration/trainings/{training['id']}/enrolments": {"business_id": waits["business_id"], "how": "phone"},
        f"/registration/trainings/{training['id']}/sessions/1/cancellation": {"reason": "x"},
        f"/registration/enrolments/{waits['id']}/answer": {"answer": "accept", "how": "phone"},
        f"/registration/enrolments/{seated['id']}/withdrawal": {"reason": "x", "how": "phone"},
    }
    for path, body in steps.items():
        assert await story.refused("office", path, **body) == (409, "training_cancelled")
    story.clock.at += timedelta(days=60)
    async with story.database.work(OFFICE) as work:
        assert await offers.sweep(work) == 0


async def test_lists_are_whole_page_by_page(story: Story) -> None:
    training = await story.announce(seats=1)
    enrolments = await story.applicants(training, 3)
    await story.offer(training)
    path, seen, after = f"/registration/trainings/{training['id']}/enrolments", [], None
    for _ in range(3):
        params: dict[str, Any] = {"limit": 1} | ({"cursor": after} if after else {})
        page = (await story.door["auditor"].get(path, params=params)).json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert (seen, after) == ([one["id"] for one in enrolments], None)
    waiting = (await story.door["office"].get(path, params={"state": "waitlisted"})).json()["items"]
    assert [one["id"] for one in waiting] == [one["id"] for one in enrolments[1:]]
    assert (await story.door["belitung"].get(path)).status_code == 404


async def test_an_owner_finds_the_trainings_to_come_and_their_own_enrolments(story: Story) -> None:
    fits = await story.announce()
    await story.announce(sector="spices")
    await story.announce(region="19.02")
    business = await story.business()
    async with story.owner_of(business) as owner:
        found = (await owner.get("/registration/my/trainings")).json()["items"]
        assert [one["id"] for one in found] == [fits["id"]]
        assert (await owner.get("/registration/my/enrolments")).json() == {"items": [], "next": None}
        made = await owner.post(
            f"/registration/trainings/{fits['id']}/enrolments", json={"business_id": business["id"]}
        )
        mine = (await owner.get("/registration/my/enrolments")).json()["items"]
    assert [(one["id"], one["title"]) for one in mine] == [(made.json()["id"], "Bimtek konveksi")]


@pytest.mark.parametrize("held", ["offered", "accepted"])
@pytest.mark.parametrize("gone", ["closure", "erasure"])
async def test_the_seat_of_a_business_that_is_no_more_goes_to_the_next(story: Story, gone: str, held: str) -> None:
    training = await story.announce(seats=1)
    enrolments = await story.applicants(training, 2)
    await story.offer(training)
    if held == "accepted":
        await story.answer(enrolments[0])
    office, business = story.door["office"], enrolments[0]["business_id"]
    whose = (await office.get(f"/registration/businesses/{business}")).json()["owner_id"]
    path = f"/registration/businesses/{business}" if gone == "closure" else f"/registration/owners/{whose}"
    assert (await office.post(f"{path}/{gone}", json={"reason": "Tutup"})).is_success
    async with story.database.work(OFFICE) as work:
        assert await offers.sweep(work) == 1
    async with story.database.work(OFFICE) as work:
        assert await offers.sweep(work) == 0
    assert await story.states(enrolments) == ["withdrawn", "offered"]
    assert (await story.enrolment(enrolments[0]))["history"][-1]["how"] == "rule"
    assert await story.audited() == []


async def test_who_sits_in_a_training_that_has_begun_keeps_the_seat(story: Story) -> None:
    training, (seated,) = await story.seated(1)
    story.clock.at += timedelta(days=8)
    path = f"/registration/businesses/{seated['business_id']}/closure"
    assert (await story.door["office"].post(path, json={"reason": "Tutup"})).is_success
    async with story.database.work(OFFICE) as work:
        assert await offers.sweep(work) == 0
    assert await story.states([seated]) == ["accepted"]
    assert (await story.training(training))["seats_taken"] == 1


LISTENS = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE '%-offers' AND datname = current_database()"


async def test_no_offer_is_made_that_nobody_has_time_to_answer(story: Story) -> None:
    training = await story.announce(seats=1, sessions=[(story.clock.today + timedelta(days=1)).isoformat()])
    await story.applicants(training, 2)
    path, offices = f"/registration/trainings/{training['id']}/offers", story.door["office"]
    for earlier in (timedelta(), timedelta(minutes=6)):
        answer = await offices.post(path, json={"answer_by": (story.clock.at - earlier).isoformat()})
        assert told(answer) == {("/answer_by", "in_the_past")}
    story.clock.at = story.clock.at.replace(hour=11, minute=30)  # half past six in the evening
    assert await story.refused("office", path) == (409, "no_time_to_answer")
    story.clock.at = story.clock.at.replace(hour=12, minute=30)  # whoever telephones sets the deadline
    asked = (story.clock.at + timedelta(minutes=20)).isoformat()
    assert len((await story.offer(training, answer_by=asked))["offered"]) == 1
    story.clock.at = story.clock.at.replace(hour=13, minute=30)  # half past eight: asleep until it begins
    tomorrow = (story.clock.at + timedelta(days=1)).isoformat()
    assert await story.refused("office", path, answer_by=tomorrow) == (409, "no_time_to_answer")


async def test_a_seat_that_is_free_in_the_last_night_is_not_lost_unseen(story: Story) -> None:
    training = await story.announce(seats=1, sessions=[(story.clock.today + timedelta(days=1)).isoformat()])
    enrolments = await story.applicants(training, 2)
    await story.offer(training)
    story.clock.at = story.clock.at.replace(hour=13, minute=30)  # half past eight in the evening
    assert (await story.answer(enrolments[0], "decline")).status_code == 201
    assert await story.states(enrolments) == ["declined", "waitlisted"]
    assert (await story.training(training))["seats_taken"] == 0
    assert await story.audited() == []


async def test_an_officer_enrols_no_business_that_they_do_not_see(story: Story) -> None:
    training, business = await story.announce(), await story.business(region="19.02")
    body = {"business_id": business["id"]}
    path = f"/registration/trainings/{training['id']}"
    assert await story.refused("pangkalpinang", f"{path}/enrolments", **body, how="paper") == (404, "not_found")
    assert await story.refused("pangkalpinang", f"{path}/walk-ins", **body, reason="x") == (404, "not_found")


async def test_the_sweeper_is_woken_by_what_is_recorded(story: Story) -> None:
    training = await story.announce(seats=1)
    (enrolment,) = await story.applicants(training, 1)
    await story.offer(training)
    task = asyncio.create_task(run(story.database, apart_seconds=0.01, look_seconds=600))
    await wait_until(lambda: ask(story.database, LISTENS), description="the sweeper to listen")
    story.clock.at += timedelta(days=3)
    await story.business()  # any fact will do

    async def expired() -> bool:
        return await story.states([enrolment]) == ["expired"]

    await wait_until(expired, description="the offer to be ended by the sweeper")
    task.cancel()


GUARDED = (
    "UPDATE enrolment SET state = 'gone'",
    "UPDATE enrolment SET state = 'offered'",
    "UPDATE enrolment SET ticket = NULL",
    "UPDATE enrolment SET ticket = (SELECT ticket FROM enrolment LIMIT 1)",
    "UPDATE enrolment SET business_id = (SELECT business_id FROM enrolment LIMIT 1)",
    "UPDATE enrolment SET state = 'ineligible', ticket = NULL",
    "UPDATE enrolment SET need_explained = NULL",
    "UPDATE enrolment_step SET how = 'somehow'",
    "UPDATE training SET seats = 1",
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(story: Story, order: str) -> None:
    await story.seated(2)
    with pytest.raises(IntegrityError):
        async with story.database.work(OFFICE) as work:
            await work.session.execute(text(order))


@pytest.mark.parametrize(
    ("order", "check"),
    [
        ("UPDATE training SET seats_taken = 1", "seats_taken_is_sum_of_enrolments"),
        ("UPDATE training SET applications = 1", "applications_are_counted"),
        ("UPDATE training SET ends_on = ends_on + 1", "training_days_are_those_of_its_sessions"),
        ("DELETE FROM enrolment_step WHERE no = 2", "enrolment_is_its_last_step"),
        ("UPDATE enrolment_step SET state = 'declined' WHERE no = 4", "enrolment_is_its_last_step"),
    ],
)
async def test_an_error_in_the_books_is_found(story: Story, order: str, check: str) -> None:
    await story.seated(2)
    assert await story.audited() == []
    async with story.database.work(OFFICE) as work:
        await work.session.execute(text(order))
    assert {name for name, *_ in await story.audited()} == {check}


async def test_a_training_has_room_for_so_many_applications(story: Story) -> None:
    training, business = await story.announce(), await story.business()
    async with story.database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE training SET applications = 5000"))
    path = f"/registration/trainings/{training['id']}/enrolments"
    assert await story.refused("office", path, business_id=business["id"], how="paper") == (
        409,
        "too_many_applications",
    )
    assert await ask(story.database, "SELECT count(*) FROM enrolment") == [(0,)]
