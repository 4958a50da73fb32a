"""What is stored of loans: each loan with its lines, and every time that something came back."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.domain import QUANTITY_MAX
from services.aid_distribution.ledger.voids import WITH_REASON


class LoanRow(SQLModel, table=True):
    """A loan; its row is the lock under which things come back."""

    __tablename__ = "loan"
    __table_args__ = (
        CheckConstraint("(borrower_name IS NULL) <> (business_id IS NULL)", name="loan_has_one_borrower"),
        CheckConstraint("state IN ('open', 'returned', 'voided')", name="loan_state_known"),
        CheckConstraint("(state = 'voided') = (void_posting_id IS NOT NULL)", name="loan_voided_by_posting"),
        CheckConstraint(WITH_REASON, name="loan_void_has_reason"),
        CheckConstraint("(state = 'returned') = (closed_at IS NOT NULL)", name="loan_closed_when_returned"),
        CheckConstraint("due_on >= (occurred_at AT TIME ZONE INTERVAL '7 hours')::date", name="loan_due_after_lent"),
        Index("loan_by_region", "region", "state", "due_on", "id"),
        Index("loan_by_due", "state", "due_on", "id"),
        Index("loan_of_any_state", "due_on", "id"),
        Index("loan_of_place", "place", "due_on", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    state: str
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    borrower_name: str | None = None
    business_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("known_business.id")))
    due_on: date = Field(sa_column=Column(Date, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    actor: str
    document: str | None = None
    void_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    void_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))

    def __repr__(self) -> str:
        return f"LoanRow(id={self.id})"  # a row that ends in a log shows no person


class LoanLineRow(SQLModel, table=True):
    """What was lent of one item and lot, and what of it is back or lost: never more than was lent."""

    __tablename__ = "loan_line"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="loan_line_quantity"),
        CheckConstraint("returned >= 0 AND lost >= 0 AND returned + lost <= quantity", name="loan_line_adds_up"),
    )

    loan_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("loan.id"), primary_key=True))
    line_no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    item: str = Field(sa_column=Column(Text, ForeignKey("item.code"), nullable=False))
    lot: str = Field(sa_column=Column(Text, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    returned: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    lost: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


class LoanReturnRow(SQLModel, table=True):
    """Once that something came back of a loan, or was written off; its lines are those of its posting."""

    __tablename__ = "loan_return"
    __table_args__ = (
        CheckConstraint(WITH_REASON, name="loan_return_void_has_reason"),
        Index("loan_return_of_loan", "loan_id", "occurred_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    loan_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("loan.id"), nullable=False))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    document: str | None = None
    void_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    void_reason: str | None = None


CATEGORIES = text("SELECT code, category FROM item WHERE code = ANY(CAST(:items AS text[]))")


async def categories(session: AsyncSession, items: Sequence[str]) -> dict[str, str]:
    """Say what kind of thing each item is."""
    return {row.code: row.category for row in await session.execute(CATEGORIES, {"items": items})}


async def lines_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[LoanLineRow]]:
    """Give the lines of loans, in their order."""
    found: dict[UUID, list[LoanLineRow]] = {one: [] for one in ids}
    question = select(LoanLineRow).where(col(LoanLineRow.loan_id).in_(ids))
    for row in await session.exec(question.order_by(col(LoanLineRow.line_no))):
        found[row.loan_id].append(row)
    return found


async def returns_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[LoanReturnRow]]:
    """Give every time that something came back of loans, the earliest first."""
    found: dict[UUID, list[LoanReturnRow]] = {one: [] for one in ids}
    question = select(LoanReturnRow).where(col(LoanReturnRow.loan_id).in_(ids))
    for row in await session.exec(question.order_by(col(LoanReturnRow.occurred_at), col(LoanReturnRow.id))):
        found[row.loan_id].append(row)
    return found
