"""What is stored of a market: its offer, its slots, its coupons, and each sale that a counter has told.

The row of the market is the lock of everything in it: coupons and sales of one market are decided one after the other.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.markets.domain import ALLOTMENT_MAX, PACKAGES_MAX, Model, State
from services.aid_distribution.prices.domain import PRICE_RUPIAH_MAX

STATES_SQL = ", ".join(f"'{state}'" for state in State)
MODELS_SQL = ", ".join(f"'{model}'" for model in Model)
FAMILY_SQL = "family ~ '^[A-Za-z0-9_-]{16,64}$'"


def _moment(*, nullable: bool = False) -> "Column[datetime]":
    return Column(DateTime(timezone=True), nullable=nullable)


class MarketRow(SQLModel, table=True):
    """A market and how far it has come."""

    __tablename__ = "market"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="market_state_known"),
        CheckConstraint(f"model IN ({MODELS_SQL})", name="market_model_known"),
        CheckConstraint("closes_at > opens_at", name="market_closes_after_it_opens"),
        CheckConstraint("(model = 'subsidised_package') = (coupon_item IS NOT NULL)", name="market_coupons_of_model"),
        CheckConstraint("packages_issued BETWEEN 0 AND packages_max", name="market_packages_within_allotment"),
        CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="market_cancelled_has_reason"),
        CheckConstraint("(state IN ('open', 'closed', 'settled')) = (opened_at IS NOT NULL)", name="market_opened"),
        CheckConstraint("(state IN ('closed', 'settled')) = (closed_at IS NOT NULL)", name="market_closed"),
        CheckConstraint("closed_at >= opened_at", name="market_closed_after_opened"),
        Index("market_by_region", "region", "opened_at"),
        Index("market_by_opening", "opened_at"),
        Index("market_by_time", "opens_at", "id"),
        Index("market_by_state", "state", "opens_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    model: str
    state: str
    opens_at: datetime = Field(sa_column=_moment())
    closes_at: datetime = Field(sa_column=_moment())
    seller: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("known_business.id")))
    coupon_item: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("item.code"), unique=True))
    packages_max: int = Field(sa_column=Column(BigInteger, nullable=False))
    packages_issued: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    actor: str
    document: str | None = None
    announced_at: datetime = Field(sa_column=_moment())
    opened_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    cancel_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class MarketItemRow(SQLModel, table=True):
    """An item of a market's offer; what is sold and has not come back never passes the allotment."""

    __tablename__ = "market_item"
    __table_args__ = (
        CheckConstraint("sold BETWEEN 0 AND allotment", name="market_item_sold_within_allotment"),
        CheckConstraint(f"allotment BETWEEN 1 AND {ALLOTMENT_MAX}", name="market_item_allotment"),
        CheckConstraint("limit_per_family BETWEEN 1 AND allotment", name="market_item_limit"),
        CheckConstraint(
            f"price_rupiah BETWEEN 0 AND market_price_rupiah AND market_price_rupiah <= {PRICE_RUPIAH_MAX}",
            name="market_item_price",
        ),
    )

    market_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, nullable=False))
    price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    market_price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    allotment: int = Field(sa_column=Column(BigInteger, nullable=False))
    limit_per_family: int = Field(sa_column=Column(BigInteger, nullable=False))
    sold: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class MarketSlotRow(SQLModel, table=True):
    """A stretch of time for which so many coupons are given, so that nobody queues."""

    __tablename__ = "market_slot"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="market_slot_has_length"),
        CheckConstraint("issued BETWEEN 0 AND capacity", name="market_slot_within_capacity"),
    )

    market_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market.id"), primary_key=True))
    slot_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    starts_at: datetime = Field(sa_column=_moment())
    ends_at: datetime = Field(sa_column=_moment())
    capacity: int = Field(sa_column=Column(Integer, nullable=False))
    issued: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))


class MarketCouponRow(SQLModel, table=True):
    """A coupon of one family; `family` is a reference that the office makes, never a number of a card."""

    __tablename__ = "market_coupon"
    __table_args__ = (
        CheckConstraint(f"packages BETWEEN 1 AND {PACKAGES_MAX}", name="market_coupon_packages"),
        CheckConstraint("serial > 0", name="market_coupon_serial"),
        CheckConstraint(FAMILY_SQL, name="market_coupon_family_form"),
        UniqueConstraint("market_id", "family", name="market_coupon_one_for_a_family"),
        UniqueConstraint("market_id", "serial", name="market_coupon_serial_once"),
        ForeignKeyConstraint(
            ["market_id", "slot_no"], ["market_slot.market_id", "market_slot.slot_no"], name="market_coupon_slot"
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    market_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market.id"), nullable=False))
    serial: int = Field(sa_column=Column(Integer, nullable=False))
    slot_no: int | None = Field(default=None, sa_column=Column(Integer))
    family: str
    packages: int = Field(sa_column=Column(Integer, nullable=False))
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False))
    issued_at: datetime = Field(sa_column=_moment())


