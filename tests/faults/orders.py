"""An order for every writing route, and what brings about every event that somebody reacts to.

A route or a reaction that is added later has to be added here: `test_crash_points.py` does not let it be forgotten.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol
from uuid import uuid4

from shared.contracts import Event
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    ExceptionOpened,
    ExceptionOverdue,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    PriceAlert,
    ProductionDelivered,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    StationBroken,
    StationDry,
    StationReported,
    StockExpiring,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessRegistered,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
    TrainingAnnounced,
    TrainingCancelled,
)

REGION = "19.71"
WAREHOUSE, PROVINCE = f"WH-{REGION}", "WH-PROV"
MASKS = "MASK-CLOTH"
STATION, SOAP = "HANDWASH-STATION", "SOAP-5L"
SITE = "CC-19.71-01"
END = "2099-12-31"
TAILOR, HER_OWNER = "0174472d-8680-7001-8000-000000000018", "0174472d-8680-7000-8000-000000000018"
"""A business of the province, and its owner, who has an address."""

Json = dict[str, Any]
_numbers = count(1)
_regions = count(72)


@dataclass(frozen=True, slots=True)
class Order:
    """One order, with the key under which it is sent, however often."""

    service: str
    method: str
    path: str
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid4()))


class Office(Protocol):
    """Where orders are given while nothing is broken."""

    async def done(self, order: Order) -> Json:
        """Give an order and return what it was answered."""

    async def asked(self, service: str, path: str) -> Json:
        """Ask a question."""

    async def rests(self) -> None:
        """Wait until every effect of everything has arrived."""


Recipe = Callable[[Office], Awaitable[Order]]


def _post(service: str, path: str, **body: object) -> Order:
    return Order(service, "POST", path, body)


def _moment() -> str:
    return datetime.now(UTC).isoformat()


def _goods(quantity: int) -> list[Json]:
    return [{"item": MASKS, "quantity": quantity}]


async def register_business(_office: Office) -> Order:
    number = next(_numbers)
    owner = {"name": f"Pemilik {number}", "email": f"pemilik-{number}@contoh.example"}
    return _post(
        "registration", "/registration/businesses",
        name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
    )  # fmt: skip


async def register_another(_office: Office) -> Order:
    """Register a business of an owner who is known everywhere, so that nothing has to wait for another event."""
    return _post(
        "registration", "/registration/businesses",
        name=f"Cabang {next(_numbers)}", sector="garment", region=REGION, owner_id=HER_OWNER,
    )  # fmt: skip


async def change_business(office: Office) -> Order:
    return await _change(office, {"name": f"Konveksi {next(_numbers)}"})


async def change_owner(office: Office) -> Order:
    return await _change(office, {"owner": {"name": f"Hartini {next(_numbers)}"}})


async def _change(office: Office, news: Json) -> Order:
    path = f"/registration/businesses/{TAILOR}"
    business = await office.asked("registration", path)
    return Order("registration", "PATCH", path, news, {"If-Match": f'"{business["version"]}"'})


async def close_business(office: Office) -> Order:
    business = await office.done(await register_another(office))
    return _post("registration", f"/registration/businesses/{business['id']}/closure", reason="Tidak ada pesanan")


async def reveal(office: Office) -> Order:
    business = await office.done(await register_known(office))
    path = f"/registration/owners/{business['owner_id']}/reveal"
    return _post("registration", path, field="nik", reason="Pembayaran")


async def change_kk(office: Office) -> Order:
    business = await office.done(await register_known(office))
    return _post("registration", f"/registration/owners/{business['owner_id']}/kk", kk="1971010109200001")


async def restrict_person(office: Office) -> Order:
    business = await office.done(await register_known(office))
    await office.rests()  # or the welcome would be withheld, or not
    path = f"/registration/owners/{business['owner_id']}/restriction"
    return _post("registration", path, reason="Diminta dengan surat")


async def release_person(office: Office) -> Order:
    restriction = await restrict_person(office)
    await office.done(restriction)
    await office.rests()
    path = restriction.path.replace("/restriction", "/release")
    return _post("registration", path, reason="Diminta dengan surat")


async def erase_person(office: Office) -> Order:
    business = await office.done(await register_known(office))
    await office.rests()
    path = f"/registration/owners/{business['owner_id']}/erasure"
    return _post("registration", path, reason="Diminta dengan surat")


async def register_known(_office: Office) -> Order:
    """Register a business of a new owner who has told their NIK."""
    number = next(_numbers)
    owner = {"name": f"Pemilik {number}", "nik": f"197101520378{number % 9999 + 1:04}"}
    return _post(
        "registration", "/registration/businesses",
        name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
    )  # fmt: skip


async def add_item(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", "/aid/items", code=f"I-{number}", name="Sarung", unit="piece", category="other")


async def add_pack(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", f"/aid/items/{MASKS}/packs", code=f"BOX-{number}", name="Dus", quantity=number + 1)


async def add_place(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", "/aid/places", code=f"P-{number}", name="Pasar", kind="warehouse", region=REGION)


async def add_region(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/regions",
        code=f"19.{next(_regions)}", name="Bangka Utara", kind="regency", population=100_000,
    )  # fmt: skip


async def change_region(office: Office) -> Order:
    path = f"/aid/regions/{REGION}"
    region = await office.asked("aid_distribution", path)
    return Order(
        "aid_distribution", "PATCH", path, {"population": region["population"] + 1},
        {"If-Match": f'"{region["version"]}"'},
    )  # fmt: skip


async def receive_stock(_office: Office, place: str = WAREHOUSE) -> Order:
    return _post(
        "aid_distribution", "/aid/receipts",
        place=place, source="supplier", occurred_at=_moment(), lines=_goods(10),
    )  # fmt: skip


async def issue_stock(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/issues",
        place=WAREHOUSE, reason="damaged", occurred_at=_moment(), lines=_goods(1),
    )  # fmt: skip


async def post_in_bulk(_office: Office) -> Order:
    order = {"place": WAREHOUSE, "source": "supplier", "occurred_at": _moment(), "lines": _goods(10)}
    line: Json = {"key": str(uuid4()), "receipt": order}
    return Order("aid_distribution", "POST", "/aid/bulk", line, {"Content-Type": "application/x-ndjson"})


async def dispatch_transfer(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/transfers",
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=_moment(), lines=_goods(5),
    )  # fmt: skip


async def receive_transfer(office: Office) -> Order:
    transfer = await office.done(await dispatch_transfer(office))
    lines = [{"item": MASKS, "accepted": 4, "rejected": 1, "reason": "damaged"}]
    return _post("aid_distribution", f"/aid/transfers/{transfer['id']}/receipt", occurred_at=_moment(), lines=lines)


async def _shelf(office: Office) -> str:
    """Give a place of which nothing was ever reserved, with masks in it."""
    place: str = (await office.done(await add_place(office)))["code"]
    await office.done(await receive_stock(office, place))
    return place


async def reserve_stock(office: Office) -> Order:
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    return _post(
        "aid_distribution", "/aid/reservations",
        place=await _shelf(office), purpose="Pelatihan", expires_at=until, lines=_goods(1),
    )  # fmt: skip


async def release_reservation(office: Office) -> Order:
    made = await office.done(await reserve_stock(office))
    return _post("aid_distribution", f"/aid/reservations/{made['id']}/release", reason="Batal")


async def define_kit(office: Office) -> Order:
    kit = await office.done(await add_item(office))
    return _post("aid_distribution", "/aid/kits", kit=kit["code"], components=_goods(2))


async def assemble_kits(office: Office) -> Order:
    kit = await office.done(await define_kit(office))
    path = f"/aid/kits/{kit['kit']}/assemblies"
    return _post("aid_distribution", path, place=PROVINCE, quantity=2, occurred_at=_moment())


async def unpack_kits(office: Office) -> Order:
    made = await assemble_kits(office)
    await office.done(made)
    path = made.path.replace("/assemblies", "/unpackings")
    return _post("aid_distribution", path, place=PROVINCE, quantity=1, occurred_at=_moment())


def _training(**kits: Any) -> Order:
    day = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    return _post(
        "registration", "/registration/trainings",
        programme=f"TR-{next(_numbers)}", title="Bimtek konveksi", sector="garment", region=REGION,
        venue="Aula Camat", seats=20, sessions=[day], **kits,
    )  # fmt: skip


async def announce_training(office: Office) -> Order:
    return _training(kits={"place": await _shelf(office), "lines": _goods(1)})


async def announce_training_for_nothing_there(office: Office) -> Order:
    """Ask for kits that there are not."""
    item = await office.done(await add_item(office))
    return _training(kits={"place": PROVINCE, "lines": [{"item": item["code"], "quantity": 1}]})


async def cancel_training(office: Office) -> Order:
    training = await office.done(await announce_training(office))
    await office.rests()
    return _post("registration", f"/registration/trainings/{training['id']}/cancellation", reason="Sakit")


async def cancel_training_without_kits(office: Office) -> Order:
    training = await office.done(_training())
    return _post("registration", f"/registration/trainings/{training['id']}/cancellation", reason="Sakit")


async def release_kits(office: Office) -> Order:
    """Release by hand what was reserved for a training."""
    training = await office.done(await announce_training(office))
    await office.rests()
    shown = await office.asked("registration", f"/registration/trainings/{training['id']}")
    path = f"/aid/reservations/{shown['kits']['reservation_id']}/release"
    return _post("aid_distribution", path, reason="Batal")


async def reverse_posting(office: Office) -> Order:
    posting = await office.done(await receive_stock(office))
    return _post("aid_distribution", f"/aid/postings/{posting['id']}/reversal", reason="Salah ketik")


async def take_snapshot(_office: Office) -> Order:
    return _post("aid_distribution", "/aid/snapshots", place=WAREHOUSE, items=[MASKS])


async def count_stock(office: Office) -> Order:
    """Count one more of an item that lies nowhere else, so that nothing else is touched."""
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 7}]
    return _post("aid_distribution", "/aid/counts", place=WAREHOUSE, occurred_at=_moment(), lines=lines)


async def hold_lot(office: Office) -> Order:
    lot = f"L-{next(_numbers)}"
    lines = [{"item": MASKS, "quantity": 1, "lot": lot}]
    received = await receive_stock(office)
    await office.done(replace(received, body={**received.body, "lines": lines}))
    return _post("aid_distribution", "/aid/lots/hold", item=MASKS, lot=lot, reason="Bau bensin")


async def release_lot(office: Office) -> Order:
    held = await hold_lot(office)
    await office.done(held)
    return _post("aid_distribution", "/aid/lots/release", item=MASKS, lot=held.body["lot"])


async def receive_late(office: Office) -> Order:
    """Receive goods of an item of which something came in later already."""
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 5}]
    received = await receive_stock(office)
    await office.done(replace(received, body={**received.body, "lines": lines}))
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    return replace(received, body={**received.body, "lines": lines, "occurred_at": before}, key=str(uuid4()))


async def post_distribution(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/distributions",
        programme="free-masks", place=WAREHOUSE, occurred_at=_moment(), lines=_goods(1),
        recipients={"public": 1, "businesses": [TAILOR]},
    )  # fmt: skip


async def void_distribution(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    return _post("aid_distribution", f"/aid/distributions/{posted['id']}/void", reason="Salah tempat")


async def plan_allocation(_office: Office) -> Order:
    return _post(
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
    return _post("aid_distribution", f"/aid/allocation-plans/{plan['id']}/confirmation", document="SK-7")


async def discard_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    return _post("aid_distribution", f"/aid/allocation-plans/{plan['id']}/discard", reason="Batal")


async def place_station(office: Office) -> Order:
    code = await _stationed(office)
    return _post(
        "aid_distribution", "/aid/stations",
        code=code, name="Pintu timur", site=SITE, crowd_level="high", from_place=WAREHOUSE, occurred_at=_moment(),
        capacity_water_millilitre=100_000, capacity_soap_millilitre=1_000,
    )  # fmt: skip


async def _stationed(office: Office) -> str:
    """See that there is a station in stock; gives a code that no station bears yet."""
    goods = [{"item": item, "quantity": 1} for item in (STATION, SOAP)]
    received = _post(
        "aid_distribution", "/aid/receipts",
        place=WAREHOUSE, source="supplier", occurred_at=_moment(), lines=goods,
    )  # fmt: skip
    await office.done(received)
    return f"CT-{next(_numbers)}"


async def visit_station(office: Office, state: str = "broken") -> Order:
    """Visit a station that was just put up, and find it out of use."""
    station = await office.done(await place_station(office))
    water = 0 if state == "dry" else 100
    refill = {"from_place": WAREHOUSE, "lines": [{"item": SOAP, "quantity": 1}]} if state == "broken" else {}
    return _post(
        "aid_distribution", f"/aid/stations/{station['id']}/visits",
        occurred_at=_moment(), state=state, water_before_millilitre=water, soap_before_millilitre=10, refill=refill,
    )  # fmt: skip


async def find_station_dry(office: Office) -> Order:
    return await visit_station(office, "dry")


async def remove_station(office: Office) -> Order:
    station = await office.done(await place_station(office))
    return _post(
        "aid_distribution", f"/aid/stations/{station['id']}/removal",
        occurred_at=_moment(), outcome="returned", to_place=WAREHOUSE,
    )  # fmt: skip


async def report_station(office: Office) -> Order:
    """Report a station as a member of staff, who is believed at once."""
    station = await office.done(await place_station(office))
    code = await office.asked("aid_distribution", f"/aid/stations/{station['id']}/code")
    return _post("aid_distribution", f"/aid/station-reports/{code['code']}", problem="dry")


async def add_evidence(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    path = f"/aid/distributions/{posted['id']}/evidence"
    return _post("aid_distribution", path, photo_reference=f"foto-{next(_numbers)}", signature_name="Sulastri")


async def post_distribution_batch(_office: Office) -> Order:
    entry = {
        "id": str(uuid4()), "programme": "free-masks", "place": WAREHOUSE, "occurred_at": _moment(),
        "lines": _goods(1), "recipients": {"public": 1, "businesses": [TAILOR]},
    }  # fmt: skip
    return _post(
        "aid_distribution", "/aid/distributions/batch", device="HP-1", sent_at=_moment(), entries=[entry, entry]
    )


async def park_distribution(office: Office) -> Order:
    """Park the hand-out of an item of which there is nothing."""
    return await _parked(office, "distributions", programme="free-masks", recipients={"public": 1})


async def park_stock_issue(office: Office, **due: str) -> Order:
    return await _parked(office, "issues", reason="damaged", **due)


async def _parked(office: Office, what: str, **more: object) -> Order:
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 3}]
    return _post(
        "aid_distribution", f"/aid/exceptions/{what}", place=WAREHOUSE, occurred_at=_moment(), lines=lines, **more
    )


async def be_late(office: Office) -> Order:
    """Park what is to be settled at once, so that its time is over when somebody looks."""
    return await park_stock_issue(office, due_at=_moment())


async def apply_exception(office: Office) -> Order:
    parking = await park_distribution(office)
    parked = await office.done(parking)
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await office.done(
        _post(
            "aid_distribution", "/aid/receipts",
            place=WAREHOUSE, source="supplier", occurred_at=before, lines=parking.body["lines"],
        )
    )  # fmt: skip
    return _post("aid_distribution", f"/aid/exceptions/{parked['id']}/application", document="BA-7")


async def drop_exception(office: Office) -> Order:
    parked = await office.done(await park_stock_issue(office))
    return _post("aid_distribution", f"/aid/exceptions/{parked['id']}/drop", reason="Dicatat dua kali")


async def return_stock(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    return _post(
        "aid_distribution", "/aid/returns",
        direction="from_public", place=WAREHOUSE, occurred_at=_moment(), reason="Kekecilan", lines=_goods(1),
        posting=posted["posting_id"],
    )  # fmt: skip


async def lend_assets(office: Office) -> Order:
    await _stationed(office)
    return _post(
        "aid_distribution", "/aid/loans",
        place=WAREHOUSE, borrower={"name": "Posko RT 04"}, due_on=END, occurred_at=_moment(),
        lines=[{"item": STATION}],
    )  # fmt: skip


async def return_loan(office: Office) -> Order:
    loan = await office.done(await lend_assets(office))
    lines = [{"item": STATION, "returned": 1}]
    return _post("aid_distribution", f"/aid/loans/{loan['id']}/returns", occurred_at=_moment(), lines=lines)


async def set_limit(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/limits",
        region=REGION, programme="handwashing", item=MASKS, quantity_max=1_000, valid_to=END,
    )  # fmt: skip


async def end_limit(office: Office) -> Order:
    limit = await office.done(await set_limit(office))
    return Order("aid_distribution", "PATCH", f"/aid/limits/{limit['id']}", {"valid_to": END}, {"If-Match": '"1"'})


async def observe_price(_office: Office) -> Order:
    return _price("OIL-1L", 11_000)


async def price_above_its_ceiling(office: Office) -> Order:
    number = next(_numbers)
    item = await office.done(
        _post("aid_distribution", "/aid/items", code=f"S-{number}", name="Gula", unit="kg", category="staple")
    )
    await office.done(
        _post(
            "aid_distribution", "/aid/ceilings",
            item=item["code"], region="19", price_rupiah=12_500, valid_from="2020-01-01", source="Permendag",
        )
    )  # fmt: skip
    return _price(item["code"], 13_000)


def _price(item: str, price_rupiah: int) -> Order:
    return _post(
        "aid_distribution", "/aid/prices",
        place=WAREHOUSE, item=item, observed_at=_moment(), price_rupiah=price_rupiah,
    )  # fmt: skip


async def set_ceiling(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/ceilings",
        item="RICE-5KG", region="19", price_rupiah=49_750, valid_from="2020-01-01", source="Permendag 57/2017",
    )  # fmt: skip


async def set_level(office: Office) -> Order:
    """Set the level of a shelf that is well, so that nothing comes of it."""
    item = await _watched(office, 10)
    return _post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=1, ok_at=2)


async def change_level(office: Office) -> Order:
    level = await office.done(await set_level(office))
    return Order("aid_distribution", "PATCH", f"/aid/levels/{level['id']}", {"low_at": 0}, {"If-Match": '"1"'})


async def _watched(office: Office, quantity: int, **lot: str) -> str:
    """Make an item known of which there is stock, and give its code."""
    item: str = (await office.done(await add_item(office)))["code"]
    lines = [{"item": item, "quantity": quantity, **lot}]
    await office.done(
        _post(
            "aid_distribution", "/aid/receipts",
            place=PROVINCE, source="supplier", occurred_at=_moment(), lines=lines,
        )
    )  # fmt: skip
    return item


async def fall_to(office: Office, left: int) -> Order:
    """Give out so much of a new item that this is left, of a level of 5."""
    item = await _watched(office, 10)
    await office.done(_post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=5, ok_at=6))
    return _post(
        "aid_distribution", "/aid/issues",
        place=PROVINCE, reason="damaged", occurred_at=_moment(), lines=[{"item": item, "quantity": 10 - left}],
    )  # fmt: skip


async def run_low(office: Office) -> Order:
    return await fall_to(office, 5)


async def run_out(office: Office) -> Order:
    return await fall_to(office, 0)


async def come_close_to_expiry(office: Office) -> Order:
    soon = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    item = await _watched(office, 10, lot="L1", expires_on=soon)
    return _post(
        "aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=1, ok_at=2, expires_within_days=30
    )


def _production(order: Json, step: str, **body: object) -> Order:
    return _post("aid_distribution", f"/aid/production-orders/{order['id']}/{step}", **body)


async def set_producer_profile(_office: Office) -> Order:
    return _post(
        "aid_distribution", f"/aid/producers/{TAILOR}/profile",
        capacity_per_week=400, decline_permille=500, as_of=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
        source="Kunjungan",
    )  # fmt: skip


async def call_for_production(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/production-calls",
        item=MASKS, quantity=100, price_rupiah=5_000, due_on=f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}",
        regions=[REGION], place=WAREHOUSE, sector="garment", cap_per_business=50,
    )  # fmt: skip


async def offer_production_order(office: Office) -> Order:
    call = await office.done(await call_for_production(office))
    return _post(
        "aid_distribution", "/aid/production-orders", call=call["id"], business=TAILOR, quantity=7, reason="Kunjungan"
    )


async def accept_production_order(office: Office) -> Order:
    return _production(await office.done(await offer_production_order(office)), "acceptance")


async def decline_production_order(office: Office) -> Order:
    return _production(await office.done(await offer_production_order(office)), "decline", reason="Mesin rusak")


async def record_production_delivery(office: Office) -> Order:
    order = await office.done(await accept_production_order(office))
    found = {"layers": 2, "accepted": 4, "rejected": 1, "reasons": [{"reason": "seams", "quantity": 1}]}
    return _production(order, "deliveries", occurred_at=_moment(), quantity=5, inspection=found)


async def record_production_payment(office: Office) -> Order:
    order = await office.done(await record_production_delivery(office))
    return _production(order, "payments", amount_rupiah=15_000, paid_at=_moment(), reference=f"SP2D-{next(_numbers)}")


async def take_back_production_order(office: Office) -> Order:
    return _production(await office.done(await accept_production_order(office)), "taking-back", reason="Terlambat")


async def announce_market(_office: Office) -> Order:
    rice = {
        "item": "RICE-5KG",
        "price_rupiah": 45_000,
        "market_price_rupiah": 52_000,
        "allotment": 100,
        "limit_per_family": 1,
    }
    return _post(
        "aid_distribution", "/aid/markets",
        place=WAREHOUSE, model="subsidised_package", opens_at="2030-01-01T08:00:00+07:00",
        closes_at="2030-01-01T12:00:00+07:00", items=[rice],
    )  # fmt: skip


async def open_market(office: Office) -> Order:
    market = await office.done(await announce_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/opening")


async def close_market(office: Office) -> Order:
    market = await office.done(await open_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/closing")


async def cancel_market(office: Office) -> Order:
    market = await office.done(await announce_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/cancellation", reason="Banjir")


async def issue_coupons(office: Office) -> Order:
    market = await office.done(await open_market(office))
    family = f"keluarga-{next(_numbers):016d}"
    return _post("aid_distribution", f"/aid/markets/{market['id']}/coupons", coupons=[{"family": family}])


async def record_sales(office: Office) -> Order:
    giving = await issue_coupons(office)
    given = await office.done(giving)
    sold = {
        "id": str(uuid4()),
        "sold_at": _moment(),
        "coupon": given["coupons"][0]["token"],
        "lines": [{"item": "RICE-5KG", "quantity": 1}],
    }
    path = giving.path.replace("/coupons", "/sales")
    return _post("aid_distribution", path, counter="Loket 1", entries=[sold])


async def settle_market(office: Office) -> Order:
    market = await office.done(await close_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/settlement")


async def submit_claim(office: Office) -> Order:
    announcing = await announce_market(office)
    announcing.body["seller"] = TAILOR
    path = f"/aid/markets/{(await office.done(announcing))['id']}"
    for step in ("opening", "closing"):
        await office.done(_post("aid_distribution", f"{path}/{step}"))
    return _post("aid_distribution", f"{path}/claims")


async def decide_claim(office: Office) -> Order:
    submitting = await submit_claim(office)
    claim = await office.done(submitting)
    lines = [{"item": "RICE-5KG", "approved": True}]
    return _post("aid_distribution", f"{submitting.path}/{claim['id']}/decision", lines=lines)


async def pay_claim(office: Office) -> Order:
    deciding = await decide_claim(office)
    await office.done(deciding)
    path = deciding.path.replace("/decision", "/payment")
    return _post("aid_distribution", path, paid_at=_moment(), reference="SP2D-1")


async def register_staff(_office: Office) -> Order:
    # An auditor, to whom no rule tells anything: what the others were told before stays complete.
    subject = f"auditor-{next(_numbers)}"
    return _post(
        "notifications", "/notifications/staff", subject=subject, name="Bambang", role="auditor", regions=["19"]
    )


async def read_message(office: Office) -> Order:
    await office.done(await receive_stock(office, PROVINCE))
    await office.rests()
    newest = (await office.asked("notifications", "/notifications/inbox?limit=1"))["items"][0]
    assert newest["read_at"] is None
    return _post("notifications", f"/notifications/inbox/{newest['id']}/read")


ORDERS: Mapping[str, Recipe] = {
    "register_business": register_business,
    "change_business": change_business,
    "close_business": close_business,
    "reveal": reveal,
    "change_kk": change_kk,
    "restrict_person": restrict_person,
    "release_person": release_person,
    "erase_person": erase_person,
    "announce_training": announce_training,
    "cancel_training": cancel_training,
    "add_item": add_item,
    "add_pack": add_pack,
    "add_place": add_place,
    "add_region": add_region,
    "change_region": change_region,
    "receive_stock": receive_stock,
    "issue_stock": issue_stock,
    "post_in_bulk": post_in_bulk,
    "dispatch_transfer": dispatch_transfer,
    "receive_transfer": receive_transfer,
    "reserve_stock": reserve_stock,
    "release_reservation": release_reservation,
    "define_kit": define_kit,
    "assemble_kits": assemble_kits,
    "unpack_kits": unpack_kits,
    "reverse_posting": reverse_posting,
    "take_snapshot": take_snapshot,
    "count_stock": count_stock,
    "hold_lot": hold_lot,
    "release_lot": release_lot,
    "post_distribution": post_distribution,
    "void_distribution": void_distribution,
    "plan_allocation": plan_allocation,
    "override_allocation": override_allocation,
    "confirm_allocation": confirm_allocation,
    "discard_allocation": discard_allocation,
    "place_station": place_station,
    "visit_station": visit_station,
    "remove_station": remove_station,
    "report_station": report_station,
    "post_distribution_batch": post_distribution_batch,
    "add_evidence": add_evidence,
    "park_distribution": park_distribution,
    "park_stock_issue": park_stock_issue,
    "apply_exception": apply_exception,
    "drop_exception": drop_exception,
    "return_stock": return_stock,
    "lend_assets": lend_assets,
    "return_loan": return_loan,
    "set_limit": set_limit,
    "end_limit": end_limit,
    "observe_price": observe_price,
    "set_ceiling": set_ceiling,
    "set_level": set_level,
    "change_level": change_level,
    "set_producer_profile": set_producer_profile,
    "call_for_production": call_for_production,
    "offer_production_order": offer_production_order,
    "accept_production_order": accept_production_order,
    "decline_production_order": decline_production_order,
    "record_production_delivery": record_production_delivery,
    "record_production_payment": record_production_payment,
    "take_back_production_order": take_back_production_order,
    "announce_market": announce_market,
    "open_market": open_market,
    "close_market": close_market,
    "cancel_market": cancel_market,
    "issue_coupons": issue_coupons,
    "record_sales": record_sales,
    "submit_claim": submit_claim,
    "decide_claim": decide_claim,
    "pay_claim": pay_claim,
    "settle_market": settle_market,
    "register_staff": register_staff,
    "read_message": read_message,
}
"""By the name of the route."""

CAUSES: Mapping[type[Event], Recipe] = {
    OwnerRegistered: register_business,
    OwnerChanged: change_owner,
    BusinessRegistered: register_another,
    BusinessChanged: change_business,
    BusinessClosed: close_business,
    PersonRestricted: restrict_person,
    PersonReleased: release_person,
    PersonErased: erase_person,
    TrainingAnnounced: announce_training,
    TrainingCancelled: cancel_training_without_kits,
    KitsReserved: announce_training,
    KitsRefused: announce_training_for_nothing_there,
    KitsReleased: release_kits,
    StockReceived: receive_stock,
    StockRestated: receive_late,
    TransferDispatched: dispatch_transfer,
    TransferReceived: receive_transfer,
    DistributionPosted: post_distribution,
    DistributionVoided: void_distribution,
    StationReported: report_station,
    StationDry: find_station_dry,
    StationBroken: visit_station,
    MarketAnnounced: announce_market,
    MarketCancelled: cancel_market,
    PriceAlert: price_above_its_ceiling,
    StockLow: run_low,
    StockOut: run_out,
    StockExpiring: come_close_to_expiry,
    ExceptionOpened: park_distribution,
    ExceptionOverdue: be_late,
    ProductionOffered: offer_production_order,
    ProductionDelivered: record_production_delivery,
    ProductionPaid: record_production_payment,
    ProductionTakenBack: take_back_production_order,
}
"""The order that brings an event about, and that event only once."""
