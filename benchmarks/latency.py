"""From the post of a distribution to its notification in an inbox, on an idle system, as a client sees it."""

import asyncio
from datetime import UTC, datetime
from time import perf_counter

import httpx

from benchmarks import stage
from shared.settings import Settings

POSTS = 200
POLL_SECONDS = 0.002
WAIT_SECONDS_MAX = 10


async def measure(settings: Settings, posts: int) -> list[float]:
    """Post one distribution after the other; gives for each the milliseconds until the inbox has it."""
    headers = {"Authorization": f"Bearer {stage.token(settings)}"}
    async with (
        stage.serving(settings, "suite") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client,
    ):
        await _once(client)  # warm
        return [await _once(client) for _ in range(posts)]


async def _once(client: httpx.AsyncClient) -> float:
    order = {
        "programme": "free-masks",
        "place": "WH-PROV",
        "occurred_at": datetime.now(UTC).isoformat(),
        "lines": [{"item": "MASK-CLOTH", "quantity": 1}],
        "recipients": {"public": 1},
    }
    began = perf_counter()
    posted = await client.post("/aid/distributions", json=order)
    posted.raise_for_status()
    fact = f"distribution/{posted.json()['id']}"
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            inbox = await client.get("/notifications/inbox", params={"limit": 5})
            if any(message["fact"] == fact for message in inbox.json()["items"]):
                return (perf_counter() - began) * 1000
            await asyncio.sleep(POLL_SECONDS)
