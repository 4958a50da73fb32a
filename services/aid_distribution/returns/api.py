"""Returns over HTTP."""

from uuid import UUID

from services.aid_distribution.ledger.domain import CountedSince, ShortOfStock, TooMuch
from services.aid_distribution.ledger.handlers import AlreadyReversed, NotReversible
from services.aid_distribution.ledger.returned import Origins, ReturnSettled, SoldSince
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from services.aid_distribution.returns import handlers, voiding
from services.aid_distribution.returns.domain import MoreThanMoved
from services.aid_distribution.returns.orders import ReturnQuery, ReturnStock, ReturnView
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import Call, Page, Routes


def returns(origins: Origins, more: list[type[Refusal]]) -> Routes:
    """Give the routes of returns, for documents of these kinds, which may refuse with these as well."""
    routes = Routes("/aid/returns", tag="Returns")

    @routes.post(
        "",
        Action.RETURN_STOCK,
        location="/aid/returns/{id}",
        refusals=[AlreadyReversed, MoreThanMoved, ShortOfStock, TooMuch, *more],
        rules=handlers.mistakes,
    )
    async def return_stock(call: Call, body: ReturnStock) -> ReturnView:
        """Take goods back from the public, or give them back to whoever gave them."""
        return await handlers.give_back(call.work, call.caller, body, origins)

    @routes.get("", Action.SEE_STOCK)
    async def list_returns(call: Call, query: ReturnQuery) -> Page[ReturnView]:
        """List the returns of your regions, newest first."""
        return await handlers.page(call.work, call.caller, query)

    @routes.get("/{return_id}", Action.SEE_STOCK)
    async def show_return(call: Call, return_id: UUID) -> ReturnView:
        """Show a return."""
        return await handlers.show(call.work, call.caller, return_id)

    @routes.post(
        "/{return_id}/void",
        Action.RETURN_STOCK,
        location="/aid/returns/{id}",
        refusals=[AlreadyVoided, CountedSince, NotReversible, ReturnSettled, SoldSince, ShortOfStock, TooMuch],
    )
    async def void_return(call: Call, return_id: UUID, body: VoidDocument) -> ReturnView:
        """Take back a return that was posted in error."""
        return await voiding.void(call.work, call.caller, return_id, body, origins)

    return routes