class MarketSaleRow(SQLModel, table=True):
    """A sale as a counter told it; a second use of a coupon names the first and counts for no claim.

    Shape:  `beyond_limit` and `beyond_allotment` are of sales that were parked and whose goods had left all the same:
            they count in no limit of a family and in no allotment. `claim_id` is the claim that it stands in, which a
            sale that is told later does not
    """

    __tablename__ = "market_sale"
    __table_args__ = (
        CheckConstraint("double_use = (first_sale_id IS NOT NULL)", name="market_sale_double_names_first"),
        CheckConstraint("NOT double_use OR coupon_id IS NOT NULL", name="market_sale_double_of_coupon"),
        CheckConstraint("posting_id IS NOT NULL OR double_use", name="market_sale_posted_unless_double"),
        CheckConstraint("(posting_id IS NULL) = (unposted_reason IS NOT NULL)", name="market_sale_unposted_has_reason"),
        CheckConstraint(
            "NOT (beyond_limit OR beyond_allotment) OR posting_id IS NOT NULL", name="market_sale_beyond_is_posted"
        ),
        CheckConstraint("coupon_id IS NOT NULL OR family IS NOT NULL", name="market_sale_to_somebody"),
        CheckConstraint("sold_at <= recorded_at", name="market_sale_not_in_the_future"),
        CheckConstraint("amount_rupiah >= 0", name="market_sale_amount"),
        Index("market_sale_coupon_once", "coupon_id", unique=True, postgresql_where=text("NOT double_use")),
        Index("market_sale_doubles", "market_id", "id", postgresql_where=text("double_use")),
        Index("market_sale_by_market", "market_id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    market_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market.id"), nullable=False))
    counter: str
    actor: str
    sold_at: datetime = Field(sa_column=_moment())
    recorded_at: datetime = Field(sa_column=_moment())
    coupon_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("market_coupon.id")))
    family: str | None = None
    fingerprint: str
    double_use: bool = Field(sa_column=Column(Boolean, nullable=False))
    first_sale_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("market_sale.id")))
    posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    number: str | None = None
    unposted_reason: str | None = None
    beyond_limit: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    beyond_allotment: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    amount_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    claim_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("market_claim.id")))


class MarketSaleLineRow(SQLModel, table=True):
    """So much of one item that a counter handed out, and how much of it came back."""

    __tablename__ = "market_sale_line"
    __table_args__ = (
        CheckConstraint("returned BETWEEN 0 AND quantity", name="market_sale_line_returned_within_quantity"),
        CheckConstraint(f"quantity BETWEEN 1 AND {ALLOTMENT_MAX * PACKAGES_MAX}", name="market_sale_line_quantity"),
    )

    sale_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market_sale.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class MarketFamilyRow(SQLModel, table=True):
    """What a family has taken of an item at a market without coupons and kept; never more than its limit."""

    __tablename__ = "market_family"
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 0 AND limit_per_family", name="market_family_within_limit"),
        CheckConstraint(FAMILY_SQL, name="market_family_form"),
    )

    market_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market.id"), primary_key=True))
    family: str = Field(primary_key=True)
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    limit_per_family: int = Field(sa_column=Column(BigInteger, nullable=False))


class MarketSeriesRow(SQLModel, table=True):
    """The last number given to a market in an office and month."""

    __tablename__ = "market_series"
    __table_args__ = (CheckConstraint("last > 0", name="market_series_last_positive"),)

    office: str = Field(primary_key=True)
    month: date = Field(sa_column=Column(Date, primary_key=True))
    last: int = Field(sa_column=Column(BigInteger, nullable=False))


