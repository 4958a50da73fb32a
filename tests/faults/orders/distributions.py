"""Orders about hand-outs and what comes of them: limits, coupons, exceptions, returns, loans, plans."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.faults.orders.giving import (
    END,
    MASKS,
    PROVINCE,
    REGION,
    STATION,
    TAILOR,
    WAREHOUSE,
    Office,
    Order,
    goods,
    moment,
    numbers,
    post,
)
from tests.faults.orders.production import accept_production_order
from tests.faults.orders.stations import place_station, stationed
from tests.faults.orders.stock import add_item


async def post_distribution(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/distributions",
        programme="free-masks", place=WAREHOUSE, occurred_at=moment(), lines=goods(1),
        recipients={"public": 1, "businesses": [TAILOR]},
    )  # fmt: skip


async def void_distribution(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    return post("aid_distribution", f"/aid/distributions/{posted['id']}/void", reason="Salah tempat")


async def plan_allocation(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/allocation-plans",
        item=MASKS, from_place=PROVINCE, quantity=3,
        needs=[{"region": REGION, "place": WAREHOUSE, "need_quantity": 5}],
    )  # fmt: skip


async def override_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    path = f"/aid/allocation-plans/{plan['id']}/lines/{REGION}"
    return Order("aid_distribution", "PATCH", path, {"quantity": 2, "reason": "Ombak"}, {"If-Match": '"1"'})


async def confirm_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    return post("aid_distribution", f"/aid/allocation-plans/{plan['id']}/confirmation", document="SK-7")


async def discard_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    return post("aid_distribution", f"/aid/allocation-plans/{plan['id']}/discard", reason="Batal")


async def add_evidence(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    path = f"/aid/distributions/{posted['id']}/evidence"
    return post("aid_distribution", path, photo_reference=f"foto-{next(numbers)}", signature_name="Sulastri")


async def post_distribution_batch(_office: Office) -> Order:
    entry = {
        "id": str(uuid4()), "programme": "free-masks", "place": WAREHOUSE, "occurred_at": moment(),
        "lines": goods(1), "recipients": {"public": 1, "businesses": [TAILOR]},
    }  # fmt: skip
    return post("aid_distribution", "/aid/distributions/batch", device="HP-1", sent_at=moment(), entries=[entry, entry])


async def park_distribution(office: Office) -> Order:
    """Park the hand-out of an item of which there is nothing."""
    return await _parked(office, "distributions", programme="free-masks", recipients={"public": 1})


async def park_stock_issue(office: Office) -> Order:
    return await _parked(office, "issues", reason="damaged")


async def open_coupon_round(_office: Office) -> Order:
    return post("aid_distribution", "/aid/coupon-rounds", programme="free-masks", place=WAREHOUSE, coupons_max=5)


async def issue_household_coupons(office: Office) -> Order:
    opened = await office.done(await open_coupon_round(office))
    household = f"keluarga-{next(numbers):012d}"
    return post("aid_distribution", f"/aid/coupon-rounds/{opened['id']}/coupons", households=[household])


async def close_coupon_round(office: Office) -> Order:
    """Close a round of which a coupon was given and not used."""
    issuing = await issue_household_coupons(office)
    await office.done(issuing)
    return post("aid_distribution", issuing.path.replace("/coupons", "/closing"))


async def park_transfer(office: Office) -> Order:
    """Park a transfer of an item of which there is nothing."""
    item = await office.done(await add_item(office))
    return post(
        "aid_distribution", "/aid/exceptions/transfers",
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=moment(), lines=[{"item": item["code"], "quantity": 3}],
    )  # fmt: skip


async def park_visit(office: Office) -> Order:
    """Park a visit that took an item of which there is nothing."""
    station = await office.done(await place_station(office))
    item = await office.done(await add_item(office))
    refill = {"from_place": WAREHOUSE, "lines": [{"item": item["code"], "quantity": 3}]}
    return post(
        "aid_distribution", "/aid/exceptions/visits", station=station["id"],
        occurred_at=moment(), state="broken", water_before_millilitre=10, soap_before_millilitre=10, refill=refill,
    )  # fmt: skip


async def park_delivery(office: Office) -> Order:
    """Park a delivery of more than was ordered."""
    order = await office.done(await accept_production_order(office))
    more = order["quantity"] + 1
    return post(
        "aid_distribution", "/aid/exceptions/deliveries", order=order["id"],
        occurred_at=moment(), quantity=more, inspection={"layers": 2, "accepted": more, "rejected": 0},
    )  # fmt: skip


async def _parked(office: Office, what: str, **more: object) -> Order:
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 3}]
    return post(
        "aid_distribution", f"/aid/exceptions/{what}", place=WAREHOUSE, occurred_at=moment(), lines=lines, **more
    )


async def change_exception(office: Office) -> Order:
    """Give what was parked to somebody else, who is told of it."""
    return await _changed(office, owner=f"officer-{REGION}")


async def be_late(office: Office) -> Order:
    """Say of what was parked that it is to be settled at once, so that its time is over when somebody looks."""
    return await _changed(office, due_at=moment())


async def _changed(office: Office, **change: str) -> Order:
    parked = await office.done(await park_stock_issue(office))
    body = change | {"reason": "Pemilik berkas pindah tugas"}
    return Order("aid_distribution", "PATCH", f"/aid/exceptions/{parked['id']}", body, {"If-Match": '"1"'})


async def apply_exception(office: Office) -> Order:
    parking = await park_distribution(office)
    parked = await office.done(parking)
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await office.done(
        post(
            "aid_distribution", "/aid/receipts",
            place=WAREHOUSE, source="supplier", occurred_at=before, lines=parking.body["lines"],
        )
    )  # fmt: skip
    return post("aid_distribution", f"/aid/exceptions/{parked['id']}/application", document="BA-7")


async def drop_exception(office: Office) -> Order:
    parked = await office.done(await park_stock_issue(office))
    return post("aid_distribution", f"/aid/exceptions/{parked['id']}/drop", reason="Dicatat dua kali")


async def return_stock(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    return post(
        "aid_distribution", "/aid/returns",
        direction="from_public", place=WAREHOUSE, occurred_at=moment(), reason="Kekecilan", lines=goods(1),
        posting=posted["posting_id"],
    )  # fmt: skip


async def void_return(office: Office) -> Order:
    made = await office.done(await return_stock(office))
    return post("aid_distribution", f"/aid/returns/{made['id']}/void", reason="Salah catat")


async def lend_assets(office: Office) -> Order:
    await stationed(office)
    return post(
        "aid_distribution", "/aid/loans",
        place=WAREHOUSE, borrower={"name": "Posko RT 04"}, due_on=END, occurred_at=moment(),
        lines=[{"item": STATION}],
    )  # fmt: skip


async def return_loan(office: Office) -> Order:
    loan = await office.done(await lend_assets(office))
    lines = [{"item": STATION, "returned": 1}]
    return post("aid_distribution", f"/aid/loans/{loan['id']}/returns", occurred_at=moment(), lines=lines)


async def void_loan(office: Office) -> Order:
    loan = await office.done(await lend_assets(office))
    return post("aid_distribution", f"/aid/loans/{loan['id']}/void", reason="Salah catat")


async def void_loan_return(office: Office) -> Order:
    loan = await office.done(await return_loan(office))
    path = f"/aid/loans/{loan['id']}/returns/{loan['returns'][0]['id']}/void"
    return post("aid_distribution", path, reason="Salah catat")


async def set_limit(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/limits",
        region=REGION, programme="handwashing", item=MASKS, quantity_max=1_000, valid_to=END,
    )  # fmt: skip


async def end_limit(office: Office) -> Order:
    limit = await office.done(await set_limit(office))
    return Order("aid_distribution", "PATCH", f"/aid/limits/{limit['id']}", {"valid_to": END}, {"If-Match": '"1"'})
