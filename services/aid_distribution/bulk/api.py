"""Many orders in one request over HTTP."""

from collections.abc import Sequence

from services.aid_distribution.bulk import handlers
from services.aid_distribution.bulk.orders import BulkDone, BulkLine
from services.aid_distribution.ledger.domain import ShortOfStock, TooMuch
from shared.database import Work
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Asked, Routes

bulk = Routes("/aid", tag="Stock")


@bulk.post_lines("/bulk", Action.POST_IN_BULK, refusals=[ShortOfStock, TooMuch], rules=handlers.line_mistakes)
async def post_in_bulk(work: Work, asked: Sequence[Asked[BulkLine]]) -> Sequence[BulkDone | Refusal]:
    """Post many receipts, issues and transfers, a line each, with an answer for each line.

    A line's `key` makes its retry free: after a broken connection send the whole file again.
    """
    return await handlers.post_lines(work, asked)
