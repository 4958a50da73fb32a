"""The streams: their names, how an event stands in one, and the script that appends by number.

The id of an entry is the event's number (`seq-0`). So Redis itself refuses a duplicate or a step back, and
whatever it has lost is known by comparing two numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Literal, TypeAlias, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from shared.contracts.envelope import Envelope

SOCKET_TIMEOUT_SECONDS: Final = 5
CONNECT_TIMEOUT_SECONDS: Final = 2
BLOCK_MS: Final = 1000
"""How long a read waits for news; well below the socket time-out, with which it would collide."""
LOST: Final = "serumpun.lost.v1"
"""The type of a tombstone: a number that was given out and whose event nobody has any more."""
TEXTS: Final = tuple(
    (name, name.encode()) for name in ("id", "type", "subject", "time", "actor", "region", "traceparent")
)
TEXT_LENGTH_MAX: Final = 500

Fields: TypeAlias = dict[bytes, bytes]
Entry: TypeAlias = tuple[int, str, str, str, str, str, str, str, bytes]
"""Number, id, type, subject, time, actor, region, traceparent and data of an event, in words but the first and last."""


class Unreadable(ValueError):
    """A stream entry is not an event; the message is ours and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What Redis knows of one partition.

    Shape:  `last`: the last number the stream ever held; `standing`, `standing_id`: the entry at its end, if any;
            `passed`: the furthest that any consumer says it has come
    """

    last: int = 0
    standing: int = 0
    standing_id: str = ""
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch.

    Shape:  `ok`: everything up to `last` is in the stream; `gap`: nothing was written, rows are missing before the
            first; `clash`: nothing was written, another event stands at one of the numbers
    """

    verdict: Literal["ok", "gap", "clash"]
    last: int


def connect(url: str) -> Redis:
    """Give a client with a time-out on everything and no retries of its own.

    Whoever calls it is a loop that asks again by itself; a retry underneath would only hide how long it takes.
    """
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def stream_name(source: str, partition: int) -> str:
    """Name the stream of one partition; the braces spread partitions over the nodes of a cluster."""
    return f"ev:{source}:{{{partition}}}"


def positions_name(source: str, partition: int) -> str:
    """Name the hash in which consumers leave word of how far they are."""
    return f"pos:{source}:{{{partition}}}"


def number_of(entry_id: bytes) -> int:
    """Give the first part of an entry id, whoever wrote it."""
    return int(entry_id.partition(b"-")[0])


def seq_of(entry_id: bytes) -> int:
    """Give the number in an entry id; raises Unreadable for one that the append script cannot have written."""
    if not entry_id.endswith(b"-0"):
        raise Unreadable("the entry id is not a number of ours")
    return number_of(entry_id)


def flat(envelope: Envelope) -> list[str | bytes]:
    """Give the fields and values of an event as they stand in a stream; number and partition are in its id and name."""
    return [
        "id", str(envelope.id),
        "source", envelope.source,
        "type", envelope.type,
        "subject", envelope.subject,
        "time", envelope.time.isoformat(),
        "actor", envelope.actor,
        "region", envelope.region,
        "traceparent", envelope.traceparent,
        "data", envelope.data,
    ]  # fmt: skip


def fields_of(envelope: Envelope) -> Fields:
    """Give the fields of an event as whoever reads its stream gets them."""
    told = [part.encode() if isinstance(part, str) else part for part in flat(envelope)]
    return dict(zip(told[::2], told[1::2], strict=True))


def _entry(envelope: Envelope) -> Entry:
    return (
        envelope.seq, str(envelope.id), envelope.type, envelope.subject, envelope.time.isoformat(), envelope.actor,
        envelope.region, envelope.traceparent, envelope.data,
    )  # fmt: skip


def envelope_of(source: str, partition: int, seq: int, fields: Fields) -> Envelope:
    """Read an event from the fields of its entry; raises Unreadable, also for what could not be stored later."""
    try:
        texts = {name: fields[field].decode() for name, field in TEXTS}
        told = {**texts, "source": source, "partition": partition, "seq": seq, "data": fields[b"data"]}
        envelope = msgspec.convert(told, Envelope)
        envelope.time.astimezone(UTC)
    except KeyError:
        raise Unreadable("a field is missing") from None
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"a field cannot be read: {type(error).__name__}") from None
    if envelope.time.tzinfo is None or any("\0" in text or len(text) > TEXT_LENGTH_MAX for text in texts.values()):
        raise Unreadable("a field cannot be stored")
    return envelope


def bytes_of(fields: Fields) -> bytes:
    """Keep an entry that is not an event just as it is, for a person to look at."""
    return msgspec.msgpack.encode(list(fields.items()))


