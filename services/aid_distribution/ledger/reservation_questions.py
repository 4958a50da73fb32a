"""Questions about reservations: what is promised, what of it was used, and by which postings."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from services.aid_distribution.ledger import lot_notes, reserved
from services.aid_distribution.ledger.reservation_orders import (
    ReservationLineView,
    ReservationQuery,
    ReservationUseView,
    ReservationView,
    UseQuery,
)
from services.aid_distribution.ledger.reserved import ReservationRow, State, Use
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page
from shared.within import within

USES_SHOWN = 20
"""So many uses are shown with a reservation; whoever wants all of them asks for the pages."""


async def show(work: Work, caller: Caller, reservation_id: UUID) -> ReservationView:
    """Show a reservation; raises Absent (404), also for another region's."""
    row = await work.session.get(ReservationRow, reservation_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return await view(work, row)


async def page(work: Work, caller: Caller, query: ReservationQuery) -> Page[ReservationView]:
    """List the reservations at the places of the caller's regions, newest first."""
    region = col(ReservationRow.region)
    question = select(ReservationRow).where(within(region, caller.regions))
    for column, wanted in ((ReservationRow.place, query.place), (ReservationRow.state, query.state)):
        if wanted is not None:
            question = question.where(col(column) == wanted)
    key = (col(ReservationRow.reserved_at), col(ReservationRow.id))
    if query.cursor:
        question = question.where(tuple_(*key) < cursor.decode(query.cursor, tuple[datetime, UUID]))
    newest = question.order_by(*(one.desc() for one in key)).limit(query.limit + 1)
    rows = (await work.session.exec(newest)).all()
    views = {view.id: view for view in await _views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.reserved_at, row.id))


async def uses(work: Work, caller: Caller, reservation_id: UUID, query: UseQuery) -> Page[ReservationUseView]:
    """List what was taken out of a reservation, the earliest posting first; raises Absent (404) as above."""
    row = await work.session.get(ReservationRow, reservation_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    after = cursor.decode(query.cursor, tuple[UUID, str, str]) if query.cursor else None
    found = await reserved.uses_after(work.session, row.id, after, query.limit + 1)
    return cursor.page(found, query.limit, _use, lambda use: use.key)


def _use(use: Use) -> ReservationUseView:
    return ReservationUseView(
        posting_id=use.posting_id,
        item=use.item,
        lot=use.lot or None,
        quantity=use.quantity,
        returned=use.returned,
    )


async def view(work: Work, row: ReservationRow) -> ReservationView:
    """Show a reservation, after a change too."""
    (view,) = await _views(work, [row])
    return view


async def _views(work: Work, rows: Collection[ReservationRow]) -> list[ReservationView]:
    ids = [row.id for row in rows]
    lines = await reserved.lines_of(work.session, ids) if ids else {}
    found = await reserved.first_uses(work.session, ids, USES_SHOWN + 1) if ids else {}
    used = {one: cursor.page(theirs, USES_SHOWN, _use, lambda use: use.key) for one, theirs in found.items()}
    notes = await lot_notes.of_postings(work.session, [row.posting_id for row in rows]) if ids else {}
    return [
        ReservationView(
            id=row.id,
            number=row.number,
            state=State(row.state),
            place=row.place,
            region=row.region,
            purpose=row.purpose,
            training_id=row.training_id,
            document=row.document,
            reserved_at=shown(row.reserved_at),
            expires_at=shown(row.expires_at),
            wanted_on=row.wanted_on,
            ended_at=shown(row.ended_at) if row.ended_at else None,
            reason=row.reason,
            posting_id=row.posting_id,
            release_posting_id=row.release_posting_id,
            lines=[
                ReservationLineView(
                    item=line.item,
                    lot=line.lot or None,
                    quantity=line.quantity,
                    used=line.used,
                    released=line.released,
                    left=line.left,
                )
                for line in lines[row.id]
            ],
            lot_notes=notes.get(row.posting_id, []),
            uses=used[row.id].items,
            uses_next=used[row.id].next,
            version=row.version,
        )
        for row in rows
    ]
