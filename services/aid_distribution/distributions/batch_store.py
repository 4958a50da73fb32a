"""What is stored of batches from devices: each batch as it came, and each entry that was entered, once for ever."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


class DistributionBatchRow(SQLModel, table=True):
    """A batch that a device sent, and what became of its entries."""

    __tablename__ = "distribution_batch"
    __table_args__ = (
        CheckConstraint(
            "posted >= 0 AND duplicates >= 0 AND refused >= 0 AND parked >= 0", name="distribution_batch_counts"
        ),
        Index("distribution_batch_by_device", "device", "arrived_at"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    device: str
    actor: str
    sent_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    arrived_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    behind_seconds: int = Field(sa_column=Column(BigInteger, nullable=False))
    posted: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    duplicates: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    refused: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    parked: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))


class DistributionEntryRow(SQLModel, table=True):
    """An entry that became a distribution; its id was made on the device and is never entered twice.

    Shape: `note` says what was done otherwise than its device told it
    """

    __tablename__ = "distribution_entry"
    __table_args__ = (CheckConstraint("octet_length(digest) = 32", name="distribution_entry_digest_length"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    batch_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("distribution_batch.id"), nullable=False))
    # An entry is claimed before its distribution is made, and given up when there will be none.
    distribution_id: UUID = Field(
        sa_column=Column(
            Uuid,
            ForeignKey("distribution.id", deferrable=True, initially="DEFERRED"),
            nullable=False,
            unique=True,
        )
    )
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    told_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    note: str | None = Field(default=None, sa_column=Column(Text))


class Claim(NamedTuple):
    """An entry that is to become a distribution of this id."""

    id: UUID
    distribution_id: UUID
    digest: bytes
    told_at: datetime


class Entered(NamedTuple):
    """What an entry became when it came first."""

    distribution_id: UUID
    digest: bytes
    told_at: datetime
    note: str | None
    number: str
    region: str
    occurred_at: datetime


# Another transaction that claims the same entry is waited for, in one order for all; then its entry is the first one.
CLAIM = text(
    "INSERT INTO distribution_entry (id, batch_id, distribution_id, digest, told_at, actor)"
    " SELECT id, :batch, distribution_id, digest, told_at, :actor FROM unnest(CAST(:ids AS uuid[]),"
    " CAST(:distributions AS uuid[]), CAST(:digests AS bytea[]), CAST(:told AS timestamptz[]))"
    " AS c(id, distribution_id, digest, told_at) ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id"
)
ENTERED = text(
    "SELECT e.id, e.distribution_id, e.digest, e.told_at, e.note, d.number, d.region, d.occurred_at"
    " FROM distribution_entry e JOIN distribution d ON d.id = e.distribution_id WHERE e.id = ANY(CAST(:ids AS uuid[]))"
)
NOTE = text(
    "UPDATE distribution_entry e SET note = n.note FROM unnest(CAST(:distributions AS uuid[]), CAST(:notes AS text[]))"
    " AS n(distribution_id, note) WHERE e.distribution_id = n.distribution_id"
)
GIVE_UP = text("DELETE FROM distribution_entry WHERE id = ANY(CAST(:ids AS uuid[]))")


async def claim(session: AsyncSession, batch: UUID, actor: str, claims: Sequence[Claim]) -> set[UUID]:
    """Claim entries that were never entered; gives those that are ours now."""
    rows = await session.execute(
        CLAIM,
        {
            "batch": batch,
            "actor": actor,
            "ids": [one.id for one in claims],
            "distributions": [one.distribution_id for one in claims],
            "digests": [one.digest for one in claims],
            "told": [one.told_at for one in claims],
        },
    )
    return set(rows.scalars())


async def entered(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Entered]:
    """Say what entries became that came before."""
    rows = await session.execute(ENTERED, {"ids": list(ids)})
    return {row[0]: Entered(*row[1:]) for row in rows}


async def note(session: AsyncSession, notes: Mapping[UUID, str]) -> None:
    """Keep of entries, by their distributions, what was done otherwise than their devices told it."""
    if notes:
        await session.execute(NOTE, {"distributions": list(notes), "notes": list(notes.values())})


async def give_up(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Give claimed entries back that became nothing, so that they may come again."""
    await session.execute(GIVE_UP, {"ids": list(ids)})
