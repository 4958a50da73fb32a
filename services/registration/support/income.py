"""What a business earned by production orders: each delivery that was accepted or not, and each payment, as it is told.

It stands beside the aid that the business received: together they say what was done for it, and whether it helped.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Text, Uuid, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.support import store
from shared import cursor
from shared.contracts.aid_distribution import ProductionDelivered, ProductionEvent, ProductionPaid
from shared.database import Work
from shared.effect_audit import Effect, EffectPages, Seen, Told, compared, seen_in
from shared.problems import Absent
from shared.reaction import Heard
from shared.routes import Page


class Kind(StrEnum):
    """What a line of the history is about."""

    DELIVERY = "delivery"
    PAYMENT = "payment"


KINDS_SQL = ", ".join(f"'{kind}'" for kind in Kind)


class IncomeRow(SQLModel, table=True):
    """A delivery or a payment of a production order; of a delivery the amount is what became due by it."""

    __tablename__ = "income"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS_SQL})", name="income_kind_known"),
        CheckConstraint("no > 0", name="income_no_positive"),
        CheckConstraint("amount_rupiah >= 0", name="income_amount_not_negative"),
        CheckConstraint(
            "(kind = 'delivery') = (accepted IS NOT NULL) AND (accepted IS NULL) = (rejected IS NULL)",
            name="income_delivery_is_counted",
        ),
        CheckConstraint("accepted >= 0 AND rejected >= 0", name="income_counts_not_negative"),
        Index("income_of_business", "business_id", "occurred_at", "order_id", "kind", "no"),
    )

    order_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    no: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    business_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    item: str = Field(sa_column=Column(Text, nullable=False))
    item_name: str = Field(sa_column=Column(Text, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    accepted: int | None = Field(default=None, sa_column=Column(BigInteger))
    rejected: int | None = Field(default=None, sa_column=Column(BigInteger))
    amount_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    reference: str | None = Field(default=None, sa_column=Column(Text))


PUT = insert(IncomeRow.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # every table row has one


async def remember(work: Work, run: Sequence[Heard[ProductionDelivered | ProductionPaid]]) -> None:
    """Write deliveries and payments into the history of the businesses; told once more, they change nothing."""
    await work.session.execute(PUT, [_row(one.event).model_dump() for one in run])


def _row(event: ProductionDelivered | ProductionPaid) -> IncomeRow:
    if isinstance(event, ProductionPaid):
        return _line(event, Kind.PAYMENT, event.payment_no, event.paid_at, event.amount_rupiah, event.reference)
    row = _line(event, Kind.DELIVERY, event.delivery_no, event.occurred_at, event.amount_due_rupiah, event.number)
    row.accepted, row.rejected = event.accepted, event.rejected
    return row


def _line(
    event: ProductionEvent, kind: Kind, no: int, at: datetime, amount_rupiah: int, reference: str | None
) -> IncomeRow:
    return IncomeRow(
        order_id=event.order_id,
        kind=kind,
        no=no,
        business_id=event.business_id,
        region=event.region,
        occurred_at=at,
        item=event.item,
        item_name=event.item_name,
        unit=event.unit,
        amount_rupiah=amount_rupiah,
        reference=reference,
    )


async def income_of(work: Work, business_id: UUID, after: str | None, limit: int) -> Page[IncomeRow]:
    """Give what a business of the caller's regions delivered and was paid, latest first. Raises: Absent (404)."""
    region = await store.business_region(work.session, business_id)
    if region is None or not work.caller.sees(region):
        raise Absent
    order = [col(field) for field in (IncomeRow.occurred_at, IncomeRow.order_id, IncomeRow.kind, IncomeRow.no)]
    found = select(IncomeRow).where(col(IncomeRow.business_id).in_(store.family(business_id)))
    if after:
        found = found.where(tuple_(*order) < cursor.decode(after, tuple[datetime, UUID, str, int]))
    rows = (await work.session.exec(found.order_by(*(key.desc() for key in order)).limit(limit + 1))).all()
    key = lambda row: (row.occurred_at, row.order_id, row.kind, row.no)  # noqa: E731 - the key of the order above
    return cursor.page(rows, limit, lambda row: row, key)


KNOWN = text("SELECT * FROM income WHERE order_id = ANY(CAST(:ids AS uuid[]))")
PAGE = text("SELECT DISTINCT order_id FROM income WHERE order_id > CAST(:after AS uuid) ORDER BY order_id LIMIT :rows")
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
CAUSES = frozenset({ProductionDelivered.type, ProductionPaid.type})


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each delivery and payment with the history of its business."""
    events = [(one, one.event) for one in told if isinstance(one.event, ProductionDelivered | ProductionPaid)]
    rows = (await session.execute(KNOWN, {"ids": [event.order_id for _, event in events]})).mappings()
    found = {(row["order_id"], row["kind"], row["no"]): dict(row) for row in rows}
    return [_seen(one, _row(event), found) for one, event in events]


def _seen(told: Told, due: IncomeRow, found: dict[tuple[UUID, str, int], dict[str, object]]) -> Seen:
    wrong = compared(due.model_dump(), found.get((due.order_id, due.kind, due.no)))
    return Seen(told, f"income {due.kind} {due.no}", wrong)


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    return [Effect(str(key), f"production_order/{key}", CAUSES) for key in found.scalars()]


EARNED = seen_in(look, ProductionDelivered, ProductionPaid)
ALL_INCOME = EffectPages("income", _page)
