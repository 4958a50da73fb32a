"""Whoever is to settle an exception from now on is told, once for each time that it is handed to them."""

from uuid import UUID

import pytest

from shared.contracts.aid_distribution import ExceptionChanged
from shared.database import Database
from tests.notifications.story import NOON, happened, masks, messages, rows, staff

OFFICER, PROVINCE = ("officer-19.71", "regency_officer", "19.71"), ("staff-provinsi", "province_staff", "19")
ELSEWHERE = ("officer-19.02", "regency_officer", "19.02")


def handed(to: str, change_no: int = 2, before: str = "officer-19.71-2") -> ExceptionChanged:
    return ExceptionChanged(
        exception_id=UUID(int=71),
        kind="distribution",
        region="19.71",
        place="WH-19.71",
        place_name="Gudang Kota Pangkalpinang",
        occurred_at=NOON,
        due_at=NOON,
        short=[masks(40)],
        owner=to,
        reason="Cuti",
        change_no=change_no,
        owner_before=before,
    )


@pytest.mark.parametrize("named", ["officer-19.71", "staff-provinsi"])
async def test_the_one_who_is_named_is_told_and_nobody_else(database: Database, named: str) -> None:
    await staff(database, OFFICER, PROVINCE, ELSEWHERE)
    await happened(database, handed(named))
    ((who, message),) = (await messages(database)).items()
    assert who == (f"staff/{named}", "exception_yours")
    assert "40 buah Masker kain dua lapis" in str(message["body"])


@pytest.mark.parametrize("named", ["officer-19.02", "Pak Budi"])
async def test_one_who_serves_elsewhere_or_is_not_known_is_told_nothing(database: Database, named: str) -> None:
    await staff(database, OFFICER, PROVINCE, ELSEWHERE)
    await happened(database, handed(named))
    assert await messages(database) == {}


async def test_what_is_handed_back_later_is_told_again_and_the_same_fact_is_not(database: Database) -> None:
    await staff(database, OFFICER, PROVINCE)
    await happened(database, handed("officer-19.71"), handed("officer-19.71"))
    await happened(database, handed("staff-provinsi", 3), handed("officer-19.71", 4))
    told = await rows(database, "SELECT person FROM message ORDER BY person")
    assert [row["person"] for row in told] == ["staff/officer-19.71"] * 2 + ["staff/staff-provinsi"]


async def test_whoever_has_it_already_is_not_told_of_another_deadline(database: Database) -> None:
    await staff(database, OFFICER, PROVINCE)
    await happened(database, handed("officer-19.71", before="officer-19.71"))
    assert await messages(database) == {}
