"""Readiness tells the truth: a green light only while everything behind it works, and again when it is mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from structlog.testing import capture_logs

from shared.answers import OUTAGE_LINES_APART_SECONDS, Outage
from shared.consumer import on
from shared.contracts.registration import OwnerChanged
from shared.database import Database, Work
from shared.health import CHECK_SECONDS_MAX, PATIENCE, Health, Patience
from shared.relay import Relay
from shared.security import KeyStore, issue_token
from shared.service import PARTS, Application, Service, build
from shared.settings import Settings
from tests.conftest import Databases, Servers
from tests.shared import notes
from tests.shared.backbone import commit_each, execute, running
from tests.shared.wire import Wire, postgres_wire, redis_wire
from tests.waiting import wait_until

NOTE = {"text": "Rice"}
SECONDS_MAX = 60
SHORT = Patience(unsent_seconds_max=2, stalled_seconds_max=3)
"""What a test waits out; what the product waits is asked of it below."""


class Hand:
    """The handler of a consumer that a test can hold."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.handled = 0

    async def take(self, _work: Work, _event: OwnerChanged) -> None:
        await self.free.wait()
        self.handled += 1


@dataclass(slots=True)
class Running:
    """A whole service in this process, with a wire to each of its servers."""

    app: Application
    client: httpx.AsyncClient
    postgres: Wire
    redis: Wire
    database: Database
    hand: Hand

    async def checks(self) -> dict[str, str]:
        report = (await self.client.get("/readyz")).json()
        assert report["ready"] == all(check == "ok" for check in report["services"][0]["checks"].values())
        return dict(report["services"][0]["checks"])

    async def is_ready(self) -> bool:
        return (await self.client.get("/readyz")).status_code == 200

    async def becomes_ready(self) -> None:
        await wait_until(self.is_ready, SECONDS_MAX, "the service to be ready")

    async def becomes_unready(self, check: str, begins: str) -> None:
        async def told() -> bool:
            return (await self.checks()).get(check, "").startswith(begins) and not await self.is_ready()

        await wait_until(told, SECONDS_MAX, f"{check} to be {begins!r}")

    def was_restarted(self) -> bool:
        consumers = self.app.health._consumers
        assert consumers is not None
        return any(lane.restarted_at > 0 for lane in consumers.state.lanes)

    async def tells(self, **expected: str) -> None:
        """Wait until it tells exactly this of its parts."""

        async def told() -> bool:
            return await self.checks() == expected

        await wait_until(told, SECONDS_MAX, f"the checks to be {expected}")


@pytest.fixture
async def registration(databases: Databases) -> Database:
    database = await databases("registration")
    await execute(database, notes.NOTE_TABLE)
    return database


@asynccontextmanager
async def service(
    declared: Service,
    database: Database,
    servers: Servers,
    home: Path,
    hand: Hand,
    parts: frozenset[str] = PARTS,
    patience: Patience = PATIENCE,
) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        postgres, database_url = await stack.enter_async_context(postgres_wire(database.url))
        redis, redis_url = await stack.enter_async_context(redis_wire(servers.redis_url))
        settings = replace(
            Settings.from_env({}), home=home, database_urls={declared.name: database_url}, redis_url=redis_url
        )
        app = build(declared, settings, parts, patience=patience)
        await stack.enter_async_context(app.lifespan())
        token = issue_token(KeyStore(home), notes.OFFICER.role, notes.OFFICER.regions, notes.OFFICER.subject, 1)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {token}"}
        )
        yield Running(app, await stack.enter_async_context(client), postgres, redis, database, hand)


@pytest.fixture
async def ours(registration: Database, servers: Servers, redis: Redis, tmp_path: Path) -> AsyncIterator[Running]:
    """The service of notes, whole and ready."""
    async with service(notes.SERVICE, registration, servers, tmp_path, Hand()) as running_service:
        await running_service.becomes_ready()
        yield running_service


async def test_a_whole_service_is_ready_and_says_by_what(ours: Running) -> None:
    assert await ours.checks() == {"database": "ok", "redis": "ok", "relay": "ok", "consumers": "ok"}
    answer = await ours.client.get("/readyz")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    (report,) = answer.json()["services"]
    assert (report["service"], report["lag"], report["oldest_unsent_seconds"]) == ("registration", 0, 0.0)
    assert len(report["lanes"]) == 8  # four of each of two services
    assert set(report["parked"].values()) == {0}


