"""A province is a folder: the real one holds the story, a broken one says all that is wrong, a new one just loads."""

import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import phonenumbers
import pytest

from shared.person_numbers import nik_fault, phone_fault
from shared.province import PROVINCES, BrokenProvince, Province, read_province

DEMO = PROVINCES / "19-kepulauan-bangka-belitung"

OTHER_PROVINCE = {
    "province.toml": """
code = "17"
bps_code = "17"
name = "Bengkulu"
motto = "Sekundang Setungguan Seio Sekato"
time_zone = "WIB"
code_system = "kemendagri"
code_authority = "Kementerian Dalam Negeri"
crisis = "Gempa bumi"
crisis_en = "Earthquake"
crisis_began_on = 2007-09-12
office = "Disperindag Bengkulu"
office_en = "Provincial Office for Industry and Trade, Bengkulu"
story_source = "invented for a test"
""",
    "regions.csv": "code,code_system,bps_code,name,kind,population\n17.71,kemendagri,1771,Kota Bengkulu,city,391117\n",
    "sectors.csv": "code,name,name_en\nfood,Makanan,Food\n",
    "items.csv": "code,name,name_en,unit,category\nRICE-5KG,Beras 5 kg,Rice,pack,staple\n",
    "places.csv": "code,name,kind,region\nWH-PROV,Gudang Provinsi,warehouse,17\n",
    "trainings.csv": "code,sector,region,title,title_en,starts_on,ends_on,seats,venue\n",
    "owners.csv": "id,name,nik,phone,language,region\n"
    "0174472d-8680-7000-8000-000000000901,Upik Rahayu,1771014101909901,+6283400000901,id,17.71\n",
    "businesses.csv": "id,owner,name,sector,kbli,kbli_edition,region,workers,investment_rupiah,annual_sales_rupiah\n"
    "0174472d-8680-7001-8000-000000000901,0174472d-8680-7000-8000-000000000901,Kue Upik,food,10792,2020,17.71,1,0,0\n",
    "staff.csv": "subject,name,role,region,email,language\nstaff-17,Sri Utami,province_staff,17,s@contoh.example,id\n",
    "opening_stock.csv": "place,item,source,quantity,occurred_at\n"
    "WH-PROV,RICE-5KG,supplier,500,2020-09-01T08:00:00+07:00\n",
    "ceilings.csv": "item,region,price_rupiah,valid_from,source\nRICE-5KG,17,49750,2017-09-01,Permendag 57/2017\n",
    "price_observations.csv": "place,item,price_rupiah,observed_at\n",
    "stock_levels.csv": "place,item,low_at,ok_at\nWH-PROV,RICE-5KG,100,200\n",
    "producers.csv": "business,capacity_per_week,decline_permille,as_of,source\n"
    "0174472d-8680-7001-8000-000000000901,80,300,2020-04-30,Survei\n",
    "production_calls.csv": "document,item,quantity,price_rupiah,cap_per_business,due_days,place,sector,region\n",
    "enrolments.csv": "training,business,answer\n",
    "stations.csv": "code,name,site,from_place,crowd_level,capacity_water_millilitre,capacity_soap_millilitre,"
    "occurred_at\n",
    "limits.csv": "region,programme,period_days,valid_from,times_max\n17,cheap-market,7,2020-09-01,1\n",
    "surveys.csv": "code,title,region,opens_on,closes_on,before_month,now_month\n"
    "SV-1,Survei,17,2020-04-13,2020-05-08,2020-02,2020-04\n",
    "survey_answers.csv": "survey,business,status,answered_on,turnover_before_rupiah,turnover_now_rupiah,"
    "capacity_before,capacity_now,workers_before,workers_now\n",
    "markets.csv": "place,model,opens_at,closes_at,item,price_rupiah,market_price_rupiah,allotment,limit_per_family\n",
    "kits.csv": "kit,item,quantity\n",
    "kit_work.csv": "kit,place,work,quantity,occurred_at\n",
    "loans.csv": "place,item,quantity,borrower,occurred_at,due_on\n",
    "returns.csv": "place,direction,item,quantity,occurred_at,reason\n",
    "exceptions.csv": "place,item,quantity,reason,occurred_at\n",
}


@pytest.fixture(scope="module")
def demo() -> Province:
    return read_province(DEMO)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "broken"))


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "17-bengkulu"
    folder.mkdir()
    for name, text in OTHER_PROVINCE.items():
        (folder / name).write_text(text)
    return folder


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    (folder / file).write_text(text.replace(old, new))


