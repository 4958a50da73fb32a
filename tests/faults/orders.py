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
)

REGION = "19.71"
WAREHOUSE, PROVINCE = f"WH-{REGION}", "WH-PROV"
MASKS = "MASK-CLOTH"
TAILOR, HER_OWNER = "0174472d-8680-7001-8000-000000000018", "0174472d-8680-7000-8000-000000000018"
"""A business of the province, and its owner, who has an address."""

Json = dict[str, Any]
_numbers = count(1)


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


async def add_item(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", "/aid/items", code=f"I-{number}", name="Sarung", unit="piece", category="other")


async def add_place(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", "/aid/places", code=f"P-{number}", name="Pasar", kind="warehouse", region=REGION)


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


async def dispatch_transfer(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/transfers",
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=_moment(), lines=_goods(5),
    )  # fmt: skip


async def receive_transfer(office: Office) -> Order:
    transfer = await office.done(await dispatch_transfer(office))
    lines = [{"item": MASKS, "accepted": 4, "rejected": 1, "reason": "damaged"}]
    return _post("aid_distribution", f"/aid/transfers/{transfer['id']}/receipt", occurred_at=_moment(), lines=lines)


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
    "add_item": add_item,
    "add_place": add_place,
    "receive_stock": receive_stock,
    "issue_stock": issue_stock,
    "dispatch_transfer": dispatch_transfer,
    "receive_transfer": receive_transfer,
    "reverse_posting": reverse_posting,
    "take_snapshot": take_snapshot,
    "count_stock": count_stock,
    "hold_lot": hold_lot,
    "release_lot": release_lot,
    "post_distribution": post_distribution,
    "void_distribution": void_distribution,
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
    StockReceived: receive_stock,
    StockRestated: receive_late,
    TransferDispatched: dispatch_transfer,
    TransferReceived: receive_transfer,
    DistributionPosted: post_distribution,
    DistributionVoided: void_distribution,
}
"""The order that brings an event about, and that event only once."""
