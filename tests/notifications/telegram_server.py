"""Telegram's Bot API as a real server behind TLS, and the proxy by which this process reaches it: both on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "api.telegram.org"


@dataclass(slots=True)
class TelegramServer:
    """Takes messages of bots; `answers` are the statuses that come first, with what the Bot API says beside them."""

    folder: Path
    port: int = 0
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def authority(self) -> Path:
        """Give the file by which its certificate can be trusted."""
        return self.folder / "certificate.pem"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["TelegramServer"]:
        """Listen on a loopback port until the end of the block."""
        self._certify()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.authority, self.folder / "key.pem")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                asked = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
                assert asked[:2] == [b"CONNECT", f"{HOST}:443".encode()]
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await writer.drain()
                await writer.start_tls(tls)
                await self._answer(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                pass  # whoever does not trust the certificate hangs up
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-2])}
        body = msgspec.json.decode(await reader.readexactly(int(headers["content-length"])), type=dict[str, object])
        self.asked.append((head[0].split(" ")[1], body))
        status, description = self.answers.pop(0) if self.answers else (200, "")
        told = {"ok": True, "result": {}} if status == 200 else {"ok": False, "description": description}
        content = msgspec.json.encode(told)
        writer.write(f"HTTP/1.1 {status} Answer\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()

    def _certify(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        (self.folder / "key.pem").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        )
