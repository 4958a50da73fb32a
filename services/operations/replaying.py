"""Handing events again to a consumer, after its handler was mended.

Nothing is appended and no position is moved. The events are parked in the consumer's own database, from where its
running copies take them up like any parked event: in order, effects and removal in one transaction, later events of
the same subject behind them. So what has to be decided is only which events those are: whoever hands an event again
hands all later ones of its subject too, for else an earlier fact would be the last word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from importlib import import_module

import msgspec
from sqlmodel import text

from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from shared import parking
from shared.contracts import SUBSCRIPTIONS
from shared.contracts.envelope import Envelope
from shared.operator_acts import Act, Operator, note
from shared.reaction import Reaction

HANDED_MAX = 10_000
"""More than this is not a correction but a new installation: a lane of it would stand still for minutes."""

CHOSEN = text(
    """
    SELECT partition, subject, min(seq) AS first FROM outbox
    WHERE type = ANY(CAST(:types AS text[])) AND time >= coalesce(CAST(:since AS timestamptz), '-infinity')
      AND time <= coalesce(CAST(:until AS timestamptz), 'infinity')
    GROUP BY partition, subject LIMIT :rows
    """
)
CHAINS = text(
    """
    SELECT o.partition, o.seq, o.id, o.type, o.subject, o.time, o.actor, o.region, o.traceparent, o.data
    FROM unnest(CAST(:partitions AS smallint[]), CAST(:subjects AS text[]), CAST(:firsts AS bigint[]))
         AS chosen (partition, subject, first)
    JOIN outbox o ON o.partition = chosen.partition AND o.subject = chosen.subject AND o.seq >= chosen.first
    WHERE o.type = ANY(CAST(:types AS text[])) ORDER BY o.partition, o.seq LIMIT :rows
    """
)
Chain = tuple[int, str, int]
"""A partition, a subject in it, and the first number that is handed again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events of a source are to be handed again: by type and time, or from one event on."""

    source: str
    kind: str = "*"
    subject: str = "*"
    since: datetime | None = None
    until: datetime | None = None
    first: Envelope | None = None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The events that are, or would be, handed again to a consumer; `handed` is without those that waited there."""

    consumer: str
    events: list[str]
    handed: int
    done: bool


def types_of(consumer: str) -> set[str]:
    """Name the types that a consumer reacts to."""
    reactions: tuple[Reaction, ...] = import_module(f"services.{consumer}.reactions").REACTIONS
    return {reaction.event.type for reaction in reactions}


async def chosen(there: Installation, consumer: str, choice: Choice) -> list[Envelope]:
    """Give the events that would be handed again, in order: those chosen, and all later ones of their subjects.

    Raises: NotPossible when the consumer does not hear the source or does nothing about the event, or for too many
    """
    if choice.source not in SUBSCRIPTIONS[consumer]:
        raise NotPossible(f"{consumer} does not listen to {choice.source}")
    types = sorted(kind for kind in types_of(consumer) if fnmatchcase(kind, choice.kind))
    if choice.first is not None:
        if choice.first.type not in types:
            raise NotPossible(f"{consumer} does nothing about {choice.first.type}")
        chains: list[Chain] = [(choice.first.partition, choice.first.subject, choice.first.seq)]
    else:
        chains = await _chains(there, choice, types)
    found = await _events(there, choice.source, chains, sorted(types_of(consumer)))
    passed = await _passed(there, consumer, choice.source)
    return [one for one in found if one.seq <= passed.get(one.partition, 0)]


async def _chains(there: Installation, choice: Choice, types: Sequence[str]) -> list[Chain]:
    asked = {"types": types, "since": choice.since, "until": choice.until, "rows": HANDED_MAX + 1}
    async with there.reading(choice.source) as session:
        rows = (await session.execute(CHOSEN, asked)).all()
    return [(row.partition, row.subject, row.first) for row in rows if fnmatchcase(row.subject, choice.subject)]


async def _events(there: Installation, source: str, chains: Sequence[Chain], types: Sequence[str]) -> list[Envelope]:
    asked = {
        "partitions": [partition for partition, _, _ in chains],
        "subjects": [subject for _, subject, _ in chains],
        "firsts": [first for _, _, first in chains],
        "types": types,
        "rows": HANDED_MAX + 1,
    }
    async with there.reading(source) as session:
        rows = (await session.execute(CHAINS, asked)).mappings().all()
    if len(rows) > HANDED_MAX:
        raise NotPossible(
            f"that is more than {HANDED_MAX} events: choose fewer with --type, --subject, --since, --until"
        )
    return [Envelope(source=source, **row) for row in rows]


async def _passed(there: Installation, consumer: str, source: str) -> dict[int, int]:
    async with there.reading(consumer) as session:
        rows = await session.execute(
            text("SELECT partition, last_seq FROM checkpoint WHERE source = :source"), {"source": source}
        )
        return {row.partition: row.last_seq for row in rows}


async def hand_again(there: Installation, consumer: str, events: Sequence[Envelope], operator: Operator) -> int:
    """Hand events again to a consumer; gives how many, without those that are parked there already."""
    handed = 0
    for source, partition in sorted({(one.source, one.partition) for one in events}):
        mine = [one for one in events if (one.source, one.partition) == (source, partition)]
        async with there.writing(consumer) as session:
            await parking.lock(session, source, partition)
            handed += await parking.hand_again(session, mine, operator.now)
            numbers = (mine[0].seq, mine[-1].seq)
            note(session, operator, Act.REPLAY, source, partition, numbers=numbers, subject=_subject(mine))
    return handed


def _subject(events: Iterable[Envelope]) -> str:
    subjects = {one.subject for one in events}
    return subjects.pop() if len(subjects) == 1 else ""
