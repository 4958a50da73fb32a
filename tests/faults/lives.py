"""Services whose lives are short: begun, armed at a crash point, and known to have died there."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.faults.forked import NOWHERE, Kept
from tests.processes import ROOT, START_SECONDS_MAX

ANSWER_SECONDS_MAX = 120


class Lives:
    """One service, or the first start of an installation, that lives again after each death."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.pid = 0
        self.living = False

    async def begin(self, at: str = NOWHERE) -> None:
        """Fork a new life, which is to die at a point, or at none."""
        assert not self.living
        self.living = True
        await self._tell(f"live {at}")

    async def serves(self) -> None:
        """Wait until the life answers requests."""
        word, pid = (await self._next()).split()
        assert word == "serving", f"it {word} {pid} instead of serving"
        self.pid = int(pid)

    async def die_at(self, point: str) -> None:
        """Let the present life die when it next reaches a point."""
        await self._tell(point)
        assert await self._next() == "armed"

    async def death(self) -> int:
        """Wait until the life has ended, and give its exit code as Python has it: -9 for a kill."""
        while not (line := await self._next()).startswith("ended"):
            assert line.startswith("serving"), line
        self.living = False
        return int(line.split()[1])

    async def kill(self) -> None:
        """End the present life as `kill -9` does."""
        if self.living:
            os.kill(self.pid, signal.SIGKILL)
            await self.death()

    async def _tell(self, line: str) -> None:
        self._writer.write(f"{line}\n".encode())
        await self._writer.drain()

    async def _next(self) -> str:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            line = await self._reader.readline()
        assert line, "whoever keeps it is gone"
        return line.decode().strip()


class Nursery:
    """Where lives come from: one process that has imported everything."""

    def __init__(self, address: Path) -> None:
        self._address = address

    @asynccontextmanager
    async def lives(self, name: str, log: Path, environment: Mapping[str, str]) -> AsyncIterator[Lives]:
        """Give the lives of a service, or of a first start, on settings of its own."""
        reader, writer = await asyncio.open_unix_connection(str(self._address))
        lives = Lives(reader, writer)
        writer.write(msgspec.json.encode(Kept(name, dict(environment), str(log))))
        await writer.drain()
        assert await lives._next() == "kept"
        try:
            yield lives
        finally:
            writer.close()  # which ends the present life too


@asynccontextmanager
async def nursery(folder: Path) -> AsyncIterator[Nursery]:
    """Give a nursery in a folder with a short path, ended with the block."""
    address = folder / "nursery"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.forked", str(address), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            assert await process.stdout.readline() == b"ready\n"
        yield Nursery(address)
    finally:
        process.kill()
        await process.wait()
