"""An office hears of whom no message could reach, once for each message, and of information not at all."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.domain import Doubtful, Reason, Refused
from services.notifications.giving_up import could_not_be_told
from services.notifications.messages import untold
from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX, WHY_LENGTH_MAX
from services.notifications.plans import AGE_MAX, Channel, Lane, Plan
from shared.contracts.notifications import PhoneUnreachable
from shared.contracts.registration import PersonErased
from shared.database import Database, Work
from tests.notifications.story import (
    HASAN,
    KITCHEN,
    NOON,
    OFFICE,
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
from tests.notifications.test_plans_at_work import SENDER, answered, planned

HER = f"owner/{SITI}"


async def gives_up(database: Database, *purposes: str) -> None:
    found = await rows(database, "SELECT id, purpose FROM message")
    ids = [row["id"] for row in found if row["purpose"] in purposes]
    async with database.work(OFFICE) as work:
        await could_not_be_told(work, [message_id for message_id in ids if isinstance(message_id, UUID)])


async def test_the_office_hears_once_of_aid_that_reached_nobody_and_not_of_information(
    database: Database, door: Door
) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"), ("staff-provinsi", "province_staff", "19"))
    await staff(database, ("officer-19.02", "regency_officer", "19.02"))
    await door(OFFICE).patch("/notifications/subscriptions", json={"kinds": []}, headers={"If-Match": '"1"'})
    await happened(database, owner(), business(), posted(TAILOR))
    for _ in range(2):
        await gives_up(database, "aid", "welcome", untold.PURPOSE)
    found = await messages(database)
    assert [person for person, purpose in found if purpose == untold.PURPOSE] == ["staff/officer-19.71"]
    message = found["staff/officer-19.71", untold.PURPOSE]
    assert message["fact"] == f"message/{found[HER, 'aid']['id']}"
    assert "Bantuan untuk usaha Anda" in str(message["body"])
    assert "pemilik Siti Rohani (Konveksi Siti)" in str(message["body"])
    assert str(SITI) not in str(message["body"])


async def test_what_it_says_of_somebody_is_forgotten_with_them(database: Database) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(), business(), owner(HASAN, "Hasan Basri"), business(KITCHEN, HASAN, "Dapur Hasan"))
    await happened(database, posted(TAILOR, KITCHEN))
    await gives_up(database, "aid")
    await happened(database, PersonErased(owner_id=SITI, region="19.71", businesses=[TAILOR]))
    found = await rows(database, "SELECT title, body, why FROM message WHERE purpose = 'not_told' ORDER BY body")
    forgotten, other = found
    assert set(forgotten.values()) == {"(dihapus)"}
    assert "Hasan Basri (Dapur Hasan)" in str(other["body"])
    assert not await rows(database, "SELECT id FROM message WHERE body LIKE '%Siti%'")


async def test_whom_an_erasure_has_in_hand_is_not_named_and_nobody_waits_for_it(database: Database) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(), business(), posted(TAILOR))
    async with database.work(OFFICE) as erasing:
        await erasing.session.execute(text("UPDATE contact SET name = '(dihapus)'"))
        await gives_up(database, "aid")
    message = (await messages(database))["staff/officer-19.71", untold.PURPOSE]
    assert f"pemilik {SITI}" in str(message["body"])


async def test_it_leaves_the_inbox_like_any_other(database: Database) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"), email=True)
    await happened(database, owner(), business(), posted(TAILOR))
    await gives_up(database, "aid")
    sent = await rows(database, "SELECT purpose FROM delivery JOIN message ON message.id = message_id")
    assert {"purpose": untold.PURPOSE} in sent


async def test_delivery_gives_up_with_the_last_channel_of_a_plan_and_not_before(database: Database, door: Door) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(phone="+6281234567890"), business(), posted(TAILOR))
    for channel in ("whatsapp", "sms"):
        await answered(database, Channel(channel), Refused("no"))
        assert not [who for who, purpose in await messages(database) if purpose == untold.PURPOSE], channel
    await answered(database, Channel.EMAIL, Refused("550"))
    told = [who for who, purpose in await messages(database) if purpose == untold.PURPOSE]
    assert told == ["staff/officer-19.71"], "of the aid; the welcome is information"


async def test_what_came_too_late_or_has_no_channel_or_did_not_arrive_after_a_doubt_is_given_up_too(
    database: Database, clock: StoppedClock
) -> None:
    given_up: list[UUID] = []

    async def give_up(_work: Work, ids: Sequence[UUID]) -> None:
        given_up.extend(ids)

    await planned(database, over(Channel.WHATSAPP))
    async with database.work(SENDER) as work:
        await delivery.reroute(work, [Channel.WHATSAPP], give_up)
    assert len(given_up) == 1
    await planned(database, over(Channel.EMAIL), over(Channel.SMS))
    await answered(database, Channel.EMAIL, Doubtful("lost"))
    assert len(given_up) == 1, "what may have arrived is not given up"
    (doubt,) = await rows(database, "SELECT id FROM delivery WHERE state = 'unknown'")
    async with database.work(OFFICE) as work:
        await delivery.resolve(work, OFFICE, UUID(str(doubt["id"])), give_up, delivered=False, why="Asked")
    assert len(given_up) == 2
    clock.advance(AGE_MAX)
    async with database.work(SENDER) as work:
        await delivery.sweep(work, give_up)
    assert len(set(given_up)) == len(given_up) == 3


UNREACHABLE = Refused("404", Reason.BAD_ADDRESS)


async def test_a_number_is_called_bad_once_no_channel_by_telephone_is_left(database: Database) -> None:
    await happened(database, owner(phone="+6281234567890"), business(), posted(TAILOR))
    await answered(database, Channel.WHATSAPP, UNREACHABLE)
    assert not await unreachable(database), "there may be nothing but no WhatsApp"
    await answered(database, Channel.SMS, UNREACHABLE)
    found = await unreachable(database)
    assert {(one.owner_id, one.channel, one.reason) for one in found} == {(SITI, "sms", "bad_address")}
    assert len({one.matter for one in found}) == len(found) == 2, "the welcome and the aid"


async def test_a_number_without_whatsapp_and_without_any_text_gateway_is_bad_too(database: Database) -> None:
    await happened(database, owner(phone="+6281234567890", email=None), business(), posted(TAILOR))
    await answered(database, Channel.WHATSAPP, UNREACHABLE)
    async with database.work(SENDER) as work:
        await delivery.reroute(work, [Channel.SMS], could_not_be_told)
    assert {one.owner_id for one in await unreachable(database)} == {SITI}


async def test_a_number_that_errors_or_an_address_that_bounces_is_not_called_bad(database: Database) -> None:
    await happened(database, owner(phone="+6281234567890"), business(), posted(TAILOR))
    await answered(database, Channel.WHATSAPP, Refused("131047"))
    await answered(database, Channel.SMS, Refused("spam"))
    await answered(database, Channel.EMAIL, UNREACHABLE)
    assert not await unreachable(database)


async def unreachable(database: Database) -> list[PhoneUnreachable]:
    return [event for event in await recorded(database) if isinstance(event, PhoneUnreachable)]


def over(*channels: Channel) -> Plan:
    return Plan(channels, Lane.PERSONAL, NOON, NOON + AGE_MAX)


def test_the_words_fit_at_their_longest() -> None:
    for language, words in untold.TEXTS.items():
        whom = max(untold.WHOM[language].values(), key=len) + " " + untold.named("W" * 200, "W" * 200)
        body = words.body.format_map({"title": "W" * TITLE_LENGTH_MAX, "whom": whom})
        assert len(body) <= BODY_LENGTH_MAX
        assert len(words.title) <= TITLE_LENGTH_MAX
        assert len(words.why) <= WHY_LENGTH_MAX
