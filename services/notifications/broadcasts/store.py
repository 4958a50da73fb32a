"""What is stored of broadcasts: each with its words and audience, every step of it, and whom it told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.broadcasts.audience import Audience
from services.notifications.broadcasts.domain import (
    ALONE_MAX,
    CLASSES,
    REGIONS_MAX,
    SECTORS_MAX,
    Outcome,
    Reason,
    Standing,
    State,
    Texts,
)
from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX
from services.notifications.plans import HELD_LANE, Channel, Lane

STATES_SQL = ", ".join(repr(one.value) for one in State)
CLASSES_SQL = ", ".join(repr(one.value) for one in CLASSES)
STANDINGS_SQL = f"ARRAY[{', '.join(repr(one.value) for one in Standing)}]"
OUTCOMES_SQL = ", ".join(repr(one.value) for one in Outcome)
REASONS_SQL = ", ".join(repr(one.value) for one in Reason)
REASON_LENGTH_MAX = 200
WORKED_MAX = 200


class BroadcastRow(SQLModel, table=True):
    """A broadcast; a trigger keeps its words and audience as they were drafted, and its states in order.

    Shape:  `counted` is how many the audience had when it was let go, `told` how many have been taken so far, up to
            the owner `after`; `listed_at` is when the last of them was taken, and `ended_at` when nothing is left to do
    """

    __tablename__ = "broadcast"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="broadcast_state_known"),
        CheckConstraint(f"urgency IN ({CLASSES_SQL})", name="broadcast_class_known"),
        CheckConstraint(
            f"length(title_id) BETWEEN 1 AND {TITLE_LENGTH_MAX} AND length(title_en) BETWEEN 1 AND {TITLE_LENGTH_MAX}",
            name="broadcast_title_length",
        ),
        CheckConstraint(
            f"length(body_id) BETWEEN 1 AND {BODY_LENGTH_MAX} AND length(body_en) BETWEEN 1 AND {BODY_LENGTH_MAX}",
            name="broadcast_body_length",
        ),
        CheckConstraint(f"cardinality(regions) BETWEEN 1 AND {REGIONS_MAX}", name="broadcast_regions_present"),
        CheckConstraint(f"cardinality(sectors) <= {SECTORS_MAX}", name="broadcast_sectors_limited"),
        CheckConstraint(f"standings <@ {STANDINGS_SQL}", name="broadcast_standings_known"),
        CheckConstraint("expires_at > drafted_at AND expires_at > starts_at", name="broadcast_of_use"),
        CheckConstraint("approved_by <> drafted_by AND approved_by <> submitted_by", name="broadcast_second_person"),
        CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="broadcast_approval_whole"),
        CheckConstraint("(submitted_by IS NULL) = (submitted_at IS NULL)", name="broadcast_submission_whole"),
        CheckConstraint(
            "state NOT IN ('running', 'paused', 'done') OR (submitted_by IS NOT NULL AND counted IS NOT NULL)",
            name="broadcast_let_go_by_somebody",
        ),
        CheckConstraint(
            f"approved_by IS NOT NULL OR (told <= {ALONE_MAX} AND (counted <= {ALONE_MAX}"
            " OR state IN ('submitted', 'rejected', 'cancelled', 'expired')))",
            name="broadcast_many_approved",
        ),
        CheckConstraint("told >= 0 AND counted >= 0", name="broadcast_counts"),
        CheckConstraint(
            "(state IN ('rejected', 'done', 'cancelled', 'expired')) = (ended_at IS NOT NULL)", name="broadcast_ends"
        ),
        CheckConstraint("state <> 'done' OR listed_at IS NOT NULL", name="broadcast_done_when_listed"),
        CheckConstraint("length(traceparent) <= 55", name="broadcast_traceparent_length"),
        Index("broadcast_open", "worked_at", postgresql_where=text("state IN ('submitted', 'running', 'paused')")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    urgency: str = Field(sa_column=Column(Text, nullable=False))
    title_id: str = Field(sa_column=Column(Text, nullable=False))
    body_id: str = Field(sa_column=Column(Text, nullable=False))
    title_en: str = Field(sa_column=Column(Text, nullable=False))
    body_en: str = Field(sa_column=Column(Text, nullable=False))
    regions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    sectors: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    standings: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    training_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    starts_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    drafted_by: str = Field(sa_column=Column(Text, nullable=False))
    drafted_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    submitted_by: str | None = Field(default=None, sa_column=Column(Text))
    submitted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    approved_by: str | None = Field(default=None, sa_column=Column(Text))
    approved_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    counted: int | None = Field(default=None, sa_column=Column(Integer))
    told: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    after: UUID | None = Field(default=None, sa_column=Column(Uuid))
    worked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    listed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    ended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    steps: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False))
    traceparent: str = Field(default="", sa_column=Column(Text, nullable=False))

    @property
    def fact(self) -> str:
        """Give what its messages are about."""
        return f"broadcast/{self.id}"

    @property
    def texts(self) -> Texts:
        """Give its words."""
        return Texts(self.title_id, self.body_id, self.title_en, self.body_en)

    @property
    def audience(self) -> Audience:
        """Give whom it is for."""
        return Audience(self.regions, self.sectors, self.standings, self.training_id)


class BroadcastStepRow(SQLModel, table=True):
    """A step of a broadcast: the state that it led to, by whom, when, and why."""

    __tablename__ = "broadcast_step"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="broadcast_step_state_known"),
        CheckConstraint("no BETWEEN 1 AND 1000", name="broadcast_step_counted"),
        CheckConstraint(f"length(reason) BETWEEN 1 AND {REASON_LENGTH_MAX}", name="broadcast_step_reason_length"),
        CheckConstraint("state <> 'rejected' OR reason IS NOT NULL", name="broadcast_step_rejection_reasoned"),
    )

    broadcast_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("broadcast.id"), primary_key=True))
    no: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    by: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))


class BroadcastRecipientRow(SQLModel, table=True):
    """Somebody whom a broadcast was for, once, and how they were told, or why not."""

    __tablename__ = "broadcast_recipient"
    __table_args__ = (
        CheckConstraint("person ~ '^owner/.{1,200}$'", name="broadcast_recipient_person_well_formed"),
        CheckConstraint(f"outcome IN ({OUTCOMES_SQL})", name="broadcast_recipient_outcome_known"),
        CheckConstraint(f"reason IN ({REASONS_SQL})", name="broadcast_recipient_reason_known"),
        CheckConstraint("(outcome = 'outside') = (reason IS NULL)", name="broadcast_recipient_reason_given"),
        CheckConstraint("(outcome = 'withheld') = (message_id IS NULL)", name="broadcast_recipient_has_its_message"),
        UniqueConstraint("message_id", name="broadcast_recipient_message_once"),
        Index("broadcast_recipient_person", "person"),
    )

    broadcast_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("broadcast.id"), primary_key=True))
    person: str = Field(sa_column=Column(Text, primary_key=True))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    message_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("message.id")))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


def add_step(session: AsyncSession, row: BroadcastRow, by: str, at: datetime, reason: str | None = None) -> None:
    """Note the step by which a broadcast came into the state that it is in."""
    row.steps += 1
    step = BroadcastStepRow(broadcast_id=row.id, no=row.steps, state=row.state, by=by, at=at, reason=reason)
    session.add(step)


async def find(session: AsyncSession, broadcast_id: UUID) -> BroadcastRow | None:
    """Find a broadcast."""
    return await session.get(BroadcastRow, broadcast_id, populate_existing=True)


async def locked(session: AsyncSession, broadcast_id: UUID) -> BroadcastRow | None:
    """Find a broadcast and let nobody else move it before the end of the transaction."""
    return await session.get(BroadcastRow, broadcast_id, populate_existing=True, with_for_update=True)


STEPS = text("SELECT * FROM broadcast_step WHERE broadcast_id = :id ORDER BY no")


async def steps(session: AsyncSession, broadcast_id: UUID) -> list[BroadcastStepRow]:
    """Give the steps of a broadcast, the first first."""
    found = await session.execute(STEPS, {"id": broadcast_id})
    return [BroadcastStepRow(**row) for row in found.mappings()]


LET_GO = text("SELECT pg_advisory_xact_lock(hashtext('broadcasts let go'))")
OPEN = text("SELECT count(*) FROM broadcast WHERE state IN ('running', 'paused')")


async def on_their_way(session: AsyncSession) -> int:
    """Count the broadcasts that are on their way; nobody else lets one go before the end of the transaction."""
    await lock(session)
    return int((await session.execute(OPEN)).scalar_one())


# What is on its way may still come to all whom it was counted for; of what was ended before, those who were told count.
ALONE = text(
    """
    SELECT coalesce(sum(CASE WHEN state IN ('running', 'paused') THEN greatest(counted, told) ELSE told END), 0)
    FROM broadcast
    WHERE submitted_by = :who AND approved_by IS NULL AND submitted_at > CAST(:since AS timestamptz)
      AND state IN ('running', 'paused', 'done', 'cancelled', 'expired')
    """
)


async def told_alone(session: AsyncSession, who: str, since: datetime) -> int:
    """Count the people whom somebody tells, or has told, without a second person since a moment."""
    return int((await session.execute(ALONE, {"who": who, "since": since})).scalar_one())


async def lock(session: AsyncSession) -> None:
    """Let nobody else let a broadcast go before the end of the transaction."""
    await session.execute(LET_GO)


SEEN_SQL = """
    NOT EXISTS (SELECT FROM unnest(b.regions) AS theirs WHERE NOT EXISTS (
        SELECT FROM unnest(CAST(:regions AS text[])) AS own WHERE theirs = own OR starts_with(theirs, own || '.')))