def faults(folder: Path) -> list[str]:
    with pytest.raises(BrokenProvince) as refusal:
        read_province(folder)
    assert all(str(fault) in str(refusal.value) for fault in refusal.value.faults)
    return [str(fault) for fault in refusal.value.faults]


# --- the demo province is the story of September 2020 -------------------------------------------------------------


def test_the_demo_province_has_its_seven_regions_and_their_people(demo: Province) -> None:
    populations = {region.code: region.population for region in demo.regions}
    assert sorted(populations) == ["19.01", "19.02", "19.03", "19.04", "19.05", "19.06", "19.71"]
    assert sum(populations.values()) == 1_549_562
    assert [region.name for region in demo.regions if region.kind == "city"] == ["Kota Pangkalpinang"]


def test_the_statistics_office_swaps_bangka_selatan_and_bangka_barat(demo: Province) -> None:
    codes = {region.name: (region.code_system, region.code, region.bps_code) for region in demo.regions}
    assert codes["Bangka Selatan"] == ("kemendagri", "19.03", "1905")
    assert codes["Bangka Barat"] == ("kemendagri", "19.05", "1903")


def test_the_four_trainings_of_september_2020_stand_where_they_were_held(demo: Province) -> None:
    assert sorted((training.sector, training.region) for training in demo.trainings) == [
        ("appliance_repair", "19.71"),
        ("garment", "19.02"),
        ("garment", "19.71"),
        ("spices", "19.04"),
    ]
    for training in demo.trainings:
        assert date(2020, 9, 1) <= training.starts_on <= training.ends_on <= date(2020, 9, 30)


def test_every_training_has_businesses_of_its_sector_in_its_region(demo: Province) -> None:
    businesses = Counter((business.sector, business.region) for business in demo.businesses)
    assert all(businesses[training.sector, training.region] >= 5 for training in demo.trainings)


def test_the_codes_that_scripts_rely_on_exist(demo: Province) -> None:
    assert {"MASK-CLOTH", "SOAP-5L", "RICE-5KG", "HANDWASH-STATION", "SEWING-KIT"} <= {i.code for i in demo.items}
    warehouses = {place.code: place.region for place in demo.places if place.kind == "warehouse"}
    assert warehouses == {"WH-PROV": "19", **{f"WH-{region.code}": region.code for region in demo.regions}}


def test_a_station_stands_at_a_crowd_centre_and_comes_from_a_warehouse_that_had_one(demo: Province) -> None:
    kinds = {place.code: place.kind for place in demo.places}
    stocked = {row.place: row.occurred_at for row in demo.opening_stock if row.item == "HANDWASH-STATION"}
    assert len(demo.stations) == 3
    for station in demo.stations:
        assert kinds[station.site] == "crowd_centre"
        assert station.occurred_at > stocked[station.from_place]


def test_every_region_has_a_crowd_centre_a_market_venue_and_an_officer(demo: Province) -> None:
    regions = {region.code for region in demo.regions}
    for kind in ("crowd_centre", "market_venue"):
        assert {place.region for place in demo.places if place.kind == kind} == regions
    officers = {staff.subject: staff.region for staff in demo.staff if staff.role == "regency_officer"}
    assert officers == {f"officer-{code}": code for code in regions}
    assert {staff.role for staff in demo.staff} == {"regency_officer", "province_staff", "auditor", "operator"}


def test_every_warehouse_opens_with_masks_and_the_province_holds_most_of_them(demo: Province) -> None:
    masks = {row.place: row.quantity for row in demo.opening_stock if row.item == "MASK-CLOTH"}
    assert set(masks) == {place.code for place in demo.places if place.kind == "warehouse"}
    assert masks["WH-PROV"] * 2 > sum(masks.values())
    # A posting that names no lot must find the opening stock.
    assert {row.lot for row in demo.opening_stock} == {None}


def test_every_regency_watches_its_masks_and_soap_which_are_well_at_first(demo: Province) -> None:
    stock = {(row.place, row.item): row.quantity for row in demo.opening_stock}
    watched = {(row.place, row.item) for row in demo.stock_levels}
    assert watched == {(f"WH-{region.code}", item) for region in demo.regions for item in ("MASK-CLOTH", "SOAP-5L")}
    assert all(stock[row.place, row.item] > row.ok_at > row.low_at > 0 for row in demo.stock_levels)


