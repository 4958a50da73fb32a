"""What the demo province shows of kits, loans, returns and exceptions, as the office finds it on the first day."""

from typing import Any

import pytest_asyncio

from services import demo
from shared.clock import Clock
from shared.database import Database
from shared.privacy import Vault
from shared.province import PROVINCES, read_province
from tests.aid_distribution.story import OPERATOR, ask, audited
from tests.conftest import Databases

CARDS = "SELECT item, on_hand FROM card WHERE place = :place"


@pytest_asyncio.fixture
async def shown(databases: Databases) -> Database:
    database = await databases("aid_distribution", migrated=True, clock=Clock(), vault=Vault(b"m" * 32))
    async with database.work(OPERATOR) as work:
        assert await demo._stock(work, read_province(PROVINCES / "19-kepulauan-bangka-belitung"))
    return database


async def on_hand(database: Database, place: str) -> dict[str, Any]:
    return {str(item): held for item, held in await ask(database, CARDS, place=place)}


async def test_food_packs_are_put_together_and_some_are_taken_apart_again(shown: Database) -> None:
    assert await ask(
        shown, "SELECT kind FROM posting WHERE kind IN ('assembly', 'unpacking') ORDER BY occurred_at"
    ) == [
        ("assembly",),
        ("unpacking",),
    ]
    left = await on_hand(shown, "WH-19.06")
    assert (left["FAMILY-PACK"], left["RICE-5KG"], left["SUGAR-1KG"], left["OIL-1L"]) == (35, 465, 530, 565)


async def test_stations_are_lent_and_one_of_them_is_back(shown: Database) -> None:
    lent = "SELECT l.place, n.quantity, n.returned FROM loan l JOIN loan_line n ON n.loan_id = l.id ORDER BY 1"
    assert await ask(shown, lent) == [("WH-19.03", 1, 0), ("WH-19.05", 2, 1)]
    assert (await on_hand(shown, "WH-19.05"))["HANDWASH-STATION"] == 13


async def test_masks_come_back_and_soap_goes_back(shown: Database) -> None:
    returned = "SELECT direction, place FROM stock_return ORDER BY direction"
    assert await ask(shown, returned) == [("from_public", "WH-19.04"), ("to_donor", "WH-19.04")]
    left = await on_hand(shown, "WH-19.04")
    assert (left["MASK-CLOTH"], left["SOAP-5L"]) == (10_050, 77)


async def test_an_exception_waits_for_somebody_to_settle_it(shown: Database) -> None:
    assert await ask(shown, "SELECT kind, place, state, owner FROM stock_exception") == [
        ("issue", "WH-19.03", "open", "operator")
    ]
    assert await audited(shown) == []
