"""The last seat: however many want it at once, one has it; without the lock the race is there to be seen."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from shared.database import Work
from tests.registration.people import OFFICE
from tests.registration.seats import Story, ask

RACERS = 50


async def test_one_last_seat_under_fifty_confirmations_is_given_once(story: Story) -> None:
    training = await story.announce(seats=1)
    people = [await story.business() for _ in range(RACERS)]
    story.clock.at += timedelta(days=7)
    path = f"/registration/trainings/{training['id']}/walk-ins"
    officer = story.door["pangkalpinang"]
    answers = await asyncio.gather(
        *(officer.post(path, json={"business_id": one["id"], "reason": "Kursi terakhir"}) for one in people)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"no_seat"}
    assert await ask(story.database, "SELECT count(*) FROM enrolment WHERE state = 'accepted'") == [(1,)]
    assert (await story.training(training))["seats_taken"] == 1
    assert await story.audited() == []


def _without_row_locks(story: Story) -> None:
    """Let no statement of the product lock what it reads: FOR UPDATE is cut off on its way to the server."""

    def cut(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> Any:
        return statement.replace("FOR UPDATE", ""), parameters

    event.listen(story.database.engine.sync_engine, "before_cursor_execute", cut, retval=True)


async def test_fifty_confirmations_without_the_lock_give_the_last_seat_more_than_once(story: Story) -> None:
    """The control of the test before: the same racers over the same door and code, and only the lock is gone."""
    training = await story.announce(seats=1)
    people = [await story.business() for _ in range(RACERS)]
    story.clock.at += timedelta(days=7)
    path = f"/registration/trainings/{training['id']}/walk-ins"
    officer = story.door["pangkalpinang"]
    _without_row_locks(story)
    answers = await asyncio.gather(
        *(officer.post(path, json={"business_id": one["id"], "reason": "Kursi terakhir"}) for one in people)
    )
    given = sum(answer.status_code == 201 for answer in answers)
    assert given > 1
    assert await ask(story.database, "SELECT count(*) FROM enrolment WHERE state = 'accepted'") == [(given,)]
    assert (await story.training(training))["seats_taken"] == 1
    assert "seats_taken_is_sum_of_enrolments" in {name for name, *_ in await story.audited()}


async def test_one_offer_under_fifty_answers_is_answered_once(story: Story) -> None:
    training = await story.announce(seats=1)
    offered, waits = await story.applicants(training, 2)
    await story.offer(training)
    said = [("accept", "decline")[number % 2] for number in range(RACERS)]
    answers = await asyncio.gather(*(story.answer(offered, one) for one in said))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    first = next(one for one, answer in zip(said, answers, strict=True) if answer.status_code == 201)
    expected = ["accepted", "waitlisted"] if first == "accept" else ["declined", "offered"]
    assert await story.states([offered, waits]) == expected
    assert await story.audited() == []


async def test_seats_that_are_given_back_at_once_are_offered_on_once_each(story: Story) -> None:
    training = await story.announce(seats=5)
    enrolments = await story.applicants(training, 12)
    await story.offer(training)
    answers = await asyncio.gather(*(story.answer(one, "decline") for one in enrolments[:5]))
    assert {answer.status_code for answer in answers} == {201}
    assert await story.states(enrolments) == ["declined"] * 5 + ["offered"] * 5 + ["waitlisted"] * 2
    assert await story.audited() == []


@pytest.mark.parametrize("locked", [True, False])
async def test_without_the_lock_both_would_have_the_last_seat(story: Story, locked: bool) -> None:  # noqa: FBT001 - a case
    """Two transactions give the last seat by the same statements; only FOR UPDATE makes the second one wait and see."""
    training = await story.announce(seats=1)
    both = await story.applicants(training, 2)
    read = f"SELECT seats - seats_taken, seats_taken FROM training {'FOR UPDATE' if locked else ''}"  # noqa: S608 - ours
    has_read, other_has_read = asyncio.Event(), asyncio.Event()

    async def give(enrolment: str, mine: asyncio.Event, other: asyncio.Event, work: Work) -> bool:
        free, taken = (await work.session.execute(text(read))).one()
        mine.set()
        if not locked:
            await other.wait()  # both have read before one of them writes
        if not free:
            return False
        seat = "UPDATE enrolment SET state = 'accepted', ticket = gen_random_uuid() WHERE id = CAST(:id AS uuid)"
        await work.session.execute(text(seat), {"id": enrolment})
        await work.session.execute(text("UPDATE training SET seats_taken = :taken"), {"taken": taken + 1})
        return True

    async def run(enrolment: str, mine: asyncio.Event, other: asyncio.Event) -> bool:
        async with story.database.work(OFFICE) as work:
            return await give(enrolment, mine, other, work)

    given = await asyncio.gather(
        run(both[0]["id"], has_read, other_has_read), run(both[1]["id"], other_has_read, has_read)
    )
    assert sum(given) == (1 if locked else 2)
    taken = "SELECT seats, seats_taken, (SELECT count(*) FROM enrolment WHERE state = 'accepted') FROM training"
    assert await ask(story.database, taken) == [(1, 1, 1 if locked else 2)]
    disagrees = {name for name, *_ in await story.audited()} - {"enrolment_is_its_last_step"}
    assert disagrees == (set() if locked else {"seats_taken_is_sum_of_enrolments"})
