"""A real SMTP server in this process, which takes letters as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Answer = Callable[[SMTP, Envelope], Awaitable[str]]


class MailServer:
    """Keeps what it took in `letters`; `answers` are given one after the other to the next contents, then 250."""

    def __init__(self) -> None:
        self.port = 0
        self.letters: list[EmailMessage] = []
        self.seen: list[str] = []  # the id of everything whose content arrived, taken or not
        self.answers: list[str | Answer] = []
        self.refused: dict[str, str] = {}
        self.passwords: dict[bytes, bytes] = {}

    async def handle_RCPT(  # noqa: N802  the name is the library's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.seen.append(letter["Message-ID"])
        answer = self.answers.pop(0) if self.answers else "250 OK"
        said = answer if isinstance(answer, str) else await answer(server, envelope)
        if said.startswith("250"):
            self.letters.append(letter)
        return said

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=self.passwords.get(given.login) == given.password, handled=False)

    @asynccontextmanager
    async def serving(self, port: int = 0, *, socket: Path | None = None) -> AsyncIterator["MailServer"]:
        """Listen on a loopback port, a free one or the one given, or on a socket file, until the end of the block."""
        loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            return SMTP(
                self,
                hostname="mail.test",
                loop=loop,
                authenticator=self._authenticated,
                auth_required=bool(self.passwords),
                auth_require_tls=False,
            )

        if socket:
            server = await loop.create_unix_server(protocol, socket)
        else:
            server = await loop.create_server(protocol, "127.0.0.1", port)
            self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


async def hang_up(server: SMTP, envelope: Envelope) -> str:
    """Cut the line after the content has been taken, before any answer."""
    assert server.transport is not None
    server.transport.abort()
    return "250 OK"
