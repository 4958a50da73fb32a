"""One who follows a live feed over a real connection, as a browser does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import msgspec


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a stream of server-sent events; `data` is read already."""

    id: str
    event: str
    data: dict[str, object]
    comment: str


def blocks_of(said: str) -> list[Block]:
    return [_block(block) for block in said.split("\n\n") if block]


def _block(block: str) -> Block:
    fields: dict[str, str] = {}
    for line in block.split("\n"):
        name, _, value = line.partition(": ")
        fields[name or "comment"] = value
    data = msgspec.json.decode(fields["data"]) if "data" in fields else {}
    return Block(fields.get("id", ""), fields.get("event", ""), data, fields.get("", fields.get("comment", "")))


async def blocks(answer: httpx.Response) -> AsyncIterator[Block]:
    """Give the blocks of a stream as they come."""
    rest = ""
    async for piece in answer.aiter_text():
        *whole, rest = (rest + piece).split("\n\n")
        for block in whole:
            yield _block(block)
