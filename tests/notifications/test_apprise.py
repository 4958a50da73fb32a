"""Apprise against a real HTTP server: what each answer means, which addresses are taken, and whom it reaches first."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from services.notifications.addresses import receiver
from services.notifications.contacts.handlers import register_staff
from services.notifications.contacts.store import StaffMemberRow
from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.channels.apprise import COME_AGAIN, Apprise
from services.notifications.delivery.channels.webhook import Webhook
from services.notifications.delivery.domain import Accepted, Deferred, Doubtful, Letter, Outcome, Reason, Refused
from services.notifications.delivery.sender import Channel as Sending
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import SERVICE, channels, letters
from services.notifications.people import Choices, Language, Person
from services.notifications.plans import Channel, Urgency, channels_of
from shared import api_keys
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.keys import KeyStore
from shared.problems import Invalid
from shared.security import Authenticator
from shared.settings import SettingInvalid, Settings
from shared.tokens import issue_token
from shared.web import Edge, assemble
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.notifications.story import NOON, OFFICE, StoppedClock, dispatched, happened, rows
from tests.notifications.test_channels import LETTER
from tests.waiting import wait_until

CLOCK = StoppedClock()
TELEGRAM = "tgram://123456789:abcdefghijklmnopqrstuvwxyz012345678/-100200300"
SECRET = "4f0c2b-secret-4f0c2b"


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayServer]:
    async with GatewayServer().serving() as server:
        yield server


def told_by(url: str, *services: str) -> tuple[Apprise, Letter]:
    return Apprise(services or ("json",), CLOCK, timeout_seconds=0.5), replace(LETTER, to=url)


def at(gateway: GatewayServer, more: str = "") -> str:
    return f"json://127.0.0.1:{gateway.port}/{SECRET}{more}"


async def outcome(url: str, *services: str) -> Outcome:
    channel, letter = told_by(url, *services)
    await channel.open()
    try:
        return await channel.deliver(letter)
    finally:
        await channel.close()


async def test_a_letter_goes_out_once_with_title_and_body_as_they_are(gateway: GatewayServer) -> None:
    assert await outcome(at(gateway)) == Accepted("json")
    (posted,) = gateway.posted
    assert (posted.body["title"], posted.body["message"]) == (LETTER.title, LETTER.body)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, Refused("json: 302")),  # it is not followed
        (400, Refused("json: 400")),
        (401, Refused("json: 401", Reason.BAD_ADDRESS)),
        (403, Refused("json: 403", Reason.BAD_ADDRESS)),
        (404, Refused("json: 404", Reason.BAD_ADDRESS)),
        (408, Doubtful("json: 408")),
        (429, Deferred("json: 429", NOON + COME_AGAIN)),
        (500, Doubtful("json: 500")),
        (502, Doubtful("json: 502")),
        (503, Deferred("json: 503")),
        (599, Doubtful("json: 599")),
    ],
)
async def test_what_an_answer_means(gateway: GatewayServer, status: int, expected: Outcome) -> None:
    gateway.answers = [Answer(status, taken=False, headers={"location": at(gateway).replace("json", "http")})]
    assert await outcome(at(gateway)) == expected
    assert len(gateway.posted) == 1


@pytest.mark.parametrize("answer", [Answer(silent=True), Answer(slow=True)])
async def test_an_answer_that_is_lost_after_the_letter_was_taken_is_a_doubt_and_is_not_asked_again(
    gateway: GatewayServer, answer: Answer
) -> None:
    gateway.answers = [answer]
    assert await outcome(at(gateway)) == Doubtful("json: no answer")
    assert len(gateway.posted) == 1


async def test_nobody_there_is_no_doubt() -> None:
    assert await outcome("json://127.0.0.1:9/x") == Deferred("json: no connection")
    assert await outcome("json://nirgends.invalid/x") == Deferred("json: no connection")


async def test_the_address_goes_into_no_log(gateway: GatewayServer) -> None:
    said = io.StringIO()
    everything = logging.StreamHandler(said)  # as the service hears what libraries say
    logging.getLogger().addHandler(everything)
    gateway.answers = [Answer(), Answer(500), Answer(silent=True)]
    try:
        found = [await outcome(at(gateway)) for _ in range(3)]
        found.append(await outcome(f"json://127.0.0.1:9/{SECRET}"))
        logging.getLogger("another").warning("is heard")
    finally:
        logging.getLogger().removeHandler(everything)
    assert said.getvalue() == "is heard\n"
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1:8000/x",  # another service than those that are allowed
        "https://api.telegram.org/bot1/x",
        "file:///etc/passwd",
        "tgram://",
        "tgram://no-token/1",
        f"{TELEGRAM}/-100200301",  # two receivers
        "tgram",
        f"{TELEGRAM}{'0' * 500}",
        f"{TELEGRAM}?template=/etc/hostname",  # which would be read and sent
        f"{TELEGRAM}?template=http://127.0.0.1:8000/readyz",
        f"{TELEGRAM}/?verify=no",
        f"{TELEGRAM}?retry=5&optional=yes&rto=900",
    ],
)
def test_an_address_of_another_service_of_several_receivers_with_options_or_of_none_is_not_taken(url: str) -> None:
    assert receiver(url, ["tgram", "slack"]) is None


def test_an_address_of_telegram_is_one_attempt_in_our_time_outs_over_verified_tls() -> None:
    found = receiver(TELEGRAM, ["tgram"])
    assert found is not None
    assert (found.retry, found.optional, found.verify_certificate, found.redirects) == (0, False, True, False)
    assert found.request_timeout == (4.0, 6.0)
    assert found.overflow_mode == "truncate"


async def test_a_letter_to_an_address_with_options_that_was_taken_before_is_not_sent(
    database: Database, clock: StoppedClock, gateway: GatewayServer
) -> None:
    await clerk(database, at(gateway))
    await happened(database, dispatched())
    async with database.work(OFFICE) as work:
        held = work.vault.hold("apprise address", "staff/officer-19.71", at(gateway, "?retry=3"))
        await work.session.execute(text("UPDATE staff_member SET apprise_held = :held"), {"held": held})
    await worked_off(database, clock, Apprise(("json",), clock))
    assert [row[:3] for row in await ledger(database)] == [("apprise", "failed", "bad_address")]
    assert gateway.posted == []


@pytest.mark.parametrize("named", ["tgram;slack", "Telegram!", "x"])
def test_services_that_are_no_names_are_refused(named: str) -> None:
    with pytest.raises(SettingInvalid, match="APPRISE_SERVICES"):
        Settings.from_env({"APPRISE_SERVICES": named})


def test_the_channel_is_set_up_by_the_services_that_are_allowed() -> None:
    settings = Settings.from_env({"APPRISE_SERVICES": "TGRAM, slack"})
    assert settings.apprise_services == ("tgram", "slack")
    assert set(channels(settings, CLOCK)) == {Channel.APPRISE}


# Whom it reaches, and in which order

CHOSEN = Choices(required=("email",), invitation=("email",), information=())


@pytest.mark.parametrize(
    ("changes", "urgency", "expected"),
    [
        ({}, Urgency.INFORMATION, ("webhook", "apprise", "email")),
        ({"webhook": False}, Urgency.REQUIRED, ("apprise", "email")),
        ({"apprise_held": None, "email": None}, Urgency.REQUIRED, ("webhook",)),
        ({"choices": CHOSEN}, Urgency.REQUIRED, ("webhook", "apprise", "email")),
        ({"choices": CHOSEN}, Urgency.INFORMATION, ()),  # who chose the inbox alone is left alone
        ({"stopped": True}, Urgency.REQUIRED, ()),
    ],
)
def test_staff_are_told_by_what_their_office_uses_before_their_mail(
    changes: dict[str, object], urgency: Urgency, expected: tuple[str, ...]
) -> None:
    clerk = Person("staff/x", Language.INDONESIAN, "x@contoh.example", apprise_held=b"sealed", webhook=True)
    assert channels_of(replace(clerk, **changes), urgency) == expected


async def clerk(database: Database, url: str | None, *, webhook: bool = False, email: str | None = None) -> None:
    row = StaffMemberRow(
        subject="officer-19.71", name="Fitri", role="regency_officer", regions=["19.71"], language="id",
        webhook=webhook, email=email,
    )  # fmt: skip
    async with database.work(OFFICE) as work:
        await register_staff(work, OFFICE, row, url, services=("json", "tgram"))


async def worked_off(database: Database, clock: StoppedClock, *made: Sending) -> None:
    """Let a sender of each channel work off what is due, one after the other."""
    for channel in made:
        one = Sender(database, clock, channel, letters, give_up=could_not_be_told)
        while await one.round():
            pass
        await channel.close()


async def ledger(database: Database) -> list[tuple[object, ...]]:
    found = await rows(database, "SELECT channel, state, reason, reply FROM delivery ORDER BY created_at, id")
    return [tuple(row.values()) for row in found]


async def test_a_clerk_is_told_at_their_address_which_is_kept_sealed(
    database: Database, clock: StoppedClock, gateway: GatewayServer
) -> None:
    await clerk(database, at(gateway))
    await happened(database, dispatched())
    await worked_off(database, clock, Apprise(("json",), clock))
    assert await ledger(database) == [("apprise", "accepted", None, "json")]
    assert len(gateway.posted) == 1
    (kept,) = await rows(database, "SELECT apprise_held FROM staff_member")
    assert SECRET.encode() not in bytes(kept["apprise_held"])  # type: ignore[call-overload]


async def test_where_the_address_is_not_there_any_more_mail_is_next(
    database: Database, clock: StoppedClock, gateway: GatewayServer
) -> None:
    await clerk(database, at(gateway), email="fitri@contoh.example")
    await happened(database, dispatched())
    gateway.answers = [Answer(404, taken=False)]
    await worked_off(database, clock, Apprise(("json",), clock))
    assert await ledger(database) == [
        ("apprise", "failed", "bad_address", "json: 404"),
        ("email", "queued", None, ""),
    ]


async def test_a_service_that_is_allowed_no_more_gets_nothing(
    database: Database, clock: StoppedClock, gateway: GatewayServer
) -> None:
    await clerk(database, at(gateway))
    await happened(database, dispatched())
    await worked_off(database, clock, Apprise(("tgram",), clock))
    assert [row[:3] for row in await ledger(database)] == [("apprise", "failed", "bad_address")]
    assert gateway.posted == []


async def test_a_doubt_stays_one_until_a_person_says_what_became_of_it(
    database: Database, clock: StoppedClock, gateway: GatewayServer
) -> None:
    await clerk(database, at(gateway), email="fitri@contoh.example")
    await happened(database, dispatched())
    gateway.answers = [Answer(silent=True)]
    await worked_off(database, clock, Apprise(("json",), clock))
    clock.advance(timedelta(hours=1))
    async with database.work(OFFICE) as work:
        await delivery.sweep(work, could_not_be_told)
    assert await ledger(database) == [("apprise", "unknown", "answer_lost", "json: no answer")]


async def test_the_offices_own_system_is_told_first_and_once_though_its_answer_was_lost(
    database: Database, clock: StoppedClock, gateway: GatewayServer
) -> None:
    await clerk(database, None, webhook=True, email="fitri@contoh.example")
    await happened(database, dispatched())
    gateway.answers = [Answer(silent=True)]
    hook = Webhook(gateway.url, "secret", clock)
    await worked_off(database, clock, hook)
    assert [row[:2] for row in await ledger(database)] == [("webhook", "queued")]
    clock.advance(timedelta(minutes=1))
    await worked_off(database, clock, hook)
    assert [row[:2] for row in await ledger(database)] == [("webhook", "accepted")]
    assert (len(gateway.posted), len(gateway.taken), gateway.repeated) == (2, 1, 1)
    assert gateway.posted[0].body["to"] == "staff/officer-19.71"


# How the office sets it up


@pytest.fixture
async def office(database: Database, keys: KeyStore) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.from_env({"APPRISE_SERVICES": "tgram"})
    authenticator = Authenticator(settings, keys, api_keys.lookup_in(database.engine), ended_in(database.engine))
    edge = Edge(database, authenticator, settings=settings)
    app = assemble("notifications", edge, SERVICE.declared, ())
    token = issue_token(keys, OFFICE.role, OFFICE.regions, OFFICE.subject, 1)
    transport, headers = httpx.ASGITransport(app), {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


MEMBER = {"subject": "officer-19.71", "name": "Fitri", "role": "regency_officer", "regions": ["19.71"]}


async def test_an_address_is_taken_and_never_shown_again(office: httpx.AsyncClient, database: Database) -> None:
    answer = await office.post("/notifications/staff", json=MEMBER | {"apprise_url": TELEGRAM, "webhook": True})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["apprise"], answer.json()["webhook"]) == (True, True)
    listed = await office.get("/notifications/staff")
    assert listed.json()["items"] == [answer.json()]
    assert "abcdefghij" not in answer.text + listed.text + str(await rows(database, "SELECT * FROM staff_member"))
    replaced = await office.post("/notifications/staff", json=MEMBER)
    assert (replaced.json()["apprise"], replaced.json()["webhook"]) == (False, False)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("json://10.0.0.1/x", "service_not_set_up"),
        (f"{TELEGRAM}/5", "invalid_address"),
        ("tgram://x", "invalid_address"),
        (f"{TELEGRAM}?template=/etc/hostname", "invalid_address"),
        ("tgram://a b", "bad_format"),
    ],
)
async def test_an_address_that_is_not_taken_is_told_with_all_other_mistakes(
    office: httpx.AsyncClient, database: Database, url: str, code: str
) -> None:
    answer = await office.post("/notifications/staff", json=MEMBER | {"regions": ["18"], "apprise_url": url})
    assert answer.status_code == 422
    errors = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert ("/apprise_url", code) in errors
    assert (("/regions/0", "unknown_region") in errors) == (code != "bad_format"), "shape first"
    assert await rows(database, "SELECT * FROM staff_member") == []


async def test_where_no_service_is_set_up_no_address_is_taken(database: Database) -> None:
    row = StaffMemberRow(**MEMBER, language="id")
    with pytest.raises(Invalid) as refused:
        async with database.work(OFFICE) as work:
            await register_staff(work, OFFICE, row, TELEGRAM)
    assert [one.code for one in refused.value.errors] == ["service_not_set_up"]


async def test_other_letters_go_on_while_one_service_is_slow(gateway: GatewayServer) -> None:
    gateway.answers = [Answer(slow=True)]
    channel, letter = Apprise(("json",), CLOCK, timeout_seconds=3), replace(LETTER, to=at(gateway))
    slow = asyncio.create_task(channel.deliver(letter))
    await wait_until(lambda: len(gateway.posted) == 1, description="the slow one to be handed over")
    assert await channel.deliver(letter) == Accepted("json")
    assert not slow.done()
    assert isinstance(await slow, Doubtful)