def test_a_level_that_is_well_where_it_is_low_is_a_fault(broken: Path) -> None:
    change(broken, "stock_levels.csv", "WH-19.01,SOAP-5L,30,40", "WH-19.01,SOAP-5L,30,30")
    with pytest.raises(BrokenProvince, match=r"stock_levels.csv row 3: .*ok_at is not above low_at"):
        read_province(broken)


def test_a_loan_of_which_some_is_back_says_when(broken: Path) -> None:
    change(broken, "loans.csv", ",1,2020-09-21T10:00:00+07:00", ",1,")
    with pytest.raises(BrokenProvince, match=r"loans.csv row 2: .*returned and returned_at stand together"):
        read_province(broken)


def test_every_garment_business_is_known_as_a_producer_and_masks_are_called_for(demo: Province) -> None:
    garment = {business.id for business in demo.businesses if business.sector == "garment"}
    assert {producer.business for producer in demo.producers} == garment
    (masks,) = demo.production_calls
    assert (masks.item, masks.sector, masks.place, masks.region) == ("MASK-CLOTH", "garment", "WH-PROV", "19")
    assert 0 < masks.quantity <= masks.cap_per_business * len(garment)


def test_businesses_of_its_sector_and_region_apply_for_one_of_the_trainings(demo: Province) -> None:
    (code,) = {row.training for row in demo.enrolments}
    (training,) = (one for one in demo.trainings if one.code == code)
    businesses = {one.id: one for one in demo.businesses}
    applying = [businesses[row.business] for row in demo.enrolments]
    assert {(one.sector, one.region) for one in applying} == {(training.sector, training.region)}
    assert {row.answer for row in demo.enrolments} == {"accept", "decline", None}


def test_there_is_a_kit_in_stock_for_every_seat_that_needs_one(demo: Province) -> None:
    seats = {(training.region, training.kit_item): training.seats for training in demo.trainings if training.kit_item}
    stock = {(row.place, row.item): row.quantity for row in demo.opening_stock}
    assert seats
    assert all(stock[f"WH-{region}", item] >= needed for (region, item), needed in seats.items())


def test_owners_are_invented_but_their_numbers_are_well_formed(demo: Province) -> None:
    assert len({owner.id for owner in demo.owners}) == len({owner.nik for owner in demo.owners}) == len(demo.owners)
    for owner in demo.owners:
        assert nik_fault(owner.nik) is None
        assert owner.nik[12:14] == "99", "no registry office issues so high a serial in a day: nobody has this number"
        number = phonenumbers.parse(owner.phone)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == owner.phone
        assert owner.email is None or owner.email.endswith("@contoh.example")


def test_the_awkward_cases_of_real_registers_are_there(demo: Province) -> None:
    phones = Counter(owner.phone for owner in demo.owners)
    assert [count for count in phones.values() if count > 1] == [2, 2, 2], "some families share one phone"
    assert any(owner.nik[:2] != "19" for owner in demo.owners), "some were first registered in another province"
    assert {int(owner.nik[6:8]) > 40 for owner in demo.owners} == {True, False}
    assert {owner.language for owner in demo.owners} == {"id", "en"}
    assert any(owner.email is None for owner in demo.owners)
    assert 0 < sum(business.nib is not None for business in demo.businesses) < len(demo.businesses) / 2


def test_an_owner_shown_in_a_log_keeps_his_numbers_to_himself(demo: Province) -> None:
    owner = demo.owners[0]
    assert not any(secret in repr(owner) for secret in (owner.nik, owner.phone, owner.name))


def test_the_survey_of_april_found_what_the_producers_lost_and_the_next_one_asks_again(demo: Province) -> None:
    april, december = demo.surveys
    assert (april.before_month, april.now_month, december.follows) == ("2020-02", "2020-04", april.code)
    answers = {answer.business: answer for answer in demo.survey_answers if answer.survey == april.code}
    assert set(answers) == {business.id for business in demo.businesses}
    for producer in demo.producers:
        told = answers[producer.business]
        fallen = 1000 * (told.turnover_before_rupiah - told.turnover_now_rupiah) / told.turnover_before_rupiah
        assert abs(fallen - producer.decline_permille) < 1
        assert told.capacity_now == producer.capacity_per_week
    assert all(answer.turnover_now_rupiah < answer.turnover_before_rupiah for answer in answers.values())
    waves = {survey.code: survey for survey in demo.surveys}
    for answer in demo.survey_answers:
        assert waves[answer.survey].opens_on <= answer.answered_on <= waves[answer.survey].closes_on


