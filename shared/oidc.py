"""The keys of an outside issuer of tokens, found by OpenID Connect discovery and kept until it changes them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from shared.logs import structlog
from shared.problems import Unavailable
from shared.settings import SettingInvalid
from shared.tokens import Unverified, refused

DISCOVERY_PATH = "/.well-known/openid-configuration"
FETCH_SECONDS_MAX = 3.0
CONNECT_SECONDS_MAX = 2.0
DOCUMENT_BYTES_MAX = 1_000_000
KEYS_MAX = 100
REFRESH_AFTER = timedelta(minutes=10)
"""A key that the issuer withdraws stops counting within this time."""

PAUSE = timedelta(seconds=30)
"""Tokens that name keys which do not exist cost the issuer at most one question in this time."""

PAUSE_AFTER_FAILURE = timedelta(seconds=10)
"""While the issuer is away, who needs it is told so at once, instead of waiting for one time-out after another."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


class _Unusable(Exception):
    """The issuer's answer cannot be used; said in the log, not to the caller."""


class IssuerKeys:
    """Give the public key that a token of the issuer names.

    Raises: SettingInvalid when the issuer's address could be listened to or changed on the way
    """

    def __init__(self, issuer: str) -> None:
        if not _protected(issuer):
            raise SettingInvalid(f"OIDC_ISSUER={issuer!r} must begin with https:// (http:// only on this machine)")
        self.issuer = issuer
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: datetime | None = None
        self._ask_again_at: datetime | None = None
        self._away = False
        self._fetching = asyncio.Lock()
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(FETCH_SECONDS_MAX, connect=CONNECT_SECONDS_MAX))

    async def key(self, token: Unverified, now: datetime) -> Key:
        """Find the key of a token, asking the issuer when it is not known yet.

        Raises: Unauthenticated (401) when the issuer has no such key, Unavailable (503) when it cannot be asked
        """
        if not self._fresh(now) or self._known(token) is None:
            async with self._fetching:  # those who waited here find what the first one brought
                if not self._fresh(now) or self._known(token) is None:
                    await self._refresh(now)
        if key := self._known(token):
            return key
        if self._away:
            raise Unavailable("The issuer of this token cannot be asked at the moment.")
        raise refused("The token is not valid here.")

    async def close(self) -> None:
        """Close the connections to the issuer."""
        await self._client.aclose()

    def _fresh(self, now: datetime) -> bool:
        return self._fetched_at is not None and now - self._fetched_at < REFRESH_AFTER

    def _known(self, token: Unverified) -> Key | None:
        if token.key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(token.key_id)

    async def _refresh(self, now: datetime) -> None:
        """Ask the issuer, unless that was done a moment ago; when it is away, the keys it gave last go on counting."""
        if self._ask_again_at is not None and now < self._ask_again_at:
            return
        try:
            async with asyncio.timeout(FETCH_SECONDS_MAX):
                self._keys = await self._fetch()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError, _Unusable) as error:
            log.warning("issuer_unusable", issuer=self.issuer, error=f"{type(error).__name__}: {error}")
            self._away, self._ask_again_at = True, now + PAUSE_AFTER_FAILURE
        else:
            self._away, self._ask_again_at, self._fetched_at = False, now + PAUSE, now

    async def _fetch(self) -> Mapping[str, Key]:
        found = msgspec.json.decode(await self._get(self.issuer.rstrip("/") + DISCOVERY_PATH), type=_Discovery)
        if found.issuer != self.issuer:
            raise _Unusable(f"the discovery document is that of {found.issuer!r}")
        if not _protected(found.jwks_uri):
            raise _Unusable(f"the address of the keys is not protected: {found.jwks_uri!r}")
        published = msgspec.json.decode(await self._get(found.jwks_uri), type=_KeySet).keys
        keys = [key for entry in published[:KEYS_MAX] if (key := _public_key(entry)) is not None]
        if not keys:
            raise _Unusable("no key that can prove a signature")
        return {str(key.kid): key for key in keys}

    async def _get(self, address: str) -> bytes:
        async with self._client.stream("GET", address, headers={"Accept": "application/json"}) as response:
            if response.status_code != httpx.codes.OK:
                raise _Unusable(f"{address} answered {response.status_code}")
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > DOCUMENT_BYTES_MAX:
                    raise _Unusable(f"{address} answered more than {DOCUMENT_BYTES_MAX} bytes")
        return bytes(content)


def _protected(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:
        return False


def _public_key(entry: Mapping[str, object]) -> Key | None:
    """Give a published key that may prove signatures; one of another kind, or one not understood, is passed over."""
    if entry.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(msgspec.convert(entry, dict[str, str | list[str]]))
        key.ensure_kid()
    except (JoseError, msgspec.ValidationError, ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
