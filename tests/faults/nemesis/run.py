"""One run: load and faults together, then everything mended, then the time until nothing is wrong any more."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import cast

import asyncpg
from redis.exceptions import RedisError

from tests.faults import oracle
from tests.faults.nemesis.checker import Checker, Findings
from tests.faults.nemesis.databases import name_of
from tests.faults.nemesis.history import History, Outcome
from tests.faults.nemesis.ledger import CARDS
from tests.faults.nemesis.nemesis import Fault, Nemesis, wreak
from tests.faults.nemesis.offices import Offices
from tests.faults.nemesis.parts_faults import TO_PARTS
from tests.faults.nemesis.plant import PARTS, Plant, planted
from tests.faults.nemesis.poison import KINDS, MANY, Poisoner
from tests.faults.nemesis.postgres_faults import TO_POSTGRES
from tests.faults.nemesis.redis_faults import TO_REDIS, take_snapshots
from tests.faults.nemesis.witness import place_witnesses
from tests.waiting import wait_until

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 300
OPERATIONS_PER_POISON = 100
ASKED_AGAIN = 50
EVERYTHING = frozenset(name for name, part in PARTS.items() if part.always)


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run is: at least so many operations, and every fault at least once."""

    operations: int
    scale: float
    snapshot_age_seconds: float
    fault_seconds_max: float
    phones: int = 8
    clerks: int = 3
    drain_seconds_max: float = 60
    fence_seconds_max: float = 60


