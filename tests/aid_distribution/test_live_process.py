"""Real processes: one that is followed while offices post, and one that sweeps and is killed over it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from shared.caller import Role
from shared.database import Database
from shared.keys import KeyStore
from shared.tokens import issue_token
from tests.aid_distribution.served import READY
from tests.aid_distribution.story import MASKS, WAREHOUSE, ask
from tests.aid_distribution.test_alerts import level
from tests.conftest import Servers
from tests.following import Block, blocks
from tests.processes import Process, free_port
from tests.waiting import wait_until

POSTS = 120
OFFICES = 6
STOP_SECONDS_MAX = 20


@pytest_asyncio.fixture
async def running(
    database: Database, servers: Servers, tmp_path: Path
) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    urls = {f"{name}_DATABASE_URL": database.url for name in ("REGISTRATION", "AID_DISTRIBUTION", "NOTIFICATIONS")}
    port = free_port()
    process = Process(
        tmp_path, "together", log=tmp_path / "log", module="tests.aid_distribution.served",
        PORT=str(port), REDIS_URL=servers.redis_url, **urls,
    )  # fmt: skip
    token = issue_token(KeyStore(tmp_path), Role.REGENCY_OFFICER, ["19.71"], "officer-19.71", 1)
    process.start()
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    try:
        await process.says(READY)
        yield process, client
    finally:
        await client.aclose()
        await process.stop()


async def test_a_sweep_that_is_killed_is_made_up_for_by_the_next_process(
    database: Database, servers: Servers, tmp_path: Path
) -> None:
    await level(database)
    urls = {f"{name}_DATABASE_URL": database.url for name in ("REGISTRATION", "AID_DISTRIBUTION", "NOTIFICATIONS")}
    for crash_at in ("outbox.after_numbering", ""):
        process = Process(
            tmp_path, "worker", log=tmp_path / "log", module="tests.aid_distribution.served",
            PORT=str(free_port()), REDIS_URL=servers.redis_url, SERUMPUN_CRASH_AT=crash_at, **urls,
        )  # fmt: skip
        process.start()
        if crash_at:
            await wait_until(lambda process=process: process.exit_code, description="the process to die over a sweep")
            assert process.exit_code == -9
            assert await ask(database, "SELECT count(*) FROM alert") == [(0,)]
            continue

        async def told() -> bool:
            return await ask(database, "SELECT count(*) FROM outbox WHERE type = 'serumpun.stock.out.v1'") == [(1,)]

        try:
            await wait_until(told, description="the shelf to be told of")
            assert await ask(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == [(1,)]
        finally:
            await process.stop()


async def post(client: httpx.AsyncClient, number: int) -> str:
    lines = [{"item": MASKS, "quantity": 1}]
    at = datetime.now(UTC).isoformat()
    body = {"place": WAREHOUSE, "source": "supplier", "occurred_at": at, "lines": lines}
    answer = await client.post("/aid/receipts", json=body, headers={"Idempotency-Key": f"key-{number}"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_an_office_that_comes_back_again_and_again_hears_of_every_posting_once(
    running: tuple[Process, httpx.AsyncClient], database: Database
) -> None:
    _, client = running
    heard: list[Block] = []

    async def follow() -> None:
        position = (await client.get("/aid/live", params={"wait_seconds": 0})).text.partition("id: ")[2].split("\n")[0]
        following.set()
        while len(heard) < POSTS:
            async with client.stream("GET", "/aid/live", headers={"Last-Event-ID": position}) as answer:
                patience = 7
                async for block in blocks(answer):
                    if block.data:
                        heard.append(block)
                        position = block.id
                        patience -= 1
                    if not patience or len(heard) >= POSTS:
                        break

    async def post_some(numbers: range) -> list[str]:
        return [await post(client, number) for number in numbers]

    following = asyncio.Event()
    reader = asyncio.create_task(follow())
    await following.wait()
    posted = await asyncio.gather(*(post_some(range(office, POSTS, OFFICES)) for office in range(OFFICES)))
    await asyncio.wait_for(reader, 60)
    subjects = [block.data["subject"] for block in heard]
    assert sorted(map(str, subjects)) == sorted(f"posting/{one}" for some in posted for one in some)
    assert await ask(database, "SELECT count(*) FROM outbox") == [(POSTS,)]


@pytest.mark.parametrize("streams", [1, 20])
async def test_a_stop_is_not_held_up_by_those_who_follow(
    running: tuple[Process, httpx.AsyncClient], streams: int
) -> None:
    process, client = running
    begun = 0

    async def follow() -> list[Block]:
        nonlocal begun
        async with client.stream("GET", "/aid/live") as answer:
            stream = blocks(answer)
            greeting = await anext(stream)
            begun += 1
            return [greeting, *[block async for block in stream]]

    following = [asyncio.create_task(follow()) for _ in range(streams)]
    await wait_until(lambda: begun == streams, description="all to follow")
    seconds = await process.stop()
    assert seconds < STOP_SECONDS_MAX
    assert process.exit_code == 0
    assert [len(one) for one in await asyncio.gather(*following)] == [1] * streams, "each ended as a whole answer"
