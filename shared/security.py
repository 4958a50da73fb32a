"""From the Authorization header to a caller: our own tokens, API keys of machines, and tokens of an outside issuer."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from shared.api_keys import PREFIX, ApiKey, Lookup, parts
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.ended_sessions import IsEnded, ShownSession
from shared.keys import KeyStore, KeyUnusable
from shared.problems import Forbidden, Unauthenticated
from shared.settings import SettingInvalid, Settings
from shared.tokens import (
    AUDIENCE,
    ISSUER,
    ISSUER_ALGORITHMS,
    OF_PAGE,
    OWN_ALGORITHMS,
    Claims,
    caller_of,
    expiry,
    issue_token,
    life_left,
    read_unverified,
    refused,
    verified_claims,
)

if TYPE_CHECKING:
    from shared.oidc import IssuerKeys

__all__ = ["Authenticator", "KeyStore", "KeyUnusable", "issue_token"]

TOKEN_LENGTH_MAX = 8_192
REMEMBERED_MAX = 10_000
TOKEN_SECONDS_MAX = 300
"""A token is proved anew after this time, so that a key withdrawn by its issuer stops counting."""

SESSION_SECONDS_MAX = 5
"""A session of a page that was ended is refused by every process after this time, by the one that ended it at once."""

API_KEY_SECONDS_MAX = 5
"""A revoked API key is refused by every process after this time."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class PageToken:
    """A token that a page is given, and how long it counts."""

    token: str
    life: timedelta


