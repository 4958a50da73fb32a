"""What operators have done to events by command: a row for each act, in the transaction of the act itself.

Nothing that the backbone carries is ever dropped, skipped or handed out again without one. The row of an event that
was dropped holds the event as it was, so that even then nothing is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, SmallInteger, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

REASON_LENGTH_MAX = 500
LISTED_MAX = 500


class Act(StrEnum):
    """What can be done by command."""

    DROP = "drop"  # a parked event was thrown away
    RETRY = "retry"  # a parked event was made due at once
    REPLAY = "replay"  # events were handed again to a consumer that had them before
    POSITION = "position"  # a consumer's position was set
    MEND = "mend"  # an outbox was brought together with its stream
    REFILL = "refill"  # a stream was thrown away, to be filled again
    UNREGISTER = "unregister"  # a consumer is not waited for any more
    REGISTER = "register"  # it is waited for again
    REBUILD = "rebuild"  # figures were worked out anew from what they are the sum of


ACTS_SQL = ", ".join(repr(act.value) for act in Act)


class OperatorActRow(SQLModel, table=True):
    """One act: who did what, when and why, and to which numbers of which partition.

    Shape: `first_seq` and `last_seq` are null where the act concerns no numbers; `event` is what was dropped, as
           MessagePack of its parked row
    """

    __tablename__ = "operator_act"
    __table_args__ = (
        CheckConstraint(f"act IN ({ACTS_SQL})", name="operator_act_known"),
        CheckConstraint("length(actor) BETWEEN 1 AND 200", name="operator_act_actor_length"),
        CheckConstraint(f"length(reason) BETWEEN 1 AND {REASON_LENGTH_MAX}", name="operator_act_reason_length"),
        CheckConstraint("first_seq <= last_seq", name="operator_act_range"),
        CheckConstraint("act <> 'drop' OR event IS NOT NULL", name="operator_act_keeps_what_it_drops"),
        Index("operator_act_at", "at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    act: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    source: str = Field(sa_column=Column(Text, nullable=False))
    partition: int | None = Field(default=None, sa_column=Column(SmallInteger))
    first_seq: int | None = Field(default=None, sa_column=Column(BigInteger))
    last_seq: int | None = Field(default=None, sa_column=Column(BigInteger))
    event: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, when and why; `new_id` gives each record its id."""

    name: str
    reason: str
    now: datetime
    new_id: Callable[[], UUID]


def note(
    session: AsyncSession,
    operator: Operator,
    act: Act,
    source: str,
    partition: int | None = None,
    *,
    numbers: tuple[int, int] | None = None,
    subject: str = "",
    event: bytes | None = None,
) -> None:
    """Leave the record of an act; it is kept when the act is, for both are one transaction."""
    first, last = numbers or (None, None)
    session.add(
        OperatorActRow(
            id=operator.new_id(),
            at=operator.now,
            actor=operator.name,
            act=act,
            reason=operator.reason,
            subject=subject,
            source=source,
            partition=partition,
            first_seq=first,
            last_seq=last,
            event=event,
        )
    )


async def listed(session: AsyncSession, limit: int = LISTED_MAX) -> Sequence[OperatorActRow]:
    """List the last acts, newest first."""
    order = col(OperatorActRow.at).desc(), col(OperatorActRow.id).desc()
    return (await session.exec(select(OperatorActRow).order_by(*order).limit(min(limit, LISTED_MAX)))).all()


FORGET = text("UPDATE operator_act SET event = :nothing WHERE subject = :subject AND event IS NOT NULL")
NOTHING = b"\x80"
"""An empty map in MessagePack."""


async def forget(session: AsyncSession, subject: str) -> None:
    """Empty the dropped events of an aggregate that is a person who was erased; that they were dropped stays."""
    await session.execute(FORGET, {"subject": subject, "nothing": NOTHING})
