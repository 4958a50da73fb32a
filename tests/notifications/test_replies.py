"""What owners write back: understood once, answering the one open offer, and otherwise read by people."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notifications.people import Language
from services.notifications.replies import handlers
from services.notifications.replies.domain import KEPT, Meaning, Reply, read, sender_of
from services.notifications.replies.offers import look
from services.notifications.replies.texts import (
    CHOICE_LENGTH_MAX,
    CHOICES_SHOWN_MAX,
    NAME_LENGTH_MAX,
    OWNER_WROTE,
    QUOTE_LENGTH_MAX,
    TEXTS,
    WHY,
    WHY_OFFICE,
)
from shared.contracts import Event
from shared.contracts.notifications import ReplyReceived
from shared.contracts.registration import (
    PersonErased,
    SeatAccepted,
    SeatExpired,
    SeatOffered,
    SeatWithdrawn,
    TrainingCancelled,
)
from shared.database import Database
from shared.effect_audit import Told
from tests.notifications.story import (
    HASAN,
    NOON,
    OFFICE,
    SITI,
    TAILOR,
    StoppedClock,
    business,
    happened,
    messages,
    owner,
    recorded,
    rows,
    staff,
)
from tests.notifications.test_training_seats import ABOUT as A_SEAT
from tests.notifications.test_training_seats import TRAINING

ABOUT = {**A_SEAT, "business_id": TAILOR}
PHONE = "+6283400000101"
UNTIL = NOON + timedelta(hours=24)


def offered(enrolment: int = 75, step: int = 3, **changes: object) -> SeatOffered:
    return SeatOffered(**{**ABOUT, "enrolment_id": UUID(int=enrolment), "step": step, "answer_by": UNTIL, **changes})


@pytest.fixture
async def siti(database: Database) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(phone=PHONE), business())


async def wrote(
    database: Database, text: str, number: str = "1", sender: str = PHONE, channel: str = "whatsapp", **changes: Any
) -> int:
    reply = Reply(**{"channel": channel, "provider_id": number, "sender": sender, "text": text, "at": NOON, **changes})
    async with database.work(OFFICE) as work:
        return await handlers.take(work, [reply])


async def outcomes(database: Database) -> list[object]:
    return [row["outcome"] for row in await rows(database, "SELECT outcome FROM reply ORDER BY received_at, id")]


async def answers(database: Database) -> list[ReplyReceived]:
    return [event for event in await recorded(database) if isinstance(event, ReplyReceived)]


@pytest.mark.parametrize(
    ("text", "meaning", "choice"),
    [
        ("YA", Meaning.YES, None),
        (" ya. ", Meaning.YES, None),
        ("Iya pak!", Meaning.YES, None),
        ("y", Meaning.YES, None),
        ("Yes 👍", Meaning.YES, None),
        ("ya ya", Meaning.YES, None),
        ("YA 2", Meaning.YES, 2),
        ("Tidak, 1", Meaning.NO, 1),
        ("tdk", Meaning.NO, None),
        ("TIDAK bu", Meaning.NO, None),
        ("no", Meaning.NO, None),
        ("Stop", Meaning.STOP, None),
        ("BERHENTI", Meaning.STOP, None),
        ("henti", Meaning.STOP, None),
        ("mulai", Meaning.START, None),
        ("ya tapi saya datang terlambat", Meaning.OTHER, None),
        ("tidak ya", Meaning.OTHER, None),
        ("terima kasih", Meaning.OTHER, None),
        ("YA 0", Meaning.OTHER, None),
        ("YA 12", Meaning.OTHER, None),
        ("STOP 2", Meaning.OTHER, None),
        ("2", Meaning.OTHER, None),
        ("", Meaning.OTHER, None),
        ("да", Meaning.OTHER, None),
        ("YA да", Meaning.OTHER, None),
    ],
)
def test_a_word_is_understood_and_a_sentence_is_left_to_people(text: str, meaning: Meaning, choice: int | None) -> None:
    assert (read(text).meaning, read(text).choice) == (meaning, choice)


@pytest.mark.parametrize(
    ("told", "phone", "address"),
    [
        ("+62 834-0000-0101", PHONE, None),
        ("083400000101", PHONE, None),
        ("6283400000101", PHONE, None),  # as WhatsApp writes it
        ("Siti@Contoh.example", None, "siti@contoh.example"),
        ("INFO", None, None),
        ("12", None, None),
    ],
)
def test_a_sender_is_known_however_the_channel_writes_it(told: str, phone: str | None, address: str | None) -> None:
    assert sender_of(told) == (phone, address)


@pytest.mark.parametrize("purpose", TEXTS)
@pytest.mark.parametrize("language", Language)
def test_every_answer_fits_with_the_longest_values(purpose: str, language: Language) -> None:
    choices = "; ".join(["W" * CHOICE_LENGTH_MAX] * CHOICES_SHOWN_MAX)
    body = TEXTS[purpose][language].body.format(offer="W" * NAME_LENGTH_MAX, choices=choices)
    quoted = OWNER_WROTE[language].body.format(
        owner="W" * NAME_LENGTH_MAX, business="W" * NAME_LENGTH_MAX, quote="W" * QUOTE_LENGTH_MAX
    )
    assert max(len(body), len(quoted)) <= 320
    assert len(TEXTS[purpose][language].title) <= 80
    assert max(len(WHY[language]), len(WHY_OFFICE[language])) <= 160


async def test_yes_answers_the_one_open_offer_and_a_reply_told_twice_is_one(siti: None, database: Database) -> None:
    await happened(database, offered())
    assert [await wrote(database, "Ya"), await wrote(database, "Ya")] == [1, 0]
    (event,) = await answers(database)
    assert (event.owner_id, event.enrolment_id, event.answer, event.channel) == (SITI, UUID(int=75), "yes", "whatsapp")
    assert event.subject == f"owner/{SITI}"
    assert await outcomes(database) == ["answered"]
    assert ("owner/" + str(SITI), "reply_yes") in await messages(database)


async def test_a_second_answer_to_the_same_offer_is_none(siti: None, database: Database) -> None:
    await happened(database, offered())
    await wrote(database, "tidak")
    await wrote(database, "ya", "2")
    assert [event.answer for event in await answers(database)] == ["no"]
    assert await outcomes(database) == ["answered", "no_offer"]


CLOSED: list[Event] = [
    SeatAccepted(**ABOUT, step=4, how="online"),
    SeatExpired(**ABOUT, step=4, answer_by=UNTIL),
    TrainingCancelled(**TRAINING, reason="banjir", businesses=[TAILOR]),
]


@pytest.mark.parametrize("event", CLOSED, ids=lambda event: type(event).__name__)
async def test_without_an_open_offer_a_friendly_no_is_sent(siti: None, database: Database, event: Event) -> None:
    await happened(database, offered(), event)
    await wrote(database, "YA")
    assert await answers(database) == []
    assert await outcomes(database) == ["no_offer"]
    told = (await messages(database))[f"owner/{SITI}", "reply_no_offer"]
    assert "tidak ada tawaran" in str(told["body"])


async def test_a_training_called_off_before_its_offer_is_heard_has_no_offer(siti: None, database: Database) -> None:
    await happened(database, CLOSED[2], offered())
    await wrote(database, "YA")
    assert await outcomes(database) == ["no_offer"]


async def test_an_old_step_told_again_opens_nothing(siti: None, database: Database) -> None:
    await happened(database, offered(), CLOSED[0], offered())
    await wrote(database, "YA")
    assert await outcomes(database) == ["no_offer"]


async def test_whoever_writes_after_the_deadline_is_told_so(
    siti: None, database: Database, clock: StoppedClock
) -> None:
    await happened(database, offered())
    clock.advance(timedelta(hours=25))
    await wrote(database, "YA", at=UNTIL + timedelta(minutes=1))
    await wrote(database, "YA", "2", at=UNTIL - timedelta(minutes=1))  # written in time, and late on its way
    assert await outcomes(database) == ["too_late", "answered"]


async def test_exactly_at_the_deadline_it_is_too_late_as_registration_has_it(
    siti: None, database: Database, clock: StoppedClock
) -> None:
    await happened(database, offered())
    clock.advance(timedelta(hours=25))
    await wrote(database, "YA", at=UNTIL)
    await wrote(database, "YA", "2", at=UNTIL - timedelta(microseconds=1))
    assert await outcomes(database) == ["too_late", "answered"]


async def test_of_two_open_offers_it_is_asked_which_and_the_number_answers(siti: None, database: Database) -> None:
    await happened(database, offered(), offered(76, title="Bimtek sablon", answer_by=UNTIL + timedelta(hours=1)))
    await wrote(database, "YA")
    assert await answers(database) == []
    asked = (await messages(database))[f"owner/{SITI}", "reply_which"]
    assert "1. Bimtek konveksi (Konveksi Siti); 2. Bimtek sablon (Konveksi Siti)" in str(asked["body"])
    await wrote(database, "TIDAK 2", "2")
    (event,) = await answers(database)
    assert (event.enrolment_id, event.answer) == (UUID(int=76), "no")
    await wrote(database, "YA", "3")  # and then only one is left
    assert [event.answer for event in await answers(database)] == ["no", "yes"]


STOPPED = "SELECT person FROM preference WHERE stopped_at > coalesce(started_at, '-infinity')"


async def test_stop_and_start_are_kept_for_everybody_with_that_number(siti: None, database: Database) -> None:
    await happened(database, owner(HASAN, "Hasan", phone=PHONE))
    await wrote(database, "STOP")
    assert {row["person"] for row in await rows(database, STOPPED)} == {f"owner/{SITI}", f"owner/{HASAN}"}
    await wrote(database, "mulai", "2")
    assert await rows(database, STOPPED) == []
    assert await outcomes(database) == ["stopped", "started"]


async def test_anything_else_reaches_the_office_with_name_and_business_and_no_longer_than_fits(
    siti: None, database: Database
) -> None:
    await wrote(database, 'Bolehkah saya bawa "anak"?\x07\n' + "panjang " * 300)
    told = (await messages(database))["staff/officer-19.71", "owner_wrote"]
    assert str(told["body"]).startswith("Siti Rohani (Konveksi Siti) menulis: \"Bolehkah saya bawa 'anak'? panjang")
    assert len(str(told["body"])) <= 320
    assert await outcomes(database) == ["passed_on"]
    (kept,) = await rows(database, "SELECT length(text) AS length FROM reply")
    assert kept["length"] == 1_000


async def test_who_shares_a_number_answers_the_offer_of_the_one_who_has_it(siti: None, database: Database) -> None:
    await happened(database, owner(HASAN, "Hasan", phone=PHONE), offered())
    await wrote(database, "ya")
    (event,) = await answers(database)
    assert event.owner_id == SITI


async def test_a_stranger_is_kept_and_not_answered(siti: None, database: Database) -> None:
    before = len(await messages(database))
    await wrote(database, "YA", sender="+6281234567890")
    assert await outcomes(database) == ["unknown_sender"]
    assert len(await messages(database)) == before


async def test_two_machines_that_answer_each_other_come_to_rest(siti: None, database: Database) -> None:
    for number in range(15):
        await wrote(database, "Saya sedang tidak di tempat", str(number))
    (told,) = await rows(database, "SELECT count(*) AS many FROM message WHERE purpose = 'reply_passed_on'")
    assert told["many"] == 10


async def test_the_words_are_taken_away_with_the_person_and_after_their_time(
    siti: None, database: Database, clock: StoppedClock
) -> None:
    await wrote(database, "Rahasia saya")
    await happened(database, PersonErased(owner_id=SITI, region="19.71", businesses=[TAILOR]))
    assert await rows(database, "SELECT text, sender FROM reply") == [{"text": "", "sender": ""}]
    assert (await messages(database))["staff/officer-19.71", "owner_wrote"]["body"] == "(dihapus)"
    await happened(database, owner(HASAN, "Hasan", phone=PHONE))
    await wrote(database, "Rahasia Hasan", "2")
    clock.advance(KEPT - timedelta(days=1))
    for words in ("Rahasia Hasan", ""):
        async with database.work(OFFICE) as work:
            assert not await handlers.forget_old(work)
        (kept,) = await rows(database, "SELECT text FROM reply WHERE provider_id = '2'")
        assert kept["text"] == words
        clock.advance(timedelta(days=2))


async def test_a_step_that_an_erasure_has_made_a_tombstone_is_not_missed(siti: None, database: Database) -> None:
    withdrawn = SeatWithdrawn(**{**ABOUT, "enrolment_id": UUID(int=75), "step": 4}, how="phone", reason="Sakit")
    await happened(database, offered(), withdrawn)
    judged = {step: await _judged(database, offered(step=step)) for step in (3, 4, 5)}
    assert judged == {3: "", 4: "the row differs in open", 5: "the row differs in step, open"}


async def _judged(database: Database, event: SeatOffered) -> str:
    async with database.reading(OFFICE) as work:
        (seen,) = await look(work.session, [Told("registration", 0, 1, NOON, event)])
    return seen.wrong
