"""What owners and keepers are told of production orders, each delivery and each payment once."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.notifications.audits import look
from services.notifications.messages.audit import ALL_MESSAGES
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    Goods,
    ProductionDelivered,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
)
from shared.database import Database
from shared.effect_audit import Told
from tests.notifications.story import NOON, OFFICE, TAILOR, business, happened, messages, owner, rows, staff

ORDER = UUID(int=41)
OFFICER = ("officer-19.71", "regency_officer", "19.71")
EVERYBODY = (OFFICER, ("staff-provinsi", "province_staff", "19"))


def order() -> dict[str, Any]:
    return {
        "order_id": ORDER,
        "call_id": UUID(int=42),
        "business_id": TAILOR,
        "region": "19.71",
        "place": "WH-19.71",
        "place_name": "Gudang Kota Pangkalpinang",
        "place_region": "19.71",
        "item": "MASK-CLOTH",
        "item_name": "Masker kain dua lapis",
        "unit": "piece",
        "quantity": 1_500,
        "price_rupiah": 5_000,
        "due_on": date(2020, 9, 30),
    }


def delivered(no: int = 1, accepted: int = 700) -> ProductionDelivered:
    masks = Goods(item="MASK-CLOTH", item_name="Masker kain dua lapis", unit="piece", quantity=accepted)
    return ProductionDelivered(
        **order(),
        delivery_no=no,
        occurred_at=NOON,
        document=None,
        delivered=accepted + 10,
        accepted=accepted,
        rejected=10,
        reasons=[],
        posting_id=UUID(int=43) if accepted else None,
        number=f"2020-09-19.71-PD-000{no}" if accepted else None,
        lines=[masks] if accepted else [],
        amount_due_rupiah=accepted * 5_000,
        due_rupiah=accepted * 5_000,
        state="accepted",
    )


def paid(no: int = 1) -> ProductionPaid:
    return ProductionPaid(
        **order(),
        payment_no=no,
        amount_rupiah=1_000_000,
        paid_at=NOON,
        reference=f"SP2D-{no}",
        due_rupiah=3_500_000,
        paid_rupiah=no * 1_000_000,
        balance_rupiah=3_500_000 - no * 1_000_000,
    )


def offered() -> ProductionOffered:
    return ProductionOffered(**order(), answer_by=NOON + timedelta(days=3))


def taken_back() -> ProductionTakenBack:
    return ProductionTakenBack(**order(), reason="Terlambat", accepted=700, released=800)


async def test_the_owner_is_told_of_an_offer_a_payment_and_a_taking_back(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, owner(), business(), offered(), paid(), taken_back())
    found = {what: row for (person, what), row in (await messages(database)).items() if person.startswith("owner/")}
    assert {what: row["urgency"] for what, row in found.items() if what != "welcome"} == {
        "order_offered": "invitation",
        "order_paid": "required",
        "order_taken_back": "required",
    }
    assert str(found["order_offered"]["body"]) == (
        "Konveksi Siti ditawari pesanan 1.500 buah Masker kain dua lapis, Rp 5.000 per satuan, selesai 30 Sep 2020,"
        " antar ke Gudang Kota Pangkalpinang. Jawab sebelum 24 Sep 2020 12.00 WIB: terima atau tolak."
        " Dari: Officer-19.71 (19.71)."
    )
    assert "Rp 1.000.000" in str(found["order_paid"]["body"])
    assert "Rp 2.500.000" in str(found["order_paid"]["body"])
    assert "800 buah" in str(found["order_taken_back"]["body"])
    assert not [person for person, what in await messages(database) if person.startswith("staff/")]


async def test_each_delivery_is_told_to_the_keepers_once_and_each_payment_to_the_owner(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, owner(), business())
    for event in (delivered(1), delivered(2, 0), delivered(1), paid(1), paid(2), paid(2)):
        await happened(database, event)
    question = "SELECT person, purpose, fact FROM message WHERE purpose <> 'welcome' ORDER BY fact"
    assert [tuple(row.values()) for row in await rows(database, question)] == [
        ("staff/officer-19.71", "order_delivered", f"production_order/{ORDER}#delivery-1"),
        ("staff/officer-19.71", "order_delivered", f"production_order/{ORDER}#delivery-2"),
        (f"owner/{owner().owner_id}", "order_paid", f"production_order/{ORDER}#payment-1"),
        (f"owner/{owner().owner_id}", "order_paid", f"production_order/{ORDER}#payment-2"),
    ]


async def test_verify_sees_each_of_several_payments_of_one_order(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, owner(), business(), paid(1), paid(2), delivered(1))
    events: tuple[Event, ...] = (paid(1), paid(2), delivered(1))
    told = [
        Told("aid_distribution", 0, number, NOON + timedelta(days=1), event) for number, event in enumerate(events, 1)
    ]

    async def wrong() -> dict[str, str]:
        async with database.reading(OFFICE) as work:
            return {seen.aspect: seen.wrong for seen in await look(work.session, told) if seen.wrong}

    assert await wrong() == {}
    async with database.reading(OFFICE) as work:
        page = await ALL_MESSAGES.page(work.session, "", 10)
    assert {one.subject for one in page if one.types & {ProductionPaid.type, ProductionDelivered.type}} == {
        f"production_order/{ORDER}"
    }
    async with database.work(OFFICE) as work:
        for table in ("delivery USING message WHERE message_id = message.id AND", "message WHERE"):
            connection = await work.session.connection()
            await connection.exec_driver_sql(f"DELETE FROM {table} fact LIKE '%payment-1'")  # noqa: S608 - ours
    assert list(await wrong()) == ["message order_paid#payment-1"]


def test_a_matter_begins_with_its_subject() -> None:
    for event in (offered(), taken_back(), paid(), delivered()):
        assert event.matter.partition("#")[0] == event.subject
    assert msgspec.structs.replace(paid(), payment_no=2).matter != paid().matter
