"""People to whom nobody writes: while their data may only be stored, and for good once they were erased."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.notifications.contacts import audit as contacts
from services.notifications.contacts import handlers as contact_handlers
from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.domain import Letter
from services.notifications.main import letters
from services.notifications.messages import audit
from services.notifications.rights import handlers, texts
from shared.contracts.registration import OwnerChanged, PersonErased, PersonReleased, PersonRestricted
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
    posted,
    rows,
    staff,
    voided,
)

RESTRICTED = PersonRestricted(owner_id=SITI, region="19.71")
RELEASED = PersonReleased(owner_id=SITI, region="19.71")
ERASED = PersonErased(owner_id=SITI, region="19.71", businesses=[TAILOR])
HER = f"owner/{SITI}"
OF_HASAN: dict[str, Any] = {"owner_id": HASAN, "region": "19.71", "businesses": []}


async def test_nobody_writes_to_whose_data_are_restricted_and_it_is_noted_what_was_withheld(
    database: Database,
) -> None:
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(), business(), RESTRICTED, posted(TAILOR))
    assert {person for person, purpose in await messages(database) if purpose.startswith("aid")} == {
        "staff/officer-19.71"
    }
    assert await rows(database, "SELECT fact, person, purpose FROM withheld") == [
        {"fact": posted(TAILOR).matter, "person": HER, "purpose": "aid"}
    ]
    async with database.reading(OFFICE) as work:
        counts = await audit.told(work.session, [posted(TAILOR).matter])
    assert counts[posted(TAILOR).matter, "aid"] == {HER: 1}, "verify takes it for told"


async def test_what_was_withheld_stays_so_and_what_comes_after_the_release_is_told(database: Database) -> None:
    await happened(database, owner(), business(), RESTRICTED, posted(TAILOR), RELEASED, posted(TAILOR), voided(TAILOR))
    found = await messages(database)
    assert (HER, "welcome") in found
    assert await rows(database, "SELECT count(*) AS many FROM contact_hold") == [{"many": 0}]


async def test_a_restriction_told_twice_is_one_and_a_release_undoes_no_erasure(database: Database) -> None:
    await happened(database, owner(), RESTRICTED, RESTRICTED, ERASED, RELEASED, RESTRICTED)
    assert await rows(database, "SELECT owner_id, kind FROM contact_hold") == [{"owner_id": SITI, "kind": "erased"}]


async def test_who_is_erased_is_forgotten_and_that_they_were_told_is_not(database: Database) -> None:
    await happened(database, owner(), business(), posted(TAILOR))
    await happened(
        database, OwnerChanged(owner_id=SITI, name="Siti Baru", region="19.71", language="en", email="s@b.id")
    )
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE delivery SET reply = '250 siti@contoh.example'"))
        await work.session.execute(
            text(
                "INSERT INTO idempotency (caller, key, request_hash, status, headers, body)"
                " VALUES (:siti, 'k', :hash, 201, '{}', 'Siti')"
            ),
            {"siti": str(SITI), "hash": b"h" * 32},
        )
    before = await messages(database)
    await happened(database, ERASED)
    after = await messages(database)
    assert after.keys() == before.keys() | {(HER, "erased")}
    assert {row["body"] for (_, purpose), row in after.items() if purpose != "erased"} == {"(dihapus)"}
    for table in ("contact", "message", "delivery", "idempotency", "last_word"):
        found = str(await rows(database, f"SELECT * FROM {table}"))  # noqa: S608  ours
        assert "Siti" not in found.replace("Konveksi Siti", "")
        assert "siti@" not in found
    await happened(database, voided(TAILOR))
    assert (HER, "void") not in await messages(database)


async def test_an_event_of_a_business_of_somebody_erased_finds_its_owner(database: Database) -> None:
    await happened(database, ERASED, business(), posted(TAILOR))
    assert await messages(database) == {}
    assert len(await rows(database, "SELECT * FROM withheld")) == 2


async def test_verify_sees_whether_somebody_is_held_and_forgotten(database: Database) -> None:
    await happened(database, owner(), RESTRICTED)
    told = [Told("registration", 0, n, NOON, event) for n, event in enumerate((owner(), RESTRICTED), 1)]
    erased = [Told("registration", 0, 3, NOON, ERASED)]
    async with database.reading(OFFICE) as work:
        assert [one.wrong for one in await contacts.holds(work.session, told)] == [""]
        assert all(one.wrong for one in await contacts.holds(work.session, erased))
        assert all(one.wrong for one in await contacts.contacts(work.session, erased))
    await happened(database, ERASED)
    async with database.reading(OFFICE) as work:
        assert [one.wrong for one in await contacts.holds(work.session, erased)] == [""]
        assert [one.wrong for one in await contacts.contacts(work.session, erased)] == [""]


SENDING = "UPDATE delivery SET state = 'sending', leased_by = gen_random_uuid(), leased_until = now()"


async def handed_over(database: Database, channel: str = "email") -> list[Letter]:
    """Give the letters that a channel would hand over now."""
    async with database.work(OFFICE) as work:
        found = await letters(work, await delivery.lease(work, UUID(int=1), channel))
    return [letter for letter in found.values() if isinstance(letter, Letter)]


async def last_words(database: Database) -> int:
    (row,) = await rows(database, "SELECT count(*) AS many FROM last_word")
    return int(str(row["many"]))


async def swept(database: Database) -> None:
    async with database.work(OFFICE) as work:
        await handlers.forget_sent(work)


async def test_who_is_restricted_is_told_so_and_nothing_after_it(database: Database) -> None:
    await happened(database, owner(), business(), RESTRICTED, posted(TAILOR))
    (letter,) = await handed_over(database)  # and not the welcome, which was on its way
    assert (letter.to, letter.title) == ("siti@contoh.example", "Data Anda kini hanya disimpan")
    assert "19.71" in letter.body
    assert len(str((await messages(database))[HER, "restricted"]["body"])) <= 320
    await happened(database, RESTRICTED)
    told = "SELECT count(*) AS many FROM message WHERE purpose = 'restricted'"
    assert await rows(database, told) == [{"many": 1}]
    await happened(database, RELEASED, RESTRICTED)
    assert await rows(database, told) == [{"many": 2}], "restricted anew, told anew"


async def test_who_is_erased_is_told_so_at_the_address_that_is_known_to_nobody_any_more(database: Database) -> None:
    phone = "+6283400000101"
    await happened(database, owner(phone=phone, language="en"), RESTRICTED, ERASED)
    assert await last_words(database) == 1
    for table in ("contact", "message", "delivery", "last_word"):
        kept = str(await rows(database, f"SELECT to_jsonb(t)::text AS row FROM {table} t"))  # noqa: S608  ours
        assert phone not in kept, table
        assert "siti@" not in kept, table
    found = await handed_over(database, "whatsapp")
    assert [(one.to, one.title) for one in found if "erased" in one.title] == [
        (phone, "Your personal data were erased")
    ]
    await happened(database, ERASED)
    assert "erased" in str((await messages(database))[HER, "erased"]["body"]), "handed again it stays as it is"
    assert await last_words(database) == 1


async def test_the_address_is_forgotten_once_the_last_word_is_sent_or_after_three_days(
    database: Database, clock: StoppedClock
) -> None:
    await happened(database, owner(), ERASED)
    await swept(database)
    assert await last_words(database) == 1, "it is on its way"
    async with database.work(OFFICE) as work:
        await work.session.execute(text(SENDING))
    await swept(database)
    assert await last_words(database) == 1, "it is being sent"
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE delivery SET state = 'accepted', accepted_at = now()"))
    await swept(database)
    assert await last_words(database) == 0
    await happened(database, owner(HASAN, email="hasan@contoh.example"), PersonErased(**OF_HASAN))
    assert [one.to for one in await handed_over(database)] == ["hasan@contoh.example"]
    clock.advance(handlers.SENT_WITHIN)
    async with database.work(OFFICE) as work:
        assert await handlers.addresses(work, [row["message_id"] for row in await words(database)]) == {}
    await swept(database)
    assert await last_words(database) == 0


async def words(database: Database) -> list[dict[str, Any]]:
    return await rows(database, "SELECT message_id FROM last_word")


async def test_who_said_stop_or_has_no_address_is_sent_nothing_and_no_address_is_kept(database: Database) -> None:
    await happened(database, owner(email=None), owner(HASAN, email="hasan@contoh.example"))
    async with database.work(OFFICE) as work:
        await contact_handlers.stop(work, f"owner/{HASAN}", work.now)
    await happened(database, ERASED, PersonErased(**OF_HASAN))
    assert await last_words(database) == 0
    assert await rows(database, "SELECT * FROM delivery") == []


def test_a_last_word_fits_a_text_message_and_names_nobody() -> None:
    for words_of in (texts.RESTRICTED, texts.ERASED):
        for one in words_of.values():
            assert len(one.body.format(region="19.71")) <= 320
            assert one.body.count("{") == 1


@pytest.mark.parametrize("order", [
    "UPDATE last_word SET phone_held = NULL, email_held = NULL",
    "UPDATE last_word SET email_held = ''",
    "UPDATE last_word SET message_id = gen_random_uuid()",
])  # fmt: skip
async def test_the_database_is_the_last_guard(database: Database, order: str) -> None:
    await happened(database, owner(), ERASED)
    with pytest.raises(IntegrityError):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(order))
