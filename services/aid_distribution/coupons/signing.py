"""Coupons as signed words: a counter without a network can tell a real one, and nobody can make one.

A coupon is a compact JWS (RFC 7515, Ed25519): `{"alg":"Ed25519","typ":"coupon"}`, then
`{"m":market,"c":coupon,"n":serial,"p":packages,"s":slot}` with the ids as 22 letters of base64url, then the signature.
About 250 letters, a QR code of some 69 modules a side. It names no family.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TOKEN_LENGTH_MAX = 600
HEADER = b'{"alg":"Ed25519","typ":"coupon"}'
UUID_BYTES = 16


class _Words(msgspec.Struct, frozen=True, omit_defaults=True):
    m: str
    c: str
    n: Annotated[int, msgspec.Meta(ge=1)]
    p: Annotated[int, msgspec.Meta(ge=1)]
    s: int | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """What a coupon says; `market_id` is the market, or the round of coupons, that it is of."""

    market_id: UUID
    coupon_id: UUID
    serial: int
    packages: int
    slot: int | None


def write(coupon: Signed, key: Ed25519PrivateKey) -> str:
    """Give the words of a coupon with their signature."""
    words = _Words(
        _letters(coupon.market_id.bytes), _letters(coupon.coupon_id.bytes), coupon.serial, coupon.packages, coupon.slot
    )
    signed = f"{_letters(HEADER)}.{_letters(msgspec.json.encode(words))}"
    return f"{signed}.{_letters(key.sign(signed.encode()))}"


def read(token: str, key: Ed25519PublicKey) -> Signed | None:
    """Give what a coupon says, or None for words that this key has not signed as a coupon."""
    signed, _, signature = token.rpartition(".")
    header, _, words = signed.partition(".")
    try:
        if len(token) > TOKEN_LENGTH_MAX or _bytes(header) != HEADER:
            return None
        key.verify(_bytes(signature), signed.encode())
        said = msgspec.json.decode(_bytes(words), type=_Words)
        return Signed(UUID(bytes=_bytes(said.m)), UUID(bytes=_bytes(said.c)), said.n, said.p, said.s)
    except (ValueError, InvalidSignature):  # a word that is no base64, no JSON, no id
        return None


def public_letters(key: Ed25519PrivateKey) -> str:
    """Give the public half as a JWK has it in `x`."""
    return _letters(key.public_key().public_bytes_raw())


def _letters(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(letters: str) -> bytes:
    return urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
