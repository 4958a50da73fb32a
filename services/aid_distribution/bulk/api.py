"""Many orders in one request over HTTP."""

from collections.abc import Sequence

from services.aid_distribution.bulk import handlers
from services.aid_distribution.bulk.orders import BulkDone, BulkLine
from services.aid_distribution.coupons.domain import CouponUsed, RoundClosed
from services.aid_distribution.distributions.domain import MoreThanReceived
from services.aid_distribution.distributions.limit_rules import LimitReached
from services.aid_distribution.ledger.domain import (
    BookMoved,
    CountedSince,
    LotHeld,
    LotNeeded,
    ReservedNotCounted,
    ShortOfStock,
    TooMuch,
)
from services.aid_distribution.ledger.handlers import AlreadyReversed
from services.aid_distribution.ledger.returned import Origins
from services.aid_distribution.returns.domain import MoreThanMoved
from shared.database import Work
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Asked, Routes


def bulk(origins: Origins) -> Routes:
    """Give the route of many orders, for documents of these kinds whose goods come back."""
    routes = Routes("/aid", tag="Stock")

    @routes.post_lines(
        "/bulk",
        Action.POST_IN_BULK,
        refusals=[
            *(AlreadyReversed, BookMoved, CountedSince, CouponUsed, LimitReached, LotHeld, LotNeeded, MoreThanMoved),
            *(MoreThanReceived, ReservedNotCounted, RoundClosed, ShortOfStock, TooMuch),
        ],
        rules=handlers.line_mistakes,
    )
    async def post_in_bulk(work: Work, asked: Sequence[Asked[BulkLine]]) -> Sequence[BulkDone | Refusal]:
        """Post many receipts, issues, transfers, counts, distributions and returns, with an answer for each line.

        A line's `key` makes its retry free: after a broken connection send the whole file again.
        """
        return await handlers.post_lines(work, asked, origins)

    return routes
