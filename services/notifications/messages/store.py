"""What is stored of messages: each as its reader sees it, once per fact, person and purpose."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX, WHY_LENGTH_MAX
from services.notifications.people import Language
from services.notifications.plans import Urgency

URGENCIES_SQL = ", ".join(repr(urgency.value) for urgency in Urgency)
LANGUAGES_SQL = ", ".join(repr(language.value) for language in Language)


XID_SQL = "((pg_current_xact_id())::text)::bigint"
"""The number of the transaction, by which it is known what was committed before what is looked at now."""


class MessageRow(SQLModel, table=True):
    """One message to one person; the inbox always has it, whatever becomes of its delivery."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("fact", "person", "purpose", name="message_once"),
        CheckConstraint("person ~ '^(owner|staff)/.{1,200}$'", name="message_person_well_formed"),
        CheckConstraint("length(fact) BETWEEN 1 AND 200", name="message_fact_length"),
        CheckConstraint("length(purpose) BETWEEN 1 AND 40", name="message_purpose_length"),
        CheckConstraint(f"urgency IN ({URGENCIES_SQL})", name="message_urgency_known"),
        CheckConstraint(f"language IN ({LANGUAGES_SQL})", name="message_language_known"),
        CheckConstraint(f"length(title) BETWEEN 1 AND {TITLE_LENGTH_MAX}", name="message_title_length"),
        CheckConstraint(f"length(body) BETWEEN 1 AND {BODY_LENGTH_MAX}", name="message_body_length"),
        CheckConstraint(f"length(why) BETWEEN 1 AND {WHY_LENGTH_MAX}", name="message_why_length"),
        CheckConstraint("length(region) BETWEEN 2 AND 13", name="message_region_length"),
        CheckConstraint("length(traceparent) <= 55", name="message_traceparent_length"),
        CheckConstraint("read_at >= created_at", name="message_read_after_created"),
        CheckConstraint("NOT awaits_digest OR urgency = 'information'", name="message_digests_information"),
        Index("message_awaits_digest", "person", "created_at", postgresql_where=text("awaits_digest")),
        Index("message_unread", "person", "urgency", postgresql_where=text("read_at IS NULL")),
        Index("message_changed", "person", "changed_xid"),
        Index("message_inbox", "person", text("created_at DESC"), text("id DESC")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    person: str = Field(sa_column=Column(Text, nullable=False))
    fact: str = Field(sa_column=Column(Text, nullable=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    urgency: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    language: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))
    why: str = Field(sa_column=Column(Text, nullable=False))
    traceparent: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    read_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    awaits_digest: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    changed_xid: int = Field(default=None, sa_column=Column(BigInteger, nullable=False, server_default=text(XID_SQL)))


class WithheldRow(SQLModel, table=True):
    """What a person was not told, because nobody writes to them; only that it is so, nothing of what it was."""

    __tablename__ = "withheld"
    __table_args__ = (CheckConstraint("person ~ '^owner/.{1,200}$'", name="withheld_person_well_formed"),)

    fact: str = Field(sa_column=Column(Text, primary_key=True))
    person: str = Field(sa_column=Column(Text, primary_key=True))
    purpose: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class Letter(NamedTuple):
    """A message as it is first stored."""

    id: UUID
    person: str
    fact: str
    purpose: str
    urgency: str
    region: str
    language: str
    title: str
    body: str
    why: str
    traceparent: str
    awaits_digest: bool


ADD = text(
    """
    INSERT INTO message
        (id, person, fact, purpose, urgency, region, language, title, body, why, traceparent,
         awaits_digest, created_at)
    SELECT letter.*, CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:person AS text[]), CAST(:fact AS text[]), CAST(:purpose AS text[]),
        CAST(:urgency AS text[]), CAST(:region AS text[]), CAST(:language AS text[]), CAST(:title AS text[]),
        CAST(:body AS text[]), CAST(:why AS text[]), CAST(:traceparent AS text[]),
        CAST(:awaits_digest AS boolean[])
    ) AS letter
    ON CONFLICT ON CONSTRAINT message_once DO NOTHING
    RETURNING id
    """
)


async def add(session: AsyncSession, letters: Sequence[Letter], now: datetime) -> set[UUID]:
    """Store messages; gives the ids of those whose reader was not told of the fact for that purpose before."""
    if not letters:
        return set()
    columns = zip(Letter._fields, map(list, zip(*letters, strict=True)), strict=True)
    return set((await session.execute(ADD, {**dict(columns), "now": now})).scalars())


WITHHOLD = text(
    """
    INSERT INTO withheld (fact, person, purpose, at)
    SELECT fact, person, purpose, CAST(:now AS timestamptz) FROM unnest(
        CAST(:facts AS text[]), CAST(:people AS text[]), CAST(:purposes AS text[])
    ) AS w(fact, person, purpose)
    WHERE NOT EXISTS (SELECT FROM message m WHERE (m.fact, m.person, m.purpose) = (w.fact, w.person, w.purpose))
    ON CONFLICT DO NOTHING
    """
)


async def withhold(session: AsyncSession, kept: Sequence[tuple[str, str, str]], now: datetime) -> None:
    """Note who was not told of which fact for which purpose; who was told of it before stays told."""
    if kept:
        facts, people, purposes = (list(column) for column in zip(*kept, strict=True))
        asked = {"facts": facts, "people": people, "purposes": purposes, "now": now}
        await session.execute(WITHHOLD, asked)


# What tells somebody of their rights names nobody, and may be on its way still.
FORGET = text(
    "UPDATE message SET title = :nothing, body = :nothing, why = :nothing"
    " WHERE person = :person AND NOT starts_with(fact, 'rights/')"
)


async def forget(session: AsyncSession, person: str, nothing: str) -> None:
    """Put a neutral text in the place of every message to a person."""
    await session.execute(FORGET, {"person": person, "nothing": nothing})


FORGET_QUOTES = text(
    "UPDATE message SET title = :nothing, body = :nothing, why = :nothing WHERE purpose = :purpose AND fact IN"
    " (SELECT 'message/' || id FROM message WHERE person = :person)"
)


async def forget_quotes(session: AsyncSession, person: str, purpose: str, nothing: str) -> None:
    """Put a neutral text in the place of every message for a purpose that is about a message to a person."""
    await session.execute(FORGET_QUOTES, {"person": person, "purpose": purpose, "nothing": nothing})


TOLD = text(
    "SELECT fact, person FROM message WHERE fact = ANY(CAST(:facts AS text[])) AND purpose = :purpose ORDER BY person"
)


async def told(session: AsyncSession, facts: Sequence[str], purpose: str) -> dict[str, list[str]]:
    """Name for each fact everybody who was told of it for a purpose; a fact that nobody was told is left out."""
    people: dict[str, list[str]] = defaultdict(list)
    for fact, person in await session.execute(TOLD, {"facts": list(facts), "purpose": purpose}):
        people[fact].append(person)
    return people


READ = text(
    "UPDATE message SET read_at = coalesce(read_at, greatest(created_at, CAST(:now AS timestamptz))),"  # noqa: S608
    f" changed_xid = CASE WHEN read_at IS NULL THEN {XID_SQL} ELSE changed_xid END"
    " WHERE id = :id AND person = :person RETURNING *"
)


async def mark_read(session: AsyncSession, person: str, message_id: UUID, now: datetime) -> MessageRow | None:
    """Note that a person has read a message, the first time only; None when they have no such message."""
    row = (await session.execute(READ, {"id": message_id, "person": person, "now": now})).mappings().one_or_none()
    return MessageRow(**row) if row else None


FIND = text("SELECT * FROM message WHERE id = ANY(CAST(:ids AS uuid[]))")


async def find(session: AsyncSession, ids: Iterable[UUID]) -> list[MessageRow]:
    """Find messages by id."""
    rows = await session.execute(FIND, {"ids": list(ids)})
    return [MessageRow(**row) for row in rows.mappings()]


class Written(NamedTuple):
    """What a letter needs of a message: a row of the table would cost ten times as much to make."""

    id: UUID
    purpose: str
    urgency: str
    fact: str
    language: str
    title: str
    body: str
    why: str
    created_at: datetime


WRITTEN = text(f"SELECT {', '.join(Written._fields)} FROM message WHERE id = ANY(CAST(:ids AS uuid[]))")  # noqa: S608  ours


async def written(session: AsyncSession, ids: Iterable[UUID]) -> list[Written]:
    """Find what is sent of messages by id."""
    return [Written(*row) for row in await session.execute(WRITTEN, {"ids": list(ids)})]
