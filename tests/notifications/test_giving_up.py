"""An office hears of whom no message could reach, once for each message, and of information not at all."""

from uuid import UUID

from services.notifications.giving_up import could_not_be_told
from services.notifications.messages import untold
from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX, WHY_LENGTH_MAX
from shared.database import Database
from tests.notifications.story import (
    OFFICE,
    SITI,
    TAILOR,
    Door,
    business,
    happened,
    messages,
    owner,
    posted,
    rows,
    staff,
)

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
    assert str(SITI) in str(message["body"])
    assert "Siti" not in str(message["body"]), "a name would outlive its erasure"


async def test_it_leaves_the_inbox_like_any_other(database: Database) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"), email=True)
    await happened(database, owner(), business(), posted(TAILOR))
    await gives_up(database, "aid")
    sent = await rows(database, "SELECT purpose FROM delivery JOIN message ON message.id = message_id")
    assert {"purpose": untold.PURPOSE} in sent


def test_the_words_fit_at_their_longest() -> None:
    for language, words in untold.TEXTS.items():
        whom = max(untold.WHOM[language].values(), key=len) + " " + "W" * untold.KEY_LENGTH_MAX
        body = words.body.format_map({"title": "W" * TITLE_LENGTH_MAX, "whom": whom})
        assert len(body) <= BODY_LENGTH_MAX
        assert len(words.title) <= TITLE_LENGTH_MAX
        assert len(words.why) <= WHY_LENGTH_MAX
