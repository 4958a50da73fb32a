"""What can be read out of the ledger, over HTTP."""

from uuid import UUID

from services.aid_distribution.ledger import (
    explain,
    exports,
    papers,
    periods,
    stockouts,
    verification,
    verification_page,
)
from services.aid_distribution.ledger.explain import Explanation, ExplanationQuery
from services.aid_distribution.ledger.exports import CSV, XLSX, ExportQuery
from services.aid_distribution.ledger.movements import TooManyRows
from services.aid_distribution.ledger.paper import PDF
from services.aid_distribution.ledger.papers import PaperQuery
from services.aid_distribution.ledger.periods import PeriodQuery, PeriodView
from services.aid_distribution.ledger.stockouts import StockoutView
from services.aid_distribution.ledger.verification import VerifiedCard, VerifiedPosting
from shared.answers import Content
from shared.incoming import JSON
from shared.openapi import HTML
from shared.problems import Absent
from shared.public_page import asks_for_page
from shared.roles import Action
from shared.routes import PUBLIC_PAGES_PER_MINUTE, Call, Code, Page, Routes

reports = Routes("/aid", tag="Reports")


@reports.get("/periods", Action.SEE_STOCK)
async def list_periods(call: Call, query: PeriodQuery) -> Page[PeriodView]:
    """Say what each card held, took in, gave out and held at the end of some local days."""
    return await periods.periods(call.work, call.caller, query)


@reports.get("/stockouts", Action.SEE_STOCK)
async def list_stockouts(call: Call, query: PeriodQuery) -> Page[StockoutView]:
    """Say on which local days each item was out of stock at each place."""
    return await stockouts.stockouts(call.work, call.caller, query)


@reports.get("/explanations/{place}/{item}", Action.SEE_STOCK)
async def explain_figure(call: Call, place: Code, item: Code, query: ExplanationQuery) -> Explanation:
    """Say which postings make what lies at a place, with who posted them and on which paper."""
    return await explain.explain(call.work, call.caller, place, item, query)


@reports.get(
    "/cards/{place}/{item}/export",
    Action.SEE_STOCK,
    refusals=[TooManyRows],
    media={CSV: None, XLSX: None},
)
async def export_card(call: Call, place: Code, item: Code, query: ExportQuery) -> Content:
    """Give the movements of an item at a place as a file, as CSV or XLSX."""
    return await exports.export(call.work, call.caller, place, item, query)


@reports.get("/cards/{place}/{item}/paper", Action.SEE_STOCK, refusals=[TooManyRows], media={PDF: None})
async def print_card(call: Call, place: Code, item: Code, query: PaperQuery) -> Content:
    """Print the stock card (kartu stok) of an item at a place."""
    return await papers.card_paper(call, place, item, query)


@reports.get("/postings/{posting_id}/paper", Action.SEE_STOCK, media={PDF: None})
async def print_receipt(call: Call, posting_id: UUID) -> Content:
    """Print the receipt of a posting."""
    return await papers.receipt_paper(call, posting_id)


@reports.get(
    "/verify/{code}",
    Action.VERIFY_PAPER,
    media={HTML: None, JSON: VerifiedPosting | VerifiedCard},
    per_minute=PUBLIC_PAGES_PER_MINUTE,
)
async def verify_paper(call: Call, code: str) -> Content | VerifiedPosting | VerifiedCard:
    """Say whether a paper is true: a page for people, or JSON for who accepts that and no page."""
    found = await verification.verified(call.work, code)
    if asks_for_page(call.accept):
        return verification_page.page(found)
    if found is None:
        raise Absent
    return found