# The texts of a batch are one argument in MessagePack, a row for each event as `Entry` has it; the data, which Redis
# cannot read in that form, are an argument each. That is five times as fast as an argument for every name and value.
# Nothing is written unless the whole batch follows on; what is there already is skipped, so a retry after a lost
# answer changes nothing. Where a tombstone meets the entry that it stands for, they agree.
APPEND = """
local info, last, standing, standing_id = redis.pcall('XINFO', 'STREAM', KEYS[1]), 0, 0, ''
if info.err then
  if not string.find(info.err, 'no such key', 1, true) then return redis.error_reply(info.err) end
else
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      last = tonumber(string.match(info[i + 1], '^%d+'))
    elseif info[i] == 'last-entry' and info[i + 1] and string.find(info[i + 1][1], '-0$') then
      standing = tonumber(string.match(info[i + 1][1], '^%d+'))
      for f = 1, #info[i + 1][2], 2 do
        if info[i + 1][2][f] == 'id' then standing_id = info[i + 1][2][f + 1] end
      end
    end
  end
end
local oldest, source, rows = ARGV[1] == '1', ARGV[2], cmsgpack.unpack(ARGV[3])
local first = rows[1][1]
if first > last + 1 and not oldest then return {'gap', last} end
for at, row in ipairs(rows) do
  if row[1] ~= first + at - 1 then return {'gap', last} end
  local lost = row[3] == 'serumpun.lost.v1'
  if row[1] == standing and row[2] ~= standing_id and not lost then return {'clash', last} end
end
for at, row in ipairs(rows) do
  if row[1] > last then
    redis.call('XADD', KEYS[1], string.format('%.0f-0', row[1]), 'id', row[2], 'source', source, 'type', row[3],
      'subject', row[4], 'time', row[5], 'actor', row[6], 'region', row[7], 'traceparent', row[8],
      'data', ARGV[at + 3])
    last = row[1]
  end
end
return {'ok', last}
"""


async def append(redis: Redis, stream: str, events: Sequence[Envelope], *, oldest: bool) -> Appended:
    """Append events that follow one another by number, all or none.

    Shape: `oldest` says that nothing before the first event is kept anywhere, so a gap before it is final
    """
    entries = [_entry(envelope) for envelope in events]
    return await append_entries(redis, stream, events[0].source, entries, oldest=oldest)


async def append_entries(redis: Redis, stream: str, source: str, entries: Sequence[Entry], *, oldest: bool) -> Appended:
    """Append events that are in words already; otherwise as `append`."""
    rows = msgspec.msgpack.encode([entry[:-1] for entry in entries])
    answer = await redis.register_script(APPEND)(
        keys=[stream], args=["1" if oldest else "0", source, rows, *(entry[-1] for entry in entries)]
    )
    verdict, last = cast("tuple[bytes, int]", answer)
    return Appended(cast("Literal['ok', 'gap', 'clash']", verdict.decode()), last)


async def tails(redis: Redis, source: str, partitions: Sequence[int]) -> list[Tail]:
    """Give what Redis knows of these partitions of a source, in one round trip."""
    pipeline = redis.pipeline(transaction=False)
    for partition in partitions:
        pipeline.xinfo_stream(stream_name(source, partition))
        pipeline.hvals(positions_name(source, partition))
    answers = await pipeline.execute(raise_on_error=False)
    return [_tail(info, positions) for info, positions in zip(answers[::2], answers[1::2], strict=True)]


async def leave_word(redis: Redis, consumer: str, source: str, positions: Mapping[int, int]) -> None:
    """Leave word of how far a consumer is in each partition: a hint for trimming, never the position itself."""
    pipeline = redis.pipeline(transaction=False)
    for partition, position in positions.items():
        pipeline.hset(positions_name(source, partition), consumer, str(position))
    await pipeline.execute()


async def forwards(redis: Redis, stream: str, after: bytes | None, count: int) -> list[tuple[bytes, Fields]]:
    """Give entries from the beginning of a stream towards its end, those after an entry id or the very first ones."""
    entries = await redis.xrange(stream, min=b"(" + after if after else "-", count=count)
    return cast("list[tuple[bytes, Fields]]", entries)


async def backwards(redis: Redis, stream: str, before: bytes | None, count: int) -> list[tuple[bytes, Fields]]:
    """Give entries from the end of a stream towards its beginning, those before an entry id or the very last ones."""
    entries = await redis.xrevrange(stream, max=b"(" + before if before else "+", count=count)
    return cast("list[tuple[bytes, Fields]]", entries)


def _tail(info: object, positions: object) -> Tail:
    if isinstance(positions, Exception):
        raise positions
    passed = max((int(position) for position in cast("list[bytes]", positions)), default=0)
    if isinstance(info, ResponseError) and "no such key" in str(info):
        return Tail(passed=passed)
    if isinstance(info, Exception):
        raise info
    stream = cast("dict[str, object]", info)
    last = number_of(cast("bytes", stream["last-generated-id"]))
    entry = cast("tuple[bytes, Fields] | None", stream["last-entry"])
    if entry is None or not entry[0].endswith(b"-0"):
        return Tail(last, passed=passed)
    return Tail(last, number_of(entry[0]), entry[1].get(b"id", b"").decode(errors="replace"), passed)
