"""A queue of 100,000 messages: what taking a batch of it costs, and how many a second a local gateway is handed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks import queued
from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage, database, free_port
from services.notifications.delivery import handlers
from services.notifications.delivery.channels.limits import Breaker, Bucket, Guarded
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.domain import Accepted
from services.notifications.delivery.handlers import Answered
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from shared.database import Database

MANY: Final = 100_000
FEW: Final = 1_000
BATCH: Final = 200
BATCHES: Final = 4
SENT: Final = 4_000
UNLIMITED: Final = 1_000_000
SMS: Final = "sms"


async def rows(stage: Stage) -> list[Row]:
    """Take batches of a long queue and of a short one in turns, and then send what a sender is given."""
    async with (
        database(stage, "many", migrated="notifications") as many,
        database(stage, "few", migrated="notifications") as few,
        gateway() as url,
    ):
        await queued.queue(many, stage.scaled(MANY), SMS, many.clock.now())

        async def short() -> float:
            await queued.clear(few)
            await queued.queue(few, FEW, SMS, few.clock.now())
            return await batches(few)

        taken = await stage.in_turns({"of 100,000": lambda: batches(many), "of 1,000": short})
        sent = await stage.in_turns({"sent": lambda: per_second(many, url, stage.scaled(SENT))}, warm=False)
    return [
        Row(what=f"Lease, begin and settle {BATCH} of 100,000 queued deliveries", unit="ms",
            figures=taken["of 100,000"], against="of 1,000 queued", others=taken["of 1,000"],
            budgets=(Budget(1.5, ratio=True, most=True),)),
        Row(what="Deliveries to a local gateway, of 100,000 queued, durable", unit="/s", figures=sent["sent"],
            budgets=(Budget(1_000),)),
    ]  # fmt: skip


async def batches(store: Database) -> float:
    """Take some batches one after the other; gives the milliseconds of the middle one."""
    times = []
    for _ in range(BATCHES):
        sender, began = store.clock.new_id(), perf_counter()
        async with store.work(queued.HERE) as work:
            leased = await handlers.lease(work, sender, SMS, rows=BATCH)
        async with store.work(queued.HERE) as work:
            attempts = await handlers.begin(work, sender, leased)
        async with store.work(queued.HERE) as work:
            answered = [Answered(one, attempts[one.id], Accepted("200")) for one in leased]
            await handlers.settle(work, sender, answered, could_not_be_told)
        times.append((perf_counter() - began) * 1000)
        if not leased:
            raise RuntimeError("nothing was left in the queue")
    return median(times)


async def per_second(store: Database, url: str, count: int) -> float:
    """Let a sender hand over so many as the service sets it up, without a rate; gives how many it does in a second."""
    channel = Guarded(Sms(url, store.clock, {}), Bucket(UNLIMITED), Breaker(SMS))
    sender = Sender(store, store.clock, channel, letters, give_up=could_not_be_told)
    sent, began = 0, perf_counter()
    while sent < count:
        if not (handled := await sender.round()):
            raise RuntimeError("nothing was left in the queue")
        sent += handled
    seconds = perf_counter() - began
    await channel.close()
    return sent / seconds


@asynccontextmanager
async def gateway() -> AsyncIterator[str]:
    """Let a gateway listen in a process of its own until the end of the block; gives its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.gateway", str(port)])  # noqa: S603, ASYNC220 - ours
    try:
        while True:
            try:
                _, line = await asyncio.open_connection("127.0.0.1", port)
                line.close()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/messages"
    finally:
        process.terminate()
        process.wait(timeout=10)
