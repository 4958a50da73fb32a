"""What the service does with facts: who is told, once, whatever order the facts come in."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import msgspec
import pytest
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from services.notifications.contacts.handlers import SubjectTaken, register_staff
from services.notifications.contacts.store import StaffMemberRow
from services.notifications.messages import store
from services.notifications.reactions import REACTIONS
from shared.caller import Caller, Role
from shared.consumer import NotYet
from shared.contracts import Event
from shared.contracts.aid_distribution import DistributionPosted
from shared.contracts.envelope import Envelope
from shared.contracts.registration import BusinessChanged, BusinessClosed, ConsentChanged, OwnerChanged
from shared.database import Database
from shared.effects import Arrived, Effects
from shared.outbox import partition_of
from shared.problems import Invalid
from tests.conftest import Databases
from tests.notifications.story import (
    HASAN,
    KITCHEN,
    NOON,
    OFFICE,
    PEPPER,
    SITI,
    TAILOR,
    TRACEPARENT,
    StoppedClock,
    arrived,
    business,
    dispatched,
    happened,
    messages,
    out_of_use,
    owner,
    posted,
    received,
    rows,
    staff,
    voided,
)

REGENCY, PROVINCE = "regency_officer", "province_staff"
EVERYBODY = (
    ("officer-19.71", REGENCY, "19.71"),
    ("officer-19.02", REGENCY, "19.02"),
    ("staff-provinsi", PROVINCE, "19"),
    ("auditor", "auditor", "19"),
    ("operator", "operator", "19"),
)


def told(found: dict[tuple[str, str], dict[str, object]], purpose: str) -> set[str]:
    return {person for person, what in found if what == purpose}


async def test_an_owner_is_welcomed_when_the_business_is_registered(database: Database) -> None:
    await happened(database, owner(), business())
    found = await messages(database)
    assert list(found) == [(f"owner/{SITI}", "welcome")]
    (message,) = found.values()
    assert message["title"] == "Usaha Anda sudah terdaftar"
    assert str(message["body"]).startswith("Konveksi Siti sudah terdaftar di Serumpun, wilayah 19.71.")


async def test_a_distribution_tells_the_owners_named_and_the_staff_concerned_and_nobody_else(
    database: Database,
) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, owner(), owner(HASAN, "Hasan", email=None), business(), business(KITCHEN, HASAN, "Dapur"))
    await happened(database, business(PEPPER, HASAN, "Lada"), posted(TAILOR, public_heads=200))
    found = await messages(database)
    assert told(found, "aid") == {f"owner/{SITI}"}
    assert told(found, "aid_office") == {"staff/officer-19.71", "staff/staff-provinsi"}
    mine = found[f"owner/{SITI}", "aid"]
    assert mine["urgency"] == "required"
    assert "500 buah Masker kain dua lapis" in str(mine["body"])
    assert "Dari: Officer-19.71 (19.71)" in str(mine["body"])
    assert "200 orang umum dan 1 usaha" in str(found["staff/officer-19.71", "aid_office"]["body"])


async def test_each_reads_in_their_own_language(database: Database) -> None:
    await staff(database, ("officer-19.71", REGENCY, "19.71"), language="en")
    await happened(database, owner(language="en"), owner(HASAN, "Hasan"), business(), business(KITCHEN, HASAN, "Dapur"))
    await happened(database, posted(TAILOR, KITCHEN))
    found = await messages(database)
    assert found[f"owner/{SITI}", "aid"]["title"] == "Aid for your business"
    assert found[f"owner/{HASAN}", "aid"]["title"] == "Bantuan untuk usaha Anda"
    assert found["staff/officer-19.71", "aid_office"]["title"] == "Aid handed out in region 19.71"


async def test_an_owner_of_two_businesses_gets_one_message_that_names_both(database: Database) -> None:
    await happened(database, owner(), business(), business(KITCHEN, SITI, "Dapur Siti"), posted(KITCHEN, TAILOR))
    found = await messages(database)
    assert told(found, "aid") == {f"owner/{SITI}"}
    assert str(found[f"owner/{SITI}", "aid"]["body"]).startswith("Dapur Siti, Konveksi Siti tercatat menerima")


async def test_the_same_fact_again_tells_nobody_twice_and_sends_nothing_twice(database: Database) -> None:
    await staff(database, *EVERYBODY, email=True)
    await happened(database, owner(), business(), posted(TAILOR))
    before = (await rows(database, "SELECT * FROM message ORDER BY id"), await rows(database, "SELECT * FROM delivery"))
    await happened(database, posted(TAILOR), business())
    after = (await rows(database, "SELECT * FROM message ORDER BY id"), await rows(database, "SELECT * FROM delivery"))
    assert len(before[0]) == 4
    assert after == before


async def test_the_store_itself_refuses_a_second_message_for_one_fact_person_and_purpose(database: Database) -> None:
    await happened(database, owner(), business())
    (message,) = (await messages(database)).values()
    again = store.MessageRow(**{**message, "id": UUID(int=7)})
    with pytest.raises(IntegrityError, match="message_once"):
        async with database.work(OFFICE) as work:
            work.session.add(again)


async def test_whoever_was_told_of_a_distribution_is_told_that_it_is_void(database: Database) -> None:
    await staff(database, *EVERYBODY[:3])
    await happened(database, owner(), business(), posted(TAILOR))
    await staff(database, ("officer-baru", REGENCY, "19.71"))  # came later, and was told nothing that could be void
    await happened(database, voided(TAILOR))
    found = await messages(database)
    assert told(found, "void") == told(found, "aid") == {f"owner/{SITI}"}
    assert told(found, "void_office") == told(found, "aid_office") == {"staff/officer-19.71", "staff/staff-provinsi"}
    assert "Alasan: salah tempat." in str(found[f"owner/{SITI}", "void"]["body"])


async def test_a_void_reaches_the_owner_who_was_told_although_the_business_has_changed_hands(
    database: Database,
) -> None:
    await happened(database, owner(), owner(HASAN, "Hasan"), business(), posted(TAILOR))
    sold = BusinessChanged(business_id=TAILOR, owner_id=HASAN, name="Konveksi", sector="garment", region="19.71")
    await happened(database, sold, voided(TAILOR))
    assert told(await messages(database), "void") == {f"owner/{SITI}"}


async def test_stock_concerns_the_office_that_keeps_it(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, received())
    assert told(await messages(database), "stock_in") == {"staff/officer-19.71"}


async def test_stock_of_the_province_concerns_the_province(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, received(region="19", place="WH-PROV"))
    assert told(await messages(database), "stock_in") == {"staff/staff-provinsi"}


async def test_a_transfer_tells_the_receiver_that_it_comes_and_the_sender_how_it_arrived(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, dispatched(), arrived())
    found = await messages(database)
    assert told(found, "goods_coming") == {"staff/officer-19.71"}
    assert told(found, "goods_arrived") == {"staff/staff-provinsi"}
    assert found["staff/officer-19.71", "goods_coming"]["region"] == "19.71"


async def test_a_station_out_of_use_is_told_to_those_who_keep_it_each_time_it_goes_out_of_use(
    database: Database,
) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, *out_of_use(), *out_of_use(), *out_of_use(NOON + timedelta(hours=2)))
    assert len(await rows(database, "SELECT 1 FROM message WHERE purpose = 'station_dry'")) == 2
    found = await messages(database)
    for purpose in ("station_reported", "station_dry", "station_broken"):
        assert told(found, purpose) == {"staff/officer-19.71"}
    said = str(found["staff/officer-19.71", "station_reported"]["body"])
    assert said.startswith(
        "Warga melapor tempat cuci tangan Pintu timur di Pasar Induk tidak dapat dipakai (tidak ada air)"
    )


async def test_only_what_is_worth_an_email_is_queued_and_only_for_those_who_have_an_address(
    database: Database,
) -> None:
    await staff(database, ("officer-19.71", REGENCY, "19.71"), email=True)
    await staff(database, ("staff-provinsi", PROVINCE, "19"))
    await happened(database, owner(phone=None), owner(HASAN, "Hasan", email=None, phone=None))
    await happened(database, business(), business(KITCHEN, HASAN, "Dapur"))
    await happened(database, posted(TAILOR, KITCHEN), received())
    queued = await rows(
        database, "SELECT d.*, m.purpose FROM delivery d JOIN message m ON m.id = message_id ORDER BY d.id"
    )
    assert [(row["person"], row["purpose"]) for row in queued] == [
        (f"owner/{SITI}", "welcome"),
        (f"owner/{SITI}", "aid"),
        ("staff/officer-19.71", "aid_office"),
        ("staff/officer-19.71", "not_told"),  # of Hasan, who has no address
    ]
    assert {(row["state"], row["channel"], row["attempts"]) for row in queued} == {("queued", "email", 0)}


@pytest.mark.parametrize(("said", "sent"), [((False,), ["aid"]), ((False, True), ["welcome", "aid"])])
async def test_who_took_back_the_consent_to_be_contacted_is_sent_aid_for_them_and_nothing_else(
    database: Database, said: tuple[bool, ...], sent: list[str]
) -> None:
    await happened(
        database, owner(), *(said_of("contact_by_phone", given=given) for given in said), business(), posted(TAILOR)
    )
    question = "SELECT m.purpose FROM delivery d JOIN message m ON m.id = message_id ORDER BY d.id"
    assert [row["purpose"] for row in await rows(database, question)] == sent
    assert told(await messages(database), "welcome") == {f"owner/{SITI}"}  # the inbox has it all the same


async def test_a_consent_to_something_else_is_no_matter_of_messages(database: Database) -> None:
    await happened(database, owner(), said_of("publish_story", given=False))
    assert await rows(database, "SELECT owner_id FROM contact_consent") == []


def said_of(kind: str, *, given: bool) -> ConsentChanged:
    return ConsentChanged(
        owner_id=SITI,
        region="19.71",
        kind=kind,
        given=given,
        text_id=kind.replace("_", "-") if given else None,
        text_version=1 if given else None,
        happened_at=NOON,
    )


async def test_the_trace_of_the_request_stands_in_the_message_and_in_its_delivery(database: Database) -> None:
    await happened(database, owner(), business(), traceparent=TRACEPARENT)
    (message,) = await rows(database, "SELECT traceparent FROM message")
    (delivery,) = await rows(database, "SELECT traceparent FROM delivery")
    assert message == delivery == {"traceparent": TRACEPARENT}


async def test_a_contact_is_what_registration_last_said(database: Database) -> None:
    await happened(database, owner(), business())
    changed = OwnerChanged(
        owner_id=SITI, name="Siti R.", region="19.02", language="en", phone=None, email="baru@contoh.example"
    )
    await happened(database, changed)
    (contact,) = await rows(database, "SELECT name, phone, email, language, region FROM contact")
    assert contact == {
        "name": "Siti R.",
        "phone": None,
        "email": "baru@contoh.example",
        "language": "en",
        "region": "19.02",
    }


async def test_a_closed_business_is_noted_and_what_it_was_given_before_is_still_told(database: Database) -> None:
    closed = BusinessClosed(business_id=TAILOR, owner_id=SITI, region="19.71", reason="tutup")
    await happened(database, owner(), business(), closed, posted(TAILOR))
    assert await rows(database, "SELECT trading FROM contact_business") == [{"trading": False}]
    assert told(await messages(database), "aid") == {f"owner/{SITI}"}


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        ((), f"business {TAILOR} is not known yet"),
        ((owner(),), f"business {TAILOR} is not known yet"),
    ],
)
async def test_a_distribution_to_a_business_not_yet_known_waits_and_tells_nobody(
    database: Database, known: tuple[Event, ...], missing: str
) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, *known)
    with pytest.raises(NotYet, match=missing):
        await happened(database, posted(TAILOR))
    assert await messages(database) == {}


async def test_a_business_whose_owner_is_not_known_yet_waits(database: Database) -> None:
    with pytest.raises(NotYet, match=f"owner {SITI} is not known yet"):
        await happened(database, business())


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_the_outcome_does_not_depend_on_the_order_in_which_facts_of_different_aggregates_arrive(
    databases: Databases, order: tuple[int, ...]
) -> None:
    clock = StoppedClock()
    database = await databases("notifications", migrated=True, clock=clock)
    await staff(database, ("officer-19.71", REGENCY, "19.71"))
    facts = (owner(), business(), posted(TAILOR), received())
    effects = Effects("notifications", database, REACTIONS)
    numbers: dict[tuple[str, int], int] = {}
    for index in order:
        event = facts[index]
        partition = partition_of(event.subject, 4)
        seq = numbers[event.source, partition] = numbers.get((event.source, partition), 0) + 1
        for _ in range(2):  # everything is delivered twice
            await effects.take(event.source, partition, [Arrived(seq, envelope(event, partition, seq))])
    while await rows(database, "SELECT seq FROM parked"):
        clock.advance(timedelta(minutes=2))
        await effects.retry_due()
    assert {key: row["body"] for key, row in (await messages(database)).items()} == {
        (f"owner/{SITI}", "welcome"): "Konveksi Siti sudah terdaftar di Serumpun, wilayah 19.71. Kabar bantuan dan "
        "pelatihan untuk usaha Anda akan muncul di sini. Dicatat oleh Officer-19.71 (19.71). Ada yang keliru? "
        "Hubungi kantor dinas.",
        (f"owner/{SITI}", "aid"): "Konveksi Siti tercatat menerima bantuan masker gratis. Isi penyaluran: 500 buah "
        "Masker kain dua lapis. Tempat: Gudang Kota Pangkalpinang, 21 Sep 2020 12.00 WIB. "
        "Dari: Officer-19.71 (19.71). No. 2020-09-19.71-DO-0001.",
        ("staff/officer-19.71", "aid_office"): "Penyaluran masker gratis No. 2020-09-19.71-DO-0001: 500 buah Masker "
        "kain dua lapis untuk 1 usaha. Tempat: Gudang Kota Pangkalpinang, 21 Sep 2020 12.00 WIB. "
        "Dicatat oleh Officer-19.71 (19.71).",
        ("staff/officer-19.71", "stock_in"): "500 buah Masker kain dua lapis masuk di WH-19.71 dari produksi, "
        "21 Sep 2020 12.00 WIB. No. 2020-09-19.71-GR-0001. Dicatat oleh Officer-19.71 (19.71).",
    }


def batch_of(*events: Event) -> list[Arrived]:
    """Give events as they arrive together, each caused by another officer under a trace of its own."""
    return [
        Arrived(
            seq,
            msgspec.structs.replace(
                envelope(event, 0, seq), actor=f"officer-{seq}", traceparent=TRACEPARENT.replace("0af7", f"{seq:04}")
            ),
        )
        for seq, event in enumerate(events, 1)
    ]


def many_posted(count: int) -> list[DistributionPosted]:
    """Give distributions that name either business in turn, the last of them nobody."""
    named: list[list[UUID]] = [[TAILOR], [KITCHEN], [KITCHEN, TAILOR], []]
    return [
        msgspec.structs.replace(posted(*named[number % 4], public_heads=number + 1), distribution_id=UUID(int=number))
        for number in range(count)
    ]


async def two_owners(databases: Databases) -> Database:
    database = await databases("notifications", migrated=True, clock=StoppedClock())
    await staff(database, *EVERYBODY, *((f"officer-{seq}", REGENCY, "19.71") for seq in (1, 2)), email=True)
    await happened(database, owner(), owner(HASAN, "Hasan"), business(), business(KITCHEN, HASAN, "Dapur"))
    return database


TOLD = "SELECT fact, person, purpose, title, body, traceparent FROM message WHERE purpose <> 'welcome' ORDER BY 1, 2, 3"
SENT = (
    "SELECT fact, d.person, purpose, d.traceparent, d.region FROM delivery d JOIN message m ON m.id = message_id"
    " WHERE purpose <> 'welcome' ORDER BY 1, 2, 3"
)


async def test_facts_that_arrive_together_are_told_just_as_one_by_one(databases: Databases) -> None:
    together, alone = await two_owners(databases), await two_owners(databases)
    batch = batch_of(*many_posted(8), voided(TAILOR), received(), *many_posted(2))
    await Effects("notifications", together, REACTIONS).take("aid_distribution", 0, batch)
    for one in batch:
        await Effects("notifications", alone, REACTIONS).take("aid_distribution", 0, [one])
    told = await rows(together, TOLD)
    assert told == await rows(alone, TOLD)
    assert await rows(together, SENT) == await rows(alone, SENT)
    assert {row["traceparent"] for row in told} == {one.envelope.traceparent for one in batch[:10] if one.envelope} - {
        batch[8].envelope.traceparent  # a void of what nobody was told of
    }
    assert any("Dari: Officer-2 (19.71)" in str(row["body"]) for row in told)


async def test_facts_that_arrive_together_cost_no_more_statements_than_one(databases: Databases) -> None:
    database = await two_owners(databases)
    statements: list[str] = []
    listen(database.engine.sync_engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    effects = Effects("notifications", database, REACTIONS)
    batch = batch_of(*many_posted(40))
    await effects.take("aid_distribution", 0, batch[:1])  # the first time a position is made
    statements.clear()
    await effects.take("aid_distribution", 0, batch[1:2])
    few = len(statements)
    statements.clear()
    await effects.take("aid_distribution", 0, batch[2:])
    assert len(statements) == few
    assert len(await rows(database, TOLD)) > 100


def envelope(event: Event, partition: int, seq: int) -> Envelope:
    return Envelope(
        source=event.source,
        partition=partition,
        seq=seq,
        id=UUID(int=partition * 100 + seq),
        type=event.type,
        subject=event.subject,
        time=NOON,
        actor="officer-19.71",
        region="19.71",
        traceparent=TRACEPARENT,
        data=msgspec.msgpack.encode(event),
    )


def member(subject: str = "officer-19.71", role: str = REGENCY, *regions: str) -> StaffMemberRow:
    return StaffMemberRow(subject=subject, name="Fitri", role=role, regions=list(regions or ("19.71",)), language="id")


async def test_the_same_subject_again_replaces_what_was_known(database: Database) -> None:
    async with database.work(OFFICE) as work:
        await register_staff(work, OFFICE, member())
        await register_staff(work, OFFICE, member("officer-19.71", REGENCY, "19.02", "19.03"))
    assert await rows(database, "SELECT regions FROM staff_member") == [{"regions": ["19.02", "19.03"]}]


@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        (member("x", REGENCY, "19.71", "18.01"), "/regions/1", "unknown_region"),
        (member("x", REGENCY, "1"), "/regions/0", "unknown_region"),
        (member("x", REGENCY, "19"), "/regions", "role_mismatch"),
    ],
)
async def test_staff_belong_to_regions_of_the_one_who_registers_them(
    database: Database, row: StaffMemberRow, pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        async with database.work(OFFICE) as work:
            await register_staff(work, OFFICE, row)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert await rows(database, "SELECT * FROM staff_member") == []


async def test_the_staff_of_another_province_cannot_be_taken_over(database: Database) -> None:
    elsewhere = Caller("staff-18", Role.PROVINCE_STAFF, ("18",))
    async with database.work(elsewhere) as work:
        await register_staff(work, elsewhere, member("officer", REGENCY, "18.01"))
    with pytest.raises(SubjectTaken):
        async with database.work(OFFICE) as work:
            await register_staff(work, OFFICE, member("officer"))
    assert await rows(database, "SELECT regions FROM staff_member") == [{"regions": ["18.01"]}]
