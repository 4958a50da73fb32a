"""Sales that were parked because no card held the goods: entered later, as their counter told them."""

from services.aid_distribution.exceptions.domain import Posting
from services.aid_distribution.exceptions.parking import Applier, asked_of, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.markets.orders import RecordSales, SaleEntry
from services.aid_distribution.markets.sales import enter as enter_sales
from services.aid_distribution.markets.uploads import HIDDEN, ParkedSale, of_counter
from shared.caller import Caller
from shared.database import Work
from shared.problems import Refusal


class SaleRefused(Refusal):
    """The market does not take this sale any more, for a reason other than stock."""

    code = "sale_refused"
    title = "This sale cannot be entered"


async def enter(work: Work, caller: Caller, row: ExceptionRow, document: str | None) -> Posting | Refusal:
    """Enter a sale that was parked; one whose goods are still on no card leaves nothing behind."""
    recorded = len(work.recorded)
    try:
        async with work.session.begin_nested():
            return await _enter(work, caller, row, document)
    except Refusal as refusal:
        del work.recorded[recorded:]
        return refusal


async def _enter(work: Work, caller: Caller, row: ExceptionRow, document: str | None) -> Posting:
    told, of_market = asked_of(row, ParkedSale, document), of_counter(row)
    entry = SaleEntry(**{name: getattr(told, name) for name in SaleEntry.__struct_fields__})
    order = RecordSales(counter=of_market.counter, entries=[entry], document=document)
    upload = await enter_sales(work, undated(caller), of_market.market_id, order)
    if entry.id in upload.short:
        raise upload.short[entry.id]
    sale = next((one for one in upload.written if one.id == entry.id), None)
    if sale is None or sale.posting_id is None or sale.number is None:
        outcome = upload.outcomes[entry.id]
        raise SaleRefused(outcome.detail or SaleRefused.title, reason=outcome.code)
    return Posting(sale.posting_id, sale.number)


SALES = Applier(enter, HIDDEN)