TAKE_NUMBER = text(
    "INSERT INTO market_series AS s (office, month, last) VALUES (:office, :month, 1)"
    " ON CONFLICT (office, month) DO UPDATE SET last = s.last + 1 RETURNING last"
)
ADD_SOLD = text(
    "UPDATE market_item SET sold = sold + n.quantity FROM unnest(CAST(:items AS text[]), CAST(:quantities AS bigint[]))"
    " AS n(item, quantity) WHERE market_item.market_id = :market AND market_item.item = n.item"
)
ADD_TAKEN = text(
    "INSERT INTO market_family AS f (market_id, family, item, quantity, limit_per_family)"
    " SELECT :market, n.family, n.item, n.quantity, i.limit_per_family FROM unnest(CAST(:families AS text[]),"
    " CAST(:items AS text[]), CAST(:quantities AS bigint[])) AS n(family, item, quantity)"
    " JOIN market_item i ON i.market_id = :market AND i.item = n.item"
    " ON CONFLICT (market_id, family, item) DO UPDATE SET quantity = f.quantity + excluded.quantity"
)


async def take_number(session: AsyncSession, office: str, month: date) -> str:
    """Give the number of a market: `2026-05-19.71-PM-0001`, without a gap."""
    (last,) = (await session.execute(TAKE_NUMBER, {"office": office, "month": month})).one()
    return f"{month:%Y-%m}-{office}-PM-{last:04d}"


async def items_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[MarketItemRow]]:
    """Give the offers of markets, in the order in which they were announced."""
    found: dict[UUID, list[MarketItemRow]] = {one: [] for one in ids}
    question = select(MarketItemRow).where(col(MarketItemRow.market_id).in_(ids)).order_by(col(MarketItemRow.line_no))
    for row in await session.exec(question):
        found[row.market_id].append(row)
    return found


async def slots_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[MarketSlotRow]]:
    """Give the slots of markets, in their order."""
    found: dict[UUID, list[MarketSlotRow]] = {one: [] for one in ids}
    question = select(MarketSlotRow).where(col(MarketSlotRow.market_id).in_(ids)).order_by(col(MarketSlotRow.slot_no))
    for row in await session.exec(question):
        found[row.market_id].append(row)
    return found


async def coupons(session: AsyncSession, market_id: UUID, ids: Collection[UUID]) -> dict[UUID, MarketCouponRow]:
    """Find coupons of a market."""
    question = select(MarketCouponRow).where(
        MarketCouponRow.market_id == market_id, col(MarketCouponRow.id).in_(list(ids))
    )
    return {row.id: row for row in await session.exec(question)}


async def last_serial(session: AsyncSession, market_id: UUID) -> int:
    """Give the highest serial of a market's coupons."""
    question = select(func.max(MarketCouponRow.serial)).where(MarketCouponRow.market_id == market_id)
    return (await session.exec(question)).one() or 0


async def families_with_coupon(session: AsyncSession, market_id: UUID, families: Collection[str]) -> set[str]:
    """Name those of these families that have a coupon of this market."""
    question = select(MarketCouponRow.family).where(
        MarketCouponRow.market_id == market_id, col(MarketCouponRow.family).in_(list(families))
    )
    return set(await session.exec(question))


async def sales(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, MarketSaleRow]:
    """Find sales by the ids that their counters gave them."""
    question = select(MarketSaleRow).where(col(MarketSaleRow.id).in_(list(ids)))
    return {row.id: row for row in await session.exec(question)}


async def first_uses(session: AsyncSession, coupon_ids: Collection[UUID]) -> dict[UUID, MarketSaleRow]:
    """Give for each coupon that was used the sale at which it was used first."""
    question = select(MarketSaleRow).where(
        col(MarketSaleRow.coupon_id).in_(list(coupon_ids)), col(MarketSaleRow.double_use).is_(False)
    )
    return {row.coupon_id: row for row in await session.exec(question) if row.coupon_id}


async def taken(session: AsyncSession, market_id: UUID, families: Collection[str]) -> dict[tuple[str, str], int]:
    """Give what families have taken of each item."""
    question = select(MarketFamilyRow).where(
        MarketFamilyRow.market_id == market_id, col(MarketFamilyRow.family).in_(list(families))
    )
    return {(row.family, row.item): row.quantity for row in await session.exec(question)}


async def add_sold(session: AsyncSession, market_id: UUID, sold: dict[str, int]) -> None:
    """Count what was sold of each item."""
    values = {"market": market_id, "items": list(sold), "quantities": list(sold.values())}
    await session.execute(ADD_SOLD, values)


async def add_taken(session: AsyncSession, market_id: UUID, taken_now: dict[tuple[str, str], int]) -> None:
    """Count what families have taken."""
    await session.execute(
        ADD_TAKEN,
        {
            "market": market_id,
            "families": [family for family, _ in taken_now],
            "items": [item for _, item in taken_now],
            "quantities": list(taken_now.values()),
        },
    )
