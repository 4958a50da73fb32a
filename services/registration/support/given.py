"""Where ordered goods went: each hand-out, sale or return of a lot that a business here has made.

A lot of ordered goods names its order, so who sewed the masks of a distribution is known without asking anybody.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import (
    PRODUCTION_LOT,
    DistributionEvent,
    DistributionPosted,
    DistributionVoided,
    Goods,
    MarketSold,
    ReturnVoided,
    StockReturned,
)
from shared.database import Work
from shared.effect_audit import Effect, EffectPages, Seen, Told, seen_in
from shared.reaction import Heard


class Kind(StrEnum):
    """How ordered goods left, or came back."""

    DISTRIBUTION = "distribution"
    SALE = "sale"
    RETURN = "return"


KINDS_SQL = ", ".join(f"'{kind}'" for kind in Kind)
FROM_PUBLIC = "from_public"
GivenEvent: TypeAlias = DistributionPosted | DistributionVoided | MarketSold | StockReturned | ReturnVoided
GIVEN_EVENTS = (DistributionPosted, DistributionVoided, MarketSold, StockReturned, ReturnVoided)


class GivenRow(SQLModel, table=True):
    """A lot of ordered goods in one hand-out, sale or return.

    Shape: `occasion` is the distribution or the market at which it was given; a return has none
    """

    __tablename__ = "given"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS_SQL})", name="given_kind_known"),
        CheckConstraint("quantity > 0", name="given_quantity_positive"),
        CheckConstraint("(kind = 'return') = (occasion IS NULL)", name="given_at_an_occasion"),
        CheckConstraint("voided_at IS NULL OR kind <> 'sale'", name="given_void_is_of_no_sale"),
        Index("given_of_lot", "lot", "item"),
        Index("given_at_occasion", "occasion"),
    )

    document_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    item: str = Field(sa_column=Column(Text, primary_key=True))
    lot: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    occasion: UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    place: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    voided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


PUT = insert(GivenRow.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # every table row has one
VOID = text(
    "UPDATE given SET voided_at = CAST(:now AS timestamptz)"
    " WHERE document_id = ANY(CAST(:ids AS uuid[])) AND voided_at IS NULL"
)


async def remember(work: Work, run: Sequence[Heard[GivenEvent]]) -> None:
    """Write down which ordered goods were handed out, sold or brought back; told once more, it changes nothing."""
    rows = [row.model_dump() for one in run for row in _rows(one.event)]
    if rows:
        await work.session.execute(PUT, rows)


async def take_back(work: Work, run: Sequence[Heard[DistributionVoided | ReturnVoided]]) -> None:
    """Mark what was handed out, or brought back, by documents that were taken back, also where those come later."""
    await remember(work, run)
    await work.session.execute(VOID, {"ids": [_document(one.event)[0] for one in run], "now": work.now})


def _rows(event: GivenEvent) -> list[GivenRow]:
    document_id, kind, occasion = _document(event)
    if kind is None:
        return []
    return [
        GivenRow(
            document_id=document_id,
            item=item,
            lot=lot,
            kind=kind.value,
            occasion=occasion,
            quantity=quantity,
            region=event.region,
            place=event.place,
            occurred_at=event.occurred_at,
        )
        for (item, lot), quantity in _made_to_order(event.lines).items()
    ]


def _document(event: GivenEvent) -> tuple[UUID, Kind | None, UUID | None]:
    if isinstance(event, DistributionEvent):
        return event.distribution_id, Kind.DISTRIBUTION, event.distribution_id
    if isinstance(event, MarketSold):
        return event.posting_id, Kind.SALE, event.market_id
    document_id = event.reverses if isinstance(event, ReturnVoided) else event.posting_id
    return document_id, Kind.RETURN if event.direction == FROM_PUBLIC else None, None


def _made_to_order(lines: Iterable[Goods]) -> Mapping[tuple[str, str], int]:
    total: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        if line.lot and line.lot.startswith(PRODUCTION_LOT):
            total[line.item, line.lot] += line.quantity
    return total


KNOWN = text(
    "SELECT document_id, item, lot, quantity, voided_at FROM given WHERE document_id = ANY(CAST(:ids AS uuid[]))"
)
PAGE = text(
    "SELECT DISTINCT document_id, kind FROM given"
    " WHERE document_id > CAST(:after AS uuid) ORDER BY document_id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
CAUSES: Mapping[str, tuple[str, frozenset[str]]] = {
    Kind.DISTRIBUTION: ("distribution", frozenset({DistributionPosted.type, DistributionVoided.type})),
    Kind.SALE: ("posting", frozenset({MarketSold.type})),
    Kind.RETURN: ("posting", frozenset({StockReturned.type})),
}


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare the ordered goods of each hand-out, sale and return with what is written down of it."""
    events = [(one, one.event) for one in told if isinstance(one.event, GIVEN_EVENTS)]
    found: defaultdict[UUID, dict[tuple[str, str], tuple[int, bool]]] = defaultdict(dict)
    for row in await session.execute(KNOWN, {"ids": [_document(event)[0] for _, event in events]}):
        found[row.document_id][row.item, row.lot] = (row.quantity, row.voided_at is not None)
    return [Seen(one, "given", _wrong(event, found[_document(event)[0]])) for one, event in events]


def _wrong(event: GivenEvent, found: Mapping[tuple[str, str], tuple[int, bool]]) -> str:
    voided = isinstance(event, DistributionVoided | ReturnVoided)
    if isinstance(event, StockReturned):  # another aggregate may have said since that it was a mistake
        voided = any(marked for _, marked in found.values())
    due = {(row.item, row.lot): (row.quantity, voided) for row in _rows(event)}
    if found == due:
        return ""
    return f"of {len(due)} lots made to order {sum(found.get(key) == told for key, told in due.items())} are as told"


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    return [
        Effect(str(row.document_id), f"{CAUSES[row.kind][0]}/{row.document_id}", CAUSES[row.kind][1]) for row in found
    ]


GIVEN = seen_in(look, *GIVEN_EVENTS)
ALL_GIVEN = EffectPages("given", _page)
