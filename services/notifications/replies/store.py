"""What is stored of replies and of the offers that they may answer; offers are a projection of registration's."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.replies.domain import CHOICE_KEPT, TEXT_LENGTH_MAX, Meaning, Outcome

MEANINGS_SQL = ", ".join(repr(one.value) for one in Meaning)
OUTCOMES_SQL = ", ".join(repr(one.value) for one in Outcome)
STANDINGS_SQL = "'offered', 'accepted', 'declined', 'expired', 'waitlisted', 'withdrawn'"
OWNERS_MAX = 20
OFFERS_MAX = 9


class ReplyRow(SQLModel, table=True):
    """One reply, once however often its channel tells it.

    Shape:  `owner_ids` are those whose number or address it came from, `enrolment_id` the offer that it answers,
            `choices` the offers that were named when it was asked which; `region` is null for an unknown sender
    """

    __tablename__ = "reply"
    __table_args__ = (
        UniqueConstraint("channel", "provider_id", name="reply_once"),
        CheckConstraint("channel ~ '^[a-z_]{1,20}$'", name="reply_channel_form"),
        CheckConstraint("length(provider_id) BETWEEN 1 AND 200", name="reply_provider_id_length"),
        CheckConstraint("length(sender) <= 254", name="reply_sender_length"),
        CheckConstraint(f"length(text) <= {TEXT_LENGTH_MAX}", name="reply_text_length"),
        CheckConstraint(f"meaning IN ({MEANINGS_SQL})", name="reply_meaning_known"),
        CheckConstraint(f"outcome IN ({OUTCOMES_SQL})", name="reply_outcome_known"),
        CheckConstraint("(outcome = 'answered') <= (enrolment_id IS NOT NULL)", name="reply_answer_names_its_offer"),
        CheckConstraint("(outcome = 'unknown_sender') = (region IS NULL)", name="reply_known_sender_has_a_region"),
        CheckConstraint(
            f"cardinality(owner_ids) <= {OWNERS_MAX} AND cardinality(choices) <= {OFFERS_MAX}", name="reply_limits"
        ),
        Index("reply_owners", "owner_ids", postgresql_using="gin"),
        Index("reply_words", "received_at", postgresql_where=text("text <> '' OR sender <> ''")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    provider_id: str = Field(sa_column=Column(Text, nullable=False))
    sender: str = Field(sa_column=Column(Text, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    meaning: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    owner_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    region: str | None = Field(default=None, sa_column=Column(Text))
    enrolment_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    choices: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(Uuid), nullable=False))
    entered_by: str | None = Field(default=None, sa_column=Column(Text))
    written_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    received_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class SeatOfferRow(SQLModel, table=True):
    """An offer of a seat as registration told it last; `answered` is what its owner replied to this offer.

    Shape: `standing` is null for what was heard before it was kept
    """

    __tablename__ = "seat_offer"
    __table_args__ = (
        CheckConstraint("answered IN ('yes', 'no')", name="seat_offer_answer_known"),
        CheckConstraint("step > 0", name="seat_offer_step_counted"),
        CheckConstraint(f"standing IN ({STANDINGS_SQL})", name="seat_offer_standing_known"),
        CheckConstraint("length(title) BETWEEN 1 AND 200", name="seat_offer_title_length"),
        Index("seat_offer_open", "business_id", postgresql_where=text("open")),
        Index("seat_offer_business", "business_id"),
    )

    enrolment_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    training_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    business_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    step: int = Field(sa_column=Column(Integer, nullable=False))
    standing: str | None = Field(default=None, sa_column=Column(Text))
    open: bool = Field(sa_column=Column(Boolean, nullable=False))
    answer_by: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    answered: str | None = Field(default=None, sa_column=Column(Text))


class TrainingOverRow(SQLModel, table=True):
    """A training that was called off; its offers are no more, even those that are heard of later."""

    __tablename__ = "training_over"

    training_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))


class Sender(NamedTuple):
    """An owner whose number or address a reply came from."""

    owner_id: UUID
    name: str
    region: str
    business: str


class Offer(NamedTuple):
    """An offer that a reply may answer."""

    enrolment_id: UUID
    owner_id: UUID
    business: str
    title: str
    region: str
    answer_by: datetime
    answered: str | None


SENDERS = text(
    """
    SELECT owner_id, c.name, c.region, coalesce(
        (SELECT b.name FROM contact_business b WHERE b.owner_id = c.owner_id ORDER BY NOT trading, name LIMIT 1), '-'
    ) AS business
    FROM contact c
    WHERE phone = CAST(:phone AS text) OR lower(email) = CAST(:email AS text)
       OR owner_id = CAST(:owner_id AS uuid)
    ORDER BY owner_id LIMIT :rows
    """
)


async def senders(
    session: AsyncSession, phone: str | None = None, email: str | None = None, owner_id: UUID | None = None
) -> list[Sender]:
    """Find whose number or address this is; families share one, so it may be several."""
    asked = {"phone": phone, "email": email, "owner_id": owner_id, "rows": OWNERS_MAX}
    return [Sender(*row) for row in await session.execute(SENDERS, asked)]


OFFERS = text(
    """
    SELECT o.enrolment_id, b.owner_id, b.name, o.title, o.region, o.answer_by, o.answered
    FROM seat_offer o JOIN contact_business b USING (business_id)
    WHERE o.open AND b.owner_id = ANY(CAST(:owners AS uuid[]))
      AND NOT EXISTS (SELECT FROM training_over t WHERE t.training_id = o.training_id)
    ORDER BY o.answer_by, o.enrolment_id LIMIT :rows
    FOR UPDATE OF o
    """
)


async def offers(session: AsyncSession, owners: Sequence[UUID]) -> list[Offer]:
    """Give the offers to these owners' businesses that nobody has closed, the first to end first; locks them."""
    rows = await session.execute(OFFERS, {"owners": list(owners), "rows": OFFERS_MAX})
    return [Offer(*row) for row in rows]


