"""Group commit: one commit for all who wait, and an outcome of its own for each."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError

from shared.database import Database
from shared.group_commit import GroupCommit
from shared.problems import Refusal, Unavailable
from tests.shared.conftest import Door
from tests.shared.notes import count
from tests.shared.test_idempotency import held, requests_held
from tests.waiting import SECONDS_MAX, wait_until

TOGETHER = "/notes/together"
TRANSACTIONS = text("SELECT count(DISTINCT xmin::text) FROM note")


class Full(Refusal):
    """This one does not fit."""

    code = "full"


class Kitchen:
    """Carries out orders: squares a number; what else it does stands in its fields."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.poison: int | None = None
        self.away = False
        self.door = asyncio.Event()
        self.door.set()

    async def cook(self, orders: Sequence[int]) -> Sequence[int | Refusal]:
        self.batches.append(list(orders))
        await self.door.wait()
        if self.away:
            raise InterfaceError("SELECT 1", {}, Exception("gone"))
        if self.poison in orders:
            raise ArithmeticError(f"poison among {len(orders)}")
        return [Full("No.") if order < 0 else order * order for order in orders]


async def settled(*waiting: "asyncio.Future[int] | asyncio.Task[int]") -> list[int | BaseException]:
    return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), SECONDS_MAX)


def submitted(group: "GroupCommit[int, int]", *orders: int) -> "list[asyncio.Task[int]]":
    return [asyncio.create_task(group.submit(order)) for order in orders]


async def test_a_crowd_that_asks_again_is_not_split_into_one_and_all_the_others() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, linger_seconds=SECONDS_MAX, busy_seconds=SECONDS_MAX)
    assert len(await settled(*submitted(group, *range(8)))) == 8
    asked: list[asyncio.Task[int]] = []
    for order in range(4):
        assert [len(batch) for batch in kitchen.batches] == [8], "it waits for half of those who were there"
        asked += submitted(group, order)
        for _ in range(5):
            await asyncio.sleep(0)
    assert await settled(*asked) == [0, 1, 4, 9]
    assert [len(batch) for batch in kitchen.batches] == [8, 4]


async def test_nobody_waits_long_for_those_who_do_not_come_again() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, linger_seconds=0.001, busy_seconds=SECONDS_MAX)
    await settled(*submitted(group, *range(8)))
    assert await settled(*submitted(group, 5)) == [25]
    assert [len(batch) for batch in kitchen.batches] == [8, 1]


async def test_a_single_caller_never_waits_for_others() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, linger_seconds=SECONDS_MAX * 2, busy_seconds=SECONDS_MAX)
    for order in range(5):
        assert await settled(*submitted(group, order)) == [order * order]
    assert [len(batch) for batch in kitchen.batches] == [1] * 5


async def test_whoever_lingers_when_the_process_stops_is_told_so() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, linger_seconds=SECONDS_MAX, busy_seconds=SECONDS_MAX)
    await settled(*submitted(group, *range(8)))
    asked = submitted(group, 1)
    await wait_until(lambda: group._worker is not None and group._awaited == 4, description="it to linger")
    assert group._worker is not None
    group._worker.cancel()
    (outcome,) = await settled(*asked)
    assert isinstance(outcome, Unavailable)


async def test_whoever_waits_at_the_same_moment_shares_a_batch_in_the_order_of_arrival() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook)
    kitchen.door.clear()
    tasks = submitted(group, 1)
    await wait_until(lambda: kitchen.batches, description="the first batch")
    tasks += submitted(group, 2, 3, 4)
    await asyncio.sleep(0)
    kitchen.door.set()
    assert await settled(*tasks) == [1, 4, 9, 16]
    assert kitchen.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_a_limit() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, batch_max=3)
    assert await settled(*submitted(group, *range(8))) == [number**2 for number in range(8)]
    assert [len(batch) for batch in kitchen.batches] == [3, 3, 2]


async def test_a_refused_request_does_not_take_the_others_along() -> None:
    kitchen = Kitchen()
    first, refused, last = await settled(*submitted(GroupCommit(kitchen.cook), 2, -1, 3))
    assert (first, last) == (4, 9)
    assert isinstance(refused, Full)
    assert len(kitchen.batches) == 1


async def test_a_poisonous_request_gets_its_fault_alone() -> None:
    kitchen = Kitchen()
    kitchen.poison = 7
    first, poison, last = await settled(*submitted(GroupCommit(kitchen.cook), 2, 7, 3))
    assert (first, last) == (4, 9)
    assert isinstance(poison, ArithmeticError)
    assert kitchen.batches == [[2, 7, 3], [2], [7], [3]]


async def test_an_outage_settles_everybody_at_once_and_is_tried_once() -> None:
    kitchen = Kitchen()
    kitchen.away = True
    answers = await settled(*submitted(GroupCommit(kitchen.cook), *range(100)))
    assert {type(answer) for answer in answers} == {InterfaceError}
    assert len(kitchen.batches) == 1


async def test_an_outage_in_the_middle_of_one_by_one_is_not_waited_for_by_each() -> None:
    kitchen = Kitchen()
    kitchen.poison = 0

    class Failing(Kitchen):
        async def cook(self, orders: Sequence[int]) -> Sequence[int | Refusal]:
            self.away = len(self.batches) >= 2
            return await super().cook(orders)

    failing = Failing()
    failing.poison = 0
    first, *others = await settled(*submitted(GroupCommit(failing.cook), 0, 1, 2, 3))
    assert isinstance(first, ArithmeticError)
    assert {type(answer) for answer in others} == {InterfaceError}
    assert failing.batches == [[0, 1, 2, 3], [0], [1]]


