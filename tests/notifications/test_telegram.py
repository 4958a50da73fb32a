"""Telegram through Apprise, against a server that speaks its Bot API over TLS behind a proxy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.notifications.delivery.channels.apprise import COME_AGAIN
from services.notifications.delivery.domain import Accepted, Deferred, Doubtful, Outcome, Reason, Refused
from tests.notifications.story import NOON
from tests.notifications.telegram_server import TelegramServer
from tests.notifications.test_apprise import TELEGRAM, outcome
from tests.notifications.test_channels import LETTER


@pytest.fixture
async def telegram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TelegramServer]:
    async with TelegramServer(tmp_path).serving() as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
        for name in ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


async def test_a_letter_is_one_message_of_the_bot_to_the_chat(telegram: TelegramServer) -> None:
    assert await outcome(TELEGRAM, "tgram") == Accepted("tgram")
    ((path, body),) = telegram.asked
    assert path == "/bot123456789:abcdefghijklmnopqrstuvwxyz012345678/sendMessage"
    assert str(body["chat_id"]) == "-100200300"
    words = str(body["text"])
    assert LETTER.title in words
    assert all(line in words for line in LETTER.body.splitlines())


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (401, "Unauthorized", Refused("tgram: 401", Reason.BAD_ADDRESS)),
        (403, "Forbidden: bot was blocked by the user", Refused("tgram: 403", Reason.BAD_ADDRESS)),
        (400, "Bad Request: chat not found", Refused("tgram: 400")),
        (429, "Too Many Requests: retry after 5", Deferred("tgram: 429", NOON + COME_AGAIN)),
        (502, "Bad Gateway", Doubtful("tgram: 502")),
    ],
)
async def test_what_the_bot_api_answers(telegram: TelegramServer, status: int, said: str, expected: Outcome) -> None:
    telegram.answers = [(status, said)] * 2
    assert await outcome(TELEGRAM, "tgram") == expected
    assert len(telegram.asked) == 1


async def test_a_server_that_is_not_telegrams_hears_nothing(
    telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert await outcome(TELEGRAM, "tgram") == Deferred("tgram: no connection")
    assert telegram.asked == []
