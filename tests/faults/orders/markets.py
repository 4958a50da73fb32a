"""Orders about prices and cheap markets."""

from uuid import uuid4

from tests.faults.orders.distributions import post_distribution
from tests.faults.orders.giving import TAILOR, WAREHOUSE, Office, Order, moment, numbers, post
from tests.faults.orders.stock import made_to_order


async def observe_price(_office: Office) -> Order:
    return _price("OIL-1L", 11_000)


async def price_above_its_ceiling(office: Office) -> Order:
    number = next(numbers)
    item = await office.done(
        post("aid_distribution", "/aid/items", code=f"S-{number}", name="Gula", unit="kg", category="staple")
    )
    await office.done(
        post(
            "aid_distribution", "/aid/ceilings",
            item=item["code"], region="19", price_rupiah=12_500, valid_from="2020-01-01", source="Permendag",
        )
    )  # fmt: skip
    return _price(item["code"], 13_000)


def _price(item: str, price_rupiah: int) -> Order:
    return post(
        "aid_distribution", "/aid/prices",
        place=WAREHOUSE, item=item, observed_at=moment(), price_rupiah=price_rupiah,
    )  # fmt: skip


async def set_ceiling(_office: Office) -> Order:
    return post(
        "aid_distribution", "/aid/ceilings",
        item="RICE-5KG", region="19", price_rupiah=49_750, valid_from="2020-01-01", source="Permendag 57/2017",
    )  # fmt: skip


async def announce_market(_office: Office) -> Order:
    rice = {
        "item": "RICE-5KG",
        "price_rupiah": 45_000,
        "market_price_rupiah": 52_000,
        "allotment": 100,
        "limit_per_family": 1,
    }
    return post(
        "aid_distribution", "/aid/markets",
        place=WAREHOUSE, model="subsidised_package", opens_at="2030-01-01T08:00:00+07:00",
        closes_at="2030-01-01T12:00:00+07:00", items=[rice],
    )  # fmt: skip


async def open_market(office: Office) -> Order:
    market = await office.done(await announce_market(office))
    return post("aid_distribution", f"/aid/markets/{market['id']}/opening")


async def close_market(office: Office) -> Order:
    market = await office.done(await open_market(office))
    return post("aid_distribution", f"/aid/markets/{market['id']}/closing")


async def cancel_market(office: Office) -> Order:
    market = await office.done(await announce_market(office))
    return post("aid_distribution", f"/aid/markets/{market['id']}/cancellation", reason="Banjir")


async def issue_coupons(office: Office) -> Order:
    market = await office.done(await open_market(office))
    family = f"keluarga-{next(numbers):016d}"
    return post("aid_distribution", f"/aid/markets/{market['id']}/coupons", coupons=[{"family": family}])


async def record_sales(office: Office) -> Order:
    giving = await issue_coupons(office)
    given = await office.done(giving)
    sold = {
        "id": str(uuid4()),
        "sold_at": moment(),
        "coupon": given["coupons"][0]["token"],
        "lines": [{"item": "RICE-5KG", "quantity": 1}],
    }
    path = giving.path.replace("/coupons", "/sales")
    return post("aid_distribution", path, counter="Loket 1", entries=[sold])


async def sell_what_was_ordered(office: Office) -> Order:
    line = await made_to_order(office)
    announcing = await announce_market(office)
    announcing.body["items"][0]["item"] = line["item"]
    announcing.body["items"][0]["allotment"] = 5
    path = f"/aid/markets/{(await office.done(announcing))['id']}"
    await office.done(post("aid_distribution", f"{path}/opening"))
    family = {"family": f"keluarga-{next(numbers):016d}"}
    given = await office.done(post("aid_distribution", f"{path}/coupons", coupons=[family]))
    sold = {
        "id": str(uuid4()),
        "sold_at": moment(),
        "coupon": given["coupons"][0]["token"],
        "lines": [{"item": line["item"], "quantity": 1}],
    }
    return post("aid_distribution", f"{path}/sales", counter="Loket 1", entries=[sold])


async def return_what_was_ordered(office: Office) -> Order:
    line = await made_to_order(office)
    posting = await post_distribution(office)
    posting.body["lines"] = [line]
    posted = await office.done(posting)
    return post(
        "aid_distribution", "/aid/returns",
        direction="from_public", place=WAREHOUSE, occurred_at=moment(), reason="Kekecilan", lines=[line],
        posting=posted["posting_id"],
    )  # fmt: skip


async def void_what_was_returned(office: Office) -> Order:
    made = await office.done(await return_what_was_ordered(office))
    return post("aid_distribution", f"/aid/returns/{made['id']}/void", reason="Salah catat")


async def settle_market(office: Office) -> Order:
    market = await office.done(await close_market(office))
    return post("aid_distribution", f"/aid/markets/{market['id']}/settlement")


async def submit_claim(office: Office) -> Order:
    announcing = await announce_market(office)
    announcing.body["seller"] = TAILOR
    path = f"/aid/markets/{(await office.done(announcing))['id']}"
    for step in ("opening", "closing"):
        await office.done(post("aid_distribution", f"{path}/{step}"))
    return post("aid_distribution", f"{path}/claims")


async def decide_claim(office: Office) -> Order:
    submitting = await submit_claim(office)
    claim = await office.done(submitting)
    lines = [{"item": "RICE-5KG", "approved": True}]
    return post("aid_distribution", f"{submitting.path}/{claim['id']}/decision", lines=lines)


async def pay_claim(office: Office) -> Order:
    deciding = await decide_claim(office)
    await office.done(deciding)
    path = deciding.path.replace("/decision", "/payment")
    return post("aid_distribution", path, paid_at=moment(), reference="SP2D-1")