async def test_without_its_database_a_service_is_not_ready_and_refuses_with_503_until_it_is_back(ours: Running) -> None:
    path = (await ours.client.post("/notes", json=NOTE)).headers["location"]
    await ours.postgres.cut()
    await ours.becomes_unready("database", "away")
    for answer in (
        await ours.client.get(path),
        await ours.client.post("/notes", json=NOTE, headers={"Idempotency-Key": "a"}),
        await ours.client.post("/notes/together", json=NOTE),
        await ours.client.post("/notes", json={"text": "refuse", "quantity": 0}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert (await ours.client.get("/livez")).status_code == 200
    assert (await ours.client.get("/metrics")).status_code == 200
    await ours.postgres.join()
    await ours.becomes_ready()
    assert (await ours.client.get(path)).status_code == 200
    assert (await ours.client.post("/notes", json=NOTE, headers={"Idempotency-Key": "a"})).status_code == 201
    assert (await ours.client.post("/notes/together", json=NOTE)).status_code == 201


async def test_an_outage_of_the_store_is_a_line_and_not_one_for_each_request_that_meets_it(ours: Running) -> None:
    await ours.postgres.cut()
    with capture_logs() as lines:
        answers = await asyncio.gather(*(ours.client.get("/notes") for _ in range(20)))
    assert [answer.status_code for answer in answers] == [503] * 20
    told = [line["requests"] for line in lines if line["event"] == "store_unreachable"]
    assert told[0] == 1
    assert len(told) < 5  # one, unless the machine needs ten seconds for twenty refusals
    assert len([line for line in lines if line["event"] == "request"]) == 20, "each is told apart by its own line"


def test_a_long_outage_says_now_and_then_how_many_have_met_it() -> None:
    outage = Outage()
    with capture_logs() as lines:
        for _ in range(5):
            outage.met(OSError(), "request-1")
        outage.told_at -= OUTAGE_LINES_APART_SECONDS
        outage.met(OSError(), "request-6")
    assert [(line["request_id"], line["requests"]) for line in lines] == [("request-1", 1), ("request-6", 5)]


async def test_without_redis_a_service_is_not_ready_and_goes_on_taking_orders(ours: Running) -> None:
    await ours.redis.cut()
    await ours.becomes_unready("redis", "away")
    assert (await ours.client.post("/notes", json=NOTE)).status_code == 201
    assert (await ours.client.get("/livez")).status_code == 200
    await ours.redis.join()
    await ours.becomes_ready()

    async def all_sent() -> bool:
        return bool((await ours.client.get("/readyz")).json()["services"][0]["oldest_unsent_seconds"] == 0.0)

    await wait_until(all_sent, SECONDS_MAX, "what was taken meanwhile to be sent")


@pytest.mark.parametrize("which", ["postgres", "redis"])
async def test_a_server_that_is_there_and_does_not_answer_is_told_within_seconds(ours: Running, which: str) -> None:
    wire: Wire = getattr(ours, which)
    wire.hold()
    async with asyncio.timeout(SECONDS_MAX):  # whoever waited for the server would wait until it is released
        answer = await ours.client.get("/readyz")
        assert answer.status_code == 503
        assert (await ours.client.get("/livez")).status_code == 200
    wire.release()
    await ours.becomes_ready()


async def test_a_consumer_that_makes_no_progress_is_not_ready_although_everything_answers(
    registration: Database, databases: Databases, servers: Servers, redis: Redis, tmp_path: Path
) -> None:
    hand = Hand()
    consumer = Service(
        name="notifications", title="Notes", prefix="/notes", routes=(), reactions=(on(OwnerChanged, hand.take),)
    )
    own = await databases("notifications")
    relay = Relay(registration, redis, "registration", registration.partitions)
    async with service(consumer, own, servers, tmp_path, hand, patience=SHORT) as ours, running(relay):
        await commit_each(registration, ["a"], range(3))
        await wait_until(lambda: hand.handled == 3, description="the first events to be handled")
        await ours.becomes_ready()
        hand.free.clear()
        await commit_each(registration, ["a"], range(3, 6))
        await ours.tells(database="ok", redis="ok", relay="ok", consumers="no progress")
        assert (await ours.client.get("/readyz")).json()["services"][0]["lag"] == 3
        assert (await ours.client.get("/livez")).status_code == 200
        await wait_until(ours.was_restarted, SECONDS_MAX, "its subscriber to be started anew")
        assert (await ours.checks())["consumers"] == "no progress", "a restart is no progress"
        hand.free.set()
        await wait_until(lambda: hand.handled == 6, description="the held events to be handled")
        await ours.becomes_ready()


async def test_a_process_is_not_judged_by_parts_that_it_does_not_run(
    registration: Database, servers: Servers, redis: Redis, tmp_path: Path
) -> None:
    async with service(notes.SERVICE, registration, servers, tmp_path, Hand(), frozenset({"api"})) as ours:
        assert await ours.checks() == {"database": "ok", "redis": "ok"}
        assert await ours.is_ready()


async def test_a_relay_that_has_died_is_found_out_although_nothing_is_counted_any_more(
    registration: Database, redis: Redis
) -> None:
    relay = Relay(registration, redis, "registration", registration.partitions)
    health = Health("registration", registration, redis, relay=relay, consumers=None, patience=SHORT)
    assert not (await health.report()).ready, "it has not begun"

    async def judged(check: str) -> bool:
        return (await health.report()).checks["relay"] == check

    async with running(relay):
        await wait_until(lambda: judged("ok"), description="the relay to be at work")
    await wait_until(lambda: judged("behind"), SECONDS_MAX, "its end to be noticed")
    assert health.oldest_unsent_seconds() == 0


def test_a_green_light_is_gone_within_a_quarter_of_a_minute() -> None:
    assert CHECK_SECONDS_MAX <= 2
    assert (PATIENCE.unsent_seconds_max, PATIENCE.stalled_seconds_max) == (15, 15)


async def test_the_figures_are_those_of_the_condition(ours: Running) -> None:
    await ours.client.post("/notes", json=NOTE)

    async def figures() -> dict[str, list[float]]:
        answer = await ours.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return {
            sample.name: [one.value for one in family.samples if one.name == sample.name]
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.labels.get("service", "registration") == "registration"
        }

    found = await figures()
    assert len(found["serumpun_consumer_lag_events"]) == 8
    assert len(found["serumpun_consumer_position"]) == 8
    assert len(found["serumpun_parked_events"]) >= 1
    assert found["serumpun_outbox_oldest_unsent_seconds"][0] >= 0
    assert sum(found["http_server_request_duration_seconds_count"]) >= 1
    assert "python_info" in found


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_the_condition_is_told_without_a_token_and_to_head_as_well(ours: Running, path: str) -> None:
    ours.client.headers.pop("Authorization")
    shown, asked = await ours.client.get(path), await ours.client.head(path)
    assert (shown.status_code, asked.status_code, asked.content) == (200, 200, b"")
