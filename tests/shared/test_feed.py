"""The feed: a source's own events by number, asked over HTTP by whoever misses some."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar, Request, Response, get

from shared.database import Database
from shared.feed import LIMIT_MAX, MEDIA_TYPE, FeedClient, FeedUnavailable, events_after, oldest_kept
from tests.shared.backbone import OFFICER, SOURCE, commit, execute, fact, partition, recorded

HERE = partition("siti")


@pytest_asyncio.fixture
async def feed(source: Database) -> AsyncIterator[FeedClient]:
    """A client of a feed that is served as the edge will do it."""

    @get("/registration/events/{number:int}")
    async def events(request: Request[None, None, None]) -> Response[bytes]:
        if request.headers["authorization"] != "Bearer secret":
            return Response(b"no", status_code=401)
        async with source.reading(OFFICER) as work:
            asked = [int(request.query_params[name]) for name in ("after", "limit")]
            found = await events_after(work.session, SOURCE, int(request.path_params["number"]), *asked)
        return Response(msgspec.msgpack.encode(found), media_type=MEDIA_TYPE)

    transport = httpx.ASGITransport(Litestar([events]))
    client = FeedClient(
        {SOURCE: "http://source/registration/events"}, lambda: "secret", httpx.AsyncClient(transport=transport)
    )
    yield client
    await client.close()


async def test_the_events_after_a_number_come_in_order_and_whole(source: Database, feed: FeedClient) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 11)))
    found = await feed.events(SOURCE, HERE, 4, 3)
    assert [event.seq for event in found] == [5, 6, 7]
    assert found == (await recorded(source, HERE))[4:7]


async def test_at_the_end_of_the_feed_there_is_nothing(source: Database, feed: FeedClient) -> None:
    await commit(source, fact("siti", 1))
    assert await feed.events(SOURCE, HERE, 1) == []


async def test_one_answer_never_holds_more_than_the_limit(source: Database, feed: FeedClient) -> None:
    await commit(source, *(fact("siti", number) for number in range(LIMIT_MAX + 5)))
    assert len(await feed.events(SOURCE, HERE, 0, 10_000)) == LIMIT_MAX


async def test_pruned_history_shows_in_the_first_number(source: Database, feed: FeedClient) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 6)))
    await execute(source, "DELETE FROM outbox WHERE seq < 3")
    assert [event.seq for event in await feed.events(SOURCE, HERE, 0)] == [3, 4, 5]
    async with source.reading(OFFICER) as work:
        assert await oldest_kept(work.session, HERE) == 3
        assert await oldest_kept(work.session, (HERE + 1) % 4) is None


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, content=b"\xc1"), httpx.Response(200)])
async def test_an_answer_that_is_none_is_one_kind_of_trouble(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda _request: answer)
    client = FeedClient({SOURCE: "http://source"}, lambda: "", httpx.AsyncClient(transport=transport))
    with pytest.raises(FeedUnavailable):
        await client.events(SOURCE, HERE, 0)
    await client.close()


async def test_a_source_that_is_away_is_the_same_kind_of_trouble() -> None:
    client = FeedClient({SOURCE: "http://127.0.0.1:9"}, lambda: "")
    with pytest.raises(FeedUnavailable, match="ConnectError"):
        await client.events(SOURCE, HERE, 0)
    await client.close()
