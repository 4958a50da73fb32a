"""How it is seen that everything that was ever signed still lies on the chains, and was signed with our key.

Whoever cuts the end of a chain off, or makes all of it anew, has what was signed against them; and whoever removes that
as well has those against them that were kept outside.
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.chain import store
from services.aid_distribution.chain.domain import SignedHead, key_id
from services.aid_distribution.ledger.audit import Discrepancy

HEADS_PER_PAGE = 1_000
ON_CHAIN = "signed_head_is_on_chain"
SIGNED = "signed_head_is_signed"


async def count(session: AsyncSession) -> int:
    """Count the heads that were signed here."""
    return await store.count(session)


async def audit(session: AsyncSession, key: Ed25519PublicKey | None) -> list[Discrepancy]:
    """Hold every signed head against its chain, and against our key where it is at hand."""
    found: list[Discrepancy] = []
    after = ("", 0)
    while heads := await store.page(session, after, HEADS_PER_PAGE):
        found += await judged(session, heads, key)
        after = (heads[-1].region, heads[-1].seq)
    return found


async def judged(session: AsyncSession, heads: Sequence[SignedHead], key: Ed25519PublicKey | None) -> list[Discrepancy]:
    """Hold some signed heads, wherever they were kept, against their chains and our key."""
    there = await store.on_chain(session, heads)
    ours = key_id(key) if key else ""
    found: list[Discrepancy] = []
    for head in heads:
        subject = f"{head.region} number {head.seq} signed {head.signed_at.isoformat()}"
        hash_ = there.get((head.region, head.seq))
        if hash_ != head.hash:
            found.append(Discrepancy(ON_CHAIN, subject, head.hash.hex(), hash_.hex() if hash_ else "no posting"))
        if key is not None and not (head.key_id == ours and head.holds(key)):
            found.append(Discrepancy(SIGNED, subject, f"signed with the key {ours}", f"not with it ({head.key_id})"))
    return found
