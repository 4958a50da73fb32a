"""The rate of a channel is one for all processes, and while the store is away each keeps to it by itself."""

import asyncio
import sys
from time import monotonic

from services.notifications.delivery.channels.limits import SharedBucket, burst_of
from services.notifications.main import drawing
from shared.database import Database
from tests.processes import ROOT, inherited

LONE_TURNS = ROOT / "tests" / "notifications" / "lone_turns.py"
PER_SECOND, EACH = 20, 60


async def begun(database: Database) -> asyncio.subprocess.Process:
    arguments = [str(LONE_TURNS), database.url, "sms", str(PER_SECOND), str(EACH)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=inherited(PYTHONPATH=str(ROOT)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_two_processes_together_are_no_faster_than_one(database: Database) -> None:
    async with asyncio.timeout(60):
        processes = [await begun(database) for _ in range(2)]
        told = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    turns = sorted(float(line) for out, _ in told for line in out.split())
    assert len(turns) == 2 * EACH
    burst = burst_of(PER_SECOND)
    assert turns[-1] - turns[0] >= (2 * EACH - 2 * burst) / PER_SECOND, "each by itself would take half of that"
    assert turns[-1] - turns[0] > EACH / PER_SECOND


async def test_channels_do_not_wait_for_each_other(database: Database) -> None:
    draws = {channel: drawing(database, channel, 1) for channel in ("sms", "email")}
    assert await draws["sms"](30) > 20
    assert await draws["email"](1) < 1


async def test_while_the_store_is_away_each_keeps_to_the_rate_by_itself() -> None:
    began = monotonic()
    bucket = SharedBucket(PER_SECOND, _away)
    for _ in range(burst_of(PER_SECOND)):
        await bucket.take()
    assert monotonic() - began >= (burst_of(PER_SECOND) - 1) / PER_SECOND


async def _away(_count: int) -> float:
    raise ConnectionRefusedError
