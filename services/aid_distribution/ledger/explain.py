"""Why a figure is what it is: the postings that make it, in their order, each with what it left behind.

A page is read from either end of the history, and the figure itself from the day that the ledger keeps of it, so both
cost the same after a thousand movements and after a million.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import EARLIEST
from services.aid_distribution.ledger.movements import (
    LATEST,
    LINE_MAX,
    At,
    Stretch,
    after,
    before,
    known_shelf,
    movements,
    on_hand,
)
from services.aid_distribution.ledger.orders import Moment
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page

LotOrNone = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^([A-Za-z0-9][A-Za-z0-9.\-/]*)?$(?!\n)")]


class ExplanationQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which figure to explain, and from which end.

    Shape:  `as_of` is the moment of the figure, the present without it; `lot` one lot, or by the empty word what has
            no lot; without it all lots together
    """

    as_of: Moment | None = None
    lot: LotOrNone | None = None
    order: Literal["oldest", "newest"] = "oldest"
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class PostingLink(msgspec.Struct, frozen=True, kw_only=True):
    """Where another posting can be read."""

    id: UUID
    number: str
    href: str


class LotChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a posting did to one lot."""

    lot: str | None
    change: int


class ExplainedPosting(msgspec.Struct, frozen=True, kw_only=True):
    """A posting as far as it made the figure: `change` is what it added, `balance` what lay there after it."""

    posting_id: UUID
    href: str
    number: str
    document: str | None
    kind: str
    reason: str | None
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    change: int
    balance: int
    lots: list[LotChange]
    reverses: PostingLink | None
    reversed_by: PostingLink | None


class Explanation(Page[ExplainedPosting], frozen=True, kw_only=True):
    """A figure and a page of the postings that make it; the balance after the newest of them is the figure."""

    place: str
    item: str
    lot: str | None
    unit: str
    as_of: datetime
    on_hand: int


@dataclass(slots=True)
class Made:
    """What one posting did to the figure, put together from its lines."""

    row: Any
    balance: int
    change: int = 0
    lots: dict[str, int] = field(default_factory=dict)

    def add(self, row: Any) -> None:
        """Add a line of the posting."""
        self.change += row.change
        self.lots[row.lot] = self.lots.get(row.lot, 0) + row.change


async def explain(work: Work, caller: Caller, place: str, item: str, query: ExplanationQuery) -> Explanation:
    """Say which postings make a figure, page by page, with a running balance that ends at the figure.

    Shape:  one entry for each posting, whatever number of lines it has; the cursor carries the balance
    Raises: Absent (404) for a place or an item that does not exist or is another region's
    """
    _, known = await known_shelf(work, caller, place, item)
    newest_first, moment = query.order == "newest", query.as_of or LATEST
    figure = await on_hand(work, place, item, query.lot, moment)
    if query.cursor:
        occurred, recorded, shown_last, balance = cursor.decode(query.cursor, tuple[datetime, datetime, UUID, int])
        # Beyond all of its lines: a posting is shown whole.
        beyond = At(occurred, recorded, shown_last, 0 if newest_first else LINE_MAX)
    else:
        beyond, balance = (after(moment), figure) if newest_first else (before(EARLIEST), 0)
    stretch = Stretch(
        place=place,
        item=item,
        lot=query.lot,
        beyond=beyond,
        until=EARLIEST if newest_first else moment,
        newest_first=newest_first,
    )
    # One line more than postings are needed tells of the last one that it is whole, where each has one line.
    async with aclosing(movements(work, stretch, at_once=query.limit + 2)) as lines:
        made = await _postings(lines, query.limit + 1)
    _run(made, balance, newest_first=newest_first)
    page = cursor.page(made, query.limit, _entry, lambda one: _key(one, newest_first=newest_first))
    return Explanation(
        items=page.items,
        next=page.next,
        place=place,
        item=item,
        lot=query.lot,
        unit=known.unit,
        as_of=shown(query.as_of or work.now),
        on_hand=figure,
    )


async def _postings(lines: AsyncIterator[Any], count: int) -> list[Made]:
    """Put lines together into postings, so many at the most and each of them whole."""
    made: list[Made] = []
    async for row in lines:
        if not made or made[-1].row.posting_id != row.posting_id:
            if len(made) == count:
                break
            made.append(Made(row, 0))
        made[-1].add(row)
    return made


def _run(made: list[Made], balance: int, *, newest_first: bool) -> None:
    for one in made:
        if newest_first:
            one.balance = balance
            balance -= one.change
        else:
            balance += one.change
            one.balance = balance


def _key(one: Made, *, newest_first: bool) -> tuple[datetime, datetime, UUID, int]:
    next_balance = one.balance - one.change if newest_first else one.balance
    return one.row.occurred_at, one.row.recorded_at, one.row.posting_id, next_balance


def _entry(one: Made) -> ExplainedPosting:
    row = one.row
    return ExplainedPosting(
        posting_id=row.posting_id,
        href=_href(row.posting_id),
        number=row.number,
        document=row.document,
        kind=row.kind,
        reason=row.reason,
        actor=row.actor,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        change=one.change,
        balance=one.balance,
        lots=[LotChange(lot=lot or None, change=change) for lot, change in one.lots.items()],
        reverses=_link(row.reverses, row.reverses_number),
        reversed_by=_link(row.reversed_by, row.reversed_by_number),
    )


def _link(posting_id: UUID | None, number: str) -> PostingLink | None:
    return PostingLink(id=posting_id, number=number, href=_href(posting_id)) if posting_id else None


def _href(posting_id: UUID) -> str:
    return f"/aid/postings/{posting_id}"
