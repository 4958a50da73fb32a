"""Orders by the line (NDJSON): a long body read as a stream, and an answer for each line as soon as it stands.

Lines are carried out in their order and by batches, a transaction each. A line's key makes its retry free, as an
Idempotency-Key does that of a request: whoever lost the connection sends the whole body again, and nothing is doubled.
What is wrong with one line is that line's alone.

Reading never waits for the answers to be taken: many clients read only when they have sent everything.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, cast
from urllib.parse import parse_qsl

import msgspec

from shared import idempotency
from shared.answers import ALWAYS_HEADERS, Answer, Outage, as_refusal, committed
from shared.caller import Caller
from shared.database import Database, Work, unreachable
from shared.idempotency import Key, Stored
from shared.incoming import ClientGone, Incoming, MediaTypeRefused, NoQuery
from shared.problems import Invalid, Refusal, TooLarge, Unavailable
from shared.routes import LINES, Asked, Route
from shared.telemetry import Receive, Scope, Send
from shared.validation import Misshapen, read_json, read_query

BODY_BYTES_MAX = 50_000_000
LINES_MAX = 200_000
LINE_BYTES_MAX = 100_000
BATCH_LINES_MAX = 500
BATCH_BYTES_MAX = 2_000_000
BATCHES_AT_ONCE_MAX = 2
"""How many batches of a process are under way at once: each holds locks on its cards and keys, and others wait."""

LINES_AT_A_TIME = 16
"""After so many lines read others have a turn: the next batch is read while the store works on this one."""

DONE = 201
"""The status of a line that was carried out."""


class LinesExpected(MediaTypeRefused):
    """The body is not announced as lines of JSON."""

    title = f"Send {LINES}"


class LineTooLong(TooLarge):
    """A line is longer than is accepted; it was not looked at."""

    code = "line_too_long"
    title = "The line is too long"


class KeyedOrder(Protocol):
    """An order that bears the key of its retry."""

    @property
    def key(self) -> str: ...  # noqa: D102 - the name says it


class Line(NamedTuple):
    """One line as it was read: an order with its key, or what is wrong with it and the key as far as it can be read."""

    number: int
    told_key: str | None
    key: Key | None = None
    order: KeyedOrder | None = None
    fault: Refusal | None = None
    length: int = 0


def check(request: Incoming) -> None:
    """See that a request may begin: its media type, its address, and the length that it announces."""
    if request.header(b"content-type", LINES).partition(";")[0].strip().lower() != LINES:
        raise LinesExpected
    read_query(parse_qsl(request.query, keep_blank_values=True), NoQuery)
    announced = request.header(b"content-length", "")
    if announced.isdecimal() and int(announced) > BODY_BYTES_MAX:
        raise _too_large(BODY_BYTES_MAX, "bytes")


def _too_large(limit: int, unit: str) -> TooLarge:
    return TooLarge(f"At most {limit} {unit}; nothing from here on was read.", limit=limit)


@dataclass(slots=True, kw_only=True)
class LineByLine:
    """Carries out the lines of one request, and gives their answers."""

    route: Route
    request: Incoming
    caller: Caller
    database: Database
    turns: asyncio.Semaphore
    outage: Outage
    away: Refusal | None = None

    async def answers(self) -> AsyncIterator[bytes]:
        """Give the answers batch by batch; ends early when the store is away, the body too long or the client gone."""
        try:
            async with aclosing(ahead(batches(self._lines()))) as read:
                async for batch in read:
                    async with self.turns:
                        answers = await self._carried_out(batch)
                    yield b"".join(answers)
                    if self.away:
                        return
        except ClientGone as gone:
            self.request.context.code = gone.code

    async def _lines(self) -> AsyncIterator[Line]:
        async for number, raw in lines_of(self.request.receive):
            if number % LINES_AT_A_TIME == 0:
                await asyncio.sleep(0)
            yield self._read(number, raw)

    def _read(self, number: int, raw: bytes | Refusal) -> Line:
        if isinstance(raw, Refusal):
            return Line(number, None, fault=raw)
        try:
            order = cast("KeyedOrder", read_json(raw, cast("type[msgspec.Struct]", self.route.body)))
        except Misshapen as fault:
            key = (fault.leaves or {}).get("/key")
            return Line(number, key if isinstance(key, str) else None, fault=fault, length=len(raw))
        digest = idempotency.request_hash(self.request.method, self.request.path, b"", raw)
        return Line(number, order.key, Key(self.caller.subject, order.key, digest), order, length=len(raw))

    async def _carried_out(self, lines: Sequence[Line]) -> list[bytes]:
        """Carry out a batch; where it fails as a whole, find out which line is at fault by halves."""
        if self.away is None:
            try:
                outcomes = await self.database.run(self.caller, lambda work: self._together(work, lines))
                committed()
                return [answer_of(line, outcome) for line, outcome in zip(lines, outcomes, strict=True)]
            except Exception as fault:  # noqa: BLE001 - this is the edge: what is no refusal is logged as a defect
                if len(lines) > 1 and not unreachable(fault):
                    middle = len(lines) // 2
                    return [*await self._carried_out(lines[:middle]), *await self._carried_out(lines[middle:])]
                refusal = as_refusal(fault, self.request.context.request_id, self.outage)
                if isinstance(refusal, Unavailable):
                    self.away = refusal
                return [answer_of(line, refusal) for line in lines]
        return [answer_of(line, self.away) for line in lines]

    async def _together(self, work: Work, lines: Sequence[Line]) -> list[Stored | Refusal]:
        """Carry out lines in one transaction, each with its own outcome."""
        before = iter(await idempotency.begin(work.session, [line.key for line in lines if line.key]))
        found = [next(before) if line.key else None for line in lines]
        fresh = [line for line, known in zip(lines, found, strict=True) if line.key and known is None]
        done = dict(zip((line.number for line in fresh), await self._outcomes(work, fresh), strict=True))
        kept = [(line.key, answer) for line in fresh if line.key and isinstance(answer := done[line.number], Stored)]
        await idempotency.store(work.session, kept)
        return [
            known or done.get(line.number) or await self._misshapen(work, line)
            for line, known in zip(lines, found, strict=True)
        ]

    async def _outcomes(self, work: Work, lines: Sequence[Line]) -> list[Stored | Refusal]:
        if not lines:
            return []
        outcomes = await self.route.handler(work=work, asked=[Asked(line.order, self.caller) for line in lines])
        return [
            outcome if isinstance(outcome, Refusal) else Stored(DONE, {}, msgspec.json.encode(outcome))
            for outcome in cast("Sequence[object]", outcomes)
        ]

    async def _misshapen(self, work: Work, line: Line) -> Refusal:
        """Tell with the mistakes of a line's shape those that it makes besides."""
        fault = line.fault or Invalid([])
        if isinstance(fault, Misshapen) and fault.leaves is not None and self.route.rules:
            return fault.joined(await self.route.rules(work, fault.leaves))
        return fault


