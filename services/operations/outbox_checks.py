"""Whether outboxes are dense, streams hold what the outboxes hold, and every position fits to both."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from time import monotonic

from sqlmodel import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.operations import lanes
from services.operations.findings import Finding, Steps, fault, warning
from services.operations.installation import Installation
from services.operations.lanes import Kept, Lane
from shared import stream
from shared.contracts.envelope import Envelope
from shared.loops import rest
from shared.settings import SERVICES

PAGE_ROWS = 1_000
NAMED_MAX = 20
"""How many of the same kind are named one by one; the rest is counted."""
POLL_SECONDS = 0.2

HOLES = text(
    """
    SELECT partition, seq + 1 AS first, next - 1 AS last FROM (
        SELECT partition, seq, lead(seq) OVER (PARTITION BY partition ORDER BY seq) AS next FROM outbox
    ) AS followed WHERE next > seq + 1 ORDER BY 1, 2 LIMIT :rows
    """
)
BETWEEN = text(
    """
    SELECT seq, id, type, subject, time, actor, region, traceparent, data FROM outbox
    WHERE partition = :partition AND seq BETWEEN :first AND :last ORDER BY seq
    """
)
Heads = dict[str, dict[int, Kept]]


async def settled(there: Installation, seconds: float) -> Heads:
    """Give the heads of now, after everybody had so long to reach them."""
    heads = {source: await lanes.kept(there, source) for source in SERVICES}
    deadline = monotonic() + seconds
    while not await _reached(there, heads) and monotonic() < deadline:
        await rest(POLL_SECONDS)
    return heads


async def _reached(there: Installation, heads: Heads) -> bool:
    for source, partitions in heads.items():
        now = await lanes.kept(there, source)
        if any(now[partition].last < outbox.head for partition, outbox in partitions.items()):
            return False
    return all(
        lane.state == "retired"
        or (lane.position >= (head := heads[lane.source][lane.partition].head) and (lane.word or 0) >= head)
        for lane in await lanes.lanes(there)
    )


async def outboxes(there: Installation, heads: Heads) -> list[Finding]:
    """Find numbers that no row has, and heads that are not the last number."""
    found: list[Finding] = []
    for source, partitions in heads.items():
        cure = f"serumpun events mend {source}"
        if len(partitions) != there.settings.partitions:
            what = f"installed with {len(partitions)} partitions, PARTITIONS says {there.settings.partitions}"
            found.append(fault("partitions", source, what, f"set PARTITIONS={len(partitions)}"))
        for partition, outbox in partitions.items():
            where = f"{source}/{partition}"
            if outbox.head < outbox.newest:
                what = f"the head says {outbox.head}, and there are events up to {outbox.newest}"
                found.append(fault("head_is_last_number", where, what, cure))
            elif outbox.head > outbox.newest:
                what = f"events {outbox.newest + 1} to {outbox.head} are not in the outbox"
                found.append(fault("outbox_is_dense", where, what, cure))
        async with there.reading(source) as session:
            for hole in await session.execute(HOLES, {"rows": NAMED_MAX}):
                what = f"events {hole.first} to {hole.last} are not in the outbox"
                found.append(fault("outbox_is_dense", f"{source}/{hole.partition}", what, cure))
    return found


async def positions(there: Installation, heads: Heads) -> list[Finding]:
    """Find consumers that are behind or ahead, and words in Redis that would mislead pruning."""
    found: list[Finding] = []
    for lane in await lanes.lanes(there):
        where = f"{lane.consumer} in {lane.at}"
        head = heads[lane.source][lane.partition].head
        set_it = f"serumpun events position {lane.consumer} {lane.at}"
        if lane.state == "ahead":
            what = f"it is at {lane.position}, and the head is {lane.head}: new events would be skipped"
            found.append(fault("position_within_head", where, what, f"{set_it} --to head"))
        elif lane.state == "history gone":
            what = f"it is at {lane.position}, and the oldest event that is kept is {lane.oldest_kept}"
            found.append(fault("history_is_kept", where, what, f"{set_it} --to oldest"))
        elif lane.state != "retired" and lane.position < head:
            what = f"it is at {lane.position}, and the head is {head}"
            found.append(fault("position_is_head", where, what, f"start it: serumpun serve {lane.consumer}"))
        found += _words(lane, where, head)
    return found


def _words(lane: Lane, where: str, head: int) -> list[Finding]:
    check, start = "word_is_position", f"start it: serumpun serve {lane.consumer}"
    if lane.word is None:
        if lane.state == "retired" or not lane.head:
            return []
        what = "it left no word of its position, so nothing is pruned"
        return [warning(check, where, what, f"{start}; or, if it is gone: serumpun events unregister {lane.consumer}")]
    if lane.word > lane.position:
        what = f"its word in Redis is {lane.word}, and it is at {lane.position}: what it needs could be pruned"
        return [fault(check, where, what, f"serumpun events refill {lane.source} --partition {lane.partition}")]
    if lane.word < min(lane.position, head):
        return [warning(check, where, f"its word in Redis is {lane.word}, and it is at {lane.position}", start)]
    return []


async def streams(there: Installation, heads: Heads, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    """Compare every entry of every stream with its row in the outbox."""
    found: list[Finding] = []
    for source, partitions in heads.items():
        advance = steps.begin(f"streams of {source}", sum(outbox.head for outbox in partitions.values()))
        for partition, outbox in partitions.items():
            found += await _end(there, source, partition, outbox)
            wrong: list[str] = []
            async for faults, entries in _compared(there, source, partition, outbox):
                wrong += faults
                checked["stream entries"] = checked.get("stream entries", 0) + entries
                advance(entries)
            cure = f"serumpun events refill {source} --partition {partition}"
            found += [fault("stream_is_outbox", f"{source}/{partition}", what, cure) for what in _few(wrong)]
    return found


def _few(wrong: Sequence[str]) -> list[str]:
    more = len(wrong) - NAMED_MAX
    return [*wrong[:NAMED_MAX], f"and {more} more"] if more > 0 else list(wrong)


async def _end(there: Installation, source: str, partition: int, outbox: Kept) -> list[Finding]:
    now = (await lanes.kept(there, source))[partition]
    where, check = f"{source}/{partition}", "stream_ends_at_head"
    if now.last < outbox.head:
        what = f"the stream ends at {now.last}, the outbox at {outbox.head}"
        return [fault(check, where, what, f"start its relay: serumpun serve {source}")]
    if now.last > (await lanes.kept(there, source))[partition].head:
        what = f"the stream ends at {now.last}, and the outbox at {now.head}"
        return [fault(check, where, what, f"serumpun events mend {source}")]
    return []


async def _compared(
    there: Installation, source: str, partition: int, outbox: Kept
) -> AsyncIterator[tuple[list[str], int]]:
    """Walk through a stream by pages, each with what is wrong in it and how many entries it had."""
    name, expected = stream.stream_name(source, partition), 0
    after: bytes | None = None
    young = there.clock.now() - timedelta(days=there.settings.outbox_retention_days)
    while entries := await stream.forwards(there.redis, name, after, PAGE_ROWS):
        seqs = [stream.number_of(entry_id) for entry_id, _ in entries]
        async with there.reading(source) as session:
            rows = await _between(session, source, partition, seqs[0], seqs[-1])
        wrong = []
        for seq, (entry_id, fields) in zip(seqs, entries, strict=True):
            if expected and seq > expected:
                wrong.append(f"entries {expected} to {seq - 1} are missing")
            expected = seq + 1
            row = rows.get(seq)
            if row is not None and row.type != stream.LOST and not _same(row, entry_id, fields):
                wrong.append(f"entry {entry_id.decode()} is not the event {seq} of the outbox")
            elif row is None and outbox.oldest <= seq <= outbox.newest:
                wrong.append(f"entry {entry_id.decode()} has no event in the outbox")
            elif row is None and seq < outbox.oldest and _younger(entry_id, fields, young):
                wrong.append(f"entry {entry_id.decode()} has no event in the outbox, although it is young")
        after = entries[-1][0]
        yield wrong, len(entries)
    last = min((await lanes.kept(there, source))[partition].last, outbox.head)
    if last and expected <= last:
        yield [f"entries {expected or 1} to {last} are missing"], 0


async def _between(session: AsyncSession, source: str, partition: int, first: int, last: int) -> dict[int, Envelope]:
    rows = await session.execute(BETWEEN, {"partition": partition, "first": first, "last": last})
    return {row["seq"]: Envelope(source=source, partition=partition, **row) for row in rows.mappings()}


def _same(row: Envelope, entry_id: bytes, fields: stream.Fields) -> bool:
    try:
        return stream.envelope_of(row.source, row.partition, stream.seq_of(entry_id), fields) == row
    except stream.Unreadable:
        # Poison stands in both as it was recorded, and is no difference.
        return [value if isinstance(value, bytes) else value.encode() for value in stream.flat(row)] == [
            part for pair in fields.items() for part in pair
        ]


def _younger(entry_id: bytes, fields: stream.Fields, young: datetime) -> bool:
    try:
        return stream.envelope_of("", 0, stream.number_of(entry_id), fields).time > young
    except stream.Unreadable:
        return False
