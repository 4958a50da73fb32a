"""Watching one thing go on: an outage of the store is waited out, and a defect is not taken for one."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from shared.caller import ANYBODY, Caller
from shared.database import Database
from shared.live.hub import Hub
from shared.live.watcher import Watcher
from shared.routes import Watched


class Rows(msgspec.Struct, frozen=True):
    rows: int


async def watched(store: Database, looks: Sequence[Watched | Exception]) -> list[bytes]:
    """Watch until it is over, while looking gives one after the other of these."""
    left = list(looks)

    async def look() -> Watched:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def may_go_on() -> Caller:
        return ANYBODY

    watcher = Watcher(Hub(store), look, may_go_on, after=0, wait_seconds=None, look_seconds=0)
    async with asyncio.timeout(30):
        return [piece async for piece in watcher.pieces(await look())]


def version(number: int, *, over: bool = False) -> Watched:
    return Watched(version=number, name="import.progress", body=Rows(number), over=over)


async def test_an_outage_is_waited_out_and_the_next_version_told(store: Database) -> None:
    told = await watched(store, [version(1), ConnectionRefusedError(), ConnectionRefusedError(), version(2, over=True)])
    assert [piece.partition(b"\n")[0] for piece in told] == [b"retry: 2000", b"id: 1", b"id: 2"]


async def test_a_defect_is_no_outage(store: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await watched(store, [version(1), ZeroDivisionError(), version(2, over=True)])
