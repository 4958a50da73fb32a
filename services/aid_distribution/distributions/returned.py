"""Goods of a distribution that come back: counted against it, its programme's totals and the limits of its recipients.

The document stays as it was: what was handed out is history, and what came back stands beside it with a day of its own.
"""

from collections import Counter
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from services.aid_distribution.distributions.domain import MoreThanReceived
from services.aid_distribution.distributions.store import DistributionReturnRow, DistributionRow
from services.aid_distribution.ledger import handed_out
from services.aid_distribution.ledger.returned import GivenBack, Origin
from services.aid_distribution.ledger.store import PostingRow
from shared.caller import Caller
from shared.clock import wib_day
from shared.database import Work
from shared.problems import Absent, FieldError

RECEIVED = text(
    "SELECT s.item, s.quantity, s.returned FROM distribution_share s"
    " WHERE s.distribution_id = :distribution AND s.business_id = :business"
)
NAMED = text(
    "SELECT EXISTS (SELECT FROM distribution_business"
    " WHERE distribution_id = :distribution AND business_id = :business)"
)
OFF_SHARES = text(
    "UPDATE distribution_share s SET returned = s.returned + n.quantity"
    " FROM unnest(CAST(:items AS text[]), CAST(:quantities AS bigint[])) AS n(item, quantity)"
    " WHERE s.distribution_id = :distribution AND s.business_id = :business AND s.item = n.item"
)

FORGET = text("DELETE FROM distribution_return WHERE posting_id = :return")


async def _before(work: Work, _caller: Caller, posting: PostingRow, back: GivenBack) -> list[FieldError]:
    """Say what is wrong with who gave back; raises MoreThanReceived (409) where its share is known and smaller."""
    if back.business is None:
        return []
    about = await _about(work, posting, back.business)
    if not (await work.session.execute(NAMED, about)).scalar_one():
        return [FieldError("/business", "not_a_recipient", "That distribution does not name this business.")]
    shares = {row.item: row for row in await work.session.execute(RECEIVED, about)}
    over = [
        {"item": item, "received": row.quantity if row else 0, "returned": row.returned if row else 0, "asked": asked}
        for item, asked in (back.goods.items() if shares else ())
        if (row := shares.get(item)) is None or row.returned + asked > row.quantity
    ]
    if over:
        one = over[0]
        detail = f"{one['item']}: it received {one['received']} and gave {one['returned']} back already."
        raise MoreThanReceived(detail, lines=[*over])
    return []


async def _after(work: Work, _caller: Caller, posting: PostingRow, back: GivenBack) -> None:
    row = await _distribution(work, posting)
    work.session.add_all(
        DistributionReturnRow(
            posting_id=back.posting_id,
            item=item,
            returns=posting.id,
            day=wib_day(back.occurred_at),
            business_id=back.business,
            quantity=quantity,
        )
        for item, quantity in back.goods.items()
    )
    await work.session.flush()
    if back.business is not None:
        goods = {"items": list(back.goods), "quantities": list(back.goods.values())}
        await work.session.execute(OFF_SHARES, goods | await _about(work, posting, back.business))
    day = wib_day(row.occurred_at)
    await handed_out.give_back(
        work.session,
        Counter(
            {handed_out.Key(item, day, row.region, row.programme): quantity for item, quantity in back.goods.items()}
        ),
    )


async def _undo_before(work: Work, posting: PostingRow, back: GivenBack) -> None:
    """Nothing stands against it: whoever was handed the goods has them again."""


async def _undo_after(work: Work, posting: PostingRow, back: GivenBack) -> None:
    row = await _distribution(work, posting)
    await work.session.execute(FORGET, {"return": back.posting_id})
    if back.business is not None:
        goods = {"items": list(back.goods), "quantities": [-quantity for quantity in back.goods.values()]}
        await work.session.execute(OFF_SHARES, goods | await _about(work, posting, back.business))
    day = wib_day(row.occurred_at)
    less = {handed_out.Key(item, day, row.region, row.programme): -quantity for item, quantity in back.goods.items()}
    await handed_out.give_back(work.session, Counter(less))


async def _about(work: Work, posting: PostingRow, business: UUID) -> dict[str, object]:
    return {"distribution": (await _distribution(work, posting)).id, "business": business}


async def _distribution(work: Work, posting: PostingRow) -> DistributionRow:
    """Give the distribution of a posting; its lock is not needed, since whoever voids it waits for the posting's."""
    row = (await work.session.exec(select(DistributionRow).where(DistributionRow.posting_id == posting.id))).first()
    if row is None:
        raise Absent
    return row


DISTRIBUTED = Origin(_before, _after, _undo_before, _undo_after)
