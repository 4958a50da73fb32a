"""What every provider that is spoken to over HTTP has in common: time-outs, and what each of its answers means."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import msgspec

from services.notifications.delivery.domain import (
    PROVIDER_ID_LENGTH_MAX,
    REPLY_LENGTH_MAX,
    Accepted,
    Deferred,
    Doubtful,
    Letter,
    Outcome,
    Reason,
    Refused,
    Repeatable,
)
from shared.clock import Clock

CONNECT_TIMEOUT_SECONDS: Final = 5.0
ANSWER_TIMEOUT_SECONDS: Final = 10.0
CONCURRENCY: Final = 32
KEYED_BATCH: Final = 200
RETRY_AFTER_MAX: Final = timedelta(hours=1)
ANSWER_BYTES_SHOWN: Final = REPLY_LENGTH_MAX
BAD_ADDRESS_STATUS: Final = 404


class Gateway:
    """Hands letters to a provider as JSON over HTTPS; what is posted, and what its answer says, its kinds know.

    Shape: `takes_key` says that a letter may be handed over again under its key and is taken once
    """

    name: str
    takes_key: bool = False
    concurrency: int = CONCURRENCY

    def __init__(
        self, url: str, clock: Clock, headers: dict[str, str], *, timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
    ) -> None:
        """Prepare the channel; nothing is opened yet."""
        self.batch = KEYED_BATCH if self.takes_key else self.concurrency
        self._url = url
        self._clock = clock
        self._headers = headers
        self._timeout = httpx.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS)
        self._client: httpx.AsyncClient | None = None

    def posted(self, letter: Letter) -> bytes:
        """Give what is posted for a letter, the same bytes at every attempt."""
        raise NotImplementedError

    def headers_of(self, _letter: Letter, _body: bytes) -> dict[str, str]:
        """Give the headers of one letter beside those of all."""
        return {}

    def accepted(self, answer: httpx.Response) -> Accepted:
        """Read the answer to a letter that was taken."""
        return Accepted(str(answer.status_code))

    async def open(self) -> None:
        """Make a client; connections are made when they are needed."""
        if self._client is None:
            limits = httpx.Limits(max_connections=self.concurrency, max_keepalive_connections=self.concurrency)
            self._client = httpx.AsyncClient(headers=self._headers, timeout=self._timeout, limits=limits)

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter: it is in doubt only when the request was sent and no answer came."""
        if self._client is None:
            return Deferred("not connected")
        body = self.posted(letter)
        headers = {"Content-Type": "application/json", **self.headers_of(letter, body)}
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Deferred(type(error).__name__)
        except httpx.HTTPError as error:
            lost = type(error).__name__
            return Repeatable(lost) if self.takes_key else Doubtful(lost)
        return self._meant(answer)

    def _meant(self, answer: httpx.Response) -> Outcome:
        if answer.is_success:
            return self.accepted(answer)
        reply = f"{answer.status_code} {_one_line(answer.text)}"[:REPLY_LENGTH_MAX]
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return Deferred(reply, due_at=_come_again(answer.headers.get("retry-after", ""), self._clock.now()))
        if answer.is_server_error or answer.status_code == httpx.codes.REQUEST_TIMEOUT:
            return Deferred(reply)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return Deferred(reply)  # our own token: no fault of the letter
        return Refused(reply, Reason.BAD_ADDRESS if answer.status_code == BAD_ADDRESS_STATUS else Reason.REFUSED)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def named(answer: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    """Read what a provider says of a letter that it has taken; None where it says something else."""
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError:
        return None


def provider_id(text: str) -> str | None:
    """Give the provider's name of a letter, if it is one that can be stored."""
    return text if 0 < len(text) <= PROVIDER_ID_LENGTH_MAX and text.isprintable() else None


def _come_again(told: str, now: datetime) -> datetime:
    """Read Retry-After, in seconds or as a date; without it, or with nonsense, a little later."""
    wait = timedelta(seconds=10)
    if told.isascii() and told.isdigit() and len(told) <= 6:  # noqa: PLR2004  more digits are more than days
        wait = timedelta(seconds=int(told))
    elif told:
        try:
            at = parsedate_to_datetime(told)
            wait = at - now if at.tzinfo else wait
        except ValueError:
            pass
    return now + min(max(wait, timedelta(seconds=1)), RETRY_AFTER_MAX)


def _one_line(words: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words[:ANSWER_BYTES_SHOWN]).split())
