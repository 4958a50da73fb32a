"""The regencies and cities that aid goes to."""

from collections.abc import Mapping

import pytest

from services.aid_distribution.regions import handlers
from shared.database import Database
from shared.province import PROVINCES, read_province
from tests.aid_distribution.story import OFFICE, ask
from tests.door import Client, told

Door = Mapping[str, Client]
NORTH: dict[str, object] = {
    "code": "19.72", "name": "Bangka Utara", "kind": "regency", "population": 100_000, "households": 25_000,
}  # fmt: skip


@pytest.fixture
async def loaded(database: Database) -> Database:
    """The regions of the demo province."""
    await load(database)
    return database


async def load(database: Database) -> None:
    province = read_province(PROVINCES / "19-kepulauan-bangka-belitung")
    async with database.work(OFFICE) as work:
        await handlers.load(work, province.regions)


async def test_the_regions_of_a_province_are_loaded_once_and_what_people_corrected_stays(loaded: Database) -> None:
    assert await ask(loaded, "SELECT count(*), sum(population) FROM known_region") == [(7, 1_549_562)]
    async with loaded.work(OFFICE) as work:
        (row,) = (await handlers.store.by_code(work.session, ["19.71"])).values()
        row.population, row.population_year = 250_000, 2021
    await load(loaded)
    assert await ask(loaded, "SELECT population, population_year FROM known_region WHERE code = '19.71'") == [
        (250_000, 2021)
    ]


async def test_a_region_is_made_known_shown_and_brought_up_to_date(loaded: Database, door: Door) -> None:
    answer = await door["office"].post("/aid/regions", json=NORTH | {"document": "UU-27"})
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    known = answer.json()
    assert known == NORTH | {
        "id": known["id"], "code_system": "kemendagri", "population_year": None, "version": 1,
    }  # fmt: skip
    path, first = "/aid/regions/19.72", {"If-Match": '"1"'}
    news = {"population": 120_000, "population_year": 2021, "households": None}
    changed = await door["operator"].patch(path, json=news, headers=first)
    assert (changed.status_code, changed.json()) == (200, known | news | {"version": 2})
    late = await door["office"].patch(path, json={"name": "Utara"}, headers=first)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert (await door["office"].patch(path, json={"name": "Utara"})).status_code == 428
    assert (await door["office"].get(path)).json() == changed.json()
    again = await door["office"].post("/aid/regions", json=NORTH)
    assert (again.status_code, again.json()["code"]) == (409, "region_known")


async def test_everyone_sees_their_own_regions_and_the_office_changes_them(loaded: Database, door: Door) -> None:
    for name, codes in (("office", 7), ("auditor", 7), ("pangkalpinang", 1)):
        items = (await door[name].get("/aid/regions")).json()["items"]
        assert len(items) == codes
        assert items[-1] | {"id": ""} == {
            "id": "", "code": "19.71", "code_system": "kemendagri", "name": "Kota Pangkalpinang", "kind": "city",
            "population": 242_285, "population_year": None, "households": 60_600, "version": 1,
        }  # fmt: skip
    version = {"If-Match": '"1"'}
    for code in ("19.02", "19.99", "19"):
        absent = await door["pangkalpinang"].get(f"/aid/regions/{code}")
        assert (absent.status_code, absent.json()["code"]) == (404, "not_found")
        refused = await door["pangkalpinang"].patch(f"/aid/regions/{code}", json={}, headers=version)
        assert refused.status_code == 403
    assert (await door["office"].patch("/aid/regions/17.71", json={}, headers=version)).status_code == 404


async def test_every_mistake_about_a_region_is_told(loaded: Database, door: Door) -> None:
    wrong = {"code": "17.71", "name": "", "kind": "village", "population": 10, "households": 11, "population_year": 20}
    answer = await door["office"].post("/aid/regions", json=wrong)
    assert answer.status_code == 422
    assert told(answer) == {
        ("/code", "unknown_region"),
        ("/name", "too_short"),
        ("/kind", "unknown_value"),
        ("/households", "more_than_people"),
        ("/population_year", "too_small"),
    }
    more = {"households": 242_286}
    answer = await door["office"].patch("/aid/regions/19.71", json=more, headers={"If-Match": '"1"'})
    assert told(answer) == {("/households", "more_than_people")}
