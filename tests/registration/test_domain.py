from datetime import date

import phonenumbers
import pytest

from services.registration.businesses.domain import (
    MOBILE,
    BusinessData,
    BusinessIsClosed,
    BusinessIsMerged,
    OwnerData,
    State,
    change_mistakes,
    e164,
    follow,
    mistakes,
    names_agree,
    nik_notices,
    registration_mistakes,
    scale_by_sales,
    scale_of_industry,
)

TODAY = date(2020, 9, 3)
BILLION = 1_000_000_000


def told(errors: object) -> list[tuple[str, str]]:
    return sorted((error.pointer, error.code) for error in errors)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sales", "scale"),
    [
        (0, "micro"),
        (2 * BILLION, "micro"),
        (2 * BILLION + 1, "small"),
        (15 * BILLION, "small"),
        (15 * BILLION + 1, "medium"),
        (50 * BILLION, "medium"),
        (50 * BILLION + 1, "large"),
    ],
)
def test_annual_sales_decide_the_scale_of_a_business(sales: int, scale: str) -> None:
    scaled = scale_by_sales(sales)
    assert (scaled.scale, scaled.rule) == (scale, "pp-7-2021")


@pytest.mark.parametrize(
    ("workers", "invested", "scale"),
    [
        (0, 0, "small"),
        (19, BILLION - 1, "small"),
        (19, BILLION, "medium"),
        (20, 0, "medium"),
        (20, 15 * BILLION, "medium"),
        (20, 15 * BILLION + 1, "large"),
        (19, 15 * BILLION + 1, "medium"),
    ],
)
def test_workers_and_investment_decide_the_scale_of_an_industry(workers: int, invested: int, scale: str) -> None:
    scaled = scale_of_industry(workers, invested)
    assert (scaled.scale, scaled.rule) == (scale, "permenperin-64-2016")


def test_a_scale_stays_unknown_while_what_it_needs_is_unknown() -> None:
    business = BusinessData(name="Konveksi", sector="garment", region="19.71", workers=3)
    assert business.business_scale is None
    assert business.industry_scale is None


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0812-7174-1234", "+6281271741234"),
        ("+62 812 7174 1234", "+6281271741234"),
        ("62812 7174 1234", "+6281271741234"),
        ("(0717) 421234", "+62717421234"),
        ("+60 12-345 6789", "+60123456789"),
        ("0834 0000 0101", "+6283400000101"),
        ("12", None),
        ("0812", None),
        ("not a number", None),
        ("", None),
        ("+62 812 7174 1234 5678 90", None),
        ("0812-7174-1234\n\x00", None),
    ],
)
def test_telephone_numbers_are_kept_as_the_network_dials_them(written: str, stored: str | None) -> None:
    assert e164(written) == stored


def test_the_short_way_of_mobile_numbers_is_the_rule_of_the_library() -> None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("ID")
    assert metadata is not None
    assert metadata.mobile is not None
    assert metadata.mobile.national_number_pattern == MOBILE.pattern


@pytest.mark.parametrize(
    ("nik", "wrong"),
    [
        ("1971015203789901", False),  # a woman, born on the 12th
        ("1971011203789901", False),
        ("3310020107900001", False),  # issued elsewhere: no mistake
        ("1971012902000001", False),  # 29 February 2000
        ("1971013002000001", True),  # 30 February
        ("1971017202000001", True),  # the 32nd, of a woman
        ("1971010001900001", True),
        ("1971011213900001", True),
        ("1971011203780000", True),
        ("197101120378990", True),
        ("19710112037899011", True),
        ("19710112O3789901", True),
        ("１９７１０１１２０３７８９９０１", True),  # noqa: RUF001  digits of another script are not a NIK
        ("0071011203789901", True),
        ("1971011203789901\n", True),
    ],
)
def test_a_nik_is_judged_by_its_form_alone(nik: str, *, wrong: bool) -> None:
    expected = [("/owner/nik", "invalid_nik")] if wrong else []
    assert told(mistakes({"/owner/nik": nik}, TODAY)) == expected


