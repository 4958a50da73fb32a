"""A caller sees what the token's regions hold, and nothing by accident of spelling."""

import pytest

from shared.caller import SUBJECT_LENGTH_MAX, Caller, Role, caller_fault, default_regions, regions_fault


@pytest.mark.parametrize(
    ("regions", "region", "seen"),
    [
        (("19",), "19", True),
        (("19",), "19.71", True),
        (("19",), "19.71.01.1001", True),
        (("19.71",), "19.71", True),
        (("19.71",), "19", False),
        (("19.71",), "19.01", False),
        (("19.7",), "19.71", False),
        (("1",), "19.71", False),
        (("19.01", "19.71"), "19.71", True),
        (("19.71",), "", False),
        ((), "19.71", False),
        ((), "", False),
    ],
)
def test_a_region_is_seen_from_itself_and_from_above_only(regions: tuple[str, ...], region: str, *, seen: bool) -> None:
    assert Caller("someone", Role.PROVINCE_STAFF, regions).sees(region) is seen


@pytest.mark.parametrize("role", [Role.PROVINCE_STAFF, Role.AUDITOR, Role.OPERATOR, Role.SERVICE])
def test_who_serves_the_province_has_all_of_it_by_default(role: Role) -> None:
    assert default_regions(role, "19") == ("19",)
    assert regions_fault(role, default_regions(role, "19")) is None


def test_an_owner_has_no_regions_and_an_officer_must_be_given_theirs() -> None:
    assert default_regions(Role.OWNER, "19") == ()
    assert regions_fault(Role.OWNER, ()) is None
    assert regions_fault(Role.REGENCY_OFFICER, default_regions(Role.REGENCY_OFFICER, "19")) is not None
    assert regions_fault(Role.REGENCY_OFFICER, ("19.01", "19.71")) is None


@pytest.mark.parametrize(
    ("role", "regions"),
    [
        (Role.OWNER, ("19.71",)),
        (Role.REGENCY_OFFICER, ()),
        (Role.REGENCY_OFFICER, ("19",)),
        (Role.REGENCY_OFFICER, ("19.71", "19")),
        (Role.AUDITOR, ()),
        (Role.PROVINCE_STAFF, ("",)),
        (Role.PROVINCE_STAFF, ("1",)),
        (Role.PROVINCE_STAFF, ("19.",)),
        (Role.PROVINCE_STAFF, ("19.7",)),
        (Role.PROVINCE_STAFF, ("1971",)),
        (Role.PROVINCE_STAFF, ("19.71\n",)),
        (Role.PROVINCE_STAFF, ("١٩",)),
        (Role.PROVINCE_STAFF, ("*",)),
    ],
)
def test_a_role_with_regions_that_do_not_fit_it_is_named_as_a_fault(role: Role, regions: tuple[str, ...]) -> None:
    assert regions_fault(role, regions)


@pytest.mark.parametrize("subject", ["", " ", " a", "a ", "a\x00b", "a\nb", "a" * (SUBJECT_LENGTH_MAX + 1)])
def test_a_subject_that_a_log_or_a_database_could_not_hold_is_a_fault(subject: str) -> None:
    assert caller_fault(subject, Role.AUDITOR, ("19",))


def test_an_ordinary_subject_is_no_fault() -> None:
    assert caller_fault("a" * SUBJECT_LENGTH_MAX, Role.AUDITOR, ("19",)) is None
    assert caller_fault("ibu.siti@dinas.example", Role.REGENCY_OFFICER, ("19.71",)) is None
