"""The ledger over HTTP."""

from collections.abc import Sequence
from uuid import UUID

from services.aid_distribution.ledger import cards, handlers, lists, mistakes, packs, transfer_voids, transfers
from services.aid_distribution.ledger.cards import BalanceQuery, CardQuery, CatalogueQuery
from services.aid_distribution.ledger.catalogue import CodeTaken
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock, TooMuch
from services.aid_distribution.ledger.handlers import AlreadyReversed, NotReversible
from services.aid_distribution.ledger.lists import ReasonView, TransferQuery
from services.aid_distribution.ledger.mistakes import asked_of_leaves
from services.aid_distribution.ledger.orders import (
    AddItem,
    AddPack,
    AddPlace,
    BalanceView,
    CardEntryView,
    DispatchTransfer,
    IssueStock,
    ItemView,
    PackView,
    PlaceView,
    PostingView,
    ReceiveStock,
    ReceiveTransfer,
    ReversePosting,
    TransferView,
)
from services.aid_distribution.ledger.reserved_use import MoreThanReserved, ReservationEnded
from services.aid_distribution.ledger.returned import GoodsReturned
from services.aid_distribution.ledger.transfers import AlreadyReceived, DoesNotAddUp
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from shared.database import Work
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Asked, Call, Code, Page, Routes

catalogue = Routes("/aid", tag="Catalogue")
stock = Routes("/aid", tag="Stock")


@catalogue.post("/items", Action.CHANGE_CATALOGUE, refusals=[CodeTaken])
async def add_item(call: Call, body: AddItem) -> ItemView:
    """Make an item known."""
    return await handlers.add_item(call.work, body)


@catalogue.get("/items", Action.SEE_CATALOGUE)
async def list_items(call: Call, query: CatalogueQuery) -> Page[ItemView]:
    """List the items."""
    return await cards.items(call.work, query)


@catalogue.post("/items/{item}/packs", Action.CHANGE_CATALOGUE, refusals=[CodeTaken])
async def add_pack(call: Call, item: Code, body: AddPack) -> PackView:
    """Define a pack of an item: a box, a bale, a carton of so many base units."""
    return await packs.define(call.work, call.caller, item, body)


@catalogue.get("/items/{item}/packs", Action.SEE_CATALOGUE)
async def list_packs(call: Call, item: Code, query: CatalogueQuery) -> Page[PackView]:
    """List the packs of an item."""
    return await packs.page(call.work, item, query.cursor, query.limit)


@catalogue.post("/places", Action.CHANGE_CATALOGUE, refusals=[CodeTaken], rules=mistakes.place_mistakes)
async def add_place(call: Call, body: AddPlace) -> PlaceView:
    """Make a place known."""
    return await handlers.add_place(call.work, body)


@catalogue.get("/places", Action.SEE_CATALOGUE)
async def list_places(call: Call, query: CatalogueQuery) -> Page[PlaceView]:
    """List the places of your regions."""
    return await cards.places(call.work, call.caller, query)


@stock.post(
    "/receipts",
    Action.RECEIVE_STOCK,
    together=True,
    location="/aid/postings/{id}",
    refusals=[TooMuch],
    rules=asked_of_leaves(mistakes.receipt_mistakes),
)
async def receive_stock(work: Work, asked: Sequence[Asked[ReceiveStock]]) -> Sequence[PostingView | Refusal]:
    """Take goods into a place."""
    return await handlers.receive(work, asked)


@stock.post(
    "/issues",
    Action.ISSUE_STOCK,
    together=True,
    location="/aid/postings/{id}",
    refusals=[ShortOfStock],
    rules=asked_of_leaves(mistakes.issue_mistakes),
)
async def issue_stock(work: Work, asked: Sequence[Asked[IssueStock]]) -> Sequence[PostingView | Refusal]:
    """Take goods off a place: damaged, lost, expired, or for another reason."""
    return await handlers.issue(work, asked)


@stock.post(
    "/transfers",
    Action.TRANSFER_STOCK,
    together=True,
    location="/aid/transfers/{id}",
    refusals=[CountedSince, LotHeld, MoreThanReserved, ReservationEnded, ShortOfStock],
    rules=asked_of_leaves(mistakes.dispatch_mistakes),
)
async def dispatch_transfer(work: Work, asked: Sequence[Asked[DispatchTransfer]]) -> Sequence[TransferView | Refusal]:
    """Send goods from one place to another."""
    return await transfers.dispatch(work, asked)


@stock.get("/transfers", Action.SEE_STOCK)
async def list_transfers(call: Call, query: TransferQuery) -> Page[TransferView]:
    """List what is under way to and from your regions, and what was, the latest first."""
    return await lists.transfers(call.work, call.caller, query)


@stock.get("/reasons", Action.SEE_CATALOGUE)
async def list_reasons(call: Call) -> Page[ReasonView]:  # noqa: ARG001 - the same for everybody
    """List the reasons for which stock leaves, comes or differs, in Indonesian and English."""
    return lists.reasons()


@stock.get("/transfers/{transfer_id}", Action.SEE_STOCK)
async def show_transfer(call: Call, transfer_id: UUID) -> TransferView:
    """Show a transfer."""
    return await transfers.show(call.work, call.caller, transfer_id)


@stock.post(
    "/transfers/{transfer_id}/receipt",
    Action.TRANSFER_STOCK,
    location="/aid/transfers/{id}",
    refusals=[AlreadyReceived, AlreadyVoided, DoesNotAddUp, TooMuch],
    rules=asked_of_leaves(mistakes.arrival_mistakes),
)
async def receive_transfer(call: Call, transfer_id: UUID, body: ReceiveTransfer) -> TransferView:
    """Take in a transfer: what was accepted and what was rejected must equal what was dispatched."""
    return await transfers.arrive(call.work, call.caller, transfer_id, body)


@stock.post(
    "/transfers/{transfer_id}/void",
    Action.TRANSFER_STOCK,
    location="/aid/transfers/{id}",
    refusals=[AlreadyReceived, AlreadyVoided, CountedSince, NotReversible, TooMuch],
)
async def void_transfer(call: Call, transfer_id: UUID, body: VoidDocument) -> TransferView:
    """Take back a transfer that was posted in error, before it arrives."""
    return await transfer_voids.void(call.work, call.caller, transfer_id, body)


@stock.get("/postings/{posting_id}", Action.SEE_STOCK)
async def show_posting(call: Call, posting_id: UUID) -> PostingView:
    """Show a posting."""
    return await cards.posting(call.work, call.caller, posting_id)


@stock.post(
    "/postings/{posting_id}/reversal",
    Action.REVERSE_POSTING,
    location="/aid/postings/{id}",
    refusals=[AlreadyReversed, CountedSince, GoodsReturned, NotReversible, ShortOfStock, TooMuch],
)
async def reverse_posting(call: Call, posting_id: UUID, body: ReversePosting) -> PostingView:
    """Undo a posting that was a mistake."""
    return await handlers.reverse(call.work, call.caller, posting_id, body)


@stock.get("/balances", Action.SEE_STOCK)
async def list_balances(call: Call, query: BalanceQuery) -> Page[BalanceView]:
    """Say what lies where, now or as of a moment."""
    return await cards.balances(call.work, call.caller, query)


@stock.get("/cards/{place}/{item}", Action.SEE_STOCK)
async def show_card(call: Call, place: Code, item: Code, query: CardQuery) -> Page[CardEntryView]:
    """List the movements of an item at a place with the running balance."""
    return await cards.card(call.work, call.caller, place, item, query)
