"""What people do about alerts: set the levels of their shelves, and read what is open."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.aid_distribution.alerts import store
from services.aid_distribution.alerts.domain import (
    EXPIRES_WITHIN_DAYS_DEFAULT,
    EXPIRES_WITHIN_DAYS_MAX,
    LevelExists,
    level_mistakes,
)
from services.aid_distribution.alerts.store import AlertRow, StockLevelRow
from services.aid_distribution.ledger.domain import QUANTITY_MAX
from services.aid_distribution.ledger.known import Known, known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.orders import ItemCode, Order, PlaceCode
from services.aid_distribution.ledger.usable import LeftOut
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid, Stale
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, Page, RegionCode

LowAt = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX - 1, examples=[500])]
OkAt = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX, examples=[800])]
Days = Annotated[int, msgspec.Meta(ge=1, le=EXPIRES_WITHIN_DAYS_MAX, examples=[30])]
KindName = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[a-z][a-z_]*$(?!\n)", examples=["low"])]


class SetLevel(Order, frozen=True, kw_only=True):
    """An alert is wanted when an item at a place falls to `low_at`, until there is more than `ok_at` again."""

    place: PlaceCode
    item: ItemCode
    low_at: LowAt
    ok_at: OkAt
    expires_within_days: Days | None = EXPIRES_WITHIN_DAYS_DEFAULT


class ChangeLevel(Order, frozen=True, kw_only=True):
    """What is new about a level; null for `expires_within_days` watches the lots no more."""

    low_at: LowAt | UnsetType = UNSET
    ok_at: OkAt | UnsetType = UNSET
    expires_within_days: Days | UnsetType | None = UNSET


class LevelView(msgspec.Struct, frozen=True, kw_only=True):
    """A level; who set it last, and when."""

    id: UUID
    place: str
    item: str
    region: str
    low_at: int
    ok_at: int
    expires_within_days: int | None
    actor: str
    changed_at: datetime
    version: int


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """An alert: `figure` is what was found when it was raised, `threshold` what it was held against.

    Shape: the figure of `low` and `out` is what could be handed out then: `expiring` of it within 30 days, and
           `left_out` lay there free and was not counted; both are null for other kinds
    """

    id: UUID
    kind: str
    state: str
    subject: str
    region: str
    place: str | None
    item: str | None
    lot: str | None
    figure: int | None
    threshold: int | None
    due_on: date | None
    expiring: int | None
    left_out: LeftOut | None
    raised_at: datetime
    cleared_at: datetime | None


class LevelQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which levels to list, by place and item."""

    place: Code | None = None
    item: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts to list, newest first."""

    state: Literal["open", "cleared"] | None = None
    kind: KindName | None = None
    region: RegionCode | None = None
    place: Code | None = None
    item: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


async def mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a level beside its shape."""
    return _mistakes(work, leaves, await known(work, [leaves]))


def _mistakes(work: Work, leaves: Leaves, here: Known) -> list[FieldError]:
    return [*order_mistakes(leaves, here, work.caller, work.now), *level_mistakes(leaves)]


async def set_level(work: Work, caller: Caller, order: SetLevel) -> LevelView:
    """Set the level of a shelf.

    Raises: Invalid (422), LevelExists (409) naming the one that there is
    """
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    if errors := _mistakes(work, leaves, here):
        raise Invalid(errors)
    row = StockLevelRow(
        id=work.new_id(),
        place=order.place,
        item=order.item,
        region=here.places[order.place].region,
        low_at=order.low_at,
        ok_at=order.ok_at,
        expires_within_days=order.expires_within_days,
        actor=caller.subject,
        changed_at=work.now,
        version=1,
    )
    statement = (
        insert(StockLevelRow).values(**row.model_dump()).on_conflict_do_nothing().returning(col(StockLevelRow.id))
    )
    if (await work.session.execute(statement)).one_or_none() is None:
        question = select(StockLevelRow).where(StockLevelRow.place == order.place, StockLevelRow.item == order.item)
        there = (await work.session.exec(question)).one()
        raise LevelExists(f"{order.item} at {order.place} has a level: change it.", level_id=str(there.id))
    await store.wake_sweeper(work.session)
    return _level(row)


