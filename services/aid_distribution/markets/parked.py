"""Sales that were parked because no card held the goods: entered later, as their counter told them.

The goods have left. So a sale whose coupon was used elsewhere meanwhile is entered as the double use that it is: its
goods leave the book, the counter stands beside the first one, the coupon is not used again and the seller claims
nothing for it. What the family or the market had no more of is entered when whoever settles it says why.
"""

from services.aid_distribution.exceptions.domain import Breach, Posting
from services.aid_distribution.exceptions.orders import ApplyException
from services.aid_distribution.exceptions.parking import Applier, asked_of, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.markets.domain import ALLOTMENT_EXHAUSTED, LIMIT_PER_FAMILY
from services.aid_distribution.markets.orders import RecordSales, SaleEntry
from services.aid_distribution.markets.sales import enter as enter_sales
from services.aid_distribution.markets.store import MarketSaleRow
from services.aid_distribution.markets.uploads import HIDDEN, ParkedSale, of_counter, why_not
from shared.caller import Caller
from shared.database import Work
from shared.problems import Refusal


async def enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting | Refusal:
    """Enter a sale that was parked; one whose goods are still on no card leaves nothing behind."""
    recorded = len(work.recorded)
    try:
        async with work.session.begin_nested():
            return await _enter(work, caller, row, how)
    except Refusal as refusal:
        del work.recorded[recorded:]
        return refusal


async def _enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting:
    told, of_market = asked_of(row, ParkedSale, how.document), of_counter(row)
    entry = SaleEntry(**{name: getattr(told, name) for name in SaleEntry.__struct_fields__})
    order = RecordSales(counter=of_market.counter, entries=[entry], document=how.document)
    upload = await enter_sales(
        work, undated(caller), of_market.market_id, order, breach_accepted=how.breach_accepted is not None
    )
    sale = next((one for one in upload.written if one.id == entry.id), None)
    if sale is None or sale.posting_id is None or sale.number is None:
        raise why_not(upload, entry.id)
    return Posting(sale.posting_id, sale.number, _breach(sale) if how.breach_accepted else None)


def _breach(sale: MarketSaleRow) -> Breach | None:
    beyond = {LIMIT_PER_FAMILY: sale.beyond_limit, ALLOTMENT_EXHAUSTED: sale.beyond_allotment}
    broken = [name for name, there in beyond.items() if there]
    return Breach(broken[0], " and ".join(broken)) if broken else None


SALES = Applier(enter, HIDDEN)
