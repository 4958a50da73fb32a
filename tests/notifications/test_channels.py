"""Channels against a real HTTP server: what each answer means, and when there is a doubt."""

import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifications.delivery.channels.gateway import Gateway
from services.notifications.delivery.channels.limits import (
    CLOSED,
    FAILURES_MAX,
    OPEN,
    OPEN_SECONDS,
    Breaker,
    Bucket,
    Guarded,
)
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.channels.webhook import Webhook
from services.notifications.delivery.channels.whatsapp import WhatsApp
from services.notifications.delivery.domain import (
    Accepted,
    ChannelDown,
    Deferred,
    Doubtful,
    Letter,
    Outcome,
    Reason,
    Refused,
    Repeatable,
)
from services.notifications.main import channels
from services.notifications.plans import Channel
from shared.settings import SettingInvalid, Settings
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.notifications.story import NOON, StoppedClock

LETTER = Letter(uuid4(), "+6283400000101", "Bantuan", "Ada bantuan\nuntuk Anda", "id", NOON)
CLOCK = StoppedClock()


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayServer]:
    async with GatewayServer().serving() as server:
        yield server


def sms(gateway: GatewayServer) -> Sms:
    return Sms(gateway.url, CLOCK, {"Authorization": "Bearer secret"}, timeout_seconds=2)


def whatsapp(gateway: GatewayServer, template: str | None = None) -> WhatsApp:
    return WhatsApp(gateway.url, "secret", template, CLOCK, timeout_seconds=2)


async def outcome(channel: Gateway) -> Outcome:
    await channel.open()
    try:
        return await channel.deliver(LETTER)
    finally:
        await channel.close()


async def test_a_text_message_goes_with_its_key_and_the_answer_has_id_and_cost(gateway: GatewayServer) -> None:
    assert await outcome(sms(gateway)) == Accepted("200", f"id-{LETTER.key}", 350)
    (posted,) = gateway.posted
    assert posted.headers["idempotency-key"] == str(LETTER.key)
    assert posted.headers["authorization"] == "Bearer secret"
    assert posted.body == {"to": LETTER.to, "text": LETTER.body, "reference": str(LETTER.key)}


async def test_whatsapp_is_given_a_text_or_a_template_without_line_breaks(gateway: GatewayServer) -> None:
    assert await outcome(whatsapp(gateway)) == Accepted("200", "wamid.1")
    await outcome(whatsapp(gateway, "kabar"))
    text, template = (posted.body for posted in gateway.posted)
    assert text == {
        "messaging_product": "whatsapp", "to": "6283400000101", "type": "text", "text": {"body": LETTER.body},
    }  # fmt: skip
    assert template["template"] == {
        "name": "kabar",
        "language": {"code": "id"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ada bantuan untuk Anda"}]}],
    }


async def test_a_webhook_is_signed_over_its_very_bytes(gateway: GatewayServer) -> None:
    assert isinstance(await outcome(Webhook(gateway.url, "secret", CLOCK)), Accepted)
    (posted,) = gateway.posted
    expected = hmac.digest(b"secret", posted.raw, "sha256").hex()
    assert posted.headers["x-hub-signature-256"] == f"sha256={expected}"


async def test_an_answer_that_is_lost_is_a_doubt_only_where_no_key_is_taken(gateway: GatewayServer) -> None:
    gateway.answers = [Answer(silent=True), Answer(silent=True)]
    assert isinstance(await outcome(whatsapp(gateway)), Doubtful)
    assert isinstance(await outcome(sms(gateway)), Repeatable)
    assert isinstance(await outcome(sms(gateway)), Accepted)
    assert gateway.repeated == 1
    assert gateway.taken.count(str(LETTER.key)) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(503, taken=False), Deferred),
        (Answer(401, taken=False), Deferred),
        (Answer(400, taken=False), Refused),
        (Answer(404, taken=False), Refused),
    ],
)
async def test_a_no_is_for_good_when_it_is_about_the_letter(
    gateway: GatewayServer, answer: Answer, expected: type[Outcome]
) -> None:
    gateway.answers = [answer]
    found = await outcome(sms(gateway))
    assert isinstance(found, expected)
    assert found.reply.startswith(str(answer.status))
    if isinstance(found, Refused):
        assert found.reason is (Reason.BAD_ADDRESS if answer.status == 404 else Reason.REFUSED)


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7), ("999999", 3600), ("nonsense", 10), ("Mon, 21 Sep 2020 05:01:00 GMT", 60)]
)
async def test_a_channel_that_says_when_to_come_again_is_heeded(
    gateway: GatewayServer, told: str, seconds: int
) -> None:
    gateway.answers = [Answer(429, taken=False, headers={"retry-after": told})]
    found = await outcome(sms(gateway))
    assert isinstance(found, Deferred)
    assert found.due_at == NOON + timedelta(seconds=seconds)


