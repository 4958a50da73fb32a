"""Plans at work: one channel after the other, the first lanes first, and what a channel that knows our key may do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.notifications.delivery import handlers
from services.notifications.delivery.channels.local import Local
from services.notifications.delivery.domain import (
    LEASE,
    Accepted,
    Attempt,
    Deferred,
    Outcome,
    Reason,
    Refused,
    Repeatable,
    State,
    change_after,
)
from services.notifications.delivery.handlers import Answered
from services.notifications.delivery.sender import Sender
from services.notifications.delivery.store import Wanted
from services.notifications.giving_up import could_not_be_told
from services.notifications.letters import letters
from services.notifications.plans import AGE_MAX, Channel, Lane, Plan
from shared.caller import Caller, Role
from shared.contracts.notifications import MessageDelivered, MessageFailed
from shared.database import Database
from tests.notifications.story import NOON, StoppedClock, business, happened, owner, recorded, rows

SENDER = Caller("notifications", Role.SERVICE, ())
ALL = (Channel.WHATSAPP, Channel.SMS, Channel.EMAIL)


def plan(*channels: Channel, lane: Lane = Lane.PERSONAL, at: datetime = NOON) -> Plan:
    return Plan(channels, lane, at, at + AGE_MAX)


async def planned(database: Database, *plans: Plan) -> None:
    """Queue a message for each plan, to the same owner, without the deliveries that the rules have made."""
    for one in plans:
        firm, person = uuid4(), uuid4()
        await happened(database, owner(person, email=None), business(firm, person))
        (message,) = await rows(database, "SELECT * FROM message WHERE person = :who", who=f"owner/{person}")
        wanted = Wanted(UUID(str(message["id"])), f"owner/{person}", "19.71", "", one)
        async with database.work(SENDER) as work:
            await handlers.queue(work, [wanted])


async def answered(database: Database, channel: Channel, outcome: Outcome) -> int:
    """Let a sender of the channel hand over what is due, and be answered so; gives how much it was."""
    us = uuid4()
    async with database.work(SENDER) as work:
        leased = await handlers.lease(work, us, channel)
        attempts = await handlers.begin(work, us, leased)
        await handlers.settle(work, us, [Answered(one, attempts[one.id], outcome) for one in leased], could_not_be_told)
    return len(leased)


async def ledger(database: Database) -> list[tuple[object, object, object]]:
    found = await rows(database, "SELECT channel, state, reason FROM delivery ORDER BY id")
    return [(row["channel"], row["state"], row["reason"]) for row in found]


async def test_what_one_channel_refuses_goes_over_the_next_and_in_the_end_the_inbox_has_it_alone(
    database: Database,
) -> None:
    await planned(database, plan(*ALL))
    assert await answered(database, Channel.WHATSAPP, Refused("131026", Reason.REFUSED)) == 1
    assert await answered(database, Channel.SMS, Refused("", Reason.NO_ADDRESS)) == 1
    assert await answered(database, Channel.EMAIL, Refused("", Reason.BAD_ADDRESS)) == 1
    assert await ledger(database) == [
        ("whatsapp", "failed", "refused"),
        ("sms", "failed", "no_address"),
        ("email", "failed", "bad_address"),
    ]
    assert [type(event) for event in await recorded(database)] == [MessageFailed] * 3


async def test_three_errors_end_a_channel_and_the_next_one_keeps_lane_and_expiry(
    database: Database, clock: StoppedClock
) -> None:
    await planned(database, plan(Channel.SMS, Channel.EMAIL, lane=Lane.CODE))
    for _ in range(3):
        assert await answered(database, Channel.SMS, Deferred("503")) == 1
        clock.advance(timedelta(hours=1))
    (row,) = await rows(database, "SELECT * FROM delivery WHERE channel = 'email'")
    assert (row["lane"], row["expires_at"], row["rest"]) == (Lane.CODE, NOON + AGE_MAX, [])
    assert await answered(database, Channel.EMAIL, Accepted("250 OK")) == 1
    assert isinstance((await recorded(database))[-1], MessageDelivered)


async def test_what_is_taken_does_not_go_over_another_channel_too(database: Database) -> None:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, Accepted("200", provider_id="wamid.1"))
    assert await ledger(database) == [("whatsapp", "accepted", None)]


async def test_after_its_moment_a_message_goes_nowhere_any_more(database: Database, clock: StoppedClock) -> None:
    soon = replace(plan(*ALL), expires_at=NOON + timedelta(minutes=10))
    await planned(database, soon)
    clock.advance(timedelta(minutes=10))
    assert await answered(database, Channel.WHATSAPP, Accepted("200")) == 0
    async with database.work(SENDER) as work:
        await handlers.sweep(work, could_not_be_told)
    assert await ledger(database) == [("whatsapp", "failed", "too_old")]


async def test_a_plan_for_later_waits_for_its_moment(database: Database, clock: StoppedClock) -> None:
    await planned(database, plan(Channel.SMS, at=NOON + timedelta(hours=9)))
    assert await answered(database, Channel.SMS, Accepted("200")) == 0
    clock.advance(timedelta(hours=9))
    assert await answered(database, Channel.SMS, Accepted("200")) == 1


async def test_the_first_lanes_are_leased_first_however_long_the_others_have_waited(
    database: Database, clock: StoppedClock
) -> None:
    await planned(database, *(plan(Channel.SMS, lane=Lane.BROADCAST) for _ in range(3)))
    clock.advance(timedelta(hours=1))
    await planned(
        database,
        plan(Channel.SMS, lane=Lane.PERSONAL, at=clock.at),
        plan(Channel.SMS, lane=Lane.CODE, at=clock.at),
    )
    assert await _leased(database, tuple(Lane), rows=4) == [Lane.CODE, Lane.PERSONAL, Lane.BROADCAST, Lane.BROADCAST]
    assert await _leased(database, (Lane.CODE, Lane.PERSONAL), rows=4) == []
    assert await _leased(database, tuple(Lane), rows=4) == [Lane.BROADCAST]


async def _leased(database: Database, lanes: Sequence[Lane], rows: int) -> list[int]:
    async with database.work(SENDER) as work:
        found = await handlers.lease(work, uuid4(), Channel.SMS, lanes=lanes, rows=rows)
    return [await _lane(database, one.id) for one in found]


async def _lane(database: Database, delivery_id: UUID) -> int:
    (row,) = await rows(database, "SELECT lane FROM delivery WHERE id = :id", id=delivery_id)
    return int(str(row["lane"]))


@pytest.mark.parametrize(
    ("channel", "state"),
    [
        (Channel.SMS, "queued"),
        (Channel.WEBHOOK, "queued"),
        (Channel.WHATSAPP, "unknown"),
        (Channel.EMAIL, "unknown"),
        (Channel.APPRISE, "unknown"),
    ],
)
async def test_what_a_sender_left_in_the_middle_is_sent_again_only_where_the_channel_knows_our_key(
    database: Database, clock: StoppedClock, channel: Channel, state: str
) -> None:
    await planned(database, plan(channel))
    us = uuid4()
    async with database.work(SENDER) as work:
        await handlers.begin(work, us, await handlers.lease(work, us, channel))
    clock.advance(LEASE)
    async with database.work(SENDER) as work:
        await handlers.sweep(work, could_not_be_told)
    assert [row[1] for row in await ledger(database)] == [state]


async def test_what_is_planned_over_a_channel_that_is_not_set_up_takes_the_next_without_a_word(
    database: Database,
) -> None:
    await planned(database, plan(*ALL), plan(Channel.WHATSAPP))
    async with database.work(SENDER) as work:
        await handlers.reroute(work, [Channel.WHATSAPP], could_not_be_told)
    assert await ledger(database) == [("sms", "queued", None), ("whatsapp", "failed", "not_set_up")]


async def test_a_sender_with_nothing_to_send_lets_what_is_planned_over_such_a_channel_go_on_at_once(
    database: Database, clock: StoppedClock
) -> None:
    """It waits for no sweep: the clock stands still, and the sender has swept already."""
    lacking = [Channel.WHATSAPP, Channel.SMS]
    mail = Local(Channel.EMAIL.value)
    sender = Sender(database, clock, mail, letters, give_up=could_not_be_told, lacking=lacking)
    assert await sender.round() == 0
    await planned(database, plan(*ALL), plan(Channel.WHATSAPP))
    assert await sender.round() == 2
    assert await ledger(database) == [("sms", "queued", None), ("whatsapp", "failed", "not_set_up")]
    assert await sender.round() == 1
    assert await ledger(database) == [("email", "queued", None), ("whatsapp", "failed", "not_set_up")]
    assert await sender.round() == 1
    assert [row[:2] for row in await ledger(database)] == [("email", "failed"), ("whatsapp", "failed")]
    assert await sender.round() == 0


@pytest.mark.parametrize(
    ("outcome", "attempt", "state"),
    [
        (Repeatable("lost"), Attempt(1), State.QUEUED),
        (Repeatable("lost"), Attempt(100), State.UNKNOWN),  # never failed: it may have been taken
        (Deferred("503"), Attempt(3, errors=2), State.FAILED),
        (Deferred("503"), Attempt(4, errors=2, doubted=True), State.UNKNOWN),
        (Deferred("429", due_at=NOON), Attempt(9, errors=2), State.QUEUED),  # to wait as told is no error
        (Deferred("429", due_at=NOON), Attempt(100), State.FAILED),
        (Refused("400"), Attempt(2, doubted=True), State.FAILED),
    ],
)
def test_no_doubt_becomes_a_failure_by_itself(outcome: Outcome, attempt: Attempt, state: State) -> None:
    assert change_after(outcome, attempt, NOON).state is state