ANSWER = text("UPDATE seat_offer SET answered = :answer WHERE enrolment_id = :id AND open AND answered IS NULL")


async def answer(session: AsyncSession, enrolment_id: UUID, meaning: Meaning) -> None:
    """Note what its owner replied to an offer; another answer to the same offer is none any more."""
    await session.execute(ANSWER, {"id": enrolment_id, "answer": meaning.value})


HEAR_OFFER = text(
    """
    INSERT INTO seat_offer AS known (enrolment_id, training_id, business_id, title, region, step, standing, open,
                                     answer_by)
    VALUES (:enrolment_id, :training_id, :business_id, :title, :region, :step, :standing, :open,
            CAST(:answer_by AS timestamptz))
    ON CONFLICT (enrolment_id) DO UPDATE SET
        step = excluded.step, standing = excluded.standing, open = excluded.open, answer_by = excluded.answer_by,
        title = excluded.title, business_id = excluded.business_id, region = excluded.region, answered = NULL
    WHERE known.step < excluded.step
    """
)


async def hear_offer(session: AsyncSession, row: SeatOfferRow) -> None:
    """Store how an enrolment stands; what was told before, told again, changes nothing."""
    await session.execute(HEAR_OFFER, row.model_dump(exclude={"answered"}))


END = text("INSERT INTO training_over (training_id) VALUES (:id) ON CONFLICT DO NOTHING")


async def end_training(session: AsyncSession, training_id: UUID) -> None:
    """Note that a training was called off."""
    await session.execute(END, {"id": training_id})


ADD = text(
    """
    INSERT INTO reply (id, channel, provider_id, sender, text, meaning, outcome, owner_ids, region, choices, entered_by,
                       written_at, received_at)
    VALUES (:id, :channel, :provider_id, :sender, :text, :meaning, :outcome, CAST(:owner_ids AS uuid[]), :region,
            '{}', :entered_by, CAST(:written_at AS timestamptz), CAST(:received_at AS timestamptz))
    ON CONFLICT ON CONSTRAINT reply_once DO NOTHING RETURNING id
    """
)


async def add(session: AsyncSession, row: ReplyRow) -> bool:
    """Store a reply; False when it was told before."""
    stored = await session.execute(ADD, row.model_dump(exclude={"enrolment_id", "choices"}))
    return stored.scalar_one_or_none() is not None


SETTLE = text(
    "UPDATE reply SET outcome = :outcome, enrolment_id = CAST(:enrolment_id AS uuid),"
    " choices = CAST(:choices AS uuid[]) WHERE id = :id"
)


async def settle(
    session: AsyncSession, reply_id: UUID, outcome: Outcome, enrolment_id: UUID | None, choices: Sequence[UUID]
) -> None:
    """Write what became of a reply."""
    asked = {"id": reply_id, "outcome": outcome.value, "enrolment_id": enrolment_id, "choices": list(choices)}
    await session.execute(SETTLE, asked)