def test_the_answer_to_a_wrong_nik_does_not_repeat_it() -> None:
    (error,) = mistakes({"/owner/nik": "1971011203780000"}, TODAY)
    assert "19710112" not in error.detail


def test_a_nik_issued_elsewhere_warns_and_never_refuses() -> None:
    assert nik_notices("1971015203789901", "19.71") == []
    (notice,) = nik_notices("3310024906809905", "19.04")
    assert (notice.pointer, notice.code) == ("/owner/nik", "nik_issued_elsewhere")


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("Siti Rohani", "SITI  ROHANI", True),
        ("Hj. Siti Rohani", "Hj Siti Rohani", True),
        ("Renée", "Renee", True),
        ("Siti Rohani", "Siti Rahani", False),
        ("Siti", "Siti Rohani", False),
        ("...", "---", False),
        ("...", "...", True),
    ],
)
def test_names_agree_when_only_their_spelling_differs(one: str, other: str, *, agree: bool) -> None:
    assert names_agree(one, other) is agree


def test_every_mistake_of_meaning_is_told() -> None:
    leaves = {
        "/owner/nik": "1",
        "/owner/phone": "x",
        "/owner_id": "b2",
        "/annual_sales_on": date(2020, 9, 4),
        "/name": "fine",
    }
    assert told([*mistakes(leaves, TODAY), *registration_mistakes(leaves)]) == [
        ("/annual_sales_on", "in_the_future"),
        ("/annual_sales_rupiah", "missing"),
        ("/owner/nik", "invalid_nik"),
        ("/owner/phone", "invalid_phone"),
        ("/owner_id", "both_given"),
    ]


def test_a_registration_names_its_owner_once() -> None:
    assert told(registration_mistakes({"/name": "x"})) == [("/owner", "missing")]
    assert told(registration_mistakes({"/owner_id": "b2"})) == []
    assert told(registration_mistakes({"/owner/name": "Siti"})) == []


def test_a_suspension_needs_its_reason_and_a_day_of_sales_the_sales() -> None:
    assert told(change_mistakes({"/state": "suspended"}, state=State.ACTIVE, sales_known=False)) == [
        ("/state_reason", "missing")
    ]
    assert told(change_mistakes({"/state_reason": "no orders"}, state=State.ACTIVE, sales_known=False)) == [
        ("/state", "missing")
    ]
    assert told(change_mistakes({"/state": "active"}, state=State.ACTIVE, sales_known=False)) == []
    assert told(change_mistakes({"/annual_sales_on": TODAY}, state=State.ACTIVE, sales_known=False)) == [
        ("/annual_sales_rupiah", "missing")
    ]
    assert told(change_mistakes({"/annual_sales_on": TODAY}, state=State.ACTIVE, sales_known=True)) == []


@pytest.mark.parametrize("state", [State.ACTIVE, State.SUSPENDED])
@pytest.mark.parametrize("wanted", [State.ACTIVE, State.SUSPENDED, State.CLOSED])
def test_an_open_business_may_pass_into_every_state_that_can_be_asked_for(state: State, wanted: State) -> None:
    assert follow(state, wanted) is wanted


@pytest.mark.parametrize("wanted", State)
def test_a_closed_business_stays_closed(wanted: State) -> None:
    with pytest.raises(BusinessIsClosed):
        follow(State.CLOSED, wanted)


@pytest.mark.parametrize("wanted", State)
def test_a_merged_business_is_left_as_it_is(wanted: State) -> None:
    with pytest.raises(BusinessIsMerged):
        follow(State.MERGED, wanted)


def test_a_person_in_a_traceback_shows_nothing() -> None:
    assert repr(OwnerData(name="Siti", nik="1971015203789901", phone="+6281271741234")) == "OwnerData(...)"
