"""What befalls Redis: killed, frozen, wiped, robbed of a stream, cut short on disk, put back to an old snapshot."""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from time import monotonic

from shared.stream import connect, stream_name
from tests.faults.nemesis.nemesis import Fault, Nemesis
from tests.waiting import wait_until

SNAPSHOT_EVERY_SECONDS = 3


async def kill_redis(nemesis: Nemesis) -> None:
    nemesis.note("kill -9 Redis")
    await nemesis.plant.whole.kill("valkey")
    await _answers(nemesis)


async def freeze_redis(nemesis: Nemesis) -> None:
    """Stop Redis for longer than some wait for it."""
    nemesis.note("SIGSTOP, SIGCONT", "Redis")
    pid = nemesis.plant.whole.running.redis_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await nemesis.moment(1.5, 6)
    finally:
        os.kill(pid, signal.SIGCONT)


async def flush(nemesis: Nemesis) -> None:
    await _answers(nemesis)
    nemesis.note("FLUSHALL", f"({await nemesis.plant.whole.flush_redis()} keys)")
    await nemesis.moment(0.5, 1.5)


async def delete_a_stream(nemesis: Nemesis) -> None:
    await _answers(nemesis)
    source = nemesis.rng.choice(["registration", "aid_distribution"])
    name = stream_name(source, nemesis.rng.randrange(4))
    redis = connect(nemesis.plant.whole.running.redis_url)
    nemesis.note("stream deleted", name)
    await redis.delete(name)
    await redis.aclose()
    await nemesis.moment(0.5, 1.5)


async def cut_append_only_file(nemesis: Nemesis) -> None:
    """Lose the end of what Redis has written, as a disk does that lied about having kept it."""
    async with nemesis.plant.servers_held():
        await nemesis.plant.whole.kill("valkey")
        logs = sorted(_data(nemesis).glob("appendonlydir/*.incr.aof"))
        kept = int(logs[-1].stat().st_size * nemesis.rng.uniform(0.2, 0.95))
        nemesis.note("append-only file cut", f"at byte {kept} of {logs[-1].stat().st_size}")
        os.truncate(logs[-1], kept)
    await _answers(nemesis)


async def old_snapshot(nemesis: Nemesis) -> None:
    """Put Redis back to what it was a while ago."""
    least = nemesis.snapshot_age_seconds
    old = await wait_until(
        lambda: [taken for taken in _snapshots(nemesis) if _age(taken) >= least], least + 60, "an old snapshot"
    )
    async with nemesis.plant.servers_held():
        await nemesis.plant.whole.kill("valkey")
        nemesis.note("old snapshot of Redis restored", f"({_age(old[-1]):.0f} s old)")
        shutil.rmtree(_data(nemesis))
        shutil.copytree(old[-1], _data(nemesis))
    await _answers(nemesis)


async def take_snapshots(nemesis: Nemesis) -> None:
    """Copy the data of Redis every few seconds, until cancelled."""
    while True:
        taken = nemesis.snapshots / f"{monotonic():.3f}"
        try:
            before = _manifest(_data(nemesis))
            shutil.copytree(_data(nemesis), taken)
            whole = before == _manifest(_data(nemesis))
        except (OSError, shutil.Error):
            whole = False
        if not whole:  # it was written anew while we copied
            shutil.rmtree(taken, ignore_errors=True)
        await asyncio.sleep(SNAPSHOT_EVERY_SECONDS)


async def _answers(nemesis: Nemesis) -> None:
    await nemesis.plant.whole.bring_back("valkey")


def _data(nemesis: Nemesis) -> Path:
    return nemesis.plant.home / "valkey"


def _snapshots(nemesis: Nemesis) -> list[Path]:
    return sorted(nemesis.snapshots.glob("*"), key=lambda taken: float(taken.name))


def _age(taken: Path) -> float:
    return monotonic() - float(taken.name)


def _manifest(data: Path) -> bytes:
    return (data / "appendonlydir" / "appendonly.aof.manifest").read_bytes()


TO_REDIS: list[Fault] = [kill_redis, freeze_redis, flush, delete_a_stream, cut_append_only_file, old_snapshot]