def test_an_answer_shown_in_a_log_keeps_its_turnover_to_itself(demo: Province) -> None:
    answer = demo.survey_answers[0]
    assert str(answer.turnover_before_rupiah) not in repr(answer)


# --- a broken folder says everything at once ----------------------------------------------------------------------


def test_all_faults_of_a_broken_folder_come_at_once_with_file_row_and_column(broken: Path) -> None:
    change(broken, "province.toml", 'time_zone = "WIB"', 'time_zone = "CET"\ncapital = "Pangkalpinang"')
    change(broken, "province.toml", 'motto = "Serumpun Sebalai"\n', "")
    change(broken, "regions.csv", "regency,192405", "regency,192.405")
    change(broken, "places.csv", "Pasar Toboali,crowd_centre,19.03", "Pasar Toboali,crowd_centre,19.33")
    change(broken, "trainings.csv", "2020-09-07,2020-09-10,20", "2020-09-10,2020-09-07,20")
    change(broken, "trainings.csv", "Pangkalpinang,2020-09-21", "Pangkalpinang,21/09/2020")
    change(broken, "owners.csv", "1904020504699902,+6283400000102", "1904020000699902,+62834")
    change(broken, "businesses.csv", "sector", "Sektor")
    change(broken, "staff.csv", "regency_officer,19.02", "regency_officer,19")
    change(broken, "opening_stock.csv", "WH-19.05,SOAP-5L,,donation,80", "WH-19.05,SOAP-6L,,donation,-80")
    change(broken, "opening_stock.csv", "WH-PROV,SEWING-KIT,", "WH-PROV,MASK-CLOTH,")
    (broken / "sectors.csv").unlink()
    said = faults(broken)
    assert [line.split(":")[0] for line in said] == [
        "province.toml, motto",
        "province.toml row 5, time_zone",
        "province.toml row 6, capital",
        "regions.csv row 3, population",
        "sectors.csv",
        "places.csv row 16, region",
        "trainings.csv row 2",
        "trainings.csv row 4, starts_on",
        "owners.csv row 3, nik",
        "owners.csv row 3, phone",
        "businesses.csv row 1, sector",
        "businesses.csv row 1, Sektor",
        "staff.csv row 3",
        "opening_stock.csv row 8, place, item, lot",
        "opening_stock.csv row 35, quantity",
        "opening_stock.csv row 35, item",
    ]
    assert "places.csv row 16, region: '19.33' is not in regions.csv or the province itself" in said
    assert "opening_stock.csv row 8, place, item, lot: already stands in row 2" in said


def test_a_fault_in_a_row_is_not_held_against_the_rows_that_refer_to_it(broken: Path) -> None:
    change(broken, "regions.csv", "city,242285", "town,242285")
    assert [line.split(":")[0] for line in faults(broken)] == ["regions.csv row 8, kind"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("regency,337755", "regency,337.755", "row 2, population: must be a whole number"),
        ("regency,337755", "regency,1.000", "row 2, population: must be a whole number"),
        ("regency,337755", "regency,1e5", "row 2, population: must be a whole number"),
        ("regency,337755", "regency,0", "row 2, population: must be a whole number"),
        ("regency,337755", f"regency,{'9' * 30}", "row 2, population: must be a whole number"),
        ("regency,337755", "regency,", "row 2, population: is empty"),
        ("337755,84400", "337755,84.400", "row 2, households: must be a whole number"),
        ("337755,84400", "337755,337756", "row 2: households are more than the population"),
        ("regency,337755", "regency", "row 2: has 6 cells where the header has 7"),
        ("19.01,", "18.01,", "row 2, code: is not within 19"),
        ("1903,Bangka Barat", "1905,Bangka Barat", "row 6, bps_code: already stands in row 4"),
        ("name,kind", "name,kind,kind", "row 1, kind: this column stands twice"),
        ("1971,Kota Pangkalpinang", '1971,"Kota Pangkalpinang', "is not CSV"),
    ],
)
def test_a_slip_in_the_regions_is_named_with_its_row(broken: Path, old: str, new: str, said: str) -> None:
    change(broken, "regions.csv", old, new)
    assert any(said in line for line in faults(broken) if line.startswith("regions.csv")), faults(broken)


