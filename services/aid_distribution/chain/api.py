"""Signed heads over HTTP."""

from services.aid_distribution.chain import handlers
from services.aid_distribution.chain.handlers import ChainKeyView, ChainQuery, SignedHeadView
from shared.roles import Action
from shared.routes import Call, Page, Routes

chain = Routes("/aid/chain", tag="Chain of postings")


@chain.get("", Action.SEE_CHAIN)
async def list_signed_heads(call: Call, query: ChainQuery) -> Page[SignedHeadView]:
    """List the last signed head of the chain of postings of each of your regions, to be kept outside."""
    return await handlers.signed_heads(call.work, call.caller, query)


@chain.get("/key", Action.SEE_CHAIN_KEY)
async def show_chain_key(call: Call) -> ChainKeyView:
    """Give the public key with which anybody checks a signed head."""
    return await handlers.public_key(call.work)
