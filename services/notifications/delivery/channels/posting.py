"""Posting to a provider over connections that are kept: with time-outs, and no more read than is of use.

It is loaded when a channel is opened, not when a service starts: an installation without providers never needs it.
"""

from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from services.notifications.delivery.channels.exchange import Answer, AnswerLost, NotSent

ANSWER_BYTES_MAX: Final = 64 * 1024
KEPT_SECONDS: Final = 5.0
"""How long an idle connection is kept: shorter than servers keep theirs, so that none is used as it is closed."""

NO_CONNECTION: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


class Line:
    """Connections to one address; an answer is never followed elsewhere, and no cookie is kept.

    Shape:  the proxy of the environment is used as it is when the line is made
    Source: docs/decisions/0069: what a request costs us here and elsewhere
    """

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        *,
        connections: int,
        connect_timeout_seconds: float,
        answer_timeout_seconds: float,
    ) -> None:
        """Prepare the line; connections are made when they are needed."""
        self._url = url
        self._proxy = _proxy_to(url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEPT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(
                total=connect_timeout_seconds + answer_timeout_seconds,  # also of an answer that comes in drops
                sock_connect=connect_timeout_seconds,
                sock_read=answer_timeout_seconds,
            ),
        )

    async def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Post once; raises NotSent, or AnswerLost when it may have been heard."""
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as answer:
                return Answer(answer.status, await _read(answer), answer.headers.get("Retry-After", ""))
        except NO_CONNECTION as error:
            raise NotSent(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AnswerLost(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in answer.content.iter_any():
        body += part
        if len(body) >= ANSWER_BYTES_MAX:
            break  # leaving it unread closes the connection
    return body[:ANSWER_BYTES_MAX]


def _proxy_to(url: str) -> str | None:
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