async def change_level(work: Work, caller: Caller, level_id: UUID, version: int, order: ChangeLevel) -> LevelView:
    """Change a level; what is open is held against the new figures within about a second.

    Raises: Absent (404), Stale (412), Invalid (422)
    """
    row = await work.session.get(StockLevelRow, level_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    if row.version != version:
        raise Stale(f"It is at version {row.version} by now.")
    changes = {
        name: value
        for name in ("low_at", "ok_at", "expires_within_days")
        if (value := getattr(order, name)) is not UNSET
    }
    figures = {"/low_at": row.low_at, "/ok_at": row.ok_at} | {f"/{name}": value for name, value in changes.items()}
    if errors := level_mistakes(figures):
        raise Invalid(errors)
    for name, value in changes.items():
        setattr(row, name, value)
    row.actor, row.changed_at, row.version = caller.subject, work.now, row.version + 1
    await work.session.flush()
    await store.wake_sweeper(work.session)
    return _level(row)


async def show_level(work: Work, caller: Caller, level_id: UUID) -> LevelView:
    """Show a level; raises Absent (404), also for another region's."""
    row = await work.session.get(StockLevelRow, level_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return _level(row)


# Of one region and of all below it: the same as `Caller.sees`.
IN_REGIONS = (
    "EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) r"
    " WHERE {table}.region = r OR starts_with({table}.region, r || '.'))"
)
LEVELS = text(
    f"""
    SELECT * FROM stock_level l WHERE {IN_REGIONS.format(table="l")}
      AND (CAST(:place AS text) IS NULL OR l.place = :place) AND (CAST(:item AS text) IS NULL OR l.item = :item)
      AND (l.place, l.item) > (:after_place, :after_item)
    ORDER BY l.place, l.item LIMIT :limit
    """  # noqa: S608 - put together from our own text
)
ALERTS = text(
    f"""
    SELECT * FROM alert a WHERE {IN_REGIONS.format(table="a")}
      AND (CAST(:region AS text) IS NULL OR a.region = :region OR starts_with(a.region, :region || '.'))
      AND (CAST(:state AS text) IS NULL OR (a.cleared_at IS NULL) = (:state = 'open'))
      AND (CAST(:kind AS text) IS NULL OR a.kind = :kind)
      AND (CAST(:place AS text) IS NULL OR a.place = :place) AND (CAST(:item AS text) IS NULL OR a.item = :item)
      AND (CAST(:at AS timestamptz) IS NULL OR (a.raised_at, a.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY a.raised_at DESC, a.id DESC LIMIT :limit
    """  # noqa: S608 - as above
)


async def levels(work: Work, caller: Caller, query: LevelQuery) -> Page[LevelView]:
    """List the levels of the caller's regions by place and item."""
    after = cursor.decode(query.cursor, tuple[str, str]) if query.cursor else ("", "")
    values = {"regions": list(caller.regions), "place": query.place, "item": query.item, "limit": query.limit + 1}
    rows = await work.session.execute(LEVELS, values | {"after_place": after[0], "after_item": after[1]})
    found: Sequence[StockLevelRow] = [StockLevelRow(**row) for row in rows.mappings()]
    return cursor.page(found, query.limit, _level, lambda row: (row.place, row.item))


async def alerts(work: Work, caller: Caller, query: AlertQuery) -> Page[AlertView]:
    """List the alerts of the caller's regions, newest first."""
    at, alert_id = cursor.decode(query.cursor, tuple[datetime, UUID]) if query.cursor else (None, None)
    rows = await work.session.execute(
        ALERTS,
        {
            "regions": list(caller.regions),
            "region": query.region,
            "state": query.state,
            "kind": query.kind,
            "place": query.place,
            "item": query.item,
            "at": at,
            "id": alert_id,
            "limit": query.limit + 1,
        },
    )
    found: Sequence[AlertRow] = [AlertRow(**row) for row in rows.mappings()]
    return cursor.page(found, query.limit, _alert, lambda row: (row.raised_at, row.id))


def _level(row: StockLevelRow) -> LevelView:
    return msgspec.convert({**row.model_dump(), "changed_at": shown(row.changed_at)}, LevelView)


def _alert(row: AlertRow) -> AlertView:
    return msgspec.convert(
        {
            **row.model_dump(),
            "left_out": None if row.expired is None else LeftOut(expired=row.expired, held=row.held or 0),
            "state": "open" if row.cleared_at is None else "cleared",
            "raised_at": shown(row.raised_at),
            "cleared_at": row.cleared_at and shown(row.cleared_at),
        },
        AlertView,
    )
