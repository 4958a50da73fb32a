"""What keepers and staff are told of the kits of a training, each thing once."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts.aid_distribution import (
    Goods,
    KitElsewhere,
    KitShortage,
    KitsRefused,
    KitsReleased,
    KitsReserved,
)
from shared.database import Database
from tests.notifications.story import NOON, happened, messages, rows, staff

OFFICER, PROVINCE = ("officer-19.71", "regency_officer", "19.71"), ("staff-provinsi", "province_staff", "19")
ELSEWHERE = ("officer-19.02", "regency_officer", "19.02")


def about(place_region: str = "19.71") -> dict[str, Any]:
    return {
        "training_id": UUID(int=61),
        "programme": "TR-2020-03",
        "title": "Bimtek konveksi",
        "region": "19.71",
        "starts_on": date(2020, 9, 21),
        "place": "WH-19.71",
        "place_name": "Gudang Kota Pangkalpinang",
        "place_region": place_region,
    }


def reserved(place_region: str = "19.71") -> KitsReserved:
    kits = Goods(item="SEWING-KIT", item_name="Paket alat jahit", unit="piece", quantity=20)
    return KitsReserved(
        **about(place_region),
        reservation_id=UUID(int=62),
        number="2020-09-19.71-RS-0001",
        expires_at=NOON,
        lines=[kits],
    )


def released(because: str = "released", reason: str = "Pemateri sakit") -> KitsReleased:
    return KitsReleased(
        **about(),
        reservation_id=UUID(int=62),
        number="2020-09-19.71-RS-0001",
        because=because,
        reason=reason,
    )


MORE = KitElsewhere(place="WH-PROV", place_name="Gudang Provinsi", region="19", available=50)


def refused(*elsewhere: KitElsewhere) -> KitsRefused:
    short = KitShortage(
        item="SEWING-KIT",
        item_name="Paket alat jahit",
        unit="piece",
        asked=20,
        available=3,
        elsewhere=[*elsewhere] or [MORE],
    )
    return KitsRefused(**about(), because="short", shortages=[short])


async def test_the_keepers_of_the_stock_are_told_once_that_kits_are_promised_and_that_they_are_free_again(
    database: Database,
) -> None:
    await staff(database, OFFICER, PROVINCE, ELSEWHERE)
    await happened(database, reserved())
    await happened(database, reserved(), released())
    await happened(database, released())
    bodies = {who: str(row["body"]) for who, row in (await messages(database)).items()}
    keeper = "staff/officer-19.71"
    assert set(bodies) == {(keeper, "kits_reserved"), (keeper, "kits_released")}
    assert "20 buah Paket alat jahit dicadangkan untuk pelatihan Bimtek konveksi" in bodies[keeper, "kits_reserved"]
    assert "Alasan: Pemateri sakit" in bodies[keeper, "kits_released"]
    assert len(await rows(database, "SELECT id FROM message")) == 2


async def test_what_was_kept_too_long_is_told_in_the_words_of_the_reader(database: Database) -> None:
    await staff(database, OFFICER)
    await happened(database, reserved(), released("expired", "expired"))
    told = await messages(database)
    assert "Alasan: masa cadangan habis." in str(told["staff/officer-19.71", "kits_released"]["body"])


async def test_the_keepers_are_those_of_the_place_and_not_of_the_training(database: Database) -> None:
    await staff(database, OFFICER, PROVINCE, ELSEWHERE)
    await happened(database, reserved("19"))
    assert set(await messages(database)) == {("staff/staff-provinsi", "kits_reserved")}


async def test_the_office_is_told_what_is_short_and_where_more_of_it_lies(database: Database) -> None:
    await staff(database, OFFICER, PROVINCE, ELSEWHERE)
    await happened(database, refused(), refused())
    told = await messages(database)
    assert set(told) == {(f"staff/{one}", "kits_refused") for one in ("officer-19.71", "staff-provinsi")}
    short = "Kurang: 17 buah Paket alat jahit. Ada di: "
    bodies = {who: str(row["body"]) for (who, _), row in told.items()}
    assert f"{short}WH-PROV (50)." in bodies["staff/staff-provinsi"]
    assert f"{short}wilayah lain, tanyakan ke provinsi." in bodies["staff/officer-19.71"]


async def test_each_office_is_told_of_the_stock_of_its_own_regions_only(database: Database) -> None:
    await staff(database, OFFICER, PROVINCE, ELSEWHERE)
    here, there = (
        KitElsewhere(place=f"WH-{region}", place_name="Gudang", region=region, available=available)
        for region, available in (("19.71.01", 4), ("19.02", 50))
    )
    await happened(database, refused(there, here), refused(there, here))
    bodies = {who: str(row["body"]) for (who, _), row in (await messages(database)).items()}
    assert bodies["staff/staff-provinsi"].endswith("Ada di: WH-19.02 (50), WH-19.71.01 (4).")
    assert bodies["staff/officer-19.71"].endswith("Ada di: WH-19.71.01 (4).")


async def test_that_none_lies_anywhere_is_told_to_all(database: Database) -> None:
    await staff(database, OFFICER)
    event = refused()
    nowhere = [msgspec.structs.replace(one, elsewhere=[]) for one in event.shortages]
    await happened(database, msgspec.structs.replace(event, shortages=nowhere))
    (body,) = [str(row["body"]) for row in (await messages(database)).values()]
    assert body.endswith("Ada di: tidak ada.")
