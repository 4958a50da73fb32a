"""What only a person may decide about numbers: skipping lost history, filling holes, refilling a stream, letting go.

The relay mends by itself what it can be sure of (shared/fence.py). What is here is for the rest; each act says first
what it would do, and leaves a record in the transaction that does it.
"""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis
from sqlmodel import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.operations import lanes
from services.operations.installation import Installation
from services.operations.lanes import Lane
from services.operations.refusals import NotPossible
from shared import fence, parking, retention, stream
from shared.contracts import SUBSCRIPTIONS, consumers_of
from shared.contracts.envelope import Envelope
from shared.database import Database
from shared.operator_acts import Act, Operator, note

HOLES_MAX = 100_000

SPAN = text("SELECT min(seq) AS oldest, max(seq) AS newest FROM outbox WHERE partition = :partition")
MISSING = text(
    """
    SELECT seq FROM generate_series(CAST(:low AS bigint), CAST(:high AS bigint)) AS seq
    WHERE NOT EXISTS (SELECT FROM outbox WHERE partition = :partition AND outbox.seq = seq.seq) LIMIT :rows
    """
)
RAISE = text("UPDATE outbox_head SET last_seq = greatest(last_seq, :top) WHERE partition = :partition")
SET = text(
    """
    INSERT INTO checkpoint (source, partition, last_seq) VALUES (:source, :partition, :position)
    ON CONFLICT (source, partition) DO UPDATE SET last_seq = excluded.last_seq
    """
)
AT_WORK = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name")


async def lane_of(there: Installation, consumer: str, source: str, partition: int) -> Lane:
    """Give how far a consumer is in one partition; raises NotPossible when there is no such lane."""
    for lane in await lanes.lanes(there):
        if (lane.consumer, lane.source, lane.partition) == (consumer, source, partition):
            return lane
    raise NotPossible(f"{consumer} does not consume {source}/{partition}: see `serumpun events consumers`")


def target(lane: Lane, to: str) -> int:
    """Read where a position is to go: `head`, `oldest` (the event before the oldest that is kept) or a number."""
    match to:
        case "head":
            return lane.head
        case "oldest":
            return max(lane.oldest_kept - 1, 0)
        case _ if to.isdecimal():
            return int(to)
        case _:
            raise NotPossible(f"--to {to!r} is neither a number nor `head` nor `oldest`")


async def set_position(there: Installation, lane: Lane, position: int, operator: Operator) -> None:
    """Set how far a consumer is: forward past what is lost for it, or back to the head when it is ahead.

    Raises: NotPossible for a step back among events that it has had (`events replay` is for those), a number above
            the head, and a step back while the consumer runs
    """
    if position > lane.head:
        raise NotPossible(f"{position} is above the head of {lane.at}, which is {lane.head}")
    if position < lane.position and (lane.position <= lane.head or position != lane.head):
        raise NotPossible("what it has had is handed to it again by `serumpun events replay`, one subject at a time")
    async with there.writing(lane.consumer) as session:
        if position < lane.position and await _at_work(session, lane.consumer):
            raise NotPossible(f"{lane.consumer} runs, and knows its position by heart: stop it first")
        now = await parking.lock(session, lane.source, lane.partition)
        if (now or 0) != lane.position:
            raise NotPossible(f"{lane.consumer} has moved to {now} meanwhile: look again")
        await session.execute(SET, {"source": lane.source, "partition": lane.partition, "position": position})
        skipped = (lane.position + 1, position) if position > lane.position else None
        note(session, operator, Act.POSITION, lane.source, lane.partition, numbers=skipped)
    if lane.word is not None:
        await stream.leave_word(there.redis, lane.consumer, lane.source, {lane.partition: position})


async def _at_work(session: AsyncSession, service: str) -> bool:
    found = await session.execute(AT_WORK, {"name": f"serumpun-{service}"})
    return bool(found.scalar_one())


