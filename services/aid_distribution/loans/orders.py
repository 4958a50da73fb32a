"""What may be asked of loans, and what they answer."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import Reason
from services.aid_distribution.ledger.orders import LINES_MAX, Count, ItemCode, Lot, Moment, Order, PlaceCode, Quantity
from services.aid_distribution.loans.domain import State, lot_shown, state_of
from services.aid_distribution.loans.store import LoanLineRow, LoanReturnRow, LoanRow
from shared.clock import shown, wib_day
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, RegionCode, Text


class Borrower(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who borrows: a name, or a business that is known here; one of them."""

    name: Annotated[Text | None, msgspec.Meta(examples=["Posko RT 04, Ibu Yuliana"])] = None
    business: Annotated[UUID | None, msgspec.Meta(examples=[None])] = None


class LentLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Assets that are lent; one that is named by its lot is one."""

    item: Annotated[ItemCode, msgspec.Meta(examples=["HANDWASH-STATION"])]
    quantity: Annotated[Quantity, msgspec.Meta(examples=[1])] = 1
    lot: Lot | None = None


class LendAssets(Order, frozen=True, kw_only=True):
    """Assets go out and are due back on a day."""

    place: PlaceCode
    borrower: Borrower
    due_on: Annotated[date, msgspec.Meta(examples=["2099-12-31"])]
    occurred_at: Moment
    lines: Annotated[list[LentLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class BackLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of an item are here again, and how many are lost and why."""

    item: Annotated[ItemCode, msgspec.Meta(examples=["HANDWASH-STATION"])]
    returned: Annotated[Count, msgspec.Meta(examples=[1])] = 0
    lost: Annotated[Count, msgspec.Meta(examples=[0])] = 0
    reason: Annotated[Reason | None, msgspec.Meta(examples=[None])] = None
    lot: Lot | None = None


class ReturnLoan(Order, frozen=True, kw_only=True):
    """Something of a loan has come back, to where it was lent or to another place, or is lost."""

    occurred_at: Moment
    lines: Annotated[list[BackLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    place: Annotated[PlaceCode | None, msgspec.Meta(examples=[None])] = None


class LoanQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which loans to list, the one that is due first at the top; without a state all of them."""

    state: State | None = None
    region: RegionCode | None = None
    place: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class LoanLineView(msgspec.Struct, frozen=True, kw_only=True):
    """What was lent of one item and lot, and what of it is back, lost, or out."""

    item: str
    lot: str | None
    quantity: int
    returned: int
    lost: int
    out: int


class LoanReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """Once that something came back, or was written off; with a `void_posting_id` it was taken back since."""

    id: UUID
    number: str
    occurred_at: datetime
    posting_id: UUID
    document: str | None
    void_posting_id: UUID | None
    void_reason: str | None


class LoanView(msgspec.Struct, frozen=True, kw_only=True):
    """A loan as it stands today; `number` stands on its paper."""

    id: UUID
    number: str
    state: str
    place: str
    region: str
    borrower: Borrower
    due_on: date
    days_overdue: int
    occurred_at: datetime
    recorded_at: datetime
    closed_at: datetime | None
    document: str | None
    posting_id: UUID
    void_posting_id: UUID | None
    void_reason: str | None
    lines: list[LoanLineView]
    returns: list[LoanReturnView]
    version: int


def loan_view(row: LoanRow, lines: Sequence[LoanLineRow], returns: Sequence[LoanReturnRow], now: datetime) -> LoanView:
    """Show a loan."""
    today = wib_day(now)
    state = state_of(State(row.state), row.due_on, today)
    return LoanView(
        id=row.id,
        number=row.number,
        state=state,
        place=row.place,
        region=row.region,
        borrower=Borrower(name=row.borrower_name, business=row.business_id),
        due_on=row.due_on,
        days_overdue=(today - row.due_on).days if state is State.OVERDUE else 0,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        closed_at=shown(row.closed_at) if row.closed_at else None,
        document=row.document,
        posting_id=row.posting_id,
        void_posting_id=row.void_posting_id,
        void_reason=row.void_reason,
        lines=[
            LoanLineView(
                item=line.item,
                lot=lot_shown(line.lot),
                quantity=line.quantity,
                returned=line.returned,
                lost=line.lost,
                out=0 if state is State.VOIDED else line.quantity - line.returned - line.lost,
            )
            for line in lines
        ],
        returns=[
            LoanReturnView(
                id=one.id,
                number=one.number,
                occurred_at=shown(one.occurred_at),
                posting_id=one.posting_id,
                document=one.document,
                void_posting_id=one.void_posting_id,
                void_reason=one.void_reason,
            )
            for one in returns
        ],
        version=row.version,
    )
