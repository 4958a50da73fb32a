"""The accounts of Redis: the file agrees with the contracts, and a real server lets each do its own work alone."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from shared import stream
from shared.contracts import SUBSCRIPTIONS
from shared.contracts.envelope import Envelope
from shared.settings import SERVICES
from tests.conftest import Servers

USERS = Path(__file__).parents[2] / "deploy/redis/users.acl"
PASSWORD = "only-for-this-test"
PARTITION = 77

As = Callable[[str], Redis]


def rules() -> dict[str, list[str]]:
    """Give the rules of each account by its name."""
    lines = [line.split() for line in USERS.read_text().splitlines()]
    return {words[1]: words[2:] for words in lines if words and words[0] == "user"}


@pytest_asyncio.fixture
async def log_in(redis: Redis, servers: Servers) -> AsyncIterator[As]:
    """Give a client of an account; the accounts are made from the file, with a password, and end with the test."""
    accounts = {name: [f">{PASSWORD}", *given] for name, given in rules().items() if name != "default"}
    for name, given in accounts.items():
        await redis.execute_command("ACL", "SETUSER", name, "reset", *given)
    clients: list[Redis] = []

    def client(name: str) -> Redis:
        connection = stream.connect(servers.redis_url)
        connection.connection_pool.connection_kwargs |= {"username": name, "password": PASSWORD}
        clients.append(connection)
        return connection

    yield client
    for connection in clients:
        await connection.aclose()
    await redis.execute_command("ACL", "DELUSER", *accounts)
    await redis.flushdb()


def test_every_account_reaches_what_the_contracts_give_it_and_nothing_else() -> None:
    assert set(rules()) == {"default", "health", "operator", *SERVICES}
    assert rules()["default"] == ["off", "~*", "&*", "+@all"]  # in its name the append-only file is read
    for service in SERVICES:
        own = {f"~ev:{service}:*", f"%R~pos:{service}:*"}
        heard = {key for source in SUBSCRIPTIONS[service] for key in (f"%R~ev:{source}:*", f"~pos:{source}:*")}

        given = rules()[service]

        assert given[:3] == ["on", "resetkeys", "resetchannels"]
        assert {rule for rule in given if "~" in rule} == own | heard
        assert given[given.index("-@all") + 1 :] == [rule for rule in given if rule.startswith("+")]


def test_no_rule_names_what_the_oldest_redis_does_not_know() -> None:
    words = {rule for name, given in rules().items() if name != "default" for rule in given}

    assert "+xinfo|stream" in words
    assert "+client|setinfo" not in words  # Redis 7.0 does not start with it
    assert not words & {"allkeys", "allcommands", "+@all", "~*", "+@admin", "+@dangerous"}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_can_do_its_own_work(log_in: As, service: str) -> None:
    client, name = log_in(service), stream.stream_name(service, PARTITION)

    assert await client.ping()
    assert (await stream.append(client, name, [event(service)], oldest=True)).verdict == "ok"
    (tail,) = await stream.tails(client, service, [PARTITION])
    assert tail.last == 1
    assert len(await stream.backwards(client, name, None, 1)) == 1
    assert len(await client.xrange(name, count=1)) == 1
    assert await client.xtrim(name, minid="2-0", approximate=False) == 1
    assert await client.hgetall(stream.positions_name(service, PARTITION)) == {}
    for source in SUBSCRIPTIONS[service]:
        assert not await client.xread({stream.stream_name(source, PARTITION): "0-0"}, count=1)
        await stream.leave_word(client, service, source, {PARTITION: 5})
        (tail,) = await stream.tails(client, source, [PARTITION])
        assert tail.passed == 5


@pytest.mark.parametrize("owner", SERVICES)
@pytest.mark.parametrize("service", [*SERVICES, "operator"])
async def test_nobody_appends_to_or_trims_the_stream_of_another(log_in: As, service: str, owner: str) -> None:
    client, name = log_in(service), stream.stream_name(owner, PARTITION)
    attempts = (
        lambda: stream.append(client, name, [event(owner)], oldest=True),
        lambda: client.xadd(name, {"planted": "by hand"}),
        lambda: client.xtrim(name, maxlen=0),
        lambda: client.delete(name),
    )
    its_own = service == owner
    may = [its_own, its_own, its_own, service == "operator"]  # who mends may let a stream be filled anew

    assert [await allowed(attempt()) for attempt in attempts] == may


@pytest.mark.parametrize("service", SERVICES)
async def test_only_who_subscribes_reads_a_stream_and_leaves_word_of_a_position(log_in: As, service: str) -> None:
    client = log_in(service)
    for source in SERVICES:
        name = stream.stream_name(source, PARTITION)

        may_read = await allowed(client.xread({name: "0-0"}, count=1))
        may_leave_word = await allowed(client.hset(stream.positions_name(source, PARTITION), service, "1"))

        assert may_read == (source == service or source in SUBSCRIPTIONS[service])
        assert may_leave_word == (source in SUBSCRIPTIONS[service])


async def test_the_account_of_the_health_check_may_only_ask_whether_the_server_answers(log_in: As) -> None:
    client = log_in("health")

    assert await client.ping()
    assert not await allowed(client.xlen(stream.stream_name("registration", PARTITION)))
    assert not await allowed(client.info())


async def allowed(attempt: object) -> bool:
    """Tell whether the server lets it happen; whatever else it says is no matter of rights."""
    try:
        await attempt  # type: ignore[misc]
    except NoPermissionError:
        return False
    return True


def event(source: str) -> Envelope:
    return Envelope(
        source=source,
        partition=PARTITION,
        seq=1,
        id=uuid4(),
        type="serumpun.test.v1",
        subject="test/1",
        time=datetime.now(UTC),
        actor="tester",
        region="19.71",
        traceparent="",
        data=b"",
    )
