"""What recipes are made of: an order, the office that gives it, and the words that many orders share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol
from uuid import uuid4

from shared.clock import wib_day

REGION = "19.71"
WAREHOUSE, PROVINCE = f"WH-{REGION}", "WH-PROV"
MASKS = "MASK-CLOTH"
SMS_HOOK_SECRET = "for-the-trial"
STATION, SOAP = "HANDWASH-STATION", "SOAP-5L"
SITE = "CC-19.71-01"
BROADCASTS = "/notifications/broadcasts"
END = "2099-12-31"
TAILOR, HER_OWNER = "0174472d-8680-7001-8000-000000000018", "0174472d-8680-7000-8000-000000000018"
"""A business of the province, and its owner, who has an address."""

Json = dict[str, Any]

# Of more than one figure from the first on: a word of one letter gives a name no key by which its twin is found.
numbers = count(10)
regions = count(72)


@dataclass(frozen=True, slots=True)
class Order:
    """One order, with the key under which it is sent, however often; by an owner where only they may give it."""

    service: str
    method: str
    path: str
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid4()))
    owner: str | None = None
    content: bytes | None = None
    """A file that is sent instead of a body."""


class Office(Protocol):
    """Where orders are given while nothing is broken."""

    async def done(self, order: Order) -> Json:
        """Give an order and return what it was answered."""

    async def is_refused(self, order: Order) -> None:
        """Give an order that is refused."""

    async def asked(self, service: str, path: str) -> Json:
        """Ask a question."""

    async def settles(self) -> None:
        """Wait until everything has arrived, without asking whether it is right."""

    async def rests(self) -> None:
        """Wait until every effect of everything has arrived."""

    async def sent_by_text(self, owner_id: str) -> str:
        """Leave a text message to an owner in doubt, and give by which name the gateway knows it."""

    def of_a_page(self) -> dict[str, str]:
        """Give the headers of a page on which somebody has just signed in."""

    async def newest_code(self) -> str:
        """Give the code that was made last for somebody who signs in."""

    async def let_time_to_answer_pass(self, training_id: str) -> None:
        """Let the offers of a training be over that nobody has answered."""

    async def is_of_a_colleague(self, broadcast_id: str) -> None:
        """Let a broadcast be one to many that a colleague has written and submitted."""


Recipe = Callable[[Office], Awaitable[Order]]


FROM_A_PAGE = {"Serumpun-Page": "1"}


def post(service: str, path: str, **body: object) -> Order:
    return Order(service, "POST", path, body)


def in_days(days: int) -> str:
    return (wib_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


def moment() -> str:
    return datetime.now(UTC).isoformat()


def goods(quantity: int) -> list[Json]:
    return [{"item": MASKS, "quantity": quantity}]


def day(ahead: int) -> str:
    return wib_day(datetime.now(UTC) + timedelta(days=ahead)).isoformat()
