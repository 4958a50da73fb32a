"""The two workers that look again and again: by the clock, and woken by what is recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from shared.caller import Role
from shared.database import Database, Work
from shared.sweeping import by_the_clock, when_woken
from tests.shared.backbone import commit, fact
from tests.waiting import wait_until

NEVER = 3_600.0


class Looks:
    """Looks that answer what was laid out for them, and then that nothing is left."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.callers: list[tuple[str, Role]] = []

    async def __call__(self, work: Work) -> bool:
        self.callers.append((work.caller.subject, work.caller.role))
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def running(worker: Awaitable[None]) -> AsyncIterator["asyncio.Future[None]"]:
    """Let a worker run, and stop it in the end as a process does."""
    task = asyncio.ensure_future(worker)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
    assert task.done()


async def test_by_the_clock_it_looks_at_once_while_there_is_more_and_then_rests(store: Database) -> None:
    look = Looks(True, True)  # noqa: FBT003 - what the looks answer
    async with running(by_the_clock(store, look, "interrupted", seconds=NEVER)) as task:
        await wait_until(lambda: len(look.callers) == 3, 10, "three looks")
        assert not task.done()
    assert set(look.callers) == {(f"service-{store.source}", Role.SERVICE)}
    assert len(look.callers) == 3


async def test_by_the_clock_a_look_that_fails_is_followed_by_the_next(store: Database) -> None:
    look = Looks(OSError("away"), ValueError("a defect"))
    async with running(by_the_clock(store, look, "interrupted", seconds=0.01)):
        await wait_until(lambda: len(look.callers) >= 4, 10, "looks after those that failed")


async def test_what_is_recorded_wakes_it_and_it_looks_until_nothing_is_left(store: Database) -> None:
    look, looked = Looks(True), []  # noqa: FBT003 - as above
    worker = when_woken(store, "sweeping", look, looked=lambda: looked.append(1), apart_seconds=0.0, look_seconds=NEVER)
    async with running(worker):
        await wait_until(lambda: len(looked) == 1, 10, "the first look")
        assert len(look.callers) == 2
        await commit(store, fact("a", 1))
        await wait_until(lambda: len(looked) >= 2, 10, "a look after a commit")


async def test_nothing_recorded_it_looks_as_time_passes(store: Database) -> None:
    look = Looks()
    async with running(when_woken(store, "sweeping", look, apart_seconds=0.0, look_seconds=0.01)):
        await wait_until(lambda: len(look.callers) >= 3, 10, "looks by the clock")


async def test_woken_a_look_that_fails_ends_the_worker_for_whoever_begins_it_anew(store: Database) -> None:
    with pytest.raises(ValueError, match="a defect"):
        await when_woken(store, "sweeping", Looks(ValueError("a defect")), look_seconds=NEVER)
