"""What every provider that is spoken to over HTTP has in common: time-outs, and what each of its answers means."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from services.notifications.delivery.channels.exchange import Answer, AnswerLost, NotSent
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

if TYPE_CHECKING:
    from services.notifications.delivery.channels.posting import Line

CONNECT_TIMEOUT_SECONDS: Final = 5.0
ANSWER_TIMEOUT_SECONDS: Final = 10.0
CONCURRENCY: Final = 32
KEYED_BATCH: Final = 200
RETRY_AFTER_MAX: Final = timedelta(hours=1)
MISTRUSTED_REST: Final = timedelta(minutes=10)
"""How long a provider is left alone that does not take our own token: until somebody has put in another."""

NEVER_TAKEN: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
MISTRUSTED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
ANSWER_BYTES_SHOWN: Final = REPLY_LENGTH_MAX


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
        self._timeout_seconds = timeout_seconds
        self._line: Line | None = None

    def posted(self, letter: Letter) -> bytes:
        """Give what is posted for a letter, the same bytes at every attempt."""
        raise NotImplementedError

    def headers_of(self, _letter: Letter, _body: bytes) -> dict[str, str]:
        """Give the headers of one letter beside those of all."""
        return {}

    def accepted(self, answer: Answer) -> Accepted:
        """Read the answer to a letter that was taken."""
        return Accepted(str(answer.status))

    async def open(self) -> None:
        """Make a line; connections are made when they are needed."""
        if self._line is None:
            from services.notifications.delivery.channels.posting import Line  # noqa: PLC0415 - 5 MB, where none is used

            self._line = Line(
                self._url,
                {"Content-Type": "application/json", **self._headers},
                connections=self.concurrency,
                connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
                answer_timeout_seconds=self._timeout_seconds,
            )

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter: it is in doubt only when the request was sent and no answer came."""
        if self._line is None:
            return Deferred("not connected")
        body = self.posted(letter)
        try:
            answer = await self._line.post(body, self.headers_of(letter, body))
        except NotSent as error:
            return Deferred(str(error))
        except AnswerLost as error:
            return self._lost(str(error))
        return self._meant(answer)

    def _meant(self, answer: Answer) -> Outcome:
        """Read an answer: what a server says in trouble may come after it has taken the letter, but for two words."""
        if answer.is_yes:
            return self.accepted(answer)
        reply = f"{answer.status} {_one_line(answer.words)}"[:REPLY_LENGTH_MAX]
        if answer.status in NEVER_TAKEN and (answer.retry_after or answer.status == HTTPStatus.TOO_MANY_REQUESTS):
            return self._rest(reply, _come_again(answer.retry_after, self._clock.now()))
        if answer.status in NEVER_TAKEN:
            return Deferred(reply)
        if answer.status in MISTRUSTED:  # no fault of the letter, and the next would fare no better
            return self._rest(reply, MISTRUSTED_REST)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            return self._lost(reply)
        return Refused(reply, Reason.BAD_ADDRESS if answer.status == HTTPStatus.NOT_FOUND else Reason.REFUSED)

    def _rest(self, reply: str, rest: timedelta) -> Deferred:
        return Deferred(reply, self._clock.now() + rest, rest)

    def _lost(self, reply: str) -> Outcome:
        return Repeatable(reply) if self.takes_key else Doubtful(reply)

    async def close(self) -> None:
        """Close the connections."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()


def named(answer: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    """Read what a provider says of a letter that it has taken; None where it says something else."""
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError:
        return None


def provider_id(text: str) -> str | None:
    """Give the provider's name of a letter, if it is one that can be stored."""
    return text if 0 < len(text) <= PROVIDER_ID_LENGTH_MAX and text.isprintable() else None


def _come_again(told: str, now: datetime) -> timedelta:
    """Read Retry-After, in seconds or as a date; without it, or with nonsense, a little while."""
    wait = timedelta(seconds=10)
    if told.isascii() and told.isdigit() and len(told) <= 6:  # noqa: PLR2004  more digits are more than days
        wait = timedelta(seconds=int(told))
    elif told:
        try:
            at = parsedate_to_datetime(told)
            wait = at - now if at.tzinfo else wait
        except ValueError:
            pass
    return min(max(wait, timedelta(seconds=1)), RETRY_AFTER_MAX)


def _one_line(words: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words[:ANSWER_BYTES_SHOWN]).split())
