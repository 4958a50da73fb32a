"""What is signed of the head of a chain, and how it is checked by whoever holds the public key.

The signature (Ed25519) is over one line of text, so that it can be checked with any tool, for years:
`serumpun-chain-head/1 <region> <number in the chain> <hash in hex> <moment in UTC>`, without a line break.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PURPOSE = "chain head"
"""Under which the key is derived from the master key, for nothing else."""

FORM = "serumpun-chain-head/1"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Where a region's chain had come to, and who says so."""

    region: str
    seq: int
    hash: bytes
    signed_at: datetime
    key_id: str
    signature: bytes

    @property
    def statement(self) -> str:
        """Give the text that is signed."""
        return _statement(self.region, self.seq, self.hash, self.signed_at)

    def holds(self, key: Ed25519PublicKey) -> bool:
        """Tell whether it was signed with this key."""
        try:
            key.verify(self.signature, self.statement.encode())
        except InvalidSignature:
            return False
        return True


def signed(region: str, seq: int, hash_: bytes, at: datetime, key: Ed25519PrivateKey) -> SignedHead:
    """Sign the head of a chain as of a moment, to the second."""
    at = at.astimezone(UTC).replace(microsecond=0)
    signature = key.sign(_statement(region, seq, hash_, at).encode())
    return SignedHead(region, seq, hash_, at, key_id(key.public_key()), signature)


def key_id(key: Ed25519PublicKey) -> str:
    """Give the name of a key: its thumbprint (RFC 7638), which anybody can work out from the key itself."""
    words = f'{{"crv":"Ed25519","kty":"OKP","x":"{letters(key.public_bytes_raw())}"}}'
    return letters(sha256(words.encode()).digest())


def letters(raw: bytes) -> str:
    """Give bytes as base64url without an end, as JSON Web Keys have them."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _statement(region: str, seq: int, hash_: bytes, at: datetime) -> str:
    return f"{FORM} {region} {seq} {hash_.hex()} {at.astimezone(UTC).isoformat()}"
