"""The Apprise channel: Telegram and everything else that Apprise speaks, each reader by an address of their own."""

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from services.notifications.addresses import ANSWER_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS, receiver, service_of
from services.notifications.delivery.domain import Accepted, Deferred, Doubtful, Letter, Outcome, Reason, Refused
from shared.clock import Clock

if TYPE_CHECKING:
    from apprise import NotifyBase

CONCURRENCY: Final = 4
"""Fewer than the threads that Apprise has on any machine: what would wait for one could be in doubt and never sent."""

COME_AGAIN: Final = timedelta(minutes=1)
"""When to try again where a service says "too often": Apprise does not tell what it says of when."""

GRACE_SECONDS: Final = 2.0
STATUS: Final = re.compile(r"\berror=([1-5][0-9]{2})\b")
"""How Apprise tells the status of an answer; tests/notifications/test_apprise.py sees that it goes on doing so."""

NEVER_LEFT: Final = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "SSLCertVerificationError")
"""How requests names what ended before a word was said."""

NOT_THEIRS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
"""What a service says of a token or a room that is none: of this address alone, and not of the others."""


class Apprise:
    """Hands letters to whatever service the reader's address names; none of them knows our key.

    Shape: the only thing that Apprise itself says is yes or no; what a no means is read from what it tells beside it
    """

    name: Final = "apprise"
    concurrency: Final = CONCURRENCY
    batch: Final = CONCURRENCY

    def __init__(
        self, services: Sequence[str], clock: Clock, *, timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
    ) -> None:
        """Prepare the channel for the services that are allowed; nothing is loaded yet."""
        self._services = services
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def open(self) -> None:
        """Be ready: each letter has a connection of its own."""

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter, once."""
        # The first one loads some hundred services, which takes a second: nobody else waits for that.
        to = await asyncio.to_thread(receiver, letter.to, self._services)
        if to is None:
            return Refused("", Reason.BAD_ADDRESS)
        to.socket_read_timeout = self._timeout_seconds
        no = await self._no(to, letter)
        return Accepted(service_of(letter.to)) if no is None else self._meant(service_of(letter.to), no)

    async def _no(self, to: "NotifyBase", letter: Letter) -> str | None:
        """Give what Apprise tells of why a letter was not taken, which may hold the address; None where it was."""
        import apprise  # noqa: PLC0415 - it is loaded by now

        one = apprise.Apprise()
        one.add(to)
        result = await one.async_notify(
            body=letter.body,
            title=letter.title,
            body_format=apprise.NotifyFormat.TEXT,
            timeout=CONNECT_TIMEOUT_SECONDS + self._timeout_seconds + GRACE_SECONDS,
            log_level=logging.DEBUG,
        )
        try:
            return None if result else "\n".join(one.message for found in result.results for one in found.logs())
        finally:
            for found in result.results:
                found.close()

    def _meant(self, service: str, words: str) -> Outcome:
        """Read why a letter was not taken; what is not known for certain is a doubt."""
        statuses = [int(one) for one in STATUS.findall(words)]
        if not statuses:
            never_left = any(name in words for name in NEVER_LEFT)
            return Deferred(f"{service}: no connection") if never_left else Doubtful(f"{service}: no answer")
        status = statuses[-1]
        reply = f"{service}: {status}"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Deferred(reply, self._clock.now() + COME_AGAIN)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            return Deferred(reply)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return Doubtful(reply)
        return Refused(reply, Reason.BAD_ADDRESS if status in NOT_THEIRS else Reason.REFUSED)

    async def close(self) -> None:
        """Let go of nothing."""
