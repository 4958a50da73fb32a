"""What may be asked of exceptions, and what they answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.aid_distribution.exceptions.domain import Breach, ShortCard, State
from services.aid_distribution.exceptions.store import ExceptionChangeRow, ExceptionRow
from services.aid_distribution.ledger.orders import DispatchTransfer, IssueStock, Moment, Order
from shared.clock import shown
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, RegionCode, Text


class ParkIssue(IssueStock, frozen=True, kw_only=True):
    """An issue that has happened and that no card holds the goods of; `due_at` is by when it is to be settled."""

    due_at: Moment | None = None


class ParkTransfer(DispatchTransfer, frozen=True, kw_only=True):
    """A transfer that has left and that a rule stands against; `due_at` is by when it is to be settled."""

    due_at: Moment | None = None


class ApplyException(Order, frozen=True, kw_only=True):
    """Enter now what was parked; a document that is given here stands on the posting.

    Shape: `breach_accepted` says why the goods left although their recipient or their market had no more of them; it
           is kept with the limit that was reached. Without it such an exception stays open
    """

    breach_accepted: Annotated[Text | None, msgspec.Meta(examples=[None])] = None


class DropException(Order, frozen=True, kw_only=True):
    """Give up what was parked: it has not happened, or not so."""

    reason: Annotated[Text, msgspec.Meta(examples=["Entered twice on the telephone"])]


class ChangeException(Order, frozen=True, kw_only=True):
    """Somebody else is to settle it, or by another time; what is not named stays.

    Shape: `due_at` is kept between now and a year from now, as when it was parked
    """

    owner: Annotated[Text | None, msgspec.Meta(examples=["officer-19.71"])] = None
    due_at: Moment | None = None
    reason: Annotated[Text, msgspec.Meta(examples=["Waits for the papers of the supplier"])]


class ExceptionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which exceptions to list, the one that is to be settled first at the top."""

    state: State | None = None
    region: RegionCode | None = None
    overdue: bool | None = None
    owner: Text | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ExceptionChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change of who settles an exception and by when: as it is since, by whom it was made, and why."""

    version: int
    owner: str
    due_at: datetime
    reason: str
    document: str | None
    changed_at: datetime
    changed_by: str


class ExceptionView(msgspec.Struct, frozen=True, kw_only=True):
    """What was parked: the order, which cards are short and why that may be, and what has become of it.

    Shape:  `order` is as it was asked, without what is about a person; `cards` and `last_refusal` are of the last
            attempt; `posting_id` and `number` are of the posting that it has become, `breach` what was accepted then
            for `breach_reason`
    """

    id: UUID
    kind: str
    state: str
    place: str
    region: str
    occurred_at: datetime
    order: dict[str, Any]
    cards: list[ShortCard]
    owner: str
    opened_at: datetime
    due_at: datetime
    overdue: bool
    attempts: int
    last_attempt_at: datetime
    last_refusal: str
    closed_at: datetime | None
    closed_by: str | None
    document: str | None
    posting_id: UUID | None
    number: str | None
    drop_reason: str | None
    breach: Breach | None
    breach_reason: str | None
    version: int


class ExceptionWithChanges(ExceptionView, frozen=True, kw_only=True):
    """An exception and every change of its owner and deadline, the first one first."""

    changes: list[ExceptionChangeView]


def with_changes(view: ExceptionView, rows: Sequence[ExceptionChangeRow]) -> ExceptionWithChanges:
    """Show an exception with the changes of its owner and deadline."""
    changes = [
        ExceptionChangeView(
            version=row.version,
            owner=row.owner,
            due_at=shown(row.due_at),
            reason=row.reason,
            document=row.document,
            changed_at=shown(row.changed_at),
            changed_by=row.changed_by,
        )
        for row in rows
    ]
    return ExceptionWithChanges(
        **{name: getattr(view, name) for name in ExceptionView.__struct_fields__}, changes=changes
    )


def exception_view(row: ExceptionRow, hidden: tuple[str, ...], now: datetime) -> ExceptionView:
    """Show an exception, without the hidden members of its order."""
    return ExceptionView(
        id=row.id,
        kind=row.kind,
        state=row.state,
        place=row.place,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        order={name: value for name, value in row.asked.items() if name not in hidden},
        cards=msgspec.convert(row.cards, list[ShortCard]),
        owner=row.owner,
        opened_at=shown(row.opened_at),
        due_at=shown(row.due_at),
        overdue=row.state == State.OPEN and row.due_at <= now,
        attempts=row.attempts,
        last_attempt_at=shown(row.last_attempt_at),
        last_refusal=row.last_refusal,
        closed_at=shown(row.closed_at) if row.closed_at else None,
        closed_by=row.closed_by,
        document=row.document,
        posting_id=row.posting_id,
        number=row.number,
        drop_reason=row.drop_reason,
        breach=msgspec.convert(row.breach, Breach) if row.breach is not None else None,
        breach_reason=row.breach_reason,
        version=row.version,
    )
