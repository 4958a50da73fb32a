"""What was ordered of each business, and how far each order has come, as it is told.

Together with what the business earned by it, and where its goods went, it says whether an order was a help.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import (
    ProductionAccepted,
    ProductionDeclined,
    ProductionDelivered,
    ProductionEvent,
    ProductionOffered,
    ProductionTakenBack,
    production_lot,
)
from shared.database import Work
from shared.effect_audit import Effect, EffectPages, Seen, Told, compared, seen_in
from shared.reaction import Heard


class State(StrEnum):
    """How far an order has come, in the words of the service that gives it."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELIVERED = "delivered"
    SHORT = "short"
    TAKEN_BACK = "taken_back"


STATES_SQL = ", ".join(f"'{state}'" for state in State)
COMES_TO: dict[type[ProductionEvent], State] = {
    ProductionOffered: State.OFFERED,
    ProductionAccepted: State.ACCEPTED,
    ProductionDeclined: State.DECLINED,
    ProductionTakenBack: State.TAKEN_BACK,
}
"""What an event says of its order; a delivery says it by itself."""
STEPS: tuple[type[ProductionEvent], ...] = (*COMES_TO, ProductionDelivered)


class OrderedRow(SQLModel, table=True):
    """A production order of a business: what, how much, at which price, and how far it has come.

    Shape:  the goods of the order lie in stock, and are handed out, under `lot`; one that is offered and was not
            answered by `answer_by` has expired, whether that was told or not
    """

    __tablename__ = "ordered"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="ordered_quantity_positive"),
        CheckConstraint("price_rupiah >= 0", name="ordered_price_not_negative"),
        CheckConstraint(f"state IN ({STATES_SQL})", name="ordered_state_known"),
        Index("ordered_of_business", "business_id", "due_on", "order_id"),
        Index("ordered_lot", "lot", "item"),
    )

    order_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    business_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    place: str = Field(sa_column=Column(Text, nullable=False))
    place_name: str = Field(sa_column=Column(Text, nullable=False))
    item: str = Field(sa_column=Column(Text, nullable=False))
    item_name: str = Field(sa_column=Column(Text, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    price_rupiah: int = Field(sa_column=Column(BigInteger, nullable=False))
    due_on: date = Field(sa_column=Column(Date, nullable=False))
    lot: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    answer_by: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


_told = insert(OrderedRow.__table__)  # type: ignore[attr-defined]  # every table row has one
PUT = _told.on_conflict_do_update(index_elements=["order_id"], set_={"state": _told.excluded.state})


async def hear(work: Work, run: Sequence[Heard[ProductionEvent]]) -> None:
    """Write down how far orders have come; the events of one order arrive in its order, so the last one counts."""
    await work.session.execute(PUT, [_row(one.event).model_dump() for one in run])


def _row(event: ProductionEvent) -> OrderedRow:
    state = State(event.state) if isinstance(event, ProductionDelivered) else COMES_TO[type(event)]
    return OrderedRow(
        order_id=event.order_id,
        business_id=event.business_id,
        region=event.region,
        place=event.place,
        place_name=event.place_name,
        item=event.item,
        item_name=event.item_name,
        unit=event.unit,
        quantity=event.quantity,
        price_rupiah=event.price_rupiah,
        due_on=event.due_on,
        lot=production_lot(event.order_id),
        state=state.value,
        answer_by=event.answer_by if isinstance(event, ProductionOffered) else None,
    )


KNOWN = text("SELECT * FROM ordered WHERE order_id = ANY(CAST(:ids AS uuid[]))")
PAGE = text("SELECT order_id FROM ordered WHERE order_id > CAST(:after AS uuid) ORDER BY order_id LIMIT :rows")
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each order with what its last event says."""
    events = [(one, one.event) for one in told if isinstance(one.event, ProductionEvent)]
    rows = (await session.execute(KNOWN, {"ids": [event.order_id for _, event in events]})).mappings()
    found = {row["order_id"]: dict(row) for row in rows}
    return [Seen(one, "ordered", compared(_due(event), found.get(event.order_id))) for one, event in events]


def _due(event: ProductionEvent) -> dict[str, object]:
    return _row(event).model_dump(exclude={"answer_by"})  # only the offer tells it


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    causes = frozenset(event.type for event in STEPS)
    return [Effect(str(key), f"production_order/{key}", causes) for key in found.scalars()]


ORDERED = seen_in(look, *STEPS)
ALL_ORDERED = EffectPages("ordered", _page)
