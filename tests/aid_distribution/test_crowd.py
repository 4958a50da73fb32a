"""A crowd at one shelf: 5,000 requests of 1 to 5 units for 1,000 units, over HTTP, against real processes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import text

from benchmarks import load
from shared.caller import Role
from shared.database import Database
from shared.keys import KeyStore
from shared.tokens import issue_token
from tests.aid_distribution.served import READY
from tests.aid_distribution.story import MASKS, OFFICE, WAREHOUSE, ask, audited
from tests.conftest import Servers
from tests.processes import Process, free_port

CONNECTIONS = 32
REQUESTS = 5_000
REQUESTS_OF_CONTROL = 500
STOCK = 1_000
GUARDS = (
    ("card", "card_on_hand_not_negative"),
    ("card_day", "card_day_never_negative"),
    ("card_day", "card_day_lowest"),
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Those who ask, and what each was told."""

    token: str
    wanted: Sequence[int]
    given: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    other: list[tuple[int, bytes]] = field(default_factory=list)

    def order(self, number: int) -> bytes:
        """Give the request of one of them: some say only later when it was, which must not let them have more."""
        at = datetime.now(UTC) - timedelta(hours=number % 10 == 0)
        body = {
            "place": WAREHOUSE,
            "reason": "damaged",
            "occurred_at": at.isoformat(),
            "lines": [{"item": MASKS, "quantity": self.wanted[number]}],
        }
        return load.post_bytes("/aid/issues", self.token, msgspec.json.encode(body), str(UUID(int=number)))

    def told(self, number: int, status: int, body: bytes) -> None:
        """Take in an answer."""
        if status == 201:
            self.given.append(self.wanted[number])
        elif status == 409 and msgspec.json.decode(body)["code"] == "short_of_stock":
            self.refused.append(self.wanted[number])
        else:
            self.other.append((status, body))


@asynccontextmanager
async def served(database: Database, servers: Servers, home: Path, modes: Sequence[str]) -> AsyncIterator[list[int]]:
    """Run a process for each of these modes; gives their ports."""
    url = database.url
    urls = {f"{name}_DATABASE_URL": url for name in ("REGISTRATION", "AID_DISTRIBUTION", "NOTIFICATIONS")}
    ports = [free_port() for _ in modes]
    processes = [
        Process(
            home,
            mode,
            log=home / f"{mode}-{port}.log",
            module="tests.aid_distribution.served",
            PORT=str(port),
            REDIS_URL=servers.redis_url,
            **urls,
        )
        for mode, port in zip(modes, ports, strict=True)
    ]
    try:
        for process in processes:
            process.start()
        for process in processes:
            await process.says(READY)
        yield ports
    finally:
        for process in processes:
            await process.stop()


async def come_in(port: int, token: str) -> None:
    """Put the stock on its shelf, yesterday."""
    order = {
        "place": WAREHOUSE,
        "source": "supplier",
        "occurred_at": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
        "lines": [{"item": MASKS, "quantity": STOCK}],
    }
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        answer = await client.post(f"http://127.0.0.1:{port}/aid/receipts", json=order)
    assert answer.status_code == 201, answer.text


async def running_balances(port: int, token: str) -> list[tuple[int, int]]:
    """Give each movement of the card with the balance after it, as the card tells it page by page."""
    movements: list[tuple[int, int]] = []
    query: dict[str, str] = {"limit": "500"}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        while True:
            page = (await client.get(f"http://127.0.0.1:{port}/aid/cards/{WAREHOUSE}/{MASKS}", params=query)).json()
            movements += [(entry["quantity"], entry["balance"]) for entry in page["items"]]
            if page["next"] is None:
                return movements
            query["cursor"] = page["next"]


async def asked_of(ports: Sequence[int], token: str, requests: int) -> Crowd:
    """Let the crowd ask at these ports, all at once."""
    random = Random(2020)
    crowd = Crowd(token, [random.randint(1, 5) for _ in range(requests)])
    outcome = await load.run(ports, CONNECTIONS, requests, crowd.order, crowd.told)
    assert outcome.unanswered == 0
    return crowd


@pytest.mark.parametrize("modes", [("together", "together"), ("alone",)], ids=["group commit, two processes", "alone"])
async def test_of_1000_units_a_crowd_of_5000_gets_exactly_what_there_is(
    database: Database, servers: Servers, tmp_path: Path, modes: tuple[str, ...]
) -> None:
    token = issue_token(KeyStore(tmp_path), Role.PROVINCE_STAFF, ["19"], "staff-19", 1)
    async with served(database, servers, tmp_path, modes) as ports:
        await come_in(ports[0], token)
        crowd = await asked_of(ports, token, REQUESTS)
        card = await running_balances(ports[0], token)
    assert crowd.other == []
    assert len(crowd.given) + len(crowd.refused) == REQUESTS
    assert sum(crowd.given) <= STOCK
    assert STOCK - sum(crowd.given) < min(crowd.refused), "nobody was refused what was there"
    assert await ask(database, "SELECT on_hand FROM card") == [(STOCK - sum(crowd.given),)]
    assert sorted(-quantity for quantity, _ in card[1:]) == sorted(crowd.given)
    assert [balance for _, balance in card] == list(accumulate(quantity for quantity, _ in card))
    assert min(balance for _, balance in card) >= 0
    assert await ask(database, "SELECT count(*) FROM outbox") == [(1 + len(crowd.given),)]
    assert await audited(database) == []


async def test_without_the_lock_the_crowd_gets_more_than_there_is_and_the_audit_tells(
    database: Database, servers: Servers, tmp_path: Path
) -> None:
    async with database.work(OFFICE) as work:
        # The constraints are the last guard: without them the race shows as what it is.
        for table, constraint in GUARDS:
            await work.session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
    token = issue_token(KeyStore(tmp_path), Role.PROVINCE_STAFF, ["19"], "staff-19", 1)
    async with served(database, servers, tmp_path, ["unlocked"]) as ports:
        await come_in(ports[0], token)
        crowd = await asked_of(ports, token, REQUESTS_OF_CONTROL)
    assert sum(crowd.given) > STOCK
    assert {found.check for found in await audited(database)} >= {"never_negative", "card_is_sum_of_lines"}