SHORT = Size(operations=600, scale=0.5, snapshot_age_seconds=8, fault_seconds_max=50)
LONG = Size(operations=5_000, scale=1, snapshot_age_seconds=30, fault_seconds_max=400, phones=16)


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes wrong in a run; two lists are worked off beside one another."""

    to_parts: tuple[Fault, ...] = tuple(TO_PARTS)
    to_servers: tuple[Fault, ...] = (*TO_REDIS, *TO_POSTGRES)
    parts: Collection[str] = EVERYTHING
    resets: bool = True
    poison: bool = True


@dataclass(slots=True)
class Report:
    """What a run came to."""

    seed: int
    history: History
    faults: Counter[str]
    begun: float
    findings: Findings = field(default_factory=Findings)
    seconds: float = 0
    drain_seconds: float = 0
    restarts: int = 0
    asked_again: int = 0
    recalled: int = 0
    in_doubt: int = 0


@asynccontextmanager
async def laid_out() -> AsyncIterator[Plant]:
    """Give a plant whose databases hold the demo province, heard of by everybody, as every run begins with it."""
    async with planted() as plant:
        await place_witnesses(plant.databases)
        await plant.start(set(EVERYTHING))
        await plant.whole.is_at_rest()
        await plant.stop_parts()
        await plant.databases.keep_baseline()
        yield plant


async def run(plant: Plant, seed: int, size: Size, plan: Plan, say: Callable[[str], None]) -> Report:
    """Do it once, from the baseline on; gives what came of it, right or wrong."""
    await plant.databases.begin_anew()
    await plant.empty_redis()
    rng = Random(seed)
    addresses = {service: plant.address(service) for service in plant.to_api}
    offices = Offices(addresses, plant.home, Random(rng.random()), f"run-{seed}")
    snapshots = plant.home.parent / f"snapshots-{seed}"
    nemesis = Nemesis(
        plant, offices, Random(rng.random()), say, snapshots, size.scale, size.snapshot_age_seconds,
        size.fence_seconds_max,
    )  # fmt: skip
    poisoner = Poisoner(plant.databases, offices, Random(rng.random()))
    checker = Checker(offices.history, poisoner.mixed, nemesis.restored, await _on_hand(plant))
    await plant.start(set(plan.parts))
    say("everything runs")
    begun, plant.restarts = monotonic(), 0
    try:
        async with plant.kept():
            async with offices.at_work(size.phones, size.clerks):
                await _wreak_all(nemesis, poisoner, size, plan)
            say(f"faults are over: {_told(offices.history)}; everything is mended, and must be well by itself")
            return await _judged(nemesis, checker, size, Report(seed, offices.history, nemesis.counts, begun))
    finally:
        await plant.all_mended()
        await plant.stop_parts()
        await offices.leave()


async def _judged(nemesis: Nemesis, checker: Checker, size: Size, report: Report) -> Report:
    """Mend everything, let the clients settle what is in doubt, and see whether all is well before the time is over."""
    plant, offices, mended = nemesis.plant, nemesis.offices, monotonic()
    report.seconds = mended - report.begun
    report.in_doubt = len(offices.history.of(Outcome.UNKNOWN))
    report.recalled = sum(one.recalled for one in nemesis.restored)
    await plant.all_mended()
    await _nothing_is_doubted_wrongly(plant, checker)
    await offices.settle()
    report.findings = await _drained(plant, checker, mended + size.drain_seconds_max)
    report.drain_seconds = monotonic() - mended
    if not report.findings.all:
        report.asked_again = await offices.ask_again(ASKED_AGAIN)
        report.findings = await _looked_at(plant, checker)
    report.restarts = plant.restarts
    return report


async def _wreak_all(nemesis: Nemesis, poisoner: Poisoner, size: Size, plan: Plan) -> None:
    operations = nemesis.offices.history.operations
    begun = monotonic()

    def enough() -> bool:
        return len(operations) >= size.operations or monotonic() - begun > size.fault_seconds_max

    if plan.resets:
        nemesis.reset_connections()
    beside = [asyncio.create_task(take_snapshots(nemesis))]
    if plan.poison:
        beside.append(asyncio.create_task(_poison(nemesis, poisoner)))
    try:
        await asyncio.gather(
            wreak(nemesis, list(plan.to_parts), enough),
            wreak(nemesis, list(plan.to_servers), enough),
        )
        await wait_until(lambda: len(operations) >= size.operations, PATIENCE_SECONDS, "enough operations")
    finally:
        for task in beside:
            task.cancel()
        for task in beside:
            with suppress(asyncio.CancelledError):
                await task


async def _poison(nemesis: Nemesis, poisoner: Poisoner) -> None:
    """Mix one poisoned event in for every hundred operations, of every kind at least once; the big ones are few."""
    operations = nemesis.offices.history.operations
    kinds = [*KINDS]
    while True:
        await wait_until(
            lambda: len(operations) >= len(poisoner.mixed) * OPERATIONS_PER_POISON, 600, "operations to poison"
        )
        kind = kinds.pop(0) if kinds else poisoner.rng.choice(MANY)
        await poisoner.mix(kind)
        nemesis.note(f"poison: {kind}")


async def _nothing_is_doubted_wrongly(plant: Plant, checker: Checker) -> None:
    """See, before anything is sent again, that what is in doubt happened once or not at all."""
    findings = await _looked_at(plant, checker)
    checker.history.defects += [f"before the retries: {one}" for one in findings.untrue if "took effect" in one]


async def _drained(plant: Plant, checker: Checker, until: float) -> Findings:
    """Look again and again until nothing is wrong, or the time is over."""
    while True:
        findings = await _looked_at(plant, checker)
        if not findings.all or monotonic() > until:
            return findings
        await asyncio.sleep(LOOK_SECONDS)


async def _looked_at(plant: Plant, checker: Checker) -> Findings:
    """Give what is wrong now; waits for a server that is still getting up."""

    async def looked_at() -> Findings | None:
        running = plant.whole.running
        try:
            async with oracle.opened(running.database_url, running.redis_url) as found:
                return await checker.findings(found)
        except (OSError, TimeoutError, RedisError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None

    return cast("Findings", await wait_until(looked_at, PATIENCE_SECONDS, "the servers to answer"))


async def _on_hand(plant: Plant) -> dict[tuple[str, str], int]:
    async with plant.databases.opened(name_of("aid_distribution")) as store:
        return {(row["place"], row["item"]): row["on_hand"] for row in await store.fetch(CARDS)}


def _told(history: History) -> str:
    counted = history.counted()
    return ", ".join(f"{counted[outcome]} {outcome}" for outcome in Outcome)
