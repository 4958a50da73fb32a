"""Orders by the line: how a body is cut into lines and batches, and that a fault of one line is its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import ndjson
from shared.answers import Outage
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.database import Database, Work
from shared.idempotency import Key
from shared.incoming import ClientGone, Incoming
from shared.ndjson import Line, LineByLine, LinesAnswer, batches, lines_of
from shared.problems import Refusal
from shared.roles import Action
from shared.routes import LINES, Asked, Routes
from shared.telemetry import CONTEXT, Message, Receive, RequestContext
from tests.conftest import Databases

CALLER = Caller("staff-19", Role.PROVINCE_STAFF, ("19",))
routes = Routes("/notes", tag="Notes")


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    text: str


class Written(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    together: int


@routes.post_lines("/bulk", Action.POST_IN_BULK)
async def write_notes(work: Work, asked: Sequence[Asked[Note]]) -> Sequence[Written | Refusal]:
    """Write many notes."""
    if any(one.body.text == "defect" for one in asked):
        raise ValueError("a defect")
    return [Written(id=work.new_id(), together=len(asked)) for _ in asked]


def received(*chunks: bytes, gone: bool = False) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    return receive


def notes(*texts: str) -> list[bytes]:
    return [msgspec.json.encode(Note(key=str(number), text=text)) + b"\n" for number, text in enumerate(texts)]


def by_line(database: Database, receive: Receive) -> LineByLine:
    scope = {"method": "POST", "path": "/notes/bulk", "query_string": b"", "headers": []}
    (route,) = routes.declared
    return LineByLine(
        route=route,
        request=Incoming({**scope, CONTEXT: RequestContext("r", "")}, receive),
        caller=CALLER,
        database=database,
        turns=asyncio.Semaphore(1),
        outage=Outage(),
    )


async def answered(lines: LineByLine) -> list[dict[str, Any]]:
    whole = b"".join([piece async for piece in lines.answers()])
    return [msgspec.json.decode(line) for line in whole.splitlines()]


@given(st.lists(st.binary(max_size=12)), st.data())
async def test_however_a_body_is_cut_on_its_way_its_lines_are_the_same(whole: list[bytes], data: st.DataObject) -> None:
    body = b"\n".join(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    chunks = [body[first:last] for first, last in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    found = [line async for line in lines_of(received(*chunks))]
    assert found == [(number, raw.strip()) for number, raw in enumerate(body.split(b"\n"), 1) if raw.strip()]


async def test_a_long_line_takes_no_more_room_than_a_line_may() -> None:
    chunks = [b"x" * 60_000] * 50
    found = [line async for line in lines_of(received(b"a\n", *chunks, b"\nb"))]
    assert [number for number, _ in found] == [1, 2, 3]
    assert isinstance(found[1][1], ndjson.LineTooLong)


async def test_a_line_that_was_broken_off_is_not_given() -> None:
    lines = lines_of(received(b"a\nb", gone=True))
    assert await anext(lines) == (1, b"a")
    with pytest.raises(ClientGone):
        await anext(lines)


async def test_a_key_stands_once_in_a_batch() -> None:
    async def lines() -> AsyncIterator[Line]:
        for number, key in enumerate("abcabbd", 1):
            yield Line(number, key, Key("somebody", key, b""))

    assert [[line.told_key for line in batch] async for batch in batches(lines())] == [
        ["a", "b", "c"],
        ["a", "b"],
        ["b", "d"],
    ]


async def test_a_defect_that_one_line_meets_takes_no_other_along(databases: Databases) -> None:
    database = await databases()
    told = await answered(by_line(database, received(*notes("a", "b", "defect", "c", "d"))))
    assert [one["status"] for one in told] == [201, 201, 500, 201, 201]
    assert told[2]["code"] == "internal"
    assert [one.get("together") for one in told] == [2, 2, None, 2, 2]


async def test_when_the_store_is_away_the_lines_of_the_batch_are_told_and_the_rest_is_not_tried() -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", "notes", partitions=4, clock=Clock())
    count = ndjson.BATCH_LINES_MAX + 1
    told = await answered(by_line(nowhere, received(*notes(*["x"] * count))))
    await nowhere.close()
    assert [one["line"] for one in told] == list(range(1, ndjson.BATCH_LINES_MAX + 1))
    assert {(one["status"], one["code"]) for one in told} == {(503, "unavailable")}


async def test_reading_does_not_wait_for_answers_to_be_taken(databases: Databases) -> None:
    """Most clients read nothing before they have sent everything."""
    sent_all = asyncio.Event()
    receive = received(*notes(*["x"] * (3 * ndjson.BATCH_LINES_MAX)))

    async def receiving() -> Message:
        message = await receive()
        if not message["more_body"]:
            sent_all.set()
        return message

    pieces: list[bytes] = []

    async def send(message: Message) -> None:
        await sent_all.wait()
        pieces.append(message.get("body", b""))

    lines = by_line(await databases(), receiving)
    async with asyncio.timeout(30):
        await LinesAnswer(200, b"", LINES, pieces=lines.answers())({}, receiving, send)
    assert b"".join(pieces).count(b"\n") == 3 * ndjson.BATCH_LINES_MAX