async def test_nobody_there_is_no_doubt(gateway: GatewayServer) -> None:
    channel = WhatsApp("http://127.0.0.1:9/", "secret", None, CLOCK)
    assert await outcome(channel) == Deferred("ClientConnectorError")


async def test_after_failures_in_a_row_a_channel_is_left_alone_and_then_tried_with_one(gateway: GatewayServer) -> None:
    at = 0.0
    breaker = Breaker("sms", lambda: at)
    channel = Guarded(sms(gateway), Bucket(1000), breaker)
    gateway.answers = [Answer(503, taken=False)] * FAILURES_MAX
    for _ in range(FAILURES_MAX):
        await channel.open()
        await channel.deliver(LETTER)
    with pytest.raises(ChannelDown):
        await channel.open()
    at += OPEN_SECONDS
    await channel.open()
    assert channel.batch == 1
    assert isinstance(await channel.deliver(LETTER), Accepted)
    assert channel.batch > 1
    await channel.close()


def test_what_times_out_after_later_letters_were_taken_says_nothing_against_a_channel() -> None:
    breaker = Breaker("sms", lambda: 0.0)
    slow = [breaker.begin() for _ in range(FAILURES_MAX * 2)]
    breaker.note(Accepted(), breaker.begin())
    for place in slow:
        breaker.note(Repeatable("ReadTimeout"), place)
    assert breaker.state == CLOSED
    for _ in range(FAILURES_MAX):
        breaker.note(Repeatable("ReadTimeout"), breaker.begin())
    assert breaker.state == OPEN
    breaker.note(Accepted(), slow[-1])
    assert breaker.state == OPEN, "it was handed over before the channel failed"


def test_no_more_are_begun_together_than_pass_in_half_a_second(gateway: GatewayServer) -> None:
    assert Guarded(sms(gateway), Bucket(10), Breaker("sms")).batch == 5
    assert Guarded(sms(gateway), Bucket(1), Breaker("sms")).batch == 1


def test_where_nothing_is_set_up_the_local_outbox_stands_in_for_every_channel() -> None:
    assert set(channels(Settings.from_env({}), CLOCK)) == set(Channel)
    only_sms = Settings.from_env({"SMS_URL": "https://sms.test/v1", "SMS_TOKEN": "t"})
    assert set(channels(only_sms, CLOCK)) == {Channel.SMS}


@pytest.mark.parametrize(
    "env",
    [
        {"SMS_URL": "https://sms.test/v1"},
        {"SMS_URL": "http://sms.test/v1", "SMS_TOKEN": "t"},
        {"WHATSAPP_URL": "https://me:pw@graph.test", "WHATSAPP_TOKEN": "t"},
        {"WEBHOOK_URL": "nowhere", "WEBHOOK_SECRET": "t"},
    ],
)
def test_a_provider_without_its_secret_or_in_the_clear_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingInvalid) as refused:
        Settings.from_env(env)
    assert "pw" not in str(refused.value)
