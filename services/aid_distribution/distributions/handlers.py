"""The main job: aid is handed out, the stock falls, the event is recorded and the receipt is given, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import false, tuple_
from sqlmodel import col, or_, select

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.distributions import store
from services.aid_distribution.distributions.domain import AlreadyVoided, Programme, recipient_mistakes
from services.aid_distribution.distributions.store import HEADS_MAX, DistributionRow
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.handlers import leaving, post, posting_for_update, undo
from services.aid_distribution.ledger.known import Known, Leaves, known, known_by_code, leaves_of
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.orders import GoodsLines, Moment, Order, PlaceCode, PostedLine, line_view
from services.aid_distribution.ledger.store import Posted, PostingLineRow
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.contracts.aid_distribution import DistributionPosted, DistributionVoided
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.routes import PAGE_ITEMS_DEFAULT, Asked, Code, Cursor, Limit, Page, RegionCode, Text

BUSINESSES_MAX = 1_000


class Recipients(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who received: so many of the public, these businesses, or both."""

    public: Annotated[int, msgspec.Meta(ge=0, le=HEADS_MAX, examples=[100])] = 0
    businesses: Annotated[list[UUID], msgspec.Meta(max_length=BUSINESSES_MAX)] = []


class PostDistribution(Order, frozen=True, kw_only=True):
    """Aid has been handed out."""

    programme: Annotated[Programme, msgspec.Meta(examples=["free-masks"])]
    place: PlaceCode
    occurred_at: Moment
    lines: GoodsLines
    recipients: Recipients


class VoidDistribution(Order, frozen=True, kw_only=True):
    """A distribution was posted in error."""

    reason: Annotated[Text, msgspec.Meta(examples=["Posted for the wrong place"])]


class DistributionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which distributions to list, newest first."""

    place: Code | None = None
    region: RegionCode | None = None
    programme: Programme | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class DistributionView(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution and its receipt: `number` stands on the paper that is given."""

    id: UUID
    number: str
    state: str
    programme: str
    place: str
    region: str
    occurred_at: datetime
    recorded_at: datetime
    document: str | None
    lines: list[PostedLine]
    recipients: Recipients
    posting_id: UUID
    void_posting_id: UUID | None
    void_reason: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Here:
    """What a batch of distributions names, as far as it exists."""

    known: Known
    businesses: dict[UUID, businesses.KnownBusinessRow]

    def open_to(self, caller: Caller) -> frozenset[UUID]:
        """Give the open businesses that the caller may know of."""
        return frozenset(one.id for one in self.businesses.values() if one.state == "open" and caller.sees(one.region))

    def mistakes(self, leaves: Leaves, caller: Caller, now: datetime) -> list[FieldError]:
        """Say everything that is wrong with a distribution beside its shape."""
        return [
            *order_mistakes(leaves, self.known, caller, now),
            *recipient_mistakes(leaves, self.open_to(caller) if self.businesses else ()),
        ]


async def _here(work: Work, orders: Sequence[Leaves]) -> Here:
    named = {value for order in orders for value in order.values() if isinstance(value, UUID)}
    return Here(await known(work, orders), await businesses.by_id(work.session, named) if named else {})


