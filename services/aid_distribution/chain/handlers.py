"""What is done with heads: signed when they have moved, and shown to whoever keeps them outside."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.aid_distribution.chain import domain, store
from services.aid_distribution.chain.domain import PURPOSE, SignedHead, letters
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Page, RegionCode
from shared.telemetry import log

Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Signature = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\-]{86}$(?!\n)")]


class ChainQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of the regions to list."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class SignedHeadView(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a region's chain of postings, signed: keep it outside, and what it covers cannot be changed unseen.

    Shape:  `seq` is the number of the posting in its region's chain and `hash` its SHA-256; `signature` (Ed25519,
            base64url) is over the bytes of `statement`, with the key of this `key_id`
    """

    region: RegionCode
    seq: Annotated[int, msgspec.Meta(ge=1)]
    hash: Hash
    signed_at: datetime
    key_id: str
    signature: Signature
    statement: str


class ChainKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The public key that heads are checked with: as a JSON Web Key (RFC 8037), and as PEM for other tools."""

    kty: str
    crv: str
    alg: str
    x: str
    kid: str
    pem: str


async def sign_due(work: Work, apart: timedelta) -> int:
    """Sign each head that has moved since it was signed, at most once in so long; gives how many.

    A chain that does not hold any more what was signed of it is not signed: that would vouch for the change.
    """
    heads = await store.due(work.session, work.now - apart)
    for head in heads:
        if not head.extends:
            log.error("chain_not_signed", region=head.region, reason="the last signed head is not on the chain")
    key = work.vault.signer(PURPOSE)
    signed = [domain.signed(head.region, head.seq, head.hash, work.now, key) for head in heads if head.extends]
    if signed:
        await store.keep(work.session, signed)
    return len(signed)


async def signed_heads(work: Work, caller: Caller, query: ChainQuery) -> Page[SignedHeadView]:
    """List the last signed head of each of the caller's regions."""
    (after,) = cursor.decode(query.cursor, tuple[str]) if query.cursor else ("",)
    heads = await store.latest(work.session, caller.regions, after, query.limit + 1)
    return cursor.page(heads, query.limit, _view, lambda head: (head.region,))


def _view(head: SignedHead) -> SignedHeadView:
    return SignedHeadView(
        region=head.region,
        seq=head.seq,
        hash=head.hash.hex(),
        signed_at=shown(head.signed_at),
        key_id=head.key_id,
        signature=letters(head.signature),
        statement=head.statement,
    )


async def public_key(work: Work) -> ChainKeyView:
    """Give the key with which anybody checks a head."""
    key = work.vault.signer(PURPOSE).public_key()
    return ChainKeyView(
        kty="OKP",
        crv="Ed25519",
        alg="Ed25519",
        x=letters(key.public_bytes_raw()),
        kid=domain.key_id(key),
        pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )
