"""How far back one may date is a setting of each role; whoever dates further back is told the limit."""

from collections.abc import Mapping

import pytest

from shared.caller import DATING_BACK_DAYS, Role
from shared.database import Database
from shared.settings import SettingInvalid, Settings
from tests.aid_distribution.story import MASKS, WAREHOUSE, ago
from tests.door import Client

LIMITS = {
    "pangkalpinang": ("REGENCY_OFFICER_DATING_BACK_DAYS", 7),
    "office": ("PROVINCE_STAFF_DATING_BACK_DAYS", 45),
    "operator": ("OPERATOR_DATING_BACK_DAYS", 90),
}


def order(days: float) -> dict[str, object]:
    """Give the body of a receipt of so many days ago."""
    lines = [{"item": MASKS, "quantity": 1}]
    return {"place": WAREHOUSE, "source": "supplier", "occurred_at": ago(days).isoformat(), "lines": lines}


@pytest.mark.parametrize("caller", LIMITS)
async def test_a_role_dates_back_as_far_as_its_setting_says(
    database: Database, door: Mapping[str, Client], caller: str
) -> None:
    database.dating_back_days = Settings.from_env({name: str(days) for name, days in LIMITS.values()}).dating_back_days
    limit = LIMITS[caller][1]

    within = await door[caller].post("/aid/receipts", json=order(limit))
    beyond = await door[caller].post("/aid/receipts", json=order(limit + 0.0001))

    assert (within.status_code, beyond.status_code) == (201, 422)
    detail = f"Your role may date back at most {limit} days."
    assert beyond.json()["errors"] == [{"pointer": "/occurred_at", "code": "too_far_back", "detail": detail}]


async def test_an_order_of_the_wrong_shape_is_told_the_limit_of_the_setting_as_well(
    database: Database, door: Mapping[str, Client]
) -> None:
    database.dating_back_days = {Role.PROVINCE_STAFF: 3}

    answer = await door["office"].post("/aid/receipts", json=order(4) | {"source": "thin air"})

    found = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert found["/occurred_at"] == "Your role may date back at most 3 days."
    assert found.keys() == {"/occurred_at", "/source"}


def test_without_a_setting_the_rule_of_the_house_holds() -> None:
    assert Settings.from_env({}).dating_back_days == DATING_BACK_DAYS
    empty = dict.fromkeys((name for name, _ in LIMITS.values()), "")  # as the compose file hands them on
    assert Settings.from_env(empty).dating_back_days == DATING_BACK_DAYS


@pytest.mark.parametrize("name", [name for name, _ in LIMITS.values()])
@pytest.mark.parametrize("days", ["0", "-1", "36501", "a week"])
def test_a_limit_that_is_no_number_of_days_is_refused_by_name(name: str, days: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        Settings.from_env({name: days})