class Authenticator:
    """Tell who makes a request, from its Authorization header alone.

    Raises: SettingInvalid when an issuer is configured without an audience, or with an address that is not protected
    """

    def __init__(
        self,
        settings: Settings,
        keys: KeyStore,
        api_keys_lookup: Lookup,
        is_ended: IsEnded,
        *,
        clock: Clock | None = None,
        role_claim: str = "role",
        regions_claim: str = "regions",
    ) -> None:
        if settings.oidc_issuer and not settings.oidc_audience:
            raise SettingInvalid("OIDC_AUDIENCE must be set when OIDC_ISSUER is: tokens for others would be accepted")
        self._keys = keys
        self._find_api_key = api_keys_lookup
        self._is_ended = is_ended
        self._clock = clock or Clock()
        self._issuer = _issuer_keys(settings.oidc_issuer) if settings.oidc_issuer else None
        self._issuer_audience = settings.oidc_audience or ""
        self._issuer_claims = (role_claim, regions_claim)
        self._verified: _Remembered[bytes, Caller] = _Remembered()
        self._api_keys: _Remembered[str, ApiKey | None] = _Remembered()

    async def authenticate(self, authorization: str | None) -> Caller:
        """Give the caller; its request id and trace are for the edge to fill in.

        Raises: Unauthenticated (401), and Unavailable (503) when an outside issuer is needed and away
        """
        token = _bearer(authorization)
        now = self._clock.now()
        if token.startswith(f"{PREFIX}_"):
            return await self._by_api_key(token, now)
        digest = _digest(token)
        known = self._verified.recall(digest, now.timestamp())
        return known[0] if known else await self._by_token(token, digest, now)

    def owner_token(self, owner_id: UUID, hours: float, *, of_page: bool = False) -> str:
        """Sign a token for an owner who has shown that they are one, perhaps as the session of a page."""
        return issue_token(self._keys, Role.OWNER, (), str(owner_id), hours, clock=self._clock, of_page=of_page)

    def shown_session(self, token: str | None) -> ShownSession | None:
        """Give the session that a token stands for; None where there is none, or it counts no more by itself."""
        try:
            claims = self._own_claims(token, self._clock.now()) if token else {}
        except Unauthenticated:
            return None
        if not (token and OF_PAGE in claims):
            return None
        return ShownSession(_digest(token), datetime.fromtimestamp(expiry(claims), UTC))

    def forget(self, shown: ShownSession) -> None:
        """Remember no more that a session was good: in this process it is refused from the next request on."""
        self._verified.drop(shown.mark)

    def page_token(self, caller: Caller, authorization: str | None, life_max: timedelta) -> PageToken:
        """Sign a token for a page of somebody who has just shown one of their own; it counts no longer than that one.

        Raises: Forbidden (403) for an API key, which is a machine's, and known to one service alone
        """
        token, now = _bearer(authorization), self._clock.now()
        if token.startswith(f"{PREFIX}_"):
            raise Forbidden("An API key is for machines; sign in with a token.")
        life = min(life_max, life_left(token, now))
        hours = life / timedelta(hours=1)
        signed = issue_token(
            self._keys, caller.role, caller.regions, caller.subject, hours, clock=self._clock, of_page=True
        )
        return PageToken(signed, life)

    async def close(self) -> None:
        """Close the connections to the issuer, if there is one."""
        if self._issuer:
            await self._issuer.close()

    async def _by_token(self, token: str, digest: bytes, now: datetime) -> Caller:
        shown = read_unverified(token)
        kept_seconds = TOKEN_SECONDS_MAX
        if shown.issuer == ISSUER:
            claims = self._own_claims(token, now)
            caller = caller_of(claims)
            if OF_PAGE in claims:
                kept_seconds = SESSION_SECONDS_MAX
                if await self._is_ended(digest):
                    raise refused("This session was ended.")
        elif self._issuer and shown.issuer == self._issuer.issuer and shown.algorithm in ISSUER_ALGORITHMS:
            claims = verified_claims(
                token,
                await self._issuer.key(shown, now),
                algorithms=ISSUER_ALGORITHMS,
                issuer=self._issuer.issuer,
                audience=self._issuer_audience,
                now=now,
            )
            role_claim, regions_claim = self._issuer_claims
            caller = caller_of(claims, role_claim=role_claim, regions_claim=regions_claim)
        else:
            raise refused("The token is not valid here.")
        self._verified.keep(digest, caller, min(expiry(claims), now.timestamp() + kept_seconds))
        return caller

    def _own_claims(self, token: str, now: datetime) -> Claims:
        return verified_claims(
            token, self._keys.verifying, algorithms=OWN_ALGORITHMS, issuer=ISSUER, audience=AUDIENCE, now=now
        )

    async def _by_api_key(self, token: str, now: datetime) -> Caller:
        if (pair := parts(token)) is None:
            raise refused("This is not an API key.")
        key_id, secret = pair
        if known := self._api_keys.recall(key_id, now.timestamp()):
            key = known[0]
        else:
            key = await self._find_api_key(key_id)
            self._api_keys.keep(key_id, key, now.timestamp() + API_KEY_SECONDS_MAX)
        if key is None or not key.opens(secret, now):
            raise refused("This API key is not valid, or not any more.")
        return key.caller


def _issuer_keys(issuer: str) -> "IssuerKeys":
    from shared.oidc import IssuerKeys  # noqa: PLC0415 - it draws in an HTTP client, 6 MB that most never need

    return IssuerKeys(issuer)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()  # of one length, however long the token


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send a token: `Authorization: Bearer <token>`.")
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii() or not token.isprintable():
        raise refused("This is not a token.")
    return token


K = TypeVar("K")


class _Remembered(Generic[K, V]):
    """What was found out a moment ago: at most REMEMBERED_MAX, the least used go first, none past its end."""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def recall(self, key: K, now_seconds: float) -> tuple[V] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until_seconds = entry
        if until_seconds <= now_seconds:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return (value,)

    def drop(self, key: K) -> None:
        self._entries.pop(key, None)

    def keep(self, key: K, value: V, until_seconds: float) -> None:
        self._entries[key] = (value, until_seconds)
        self._entries.move_to_end(key)
        if len(self._entries) > REMEMBERED_MAX:
            self._entries.popitem(last=False)
