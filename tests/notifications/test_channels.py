"""Channels against a real HTTP server: what each answer means, and when there is a doubt."""

import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifications.delivery.channels.gateway import MISTRUSTED_REST, Gateway
from services.notifications.delivery.channels.limits import (
    CHANNEL_STATE,
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
        "biz_opaque_callback_data": str(LETTER.key),
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
    ("status", "by_key", "without"),
    [
        (400, Refused, Refused),
        (401, Deferred, Deferred),
        (403, Deferred, Deferred),
        (404, Refused, Refused),
        (408, Repeatable, Doubtful),
        (429, Deferred, Deferred),
        (500, Repeatable, Doubtful),
        (502, Repeatable, Doubtful),
        (503, Deferred, Deferred),
        (504, Repeatable, Doubtful),
        (599, Repeatable, Doubtful),
    ],
)
async def test_what_an_answer_means_where_a_key_is_taken_and_where_none_is(
    gateway: GatewayServer, status: int, by_key: type[Outcome], without: type[Outcome]
) -> None:
    for channel, expected in ((sms(gateway), by_key), (whatsapp(gateway), without)):
        gateway.answers = [Answer(status, taken=False)]
        found = await outcome(channel)
        assert type(found) is expected
        assert found.reply.startswith(str(status))
        if isinstance(found, Refused):
            assert found.reason is (Reason.BAD_ADDRESS if status == 404 else Reason.REFUSED)
        if isinstance(found, Deferred):
            assert (found.rest is not None) is (status != 503)
            assert (found.due_at is not None) is (status != 503)


@pytest.mark.parametrize(
    "answer",
    [Answer(429, taken=False, headers={"retry-after": "7"}), Answer(401, taken=False), Answer(403, taken=False)],
)
async def test_a_channel_that_asks_for_rest_is_left_alone_with_every_letter_and_then_tried_with_one(
    gateway: GatewayServer, answer: Answer
) -> None:
    at = 0.0
    channel = Guarded(sms(gateway), Bucket(1000), Breaker("sms", lambda: at))
    gateway.answers = [answer]
    await channel.open()
    asked = await channel.deliver(LETTER)
    assert isinstance(asked, Deferred)
    assert asked.rest == (timedelta(seconds=7) if answer.status == 429 else MISTRUSTED_REST)
    assert await channel.deliver(LETTER) == asked, "what was begun together is not even handed over"
    assert len(gateway.posted) == 1
    with pytest.raises(ChannelDown, match=str(answer.status)):
        await channel.open()
    assert CHANNEL_STATE.labels("sms")._value.get() == OPEN
    at += asked.rest.total_seconds()
    await channel.open()
    assert channel.batch == 1
    assert isinstance(await channel.deliver(LETTER), Accepted)
    assert channel.batch > 1
    await channel.close()


def test_what_was_taken_of_letters_handed_over_before_ends_no_rest() -> None:
    breaker = Breaker("sms", lambda: 0.0)
    before, asking = breaker.begin(), breaker.begin()
    breaker.note(Deferred("429", NOON, timedelta(seconds=5)), asking)
    breaker.note(Accepted(), before)
    assert breaker.state == OPEN


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
