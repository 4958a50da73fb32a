"""Questions about distributions: one of them, and the list."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from services.aid_distribution.distributions import store
from services.aid_distribution.distributions.orders import (
    DistributionQuery,
    DistributionView,
    Recipients,
    Share,
    distribution_view,
)
from services.aid_distribution.distributions.store import DistributionRow
from services.aid_distribution.ledger import lot_notes
from services.aid_distribution.ledger.domain import Line
from services.aid_distribution.ledger.store import PostingLineRow
from shared import cursor
from shared.caller import Caller
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page
from shared.within import within


async def show(work: Work, caller: Caller, distribution_id: UUID) -> DistributionView:
    """Show a distribution; raises Absent (404), also for another region's."""
    row = await work.session.get(DistributionRow, distribution_id)
    if row is None or not caller.sees(row.region):
        raise Absent
    return (await _views(work, [row]))[0]


async def page(work: Work, caller: Caller, query: DistributionQuery) -> Page[DistributionView]:
    """List the distributions of the caller's regions, newest first."""
    question = select(DistributionRow).where(within(col(DistributionRow.region), caller.regions))
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


async def recipients_of(work: Work, rows: Sequence[DistributionRow]) -> dict[UUID, Recipients]:
    """Say for each distribution who received, and what each as far as it was told."""
    ids = [row.id for row in rows]
    businesses, shares = await store.businesses_of(work.session, ids), await store.shares_of(work.session, ids)
    return {
        row.id: Recipients(
            public=row.public_heads,
            businesses=businesses[row.id],
            shares=[Share(business=one.business_id, item=one.item, quantity=one.quantity) for one in shares[row.id]],
        )
        for row in rows
    }


async def _views(work: Work, rows: Sequence[DistributionRow]) -> list[DistributionView]:
    received = await recipients_of(work, rows)
    question = select(PostingLineRow).where(col(PostingLineRow.posting_id).in_([row.posting_id for row in rows]))
    lines: dict[UUID, list[Line]] = {}
    for line in await work.session.exec(question.order_by(col(PostingLineRow.line_no))):
        moved = Line(line.item, line.quantity, line.from_place, line.to_place, line.lot)
        lines.setdefault(line.posting_id, []).append(moved)
    notes = await lot_notes.of_postings(work.session, [row.posting_id for row in rows])
    return [
        distribution_view(row, lines[row.posting_id], received[row.id], notes.get(row.posting_id, [])) for row in rows
    ]
