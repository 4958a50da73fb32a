"""Who has had how much for each head."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from services.aid_distribution.audits import FIGURES
from services.aid_distribution.distributions import audit as distributions_audit
from services.aid_distribution.distributions import handlers as distributions
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import PlaceKind
from services.aid_distribution.ledger.orders import AddPlace
from services.aid_distribution.planning.equity import hundredths, ranked
from services.aid_distribution.regions.store import KnownRegionRow
from shared.database import Database
from shared.problems import Refusal
from shared.routes import Asked
from tests.aid_distribution.story import (
    ELSEWHERE,
    MARKET,
    NOON,
    OFFICE,
    PROVINCE,
    WAREHOUSE,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import void
from tests.aid_distribution.test_regions import load
from tests.door import Client, told

Door = Mapping[str, Client]


def region(code: str, population: int) -> KnownRegionRow:
    return KnownRegionRow(
        id=ledger.UUID(int=1), code=code, code_system="kemendagri", name=code, kind="city", population=population
    )


@pytest.mark.parametrize(
    ("people", "quantities", "order", "elsewhere"),
    [
        ({"19.01": 100, "19.02": 200}, {"19.01": 10, "19.02": 10}, ["19.02", "19.01"], 0),
        ({"19.01": 100, "19.02": 200}, {"19.01": 10, "19.02": 20}, ["19.01", "19.02"], 0),
        ({"19.01": 100, "19.02": 200}, {}, ["19.01", "19.02"], 0),
        ({"19.01": 100, "19.02": 200}, {"19.01": 1, "19": 5, "19.77": 2}, ["19.02", "19.01"], 7),
        # What a district has is its regency's.
        ({"19.01": 100, "19.02": 100}, {"19.01.03": 3, "19.01": 2, "19.02": 4}, ["19.02", "19.01"], 0),
        # A third against 333 of 1,000: closer than the hundredths can show.
        ({"19.01": 3, "19.02": 1_000_000}, {"19.01": 1, "19.02": 333_333}, ["19.02", "19.01"], 0),
    ],
)
def test_regions_stand_in_the_order_of_goods_per_head(
    people: dict[str, int], quantities: dict[str, int], order: list[str], elsewhere: int
) -> None:
    rows, left = ranked([region(code, heads) for code, heads in people.items()], quantities)
    assert ([row.region.code for row in rows], left) == (order, elsewhere)


@pytest.mark.parametrize(
    ("quantity", "population", "expected"),
    [(0, 100, 0), (1, 1_000, 100), (1, 3, 33_333), (2, 3, 66_666), (242_285, 242_285, 100_000), (5, 0, 0)],
)
def test_units_per_thousand_are_told_in_hundredths_rounded_down(quantity: int, population: int, expected: int) -> None:
    assert hundredths(quantity, population) == expected


@pytest.fixture
async def served(database: Database) -> Database:
    """Seven regions, of which two had masks."""
    await load(database)
    for place in (WAREHOUSE, MARKET, ELSEWHERE, PROVINCE):
        await receive(database, receipt(1_000, ago(5), place=place))
    await distribute(database, distribution(100, ago(2)))
    await distribute(database, distribution(42, ago(1), place=MARKET))
    await distribute(database, distribution(192, ago(1), place=ELSEWHERE))
    await distribute(database, distribution(7, ago(1), place=PROVINCE))
    return database


async def test_the_least_served_stand_first_with_the_figures_that_put_them_there(served: Database, door: Door) -> None:
    board = (await door["office"].get("/aid/equity?item=MASK-CLOTH")).json()
    assert [(row["rank"], row["region"]) for row in board["items"]] == [
        (1, "19.01"), (2, "19.03"), (3, "19.04"), (4, "19.05"), (5, "19.06"), (6, "19.71"), (7, "19.02"),
    ]  # fmt: skip
    assert board["items"][5] == {
        "rank": 6, "region": "19.71", "name": "Kota Pangkalpinang", "kind": "city", "population": 242_285,
        "population_year": None, "quantity": 142, "per_thousand_hundredths": 58,
    }  # fmt: skip
    assert board["total"] == {
        "population": 1_549_562, "quantity": 334, "per_thousand_hundredths": 21, "quantity_elsewhere": 7,
    }  # fmt: skip
    assert (board["item_name"], board["unit"], board["programme"]) == ("Masker kain", "piece", None)
    assert (board["from"], board["to"]) == ("2025-05-20", "2026-05-20")


async def test_a_board_is_of_some_days_and_of_one_programme(served: Database, door: Door) -> None:
    async def quantities(**query: str) -> dict[str, int]:
        answer = await door["office"].get("/aid/equity", params={"item": "MASK-CLOTH"} | query)
        assert answer.status_code == 200, answer.text
        return {row["region"]: row["quantity"] for row in answer.json()["items"] if row["quantity"]}

    assert await quantities(**{"from": "2026-05-19"}) == {"19.71": 42, "19.02": 192}
    assert await quantities(to="2026-05-18") == {"19.71": 100}
    assert await quantities(programme="free-masks") == {"19.71": 142, "19.02": 192}
    assert await quantities(programme="training") == {}
    assert await quantities(item="RICE-5KG") == {}


async def test_an_officer_sees_the_own_region_only(served: Database, door: Door) -> None:
    board = (await door["belitung"].get("/aid/equity?item=MASK-CLOTH")).json()
    assert [(row["region"], row["quantity"]) for row in board["items"]] == [("19.02", 192)]
    assert board["total"]["quantity_elsewhere"] == 0


async def test_a_question_that_makes_no_board_is_refused(served: Database, door: Door) -> None:
    for query, expected in (
        ("item=MASK-CLOTH&from=2026-05-20&to=2026-05-19", {("/query/from", "after_the_end")}),
        ("item=MASK-CLOTH&from=2020-01-01&to=2026-05-19", {("/query/from", "too_far_back")}),
        ("", {("/query/item", "missing")}),
    ):
        answer = await door["office"].get(f"/aid/equity?{query}")
        assert (answer.status_code, told(answer)) == (422, expected)
    assert (await door["office"].get("/aid/equity?item=NOTHING")).status_code == 404
    assert (await door["office"].get("/aid/equity?item=MASK-CLOTH&to=0001-01-05")).status_code == 200


async def test_a_day_is_one_row_however_much_was_handed_out_on_it_and_a_void_takes_it_off(database: Database) -> None:
    await receive(database, receipt(1_000, ago(5)))
    question = "SELECT item, day::text, region, programme, quantity FROM handed_out_day ORDER BY day"
    late, early = ago(hours=12, minutes=30), ago(hours=11, minutes=30)  # 23:30 and 00:30 WIB, one day in UTC
    for at in (late, late, early):
        done = await distribute(database, distribution(10, at))
    assert await ask(database, question) == [
        ("MASK-CLOTH", "2026-05-19", "19.71", "free-masks", 20),
        ("MASK-CLOTH", "2026-05-20", "19.71", "free-masks", 10),
    ]
    await void(database, done.id, OFFICE)
    assert [row[-1] for row in await ask(database, question)] == [20, 0]
    assert await audited(database) == []


async def test_the_audit_finds_a_day_that_is_not_the_sum_of_its_distributions_and_it_can_be_worked_out_anew(
    served: Database,
) -> None:
    assert await audited(served) == []
    before = await ask(served, "SELECT * FROM handed_out_day ORDER BY 1, 2, 3, 4")
    async with served.work(OFFICE) as work:
        await plant(
            work,
            "UPDATE handed_out_day SET quantity = 41 WHERE quantity = 42",
            "DELETE FROM handed_out_day WHERE region = '19'",
            "INSERT INTO handed_out_day VALUES ('MASK-CLOTH', '2026-05-01', '19.71', 'training', 5)",
        )
    found = [(one.check, one.subject, one.expected, one.found) for one in await audited(served)]
    check = "handed_out_is_sum_of_distributions"
    assert check in FIGURES
    assert found == [
        (check, "MASK-CLOTH 2026-05-01 19.71 training", "0", "5"),
        (check, "MASK-CLOTH 2026-05-19 19 free-masks", "7", "0"),
        (check, "MASK-CLOTH 2026-05-19 19.71 free-masks", "42", "41"),
    ]
    async with served.work(OFFICE) as work:
        assert await distributions_audit.wrong(work.session) == 3
        await distributions_audit.rebuild(work.session)
    assert await audited(served) == []
    assert await ask(served, "SELECT * FROM handed_out_day ORDER BY 1, 2, 3, 4") == before


async def test_orders_of_one_batch_for_the_same_day_add_up(database: Database) -> None:
    async with database.work(OFFICE) as work:
        await ledger.add_place(work, AddPlace(code="CC-1", name="x", kind=PlaceKind.CROWD_CENTRE, region="19.71.02"))
    await receive(database, receipt(100, ago(5), place="CC-1"))
    orders = [Asked(distribution(1, NOON - timedelta(minutes=number), place="CC-1"), OFFICE) for number in range(3)]
    orders.insert(1, Asked(distribution(1_000, place="CC-1"), OFFICE))
    async with database.work(OFFICE) as work:
        outcomes = await distributions.post_all(work, orders)
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [False, True, False, False]
    assert await ask(database, "SELECT region, quantity FROM handed_out_day") == [("19.71.02", 3)]