CHOICES = text(
    "SELECT choices FROM reply WHERE owner_ids && CAST(:owners AS uuid[]) AND outcome = 'asked_which'"
    " AND received_at > CAST(:since AS timestamptz) ORDER BY received_at DESC, id DESC LIMIT 1"
)


async def choices(session: AsyncSession, owners: Sequence[UUID], now: datetime) -> list[UUID]:
    """Give the offers that these owners were last asked to choose from, as they were numbered."""
    found = await session.execute(CHOICES, {"owners": list(owners), "since": now - CHOICE_KEPT})
    return list(found.scalar_one_or_none() or [])


RECENT = text(
    "SELECT count(*) FROM reply"
    " WHERE owner_ids && CAST(:owners AS uuid[]) AND received_at > CAST(:since AS timestamptz)"
)


async def recent(session: AsyncSession, owners: Sequence[UUID], since: datetime) -> int:
    """Count the replies of these owners since a moment."""
    return int((await session.execute(RECENT, {"owners": list(owners), "since": since})).scalar_one())


FORGET = text(
    "UPDATE reply SET text = '', sender = ''"
    " WHERE CAST(:owner_id AS uuid) = ANY(owner_ids) AND (text <> '' OR sender <> '')"
)
FORGET_OLD = text(
    """
    WITH old AS (
        UPDATE reply SET text = '', sender = '' WHERE id IN (
            SELECT id FROM reply WHERE (text <> '' OR sender <> '') AND received_at <= CAST(:before AS timestamptz)
            ORDER BY received_at LIMIT :rows FOR UPDATE SKIP LOCKED
        ) RETURNING id
    ), quotes AS (
        UPDATE message SET body = :nothing WHERE purpose = 'owner_wrote' AND fact IN (SELECT 'reply/' || id FROM old)
    )
    SELECT id FROM old
    """
)


FORGET_QUOTES = text(
    "UPDATE message SET title = :nothing, body = :nothing, why = :nothing WHERE purpose = 'owner_wrote' AND fact IN"
    " (SELECT 'reply/' || id FROM reply WHERE CAST(:owner_id AS uuid) = ANY(owner_ids))"
)
ERASED_TEXT = "(dihapus)"


async def forget_quotes(session: AsyncSession, owner_id: UUID) -> None:
    """Put a neutral text in the place of every message to the office that quotes an owner."""
    await session.execute(FORGET_QUOTES, {"owner_id": owner_id, "nothing": ERASED_TEXT})


async def forget(session: AsyncSession, owner_id: UUID) -> None:
    """Take away the words of an owner, and where they came from."""
    await session.execute(FORGET, {"owner_id": owner_id})


async def forget_old(session: AsyncSession, before: datetime, rows: int) -> int:
    """Take away the words of replies from before a moment; gives of how many."""
    return len((await session.execute(FORGET_OLD, {"before": before, "rows": rows, "nothing": ERASED_TEXT})).all())


PAGE = text(
    """
    SELECT r.*, (SELECT string_agg(c.name, ', ' ORDER BY c.owner_id) FROM contact c
                 WHERE c.owner_id = ANY(r.owner_ids)) AS names
    FROM reply r
    WHERE (CAST(:after AS uuid) IS NULL OR r.id < CAST(:after AS uuid))
      AND (CAST(:outcome AS text) IS NULL OR outcome = CAST(:outcome AS text))
      AND ((:strangers AND region IS NULL) OR EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own
           WHERE region = own OR starts_with(region, own || '.')))
    ORDER BY r.id DESC LIMIT :rows
    """
)


class Listed(NamedTuple):
    """A reply, and the names of those whose number or address it came from."""

    row: ReplyRow
    names: str


async def page(
    session: AsyncSession,
    regions: Sequence[str],
    outcome: str | None,
    after: UUID | None,
    limit: int,
    *,
    strangers: bool,
) -> list[Listed]:
    """List the replies of some regions, newest first, and one row more than the limit."""
    asked = {"regions": list(regions), "outcome": outcome, "after": after, "rows": limit + 1, "strangers": strangers}
    found = (await session.execute(PAGE, asked)).mappings()
    return [
        Listed(ReplyRow(**{name: row[name] for name in ReplyRow.model_fields}), row["names"] or "") for row in found
    ]
