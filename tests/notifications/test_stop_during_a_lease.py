"""STOP counts within a minute, also for what a sender has taken already and has not begun."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifications.delivery.channels.email import Email, Server
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from services.notifications.replies import handlers as replies
from services.notifications.replies.domain import Reply
from shared.database import Database
from tests.notifications.mail_server import MailServer
from tests.notifications.story import OFFICE, StoppedClock, business, happened, owner, rows
from tests.notifications.test_delivery import running
from tests.waiting import wait_until


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer().serving() as server:
        yield server


@pytest.mark.parametrize("word", ["STOP", "Berhenti"])
async def test_a_stop_during_a_lease_counts_for_every_letter_that_is_not_begun(
    database: Database, clock: StoppedClock, mail: MailServer, word: str
) -> None:
    people = {name: uuid4() for name in ("ani", "budi", "cici")}
    for name, person in people.items():
        firm = uuid4()
        await happened(database, owner(person, email=f"{name}@contoh.example"), business(firm, person))
        clock.advance(timedelta(seconds=1))
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> str:
        arrived.set()
        await go_on.wait()
        return "250 OK"

    mail.answers = [slow]
    channel = Email(Server.from_url(f"smtp://127.0.0.1:{mail.port}"), "Serumpun <kabar@serumpun.test>")
    async with running(Sender(database, clock, channel, letters, give_up=could_not_be_told)):
        async with asyncio.timeout(20):
            await arrived.wait()
        leased = await rows(database, "SELECT id FROM delivery WHERE leased_by IS NOT NULL")
        assert len(leased) == 3, "all three are taken, and one is begun"
        async with database.work(OFFICE) as work:
            await replies.take(work, [Reply("email", "reply-1", "budi@contoh.example", word, work.now)])
        go_on.set()
        await wait_until(lambda: len(mail.letters) >= 2, description="the letters of the lease")
        await wait_until(lambda: _settled(database), description="the end of the lease")
    assert [letter["To"] for letter in mail.letters] == ["ani@contoh.example", "cici@contoh.example"]
    (row,) = await rows(database, "SELECT state FROM delivery WHERE person = :who", who=f"owner/{people['budi']}")
    assert row["state"] == "failed"


async def _settled(database: Database) -> bool:
    return not await rows(database, "SELECT id FROM delivery WHERE state IN ('queued', 'sending')")
