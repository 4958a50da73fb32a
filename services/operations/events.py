"""Events as an operator sees them: one by its number or id, or all as they are recorded, with personal data masked."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping
from sqlmodel import text

from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from shared import stream
from shared.contracts.envelope import Envelope
from shared.loops import rest
from shared.privacy import MASK, mask_phone
from shared.settings import SERVICES

POLL_SECONDS = 0.25
PAGE_ROWS = 500

COLUMNS = "o.partition, o.seq, o.id, o.type, o.subject, o.time, o.actor, o.region, o.traceparent, o.data"
BY_NUMBER = text(f"SELECT {COLUMNS} FROM outbox o WHERE partition = :partition AND seq = :seq")  # noqa: S608  ours
BY_ID = text(f"SELECT {COLUMNS} FROM outbox o WHERE id = :id")  # noqa: S608  ours
NEWS = text(
    f"""
    SELECT {COLUMNS} FROM unnest(CAST(:partitions AS smallint[]), CAST(:afters AS bigint[])) AS known (partition, after)
    CROSS JOIN LATERAL (
        SELECT * FROM outbox WHERE outbox.partition = known.partition AND seq > after ORDER BY seq LIMIT :rows
    ) AS o ORDER BY o.time, o.partition, o.seq
    """  # noqa: S608  ours
)
SINCE = text(
    """
    SELECT head.partition, coalesce(
        (SELECT min(seq) - 1 FROM outbox WHERE outbox.partition = head.partition AND time >= :since), head.last_seq
    ) AS after
    FROM outbox_head head
    """
)
HEADS = text("SELECT partition, last_seq AS after FROM outbox_head")


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event as commands show it.

    Shape: `at` is `source/partition/seq`, as commands take it; `data` is what was told, with names, telephone numbers
           and mail addresses of people masked; null with a `fault` when it cannot be read
    """

    at: str
    id: UUID | None
    type: str
    subject: str
    time: datetime | None
    actor: str
    region: str
    traceparent: str
    data: object
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted; types and subjects may hold `*` for anything."""

    sources: Sequence[str] = SERVICES
    kind: str = "*"
    subject: str = "*"

    def __contains__(self, view: EventView) -> bool:
        """Tell whether an event is one of them."""
        return fnmatchcase(view.type, self.kind) and fnmatchcase(view.subject, self.subject)


def view(envelope: Envelope) -> EventView:
    """Show an event."""
    data, fault = decoded(envelope.type, envelope.data)
    return EventView(
        at=f"{envelope.source}/{envelope.partition}/{envelope.seq}",
        id=envelope.id,
        type=envelope.type,
        subject=envelope.subject,
        time=envelope.time,
        actor=envelope.actor,
        region=envelope.region,
        traceparent=envelope.traceparent,
        data=data,
        fault=fault,
    )


def decoded(kind: str, data: bytes) -> tuple[object, str | None]:
    """Read what an event tells, with people's data masked, or say why it cannot be read."""
    try:
        return masked(kind, msgspec.msgpack.decode(data)), None
    except (msgspec.DecodeError, ValueError) as error:
        return None, f"{len(data)} bytes that are not MessagePack: {type(error).__name__}"


def masked(kind: str, told: object) -> object:
    """Hide what points at a person; which fields do is known by their names."""
    if isinstance(told, list):
        return [masked(kind, one) for one in told]
    if not isinstance(told, dict):
        return told
    return {name: _masked(kind, str(name), value) for name, value in told.items()}


def _masked(kind: str, name: str, value: object) -> object:
    if not isinstance(value, str):
        return masked(kind, value)
    if name == "phone":
        return mask_phone(value)
    if name == "email":
        return MASK * 3 + value[value.find("@") :] if "@" in value else MASK * len(value)
    if name in ("nik", "kk") or (name == "name" and ".owner." in kind):
        return value[:1] + MASK * 3
    return value


def lines(shown: EventView) -> list[str]:
    """Give one line for an event, as `tail` prints it."""
    told = msgspec.json.encode(shown.data).decode() if shown.fault is None else shown.fault
    moment = shown.time.isoformat("T", "milliseconds") if shown.time else ""
    return [f"{moment} {shown.at} {shown.type} {shown.subject} by {shown.actor or '-'} {told}"]


def place(at: str) -> tuple[str, int, int] | None:
    """Read `source/partition/seq`; None when it is something else."""
    source, _, rest_of_it = at.partition("/")
    partition, _, seq = rest_of_it.partition("/")
    if source in SERVICES and partition.isdecimal() and seq.isdecimal():
        return source, int(partition), int(seq)
    return None


async def find(there: Installation, at: str) -> Envelope:
    """Find an event by its number or its id, in the outboxes or, when pruned there, in the streams.

    Raises: NotPossible when there is none
    """
    if (number := place(at)) is not None:
        return await _by_number(there, *number)
    try:
        event_id = UUID(at)
    except ValueError:
        raise NotPossible(f"{at!r} is neither source/partition/number, such as {SERVICES[0]}/0/17, nor an id") from None
    for source in SERVICES:
        async with there.reading(source) as session:
            row = (await session.execute(BY_ID, {"id": event_id})).mappings().one_or_none()
        if row is not None:
            return _envelope(source, row)
    raise NotPossible(f"there is no event {at} in any outbox")


async def _by_number(there: Installation, source: str, partition: int, seq: int) -> Envelope:
    async with there.reading(source) as session:
        row = (await session.execute(BY_NUMBER, {"partition": partition, "seq": seq})).mappings().one_or_none()
    if row is not None:
        return _envelope(source, row)
    entries = await stream.forwards(there.redis, stream.stream_name(source, partition), f"{seq - 1}-0".encode(), 1)
    if entries and entries[0][0] == f"{seq}-0".encode():
        return stream.envelope_of(source, partition, seq, entries[0][1])
    raise NotPossible(f"there is no event {source}/{partition}/{seq}: it was never recorded, or is pruned by age")


async def tail(
    there: Installation, wanted: Wanted, since: datetime | None, *, follow: bool
) -> AsyncIterator[EventView]:
    """Give the events since a moment, or from now on, as they are recorded; without `follow` it ends with the last."""
    at = {source: await _start(there, source, since) for source in wanted.sources}
    while True:
        news: list[Envelope] = []
        for source in wanted.sources:
            fresh = await _news(there, source, at[source])
            at[source].update({envelope.partition: envelope.seq for envelope in fresh})
            news += fresh
        for envelope in sorted(news, key=lambda one: one.time):
            if (one := view(envelope)) in wanted:
                yield one
        if not news:
            if not follow:
                return
            await rest(POLL_SECONDS)


async def _start(there: Installation, source: str, since: datetime | None) -> dict[int, int]:
    async with there.reading(source) as session:
        rows = await (session.execute(SINCE, {"since": since}) if since else session.execute(HEADS))
        return {row.partition: row.after for row in rows}


async def _news(there: Installation, source: str, at: dict[int, int]) -> list[Envelope]:
    asked = {"partitions": list(at), "afters": list(at.values()), "rows": PAGE_ROWS}
    async with there.reading(source) as session:
        return [_envelope(source, row) for row in (await session.execute(NEWS, asked)).mappings()]


def _envelope(source: str, row: RowMapping) -> Envelope:
    return Envelope(source=source, **row)
