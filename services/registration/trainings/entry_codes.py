"""The code that a participant shows at the door: a telephone without a network can tell a real one.

Shape: 97 bytes, as 130 letters of base64url: the form (1), the training (16), the ticket (16), and the Ed25519
       signature (64) over what stands before it. It names no person and no business; the ticket ends with the seat.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PURPOSE = "training entry codes"
FORM = b"\x01"
UUID_BYTES, SIGNATURE_BYTES = 16, 64
CODE_BYTES = len(FORM) + 2 * UUID_BYTES + SIGNATURE_BYTES
CODE_LENGTH = 130


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code says: the training, and the ticket of who takes part in it."""

    training_id: UUID
    ticket: UUID


def write(entry: Entry, key: Ed25519PrivateKey) -> str:
    """Give the letters of a code."""
    said = FORM + entry.training_id.bytes + entry.ticket.bytes
    return _letters(said + key.sign(said))


def read(code: str, key: Ed25519PublicKey) -> Entry | None:
    """Give what a code says, or None for letters that this key has not signed as an entry code."""
    try:
        raw = urlsafe_b64decode(code + "=" * (-len(code) % 4))
    except ValueError:
        return None
    # Written in one way only: base64 reads over foreign letters, and over the last bits of the last one.
    if len(raw) != CODE_BYTES or _letters(raw) != code or raw[:1] != FORM:
        return None
    said, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    try:
        key.verify(signature, said)
    except InvalidSignature:
        return None
    training, ticket = said[1 : 1 + UUID_BYTES], said[1 + UUID_BYTES :]
    return Entry(UUID(bytes=training), UUID(bytes=ticket))


def public_letters(key: Ed25519PrivateKey) -> str:
    """Give the public half as a JWK has it in `x`."""
    return _letters(key.public_key().public_bytes_raw())


def _letters(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
