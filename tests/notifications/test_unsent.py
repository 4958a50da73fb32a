"""For aid and invitations that no channel is there for, the office of the region hears who and why, once."""

from datetime import timedelta

import pytest

from services.notifications.contacts import handlers as contacts
from services.notifications.messages import untold
from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX
from services.notifications.people import Language
from shared.contracts.registration import ConsentChanged, PersonRestricted
from shared.database import Database
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
    rows,
    staff,
)
from tests.notifications.test_replies import offered

HER = f"owner/{SITI}"
CONSENT = ConsentChanged(
    owner_id=SITI, region="19.71", kind="contact_by_phone", given=False, text_id=None, text_version=None,
    happened_at=NOON,
)  # fmt: skip


@pytest.fixture(autouse=True)
async def office(database: Database) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"), ("officer-19.02", "regency_officer", "19.02"))


async def heard(database: Database) -> list[str]:
    found = await rows(database, "SELECT person, body FROM message WHERE purpose = 'not_told' ORDER BY id")
    assert {row["person"] for row in found} <= {"staff/officer-19.71"}
    return [str(row["body"]) for row in found]


async def test_of_aid_for_whom_has_neither_telephone_nor_mail_it_hears_once(database: Database) -> None:
    await happened(database, owner(email=None), business(), posted(TAILOR), posted(TAILOR))
    assert await heard(database) == [
        (
            "Pesan “Bantuan untuk usaha Anda” untuk pemilik Siti Rohani (Konveksi Siti) hanya ada di kotak masuk: "
            "tanpa telepon dan surel. Mohon sampaikan langsung."
        )
    ]
    assert (HER, "aid") in await messages(database)
    assert await rows(database, "SELECT id FROM delivery") == []


async def test_of_aid_for_whom_has_said_stop_it_hears(database: Database) -> None:
    await happened(database, owner(), business())
    async with database.work(OFFICE) as work:
        await contacts.stop(work, HER, NOON)
    await happened(database, posted(TAILOR))
    (body,) = await heard(database)
    assert "ia meminta BERHENTI" in body


async def test_of_an_invitation_for_whom_has_taken_back_the_consent_it_hears_and_aid_is_sent(
    database: Database,
) -> None:
    await happened(database, owner(), business(), CONSENT, offered(), posted(TAILOR))
    (body,) = await heard(database)
    assert "ia tidak bersedia dihubungi" in body
    sent = await rows(database, "SELECT m.purpose FROM delivery d JOIN message m ON m.id = message_id")
    assert {row["purpose"] for row in sent} >= {"aid"}


async def test_of_an_invitation_that_ends_before_the_morning_it_hears_and_not_of_one_that_is_over(
    database: Database, clock: StoppedClock
) -> None:
    database.quiet_hours = True
    clock.advance(timedelta(hours=10))  # 22:00 WIB
    await happened(database, owner(), business(), offered(answer_by=clock.at + timedelta(hours=8)))
    (body,) = await heard(database)
    assert "sudah lewat waktu sebelum pagi" in body
    await happened(database, offered(77, step=4, answer_by=clock.at - timedelta(minutes=1)))
    assert len(await heard(database)) == 1


async def test_of_information_of_whom_nobody_writes_to_and_of_who_chose_the_inbox_it_hears_nothing(
    database: Database, door: Door
) -> None:
    await happened(database, owner(), business())
    chosen = {"required": ["email"], "invitation": [], "information": []}
    answer = await door(OWNER).patch("/notifications/preferences", json=chosen, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    await happened(database, offered(), PersonRestricted(owner_id=SITI, region="19.71"), posted(TAILOR))
    assert await heard(database) == []


def test_the_words_fit_at_their_longest_and_every_reason_has_its_own() -> None:
    for language in Language:
        words, reasons = untold.UNSENT[language], untold.REASONS[language]
        whom = max(untold.WHOM[language].values(), key=len) + " " + untold.named("W" * 200, "W" * 200)
        told = {"title": "W" * TITLE_LENGTH_MAX, "whom": whom, "reason": max(reasons.values(), key=len)}
        assert len(words.body.format_map(told)) <= BODY_LENGTH_MAX
        assert len(set(reasons.values())) == len(reasons)
