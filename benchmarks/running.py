"""What it takes to run: from a start with nothing to the first posted event, and the memory of a service at rest."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx

from benchmarks import memory as resting
from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage, free_port, ready, token
from shared.settings import SERVICES

STOP_SECONDS_MAX = 30


async def start(stage: Stage) -> list[Row]:
    """Start everything in an empty folder, as `make up` does when the dependencies are there."""
    with TemporaryDirectory(prefix="serumpun-bench-") as bytecode:
        # An installed package has its bytecode: the first start, which is not counted, makes it.
        made = {} if stage.quick else {"PYTHONPYCACHEPREFIX": bytecode}
        found = await stage.in_turns({"cold start": lambda: _first_event(stage, made)})
    return [
        Row(what="Cold `make up` to the first posted event", unit="s", figures=found["cold start"],
            budgets=(Budget(15, most=True),)),
    ]  # fmt: skip


async def _first_event(stage: Stage, made: Mapping[str, str]) -> float:
    with TemporaryDirectory(prefix="serumpun-bench-") as folder:
        Path(folder).chmod(0o755)
        home, began = Path(folder) / "home", perf_counter()
        async with _up({**made, "SERUMPUN_HOME": str(home)}) as port:
            order = {
                "programme": "free-masks",
                "place": "WH-PROV",
                "occurred_at": datetime.now(UTC).isoformat(),
                "lines": [{"item": "MASK-CLOTH", "quantity": 1}],
                "recipients": {"public": 1},
            }
            headers = {"Authorization": f"Bearer {token(replace(stage.settings, home=home))}"}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
                (await client.post("/aid/distributions", json=order)).raise_for_status()
            return perf_counter() - began


@asynccontextmanager
async def _up(given: Mapping[str, str]) -> AsyncIterator[int]:
    """Run `serumpun up` with servers of its own until the end of the block; gives its port when it is ready."""
    port = free_port()
    ours = ("DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in ours} | {**given, "PORT": str(port)}
    process = subprocess.Popen(  # noqa: ASYNC220 - our own command
        [sys.executable, "-m", "services.cli", "up"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        await ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS_MAX)


async def memory(stage: Stage) -> list[Row]:
    """Let each service run by itself and see what it holds at rest, which comes out the same each time."""
    if stage.quick:
        held = {SERVICES[0]: await resting.held(stage.settings, SERVICES[0], {})}
    else:
        held = await resting.measure(stage.settings)
    return [
        Row(what=f"Memory of an idle `serve {service}`, resident", unit="MiB", figures=[mebibytes],
            budgets=(Budget(120, most=True),))
        for service, mebibytes in held.items()
    ]  # fmt: skip
