"""Orders about the ledger: items, places, postings, counts, lots, reservations, kits and levels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from shared.contracts.aid_distribution import PRODUCTION_LOT
from tests.faults.orders.giving import (
    MASKS,
    PROVINCE,
    REGION,
    WAREHOUSE,
    Json,
    Office,
    Order,
    goods,
    moment,
    numbers,
    post,
    regions,
)


async def add_item(_office: Office) -> Order:
    number = next(numbers)
    return post("aid_distribution", "/aid/items", code=f"I-{number}", name="Sarung", unit="piece", category="other")


async def add_pack(_office: Office) -> Order:
    number = next(numbers)
    return post("aid_distribution", f"/aid/items/{MASKS}/packs", code=f"BOX-{number}", name="Dus", quantity=number + 1)


async def add_place(_office: Office) -> Order:
    number = next(numbers)
    return post("aid_distribution", "/aid/places", code=f"P-{number}", name="Pasar", kind="warehouse", region=REGION)


async def add_region(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/regions",
        code=f"19.{next(regions)}", name="Bangka Utara", kind="regency", population=100_000,
    )  # fmt: skip


async def change_region(office: Office) -> Order:
    path = f"/aid/regions/{REGION}"
    region = await office.asked("aid_distribution", path)
    return Order(
        "aid_distribution", "PATCH", path, {"population": region["population"] + 1},
        {"If-Match": f'"{region["version"]}"'},
    )  # fmt: skip


async def receive_stock(_office: Office, place: str = WAREHOUSE) -> Order:
    return post(
        "aid_distribution", "/aid/receipts",
        place=place, source="supplier", occurred_at=moment(), lines=goods(10),
    )  # fmt: skip


async def issue_stock(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/issues",
        place=WAREHOUSE, reason="damaged", occurred_at=moment(), lines=goods(1),
    )  # fmt: skip


async def post_in_bulk(_office: Office) -> Order:
    order = {"place": WAREHOUSE, "source": "supplier", "occurred_at": moment(), "lines": goods(10)}
    line: Json = {"key": str(uuid4()), "receipt": order}
    return Order("aid_distribution", "POST", "/aid/bulk", line, {"Content-Type": "application/x-ndjson"})


async def dispatch_transfer(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/transfers",
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=moment(), lines=goods(5),
    )  # fmt: skip


async def receive_transfer(office: Office) -> Order:
    transfer = await office.done(await dispatch_transfer(office))
    lines = [{"item": MASKS, "accepted": 4, "rejected": 1, "reason": "damaged"}]
    return post("aid_distribution", f"/aid/transfers/{transfer['id']}/receipt", occurred_at=moment(), lines=lines)


async def void_transfer(office: Office) -> Order:
    transfer = await office.done(await dispatch_transfer(office))
    return post("aid_distribution", f"/aid/transfers/{transfer['id']}/void", reason="Salah tujuan")


async def a_shelf(office: Office) -> str:
    """Give a place of which nothing was ever reserved, with masks in it."""
    place: str = (await office.done(await add_place(office)))["code"]
    await office.done(await receive_stock(office, place))
    return place


async def reserve_stock(office: Office) -> Order:
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    return post(
        "aid_distribution", "/aid/reservations",
        place=await a_shelf(office), purpose="Pelatihan", expires_at=until, lines=goods(1),
    )  # fmt: skip


async def release_reservation(office: Office) -> Order:
    made = await office.done(await reserve_stock(office))
    return post("aid_distribution", f"/aid/reservations/{made['id']}/release", reason="Batal")


async def define_kit(office: Office) -> Order:
    kit = await office.done(await add_item(office))
    return post("aid_distribution", "/aid/kits", kit=kit["code"], components=goods(2))


async def assemble_kits(office: Office) -> Order:
    kit = await office.done(await define_kit(office))
    path = f"/aid/kits/{kit['kit']}/assemblies"
    return post("aid_distribution", path, place=PROVINCE, quantity=2, occurred_at=moment())


async def unpack_kits(office: Office) -> Order:
    made = await assemble_kits(office)
    await office.done(made)
    path = made.path.replace("/assemblies", "/unpackings")
    return post("aid_distribution", path, place=PROVINCE, quantity=1, occurred_at=moment())


async def reverse_posting(office: Office) -> Order:
    posting = await office.done(await receive_stock(office))
    return post("aid_distribution", f"/aid/postings/{posting['id']}/reversal", reason="Salah ketik")


async def take_snapshot(_office: Office) -> Order:
    return post("aid_distribution", "/aid/snapshots", place=WAREHOUSE, items=[MASKS])


async def count_stock(office: Office) -> Order:
    """Count one more of an item that lies nowhere else, so that nothing else is touched."""
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 7}]
    return post("aid_distribution", "/aid/counts", place=WAREHOUSE, occurred_at=moment(), lines=lines)


async def hold_lot(office: Office) -> Order:
    lot = f"L-{next(numbers)}"
    lines = [{"item": MASKS, "quantity": 1, "lot": lot}]
    received = await receive_stock(office)
    await office.done(replace(received, body={**received.body, "lines": lines}))
    return post("aid_distribution", "/aid/lots/hold", item=MASKS, lot=lot, reason="Bau bensin")


async def release_lot(office: Office) -> Order:
    held = await hold_lot(office)
    await office.done(held)
    return post("aid_distribution", "/aid/lots/release", item=MASKS, lot=held.body["lot"])


async def receive_late(office: Office) -> Order:
    """Receive goods of an item of which something came in later already."""
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 5}]
    received = await receive_stock(office)
    await office.done(replace(received, body={**received.body, "lines": lines}))
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    return replace(received, body={**received.body, "lines": lines, "occurred_at": before}, key=str(uuid4()))


async def set_level(office: Office) -> Order:
    """Set the level of a shelf that is well, so that nothing comes of it."""
    item = await stocked_item(office, 10)
    return post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=1, ok_at=2)


async def change_level(office: Office) -> Order:
    level = await office.done(await set_level(office))
    return Order("aid_distribution", "PATCH", f"/aid/levels/{level['id']}", {"low_at": 0}, {"If-Match": '"1"'})


async def stocked_item(office: Office, quantity: int, place: str = PROVINCE, **lot: str) -> str:
    """Make an item known of which there is stock, and give its code."""
    item: str = (await office.done(await add_item(office)))["code"]
    lines = [{"item": item, "quantity": quantity, **lot}]
    await office.done(
        post(
            "aid_distribution", "/aid/receipts",
            place=place, source="supplier", occurred_at=moment(), lines=lines,
        )
    )  # fmt: skip
    return item


async def made_to_order(office: Office) -> Json:
    """Give a line of goods that lie in stock under the lot of an order."""
    lot = f"{PRODUCTION_LOT}{next(numbers):012X}"
    return {"item": await stocked_item(office, 10, WAREHOUSE, lot=lot), "quantity": 1, "lot": lot}


async def fall_to(office: Office, left: int) -> Order:
    """Give out so much of a new item that this is left, of a level of 5."""
    item = await stocked_item(office, 10)
    await office.done(post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=5, ok_at=6))
    return post(
        "aid_distribution", "/aid/issues",
        place=PROVINCE, reason="damaged", occurred_at=moment(), lines=[{"item": item, "quantity": 10 - left}],
    )  # fmt: skip


async def run_low(office: Office) -> Order:
    return await fall_to(office, 5)


async def run_out(office: Office) -> Order:
    return await fall_to(office, 0)


async def come_close_to_expiry(office: Office) -> Order:
    soon = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    item = await stocked_item(office, 10, lot="L1", expires_on=soon)
    return post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=1, ok_at=2, expires_within_days=30)
