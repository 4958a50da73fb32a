"""An application behind the real HTTP server, for what only a real connection can show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from shared.telemetry import AsgiApp
from tests.processes import LOOPBACK, free_port
from tests.waiting import wait_until


@asynccontextmanager
async def served(app: AsgiApp) -> AsyncIterator[str]:
    """Serve an application on a port of its own and give its address."""
    port = free_port()
    server = Server(
        app, address=LOOPBACK, port=port, interface=Interfaces.ASGINL, http=HTTPModes.http1, websockets=False,
        log_enabled=False,
    )  # fmt: skip
    serving = asyncio.create_task(server.serve())
    url = f"http://{LOOPBACK}:{port}"
    async with httpx.AsyncClient() as client:

        async def answers() -> bool:
            try:
                return bool(await client.get(url))
            except httpx.TransportError:
                return False

        await wait_until(answers, description="the server to answer")
    try:
        yield url
    finally:
        server.stop()
        await asyncio.wait({serving}, timeout=5)