async def batches(lines: AsyncIterator[Line]) -> AsyncIterator[list[Line]]:
    """Gather lines into batches that may share a transaction: in each a key stands once, so that the first is first."""
    batch: list[Line] = []
    keys: set[str] = set()
    length = 0
    async for line in lines:
        if len(batch) >= BATCH_LINES_MAX or length >= BATCH_BYTES_MAX or (line.key and line.key.key in keys):
            yield batch
            batch, keys, length = [], set(), 0
        batch.append(line)
        length += line.length
        if line.key:
            keys.add(line.key.key)
    if batch:
        yield batch


async def ahead(batches: AsyncIterator[list[Line]]) -> AsyncGenerator[list[Line], None]:
    """Give the same batches, reading the next one while the one that was given waits for the store.

    Raises: what reading raises, when its batch would be given; what came before it is carried out
    """
    reading = asyncio.ensure_future(anext(batches, None))
    try:
        while (batch := await reading) is not None:
            reading = asyncio.ensure_future(anext(batches, None))
            yield batch
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        if not reading.cancelled():
            reading.exception()  # nobody waits for what this was to give


async def lines_of(receive: Receive) -> AsyncIterator[tuple[int, bytes | Refusal]]:
    """Give the lines of a body with their numbers, empty ones left out; what is too long is a refusal in its place.

    Raises: ClientGone when the connection ends before the body does; the line that was broken off is not given
    """
    number = length = 0
    rest = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = message.get("more_body", False)
        length += len(message.get("body", b""))
        *whole, rest = (rest + message.get("body", b"")).split(b"\n")
        if length > BODY_BYTES_MAX and not whole:
            yield number + 1, _too_large(BODY_BYTES_MAX, "bytes")
            return
        if len(rest) > LINE_BYTES_MAX:
            rest = rest[: LINE_BYTES_MAX + 1]  # it is refused at its end, whatever follows
        for raw in whole if more else [*whole, rest]:
            number += 1
            if number > LINES_MAX or length > BODY_BYTES_MAX:
                yield number, _too_large(*((LINES_MAX, "lines") if number > LINES_MAX else (BODY_BYTES_MAX, "bytes")))
                return
            if len(raw) > LINE_BYTES_MAX:
                yield number, LineTooLong(f"At most {LINE_BYTES_MAX} bytes.", limit_bytes=LINE_BYTES_MAX)
            elif line := raw.strip():
                yield number, line


def answer_of(line: Line, outcome: Stored | Refusal) -> bytes:
    """Give the answer to a line; what was stored the first time is given again as it is."""
    begin = b'{"line":%d,"key":%b,"status":%d,' % (
        line.number,
        msgspec.json.encode(line.told_key),
        outcome.status,
    )
    if isinstance(outcome, Stored):
        return begin + outcome.body[1:] + b"\n"
    told = {"code": outcome.code, "title": outcome.title, "detail": outcome.detail, **outcome.members}
    return begin + msgspec.json.encode(told)[1:] + b"\n"


@dataclass(frozen=True, slots=True)
class LinesAnswer(Answer):
    """An answer that goes out piece by piece while the rest of it comes into being."""

    pieces: AsyncIterator[bytes] = field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Hand it over to the server; what is ready waits for a client that does not read yet."""
        headers = [*ALWAYS_HEADERS, (b"content-type", self.media_type.encode())]
        ready: asyncio.Queue[bytes | None] = asyncio.Queue()
        making = asyncio.create_task(self._make(ready))
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            while (piece := await ready.get()) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await making
            await send({"type": "http.response.body", "body": b""})
        finally:
            making.cancel()

    async def _make(self, ready: asyncio.Queue[bytes | None]) -> None:
        try:
            async for piece in self.pieces:
                ready.put_nowait(piece)
        finally:
            ready.put_nowait(None)
