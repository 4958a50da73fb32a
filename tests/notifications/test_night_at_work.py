"""By night nothing is handed over that was planned by day: it waits for the morning, and no attempt is counted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.notifications.broadcasts import expanding
from services.notifications.delivery import handlers
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.channels.whatsapp import WhatsApp
from services.notifications.delivery.domain import Accepted
from services.notifications.delivery.handlers import Answered
from services.notifications.delivery.receipts import Receipt
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from services.notifications.signin import handlers as sign_in
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.database import Database
from shared.night import WIB
from tests.notifications.broadcast_story import drafted, let_go, people
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.notifications.story import OFFICE, TAILOR, Door, StoppedClock, business, happened, owner, posted, rows

SENDER = Caller("notifications", Role.SERVICE, ())
PHONE = "+6283400000101"


def wib(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 9, day, hour, minute, tzinfo=WIB).astimezone(UTC)


MORNING = wib(22, 7)


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayServer]:
    async with GatewayServer().serving() as server:
        yield server


@pytest.fixture
async def sms(database: Database, clock: StoppedClock, gateway: GatewayServer) -> AsyncIterator[Sender]:
    database.quiet_hours = True
    channel = Sms(gateway.url, clock, {})
    yield sender_over(database, clock, channel)
    await channel.close()


def sender_over(database: Database, clock: Clock, channel: Sms | WhatsApp) -> Sender:
    return Sender(database, clock, channel, letters, give_up=could_not_be_told)


async def aid_over(database: Database, channel: str) -> None:
    """Queue one delivery, of aid for Siti, over a channel."""
    await happened(database, owner(phone=PHONE, email=None), business(), posted(TAILOR))
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text("DELETE FROM delivery WHERE message_id IN (SELECT id FROM message WHERE purpose <> 'aid')")
        )
        await work.session.execute(
            text("UPDATE delivery SET channel = :channel, rest = array_remove(rest, :channel)"), {"channel": channel}
        )


async def waits(database: Database, channel: str) -> tuple[object, ...]:
    """Give how a delivery over a channel stands."""
    (row,) = await rows(database, "SELECT * FROM delivery WHERE channel = :channel", channel=channel)
    return row["state"], row["attempts"], row["due_at"], row["leased_by"]


async def test_what_falls_back_to_another_channel_at_ten_in_the_evening_goes_in_the_morning(
    database: Database, clock: StoppedClock, sms: Sender, gateway: GatewayServer
) -> None:
    await aid_over(database, "whatsapp")
    us = uuid4()
    async with database.work(SENDER) as work:
        (leased,) = await handlers.lease(work, us, "whatsapp")
        attempts = await handlers.begin(work, us, [leased])
        taken = Answered(leased, attempts[leased.id], Accepted("200", provider_id="wamid.1"))
        await handlers.settle(work, us, [taken], could_not_be_told)
    clock.at = wib(21, 22)
    async with database.work(SENDER) as work:
        failed = Receipt("wamid.1 failed", "wamid.1", "failed", "131047")
        await handlers.take_receipts(work, "whatsapp", [failed], could_not_be_told)
    await sms.round()
    assert gateway.posted == []
    assert await waits(database, "sms") == ("queued", 0, MORNING, None)
    clock.at = MORNING
    await sms.round()
    assert len(gateway.taken) == 1
    assert (await waits(database, "sms"))[:2] == ("accepted", 1)


async def test_an_attempt_that_would_be_repeated_five_past_eight_is_repeated_in_the_morning(
    database: Database, clock: StoppedClock, sms: Sender, gateway: GatewayServer
) -> None:
    await aid_over(database, "sms")
    gateway.answers = [Answer(503, taken=False), Answer(503, taken=False)]
    clock.at = wib(21, 19, 54)
    await sms.round()
    clock.at = wib(21, 19, 55)
    await sms.round()
    assert (await waits(database, "sms"))[:3] == ("queued", 2, wib(21, 20, 5))
    clock.at = wib(21, 20, 5)
    await sms.round()
    assert len(gateway.posted) == 2
    assert await waits(database, "sms") == ("queued", 2, MORNING, None)
    clock.at = MORNING
    await sms.round()
    assert (await waits(database, "sms"))[:2] == ("accepted", 3)


async def test_a_provider_that_says_when_to_come_again_is_not_obeyed_by_night(
    database: Database, clock: StoppedClock, sms: Sender, gateway: GatewayServer
) -> None:
    await aid_over(database, "sms")
    gateway.answers = [Answer(429, taken=False, headers={"Retry-After": "1800"})]
    clock.at = wib(21, 19, 45)
    await sms.round()
    clock.at = wib(21, 20, 15)
    await sms.round()
    assert len(gateway.posted) == 1
    assert await waits(database, "sms") == ("queued", 1, MORNING, None)


async def test_what_an_outage_held_up_until_nine_in_the_evening_goes_in_the_morning(
    database: Database, clock: StoppedClock, sms: Sender, gateway: GatewayServer
) -> None:
    await people(database, 45)
    for number in range(1, 46):
        await happened(database, business(uuid4(), await _owner(database, number)))
    async with database.work(SENDER) as work:
        await handlers.reroute(work, ["whatsapp"], could_not_be_told)
    clock.at = wib(21, 21)
    while await sms.round():
        pass
    assert gateway.posted == []
    found = await rows(database, "SELECT DISTINCT state, attempts, due_at, leased_by FROM delivery")
    assert found == [{"state": "queued", "attempts": 0, "due_at": MORNING, "leased_by": None}]
    clock.at = MORNING
    while await sms.round():
        pass
    assert len(gateway.taken) == 45


async def test_a_broadcast_that_is_resumed_at_nine_in_the_evening_goes_on_in_the_morning(
    database: Database, clock: StoppedClock, door: Door, gateway: GatewayServer, sms: Sender
) -> None:
    await people(database, 3)
    path = await drafted(door)
    await let_go(door, path)
    await expanding.once(database)
    assert (await door(OFFICE).post(f"{path}/pause")).status_code == 200
    clock.at = wib(21, 21)
    assert (await door(OFFICE).post(f"{path}/resumption")).status_code == 200
    await expanding.once(database)
    whatsapp = WhatsApp(gateway.url, "token", None, clock)
    await sender_over(database, clock, whatsapp).round()
    assert gateway.posted == []
    found = await rows(database, "SELECT state, lane, attempts, due_at FROM delivery")
    assert found == [{"state": "queued", "lane": 3, "attempts": 0, "due_at": MORNING}] * 3
    clock.at = MORNING
    await sender_over(database, clock, whatsapp).round()
    assert len(gateway.taken) == 3
    await whatsapp.close()


async def test_the_night_is_the_one_of_the_readers_zone(
    database: Database, clock: StoppedClock, sms: Sender, gateway: GatewayServer
) -> None:
    await aid_over(database, "sms")
    await happened(database, owner(phone=PHONE, email=None, region="81.71"))  # Ambon, two hours before the west
    clock.at = wib(21, 18, 30)
    await sms.round()
    assert gateway.posted == []
    assert (await waits(database, "sms"))[2] == wib(22, 5)


async def test_a_code_comes_by_night_and_so_does_everything_where_that_was_settled(
    database: Database, clock: StoppedClock, sms: Sender, gateway: GatewayServer
) -> None:
    await aid_over(database, "sms")
    clock.at = wib(21, 22)
    async with database.work(OFFICE) as work:
        await sign_in.ask(work, PHONE, "36.66.13.7")
        await sign_in.send_codes(work)
    async with database.work(SENDER) as work:
        await handlers.reroute(work, ["whatsapp"], could_not_be_told)
    await sms.round()
    assert len(gateway.taken) == 1
    assert "kode" in str(gateway.posted[0].body["text"]).lower()
    database.quiet_hours = False
    clock.at = MORNING - timedelta(minutes=1)
    await sms.round()
    assert len(gateway.taken) == 1, "it is due in the morning already"
    clock.at = wib(22, 21)
    await sms.round()
    assert len(gateway.taken) == 2


async def _owner(database: Database, number: int) -> object:
    found = await rows(database, "SELECT owner_id FROM contact ORDER BY owner_id OFFSET :n LIMIT 1", n=number - 1)
    return found[0]["owner_id"]