async def test_it_works_again_after_an_outage() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook)
    kitchen.away = True
    await settled(*submitted(group, 1))
    kitchen.away = False
    assert await settled(*submitted(group, 5)) == [25]


async def test_a_wrong_number_of_outcomes_leaves_nobody_waiting() -> None:
    async def forgetful(orders: Sequence[int]) -> Sequence[int | Refusal]:
        return list(orders)[1:] if len(orders) > 1 else []

    answers = await settled(*submitted(GroupCommit(forgetful), 1, 2, 3))
    assert {type(answer) for answer in answers} == {ValueError}


async def test_more_than_may_wait_are_sent_away_at_once() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, batch_max=1, waiting_max=2)
    kitchen.door.clear()
    tasks = submitted(group, 1)
    await wait_until(lambda: kitchen.batches, description="the first batch")
    tasks += submitted(group, 2, 3)
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as raised:
        await group.submit(4)
    assert int(raised.value.headers["Retry-After"]) > 0
    kitchen.door.set()
    assert await settled(*tasks) == [1, 4, 9]


async def test_draining_waits_for_all_that_was_taken_in() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, batch_max=1)
    kitchen.door.clear()
    tasks = submitted(group, 1, 2, 3)
    await wait_until(lambda: kitchen.batches, description="the first batch")
    draining = asyncio.create_task(group.drained())
    await asyncio.sleep(0)
    assert not draining.done()
    kitchen.door.set()
    await asyncio.wait_for(draining, SECONDS_MAX)
    assert await settled(*tasks) == [1, 4, 9]


async def test_draining_an_empty_queue_is_done_at_once() -> None:
    await asyncio.wait_for(GroupCommit(Kitchen().cook).drained(), SECONDS_MAX)


async def test_a_client_that_has_gone_takes_nobody_along() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook)
    kitchen.door.clear()
    gone, stays = submitted(group, 2, 3)
    await wait_until(lambda: kitchen.batches, description="the batch")
    gone.cancel()
    kitchen.door.set()
    assert await asyncio.wait_for(stays, SECONDS_MAX) == 9
    assert gone.cancelled() or await settled(gone)


async def test_a_stop_in_the_middle_leaves_nobody_waiting() -> None:
    kitchen = Kitchen()
    group = GroupCommit(kitchen.cook, batch_max=2)
    kitchen.door.clear()
    tasks = submitted(group, 1, 2, 3)
    await wait_until(lambda: kitchen.batches, description="the first batch")
    assert group._worker is not None
    group._worker.cancel()
    assert {type(answer) for answer in await settled(*tasks)} == {Unavailable}


# The same over HTTP, on a real store


async def waiting_behind_one(door: Door, store: Database, bodies: Sequence[object]) -> list[httpx.Response]:
    """Let a batch of one run into the lock, let the others wait for it together, and give the answers of those."""
    async with held(store):
        ahead = asyncio.create_task(door.officer.post(TOGETHER, json={"text": "ahead"}))
        await wait_until(lambda: requests_held(store), description="the batch of one to be in its transaction")
        tasks = [asyncio.create_task(door.officer.post(TOGETHER, json=body)) for body in bodies]
        await door.has_waiting(len(bodies))
    assert (await ahead).status_code == 201
    return await asyncio.gather(*tasks)


async def transactions(store: Database) -> int:
    async with store.engine.connect() as connection:
        return int((await connection.execute(TRANSACTIONS)).scalar_one())


async def test_notes_that_wait_together_are_one_transaction_with_an_answer_each(door: Door, store: Database) -> None:
    bodies = [{"text": "refuse" if number == 3 else f"note {number}"} for number in range(10)]
    answers = await waiting_behind_one(door, store, bodies)
    assert [answer.status_code for answer in answers] == [409 if number == 3 else 201 for number in range(10)]
    assert [answer.json()["text"] for answer in answers if answer.is_success] == [
        body["text"] for number, body in enumerate(bodies) if number != 3
    ]
    assert await count(store) == 10
    assert await transactions(store) == 2


async def test_poison_to_the_store_costs_its_own_request_and_no_other(door: Door, store: Database) -> None:
    bodies = [{"text": f"note {number}", "quantity": 666 if number == 4 else 1} for number in range(8)]
    answers = await waiting_behind_one(door, store, bodies)
    assert [answer.status_code for answer in answers] == [500 if number == 4 else 201 for number in range(8)]
    assert await count(store) == 8


async def test_each_of_a_batch_has_its_own_author_and_trace(door: Door, store: Database) -> None:
    traces = [f"{number:032x}" for number in range(1, 4)]
    async with held(store):
        ahead = asyncio.create_task(door.officer.post(TOGETHER, json={"text": "ahead"}))
        await wait_until(lambda: requests_held(store), description="the batch of one to be in its transaction")
        tasks = [
            asyncio.create_task(
                client.post(TOGETHER, json={"text": "a"}, headers={"traceparent": f"00-{trace}-{trace[:15]}1-01"})
            )
            for client, trace in zip((door.officer, door.colleague, door.officer), traces, strict=True)
        ]
        await door.has_waiting(3)
    await ahead
    answers = await asyncio.gather(*tasks)
    assert [answer.json()["author"] for answer in answers] == ["officer-19.71", "officer-19.02", "officer-19.71"]
    async with store.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT actor, traceparent FROM outbox ORDER BY id"))).all()
    assert {(row.actor, row.traceparent.split("-")[1]) for row in rows[1:]} == {
        (answer.json()["author"], trace) for answer, trace in zip(answers, traces, strict=True)
    }
