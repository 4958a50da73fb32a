"""What may be asked of returns, and what they answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import Line
from services.aid_distribution.ledger.orders import GoodsLines, Moment, Order, PlaceCode, PostedLine, line_view
from services.aid_distribution.ledger.voids import VOIDED
from services.aid_distribution.returns.domain import Direction
from services.aid_distribution.returns.store import ReturnRow
from shared.clock import shown
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, RegionCode, Text


class ReturnStock(Order, frozen=True, kw_only=True):
    """Goods have gone back: from the public to a place, or from a place to whoever gave them.

    Shape:  `posting` is the one that moved them, where it is known: then no more goes back than it moved, and what its
            document counts (the programme, limits of recipients, what a market sold) counts it. `business` is the
            recipient who gave back, where its distribution names several
    """

    direction: Annotated[Direction, msgspec.Meta(examples=["from_public"])]
    place: PlaceCode
    occurred_at: Moment
    reason: Annotated[Text, msgspec.Meta(examples=["Too small"])]
    lines: GoodsLines
    posting: Annotated[UUID | None, msgspec.Meta(examples=[None])] = None
    business: Annotated[UUID | None, msgspec.Meta(examples=[None])] = None


class ReturnQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which returns to list, newest first; `posting` is the one whose goods went back."""

    place: Code | None = None
    region: RegionCode | None = None
    posting: UUID | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """A return, `posted` or `voided`.

    Shape:  `number` stands on its paper, `posting` is the one whose goods went back, `business` who gave them
    """

    id: UUID
    number: str
    state: str
    direction: str
    place: str
    region: str
    occurred_at: datetime
    recorded_at: datetime
    reason: str
    document: str | None
    lines: list[PostedLine]
    posting: UUID | None
    business: UUID | None
    posting_id: UUID
    void_posting_id: UUID | None
    void_reason: str | None
    version: int


def return_view(row: ReturnRow, lines: Sequence[Line]) -> ReturnView:
    """Show a return."""
    return ReturnView(
        id=row.id,
        number=row.number,
        state="posted" if row.void_posting_id is None else VOIDED,
        direction=row.direction,
        place=row.place,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        reason=row.reason,
        document=row.document,
        lines=[line_view(line) for line in lines],
        posting=row.returns,
        business=row.business_id,
        posting_id=row.posting_id,
        void_posting_id=row.void_posting_id,
        void_reason=row.void_reason,
        version=row.version,
    )
