"""Why a letter that was queued is not sent any more: each reason has its word, and none of them walks on."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.notifications.broadcasts import expanding, results
from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import handlers
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.channels.whatsapp import WhatsApp
from services.notifications.delivery.domain import Reason
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from services.notifications.messages import untold
from services.notifications.plans import Channel
from shared.contracts.notifications import MessageFailed
from shared.contracts.registration import ConsentChanged, PersonErased, PersonRestricted
from shared.database import Database
from tests.notifications.broadcast_story import drafted, let_go, people, person
from tests.notifications.gateway_server import GatewayServer
from tests.notifications.story import (
    NOON,
    OFFICE,
    OWNER,
    SITI,
    TAILOR,
    Door,
    StoppedClock,
    business,
    happened,
    messages,
    owner,
    posted,
    recorded,
    rows,
    staff,
)
from tests.notifications.test_plans_at_work import SENDER

HER = f"owner/{SITI}"
PREFERENCES = "/notifications/preferences"


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayServer]:
    async with GatewayServer().serving() as server:
        yield server


@pytest.fixture
async def sender(database: Database, clock: StoppedClock, gateway: GatewayServer) -> AsyncIterator[Sender]:
    channel = WhatsApp(gateway.url, "token", None, clock)
    yield Sender(database, clock, channel, letters, give_up=could_not_be_told)
    await channel.close()


@pytest.fixture
async def queued(database: Database) -> None:
    """Aid for Siti, over WhatsApp, then text message, then mail; and an office that would hear of it."""
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(phone="+6283400000101"), business(), posted(TAILOR))


async def aid(database: Database) -> list[tuple[object, object, object]]:
    """Give the way that the aid has gone."""
    found = await rows(
        database,
        "SELECT channel, d.state, d.reason FROM delivery d JOIN message m ON m.id = message_id"
        " WHERE m.purpose = 'aid' ORDER BY d.id",
    )
    return [(row["channel"], row["state"], row["reason"]) for row in found]


async def office_heard(database: Database) -> list[str]:
    return [who for who, purpose in await messages(database) if purpose == untold.PURPOSE]


async def test_after_stop_it_goes_over_no_other_channel_and_the_office_hears_of_it_once(
    database: Database, sender: Sender, gateway: GatewayServer, queued: None
) -> None:
    async with database.work(OFFICE) as work:
        await contacts.stop(work, HER, NOON)
    await sender.round()
    assert gateway.posted == []
    assert await aid(database) == [("whatsapp", "failed", "stopped")]
    assert await office_heard(database) == ["staff/officer-19.71"]
    assert {event.reason for event in await recorded(database) if isinstance(event, MessageFailed)} == {"stopped"}


@pytest.mark.parametrize(
    "right",
    [
        PersonRestricted(owner_id=SITI, region="19.71"),
        PersonErased(owner_id=SITI, region="19.71", businesses=[TAILOR]),
    ],
)
async def test_to_whom_nobody_writes_goes_nothing_and_no_office_is_asked_to_call_them(
    database: Database, sender: Sender, gateway: GatewayServer, queued: None, right: PersonErased | PersonRestricted
) -> None:
    await happened(database, right)
    await sender.round()
    (told,) = gateway.posted
    assert "Undang-Undang 27/2022" in str(told), "but that it was done, which the law has them told"
    assert await aid(database) == [("whatsapp", "failed", "held")]
    assert await office_heard(database) == []


async def test_a_channel_that_was_chosen_instead_is_taken_and_one_that_was_not_ends_nothing(
    database: Database, door: Door, sender: Sender, gateway: GatewayServer, queued: None
) -> None:
    chosen = {"required": ["email"], "invitation": [], "information": []}
    answer = await door(OWNER).patch(PREFERENCES, json=chosen, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    await sender.round()
    assert await aid(database) == [("whatsapp", "failed", "preference"), ("sms", "queued", None)]
    found = await rows(database, "SELECT channel, d.reason FROM delivery d JOIN message m ON m.id = message_id"
        " WHERE m.purpose = 'welcome'")  # fmt: skip
    assert found == [{"channel": "whatsapp", "reason": "preference"}], "no channel is left for information"
    channel = Sms(gateway.url, database.clock, {})
    await Sender(database, database.clock, channel, letters, give_up=could_not_be_told).round()
    await channel.close()
    assert [row[0] for row in await aid(database)] == ["whatsapp", "sms", "email"]
    assert gateway.posted == []
    assert await office_heard(database) == []


async def test_a_consent_that_is_withdrawn_ends_what_rests_on_it(
    door: Door, database: Database, sender: Sender, gateway: GatewayServer
) -> None:
    await people(database, 1)
    await let_go(door, await drafted(door))
    await expanding.once(database)
    withdrawn = ConsentChanged(
        owner_id=person(1), region="19.71", kind="contact_by_phone", given=False, text_id=None, text_version=None,
        happened_at=NOON,
    )  # fmt: skip
    await happened(database, withdrawn)
    await sender.round()
    found = await rows(database, "SELECT channel, state, reason FROM delivery")
    assert found == [{"channel": "whatsapp", "state": "failed", "reason": "no_consent"}]
    assert gateway.posted == []


async def test_an_address_that_is_gone_is_no_choice(database: Database, sender: Sender, queued: None) -> None:
    await happened(database, owner())  # without the telephone
    await sender.round()
    assert (await aid(database))[0] == ("whatsapp", "failed", "no_address")
    async with database.work(SENDER) as work:
        await handlers.reroute(work, [Channel.SMS], could_not_be_told)
    assert (await aid(database))[-1] == ("email", "queued", None)


async def test_every_reason_is_known_to_the_store_and_no_other(database: Database, queued: None) -> None:
    for reason in Reason:
        async with database.work(OFFICE) as work:
            await work.session.execute(text("UPDATE delivery SET reason = :reason"), {"reason": reason.value})
    with pytest.raises(IntegrityError, match="delivery_reason_known"):
        async with database.work(OFFICE) as work:
            await work.session.execute(text("UPDATE delivery SET reason = 'asleep'"))


def test_the_results_of_a_broadcast_have_a_word_of_its_own_for_each() -> None:
    words = [results.REASONS[reason.value] for reason in Reason]
    assert len(set(words)) == len(words)