def test_a_moment_without_an_offset_is_refused(broken: Path) -> None:
    change(broken, "opening_stock.csv", "250000,2020-09-01T08:00:00+07:00", "250000,2020-09-01T08:00:00")
    change(broken, "opening_stock.csv", ",donation,600,2020-09-01T08:00:00+07:00", ",donation,600,1598922000")
    rows = [line.split(":")[0] for line in faults(broken)]
    assert rows[:2] == ["opening_stock.csv row 2, occurred_at", "opening_stock.csv row 3, occurred_at"]


def test_a_fault_never_repeats_the_number_of_a_person(broken: Path) -> None:
    change(broken, "owners.csv", "1904020504699902", "1904020504690000")
    change(broken, "owners.csv", "1904016308859903,+6283400000103", "1904015203789901,0834-0000")
    said = "\n".join(faults(broken))
    assert "row 3, nik: the serial may not be 0000" in said
    assert "row 4, nik: already stands in row 2" in said
    assert not any(number in said for number in ("1904020504690000", "1904015203789901", "0834-0000"))


def test_files_that_are_no_text_or_no_toml_are_faults_too(broken: Path) -> None:
    (broken / "items.csv").write_bytes(b"code,name\n\xff\xfe\n")
    (broken / "province.toml").write_text("code = ")
    (broken / "staff.csv").write_text("")
    said = faults(broken)
    assert [line.split(":")[0] for line in said] == ["province.toml", "items.csv", "staff.csv"]


def test_an_empty_folder_lists_every_file_that_a_province_needs(tmp_path: Path) -> None:
    assert sorted(line.removesuffix(": is missing") for line in faults(tmp_path)) == sorted(OTHER_PROVINCE)


# --- another province is another folder ---------------------------------------------------------------------------


def test_another_province_is_another_folder(other: Path) -> None:
    bengkulu = read_province(other)
    assert bengkulu.about.name == "Bengkulu"
    assert [region.code for region in bengkulu.regions] == ["17.71"]
    assert [business.owner for business in bengkulu.businesses] == [owner.id for owner in bengkulu.owners]
    assert bengkulu.trainings == ()
    assert (bengkulu.surveys[0].follows, bengkulu.survey_answers) == (None, ())
    assert bengkulu.owners[0].email is None
    assert bengkulu.opening_stock[0].lot is None
    assert (bengkulu.limits[0].times_max, bengkulu.limits[0].item) == (1, None)


def test_a_spreadsheet_may_put_its_mark_in_front_and_end_lines_its_own_way(other: Path) -> None:
    as_saved = OTHER_PROVINCE["items.csv"].replace("\n", "\r\n").encode("utf-8-sig")
    (other / "items.csv").write_bytes(as_saved)
    assert [item.code for item in read_province(other).items] == ["RICE-5KG"]


def test_the_demo_province_is_not_wired_into_the_reader(other: Path) -> None:
    change(other, "regions.csv", "17.71,", "19.71,")
    assert "regions.csv row 2, code: is not within 17" in faults(other)


# --- the numbers of a person --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nik", "fault"),
    [
        ("1971042902009901", None),  # 29 February 2000
        ("1971046902009901", None),  # the same day, a woman
        ("1971042902019901", "birthday"),  # neither 1901 nor 2001 had one
        ("1971040001809901", "birthday"),
        ("1971044001809901", "birthday"),  # 40 is neither a day nor a woman's day
        ("1971047201809901", "birthday"),
        ("1971043113809901", "birthday"),
        ("1971043101800000", "0000"),
        ("0071043101800001", "district"),
        ("197104310180990", "16 digits"),
        ("19710431018099010", "16 digits"),
        ("19710431018099٠١", "16 digits"),  # noqa: RUF001 - Arabic digits are digits to Python
        ("1.97104310180E15", "16 digits"),
    ],
)
def test_a_nik_is_judged_by_its_form_alone(nik: str, fault: str | None) -> None:
    said = nik_fault(nik)
    assert said is None if fault is None else fault in (said or "")


@pytest.mark.parametrize("phone", ["083400000101", "+62 834-0000-0101", "+62834", "+6283400000101x5", "", "+629"])
def test_a_phone_that_is_not_a_valid_e164_number_is_refused(phone: str) -> None:
    assert phone_fault(phone)
