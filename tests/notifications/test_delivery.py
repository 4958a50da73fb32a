"""Delivery over a real SMTP server: sent once, tried again when that is certain to be right, in doubt otherwise."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from itertools import product
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.notifications.delivery import handlers
from services.notifications.delivery.channels.email import Email, Server
from services.notifications.delivery.domain import LEASE, MOVES, Accepted, Attempt, ChannelDown, Deferred, Letter, State
from services.notifications.delivery.handlers import LEASED_MAX, Answered
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.contracts.notifications import MessageDelivered, MessageFailed
from shared.database import Database
from shared.settings import SettingInvalid
from tests.conftest import Databases
from tests.notifications.mail_server import MailServer, hang_up
from tests.notifications.story import (
    HASAN,
    KITCHEN,
    NOON,
    OFFICE,
    SITI,
    TAILOR,
    TRACEPARENT,
    StoppedClock,
    business,
    happened,
    owner,
    posted,
    recorded,
    rows,
)
from tests.processes import ROOT, inherited
from tests.waiting import SECONDS_MAX, wait_until

SENDER_CALLER = Caller("notifications", Role.SERVICE, ())


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer().serving() as server:
        yield server


def email_to(port: int, **changes: float) -> Email:
    return Email(Server.from_url(f"smtp://127.0.0.1:{port}"), "Serumpun <kabar@serumpun.test>", **changes)


@pytest.fixture
async def channel(mail: MailServer) -> AsyncIterator[Email]:
    email = email_to(mail.port)
    yield email
    await email.close()


@pytest.fixture
def sender(database: Database, clock: StoppedClock, channel: Email) -> Sender:
    return Sender(database, clock, channel, letters, give_up=could_not_be_told)


@pytest.fixture
async def queued(database: Database) -> UUID:
    """One delivery, of the welcome to Siti."""
    await happened(database, owner(), business())
    return UUID(str((await one(database))["id"]))


async def one(database: Database) -> dict[str, object]:
    """Give the only delivery there is."""
    (row,) = await rows(database, "SELECT * FROM delivery")
    return row


async def states(database: Database) -> dict[str, int]:
    found = await rows(database, "SELECT state, count(*) AS count FROM delivery GROUP BY state")
    return {str(row["state"]): int(str(row["count"])) for row in found}


@asynccontextmanager
async def running(*senders: Sender) -> AsyncIterator[None]:
    """Let senders run as the service runs them, until the end of the block."""
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes


async def many(database: Database, count: int) -> None:
    """Queue as many deliveries, each to an owner of their own."""
    for number in range(count):
        person, firm = uuid4(), uuid4()
        await happened(database, owner(person, email=f"owner-{number}@contoh.example"), business(firm, person))


async def test_a_letter_says_it_in_plain_text_and_carries_the_id_of_its_delivery(
    database: Database, sender: Sender, mail: MailServer, queued: UUID
) -> None:
    assert await sender.round() == 1
    (letter,) = mail.letters
    assert letter["Message-ID"] == f"<{queued}@serumpun.test>"
    assert letter["To"] == "siti@contoh.example"
    assert letter["From"] == "Serumpun <kabar@serumpun.test>"
    assert letter["Subject"] == "Usaha Anda sudah terdaftar"
    assert letter["Content-Language"] == "id"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(letter["Date"]) == NOON
    assert letter["Date"].endswith("+0700")
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content_charset() == "utf-8"
    assert letter.get_content().startswith("Konveksi Siti sudah terdaftar di Serumpun, wilayah 19.71.")
    assert "Anda menerima pesan ini karena" in letter.get_content()


async def test_letters_of_every_script_arrive_as_they_were_written(
    database: Database, sender: Sender, mail: MailServer
) -> None:
    name = "Kopi & Téh 🍵 “Sérumpun” \n.\n QUIT"
    await happened(database, owner(), business(name=name))
    await sender.round()
    assert mail.letters[0].get_content().startswith("Kopi & Téh 🍵 “Sérumpun” . QUIT sudah terdaftar")


async def test_acceptance_is_written_with_its_moment_and_told_to_the_others_with_the_trace(
    database: Database, sender: Sender, clock: StoppedClock, queued: UUID
) -> None:
    clock.advance(timedelta(minutes=3))
    await sender.round()
    row = await one(database)
    assert (row["state"], row["attempts"], row["reason"]) == ("accepted", 1, None)
    assert row["accepted_at"] == clock.at
    (event,) = await recorded(database)
    assert event == MessageDelivered(
        message_id=row["message_id"], recipient=f"owner/{SITI}", channel="email", at=clock.at
    )
    assert await rows(database, "SELECT traceparent, region FROM outbox") == [
        {"traceparent": TRACEPARENT, "region": "19.71"}
    ]


async def test_an_address_that_changed_meanwhile_is_the_one_that_is_used(
    database: Database, sender: Sender, mail: MailServer, queued: UUID
) -> None:
    await happened(database, owner(email="baru@contoh.example"))
    await sender.round()
    assert [letter["To"] for letter in mail.letters] == ["baru@contoh.example"]


async def test_a_server_that_says_later_is_asked_again_later_with_the_same_letter(
    database: Database, sender: Sender, mail: MailServer, clock: StoppedClock, queued: UUID
) -> None:
    mail.answers = ["451 4.7.1 greylisted, come back"]
    await sender.round()
    row = await one(database)
    assert (row["state"], row["attempts"], row["reply"]) == ("queued", 1, "451 4.7.1 greylisted, come back")
    clock.advance(timedelta(seconds=9))
    assert await sender.round() == 0
    clock.advance(timedelta(seconds=1))
    assert await sender.round() == 1
    assert (await one(database))["state"] == "accepted"
    assert mail.seen == [f"<{queued}@serumpun.test>"] * 2
    assert len(mail.letters) == 1
    assert [type(event) for event in await recorded(database)] == [MessageDelivered]


async def test_the_third_error_fails_with_its_reason(
    database: Database, sender: Sender, mail: MailServer, clock: StoppedClock, queued: UUID
) -> None:
    mail.answers = ["451 4.3.0 busy"] * 5
    for _ in range(5):
        await sender.round()
        clock.advance(timedelta(hours=1))
    row = await one(database)
    assert (row["state"], row["reason"], row["attempts"], row["reply"]) == ("failed", "errors", 3, "451 4.3.0 busy")
    assert len(mail.seen) == 3
    (event,) = await recorded(database)
    assert isinstance(event, MessageFailed)
    assert (event.recipient, event.reason) == (f"owner/{SITI}", "errors")


async def test_a_server_that_says_no_is_not_asked_again(
    database: Database, sender: Sender, mail: MailServer, clock: StoppedClock
) -> None:
    mail.refused = {"siti@contoh.example": "550 5.1.1 no such mailbox"}
    await happened(database, owner(), owner(HASAN, email="hasan@contoh.example"), business(), business(KITCHEN, HASAN))
    for _ in range(2):
        await sender.round()
        clock.advance(timedelta(hours=1))
    found = await rows(
        database, "SELECT state, reason, reply, attempts FROM delivery WHERE person = :who", who=f"owner/{SITI}"
    )
    assert found == [{"state": "failed", "reason": "refused", "reply": "550 5.1.1 no such mailbox", "attempts": 1}]
    assert [letter["To"] for letter in mail.letters] == ["hasan@contoh.example"]
    failed, delivered = sorted(await recorded(database), key=lambda event: event.type, reverse=True)
    assert isinstance(failed, MessageFailed)
    assert isinstance(delivered, MessageDelivered)
    assert failed.reason == "refused"  # what the server says may hold an address, so it stays here


async def test_a_no_to_the_content_is_a_no(database: Database, sender: Sender, mail: MailServer, queued: UUID) -> None:
    mail.answers = ["554 5.6.0 not this"]
    await sender.round()
    row = await one(database)
    assert (row["state"], row["reason"], row["reply"]) == ("failed", "refused", "554 5.6.0 not this")


async def test_a_line_cut_after_the_content_leaves_a_doubt_and_nothing_is_sent_again(
    database: Database, sender: Sender, mail: MailServer, clock: StoppedClock, queued: UUID
) -> None:
    mail.answers = [hang_up]
    await sender.round()
    row = await one(database)
    assert (row["state"], row["reason"], row["attempts"]) == ("unknown", "answer_lost", 1)
    for _ in range(3):
        clock.advance(timedelta(days=1))
        assert await sender.round() == 0
    assert len(mail.seen) == 1
    assert (await one(database))["state"] == "unknown"
    assert await recorded(database) == []


async def test_a_server_that_falls_silent_after_the_content_leaves_a_doubt(
    database: Database, clock: StoppedClock, mail: MailServer, queued: UUID
) -> None:
    answered = asyncio.Event()

    async def never(*_: object) -> str:
        await answered.wait()
        return "250 OK"

    mail.answers = [never]
    channel = email_to(mail.port, command_timeout_seconds=1.5)
    await Sender(database, clock, channel, letters, give_up=could_not_be_told).round()
    row = await one(database)
    assert (row["state"], row["reason"]) == ("unknown", "answer_lost")
    assert str(row["reply"]).startswith("SMTPReadTimeoutError")
    answered.set()
    await channel.close()


async def test_a_server_that_never_greets_is_a_channel_that_is_down() -> None:
    silent = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    channel = email_to(silent.sockets[0].getsockname()[1], connect_timeout_seconds=0.2)
    with pytest.raises(ChannelDown, match="Timeout"):
        await channel.open()
    silent.close()


async def test_letters_after_a_lost_line_take_a_new_one(database: Database, sender: Sender, mail: MailServer) -> None:
    await many(database, 3)
    mail.answers = ["250 OK", hang_up]
    await sender.round()
    assert await states(database) == {"accepted": 2, "unknown": 1}
    assert len(mail.letters) == 3


@pytest.mark.parametrize(
    ("address", "reason"),
    [(None, "no_address"), ("nobody", "bad_address"), ("a@b@c", "bad_address"), ("tété@contoh.example", "bad_address")],
)
async def test_whoever_cannot_be_written_to_is_seen_to_be_so(
    database: Database, sender: Sender, mail: MailServer, queued: UUID, address: str | None, reason: str
) -> None:
    await happened(database, owner(email=address))
    await sender.round()
    row = await one(database)
    assert (row["state"], row["reason"]) == ("failed", reason)
    assert mail.seen == []


async def test_a_server_that_is_down_costs_no_attempt_and_is_healed_without_help(
    database: Database, channel: Email, mail: MailServer, queued: UUID
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    sender = Sender(database, Clock(), email_to(port), letters, give_up=could_not_be_told)
    with pytest.raises(ChannelDown):
        await sender.round()
    row = await one(database)
    assert (row["state"], row["attempts"], row["leased_by"]) == ("queued", 0, None)
    async with running(sender), MailServer().serving(port) as late:
        await wait_until(lambda: late.letters, description="the letter after the server came back")
    assert (await one(database))["state"] == "accepted"


async def test_without_a_server_letters_wait_and_only_the_too_old_ones_fail(
    database: Database, clock: StoppedClock, mail: MailServer, channel: Email
) -> None:
    await happened(database, owner(), business())
    clock.advance(timedelta(days=6))
    await happened(database, posted(TAILOR))
    clock.advance(timedelta(days=2))
    inbox_only = Sender(database, clock, None, letters, give_up=could_not_be_told)
    assert await inbox_only.round() == 0
    found = await rows(
        database,
        "SELECT m.purpose, d.state, d.reason FROM delivery d JOIN message m ON m.id = message_id ORDER BY m.created_at",
    )
    assert found == [
        {"purpose": "welcome", "state": "failed", "reason": "too_old"},
        {"purpose": "aid", "state": "queued", "reason": None},
    ]
    (event,) = await recorded(database)
    assert isinstance(event, MessageFailed)
    assert event.reason == "too_old"
    await Sender(database, clock, channel, letters, give_up=could_not_be_told).round()
    assert [letter["Subject"] for letter in mail.letters] == ["Bantuan untuk usaha Anda"]


async def test_several_senders_at_once_send_every_letter_once(databases: Databases, mail: MailServer) -> None:
    count = 3 * LEASED_MAX
    database = await databases("notifications", migrated=True)
    await many(database, count)
    async with running(
        *(Sender(database, Clock(), email_to(mail.port), letters, give_up=could_not_be_told) for _ in range(3))
    ):
        await wait_until(lambda: _all_accepted(database, count), description="all letters accepted")
    assert len(mail.seen) == len(set(mail.seen)) == count


async def _all_accepted(database: Database, count: int) -> bool:
    return await states(database) == {"accepted": count}


async def test_without_the_lease_two_senders_would_send_twice(
    database: Database, clock: StoppedClock, mail: MailServer, queued: UUID
) -> None:
    """The control: both look before either writes, as two processes do, and nothing but a look protects them."""
    looked = asyncio.Barrier(2)

    async def careless() -> None:
        async with database.work(SENDER_CALLER) as work:
            found = await work.session.execute(text("SELECT id FROM delivery WHERE state = 'queued'"))
            ids = list(found.scalars())
        await looked.wait()
        channel = email_to(mail.port)
        for delivery in ids:
            await channel.open()
            letter = Letter(delivery, "siti@contoh.example", "title", "body", "id", NOON)
            assert isinstance(await channel.deliver(letter), Accepted)
        await channel.close()

    await asyncio.gather(careless(), careless())
    assert mail.seen == [f"<{queued}@serumpun.test>"] * 2


async def test_a_sender_that_was_away_too_long_does_not_send_what_another_has_taken_over(
    database: Database, sender: Sender, clock: StoppedClock, mail: MailServer, queued: UUID
) -> None:
    late = uuid4()
    async with database.work(SENDER_CALLER) as work:
        (leased,) = await handlers.lease(work, late, "email")
    assert await sender.round() == 0
    clock.advance(LEASE)
    assert await sender.round() == 1
    async with database.work(SENDER_CALLER) as work:
        assert await handlers.begin(work, late, [leased]) == {}
    assert len(mail.seen) == 1


async def test_a_lease_that_ran_out_in_silence_is_no_permission_to_begin(
    database: Database, clock: StoppedClock, queued: UUID
) -> None:
    late = uuid4()
    async with database.work(SENDER_CALLER) as work:
        (leased,) = await handlers.lease(work, late, "email")
    clock.advance(LEASE)
    async with database.work(SENDER_CALLER) as work:
        assert await handlers.begin(work, late, [leased]) == {}
    assert (await one(database))["state"] == "queued"


async def test_an_answer_that_comes_after_the_doubt_still_counts_but_a_retry_does_not(
    database: Database, sender: Sender, clock: StoppedClock, queued: UUID
) -> None:
    slow = uuid4()
    async with database.work(SENDER_CALLER) as work:
        (leased,) = await handlers.lease(work, slow, "email")
        (attempt,) = (await handlers.begin(work, slow, [leased])).values()
        assert attempt.number == 1
    clock.advance(LEASE)
    assert await sender.round() == 0
    assert (await one(database))["state"] == "unknown"
    async with database.work(SENDER_CALLER) as work:
        await handlers.settle(work, slow, [Answered(leased, Attempt(1), Deferred("451 later"))], could_not_be_told)
    assert (await one(database))["state"] == "unknown"
    async with database.work(SENDER_CALLER) as work:
        await handlers.settle(work, slow, [Answered(leased, Attempt(1), Accepted("250 OK"))], could_not_be_told)
    row = await one(database)
    assert (row["state"], row["accepted_at"], row["reason"]) == ("accepted", clock.at, None)


async def test_a_receipt_before_our_own_write_stays(database: Database, clock: StoppedClock, queued: UUID) -> None:
    us = uuid4()
    async with database.work(SENDER_CALLER) as work:
        (leased,) = await handlers.lease(work, us, "email")
        await handlers.begin(work, us, [leased])
        await work.session.execute(text("UPDATE delivery SET state = 'delivered', accepted_at = :at"), {"at": clock.at})
    clock.advance(timedelta(seconds=5))
    async with database.work(SENDER_CALLER) as work:
        await handlers.settle(work, us, [Answered(leased, Attempt(1), Accepted("250 OK"))], could_not_be_told)
    row = await one(database)
    assert (row["state"], row["accepted_at"]) == ("delivered", NOON)
    assert await recorded(database) == []


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
async def test_the_database_knows_the_same_moves_as_the_rules(
    database: Database, queued: UUID, before: State, after: State
) -> None:
    fill = {"sender": uuid4(), "at": NOON, "id": queued}
    columns = "leased_by = :sender, leased_until = :at, reason = 'errors', accepted_at = :at"
    async with database.work(OFFICE) as work:
        await work.session.execute(text("ALTER TABLE delivery DISABLE TRIGGER delivery_keep_order"))
        await work.session.execute(
            text(f"UPDATE delivery SET state = :state, {columns} WHERE id = :id"),  # noqa: S608  our own words
            fill | {"state": before.value},
        )
        await work.session.execute(text("ALTER TABLE delivery ENABLE TRIGGER delivery_keep_order"))

    async def move() -> None:
        async with database.work(OFFICE) as work:
            await work.session.execute(
                text("UPDATE delivery SET state = :state WHERE id = :id"), {"state": after.value, "id": queued}
            )

    if before is after or (before, after) in MOVES:
        await move()
    else:
        with pytest.raises(IntegrityError, match=f"never goes from {before} to {after}"):
            await move()
    assert (await one(database))["state"] == (after if before is after or (before, after) in MOVES else before)


async def test_the_moment_of_acceptance_stays_when_it_is_delivered_later(
    database: Database, sender: Sender, clock: StoppedClock, queued: UUID
) -> None:
    await sender.round()
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE delivery SET state = 'delivered'"))
    assert (await one(database))["accepted_at"] == NOON
    with pytest.raises(IntegrityError, match="acceptance stays"):
        async with database.work(OFFICE) as work:
            await work.session.execute(text("UPDATE delivery SET accepted_at = :at"), {"at": NOON + timedelta(days=1)})


async def test_a_sender_told_to_stop_finishes_the_letter_on_its_way_and_gives_the_rest_back(
    database: Database, clock: StoppedClock, channel: Email, mail: MailServer
) -> None:
    await many(database, 5)
    arrived, answered = asyncio.Event(), asyncio.Event()

    async def slowly(*_: object) -> str:
        arrived.set()
        await answered.wait()
        return "250 OK"

    mail.answers = [slowly]
    task = asyncio.create_task(Sender(database, clock, channel, letters, give_up=could_not_be_told).run())
    await arrived.wait()
    task.cancel()
    await asyncio.sleep(0)
    answered.set()
    with suppress(asyncio.CancelledError):
        await task
    assert await states(database) == {"accepted": 1, "queued": 4}
    assert await rows(database, "SELECT id FROM delivery WHERE state = 'queued' AND leased_by IS NOT NULL") == []


async def test_a_queued_letter_wakes_the_sender_at_once(databases: Databases, mail: MailServer) -> None:
    database = await databases("notifications", migrated=True)
    await happened(database, owner())
    async with running(
        Sender(database, Clock(), email_to(mail.port), letters, give_up=could_not_be_told, look_seconds=3600)
    ):
        await wait_until(lambda: _listening(database), description="the sender to listen")
        await happened(database, business())
        await wait_until(lambda: mail.letters, description="the letter")


async def _listening(database: Database) -> bool:
    asked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"
    return bool(await rows(database, asked))


@pytest.mark.parametrize(
    ("point", "state", "sent"),
    [
        ("sender.after_lease", "accepted", 1),
        ("sender.after_begin", "unknown", 0),
        ("sender.after_delivery", "unknown", 1),
    ],
)
async def test_killed_at_any_point_nothing_is_sent_twice_and_every_doubt_is_visible(
    database: Database, sender: Sender, clock: StoppedClock, mail: MailServer, point: str, state: str, sent: int
) -> None:
    """The process dies between two effects; later, when its lease is over, another takes up the work."""
    clock.at = Clock().now()
    await happened(database, owner(), business())
    victim = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parent / "lone_sender.py"),
        database.url,
        str(mail.port),
        env=inherited(PYTHONPATH=str(ROOT), SERUMPUN_CRASH_AT=point),
    )
    assert await asyncio.wait_for(victim.wait(), SECONDS_MAX) == -signal.SIGKILL
    clock.at = Clock().now() + LEASE
    for _ in range(3):
        await sender.round()
    assert (await one(database))["state"] == state
    assert len(mail.seen) == sent


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.test", ("mail.test", 25, None, None, False, None)),
        ("smtp://mail.test:2525", ("mail.test", 2525, None, None, False, None)),
        ("smtp://me%40x:p%3Aw@mail.test", ("mail.test", 587, "me@x", "p:w", False, True)),
        ("smtp://me:pw@127.0.0.1:1025", ("127.0.0.1", 1025, "me", "pw", False, None)),
        ("smtps://me:pw@mail.test", ("mail.test", 465, "me", "pw", True, False)),
    ],
)
def test_the_address_of_a_server_says_how_to_speak_to_it(url: str, expected: tuple[object, ...]) -> None:
    server = Server.from_url(url)
    assert (
        server.host,
        server.port,
        server.username,
        server.password,
        server.use_tls,
        server.start_tls,
    ) == expected
    assert "pw" not in repr(server)


@pytest.mark.parametrize("url", ["http://mail.test", "smtp://", "mail.test:25", "smtp://a:pw@b:x", "smtp://a/b"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        Server.from_url(url)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("sender", ["", "nobody", "A <a@b@c>", "A <a@b.example\r\nBcc: x@y.example>"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(SettingInvalid):
        Email(Server.from_url("smtp://mail.test"), sender)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # on loopback, and a throw-away password
@pytest.mark.parametrize(("password", "works"), [("right", True), ("wrong", False)])
async def test_a_login_is_used_and_a_wrong_one_is_a_channel_that_is_down(password: str, works: bool) -> None:  # noqa: FBT001
    server = MailServer()
    server.passwords = {b"me": b"right"}
    async with server.serving():
        channel = Email(Server.from_url(f"smtp://me:{password}@127.0.0.1:{server.port}"), "a@b.example")
        letter = Letter(uuid4(), "siti@contoh.example", "title", "body", "id", NOON)
        if works:
            await channel.open()
            assert isinstance(await channel.deliver(letter), Accepted)
        else:
            with pytest.raises(ChannelDown, match="535"):
                await channel.open()
        await channel.close()
