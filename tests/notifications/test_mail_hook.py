"""What a mail gateway tells: letters that bounced, and what people answer by mail; signed, and each once."""

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.notifications.delivery.domain import Accepted
from services.notifications.main import SERVICE
from services.notifications.plans import Channel
from services.notifications.replies.domain import own_words
from shared.contracts.notifications import MessageDelivered, MessageFailed, PhoneUnreachable, ReplyReceived
from shared.database import Database
from shared.service import build
from shared.settings import Settings
from tests.conftest import Servers
from tests.notifications.story import NOON, StoppedClock, business, happened, owner, recorded, rows
from tests.notifications.test_plans_at_work import answered
from tests.notifications.test_replies import offered

HOOK = "/notifications/hooks/email"
SECRET = "mail-hook-secret"
MAIL = "siti@contoh.example"
YES = """Ya, Bu

Pada Sen, 21 Sep 2020 pukul 12.00 Serumpun
<kabar@serumpun.test> menulis:
> Kursi pelatihan ditawarkan kepada Anda. Balas YA atau TIDAK.
"""


@pytest.fixture
async def door(
    servers: Servers, database: Database, clock: StoppedClock, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    settings = replace(
        Settings.from_env({"MAIL_HOOK_SECRET": SECRET}),
        home=tmp_path,
        redis_url=servers.redis_url,
        database_urls={SERVICE.name: database.url},
    )
    app = build(SERVICE, settings, {"api"}, clock)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client,
    ):
        yield client


async def told(client: httpx.AsyncClient, *events: dict[str, Any], secret: str = SECRET) -> httpx.Response:
    content = json.dumps({"events": events}).encode()
    signature = hmac.digest(secret.encode(), content, "sha256").hex()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    return await client.post(HOOK, content=content, headers=headers)


def came(text: str, **changes: object) -> dict[str, Any]:
    return {
        "event_id": "m1",
        "message_id": "<abc@contoh.example>",
        "kind": "received",
        "at": (NOON + timedelta(minutes=1)).isoformat(),
        "sender": "Siti@Contoh.example",
        "text": text,
        "verified": True,
    } | changes


@pytest.fixture
async def offer(database: Database, clock: StoppedClock) -> None:
    await happened(database, owner(), business(), offered())
    clock.advance(timedelta(minutes=5))


async def replies(database: Database) -> list[dict[str, object]]:
    return await rows(database, "SELECT channel, text, meaning, outcome, sender FROM reply")


async def test_a_yes_by_mail_accepts_the_seat_once_however_often_it_is_told(
    offer: None, door: httpx.AsyncClient, database: Database
) -> None:
    for _ in range(2):
        answer = await told(door, came(YES))
        assert (answer.status_code, answer.json()) == (200, {"receipts": 0, "replies": 1})
    (event,) = [one for one in await recorded(database) if isinstance(one, ReplyReceived)]
    assert (event.answer, event.channel) == ("yes", "email")
    (kept,) = await replies(database)
    assert (kept["text"], kept["outcome"]) == ("Ya, Bu", "answered")


async def test_whoever_writes_an_address_over_a_letter_that_is_not_theirs_changes_nothing(
    offer: None, door: httpx.AsyncClient, database: Database
) -> None:
    before = len(await rows(database, "SELECT 1 FROM message"))
    await told(door, came(YES, verified=False), came("STOP", verified=False, message_id="2"))
    assert {(row["outcome"], row["meaning"]) for row in await replies(database)} == {
        ("unknown_sender", "yes"),
        ("unknown_sender", "stop"),
    }
    assert not [one for one in await recorded(database) if isinstance(one, ReplyReceived)]
    assert await rows(database, "SELECT 1 FROM preference") == []
    assert len(await rows(database, "SELECT 1 FROM message")) == before, "nobody is answered"


async def test_what_no_person_wrote_is_no_reply(offer: None, door: httpx.AsyncClient, database: Database) -> None:
    answer = await told(door, came("Saya sedang cuti", automatic=True))
    assert answer.json() == {"receipts": 0, "replies": 0}
    assert await replies(database) == []


