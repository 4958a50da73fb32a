"""The phones of an office: each hand-out is sent until it is answered, under one key, as a phone offline does."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID, uuid4

import httpx

from shared.caller import Role
from shared.province import PROVINCES, read_province
from tests.faults.processes import Installation
from tests.processes import bearer
from tests.waiting import wait_until

REGION = "19.71"
MASKS = "MASK-CLOTH"
PHONES = 12
PATIENCE_SECONDS = 120
RETRY_SECONDS = 0.25
AGAIN = frozenset({"request_in_progress", "unavailable"})
"""What a phone may be told while something is broken: it is being worked on, or come back later. Never a 500."""


@dataclass(slots=True)
class Order:
    """One hand-out, with the key under which it is sent, however often."""

    quantity: int
    business: UUID
    key: str = field(default_factory=lambda: str(uuid4()))
    occurred_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    answers: list[bytes] = field(default_factory=list)
    sent: int = 0
    again_at: float = 0


class Phones:
    """An office whose phones hand out masks from one warehouse."""

    def __init__(self, installation: Installation) -> None:
        province = read_province(PROVINCES / "19-kepulauan-bangka-belitung")
        self._businesses = [one.id for one in province.businesses if one.region == REGION]
        self._urls = installation.urls
        # A connection for each attempt, as a phone has it: what breaks is then one attempt and no other.
        self._http = httpx.AsyncClient(
            headers=bearer(installation.home, Role.REGENCY_OFFICER, f"officer-{REGION}", REGION),
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=15,
        )
        self.orders: list[Order] = []
        self.told: Counter[int] = Counter()  # how often each status was the answer; 0 for none at all

    @property
    def answered(self) -> int:
        return sum(bool(order.answers) for order in self.orders)

    @property
    def attempts(self) -> int:
        return sum(order.sent for order in self.orders)

    def order(self, quantity: int = 1) -> Order:
        """Write down a hand-out, to be sent."""
        order = Order(quantity, self._businesses[len(self.orders) % len(self._businesses)])
        self.orders.append(order)
        return order

    async def hand_out(self, count: int) -> None:
        """Send so many hand-outs from several phones at once, and return when each is answered."""
        await self.send_all([self.order() for _ in range(count)])

    async def send_all(self, orders: Sequence[Order]) -> None:
        """Send these hand-outs, also those that were answered before, and return when each is answered."""
        waiting = list(reversed(orders))
        await asyncio.gather(*(self._work_off(waiting) for _ in range(PHONES)))

    async def _work_off(self, waiting: list[Order]) -> None:
        while waiting:
            order = waiting.pop()
            await wait_until(lambda order=order: self._send_when_due(order), PATIENCE_SECONDS, "an answer")

    async def _send_when_due(self, order: Order) -> bool:
        """Send an order, but not at once again after a failure: whoever is getting up needs the machine."""
        if monotonic() < order.again_at:
            return False
        answered = await self.send(order)
        order.again_at = monotonic() + RETRY_SECONDS
        return answered

    async def send(self, order: Order) -> bool:
        """Send an order once; tells whether it was answered."""
        order.sent += 1
        body = {
            "programme": "free-masks",
            "place": f"WH-{REGION}",
            "occurred_at": order.occurred_at,
            "lines": [{"item": MASKS, "quantity": order.quantity}],
            "recipients": {"public": 1, "businesses": [str(order.business)]},
        }
        try:
            answer = await self._http.post(
                f"{self._urls['aid_distribution']}/aid/distributions", json=body, headers={"Idempotency-Key": order.key}
            )
        except httpx.TransportError:
            self.told[0] += 1
            return False
        self.told[answer.status_code] += 1
        if answer.status_code == httpx.codes.CREATED:
            order.answers.append(answer.content)
            return True
        assert answer.json()["code"] in AGAIN, answer.text
        return False

    async def stock(self) -> int:
        """Count what lies in the warehouse."""
        answer = await self._http.get(
            f"{self._urls['aid_distribution']}/aid/balances", params={"place": f"WH-{REGION}", "item": MASKS}
        )
        return sum(balance["on_hand"] for balance in answer.json()["items"])

    async def hang_up(self) -> None:
        await self._http.aclose()