async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a distribution beside its shape, as far as its values have the right one."""
    return (await _here(work, [leaves])).mistakes(leaves, work.caller, work.now)


async def post_all(work: Work, asked: Sequence[Asked[PostDistribution]]) -> list[DistributionView | Refusal]:
    """Hand out aid: stock, document, event and receipt in one transaction; each order has its own outcome."""
    leaves = [leaves_of(one.body) for one in asked]
    here = await _here(work, leaves)
    outcomes = await post(work, [_plan(work, one, order, here) for one, order in zip(asked, leaves, strict=True)])
    done = [(one, posted) for one, posted in zip(asked, outcomes, strict=True) if isinstance(posted, Posted)]
    rows = {posted.draft.id: _row(work, one, posted) for one, posted in done}
    received = [
        (rows[posted.draft.id].id, business) for one, posted in done for business in one.body.recipients.businesses
    ]
    await store.write(work.session, list(rows.values()), received, work.now)
    for one, posted in done:
        row = rows[posted.draft.id]
        event = DistributionPosted(**_fact(row, posted.lines, one.body.recipients.businesses, here.known))
        work.record(event, region=row.region, caller=one.caller)
    return [
        _view(rows[posted.draft.id], posted.lines, one.body.recipients) if isinstance(posted, Posted) else posted
        for one, posted in zip(asked, outcomes, strict=True)
    ]


def _plan(work: Work, one: Asked[PostDistribution], leaves: Leaves, here: Here) -> Draft | Refusal:
    order = one.body
    if errors := here.mistakes(leaves, one.caller, work.now):
        return Invalid(errors)
    place = here.known.places[order.place]
    return Draft(
        id=work.new_id(),
        kind=Kind.DISTRIBUTION,
        region=place.region,
        occurred_at=order.occurred_at,
        actor=one.caller.subject,
        document=order.document,
        lines=leaving(order.lines, order.place, Virtual.PUBLIC),
        usable_only=True,
    )


def _row(work: Work, one: Asked[PostDistribution], posted: Posted) -> DistributionRow:
    return DistributionRow(
        id=work.new_id(),
        number=posted.number,
        programme=one.body.programme,
        place=one.body.place,
        region=posted.draft.region,
        occurred_at=posted.draft.occurred_at,
        recorded_at=posted.recorded_at,
        actor=posted.draft.actor,
        document=one.body.document,
        public_heads=one.body.recipients.public,
        business_count=len(one.body.recipients.businesses),
        state="posted",
        posting_id=posted.draft.id,
        version=1,
    )


def _fact(row: DistributionRow, lines: Sequence[Line], received: list[UUID], here: Known) -> dict[str, Any]:
    return {
        "distribution_id": row.id,
        "number": row.number,
        "programme": row.programme,
        "place": row.place,
        "place_name": here.places[row.place].name,
        "region": row.region,
        "occurred_at": row.occurred_at,
        "lines": here.goods(lines),
        "public_heads": row.public_heads,
        "businesses": received,
    }


async def void(work: Work, caller: Caller, distribution_id: UUID, order: VoidDistribution) -> DistributionView:
    """Take a distribution back: its stock is there again, and everybody concerned is told.

    Raises: Absent (404), AlreadyVoided (409)
    """
    row = await work.session.get(DistributionRow, distribution_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.state == "voided":
        raise AlreadyVoided(f"{row.number} was voided already.", posting_id=str(row.void_posting_id))
    posting = await posting_for_update(work, caller, row.posting_id)
    posted, _ = await undo(work, caller, posting, order.reason, order.document)
    row.state, row.void_posting_id, row.void_reason = "voided", posted.draft.id, order.reason
    row.version += 1
    await work.session.flush()
    received = (await store.businesses_of(work.session, [row.id]))[row.id]
    lines = [Line(line.item, line.quantity, line.to_place, line.from_place, line.lot) for line in posted.lines]
    here = await known_by_code(work, (line.item for line in lines), [row.place])
    event = DistributionVoided(**_fact(row, lines, received, here), reason=order.reason)
    work.record(event, region=row.region)
    return _view(row, lines, Recipients(public=row.public_heads, businesses=received))


async def show(work: Work, caller: Caller, distribution_id: UUID) -> DistributionView:
    """Show a distribution; raises Absent (404), also for another region's."""
    row = await work.session.get(DistributionRow, distribution_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return (await _views(work, [row]))[0]


async def page(work: Work, caller: Caller, query: DistributionQuery) -> Page[DistributionView]:
    """List the distributions of the caller's regions, newest first."""
    regions = [
        or_(col(DistributionRow.region) == r, col(DistributionRow.region).startswith(f"{r}.")) for r in caller.regions
    ]
    question = select(DistributionRow).where(or_(false(), *regions))
    for column, wanted in (
        (DistributionRow.place, query.place),
        (DistributionRow.region, query.region),
        (DistributionRow.programme, query.programme),
    ):
        if wanted is not None:
            question = question.where(col(column) == wanted)
    if query.cursor:
        after = cursor.decode(query.cursor, tuple[datetime, UUID])
        question = question.where(tuple_(col(DistributionRow.occurred_at), col(DistributionRow.id)) < after)
    newest = (col(DistributionRow.occurred_at).desc(), col(DistributionRow.id).desc())
    rows = (await work.session.exec(question.order_by(*newest).limit(query.limit + 1))).all()
    views = {view.id: view for view in await _views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.occurred_at, row.id))


async def _views(work: Work, rows: Sequence[DistributionRow]) -> list[DistributionView]:
    received = await store.businesses_of(work.session, [row.id for row in rows])
    question = select(PostingLineRow).where(col(PostingLineRow.posting_id).in_([row.posting_id for row in rows]))
    lines: dict[UUID, list[Line]] = {}
    for line in await work.session.exec(question.order_by(col(PostingLineRow.line_no))):
        moved = Line(line.item, line.quantity, line.from_place, line.to_place, line.lot)
        lines.setdefault(line.posting_id, []).append(moved)
    return [
        _view(row, lines[row.posting_id], Recipients(public=row.public_heads, businesses=received[row.id]))
        for row in rows
    ]


def _view(row: DistributionRow, lines: Sequence[Line], recipients: Recipients) -> DistributionView:
    return DistributionView(
        id=row.id,
        number=row.number,
        state=row.state,
        programme=row.programme,
        place=row.place,
        region=row.region,
        occurred_at=shown(row.occurred_at),
        recorded_at=shown(row.recorded_at),
        document=row.document,
        lines=[line_view(line) for line in lines],
        recipients=Recipients(public=recipients.public, businesses=sorted(recipients.businesses)),
        posting_id=row.posting_id,
        void_posting_id=row.void_posting_id,
        void_reason=row.void_reason,
        version=row.version,
    )
