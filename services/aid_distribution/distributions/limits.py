"""Setting limits per recipient, ending them, and showing those that concern somebody."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from sqlmodel import col, or_, select

from services.aid_distribution.distributions.limit_rules import PERIOD_DAYS_MAX, TIMES_MAX
from services.aid_distribution.distributions.limit_store import RecipientLimitRow
from services.aid_distribution.ledger.known import known
from services.aid_distribution.ledger.orders import ItemCode, Order, Quantity
from services.aid_distribution.ledger.programmes import Programme
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Stale
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page, RegionCode

ONE_DAY = timedelta(days=1)


class SetLimit(Order, frozen=True, kw_only=True):
    """What one business may receive under a programme, by how often, by how much of one item, or by both.

    Shape: without an item it is about each item by itself; `valid_from` is today when it is left out
    """

    region: RegionCode
    programme: Annotated[Programme, msgspec.Meta(examples=["free-masks"])]
    item: ItemCode | None = None
    quantity_max: Annotated[Quantity | None, msgspec.Meta(examples=[50])] = None
    times_max: Annotated[int, msgspec.Meta(ge=1, le=TIMES_MAX)] | None = None
    period_days: Annotated[int, msgspec.Meta(ge=1, le=PERIOD_DAYS_MAX)] = 1
    valid_from: date | None = None
    valid_to: date | None = None


class EndLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last day of a limit; the day before its first takes it back as if it had never been."""

    valid_to: Annotated[date, msgspec.Meta(examples=["2099-12-31"])]


class LimitQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which limits to list, newest first: those of a programme, those that are valid on a day."""

    programme: Programme | None = None
    valid_on: date | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit per recipient."""

    id: UUID
    region: str
    programme: str
    item: str | None
    quantity_max: int | None
    times_max: int | None
    period_days: int
    valid_from: date
    valid_to: date | None
    document: str | None
    recorded_at: datetime
    version: int


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with a limit beside its shape: it limits nothing, ends too early, or is about what is not."""
    errors = []
    if "/quantity_max" not in leaves and "/times_max" not in leaves:
        errors.append(FieldError("/quantity_max", "missing", "Say how much, how often (times_max), or both."))
    begins, ends = leaves.get("/valid_from", wib_day(work.now)), leaves.get("/valid_to")
    if isinstance(begins, date) and isinstance(ends, date) and ends < begins:
        errors.append(FieldError("/valid_to", "before_valid_from", f"The limit begins on {begins}."))
    region, item = leaves.get("/region"), leaves.get("/item")
    if isinstance(region, str) and not work.caller.sees(region):
        errors.append(FieldError("/region", "unknown_region", f"There is no region {region}."))
    if item is not None and item not in (await known(work, [leaves])).items:
        errors.append(FieldError("/item", "unknown_item", f"There is no item {item}."))
    return errors


async def set_limit(work: Work, caller: Caller, order: SetLimit) -> LimitView:
    """Set a limit; raises Invalid (422)."""
    leaves = {f"/{name}": value for name, value in msgspec.structs.asdict(order).items() if value is not None}
    if errors := await mistakes(work, leaves):
        raise Invalid(errors)
    row = RecipientLimitRow(
        id=work.new_id(),
        region=order.region,
        programme=order.programme,
        item=order.item,
        quantity_max=order.quantity_max,
        times_max=order.times_max,
        period_days=order.period_days,
        valid_from=order.valid_from or wib_day(work.now),
        valid_to=order.valid_to,
        document=order.document,
        actor=caller.subject,
        recorded_at=work.now,
        version=1,
    )
    work.session.add(row)
    await work.session.flush()
    return _view(row)


async def end_limit(work: Work, caller: Caller, limit_id: UUID, version: int, order: EndLimit) -> LimitView:
    """End a limit, or let it go on longer; raises Absent (404), Stale (412), Invalid (422)."""
    row = await work.session.get(RecipientLimitRow, limit_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.version != version:
        raise Stale(f"This is version {row.version}.")
    if order.valid_to < row.valid_from - ONE_DAY:
        detail = f"At the earliest on {row.valid_from - ONE_DAY}, the day before it begins."
        raise Invalid([FieldError("/valid_to", "before_valid_from", detail)])
    row.valid_to, row.version = order.valid_to, row.version + 1
    await work.session.flush()
    return _view(row)


async def show_limit(work: Work, caller: Caller, limit_id: UUID) -> LimitView:
    """Show a limit that concerns a region of the caller's; raises Absent (404)."""
    row = await work.session.get(RecipientLimitRow, limit_id)
    if row is None or not (caller.sees(row.region) or row.region in _above(caller.regions)):
        raise Absent
    return _view(row)


async def limits(work: Work, caller: Caller, query: LimitQuery) -> Page[LimitView]:
    """List the limits that concern the caller's regions, also those that hold for more than these."""
    within = [col(RecipientLimitRow.region).startswith(f"{region}.") for region in caller.regions]
    concerns = or_(col(RecipientLimitRow.region).in_(_above(caller.regions)), *within)
    question = select(RecipientLimitRow).where(concerns)
    if query.programme is not None:
        question = question.where(col(RecipientLimitRow.programme) == query.programme)
    if query.valid_on is not None:
        valid_to = col(RecipientLimitRow.valid_to)
        question = question.where(col(RecipientLimitRow.valid_from) <= query.valid_on)
        question = question.where(or_(valid_to.is_(None), valid_to >= query.valid_on))
    if query.cursor:
        question = question.where(col(RecipientLimitRow.id) < cursor.decode(query.cursor, tuple[UUID])[0])
    rows = (await work.session.exec(question.order_by(col(RecipientLimitRow.id).desc()).limit(query.limit + 1))).all()
    return cursor.page(rows, query.limit, _view, lambda row: (row.id,))


def _above(regions: Sequence[str]) -> set[str]:
    """Give regions and all that they lie in."""
    parts = [region.split(".") for region in regions]
    return {".".join(steps[:length]) for steps in parts for length in range(1, len(steps) + 1)}


def _view(row: RecipientLimitRow) -> LimitView:
    return LimitView(
        id=row.id,
        region=row.region,
        programme=row.programme,
        item=row.item,
        quantity_max=row.quantity_max,
        times_max=row.times_max,
        period_days=row.period_days,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        document=row.document,
        recorded_at=shown(row.recorded_at),
        version=row.version,
    )
