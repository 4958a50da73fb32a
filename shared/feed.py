"""A service's own event feed: what a consumer asks when a number is missing from the stream.

Shape: GET `{address}/{partition}?after=&limit=`, answered by a MessagePack list of envelopes in the order of their
       numbers. The outbox is dense, so a first number above `after + 1` says that everything before it is pruned.
       An answer holds at most LIMIT_MAX events of `outbox.EVENT_BYTES_MAX` each.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.envelope import Envelope
from shared.stream import LOST

if TYPE_CHECKING:
    import httpx

LIMIT_MAX: Final = 500
ANSWER_SECONDS_MAX: Final = 10
CONNECT_SECONDS_MAX: Final = 2
MEDIA_TYPE: Final = "application/x-msgpack"

AFTER = text(
    """
    SELECT seq, id, type, subject, time, actor, region, traceparent, data FROM outbox
    WHERE partition = :partition AND seq > :after ORDER BY seq LIMIT :limit
    """
)


class FeedUnavailable(Exception):
    """The feed of a source did not answer as it should; asking again later is all that helps."""


class Feed(Protocol):
    """Whoever can give the events of a source by their numbers."""

    async def events(self, source: str, partition: int, after: int, limit: int) -> list[Envelope]:
        """Give up to `limit` events that follow a number, in order."""
        ...


async def events_after(
    session: AsyncSession, source: str, partition: int, after: int, limit: int = LIMIT_MAX
) -> list[Envelope]:
    """Give the events of our own outbox that follow a number, in order and without a hole."""
    rows = await session.execute(
        AFTER, {"partition": partition, "after": after, "limit": max(1, min(limit, LIMIT_MAX))}
    )
    return [Envelope(source=source, partition=partition, **row) for row in rows.mappings()]


async def oldest_kept(session: AsyncSession, partition: int) -> int | None:
    """Give the lowest number that is still in our outbox, or None when it is empty."""
    found = await session.execute(
        text("SELECT min(seq) FROM outbox WHERE partition = :partition"), {"partition": partition}
    )
    oldest: int | None = found.scalar_one()
    return oldest


async def agrees(feed: Feed, standing: Envelope, events: Sequence[Envelope]) -> bool:
    """Tell whether events that a feed gave are of the same history as an event that stands in the stream after them.

    A database that was restored gives numbers anew until its fence has run: what it gives at a number that the stream
    has passed will come again under another one. But where both have the same event, all before it is the same too.
    """
    # Asked after the events were given, so that a restore between the two shows.
    ours = [event for event in events if event.seq == standing.seq] or await feed.events(
        standing.source, standing.partition, standing.seq - 1, 1
    )
    return bool(ours) and ours[0].seq == standing.seq and (ours[0].id == standing.id or ours[0].type == LOST)


class FeedClient:
    """Ask the feeds of other services over HTTP.

    Shape: `addresses`: source → where its feed is (`http://host:port/aid/events`); `token` gives a service token
    """

    def __init__(
        self, addresses: Mapping[str, str], token: Callable[[], str], client: "httpx.AsyncClient | None" = None
    ) -> None:
        """Prepare the client; nothing is opened before the first question."""
        self._addresses = addresses
        self._token = token
        self._client = client
        self._decoder = msgspec.msgpack.Decoder(list[Envelope])

    async def events(self, source: str, partition: int, after: int, limit: int = LIMIT_MAX) -> list[Envelope]:
        """Give up to `limit` events that follow a number; raises FeedUnavailable for whatever goes wrong."""
        import httpx  # noqa: PLC0415 - 6 MB with all it draws in, for what a service seldom ever asks

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=httpx.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS_MAX))
        try:
            answer = await self._client.get(
                f"{self._addresses[source]}/{partition}",
                params={"after": after, "limit": limit},
                headers={"Authorization": f"Bearer {self._token()}", "Accept": MEDIA_TYPE},
            )
            answer.raise_for_status()
            return self._decoder.decode(answer.content)
        except httpx.HTTPStatusError as error:
            raise FeedUnavailable(f"the feed of {source} answered {error.response.status_code}") from error
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise FeedUnavailable(f"the feed of {source}: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
