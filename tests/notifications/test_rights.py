"""People to whom nobody writes: while their data may only be stored, and for good once they were erased."""

from sqlalchemy import text

from services.notifications.contacts import audit as contacts
from services.notifications.messages import audit
from shared.contracts.registration import OwnerChanged, PersonErased, PersonReleased, PersonRestricted
from shared.database import Database
from shared.effect_audit import Told
from tests.notifications.story import (
    NOON,
    OFFICE,
    SITI,
    TAILOR,
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
    assert after.keys() == before.keys()
    assert {row["body"] for row in after.values()} == {"(dihapus)"}
    for table in ("contact", "message", "delivery", "idempotency"):
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
