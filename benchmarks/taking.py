"""Effects and position by the hundred against one transaction for each event."""

from collections.abc import Sequence
from time import perf_counter

from benchmarks.figures import Row
from benchmarks.pipeline import OFFICER, Line, filled, note_run
from benchmarks.stage import SOURCE, Stage
from shared.consumer import BATCH_EVENTS_MAX, on_run
from shared.contracts.registration import OwnerChanged
from shared.effects import Arrived, Effects
from shared.feed import events_after

EVENTS_IN_BATCHES = 10_000
EVENTS_ALONE = 600


async def rows(stage: Stage) -> list[Row]:
    """Bring about effects in both ways; what a transaction costs is paid a hundred times less often in one of them."""
    async with filled(stage, stage.scaled(EVENTS_IN_BATCHES * 4)) as line:
        batches = await _arrived(line, stage.scaled(EVENTS_IN_BATCHES))
        alone = batches[: stage.scaled(EVENTS_ALONE)]
        found = await stage.in_turns(
            {
                "in batches": lambda: _taken(line, batches, BATCH_EVENTS_MAX),
                "one by one": lambda: _taken(line, alone, 1),
            },
        )
    together, single = found.values()
    return [
        Row(what=f"Effects and position, {BATCH_EVENTS_MAX} events a transaction", unit="/s", figures=together,
            against="one event a transaction", others=single),
    ]  # fmt: skip


async def _arrived(line: Line, count: int) -> list[Arrived]:
    found: list[Arrived] = []
    async with line.outbox.reading(OFFICER) as work:
        while len(found) < count and (more := await events_after(work.session, SOURCE, 0, len(found))):
            found += [Arrived(envelope.seq, envelope) for envelope in more]
    return found[:count]


async def _taken(line: Line, events: Sequence[Arrived], size: int) -> float:
    await line.empty()
    effects = Effects("notifications", line.effects, [on_run(OwnerChanged, note_run)])
    position, began = 0, perf_counter()
    for first in range(0, len(events), size):
        position = await effects.take(SOURCE, 0, events[first : first + size])
    seconds = perf_counter() - began
    if position != len(events):
        raise RuntimeError(f"{len(events)} events came to position {position}")
    return len(events) / seconds
