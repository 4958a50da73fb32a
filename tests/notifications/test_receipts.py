"""Receipts of providers: signed, each once, in any order, also before our own write; and doubts that people resolve."""

import asyncio
import hmac
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from benchmarks.queued import queue
from services.notifications.delivery import handlers
from services.notifications.delivery.domain import LEASE, Accepted, Doubtful
from services.notifications.delivery.handlers import Answered
from services.notifications.delivery.receipts import Receipt
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import SERVICE
from services.notifications.plans import Channel
from shared.caller import Role
from shared.contracts.notifications import MessageDelivered, MessageFailed
from shared.database import Database
from shared.keys import KeyStore
from shared.service import build
from shared.settings import Settings
from shared.tokens import issue_token
from tests.conftest import Servers
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.notifications.story import StoppedClock, recorded, rows
from tests.notifications.test_plans_at_work import ALL, SENDER, answered, ledger, plan, planned
from tests.processes import ROOT, inherited
from tests.waiting import wait_until

LONE_SENDER = ROOT / "tests" / "faults" / "lone_gateway_sender.py"
SECRET = "hook-secret"
TAKEN = Accepted("200", "wamid.1")


@pytest.fixture
async def door(
    servers: Servers, database: Database, clock: StoppedClock, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    given = {"WHATSAPP_APP_SECRET": SECRET, "WHATSAPP_VERIFY_TOKEN": "agreed"}
    settings = replace(
        Settings.from_env(given), home=tmp_path, redis_url=servers.redis_url, database_urls={SERVICE.name: database.url}
    )
    app = build(SERVICE, settings, {"api"}, clock)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client,
    ):
        yield client


def officer(tmp_path: Path, region: str = "19.71") -> dict[str, str]:
    token = issue_token(KeyStore(tmp_path), Role.REGENCY_OFFICER, (region,), "officer", 1, clock=StoppedClock())
    return {"Authorization": f"Bearer {token}"}


async def told(client: httpx.AsyncClient, value: dict[str, object], secret: str = SECRET) -> httpx.Response:
    content = json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode()
    signature = hmac.digest(secret.encode(), content, "sha256").hex()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    return await client.post("/notifications/hooks/whatsapp", content=content, headers=headers)


async def receive(database: Database, *receipts: Receipt) -> None:
    async with database.work(SENDER) as work:
        await handlers.take_receipts(work, Channel.WHATSAPP, receipts, could_not_be_told)


async def swept(database: Database) -> None:
    async with database.work(SENDER) as work:
        await handlers.sweep(work, could_not_be_told)


DELIVERED = Receipt("e1", "wamid.1", "delivered", cost_rupiah=350)
FAILED = Receipt("e2", "wamid.1", "failed", "131026")


async def test_a_receipt_brings_a_delivery_to_its_end_once(database: Database) -> None:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, TAKEN)
    for _ in range(2):
        await receive(database, DELIVERED)
    assert await ledger(database) == [("whatsapp", "delivered", None)]
    assert await rows(database, "SELECT cost_rupiah FROM delivery") == [{"cost_rupiah": 350}]
    assert [type(event) for event in await recorded(database)] == [MessageDelivered]
    assert len(await rows(database, "SELECT 1 FROM receipt")) == 1


async def test_a_message_that_bounced_goes_over_the_next_channel(database: Database) -> None:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, TAKEN)
    await receive(database, FAILED)
    assert await ledger(database) == [("whatsapp", "failed", "bad_address"), ("sms", "queued", None)]
    assert [type(event) for event in await recorded(database)] == [MessageDelivered, MessageFailed]


@pytest.mark.parametrize("receipts", [(DELIVERED, FAILED), (FAILED, DELIVERED)])
async def test_of_both_it_is_delivered_in_whichever_order_they_come_together(
    database: Database, receipts: tuple[Receipt, Receipt]
) -> None:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, TAKEN)
    await receive(database, *receipts)
    assert await ledger(database) == [("whatsapp", "delivered", None)]


async def test_a_receipt_before_our_own_write_waits_for_it(database: Database) -> None:
    await planned(database, plan(*ALL))
    us = uuid4()
    async with database.work(SENDER) as work:
        leased = await handlers.lease(work, us, Channel.WHATSAPP)
        ((_, attempt),) = (await handlers.begin(work, us, leased)).items()
    await receive(database, DELIVERED)
    assert await ledger(database) == [("whatsapp", "sending", None)]
    async with database.work(SENDER) as work:
        await handlers.settle(work, us, [Answered(leased[0], attempt, TAKEN)], could_not_be_told)
    await swept(database)
    assert await ledger(database) == [("whatsapp", "delivered", None)]
    assert [type(event) for event in await recorded(database)] == [MessageDelivered]


