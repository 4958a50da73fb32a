"""Signed tokens: making our own, and checking ours and an issuer's by the same strict rules."""

import secrets
from base64 import urlsafe_b64decode
from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key

from shared.caller import Caller, Role, caller_fault
from shared.clock import Clock
from shared.keys import KeyStore
from shared.problems import FieldError, Invalid, Unauthenticated

ISSUER = "serumpun"
AUDIENCE = "serumpun"
OWN_ALGORITHMS = ("Ed25519",)
"""EdDSA on this one curve, by the name that also fixes the curve (RFC 9864)."""

ISSUER_ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")
OF_PAGE = "page"
"""The claim of a token that is the session of a page: whether it was ended is asked, also where it is in the header."""

CLOCK_SKEW_SECONDS = 60
"""How far the clock of an issuer may be ahead of ours; it never lengthens the life of a token."""

FOREVER_SECONDS = 253_402_300_799.0
"""The end of the year 9999, so that an absurd expiry stays a number that can be compared."""

INVALID_TOKEN = {"WWW-Authenticate": 'Bearer error="invalid_token"'}

Claims = dict[str, object]


def _without_warning(name: str) -> JWSAlgModel:
    # The library warns of the name EdDSA at each use; issuers still use it, and no reader can act upon the warning.
    algorithm = copy(jws.JWSRegistry.algorithms[name])
    algorithm.security_warning = None
    return algorithm


class _Signatures(jws.JWSRegistry):
    """The signatures that exist here at all: `none` and every shared-secret algorithm are not even known."""

    algorithms = {name: _without_warning(name) for name in ISSUER_ALGORITHMS}  # noqa: RUF012 - declared by the library


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str | None = None
    crit: object = msgspec.UNSET


class _Payload(msgspec.Struct, frozen=True):
    iss: str


class _Life(msgspec.Struct, frozen=True):
    exp: float


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself: enough to choose the key that must prove it, and good for nothing else."""

    algorithm: str
    key_id: str | None
    issuer: str


def refused(reason: str) -> Unauthenticated:
    """Make the answer to a token that was shown and is not good."""
    return Unauthenticated(reason, headers=INVALID_TOKEN)


def issue_token(
    keys: KeyStore,
    role: Role,
    regions: Sequence[str],
    subject: str,
    hours: float,
    *,
    clock: Clock | None = None,
    of_page: bool = False,
) -> str:
    """Sign a token of our own; raises Invalid (422) when role and regions cannot go together.

    Shape: one that is `of_page` is the session of a page, which may be ended before its time
    """
    if fault := caller_fault(subject, role, regions):
        raise Invalid([FieldError("", "invalid_caller", fault)], fault)
    now = (clock or Clock()).now()
    claims: Claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=hours)).timestamp()),
        "jti": secrets.token_urlsafe(16),
        "role": role.value,
        "regions": list(regions),
        **({OF_PAGE: True} if of_page else {}),
    }
    header = {"alg": "Ed25519", "kid": keys.signing.kid}
    return jwt.encode(header, claims, keys.signing, registry=_Signatures(algorithms=OWN_ALGORITHMS))


def read_unverified(token: str) -> Unverified:
    """Read what a token says of itself; raises Unauthenticated (401) for anything that is not a signed token."""
    header, _, rest = token.partition(".")
    try:
        head = msgspec.json.decode(_segment(header), type=_Header)
        body = msgspec.json.decode(_segment(rest.partition(".")[0]), type=_Payload)
    except (ValueError, RecursionError) as error:  # a deep nest of brackets reaches the second
        raise refused("This is not a token.") from error
    if head.crit is not msgspec.UNSET:
        raise refused("The token asks for an extension that is not known here.")
    return Unverified(head.alg, head.kid, body.iss)


def _segment(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified_claims(
    token: str, key: Key, *, algorithms: Collection[str], issuer: str, audience: str, now: datetime
) -> Claims:
    """Give the claims of a token that this key has signed, for us, and that is valid now.

    Raises: Unauthenticated (401) for every other token, saying only what its holder may act upon
    """
    seconds = now.timestamp()
    rules = jwt.JWTClaimsRegistry(
        int(seconds),
        CLOCK_SKEW_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        # Headers that we do not know are allowed, as RFC 7515 wants; those marked critical were refused before.
        signatures = _Signatures(algorithms=algorithms, strict_check_header=False)
        claims: Claims = jwt.decode(token, key, registry=signatures).claims
        rules.validate(claims)
    except ExpiredTokenError as error:
        raise refused("The token has expired.") from error
    except (JoseError, ValueError, TypeError) as error:
        raise refused("The token is not valid here.") from error
    if expiry(claims) <= seconds:
        raise refused("The token has expired.")
    return claims


def life_left(token: str, now: datetime) -> timedelta:
    """Give how long a token, which was proved a moment ago, still counts."""
    body = msgspec.json.decode(_segment(token.split(".")[1]), type=_Life)
    return timedelta(seconds=min(body.exp, FOREVER_SECONDS) - now.timestamp())


def expiry(claims: Claims) -> float:
    """Give the moment, in seconds of the epoch, from which verified claims no longer count."""
    moment = claims["exp"]
    if not isinstance(moment, int | float):
        raise TypeError("exp was not checked")
    return min(moment, FOREVER_SECONDS)


def caller_of(claims: Claims, *, role_claim: str = "role", regions_claim: str = "regions") -> Caller:
    """Give the caller that verified claims describe; raises Unauthenticated (401) when they describe none."""
    subject, role, regions = claims.get("sub"), _role(claims.get(role_claim)), _regions(claims.get(regions_claim))
    if not isinstance(subject, str) or role is None or regions is None or caller_fault(subject, role, regions):
        raise refused("The token names no role and regions that are known here.")
    return Caller(subject, role, regions)


def _role(claim: object) -> Role | None:
    """Give the one role of ours that a claim names; an issuer may name others beside it."""
    named = claim if isinstance(claim, list) else [claim]
    ours = {role for role in Role if role.value in named}
    return ours.pop() if len(ours) == 1 else None


def _regions(claim: object) -> tuple[str, ...] | None:
    """Give the regions of a claim: a list, or text with spaces as in OAuth's own `scope`."""
    if claim is None:
        return ()
    named = claim.split() if isinstance(claim, str) else claim
    if not isinstance(named, list) or not all(isinstance(code, str) for code in named):
        return None
    return tuple(dict.fromkeys(named))
