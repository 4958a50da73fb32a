"""The nemesis: what goes wrong and when, drawn from a seed; two things at a time, and resets all the while."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from tests.faults.nemesis.offices import Offices
from tests.faults.nemesis.plant import Plant
from tests.faults.nemesis.restored import Restored
from tests.shared.wire import Break, Listener

RESETS = {"api": (b"POST ", 0.02), "postgres": (b"COMMIT", 0.004), "redis": (b"EVALSHA", 0.01)}
"""Over which words a connection may break, and how often it does."""


@dataclass
class Nemesis:
    """What every fault needs: the plant, its own dice, and a note of what it did.

    Shape: `scale` stretches every pause of a short run; `say` tells a person what happens
    """

    plant: Plant
    offices: Offices
    rng: Random
    say: Callable[[str], None]
    snapshots: Path
    scale: float = 1.0
    snapshot_age_seconds: float = 30
    fence_seconds_max: float = 30
    counts: Counter[str] = field(default_factory=Counter)
    restored: list[Restored] = field(default_factory=list)

    async def moment(self, shortest: float, longest: float) -> None:
        """Let things be as they are for a while."""
        await asyncio.sleep(self.rng.uniform(shortest, longest) * self.scale)

    def note(self, kind: str, detail: str = "") -> None:
        """Count a fault and say it."""
        self.counts[kind] += 1
        self.say(f"{kind} {detail}".rstrip())

    def reset_connections(self) -> None:
        """Let connections break from now on, before or after a commit."""
        for wire in self.plant.to_api.values():
            wire.listener = self._breaking("api")
        for wire in self.plant.to_postgres.values():
            wire.listener = self._breaking("postgres")
        self.plant.to_redis.listener = self._breaking("redis")

    def _breaking(self, name: str) -> Listener:
        words, share = RESETS[name]
        dice = Random(self.rng.random())

        def listener(said: bytes) -> Break | None:
            if words not in said[:2000] or dice.random() > share:
                return None
            where = dice.choice(tuple(Break))
            self.counts[f"reset to {name}, {where} the commit"] += 1
            return where

        return listener


Fault = Callable[[Nemesis], Awaitable[None]]


async def wreak(nemesis: Nemesis, faults: list[Fault], enough: Callable[[], bool]) -> None:
    """Bring about each fault once in the order of the dice, and then more of them as long as it is not enough."""
    nemesis.rng.shuffle(faults)
    for number in count():
        if number >= len(faults) and (not faults or enough()):
            return
        await faults[number % len(faults)](nemesis)
        await nemesis.moment(0.2, 0.8)