@pytest.mark.parametrize("told_as", ["biz_opaque_callback_data", None])
async def test_a_receipt_finds_what_a_sender_left_that_was_killed_after_the_provider_took_it(
    database: Database, door: httpx.AsyncClient, clock: StoppedClock, told_as: str | None
) -> None:
    began = datetime.now(UTC)
    await queue(database, 1, Channel.WHATSAPP, began)
    async with GatewayServer().serving() as gateway:
        gateway.answers = [Answer(slow=True)]
        arguments = [database.url, Channel.WHATSAPP, gateway.url, "1", began.isoformat()]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(LONE_SENDER), *arguments, env=inherited(PYTHONPATH=str(ROOT)),
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await wait_until(lambda: posted_to(gateway), 30, "the letter to be taken")
        finally:
            process.kill()
            await process.wait()
    clock.advance(began - clock.now() + LEASE * 2)
    await swept(database)
    assert await ledger(database) == [("whatsapp", "unknown", "answer_lost")]
    status = {"id": "wamid.never-told", "status": "delivered"}
    if told_as is not None:
        status[told_as] = str(gateway.posted[0].body[told_as])
    assert (await told(door, {"statuses": [status]})).status_code == 200
    expected = ("whatsapp", "unknown", "answer_lost") if told_as is None else ("whatsapp", "delivered", None)
    assert await ledger(database) == [expected]
    if told_as is not None:
        assert await rows(database, "SELECT provider_id FROM delivery") == [{"provider_id": "wamid.never-told"}]


async def posted_to(gateway: GatewayServer) -> bool:
    return bool(gateway.posted)


async def test_what_another_system_gave_along_is_no_delivery_of_ours(
    database: Database, door: httpx.AsyncClient
) -> None:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, TAKEN)
    for given in ("another system's word", str(uuid4())):
        status = {"id": f"wamid.{given}", "status": "delivered", "biz_opaque_callback_data": given}
        assert (await told(door, {"statuses": [status]})).status_code == 200
    assert await ledger(database) == [("whatsapp", "accepted", None)]


async def test_receipts_are_let_go_after_a_month(database: Database, clock: StoppedClock) -> None:
    await receive(database, DELIVERED)
    clock.advance(timedelta(days=30))
    await swept(database)
    assert await rows(database, "SELECT 1 FROM receipt") == []


async def test_the_provider_is_heard_when_it_signs(database: Database, door: httpx.AsyncClient) -> None:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, TAKEN)
    value = {
        "statuses": [{"id": "wamid.1", "status": "sent"}, {"id": "wamid.1", "status": "read"}],
        "messages": [{"id": "wamid.in", "from": "6281", "timestamp": "1600000000", "text": {"body": "YA"}}],
    }
    refused = await told(door, value, "another")
    assert (refused.status_code, refused.json()["code"]) == (401, "signature_refused")
    assert await ledger(database) == [("whatsapp", "accepted", None)]
    answer = await told(door, value)
    assert (answer.status_code, answer.json()) == (200, {"receipts": 1, "replies": 1})
    assert await ledger(database) == [("whatsapp", "delivered", None)]


@pytest.mark.parametrize(("token", "status", "text"), [("agreed", 200, "1158201444"), ("guessed", 404, None)])
async def test_the_address_is_ours_for_whoever_knows_the_token(
    door: httpx.AsyncClient, token: str, status: int, text: str | None
) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    answer = await door.get("/notifications/hooks/whatsapp", params=asked)
    assert answer.status_code == status
    assert text is None or answer.text == text


async def test_a_channel_that_is_not_set_up_is_not_there(door: httpx.AsyncClient) -> None:
    sent = await door.post("/notifications/hooks/sms", content=b"{}", headers={"Content-Type": "application/json"})
    assert sent.status_code == 404


async def in_doubt(database: Database) -> UUID:
    await planned(database, plan(*ALL))
    await answered(database, Channel.WHATSAPP, Doubtful("lost"))
    (row,) = await rows(database, "SELECT id FROM delivery")
    return UUID(str(row["id"]))


async def test_what_did_not_arrive_goes_over_the_next_channel_and_who_found_out_stands_beside_it(
    database: Database, door: httpx.AsyncClient, tmp_path: Path
) -> None:
    address = f"/notifications/deliveries/{await in_doubt(database)}/resolution"
    body = {"outcome": "not_delivered", "reason": "Ia belum menerimanya"}
    assert (await door.post(address, json=body, headers=officer(tmp_path, "19.02"))).status_code == 404
    answer = await door.post(address, json=body, headers=officer(tmp_path))
    assert answer.status_code == 200
    view = answer.json()
    assert (view["state"], view["reason"], view["resolved_by"]) == ("failed", "not_delivered", "officer")
    assert view["resolution"] == "Ia belum menerimanya"
    assert await ledger(database) == [("whatsapp", "failed", "not_delivered"), ("sms", "queued", None)]
    again = await door.post(address, json=body, headers=officer(tmp_path))
    assert (again.status_code, again.json()["code"]) == (409, "not_in_doubt")


async def test_what_did_arrive_goes_nowhere_else(database: Database, door: httpx.AsyncClient, tmp_path: Path) -> None:
    address = f"/notifications/deliveries/{await in_doubt(database)}/resolution"
    body = {"outcome": "delivered", "reason": "Ia sudah membacanya"}
    assert (await door.post(address, json=body, headers=officer(tmp_path))).status_code == 200
    assert await ledger(database) == [("whatsapp", "delivered", None)]
    assert [type(event) for event in await recorded(database)] == [MessageDelivered]