"""
PAGE = text(
    f"""
    SELECT b.* FROM broadcast b
    WHERE (CAST(:after AS uuid) IS NULL OR b.id < CAST(:after AS uuid))
      AND (CAST(:state AS text) IS NULL OR state = CAST(:state AS text)) AND {SEEN_SQL}
    ORDER BY b.id DESC LIMIT :rows
    """  # noqa: S608  ours
)


async def page(
    session: AsyncSession, regions: Sequence[str], state: str | None, after: UUID | None, limit: int
) -> list[BroadcastRow]:
    """List the broadcasts all of whose regions somebody sees, newest first, and one row more than the limit."""
    asked = {"regions": list(regions), "state": state, "after": after, "rows": limit + 1}
    return [BroadcastRow(**row) for row in (await session.execute(PAGE, asked)).mappings()]


PROGRESS = text(
    """
    SELECT r.outcome, r.reason, d.state, count(*) AS people
    FROM broadcast_recipient r LEFT JOIN LATERAL (
        SELECT state FROM delivery WHERE message_id = r.message_id
        ORDER BY state IN ('accepted', 'delivered') DESC, id DESC LIMIT 1
    ) d ON true
    WHERE broadcast_id = :id GROUP BY 1, 2, 3
    """
)


class Stood(NamedTuple):
    """So many people who were told in the same way, and how far it has come outside."""

    outcome: str
    reason: str | None
    state: str | None
    people: int


async def progress(session: AsyncSession, broadcast_id: UUID) -> list[Stood]:
    """Count the people of a broadcast by how they were told, and by what became of that."""
    return [Stood(*row) for row in await session.execute(PROGRESS, {"id": broadcast_id})]


# All that is queued in these lanes is of broadcasts, and of each no more than its window: so this is never long.
QUEUED_SQL = """
    SELECT d.id, d.message_id FROM delivery d
    WHERE d.state = 'queued' AND d.channel = ANY(CAST(:channels AS text[])) AND d.lane = ANY(CAST(:lanes AS smallint[]))
    UNION ALL
    SELECT d.id, d.message_id FROM delivery d WHERE d.state = 'sending' AND d.lane = ANY(CAST(:lanes AS smallint[]))
