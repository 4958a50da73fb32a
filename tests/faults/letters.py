"""Letters through a gateway that fails in every way, while the process that sends them is killed again and again.

`python -m tests.faults.letters [--letters 5000] [--kills 30] [--channel sms] [--seed 2020]` in full; a test does a
part of it. Of every hundred requests ten are never answered, half of which are taken; five get a 5xx, two a 429.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.queued import HERE, queue
from shared import migrations, outbox
from shared.clock import Clock
from shared.database import Database
from shared.embedded import EmbeddedServers
from tests.conftest import PARTITIONS
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.processes import ROOT, inherited
from tests.waiting import wait_until

SPEED = 20
"""So many times faster goes the clock of the sender: a lease of two minutes is over in six seconds."""

SENDER = Path(__file__).parent / "lone_gateway_sender.py"
SETTLED_SECONDS_MAX = 600
NUMBER = re.compile(r"Pesan (\d+) ")
SETTLED = text("SELECT NOT EXISTS (SELECT FROM delivery WHERE state IN ('queued', 'sending'))")
ENDS = text("SELECT d.id, d.state, d.reason, d.attempts, m.fact FROM delivery d JOIN message m ON m.id = d.message_id")


@dataclass(slots=True)
class Found:
    """What came of it.

    Shape: `lost` and `doubled` name letters; `hidden` are those that the gateway took, or may have taken, and of which
           the ledger says for certain that they failed
    """

    seconds: float = 0.0
    kills: int = 0
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    handed_over_again: int = 0
    lost: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not (self.lost or self.doubled or self.hidden)

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{sum(self.states.values()):,} letters, {self.kills} times kill -9, {self.seconds:.0f} s",
                f"{self.requests:,} requests: {_counted(self.answers)}",
                f"states: {_counted(self.states)}",
                f"handed over again under the same key: {self.handed_over_again:,}",
                f"lost {len(self.lost)}, doubled {len(self.doubled)}, doubts not shown {len(self.hidden)}",
            ]
        )


def _counted(times: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in times.most_common())


class Failing:
    """Decides how the gateway answers, by the dice."""

    def __init__(self, rng: Random, told: Counter[str]) -> None:
        self._rng = rng
        self._told = told

    def __call__(self) -> Answer:
        share = self._rng.random()
        if share < 0.05:
            return self._say("time-out, taken", Answer(slow=True))
        if share < 0.10:
            return self._say("time-out, not taken", Answer(slow=True, taken=False))
        if share < 0.15:
            return self._say("5xx", Answer(503, taken=False))
        if share < 0.17:
            return self._say("429", Answer(429, taken=False, headers={"Retry-After": "5"}))
        return self._say("taken", Answer())

    def _say(self, what: str, answer: Answer) -> Answer:
        self._told[what] += 1
        return answer


async def through_it_all(
    database: Database, channel: str, letters: int, kills: int, seed: int, speed: int = SPEED
) -> Found:
    """Queue letters, and kill their sender again and again until all are settled; gives what came of it."""
    rng, found, began_at, began = Random(seed), Found(kills=kills), datetime.now(UTC), monotonic()
    await queue(database, letters, channel, began_at)
    gateway = GatewayServer()
    gateway.decide = Failing(rng, found.answers)
    arguments = [channel, gateway.url, str(speed), began_at.isoformat()]
    async with gateway.serving():
        arguments[1] = gateway.url
        for killed in range(kills):
            # The last kill comes before the last letters do.
            until = letters * (killed + rng.random()) / (kills + 1)
            async with _sending(database.url, arguments) as lives:
                await _while(lives, _posted(gateway, until), "more letters")
        async with _sending(database.url, arguments) as lives:
            await _while(lives, lambda: _settled(database), "every letter to be settled")
    found.seconds = monotonic() - began
    await _examine(database, gateway, found)
    return found


def _posted(gateway: GatewayServer, until: float) -> Callable[[], Awaitable[bool]]:
    async def posted() -> bool:
        return len(gateway.posted) >= until

    return posted


async def _while(lives: asyncio.subprocess.Process, done: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for something that a process brings about, as long as it lives."""

    async def over() -> bool:
        assert lives.returncode is None, f"the sender has ended with {lives.returncode} by itself"
        return await done()

    await wait_until(over, SETTLED_SECONDS_MAX, what)


@asynccontextmanager
async def _sending(database_url: str, arguments: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Let a sender work during the block, and kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SENDER), database_url, *arguments, env=inherited(PYTHONPATH=str(ROOT)),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _settled(database: Database) -> bool:
    async with database.work(HERE) as work:
        return bool((await work.session.execute(SETTLED)).scalar_one())


async def _examine(database: Database, gateway: GatewayServer, found: Found) -> None:
    """Hold what the ledger says of each letter against what the gateway has taken."""
    keys: dict[int, set[str]] = {}
    taken: Counter[int] = Counter()
    for posted, answer in zip(gateway.posted, gateway.answered, strict=True):
        match = NUMBER.search(posted.raw.decode())
        assert match is not None, "a letter without its number"
        number, key = int(match[1]), posted.headers.get("idempotency-key")
        known = keys.setdefault(number, set())
        if answer.taken and (key is None or key not in known):
            taken[number] += 1
            known.add(key or "")
    found.requests, found.handed_over_again = len(gateway.posted), gateway.repeated
    async with database.work(HERE) as work:
        ends = (await work.session.execute(ENDS)).all()
    for end in ends:
        number = int(end.fact.partition("/")[2])
        found.states[end.state] += 1
        if end.state == "accepted" and not taken[number]:
            found.lost.append(number)
        if taken[number] > 1:
            found.doubled.append(number)
        if end.state == "failed" and taken[number]:
            found.hidden.append(number)


async def _in_full(asked: argparse.Namespace) -> Found:
    with (
        TemporaryDirectory(prefix="serumpun-letters-") as folder,
        EmbeddedServers.start(Path(folder), lambda _line: None) as servers,
    ):
        await migrations.upgrade("notifications", servers.database_url)
        database = Database(
            servers.database_url, "notifications", partitions=PARTITIONS, clock=Clock(), quiet_hours=False
        )
        try:
            async with AsyncSession(database.engine) as session:
                await outbox.install_heads(session, PARTITIONS)
                await session.commit()
            return await through_it_all(database, asked.channel, asked.letters, asked.kills, asked.seed)
        finally:
            await database.close()


def main() -> int:
    """Send the letters and tell what came of it; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.letters", description=__doc__)
    parser.add_argument("--letters", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--channel", choices=("sms", "whatsapp"), default="sms")
    parser.add_argument("--seed", type=int, default=2020)
    found = asyncio.run(_in_full(parser.parse_args()))
    sys.stdout.write(f"{found}\n")
    return 0 if found.right else 1


if __name__ == "__main__":
    sys.exit(main())
