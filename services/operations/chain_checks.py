"""Whether the chains of postings are unbroken, and whether all that was ever signed of them still lies on them."""

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.aid_distribution.chain import audit as heads
from services.aid_distribution.chain.domain import PURPOSE, SignedHead
from services.aid_distribution.chain.handlers import SignedHeadView
from services.aid_distribution.ledger import chain_audit
from services.operations.findings import Finding, Steps, fault, warning
from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.settings import SettingInvalid, Settings

AID = "aid_distribution"
CURES = {
    chain_audit.BROKEN: "the journal was changed by hand: find what it was in a backup (docs/operating.md, chains)",
    chain_audit.HEAD: "postings were removed or added by hand: find them in a backup (docs/operating.md, chains)",
    heads.ON_CHAIN: "the journal was made anew: bring it back from a backup (docs/operating.md, chains)",
    heads.SIGNED: "it was not signed here, or with an earlier key (docs/operating.md, chains)",
}


class KeptHeads(msgspec.Struct, frozen=True):
    """What `GET /aid/chain` has answered once."""

    items: list[SignedHeadView]


def kept_heads(path: Path) -> list[SignedHead]:
    """Read heads that were kept outside; raises NotPossible when the file holds no answer of GET /aid/chain."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=KeptHeads)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotPossible(f"{path} holds no answer of GET /aid/chain: {error}") from error
    return [
        SignedHead(
            one.region,
            one.seq,
            bytes.fromhex(one.hash),
            one.signed_at,
            one.key_id,
            urlsafe_b64decode(f"{one.signature}=="),
        )
        for one in kept.items
    ]


async def chains(
    there: Installation, kept: Sequence[SignedHead], steps: Steps, checked: dict[str, int]
) -> list[Finding]:
    """Hash every posting anew and hold the signed heads against the chains, and those that were kept outside."""
    key = _key(there.settings)
    async with there.reading(AID) as session:
        checked["postings"] = await chain_audit.postings(session)
        checked["signed heads"] = await heads.count(session) + len(kept)
        advance = steps.begin("chains of postings", checked["postings"])
        wrong = [
            *await chain_audit.audit(session, advance),
            *await heads.audit(session, key),
            *await heads.judged(session, kept, key),
        ]
    found = [
        fault(one.check, f"{one.subject} in {AID}", f"expected {one.expected}, found {one.found}", CURES[one.check])
        for one in wrong
    ]
    if key is None:
        what = f"signatures were not checked: {there.settings.home} holds no keys"
        found.append(warning(heads.SIGNED, AID, what, "run it where the keys of the installation are"))
    return found


def _key(settings: Settings) -> Ed25519PublicKey | None:
    """Give our public key where the keys are; none are made here."""
    if not (settings.home / "keys" / "master.key").exists():
        return None
    try:
        return Vault(KeyStore(settings.home).master).signer(PURPOSE).public_key()
    except SettingInvalid as error:
        raise NotPossible(str(error)) from error
