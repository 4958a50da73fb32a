"""Postings that reach the ledger in any order and more than once leave the same cards behind."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from uuid import uuid4

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.orders import AddItem
from shared.database import Database
from tests.aid_distribution.story import OFFICE, WAREHOUSE, ago, ask, audited
from tests.door import Client

Order = tuple[str, dict[str, object]]
Card = tuple[tuple[object, ...], ...]
SMALL, MEDIUM, LARGE = 3, 5, 9
AT_ONCE = 24
"""So many happen at the same moment: more would only wait for one another, on a slow disk for too long."""


def received(item: str, hours: float, quantity: int) -> Order:
    return "/aid/receipts", {"source": "supplier", **moved(item, hours, quantity)}


def issued(item: str, hours: float, quantity: int) -> Order:
    return "/aid/issues", {"reason": "damaged", **moved(item, hours, quantity)}


def moved(item: str, hours: float, quantity: int) -> dict[str, object]:
    lines = [{"item": item, "quantity": quantity}]
    return {"place": WAREHOUSE, "occurred_at": ago(hours=hours).isoformat(), "lines": lines}


def orders(item: str, before: str) -> list[Order]:
    """Give postings that any order of arrival allows; the third one undoes what was there before them."""
    return [
        received(item, 30, 7),
        issued(item, 28, 30),
        (f"/aid/postings/{before}/reversal", {"reason": "typed twice"}),
        issued(item, 2, 25),
        received(item, 29, 11),
        issued(item, 53, 3),
        received(item, 1, 2),
        issued(item, 1.5, 1),
        received(item, 54, 5),
    ]


def every_interleaving(count: int) -> Iterator[tuple[int, ...]]:
    """Give every order in which so many postings can arrive, each of them twice."""
    yield from sorted(set(permutations([*range(count)] * 2)))


async def new_items(database: Database, count: int) -> list[str]:
    """Make items known that nothing has happened to."""
    codes = [uuid4().hex.upper() for _ in range(count)]
    async with database.work(OFFICE) as work:
        for code in codes:
            await ledger.add_item(work, AddItem(code=code, name="x", unit=Unit.PIECE, category=Category.OTHER))
    return codes


async def post(client: Client, key: str, order: Order) -> httpx.Response:
    path, body = order
    answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return answer


async def arrive(client: Client, item: str, sequence: Sequence[int]) -> None:
    """Let 100 come in and 10 go, and then the postings in this order; what comes again gets its first answer."""
    await post(client, f"{item}-first", received(item, 72, 100))
    before = (await post(client, f"{item}-second", issued(item, 71, 10))).json()["id"]
    told: dict[int, bytes] = {}
    for number in sequence:
        answer = await post(client, f"{item}-{number}", orders(item, before)[number])
        assert ("idempotency-replayed" in answer.headers) == (number in told)
        assert told.setdefault(number, answer.content) == answer.content


async def card(database: Database, item: str) -> Card:
    """Give all that the ledger keeps of an item: its balance, its days, and its movements by their moments."""
    balance = await ask(database, "SELECT place, on_hand, last_occurred_at FROM card WHERE item = :item", item=item)
    days = "SELECT day, opening, incoming, outgoing, lowest FROM card_day WHERE item = :item ORDER BY day"
    lines = "SELECT occurred_at, from_place, quantity FROM posting_line WHERE item = :item ORDER BY 1, 2, 3"
    return (*balance, *await ask(database, days, item=item), *await ask(database, lines, item=item))


async def cards_after(database: Database, client: Client, sequences: Sequence[Sequence[int]]) -> set[Card]:
    """Let the same happen to as many items as there are sequences, to all at once; gives the different outcomes."""
    items = await new_items(database, len(sequences))
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(item: str, sequence: Sequence[int]) -> None:
        async with at_once:
            await arrive(client, item, sequence)

    await asyncio.gather(*(one(item, sequence) for item, sequence in zip(items, sequences, strict=True)))
    assert await audited(database) == []
    return {await card(database, item) for item in items}


async def test_three_postings_each_told_twice_leave_the_same_card_in_all_90_orders(
    database: Database, door: Mapping[str, Client]
) -> None:
    sequences = [*every_interleaving(SMALL)]
    assert len(sequences) == 90
    assert len(await cards_after(database, door["office"], sequences)) == 1


async def test_five_postings_each_told_twice_leave_the_same_card_in_all_120_orders(
    database: Database, door: Mapping[str, Client]
) -> None:
    # Told again at once, or all of them once more at the end, the last one first.
    sequences = [
        [number for number in order for _ in range(2)] if index % 2 else [*order, *reversed(order)]
        for index, order in enumerate(permutations(range(MEDIUM)))
    ]
    assert len(sequences) == 120
    assert len(await cards_after(database, door["office"], sequences)) == 1


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequences=st.lists(st.permutations([*range(LARGE)] * 2), min_size=5, max_size=5))
async def test_nine_postings_each_told_twice_leave_the_same_card_in_whatever_order(
    database: Database, door: Mapping[str, Client], sequences: Sequence[Sequence[int]]
) -> None:
    assert len(await cards_after(database, door["office"], [[*range(LARGE)], *sequences])) == 1
