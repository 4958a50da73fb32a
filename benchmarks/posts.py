"""Ledger posts over HTTP, two lines each and durable: group commit against one transaction for each request."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from benchmarks import load, stage
from shared.settings import Settings

CONNECTIONS = 64
REQUESTS_TOGETHER = 4_000
REQUESTS_ALONE = 1_000
PLACES = ("WH-19.01", "WH-19.02", "WH-19.03", "WH-19.04", "WH-19.05", "WH-19.06", "WH-19.71")


async def measure(settings: Settings, mode: str, scaled: Callable[[int], int], lines: int = 2) -> load.Outcome:
    """Post receipts to a fresh process of the service; gives what came of it."""
    requests = scaled(REQUESTS_TOGETHER if mode == "together" else REQUESTS_ALONE)
    token, order = stage.token(settings), receipts(lines)

    def make(_number: int) -> bytes:
        return load.post_bytes("/aid/receipts", token, order(), str(uuid4()))

    async with stage.serving(settings, mode) as port:
        await load.run(port, CONNECTIONS, scaled(CONNECTIONS * 4), make)  # warm: connections, statements, caches
        outcome = await load.run(port, CONNECTIONS, requests, make)
    if outcome.statuses != {201: requests}:
        raise RuntimeError(f"not every post was accepted: {outcome.statuses}")
    return outcome


def receipts(lines: int) -> Callable[[], bytes]:
    """Give what makes the bodies of receipts with one line or two."""
    choice = random.Random(2020)  # noqa: S311 - the same load in every run
    goods = ",".join(['{"item":"MASK-CLOTH","quantity":2}', '{"item":"SOAP-5L","quantity":1}'][:lines])

    def order() -> bytes:
        at = datetime.now(UTC).isoformat()
        place = choice.choice(PLACES)
        return f'{{"place":"{place}","source":"supplier","occurred_at":"{at}","lines":[{goods}]}}'.encode()

    return order
