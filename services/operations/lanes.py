"""How far everybody is: the heads of the outboxes, the ends of the streams, and every consumer's position.

A lane is one consumer's way through one partition of one source. Positions are read before the ends that they may
not have passed, so that nobody seems to be ahead only because the installation is at work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
from sqlmodel import text

from services.operations.installation import Installation
from shared import stream
from shared.contracts import SUBSCRIPTIONS
from shared.retention import retired
from shared.settings import SERVICES

HEADS = text(
    """
    SELECT head.partition, head.last_seq AS head, coalesce(min(seq), 0) AS oldest, coalesce(max(seq), 0) AS newest,
           count(seq) AS rows
    FROM outbox_head head LEFT JOIN outbox USING (partition) GROUP BY head.partition, head.last_seq ORDER BY 1
    """
)
POSITIONS = text("SELECT source, partition, last_seq FROM checkpoint")


@dataclass(frozen=True, slots=True)
class Kept:
    """What an outbox holds of one partition, and where its stream ends.

    Shape: `head` is the last number given; `oldest` and `newest` are the first and last row, 0 when there is none;
           `last` is the last number that the stream ever held
    """

    head: int
    oldest: int
    newest: int
    rows: int
    last: int = 0


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer in one partition of one source.

    Shape:  `word` is the position that the consumer left in Redis for pruning, null when there is none;
            `state`: `ok`, `behind`, `ahead` (of the source's head), `history gone`, `silent` (no word), `retired`
    """

    consumer: str
    source: str
    partition: int
    position: int
    head: int
    lag: int
    word: int | None
    oldest_kept: int
    state: str

    @property
    def at(self) -> str:
        """Name the partition as commands take it."""
        return f"{self.source}/{self.partition}"


Positions = Mapping[tuple[str, int], int]


async def positions(there: Installation, consumer: str) -> Positions:
    """Give the position of a consumer in each partition of each source."""
    async with there.reading(consumer) as session:
        return {(row.source, row.partition): row.last_seq for row in await session.execute(POSITIONS)}


async def kept(there: Installation, source: str) -> dict[int, Kept]:
    """Give what the outbox of a source holds, by partition."""
    async with there.reading(source) as session:
        rows = (await session.execute(HEADS)).all()
    tails = await stream.tails(there.redis, source, [row.partition for row in rows])
    return {
        row.partition: Kept(row.head, row.oldest, row.newest, row.rows, tail.last)
        for row, tail in zip(rows, tails, strict=True)
    }


async def words(there: Installation, source: str, partition: int) -> dict[str, int]:
    """Give the positions that consumers have left word of."""
    found = await there.redis.hgetall(stream.positions_name(source, partition))
    return {name.decode(): int(word) for name, word in cast("dict[bytes, bytes]", found).items()}


async def lanes(there: Installation) -> list[Lane]:
    """Give every lane of the installation as it is now."""
    said = {
        (source, partition): await words(there, source, partition)
        for source in SERVICES
        for partition in range(there.settings.partitions)
    }
    passed = {consumer: await positions(there, consumer) for consumer in SUBSCRIPTIONS}
    outboxes = {source: await kept(there, source) for source in SERVICES}
    gone = {}
    for source in SERVICES:
        async with there.reading(source) as session:
            gone[source] = await retired(session)
    return [
        _lane(consumer, source, partition, passed[consumer], outbox, said[source, partition], gone[source])
        for consumer, sources in SUBSCRIPTIONS.items()
        for source in sources
        for partition, outbox in outboxes[source].items()
    ]


def _lane(
    consumer: str, source: str, partition: int, passed: Positions, outbox: Kept, said: Mapping[str, int], gone: set[str]
) -> Lane:
    position, word = passed.get((source, partition), 0), said.get(consumer)
    return Lane(
        consumer=consumer,
        source=source,
        partition=partition,
        position=position,
        head=outbox.head,
        lag=max(0, outbox.head - position),
        word=word,
        oldest_kept=outbox.oldest,
        state=_state(position, word, outbox, retired_here=consumer in gone),
    )


def _state(position: int, word: int | None, outbox: Kept, *, retired_here: bool) -> str:
    if position > outbox.head:
        return "ahead"
    if retired_here and word is None:
        return "retired"
    if position and position + 1 < outbox.oldest:
        return "history gone"
    if position < outbox.head:
        return "behind"
    return "silent" if word is None else "ok"
