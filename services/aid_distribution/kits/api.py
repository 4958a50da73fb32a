"""Kits over HTTP."""

from services.aid_distribution.kits import handlers
from services.aid_distribution.kits.domain import KitDefined, KitInItself
from services.aid_distribution.kits.orders import AssembleKits, DefineKit, KitQuery, KitView, UnpackKits
from services.aid_distribution.ledger.domain import ShortOfStock, TooMuch
from services.aid_distribution.ledger.mistakes import asked_of_leaves, order_mistakes
from services.aid_distribution.ledger.orders import PostingView
from shared.roles import Action
from shared.routes import Call, Code, Page, Routes

kits = Routes("/aid/kits", tag="Kits")


@kits.post(
    "",
    Action.DEFINE_KIT,
    refusals=[KitDefined, KitInItself],
    rules=handlers.define_mistakes,
)
async def define_kit(call: Call, body: DefineKit) -> KitView:
    """Say what goes into a kit."""
    return await handlers.define(call.work, call.caller, body)


@kits.get("", Action.SEE_CATALOGUE)
async def list_kits(call: Call, query: KitQuery) -> Page[KitView]:
    """List the kits and what goes into them."""
    return await handlers.page(call.work, query)


@kits.get("/{kit}", Action.SEE_CATALOGUE)
async def show_kit(call: Call, kit: Code) -> KitView:
    """Show a kit and what goes into it."""
    return await handlers.show(call.work, kit)


@kits.post(
    "/{kit}/assemblies",
    Action.ASSEMBLE_KITS,
    location="/aid/postings/{id}",
    refusals=[ShortOfStock, TooMuch],
    rules=asked_of_leaves(order_mistakes),
)
async def assemble_kits(call: Call, kit: Code, body: AssembleKits) -> PostingView:
    """Put kits together at a place: the components leave its stock, and the kits are in it."""
    return await handlers.assemble(call.work, call.caller, kit, body)


@kits.post(
    "/{kit}/unpackings",
    Action.ASSEMBLE_KITS,
    location="/aid/postings/{id}",
    refusals=[ShortOfStock, TooMuch],
    rules=asked_of_leaves(order_mistakes),
)
async def unpack_kits(call: Call, kit: Code, body: UnpackKits) -> PostingView:
    """Take kits apart at a place: they leave its stock, and their components are in it again."""
    return await handlers.unpack(call.work, call.caller, kit, body)
