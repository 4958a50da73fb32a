"""The local outbox: what would have been sent, for staff and as a page, and only while no channel is set up."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.notifications import local_outbox
from services.notifications.delivery.channels.local import Local
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.letters import letters
from services.notifications.main import SERVICE
from services.notifications.plans import Channel
from services.notifications.signin import handlers as sign_in
from services.welcome import welcome
from shared import api_keys
from shared.caller import Caller, Role
from shared.clock import wib_day
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.security import Authenticator
from shared.settings import Settings
from shared.tokens import issue_token
from shared.web import Edge, assemble
from tests.notifications.story import BELITUNG, OFFICE, PANGKALPINANG, StoppedClock, business, happened, owner

PATH = "/notifications/local-outbox"
PHONE = "+6283400000101"
Client = Callable[[Caller | None, dict[str, str]], httpx.AsyncClient]


@pytest.fixture
async def client(database: Database, keys: KeyStore) -> AsyncIterator[Client]:
    """Call it for the client of a caller, or of somebody without a token, where some settings are."""
    opened: list[httpx.AsyncClient] = []

    def of(caller: Caller | None, env: dict[str, str]) -> httpx.AsyncClient:
        settings = Settings.from_env(env)
        authenticator = Authenticator(settings, keys, api_keys.lookup_in(database.engine), ended_in(database.engine))
        edge = Edge(database, authenticator, settings=settings)
        app = assemble("notifications", edge, SERVICE.declared, ())
        token = issue_token(keys, caller.role, caller.regions, caller.subject, 1) if caller else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        opened.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers))
        return opened[-1]

    yield of
    for one in opened:
        await one.aclose()


@pytest.fixture
async def sent(database: Database, clock: StoppedClock) -> str:
    """Siti, whose name is full of signs, was welcomed and asked for a code; gives its digits."""
    await happened(database, owner(phone=PHONE), business(name="<b>Konveksi</b> & Siti"))
    async with database.work(OFFICE) as work:
        await sign_in.ask(work, PHONE, "36.66.13.7")
    async with database.work(OFFICE) as work:
        (row,) = await sign_in.store.unsent(work.session, 1)
        digits = sign_in.code_of(work.vault, row.id)
        await sign_in.send_codes(work)
    for channel in Channel:
        sender = Sender(database, clock, Local(channel.value), letters, give_up=could_not_be_told)
        while await sender.round():
            pass
    return digits


def page(clock: StoppedClock, days: int = 0) -> str:
    return f"{PATH}/{local_outbox.code_of(Vault(b'm' * 32), wib_day(clock.now()) + timedelta(days=days))}"


async def test_staff_see_what_would_have_been_sent_but_no_code(sent: str, client: Client) -> None:
    answer = await client(PANGKALPINANG, {}).get(PATH)
    assert answer.status_code == 200
    code, welcomed = answer.json()["items"]
    assert (welcomed["channel"], welcomed["to"], code["channel"], code["to"]) == ("whatsapp", PHONE, "whatsapp", PHONE)
    assert "Konveksi" in welcomed["body"]
    assert sent not in answer.text
    first = (await client(OFFICE, {}).get(f"{PATH}?limit=1")).json()
    following = (await client(OFFICE, {}).get(f"{PATH}?limit=1&cursor={first['next']}")).json()
    assert [*first["items"], *following["items"]] == [code, welcomed]


async def test_nobody_sees_another_region_and_an_auditor_sees_no_addresses(sent: str, client: Client) -> None:
    assert (await client(BELITUNG, {}).get(PATH)).json() == {"items": [], "next": None}
    assert (await client(Caller("auditor", Role.AUDITOR, ("19",)), {}).get(PATH)).status_code == 403
    assert (await client(None, {}).get(PATH)).status_code == 401


async def test_the_page_shows_the_code_too_and_nothing_in_it_is_markup(
    sent: str, client: Client, clock: StoppedClock
) -> None:
    answer = await client(None, {}).get(page(clock))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert sent in answer.text
    assert "&lt;b&gt;Konveksi&lt;/b&gt; &amp; Siti" in answer.text
    assert "<b>" not in answer.text
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_the_address_of_the_page_is_that_of_today_or_of_yesterday(client: Client, clock: StoppedClock) -> None:
    anybody = client(None, {})
    found = [(await anybody.get(page(clock, days))).status_code for days in (-2, -1, 0, 1)]
    assert found == [404, 200, 200, 404]
    assert "Belum ada apa-apa" in (await anybody.get(page(clock))).text
    assert (await anybody.get(f"{PATH}/{'A' * 26}")).status_code == 404


@pytest.mark.parametrize(
    "env",
    [
        {"SMTP_URL": "smtp://127.0.0.1:25"},
        {"SMS_URL": "https://sms.test/v1", "SMS_TOKEN": "t"},
        {"WHATSAPP_URL": "https://graph.test/1/messages", "WHATSAPP_TOKEN": "t"},
        {"WEBHOOK_URL": "https://kantor.test/hook", "WEBHOOK_SECRET": "t"},
        {"APPRISE_SERVICES": "tgram"},
    ],
)
async def test_once_any_channel_is_set_up_it_is_not_there(
    sent: str, client: Client, clock: StoppedClock, env: dict[str, str]
) -> None:
    assert (await client(OFFICE, env).get(PATH)).status_code == 404
    assert (await client(None, env).get(page(clock))).status_code == 404


def test_the_command_prints_the_address_of_the_page_only_while_nothing_is_sent(tmp_path: Path) -> None:
    home = {"SERUMPUN_HOME": str(tmp_path)}
    assert f"  letters         http://127.0.0.1:8000{PATH}/" in welcome(Settings.from_env(home), "127.0.0.1")
    assert PATH not in welcome(Settings.from_env(home | {"APPRISE_SERVICES": "tgram"}), "127.0.0.1")
