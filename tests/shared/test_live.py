"""The live feed: what happens is told as it happens, and whoever comes back is told exactly the rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from shared import api_keys
from shared.answers import Stream
from shared.caller import Role
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.live import position as positions
from shared.live.happened import Happened
from shared.live.hub import WAITING_BYTES_MAX, Hub, Waiting
from shared.problems import Unavailable
from shared.security import Authenticator, KeyStore
from shared.settings import Settings
from shared.telemetry import CONTEXT, RequestContext
from shared.tokens import issue_token
from shared.web import Edge, assemble
from tests.aid_distribution.story import StoppedClock
from tests.door import told
from tests.following import Block, blocks, blocks_of
from tests.shared import notes
from tests.shared.backbone import commit, commit_each, execute, fact, scalars, subject
from tests.shared.conftest import Door
from tests.shared.serving import served
from tests.waiting import wait_until

LIVE = "/notes/live"
NOW = {"wait_seconds": "0"}
CONNECTIONS = (
    "SELECT state FROM pg_stat_activity WHERE application_name LIKE 'serumpun-%-live' AND datname = current_database()"
)


@pytest_asyncio.fixture
async def url(door: Door) -> AsyncIterator[str]:
    """The service of notes behind the real server."""
    async with served(door.app) as url:
        yield url
        await door.edge.drained()


@asynccontextmanager
async def followed(url: str, door: Door, **asked: Any) -> AsyncIterator[AsyncIterator[Block]]:
    """Follow, and give the blocks after the greeting."""
    client = asked.pop("client", door.officer)
    headers = {"Authorization": client.headers["authorization"], **asked.pop("headers", {})}
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream("GET", url + LIVE, headers=headers, params=asked) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        stream = blocks(answer)
        greeting = await anext(stream)
        assert greeting.id
        yield stream


async def passed(door: Door, **asked: Any) -> list[Block]:
    """Ask for what there is, and give its blocks without the greeting."""
    headers = asked.pop("headers", {})
    answer = await door.officer.get(LIVE, params=NOW | asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return blocks_of(answer.text)[1:]


async def at(door: Door) -> str:
    """Give the position of the present."""
    return blocks_of((await door.officer.get(LIVE, params=NOW)).text)[0].id


async def test_what_happens_is_told_as_it_happens(door: Door, url: str) -> None:
    async with followed(url, door) as stream:
        note = (await door.officer.post("/notes", json={"text": "Rice"})).json()
        block = await anext(stream)
    assert block.event == "serumpun.owner.changed.v1"
    assert block.data["type"] == "serumpun.owner.changed.v1"
    assert block.data["subject"] == f"owner/{note['id']}"
    assert block.data["region"] == "19.71"
    assert str(block.data["time"]).endswith("+07:00")
    fact = {"owner_id": note["id"], "name": "Rice", "region": "19.71", "language": "id", "phone": None, "email": None}
    assert block.data["data"] == fact


async def test_without_a_position_the_feed_begins_at_the_present(door: Door, store: Database) -> None:
    await commit(store, fact("a", 1))
    assert await passed(door) == []


async def test_whoever_comes_back_is_told_what_follows_and_nothing_twice(door: Door, store: Database) -> None:
    begin = await at(door)
    await commit_each(store, ["a", "b", "c", "d", "e"], range(1, 4))
    whole = await passed(door, after=begin)
    assert len({block.data["id"] for block in whole}) == len(whole) == 15
    for known, block in enumerate(whole, 1):
        assert await passed(door, after=block.id) == whole[known:]
        assert await passed(door, headers={"Last-Event-ID": block.id}, after=begin) == whole[known:], "the later counts"


async def test_each_is_told_of_their_regions_and_of_the_types_that_they_ask_for(
    door: Door, store: Database, url: str
) -> None:
    begin = await at(door)
    async with followed(url, door, client=door.colleague) as theirs, followed(url, door) as ours:
        await commit(store, fact("a", 1))
        elsewhere = fact("b", 2)
        await commit(store, type(elsewhere)(owner_id=elsewhere.owner_id, name="2", region="19.02", language="id"))
        assert (await anext(theirs)).data["subject"] == subject("b")
        assert (await anext(ours)).data["subject"] == subject("a")
    assert [block.data["subject"] for block in await passed(door, after=begin)] == [subject("a")]
    assert len(await passed(door, after=begin, types="serumpun.owner.changed.v1,serumpun.business.closed.v1")) == 1
    assert await passed(door, after=begin, types="serumpun.business.closed.v1") == []


async def test_all_that_is_wrong_with_a_question_is_told(door: Door) -> None:
    answer = await door.officer.get(LIVE, params={"after": "abc", "types": "serumpun.stock.low.v1"} | NOW)
    assert told(answer) == {("/query/after", "bad_position"), ("/query/types", "unknown_type")}
    for never_given in ("%%", ""):
        answer = await door.officer.get(LIVE, params=NOW, headers={"Last-Event-ID": never_given})
        assert told(answer) == {("/header/Last-Event-ID", "bad_position")}
    answer = await door.officer.get(LIVE, params={"wait_seconds": "-1", "types": "A"})
    assert told(answer) == {("/query/wait_seconds", "too_small"), ("/query/types", "bad_format")}


@pytest.mark.parametrize("text", ["", "!", "a", "kA", "gQ", "k_8", positions.written((-1, 2)), "kqFhAQ"])
def test_what_is_no_position_is_found_out(text: str) -> None:
    assert positions.read(text) is None
    assert positions.read(positions.written((1, 2**40, 0))) == (1, 2**40, 0)


async def test_whoever_was_away_for_longer_than_events_are_kept_is_told_so(door: Door, store: Database) -> None:
    begin = await at(door)
    await commit_each(store, ["a"], range(1, 6))
    await execute(store, "DELETE FROM outbox WHERE seq <= 3")
    reset, *kept = await passed(door, after=begin)
    assert (reset.event, reset.data) == ("reset", {"reason": "pruned"})
    assert [block.data["data"]["name"] for block in kept] == ["4", "5"]  # type: ignore[index]
    assert await passed(door, after=reset.id) == kept


async def test_a_position_that_was_never_reached_here_begins_anew_and_says_so(door: Door, store: Database) -> None:
    await commit(store, fact("a", 1))
    for ahead, reason in (((9, 9, 9, 9), "restored"), ((0, 0), "other_partitions")):
        (reset,) = await passed(door, after=positions.written(ahead))
        assert (reset.event, reset.data) == ("reset", {"reason": reason})
        assert await passed(door, after=reset.id) == []


async def test_many_that_come_and_go_while_others_write_hear_everything_once(
    door: Door, store: Database, url: str
) -> None:
    begin = await at(door)
    random = Random(5)
    heard: list[list[object]] = [[] for _ in range(4)]
    total = 8 * 40

    async def write(number: int) -> None:
        for count in range(40):
            await commit(store, fact(f"{number}", count))

    async def follow(number: int) -> None:
        position = begin
        while len(heard[number]) < total:
            patience = random.randint(1, 80)
            async with followed(url, door, headers={"Last-Event-ID": position}) as stream:
                async for block in stream:
                    if block.data:
                        heard[number].append(block.data["id"])
                        position = block.id
                    patience -= 1
                    if not patience or len(heard[number]) >= total:
                        break

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for one in (*map(follow, range(4)), *map(write, range(8))):
            group.create_task(one)
    recorded = {str(one) for one in await scalars(store, "SELECT id FROM outbox")}
    assert len(recorded) == total
    for one in heard:
        assert len(one) == total
        assert set(one) == recorded


async def test_a_connection_that_nobody_follows_by_stays_for_those_who_wait_for_their_turn(store: Database) -> None:
    hub = Hub(store, look_seconds=0)
    await commit(store, fact("a", 1))

    async def asked() -> None:
        for _ in range(200):
            assert sum(await hub.heads()) == 1

    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(asked())
    finally:
        await hub.close()


async def test_all_share_one_connection_that_holds_no_transaction_and_goes_with_the_last(
    door: Door, store: Database, url: str
) -> None:
    door.edge.live = Hub(store, look_seconds=0.05)
    async with followed(url, door) as first, followed(url, door) as second, followed(url, door):
        await commit(store, fact("a", 1))
        assert (await anext(first)).data == (await anext(second)).data
        assert await scalars(store, CONNECTIONS) == ["idle"]

    async def none_left() -> bool:
        return await scalars(store, CONNECTIONS) == []

    await wait_until(none_left, description="the connection to be closed")


async def test_a_connection_that_breaks_is_mended_and_nothing_is_lost(door: Door, store: Database, url: str) -> None:
    async with followed(url, door) as stream:
        await commit(store, fact("a", 1))
        assert (await anext(stream)).data["data"]["name"] == "1"  # type: ignore[index]
        for number in range(2, 6):
            await scalars(store, CONNECTIONS.replace("state", "pg_terminate_backend(pid)"))
            await commit(store, fact("a", number))
            assert (await anext(stream)).data["data"]["name"] == str(number)  # type: ignore[index]


async def test_a_silent_feed_beats_and_takes_its_reader_past_what_is_not_theirs(
    door: Door, store: Database, url: str
) -> None:
    door.edge.live = Hub(store, heartbeat_seconds=0.05)
    begin = await at(door)
    async with followed(url, door, client=door.colleague) as stream:
        await commit(store, fact("a", 1))
        async for block in stream:
            assert (block.comment, block.data) == ("heartbeat", {})
            if block.id != begin:
                break
    assert await passed(door, after=block.id) == []


async def test_no_more_follow_than_a_process_takes_on(door: Door, store: Database, url: str) -> None:
    door.edge.live = Hub(store, streams_max=1)
    async with followed(url, door):
        answer = await door.officer.get(LIVE, params=NOW)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]

    async def room() -> bool:
        return (await door.officer.get(LIVE, params=NOW)).status_code == 200

    await wait_until(room, description="the place to be free again")


async def test_while_the_store_is_away_nobody_new_is_let_in(door: Door) -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", "x", partitions=4, clock=StoppedClock())
    door.edge.live = Hub(nowhere, answer_seconds_max=0.1)
    answer = await door.officer.get(LIVE, params=NOW)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    await door.edge.drained()


async def test_a_stop_ends_every_stream_as_one_that_is_over(door: Door, url: str) -> None:
    async with followed(url, door) as first, followed(url, door) as second:
        await door.edge.drained()
        assert [block async for block in first] == [block async for block in second] == []
        assert (await door.officer.get(LIVE, params=NOW)).status_code == 503


async def test_a_stop_under_a_question_is_told_as_an_outage_and_is_no_defect(store: Database) -> None:
    hub = Hub(store)
    heads = await hub.heads()
    async with store.engine.begin() as other:
        await other.execute(text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE"))
        asking = asyncio.create_task(hub.page(heads))

        async def waits() -> bool:
            return (await other.execute(text(f"{CONNECTIONS} AND wait_event_type = 'Lock'"))).first() is not None

        await wait_until(waits, description="the question to wait for the table")
        await hub.close()
        with pytest.raises(Unavailable):
            await asking


async def test_a_feed_ends_when_its_time_is_over(door: Door, url: str) -> None:
    async with followed(url, door, wait_seconds=1) as stream:
        assert [block async for block in stream] == []


async def test_a_feed_ends_with_the_token(store: Database, keys: KeyStore) -> None:
    clock = StoppedClock()
    edge = Edge(
        store,
        Authenticator(
            Settings.from_env({}), keys, api_keys.lookup_in(store.engine), ended_in(store.engine), clock=clock
        ),
    )
    edge.live = Hub(store, heartbeat_seconds=0.05)
    token = issue_token(keys, Role.AUDITOR, ["19"], "auditor", 1, clock=clock)
    async with (
        served(assemble("registration", edge, notes.SERVICE.declared, ())) as url,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        http.stream("GET", url + LIVE) as answer,
    ):
        stream = blocks(answer)
        assert [(await anext(stream)).comment for _ in range(3)] == ["", "heartbeat", "heartbeat"]
        clock.advance(timedelta(hours=1))
        await commit(store, fact("a", 1))
        assert [block.data async for block in stream if block.data] == []


async def test_head_asks_only_whether_there_is_a_feed(door: Door, url: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": door.officer.headers["authorization"]}) as http:
        answer = await http.head(url + LIVE)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/event-stream", b"")


def test_who_has_too_much_waiting_is_let_go() -> None:
    def event(length: int) -> Happened:
        clock = StoppedClock()
        return Happened(0, 1, clock.new_id(), "t", "s", clock.now(), "19", b"x" * length)

    waiting = Waiting()
    waiting.offer([event(WAITING_BYTES_MAX // 3)] * 2)
    assert (len(waiting.take()), waiting.ended) == (2, "")
    waiting.offer([event(WAITING_BYTES_MAX // 3)] * 2)
    waiting.offer([event(WAITING_BYTES_MAX // 3)] * 2)
    assert (waiting.take(), waiting.ended) == ([], "slow")


async def test_a_client_that_takes_nothing_is_taken_for_gone() -> None:
    closed = []

    async def pieces() -> Any:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    stream = Stream(pieces(), "text/event-stream", send_seconds_max=0.05)
    await asyncio.wait_for(stream({CONTEXT: RequestContext("", "")}, receive, send), 10)
    assert closed == [True]
