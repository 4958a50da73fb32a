"""A retry is free: the promises of Idempotency-Key, on a real store and with real races."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import text

from shared.database import Database
from shared.idempotency import KEY_LENGTH_MAX
from shared.security import KeyStore
from tests.door import Client, open_door
from tests.shared import notes
from tests.shared.conftest import Door
from tests.shared.notes import HELD_BY, count, kept_answers
from tests.shared.serving import served
from tests.waiting import wait_until

NOTE = {"text": "Rice"}
KEY = {"Idempotency-Key": "phone-7-0001"}
ROUTES = ["/notes", "/notes/together"]
WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND NOT granted")


@asynccontextmanager
async def held(store: Database) -> AsyncIterator[None]:
    """Keep requests to the routes that take the lock in the middle of their transaction."""
    async with store.engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": HELD_BY})
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": HELD_BY})


async def requests_held(store: Database) -> int:
    async with store.engine.connect() as connection:
        return int((await connection.execute(WAITING, {"lock": HELD_BY})).scalar_one())


@pytest.mark.parametrize("path", ROUTES)
async def test_the_same_request_again_gives_the_first_answer_byte_for_byte(
    door: Door, store: Database, path: str
) -> None:
    first = await door.officer.post(path, json=NOTE, headers=KEY)
    again = [await door.officer.post(path, json=NOTE, headers=KEY) for _ in range(3)]
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    for answer in again:
        assert (answer.status_code, answer.content) == (201, first.content)
        assert answer.headers["idempotency-replayed"] == "true"
        assert all(answer.headers[name] == first.headers[name] for name in ("etag", "location", "content-type"))
        assert answer.headers["x-request-id"] != first.headers["x-request-id"], (
            "each request has its own line in the log"
        )
    assert await count(store) == 1


@pytest.mark.parametrize("path", ROUTES)
async def test_the_same_key_with_another_request_is_refused(door: Door, store: Database, path: str) -> None:
    await door.officer.post(path, json=NOTE, headers=KEY)
    others = [
        await door.officer.post(path, json={"text": "Soap"}, headers=KEY),
        await door.officer.post(path, content='{"text":  "Rice"}', headers=KEY | {"Content-Type": "application/json"}),
        await door.officer.post("/notes/held", json=NOTE, headers=KEY),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in others} == {(422, "idempotency_key_reused")}
    assert await count(store) == 1


async def test_a_retry_while_the_first_still_runs_is_told_to_come_back(door: Door, store: Database) -> None:
    async with held(store):
        first = asyncio.create_task(door.officer.post("/notes/held", json=NOTE, headers=KEY))
        await wait_until(lambda: requests_held(store), description="the first request to be in its transaction")
        retry = await door.officer.post("/notes/held", json=NOTE, headers=KEY)
        assert (retry.status_code, retry.json()["code"]) == (409, "request_in_progress")
        assert int(retry.headers["retry-after"]) >= 1
        assert not first.done()
    answer = await first
    later = await door.officer.post("/notes/held", json=NOTE, headers=KEY)
    assert (later.status_code, later.content, later.headers["idempotency-replayed"]) == (201, answer.content, "true")
    assert await count(store) == 1


async def test_two_copies_of_a_service_do_not_carry_out_one_key_twice(
    door: Door, store: Database, keys: KeyStore
) -> None:
    other = Client(open_door(notes.SERVICE, store, keys), keys, notes.OFFICER)
    async with held(store), other:
        first = asyncio.create_task(door.officer.post("/notes/held", json=NOTE, headers=KEY))
        await wait_until(lambda: requests_held(store), description="the first request to be in its transaction")
        retries = [await other.post("/notes/held", json=NOTE, headers=KEY) for _ in range(3)]
    assert {answer.status_code for answer in retries} == {409}
    assert (await first).status_code == 201
    assert await count(store) == 1


async def test_the_same_key_twice_in_one_shared_transaction_takes_effect_once(door: Door, store: Database) -> None:
    async with held(store):
        first = asyncio.create_task(door.officer.post("/notes/together", json={"text": "ahead"}))
        await wait_until(lambda: requests_held(store), description="the first batch to be in its transaction")
        twins = [asyncio.create_task(door.officer.post("/notes/together", json=NOTE, headers=KEY)) for _ in range(4)]
        await door.has_waiting(4)
    answers = await asyncio.gather(*twins)
    assert (await first).status_code == 201
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await count(store) == 2


async def test_of_many_at_once_one_is_carried_out(door: Door, store: Database) -> None:
    answers = await asyncio.gather(*(door.officer.post("/notes", json=NOTE, headers=KEY) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (
        len([answer for answer in answers if "idempotency-replayed" not in answer.headers and answer.is_success]) == 1
    )
    assert await count(store) == 1


async def test_without_a_key_twenty_at_once_are_twenty(door: Door, store: Database) -> None:
    # The control: nothing but the key keeps the requests of the test above apart.
    answers = await asyncio.gather(*(door.officer.post("/notes", json=NOTE) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert await count(store) == 20


async def test_a_key_belongs_to_its_caller(door: Door, store: Database) -> None:
    mine = await door.officer.post("/notes", json=NOTE, headers=KEY)
    theirs = await door.colleague.post("/notes", json={"text": "Soap"}, headers=KEY)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert "idempotency-replayed" not in theirs.headers
    assert await count(store) == 2


@pytest.mark.parametrize("path", ROUTES)
async def test_a_refused_request_stores_nothing_and_may_be_put_right(door: Door, store: Database, path: str) -> None:
    for body, status in (({"text": "refuse"}, 409), ({"text": ""}, 422)):
        assert (await door.officer.post(path, json=body, headers=KEY)).status_code == status
    assert (await kept_answers(store), await count(store)) == (0, 0)
    right = await door.officer.post(path, json=NOTE, headers=KEY)
    assert (right.status_code, "idempotency-replayed" in right.headers) == (201, False)


@pytest.mark.parametrize("path", ROUTES)
async def test_a_defect_stores_nothing(door: Door, store: Database, path: str) -> None:
    body = {"text": "break"} if path == "/notes" else {"text": "poison", "quantity": 666}
    assert (await door.officer.post(path, json=body, headers=KEY)).status_code == 500
    assert (await kept_answers(store), await count(store)) == (0, 0)
    assert (await door.officer.post(path, json=NOTE, headers=KEY)).status_code == 201


async def test_an_order_without_a_body_may_be_repeated_too(door: Door) -> None:
    path = (await door.officer.post("/notes", json=NOTE)).headers["location"]
    first = await door.officer.post(f"{path}/bell", headers=KEY)
    again = await door.officer.post(f"{path}/bell", headers=KEY)
    assert (first.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.content == first.content


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * (KEY_LENGTH_MAX + 1), "a\tb", "\x7f", "é"])
async def test_a_key_that_cannot_be_one_is_refused(door: Door, store: Database, key: str) -> None:
    answer = await door.officer.post("/notes", json=NOTE, headers={"Idempotency-Key": key.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")
    assert await count(store) == 0


@pytest.mark.parametrize("key", ["x", "x" * KEY_LENGTH_MAX, '"quoted"', "');DROP/**/TABLE/**/note;--"])
async def test_a_key_may_be_anything_visible(door: Door, key: str) -> None:
    assert (await door.officer.post("/notes", json=NOTE, headers={"Idempotency-Key": key})).status_code == 201
    again = await door.officer.post("/notes", json=NOTE, headers={"Idempotency-Key": key})
    assert again.headers["idempotency-replayed"] == "true"


async def test_an_answer_that_was_lost_on_the_way_is_given_again(door: Door, store: Database) -> None:
    # The line breaks after the request has gone out and before the answer has come: the client cannot know.
    token = door.officer.headers["Authorization"]
    body = b'{"text": "Rice"}'
    async with served(door.app) as url:
        address = httpx.URL(url)
        head = (
            f"POST /notes/held HTTP/1.1\r\nHost: {address.host}\r\nAuthorization: {token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: lost-1\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        async with held(store):
            with socket.create_connection((address.host, address.port)) as line:
                line.sendall(head.encode() + body)
                await wait_until(lambda: requests_held(store), description="the request to be in its transaction")
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": token}, timeout=60) as client:

            async def answered() -> httpx.Response | None:
                answer = await client.post(
                    "/notes/held",
                    content=body,
                    headers={"Idempotency-Key": "lost-1", "Content-Type": "application/json"},
                )
                return answer if answer.status_code != 409 else None

            retry = await wait_until(answered, description="the first request to be done")
    assert retry.status_code == 201
    assert await count(store) == 1