class Positioned(msgspec.Struct, frozen=True, kw_only=True):
    """A position that was, or would be, set: `skipped` events never take effect in the consumer."""

    consumer: str
    at: str
    before: int
    after: int
    skipped: int
    done: bool


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What was, or would be, done to one partition of an outbox.

    Shape: `adopted` came back from the stream, `lost` were given a tombstone, the head is `head` now
    """

    source: str
    partition: int
    adopted: int
    lost: int
    renumbered: int
    head_before: int
    head: int


async def mend(there: Installation, source: str, partition: int, operator: Operator | None) -> Mended:
    """Make an outbox dense up to its head again, then let the fence compare it with its stream.

    Without an operator nothing is changed. What is missing comes back from the stream where it stands there; a number
    whose event nobody has is given a tombstone, which consumers pass over.

    Raises: NotPossible when the fence refuses, or for more than a person can have meant
    """
    async with there.writing(source) as session:
        head: int = (await session.execute(fence.LOCK_HEAD, {"partition": partition})).scalar_one()
        oldest, newest = (await session.execute(SPAN, {"partition": partition})).one()
        top = max(head, newest or 0)
        asked = {"partition": partition, "low": oldest or top, "high": top, "rows": HOLES_MAX + 1}
        missing = list((await session.execute(MISSING, asked)).scalars()) if top else []
        if len(missing) > HOLES_MAX:
            raise NotPossible(f"{source}/{partition} lacks more than {HOLES_MAX} events: bring a backup back")
        standing = await _standing(there.redis, source, partition, missing)
        if operator is not None and (missing or top != head):
            await _fill(session, partition, missing, standing, top)
            note(session, operator, Act.MEND, source, partition, numbers=(min([*missing, top]), top))
    mended = await _fenced(there, source, partition) if operator is not None else None
    return Mended(
        source=source,
        partition=partition,
        adopted=len(standing) + (mended.adopted if mended else 0),
        lost=len(missing) - len(standing) + (mended.lost if mended else 0),
        renumbered=mended.renumbered if mended else 0,
        head_before=head,
        head=mended.head if mended else top,
    )


async def _standing(redis: Redis, source: str, partition: int, missing: Sequence[int]) -> list[Envelope]:
    name, found = stream.stream_name(source, partition), []
    for seq in missing:
        for entry_id, fields in await stream.forwards(redis, name, f"{seq - 1}-0".encode(), 1):
            if entry_id == f"{seq}-0".encode():
                found.append(stream.envelope_of(source, partition, seq, fields))
    return found


async def _fill(
    session: AsyncSession, partition: int, missing: Sequence[int], standing: Sequence[Envelope], top: int
) -> None:
    for event in standing:
        row = msgspec.structs.asdict(event)
        del row["source"]
        await session.execute(fence.ADOPT, row)
    if missing:
        buried = {"partition": partition, "agreed": min(missing) - 1, "used": max(missing), "type": stream.LOST}
        await session.execute(fence.BURY, {**buried, "data": msgspec.msgpack.encode({})})
    await session.execute(RAISE, {"partition": partition, "top": top})


async def _fenced(there: Installation, source: str, partition: int) -> fence.Mended | None:
    database = Database(
        there.settings.database_urls[source],
        source,
        partitions=there.settings.partitions,
        clock=there.clock,
        connections_max=1,
    )
    try:
        return await fence.mend(database, there.redis, source, partition)
    except fence.FenceRefused as refused:
        cure = f"serumpun events refill {source} --partition {partition}"
        raise NotPossible(f"{str(refused).split(': ')[0]}; {cure}") from refused
    finally:
        await database.close()


class Refill(msgspec.Struct, frozen=True, kw_only=True):
    """A stream to be thrown away: how many entries it has, and how many of them at most the outbox does not know."""

    source: str
    partition: int
    entries: int
    last: int
    head: int
    only_there: int


async def refill_of(there: Installation, source: str, partition: int) -> Refill:
    """Say what would be thrown away; raises NotPossible when a consumer has passed numbers that would be given anew."""
    for lane in await lanes.lanes(there):
        if (lane.source, lane.partition) == (source, partition) and lane.position > lane.head:
            cure = f"serumpun events position {lane.consumer} {lane.at} --to head"
            raise NotPossible(f"{lane.consumer} is ahead of the head of {lane.at}, and would skip events: first {cure}")
    outbox = (await lanes.kept(there, source)).get(partition)
    if outbox is None:
        raise NotPossible(f"{source} has no partition {partition}")
    entries = await there.redis.xlen(stream.stream_name(source, partition))
    return Refill(
        source=source,
        partition=partition,
        entries=entries,
        last=outbox.last,
        head=outbox.head,
        only_there=min(entries, max(0, outbox.last - outbox.head)),
    )


async def refill(there: Installation, source: str, partition: int, operator: Operator) -> None:
    """Throw a stream away with the words of its consumers; the relay fills it again from the outbox."""
    async with there.writing(source) as session:
        note(session, operator, Act.REFILL, source, partition)
        await there.redis.delete(stream.stream_name(source, partition), stream.positions_name(source, partition))


async def unregister(there: Installation, consumer: str, sources: Sequence[str], operator: Operator) -> None:
    """Let pruning wait for a consumer no more; should it speak again, it is waited for again."""
    for source in sources:
        _listens(consumer, source)
        async with there.writing(source) as session:
            await retention.retire(session, consumer, operator.now)
            note(session, operator, Act.UNREGISTER, source, subject=consumer)
        for partition in range(there.settings.partitions):
            await there.redis.hdel(stream.positions_name(source, partition), consumer)


async def register(there: Installation, consumer: str, sources: Sequence[str], operator: Operator) -> None:
    """Let pruning wait for a consumer again."""
    for source in sources:
        _listens(consumer, source)
        async with there.writing(source) as session:
            await retention.recall(session, consumer)
            note(session, operator, Act.REGISTER, source, subject=consumer)


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer that pruning waits for, or does not wait for, in these sources."""

    consumer: str
    sources: list[str]
    waited_for: bool
    done: bool


def _listens(consumer: str, source: str) -> None:
    if consumer not in consumers_of(source):
        raise NotPossible(f"{consumer} does not listen to {source}, only to {', '.join(SUBSCRIPTIONS[consumer])}")
