"""What is stored of returns."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Text, Uuid
from sqlmodel import Field, SQLModel

from services.aid_distribution.ledger.voids import WITH_REASON
from services.aid_distribution.returns.domain import Direction

DIRECTIONS_SQL = ", ".join(f"'{one}'" for one in Direction)


class ReturnRow(SQLModel, table=True):
    """A return; its lines are those of its posting, `returns` is the posting whose goods went back.

    Shape:  `business_id` is the recipient who gave back, where that was told. Voiding it changes what is kept of that,
            and nothing else
    """

    __tablename__ = "stock_return"
    __table_args__ = (
        CheckConstraint(f"direction IN ({DIRECTIONS_SQL})", name="stock_return_direction_known"),
        CheckConstraint("returns <> posting_id", name="stock_return_of_another_posting"),
        CheckConstraint(
            "business_id IS NULL OR (direction = 'from_public' AND returns IS NOT NULL)",
            name="stock_return_of_business_names_posting",
        ),
        CheckConstraint(WITH_REASON, name="stock_return_void_has_reason"),
        Index("stock_return_by_region", "region", "occurred_at", "id"),
        Index("stock_return_of_posting", "returns"),
        Index("stock_return_by_time", "occurred_at", "id"),
        Index("stock_return_of_place", "place", "occurred_at", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    direction: str
    place: str = Field(sa_column=Column(Text, ForeignKey("place.code"), nullable=False))
    region: str
    reason: str
    returns: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id")))
    business_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("known_business.id")))
    posting_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("posting.id"), nullable=False, unique=True))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    actor: str
    document: str | None = None
    void_posting_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("posting.id"), unique=True))
    void_reason: str | None = None
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
