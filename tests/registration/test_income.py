"""What a business earned by production orders, as aid_distribution tells it."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.registration.businesses import handlers
from services.registration.main import SERVICE
from services.registration.support.income import EARNED, IncomeRow, income_of, remember
from shared.caller import Caller
from shared.contracts.aid_distribution import Goods, ProductionDelivered, ProductionPaid
from shared.database import Database
from shared.effect_audit import Told
from shared.problems import Absent
from shared.reaction import Heard
from shared.security import KeyStore
from tests.door import Client, open_door
from tests.registration.people import BELITUNG, OFFICE, PANGKALPINANG, SITI, TAILOR

ORDER = UUID(int=41)
THE_THIRD = datetime(2020, 9, 3, 2, tzinfo=UTC)


def order(business_id: UUID) -> dict[str, Any]:
    return {
        "order_id": ORDER,
        "call_id": UUID(int=42),
        "business_id": business_id,
        "region": "19.71",
        "place": "WH-19.71",
        "place_name": "Gudang",
        "place_region": "19.71",
        "item": "MASK-CLOTH",
        "item_name": "Masker kain",
        "unit": "piece",
        "quantity": 100,
        "price_rupiah": 5_000,
        "due_on": date(2020, 9, 21),
    }


def delivered(business_id: UUID, no: int = 1, accepted: int = 60) -> ProductionDelivered:
    return ProductionDelivered(
        **order(business_id),
        delivery_no=no,
        occurred_at=THE_THIRD,
        document=None,
        delivered=accepted + 5,
        accepted=accepted,
        rejected=5,
        reasons=[],
        posting_id=UUID(int=43),
        number=f"2020-09-19.71-PD-000{no}",
        lines=[Goods(item="MASK-CLOTH", item_name="Masker kain", unit="piece", quantity=accepted)],
        amount_due_rupiah=accepted * 5_000,
        due_rupiah=accepted * 5_000,
        state="accepted",
    )


def paid(business_id: UUID, no: int = 1, amount: int = 100_000) -> ProductionPaid:
    return ProductionPaid(
        **order(business_id),
        payment_no=no,
        amount_rupiah=amount,
        paid_at=datetime(2020, 9, 10, 2, tzinfo=UTC),
        reference=f"SP2D-{no}",
        due_rupiah=300_000,
        paid_rupiah=amount,
        balance_rupiah=300_000 - amount,
    )


@pytest.fixture
async def business(database: Database) -> UUID:
    async with database.work(PANGKALPINANG) as work:
        return (await handlers.register_business(work, TAILOR, owner=SITI)).business.id


async def hear(database: Database, *events: ProductionDelivered | ProductionPaid) -> None:
    async with database.work(OFFICE) as work:
        await remember(work, [Heard(event, OFFICE) for event in events])


async def history(database: Database, business_id: UUID, caller: Caller = PANGKALPINANG) -> list[IncomeRow]:
    async with database.reading(caller) as work:
        return (await income_of(work, business_id, None, 10)).items


async def test_deliveries_and_payments_are_remembered_once_however_often_they_are_told(
    database: Database, business: UUID
) -> None:
    for _ in range(2):
        await hear(database, delivered(business))
        await hear(database, paid(business))
    rows = await history(database, business)
    assert [(row.kind, row.no, row.accepted, row.rejected, row.amount_rupiah, row.reference) for row in rows] == [
        ("payment", 1, None, None, 100_000, "SP2D-1"),
        ("delivery", 1, 60, 5, 300_000, "2020-09-19.71-PD-0001"),
    ]


async def test_the_history_of_another_region_does_not_exist_and_a_stranger_is_no_reason_to_stop(
    database: Database, business: UUID
) -> None:
    await hear(database, delivered(business), delivered(UUID(int=99), 2))
    for business_id, caller in ((business, BELITUNG), (UUID(int=99), PANGKALPINANG)):
        with pytest.raises(Absent):
            await history(database, business_id, caller)


async def test_what_is_missing_or_otherwise_in_the_history_is_seen(database: Database, business: UUID) -> None:
    events = (delivered(business), delivered(business, 2), paid(business))
    await hear(database, *events)
    told = [Told("aid_distribution", 0, number, THE_THIRD, event) for number, event in enumerate(events, 1)]

    async def wrong() -> dict[str, str]:
        async with database.reading(OFFICE) as work:
            return {seen.aspect: seen.wrong for seen in await EARNED.look(work.session, told) if seen.wrong}

    assert await wrong() == {}
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE income SET amount_rupiah = 1 WHERE kind = 'payment'"))
        await work.session.execute(text("DELETE FROM income WHERE kind = 'delivery' AND no = 2"))
    assert await wrong() == {
        "income delivery 2": "there is no such row",
        "income payment 1": "the row differs in amount_rupiah",
    }


async def test_the_history_is_shown_latest_first_page_by_page(
    database: Database, business: UUID, keys: KeyStore
) -> None:
    await hear(database, *(delivered(business, no) for no in (1, 2, 3)))
    await hear(database, paid(business))
    async with Client(open_door(SERVICE, database, keys), keys, PANGKALPINANG) as client:
        seen, following = [], f"/registration/businesses/{business}/income?limit=3"
        while following:
            answer = await client.get(following)
            seen += [f"{row['kind']} {row['no']}" for row in answer.json()["items"]]
            following = answer.links.get("next", {}).get("url")
    assert seen == ["payment 1", "delivery 3", "delivery 2", "delivery 1"]
