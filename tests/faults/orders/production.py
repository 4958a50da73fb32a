"""Orders about what is ordered from businesses."""

from datetime import UTC, datetime, timedelta

from tests.faults.orders.giving import MASKS, REGION, TAILOR, WAREHOUSE, Json, Office, Order, moment, numbers, post


def _production(order: Json, step: str, **body: object) -> Order:
    return post("aid_distribution", f"/aid/production-orders/{order['id']}/{step}", **body)


async def set_producer_profile(_office: Office) -> Order:
    return post(
        "aid_distribution", f"/aid/producers/{TAILOR}/profile",
        capacity_per_week=400, decline_permille=500, as_of=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
        source="Kunjungan",
    )  # fmt: skip


async def call_for_production(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/production-calls",
        item=MASKS, quantity=100, price_rupiah=5_000, due_on=f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}",
        regions=[REGION], place=WAREHOUSE, sector="garment", cap_per_business=50,
    )  # fmt: skip


async def offer_production_order(office: Office) -> Order:
    call = await office.done(await call_for_production(office))
    return post(
        "aid_distribution", "/aid/production-orders", call=call["id"], business=TAILOR, quantity=7, reason="Kunjungan"
    )


async def accept_production_order(office: Office) -> Order:
    return _production(await office.done(await offer_production_order(office)), "acceptance")


async def decline_production_order(office: Office) -> Order:
    return _production(await office.done(await offer_production_order(office)), "decline", reason="Mesin rusak")


async def record_production_delivery(office: Office) -> Order:
    order = await office.done(await accept_production_order(office))
    found = {"layers": 2, "accepted": 4, "rejected": 1, "reasons": [{"reason": "seams", "quantity": 1}]}
    return _production(order, "deliveries", occurred_at=moment(), quantity=5, inspection=found)


async def record_production_payment(office: Office) -> Order:
    order = await office.done(await record_production_delivery(office))
    return _production(order, "payments", amount_rupiah=15_000, paid_at=moment(), reference=f"SP2D-{next(numbers)}")


async def take_back_production_order(office: Office) -> Order:
    return _production(await office.done(await accept_production_order(office)), "taking-back", reason="Terlambat")
