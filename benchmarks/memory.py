"""How much memory one idle service holds, with all its parts running and nothing to do."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from tempfile import TemporaryDirectory

import psutil

from benchmarks.stage import free_port, ready
from shared.settings import SERVICES, Settings

SETTLE_SECONDS = 5
MEBIBYTE = 2**20


async def measure(settings: Settings) -> dict[str, float]:
    """Start each service by itself with everything it runs; gives the MiB that it holds when it has come to rest."""
    with TemporaryDirectory(prefix="serumpun-bytecode-") as bytecode:
        # An installed package has its bytecode; without it the compiler's memory would be measured too.
        made = {"PYTHONPYCACHEPREFIX": bytecode}
        await held(settings, SERVICES[0], made)
        return {service: await held(settings, service, made, SETTLE_SECONDS) for service in SERVICES}


async def held(settings: Settings, service: str, made: Mapping[str, str], settle_seconds: float = 0) -> float:
    """Start one service; gives the MiB that it holds so many seconds after it is ready."""
    port = free_port()
    environment = {
        **os.environ,
        "SERUMPUN_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "PORT": str(port),
        "LOG_LEVEL": "warning",
        **made,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own command; nothing is measured while it starts
        [sys.executable, "-m", "services.cli", "serve", service], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        await ready(port)
        await asyncio.sleep(settle_seconds)
        return float(psutil.Process(process.pid).memory_info().rss) / MEBIBYTE
    finally:
        process.terminate()
        process.wait(timeout=20)
