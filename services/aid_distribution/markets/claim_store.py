"""What is stored of sellers' claims: never more claimed than was sold, never more settled than was claimed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.markets.claim_rules import ClaimState, LineState, Sold, payable

CLAIM_STATES_SQL = ", ".join(f"'{state}'" for state in ClaimState)
LINE_STATES_SQL = ", ".join(f"'{state}'" for state in LineState)


class MarketClaimRow(SQLModel, table=True):
    """What a seller asks for the packages that were sold below their price."""

    __tablename__ = "market_claim"
    __table_args__ = (
        CheckConstraint(f"state IN ({CLAIM_STATES_SQL})", name="market_claim_state_known"),
        CheckConstraint("claimed_rupiah BETWEEN 0 AND computed_rupiah", name="market_claim_within_computed"),
        CheckConstraint("settled_rupiah BETWEEN 0 AND claimed_rupiah", name="market_claim_settled_within_claimed"),
        CheckConstraint(
            "(state = 'submitted') = (settled_rupiah IS NULL) AND (state = 'submitted') = (decided_at IS NULL)",
            name="market_claim_decided",
        ),
        CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (payment_reference IS NOT NULL)",
            name="market_claim_paid",
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    market_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market.id"), nullable=False, unique=True))
    seller: UUID = Field(sa_column=Column(Uuid, ForeignKey("known_business.id"), nullable=False))
    state: str
    computed_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    claimed_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    settled_rupiah: int | None = Field(default=None, sa_column=Column(BigInteger))
    submitted_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    submitted_by: str
    decided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    decided_by: str | None = None
    paid_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    paid_by: str | None = None
    payment_reference: str | None = None
    document: str | None = None
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))


class MarketClaimLineRow(SQLModel, table=True):
    """An item of a claim, and what was decided of it.

    Shape:  `sold` is what had been sold and not come back when it was claimed, `returned` what came back since;
            `settled` how much of it the decision, and then the payment, was about
    """

    __tablename__ = "market_claim_line"
    __table_args__ = (
        CheckConstraint(f"state IN ({LINE_STATES_SQL})", name="market_claim_line_state_known"),
        CheckConstraint("claimed BETWEEN 0 AND sold", name="market_claim_line_within_sold"),
        CheckConstraint("returned BETWEEN 0 AND sold", name="market_claim_line_returned_within_sold"),
        CheckConstraint("settled BETWEEN 0 AND claimed", name="market_claim_line_settled_within_claimed"),
        CheckConstraint("(state = 'pending') = (settled IS NULL)", name="market_claim_line_decided_is_settled"),
        CheckConstraint("subsidy_rupiah >= 0", name="market_claim_line_subsidy"),
        CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="market_claim_line_refused_has_reason"),
    )

    claim_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("market_claim.id"), primary_key=True))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), primary_key=True))
    sold: int = Field(sa_column=Column(BigInteger, nullable=False))
    claimed: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    settled: int | None = Field(default=None, sa_column=Column(BigInteger))
    subsidy_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: str
    reason: str | None = None

    @property
    def payable(self) -> int:
        """Give how much of it is to be paid, were it settled now."""
        return payable(self.claimed, self.sold, self.returned) if self.state == LineState.APPROVED else 0

    @property
    def recoverable_rupiah(self) -> int:
        """Give the worth of what came back since it was settled."""
        return max(0, (self.settled or 0) - self.payable) * self.subsidy_rupiah


SOLD = text(
    """
    SELECT i.item, i.market_price_rupiah - i.price_rupiah AS subsidy, coalesce(sold.quantity, 0)::bigint AS quantity
    FROM market_item i LEFT JOIN (
        SELECT l.item, sum(l.quantity - l.returned) AS quantity
        FROM market_sale s JOIN market_sale_line l ON l.sale_id = s.id
        WHERE s.market_id = :market AND NOT s.double_use GROUP BY l.item
    ) sold USING (item)
    WHERE i.market_id = :market ORDER BY i.line_no
    """
)
USED = text(
    "SELECT coalesce(sum(c.packages), 0)::bigint FROM market_sale s JOIN market_coupon c ON c.id = s.coupon_id"
    " WHERE s.market_id = :market AND NOT s.double_use"
)


CLAIM_SALES = text("UPDATE market_sale SET claim_id = :claim WHERE market_id = :market AND NOT double_use")


async def claim_sales(session: AsyncSession, claim: MarketClaimRow) -> None:
    """Keep of every sale that a claim was computed from that it stands in it."""
    await session.execute(CLAIM_SALES, {"claim": claim.id, "market": claim.market_id})


async def sold(session: AsyncSession, market_id: UUID) -> dict[str, Sold]:
    """Give what was sold of each item of a market and has not come back, second uses of coupons left out."""
    rows = await session.execute(SOLD, {"market": market_id})
    return {row.item: Sold(row.quantity, row.subsidy) for row in rows}


async def packages_used(session: AsyncSession, market_id: UUID) -> int:
    """Give how much entitlement was used."""
    used: int = (await session.execute(USED, {"market": market_id})).scalar_one()
    return used


async def claim_of(session: AsyncSession, market_id: UUID) -> MarketClaimRow | None:
    """Give the claim of a market."""
    return (await session.exec(select(MarketClaimRow).where(MarketClaimRow.market_id == market_id))).first()


async def lines_of(session: AsyncSession, claim_id: UUID) -> list[MarketClaimLineRow]:
    """Give the lines of a claim by item."""
    question = select(MarketClaimLineRow).where(MarketClaimLineRow.claim_id == claim_id)
    return list(await session.exec(question.order_by(col(MarketClaimLineRow.item))))
