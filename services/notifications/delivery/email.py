"""The email channel: one SMTP server, spoken to so exactly that it is always known whether a letter was taken.

SMTP takes no key, so a letter whose answer was lost may not be sent again. Everything before the content is certain;
only between the end of the content and the server's answer lies the doubt.
"""

import asyncio
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from services.notifications.delivery.domain import (
    Accepted,
    ChannelDown,
    Deferred,
    Doubtful,
    Letter,
    Outcome,
    Reason,
    Refused,
)
from shared.clock import shown
from shared.crashpoints import reach
from shared.settings import SettingInvalid, smtp_parts

CONNECT_TIMEOUT_SECONDS: Final = 10
COMMAND_TIMEOUT_SECONDS: Final = 15
"""Each answer is awaited for this long: a letter has four, so that all of them fit well into a lease."""

PERMANENT: Final = 500
PORTS: Final = {"smtp": 25, "smtps": 465}
SUBMISSION_PORT: Final = 587

# As the HTML standard has it for a field of type email. The parser of the standard library is not for the words of
# strangers: it takes more than servers do, and breaks on some garbage instead of refusing it.
ADDRESS: Final = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*",
    re.ASCII,
)
ADDRESS_LENGTH_MAX: Final = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the letters are handed in.

    Shape:  `start_tls` None means to protect the connection where the server can, True to insist on it
    """

    host: str
    port: int
    username: str | None
    password: str | None
    use_tls: bool
    start_tls: bool | None

    @classmethod
    def from_url(cls, url: str) -> "Server":
        """Read smtp://user:password@host:port or smtps://…; raises SettingInvalid, without the password."""
        parts = smtp_parts(url)
        username = unquote(parts.username) if parts.username else None
        over_tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (SUBMISSION_PORT if username and not over_tls else PORTS[parts.scheme]),
            username=username,
            password=unquote(parts.password or "") if username else None,
            use_tls=over_tls,
            # A password never crosses a network in the clear.
            start_tls=False if over_tls else True if username and not _loopback(parts.hostname or "") else None,
        )

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"  # a value that ends in a log shows no password


class Email:
    """Hands letters to an SMTP server, over one connection that is kept as long as it lasts."""

    name: Final = "email"

    def __init__(
        self,
        server: Server,
        sender: str,
        *,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        command_timeout_seconds: float = COMMAND_TIMEOUT_SECONDS,
    ) -> None:
        """Prepare the channel; raises SettingInvalid for a sender that is no address. Nothing is opened yet."""
        self._server = server
        self._connect_timeout_seconds = connect_timeout_seconds
        self._command_timeout_seconds = command_timeout_seconds
        self._from = _own_address(sender)
        self._smtp: SMTP | None = None

    async def open(self) -> None:
        """Make sure that there is a connection; raises ChannelDown when there can be none."""
        if self._smtp is not None and self._smtp.is_connected:
            try:
                await self._smtp.rset()
            except (SMTPException, OSError):
                await self.close()
            else:
                return
        await self.close()
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            timeout=self._connect_timeout_seconds,
        )
        try:
            await smtp.connect(username=server.username, password=server.password)
        except (SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise ChannelDown(_told(error)) from error
        self._smtp = smtp

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter, with the connection that `open` made."""
        recipient = _their_address(letter.to)
        if recipient is None:
            return Refused("", Reason.BAD_ADDRESS)
        if self._smtp is None:
            return Deferred("not connected")
        try:
            await self._smtp.mail(self._from.addr_spec, encoding="ascii", timeout=self._command_timeout_seconds)
            await self._smtp.rcpt(recipient.addr_spec, encoding="ascii", timeout=self._command_timeout_seconds)
        except SMTPResponseException as answer:
            return _said_no(answer)
        except (SMTPException, OSError) as error:
            await self.close()
            return Deferred(_told(error))
        reach("email.before_content")
        return await self._content(self._smtp, written(letter, self._from, recipient))

    async def _content(self, smtp: SMTP, content: bytes) -> Outcome:
        try:
            answer = await smtp.data(content, timeout=self._command_timeout_seconds)
        except SMTPResponseException as no:
            return _said_no(no)
        except (SMTPException, OSError) as error:
            await self.close()
            return Doubtful(_told(error))
        except asyncio.CancelledError:
            smtp.close()
            raise
        return Accepted(f"{answer.code} {answer.message}")

    async def close(self) -> None:
        """Take leave of the server, if it still listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            if smtp.is_connected:
                await smtp.quit(timeout=1)
        except (SMTPException, OSError):
            pass
        finally:
            smtp.close()


def written(letter: Letter, sender: Address, recipient: Address) -> bytes:
    """Give the letter as it goes over the wire: plain text in UTF-8, the same bytes and id at every attempt."""
    mail = EmailMessage(SMTP_POLICY)
    mail["Message-ID"] = f"<{letter.key}@{sender.domain}>"
    mail["Date"] = shown(letter.written_at)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = letter.title
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.body + "\n", charset="utf-8", cte="quoted-printable")
    mail["Content-Language"] = letter.language  # last: setting the content drops every header about the content
    return mail.as_bytes()


def _said_no(answer: SMTPResponseException) -> Outcome:
    """Read a refusal: 5xx is for good, everything else may be asked again."""
    reply = f"{answer.code} {_one_line(answer.message)}"
    return Refused(reply) if answer.code >= PERMANENT else Deferred(reply)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {_one_line(str(error))}"


def _one_line(words: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())


def _own_address(text: str) -> Address:
    name, spec = parseaddr(text)
    if not text.isprintable() or (address := _address(spec, name)) is None:
        raise SettingInvalid(f"MAIL_FROM={text!r} must be an address, such as Serumpun <serumpun@example.org>")
    return address


def _their_address(text: str) -> Address | None:
    return _address(text, "")


def _address(spec: str, name: str) -> Address | None:
    """Give an address that every server takes, or None; what is not ASCII would need an extension few have."""
    if len(spec) > ADDRESS_LENGTH_MAX or not ADDRESS.fullmatch(spec):
        return None
    username, _, domain = spec.partition("@")
    return Address(name, username, domain)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
