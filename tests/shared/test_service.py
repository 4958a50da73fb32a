"""A service is composed of parts that live and end together, whatever happens to one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from shared.caller import Role
from shared.contracts.envelope import Envelope
from shared.database import Database
from shared.security import KeyStore, issue_token
from shared.service import PARTS, PREFIXES, Application, Runtime, Service, build
from shared.settings import SERVICES, SettingInvalid, Settings
from tests.conftest import Databases, Servers
from tests.shared import notes
from tests.shared.backbone import SOURCE, execute, published
from tests.shared.notes import HELD_BY, count
from tests.waiting import SECONDS_MAX, wait_until

NOTE = {"text": "Rice"}


@pytest.fixture
async def own(databases: Databases) -> Database:
    database = await databases(notes.SERVICE.name)
    await execute(database, notes.NOTE_TABLE)
    return database


@pytest.fixture
def settings(own: Database, servers: Servers, redis: Redis, tmp_path: Path) -> Settings:
    urls = {notes.SERVICE.name: own.url}
    return replace(Settings.from_env({}), home=tmp_path, database_urls=urls, redis_url=servers.redis_url)


@asynccontextmanager
async def client_of(
    app: Application, home: Path, role: Role = Role.REGENCY_OFFICER
) -> AsyncIterator[httpx.AsyncClient]:
    regions = ("19.71",) if role is Role.REGENCY_OFFICER else ("19",)
    token = issue_token(KeyStore(home), role, regions, f"{role}-1", 1)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client


async def spoken(app: Application, *orders: str) -> list[dict[str, Any]]:
    """Lead an application through the ASGI lifespan and give what it answers."""
    waiting = [{"type": f"lifespan.{order}"} for order in orders]
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        answers.append(dict(message))

    await app({"type": "lifespan"}, receive, send)
    return answers


async def test_a_start_and_a_stop_are_answered(settings: Settings) -> None:
    answers = await spoken(build(notes.SERVICE, settings), "startup", "shutdown")
    assert [answer["type"] for answer in answers] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_another_number_of_partitions_than_was_installed_is_refused_at_the_start(settings: Settings) -> None:
    app = build(notes.SERVICE, replace(settings, partitions=8))
    answers: list[dict[str, Any]] = []
    with pytest.raises(ValueError, match="PARTITIONS"):
        answers += await spoken(app, "startup", "shutdown")
    assert answers == []


@pytest.mark.parametrize("missing", [{"database_urls": {}}, {"redis_url": None}], ids=["database", "redis"])
def test_a_service_without_a_server_says_so_before_it_starts(settings: Settings, missing: dict[str, Any]) -> None:
    with pytest.raises(SettingInvalid, match="serumpun servers"):
        build(notes.SERVICE, replace(settings, **missing))


async def test_what_a_process_does_not_run_does_not_happen(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    api = build(notes.SERVICE, settings, {"api"})
    async with api.lifespan(), client_of(api, tmp_path) as client:
        assert (await client.post("/notes", json=NOTE)).status_code == 201
    assert not any((await published(redis)).values()), "nobody carried it to Redis"
    relay = build(notes.SERVICE, settings, {"relay"})
    async with relay.lifespan(), client_of(relay, tmp_path) as client:

        async def carried() -> bool:
            return any((await published(redis)).values())

        await wait_until(carried, description="the other process to carry the event")
        assert (await client.post("/notes", json=NOTE)).status_code == 404
        assert (await client.get("/notes/docs")).status_code == 404
        assert (await client.get("/livez")).status_code == 200


async def test_a_part_that_fails_begins_anew_and_the_others_do_not_notice(settings: Settings, tmp_path: Path) -> None:
    begun: list[str] = []
    recovered = asyncio.Event()

    async def failing(runtime: Runtime) -> None:
        begun.append(runtime.name)
        if len(begun) < 3:
            raise ArithmeticError("no good")
        recovered.set()
        await asyncio.Event().wait()

    app = build(replace(notes.SERVICE, workers=(failing,)), settings)
    async with app.lifespan(), client_of(app, tmp_path) as client:
        await asyncio.wait_for(recovered.wait(), SECONDS_MAX)
        assert (await client.post("/notes", json=NOTE)).status_code == 201
    assert begun == [notes.SERVICE.name] * 3


async def test_a_stop_ends_every_part(settings: Settings) -> None:
    begun: list[str] = []
    ended: list[str] = []

    def worker(name: str) -> Any:
        async def work(_runtime: Runtime) -> None:
            begun.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(name)

        return work

    before = asyncio.all_tasks()
    async with build(replace(notes.SERVICE, workers=(worker("a"), worker("b"))), settings).lifespan():
        await wait_until(lambda: len(begun) == 2, description="the parts to run")
    assert sorted(ended) == ["a", "b"]

    async def nothing_left() -> bool:
        return not [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]

    await wait_until(nothing_left, description="every task to end")


async def test_a_stop_waits_for_the_requests_that_were_taken_in(
    own: Database, settings: Settings, tmp_path: Path
) -> None:
    app = build(notes.SERVICE, settings, {"api"})
    async with client_of(app, tmp_path) as client:
        living = app.lifespan()
        await living.__aenter__()
        async with own.engine.connect() as other:
            await other.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": HELD_BY})
            request = asyncio.create_task(client.post("/notes/together", json=NOTE))
            waiting = text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = :lock"
            )

            async def held() -> bool:
                return bool((await other.execute(waiting, {"lock": HELD_BY})).scalar_one())

            await wait_until(held, description="the request to be in its transaction")
            stopping = asyncio.create_task(living.__aexit__(None, None, None))
            await asyncio.wait({stopping}, timeout=0.3)
            assert not stopping.done()
            await other.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": HELD_BY})
        await asyncio.wait_for(stopping, SECONDS_MAX)
        assert (await request).status_code == 201
    assert await count(own) == 1


def test_every_service_answers_under_the_path_that_the_others_know() -> None:
    declared: list[Service] = [import_module(f"services.{name}.main").SERVICE for name in SERVICES]
    assert {service.name: service.prefix for service in declared} == PREFIXES
    for service in declared:
        assert all(route.path.startswith(f"{service.prefix}/") for route in service.declared)


# The feed


async def test_the_feed_gives_the_events_of_a_partition_by_number(settings: Settings, tmp_path: Path) -> None:
    app = build(notes.SERVICE, settings, {"api"})
    async with app.lifespan(), client_of(app, tmp_path) as officer, client_of(app, tmp_path, Role.SERVICE) as peer:
        made = [(await officer.post("/notes", json={"text": str(number)})).json()["id"] for number in range(20)]
        events = []
        for partition in range(4):
            answer = await peer.get(f"/notes/events/{partition}")
            assert answer.headers["content-type"] == "application/x-msgpack"
            found = msgspec.msgpack.decode(answer.content, type=list[Envelope])
            assert [event.seq for event in found] == list(range(1, len(found) + 1))
            later = await peer.get(f"/notes/events/{partition}", params={"after": 1, "limit": 1})
            assert msgspec.msgpack.decode(later.content, type=list[Envelope]) == found[1:2]
            events += found
        assert {event.subject for event in events} == {f"owner/{name}" for name in made}
        assert {event.source for event in events} == {SOURCE}
        assert (await officer.get("/notes/events/0")).status_code == 403
        assert (await peer.get("/notes/events/-1")).status_code == 404
        assert (await peer.get("/notes/events/0?after=1.0")).status_code == 422
        assert (await peer.get("/notes/events/0?limit=501")).status_code == 422


def test_the_parts_of_a_process_are_those_that_the_command_line_offers() -> None:
    assert {"api", "relay", "consumer", "worker"} == PARTS
