"""What is stored of a distribution: the event, who received, and the posting that moved the stock."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.domain import QUANTITY_MAX
from services.aid_distribution.ledger.programmes import PROGRAMMES_SQL

HEADS_MAX = 10_000_000


class DistributionRow(SQLModel, table=True):
    """A distribution event; voiding it changes its state and nothing else."""

    __tablename__ = "distribution"
    __table_args__ = (
        CheckConstraint(f"programme IN ({PROGRAMMES_SQL})", name="distribution_programme_known"),
        CheckConstraint(f"public_heads BETWEEN 0 AND {HEADS_MAX}", name="distribution_public_heads"),
        CheckConstraint("public_heads > 0 OR business_count > 0", name="distribution_has_recipient"),
        CheckConstraint(
            "(state = 'posted' AND void_posting_id IS NULL AND void_reason IS NULL) OR"
            " (state = 'voided' AND void_posting_id IS NOT NULL AND void_reason IS NOT NULL)",
            name="distribution_state",
        ),
        CheckConstraint("households BETWEEN 0 AND public_heads", name="distribution_households"),
        CheckConstraint("(households = 0) = (coupon_posting_id IS NULL)", name="distribution_households_by_posting"),
        Index("distribution_by_region", "region", "occurred_at", "id"),
        Index("distribution_by_time", "occurred_at", "id"),
        Index("distribution_by_place", "place", "occurred_at", "id"),
        Index("distribution_by_programme", "programme", "occurred_at", "id"),
        Index("distribution_of_place_by_programme", "place", "programme", "occurred_at", "id"),
        Index("distribution_of_region_by_programme", "region", "programme", "occurred_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    programme: str
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    document: str | None = None
    public_heads: int = Field(sa_column=Column(Integer, nullable=False))
    business_count: int = Field(sa_column=Column(Integer, nullable=False))
    households: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    coupon_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    state: str
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    void_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    void_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class DistributionBusinessRow(SQLModel, table=True):
    """A business that received in a distribution; programme and moment are repeated so that its history is one scan."""

    __tablename__ = "distribution_business"
    __table_args__ = (Index("distribution_business_by_business", "business_id", "programme", "occurred_at"),)

    distribution_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("distribution.id"), primary_key=True))
    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("known_business.id"), primary_key=True))
    programme: str
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class DistributionShareRow(SQLModel, table=True):
    """What a business received of an item in a distribution, where that was told, and what it gave back of that."""

    __tablename__ = "distribution_share"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="distribution_share_quantity"),
        CheckConstraint("returned BETWEEN 0 AND quantity", name="distribution_share_returned_within_quantity"),
        ForeignKeyConstraint(
            ["distribution_id", "business_id"],
            ["distribution_business.distribution_id", "distribution_business.business_id"],
        ),
    )

    distribution_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    business_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class DistributionReturnRow(SQLModel, table=True):
    """What came back of a distribution by one return: of which item how much, on which local day, and of whom.

    Shape:  `posting_id` is the return's, `returns` the distribution's; `business_id` only where it was told
    """

    __tablename__ = "distribution_return"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="distribution_return_quantity"),
        CheckConstraint("returns <> posting_id", name="distribution_return_of_another_posting"),
        Index("distribution_return_of_posting", "returns"),
    )

    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    # Not the distribution: whoever voids holds that before the posting, whoever returns holds the posting.
    returns: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False))
    day: date = Field(sa_column=Column(Date, nullable=False))
    business_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("known_business.id")))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))


WRITE = text(
    "INSERT INTO distribution (id, number, programme, place, region, occurred_at, recorded_at, actor, document,"
    " public_heads, business_count, state, posting_id) SELECT id, number, programme, place, region, occurred_at,"
    " :recorded_at, actor, document, public_heads, business_count, 'posted', posting_id FROM unnest("
    "CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:programmes AS text[]), CAST(:places AS text[]),"
    " CAST(:regions AS text[]), CAST(:occurred AS timestamptz[]), CAST(:actors AS text[]),"
    " CAST(:documents AS text[]), CAST(:heads AS integer[]), CAST(:counts AS integer[]), CAST(:postings AS uuid[]))"
    " AS d(id, number, programme, place, region, occurred_at, actor, document, public_heads, business_count,"
    " posting_id)"
)
NOTE_COUPONS = text(
    "UPDATE distribution d SET households = n.households, coupon_posting_id = n.posting FROM unnest("
    "CAST(:ids AS uuid[]), CAST(:households AS integer[]), CAST(:postings AS uuid[])) AS n(id, households, posting)"
    " WHERE d.id = n.id"
)
# What is repeated of the distribution is taken from it, so it cannot differ.
WRITE_BUSINESSES = text(
    "INSERT INTO distribution_business (distribution_id, business_id, programme, occurred_at)"
    " SELECT d.id, r.business_id, d.programme, d.occurred_at"
    " FROM unnest(CAST(:distributions AS uuid[]), CAST(:businesses AS uuid[])) AS r(distribution_id, business_id)"
    " JOIN distribution d ON d.id = r.distribution_id"
)
WRITE_SHARES = text(
    "INSERT INTO distribution_share (distribution_id, business_id, item, quantity) SELECT * FROM"
    " unnest(CAST(:distributions AS uuid[]), CAST(:businesses AS uuid[]), CAST(:items AS text[]),"
    " CAST(:quantities AS bigint[]))"
)


async def write(
    session: AsyncSession,
    rows: Sequence[DistributionRow],
    businesses: Sequence[tuple[UUID, UUID]],
    shares: Sequence[DistributionShareRow],
    now: datetime,
) -> None:
    """Write distributions, as (distribution, business) who received, and what each as far as it was told."""
    if not rows:
        return
    await session.execute(
        WRITE,
        {
            "ids": [row.id for row in rows],
            "numbers": [row.number for row in rows],
            "programmes": [row.programme for row in rows],
            "places": [row.place for row in rows],
            "regions": [row.region for row in rows],
            "occurred": [row.occurred_at for row in rows],
            "recorded_at": now,
            "actors": [row.actor for row in rows],
            "documents": [row.document for row in rows],
            "heads": [row.public_heads for row in rows],
            "counts": [row.business_count for row in rows],
            "postings": [row.posting_id for row in rows],
        },
    )
    if businesses:
        await session.execute(
            WRITE_BUSINESSES,
            {
                "distributions": [distribution for distribution, _ in businesses],
                "businesses": [business for _, business in businesses],
            },
        )
    if shares:
        await session.execute(
            WRITE_SHARES,
            {
                "distributions": [share.distribution_id for share in shares],
                "businesses": [share.business_id for share in shares],
                "items": [share.item for share in shares],
                "quantities": [share.quantity for share in shares],
            },
        )


async def businesses_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Say for each distribution which businesses received."""
    found: dict[UUID, list[UUID]] = {one: [] for one in ids}
    question = select(DistributionBusinessRow).where(col(DistributionBusinessRow.distribution_id).in_(ids))
    for row in await session.exec(question.order_by(col(DistributionBusinessRow.business_id))):
        found[row.distribution_id].append(row.business_id)
    return found


async def shares_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[DistributionShareRow]]:
    """Say for each distribution what each business received, where that was told."""
    found: dict[UUID, list[DistributionShareRow]] = {one: [] for one in ids}
    question = select(DistributionShareRow).where(col(DistributionShareRow.distribution_id).in_(ids))
    order = col(DistributionShareRow.business_id), col(DistributionShareRow.item)
    for row in await session.exec(question.order_by(*order)):
        found[row.distribution_id].append(row)
    return found


async def note_coupons(session: AsyncSession, used: Sequence[tuple[UUID, int, UUID]]) -> None:
    """Note of distributions how many households were known by coupons, and the posting of their entitlement."""
    ids, households, postings = zip(*used, strict=True)
    await session.execute(NOTE_COUPONS, {"ids": list(ids), "households": list(households), "postings": list(postings)})