"""
WAITING = text(
    f"SELECT m.fact, count(*) AS waiting FROM ({QUEUED_SQL}) q JOIN message m ON m.id = q.message_id GROUP BY m.fact"  # noqa: S608  ours
)
LANES = [Lane.BROADCAST.value, HELD_LANE]
CHANNELS = [channel.value for channel in Channel]


async def waiting(session: AsyncSession) -> dict[str, int]:
    """Count by fact what of broadcasts is queued or being sent; a fact of which nothing is, is left out."""
    rows = await session.execute(WAITING, {"channels": CHANNELS, "lanes": LANES})
    return {row.fact: row.waiting for row in rows}


# Whoever waited here for a sender that waits for us would end both: what it has in hand is left to the next look.
OF_FACTS_SQL = f"""
    SELECT d.id FROM delivery d WHERE d.id IN (
        SELECT q.id FROM ({QUEUED_SQL}) q JOIN message m ON m.id = q.message_id
        WHERE m.fact = ANY(CAST(:facts AS text[]))
    ) FOR UPDATE SKIP LOCKED
"""  # noqa: S608  ours
MOVE = text(f"UPDATE delivery SET lane = :lane WHERE id IN ({OF_FACTS_SQL}) RETURNING id")  # noqa: S608  ours


async def move(session: AsyncSession, facts: Sequence[str], *, held: bool) -> int:
    """Let what is queued of broadcasts wait, or go on, but for what is being changed at this very moment."""
    lane, other = (HELD_LANE, Lane.BROADCAST.value) if held else (Lane.BROADCAST.value, HELD_LANE)
    asked = {"facts": list(facts), "channels": CHANNELS, "lanes": [other], "lane": lane}
    return len((await session.execute(MOVE, asked)).all())


# The sweep of the senders ends what is of no use any more, and tells the others so.
END = text(
    f"""
    UPDATE delivery SET expires_at = least(expires_at, greatest(created_at, CAST(:now AS timestamptz))), rest = '{{}}'
    WHERE id IN ({OF_FACTS_SQL}) AND (cardinality(rest) > 0 OR expires_at > CAST(:now AS timestamptz)) RETURNING id
    """  # noqa: S608  ours
)


async def end(session: AsyncSession, facts: Sequence[str], now: datetime) -> int:
    """Let nothing that is queued of broadcasts be sent any more; what a sender has in hand goes."""
    asked: dict[str, Any] = {"facts": list(facts), "channels": CHANNELS, "lanes": LANES, "now": now}
    return len((await session.execute(END, asked)).all())


UNDER_WAY = text(
    "SELECT id FROM broadcast WHERE state IN ('submitted', 'running', 'paused')"
    " ORDER BY worked_at NULLS FIRST, id LIMIT :rows FOR UPDATE SKIP LOCKED"
)


async def under_way(session: AsyncSession) -> list[BroadcastRow]:
    """Give the broadcasts on which something may be to be done, and that nobody else has in hand; locks them."""
    ids = (await session.execute(UNDER_WAY, {"rows": WORKED_MAX})).scalars().all()
    found = [await session.get(BroadcastRow, one, populate_existing=True) for one in ids]
    return [row for row in found if row is not None]


RECENT = text(
    "SELECT id FROM broadcast WHERE state IN ('cancelled', 'expired')"
    " AND ended_at > CAST(:since AS timestamptz) AND told > 0"
)


async def ended_since(session: AsyncSession, since: datetime) -> list[str]:
    """Give the facts of broadcasts that were ended before their time since a moment."""
    return [f"broadcast/{one}" for one in (await session.execute(RECENT, {"since": since})).scalars()]


ADD = text(
    """
    INSERT INTO broadcast_recipient (broadcast_id, person, outcome, reason, message_id, at)
    SELECT :broadcast_id, r.*, CAST(:now AS timestamptz) FROM unnest(
        CAST(:person AS text[]), CAST(:outcome AS text[]), CAST(:reason AS text[]), CAST(:message_id AS uuid[])
    ) AS r
    """
)


class Recipient(NamedTuple):
    """Somebody who has been taken, and how they are told."""

    person: str
    outcome: str
    reason: str | None
    message_id: UUID | None


async def add(session: AsyncSession, broadcast_id: UUID, taken: Sequence[Recipient], now: datetime) -> None:
    """Store who was taken of a broadcast; nobody can be taken twice."""
    if taken:
        columns = zip(Recipient._fields, map(list, zip(*taken, strict=True)), strict=True)
        await session.execute(ADD, {**dict(columns), "broadcast_id": broadcast_id, "now": now})
