"""The stage on which everything is measured: servers of its own, the demo province, services as processes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory

import httpx

from services import startup
from shared.caller import Role
from shared.keys import KeyStore
from shared.settings import Settings
from shared.tokens import issue_token

START_SECONDS_MAX = 30


@contextmanager
def staged() -> Iterator[Settings]:
    """Give settings of an installation that is thrown away afterwards."""
    with TemporaryDirectory(prefix="serumpun-bench-") as folder:
        Path(folder).chmod(0o755)
        settings = replace(Settings.from_env({}), home=Path(folder) / "home", log_level="warning")
        with startup.servers(settings, _quiet) as prepared:
            yield asyncio.run(startup.prepare(prepared.settings, _quiet))


def _quiet(_line: str) -> None:
    """A benchmark shows its figures, not how its stage was built."""


def token(settings: Settings, role: Role = Role.PROVINCE_STAFF) -> str:
    """Give a token of the demo's province."""
    return issue_token(KeyStore(settings.home), role, ["19"], "staff-19", 5)


@asynccontextmanager
async def serving(settings: Settings, mode: str) -> AsyncIterator[int]:
    """Run `benchmarks.server` as a process of its own; gives its port."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = os.environ | {
        "SERUMPUN_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "PORT": str(port),
    }
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own module; started once, before anything is measured
        [sys.executable, "-m", "benchmarks.server", mode], env=environment
    )
    try:
        await _ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


async def _ready(port: int) -> None:
    async with asyncio.timeout(START_SECONDS_MAX), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
