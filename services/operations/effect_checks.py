"""Whether every event had its effect once in each service that reacts to it, and no effect is without an event.

Everything is read by pages, so that a million events never stand in memory. The effects of one service are seen at one
moment, together with its positions and what is parked in it, so an installation at work is judged fairly.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module

import msgspec
from sqlmodel import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.operations.findings import Finding, Steps, fault
from services.operations.installation import Installation
from services.operations.lanes import POSITIONS
from services.operations.outbox_checks import NAMED_MAX, PAGE_ROWS
from shared.contracts import EVENTS, SUBSCRIPTIONS
from shared.effect_audit import Audits, Effect, EffectAudit, Seen, Told
from shared.outbox import partition_of
from shared.stream import LOST

EFFECTS_PER_PAGE = 10_000

EVENTS_PAGE = text(
    """
    SELECT seq, type, time, data FROM outbox
    WHERE partition = :partition AND seq > :after AND seq <= :upto ORDER BY seq LIMIT :rows
    """
)
STANDING = text("SELECT count(*) FROM outbox WHERE partition = :partition AND seq <= :upto")
# What is parked waits for its effect; what an operator has dropped or skipped never has one, and that is on record.
EXCUSED = text(
    """
    SELECT seq AS first, seq AS last FROM parked
    WHERE source = :source AND partition = :partition AND seq BETWEEN :first AND :last
    UNION ALL
    SELECT first_seq, last_seq FROM operator_act
    WHERE act IN ('drop', 'position') AND source = :source AND partition = :partition
      AND first_seq <= :last AND last_seq >= :first
    """
)
CAUSES = text("SELECT DISTINCT subject, type FROM outbox WHERE subject = ANY(CAST(:subjects AS text[]))")
OLDEST = text("SELECT partition, min(seq) AS oldest FROM outbox GROUP BY partition")


def audits_of(service: str) -> Audits:
    """Give what a service declares about its effects."""
    audits: Audits = import_module(f"services.{service}.audits").AUDITS
    return audits


@dataclass(slots=True)
class Suspects:
    """What looked wrong, until a later event of the same subject says that it is as it should be by now."""

    wrong: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def hear(self, seen: Iterable[Seen]) -> None:
        """Take the answers of one page, in the order of the events."""
        for one in seen:
            key = (one.told.event.subject, one.aspect)
            if one.wrong:
                self.wrong[key] = one
            else:
                self.wrong.pop(key, None)


async def heard(there: Installation, consumer: str, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    """Find the events that a service has passed without their effect, or with more than one."""
    found: list[Finding] = []
    async with there.reading(consumer) as effects:
        passed = {(row.source, row.partition): row.last_seq for row in await effects.execute(POSITIONS)}
        for source in SUBSCRIPTIONS[consumer]:
            for partition in range(there.settings.partitions):
                upto = passed.get((source, partition), 0)
                name = f"{source}/{partition} in {consumer}"
                suspects = await _looked(
                    there, effects, audits_of(consumer).heard, (source, partition, upto), name, steps, checked
                )
                found += [_finding("effect_is_there_once", consumer, one) for one in suspects]
    return found


async def recorded(there: Installation, source: str, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    """Find the events whose own service does not hold any more what they told."""
    audits = audits_of(source).recorded
    if not audits:
        return []
    found: list[Finding] = []
    async with there.reading(source) as records:
        heads = (await records.execute(text("SELECT partition, last_seq FROM outbox_head ORDER BY 1"))).all()
        for partition, head in heads:
            name = f"{source}/{partition} in its own records"
            suspects = await _looked(there, records, audits, (source, partition, head), name, steps, checked)
            found += [_finding("records_hold_events", source, one) for one in suspects]
    return found


async def _looked(
    there: Installation,
    effects: AsyncSession,
    audits: Sequence[EffectAudit],
    lane: tuple[str, int, int],
    name: str,
    steps: Steps,
    checked: dict[str, int],
) -> list[Seen]:
    source, partition, upto = lane
    suspects = Suspects()
    async with there.reading(source) as outbox:
        total = (await outbox.execute(STANDING, {"partition": partition, "upto": upto})).scalar_one()
    advance = steps.begin(name, total)
    async for first, last, told in _pages(there, source, partition, upto, advance):
        excused = await _excused(effects, source, partition, first, last)
        judged = [one for one in told if not any(low <= one.seq <= high for low, high in excused)]
        for audit in audits:
            if asked := [one for one in judged if type(one.event) in audit.events]:
                suspects.hear(await audit.look(effects, asked))
        checked["events"] = checked.get("events", 0) + len(judged)
    return list(suspects.wrong.values())


async def _pages(
    there: Installation, source: str, partition: int, upto: int, advance: Callable[[int], None]
) -> AsyncIterator[tuple[int, int, list[Told]]]:
    after = 0
    while True:
        asked = {"partition": partition, "after": after, "upto": upto, "rows": PAGE_ROWS}
        async with there.reading(source) as outbox:
            rows = (await outbox.execute(EVENTS_PAGE, asked)).all()
        if not rows:
            return
        after = rows[-1].seq
        yield rows[0].seq, after, [told for row in rows if (told := _told(source, partition, *row)) is not None]
        advance(len(rows))


def _told(source: str, partition: int, seq: int, kind: str, time: datetime, data: bytes) -> Told | None:
    if kind not in EVENTS:
        return None
    try:
        return Told(source, partition, seq, time, msgspec.msgpack.decode(data, type=EVENTS[kind]))
    except msgspec.DecodeError:
        return None  # poison, which no handler can have read: it is parked, or dropped by an operator


async def _excused(effects: AsyncSession, source: str, partition: int, first: int, last: int) -> list[tuple[int, int]]:
    asked = {"source": source, "partition": partition, "first": first, "last": last}
    return [(row.first, row.last) for row in await effects.execute(EXCUSED, asked)]


def _finding(check: str, service: str, seen: Seen) -> Finding:
    told = seen.told
    at = f"{told.source}/{told.partition}/{told.seq}"
    cure = seen.cure or f"serumpun events replay {at} --consumer {service}"
    return fault(check, f"{at} ({told.event.subject}) in {service}", f"{seen.aspect}: {seen.wrong}", cure)


async def without_cause(there: Installation, consumer: str, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    """Find effects that no event can have brought about; where history is pruned or erased, nobody can tell."""
    found: list[Finding] = []
    pruned = await _pruned(there, consumer)
    for kind in audits_of(consumer).effects:
        after, orphans, number = "", [], 0
        advance = steps.begin(f"{kind.kind} in {consumer}", 0)
        while True:
            async with there.reading(consumer) as session:
                page = await kind.page(session, after, EFFECTS_PER_PAGE)
            if not page:
                break
            after = page[-1].key
            number += len(page)
            orphans += await _orphans(there, consumer, page, pruned)
            checked["effects"] = checked.get("effects", 0) + len(page)
            advance(len(page))
        where = f"{kind.kind} in {consumer}"
        found += [
            fault("effect_has_event", where, f"{one.key} has no event: {one.subject}", f"look at it: {one.key}")
            for one in orphans[:NAMED_MAX]
        ]
        if len(orphans) > NAMED_MAX:
            found.append(fault("effect_has_event", where, f"and {len(orphans) - NAMED_MAX} more", "see above"))
    return found


async def _pruned(there: Installation, consumer: str) -> set[tuple[str, int]]:
    gone = set()
    for source in SUBSCRIPTIONS[consumer]:
        async with there.reading(source) as session:
            gone |= {(source, row.partition) for row in await session.execute(OLDEST) if row.oldest > 1}
    return gone


async def _orphans(
    there: Installation, consumer: str, page: Sequence[Effect], pruned: set[tuple[str, int]]
) -> list[Effect]:
    causes: set[tuple[str, str]] = set()
    for source in SUBSCRIPTIONS[consumer]:
        async with there.reading(source) as session:
            rows = await session.execute(CAUSES, {"subjects": [one.subject for one in page]})
            causes |= {(row.subject, row.type) for row in rows}
    return [
        one
        for one in page
        if not any((one.subject, kind) in causes for kind in (*one.types, LOST))
        and not any(
            (EVENTS[kind].source, partition_of(one.subject, there.settings.partitions)) in pruned for kind in one.types
        )
    ]