async def handed_over(database: Database) -> UUID:
    """Let the welcome be handed over by mail, and give its delivery."""
    await happened(database, owner(), business())
    await answered(database, Channel.EMAIL, Accepted("250 OK"))
    (row,) = await rows(database, "SELECT id FROM delivery")
    return UUID(str(row["id"]))


def bounced(delivery_id: UUID, code: str = "5.1.1", **changes: object) -> dict[str, Any]:
    return {
        "event_id": "b1",
        "message_id": f"<{delivery_id}@serumpun.test>",
        "kind": "failed",
        "at": NOON.isoformat(),
        "code": code,
    } | changes


@pytest.mark.parametrize(
    ("code", "reason"),
    [("5.1.1", "bad_address"), ("5.1.10", "bad_address"), ("5.2.2", "refused"), ("4.4.7", "refused"), ("", "refused")],
)
async def test_a_letter_that_bounced_is_found_by_the_id_that_we_gave_it(
    door: httpx.AsyncClient, database: Database, code: str, reason: str
) -> None:
    delivery_id = await handed_over(database)
    for _ in range(2):
        answer = await told(door, bounced(delivery_id, code))
        assert (answer.status_code, answer.json()) == (200, {"receipts": 1, "replies": 0})
    found = await rows(database, "SELECT state, reason, reply FROM delivery")
    assert found == [{"state": "failed", "reason": reason, "reply": code or "250 OK"}]
    assert [type(one) for one in await recorded(database)] == [MessageDelivered, MessageFailed]
    assert not [one for one in await recorded(database) if isinstance(one, PhoneUnreachable)], "it is no telephone"


async def test_what_is_told_of_a_letter_of_somebody_else_waits_and_changes_nothing(
    door: httpx.AsyncClient, database: Database
) -> None:
    await handed_over(database)
    await told(door, bounced(UUID(int=7)), bounced(UUID(int=7), event_id="b2", message_id="<x@contoh.example>"))
    assert await rows(database, "SELECT state FROM delivery") == [{"state": "accepted"}]


async def test_what_was_delivered_is_said_to_be(door: httpx.AsyncClient, database: Database) -> None:
    delivery_id = await handed_over(database)
    await told(door, bounced(delivery_id, "", kind="delivered"))
    assert await rows(database, "SELECT state FROM delivery") == [{"state": "delivered"}]


async def test_what_is_not_signed_is_not_heard_and_without_a_secret_there_is_no_such_address(
    offer: None, door: httpx.AsyncClient, database: Database
) -> None:
    answer = await told(door, came(YES), secret="another")
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_refused")
    assert await replies(database) == []
    assert (await door.post("/notifications/hooks/sms", content=b"{}")).status_code in (404, 415)


async def test_every_mistake_is_told_and_nothing_is_taken(
    offer: None, door: httpx.AsyncClient, database: Database
) -> None:
    answer = await told(door, came(YES), came("x", kind="opened", at="gestern", message_id=""))
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/events/1/kind",
        "/events/1/at",
        "/events/1/message_id",
    }
    assert await replies(database) == []


@pytest.mark.parametrize(
    ("letter", "own"),
    [
        ("YA", "YA"),
        (YES, "Ya, Bu"),
        ("Ya\r\n\r\nOn Mon, Sep 21, 2020 at 12:00 PM Serumpun <k@s.test> wrote:\r\n> x", "Ya"),
        ("Tidak\n\n-----Original Message-----\nFrom: Serumpun", "Tidak"),
        ("Tidak\n\n________________________________\nDari: Serumpun", "Tidak"),
        ("Ya\n-- \nSiti Rohani\nKonveksi Siti", "Ya"),
        ("Ya\n\nDikirim dari iPhone saya", "Ya"),
        ("> lama\n\nYA", ""),
        ("Dari Siti: ya, tapi besok", "Dari Siti: ya, tapi besok"),
        ("Pada hari itu saya menulis surat", "Pada hari itu saya menulis surat"),
        ("", ""),
    ],
)
def test_only_what_somebody_wrote_themselves_is_read(letter: str, own: str) -> None:
    assert own_words(letter) == own
