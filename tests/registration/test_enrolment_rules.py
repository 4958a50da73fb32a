"""The rules of enrolment as tables of cases: eligibility, steps, deadlines, shares of sessions, entry codes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.registration.trainings import entry_codes
from services.registration.trainings.certificates import initials
from services.registration.trainings.domain import sessions_needed
from services.registration.trainings.enrolment_rules import (
    ANSWER_TIME,
    ANSWER_TIME_LEAST,
    HOLDS_A_SEAT,
    OVER,
    STEPS,
    WHY,
    Applicant,
    State,
    StepNotPossible,
    Why,
    check_step,
    deadline,
    offers_close,
    reasons,
    time_to_answer,
)
from services.registration.trainings.entry_codes import CODE_LENGTH, Entry
from shared.clock import WIB
from shared.night import EVENING, MORNING, WIT, zone_of

RIGHT = Applicant(sector="garment", region="19.71", active=True, taken_before=False, applied_on=date(2020, 9, 1))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"region": "19.71.01"}, []),
        ({"region": "19.7"}, [Why.OTHER_REGION]),
        ({"region": "19.711"}, [Why.OTHER_REGION]),
        ({"sector": "spices"}, [Why.OTHER_SECTOR]),
        ({"active": False}, [Why.NOT_ACTIVE]),
        ({"taken_before": True}, [Why.TAKEN_BEFORE]),
        ({"applied_on": date(2020, 3, 25)}, []),
        ({"applied_on": date(2020, 3, 24)}, [Why.APPLICATION_TOO_OLD]),
        (
            {
                "sector": "spices",
                "region": "19.02",
                "active": False,
                "taken_before": True,
                "applied_on": date(2019, 9, 1),
            },
            list(Why),
        ),
    ],
)
def test_every_reason_is_told_at_once(changes: dict[str, object], expected: list[Why]) -> None:
    values = {name: getattr(RIGHT, name) for name in Applicant.__slots__} | changes
    one = Applicant(**values)  # type: ignore[arg-type]  # a table of changes
    assert reasons(one, sector="garment", region="19.71", starts_on=date(2020, 9, 21)) == expected


def test_every_reason_has_short_words_in_both_languages() -> None:
    assert set(WHY) == set(Why)
    assert all(0 < len(words) <= 120 for pair in WHY.values() for words in pair)


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_only_the_steps_of_the_table_are_taken(before: State, after: State) -> None:
    if after in STEPS[before]:
        check_step(before, after)
        return
    with pytest.raises(StepNotPossible) as refusal:
        check_step(before, after)
    assert refusal.value.members == {"state": before.value, "asked": after.value}


def test_a_seat_is_left_by_a_named_step_and_who_is_out_may_apply_again() -> None:
    assert all(STEPS[state] - HOLDS_A_SEAT for state in HOLDS_A_SEAT)
    assert all(STEPS[state] == {State.APPLIED} for state in OVER)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2020-09-14 10:00", "2020-09-16 08:00"),  # ten hours, thirteen, and one
        ("2020-09-14 07:00", "2020-09-15 18:00"),
        ("2020-09-14 06:30", "2020-09-15 18:00"),  # as if it were made when people get up
        ("2020-09-14 20:00", "2020-09-16 18:00"),
        ("2020-09-14 23:59", "2020-09-16 18:00"),
        ("2020-09-14 19:59", "2020-09-16 17:59"),
        ("2020-09-14 09:00", "2020-09-15 20:00"),  # the last moment of a day, and not the first of the next
    ],
)
def test_an_offer_has_a_day_of_hours_in_which_people_may_be_asked(now: str, until: str) -> None:
    made, ends = (datetime.fromisoformat(moment).replace(tzinfo=WIB) for moment in (now, until))
    assert deadline(made.astimezone(UTC), WIB) == ends
    assert deadline(made.astimezone(UTC), WIB).tzinfo == UTC


@given(
    st.integers(0, 10 * 366 * 24 * 3600).map(
        lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    )
)
def test_a_deadline_is_never_at_night_and_leaves_exactly_its_time(now: datetime) -> None:
    until = deadline(now, WIB).astimezone(WIB)
    assert MORNING <= until.time().replace(second=0, microsecond=0) <= EVENING
    awake, at = timedelta(), now
    while at < until:  # by hand, minute by minute, against the rule
        step = min(timedelta(minutes=1), until - at)
        awake += step * (MORNING <= at.astimezone(WIB).time() < EVENING)
        at += step
    assert abs(awake - ANSWER_TIME) <= timedelta(minutes=2)


def test_no_offer_is_open_once_people_get_up_on_the_first_day() -> None:
    assert offers_close(date(2020, 9, 21), WIB) == datetime(2020, 9, 21, 0, 0, tzinfo=UTC)


def test_the_night_is_that_of_the_region_of_the_training() -> None:
    assert offers_close(date(2020, 9, 21), zone_of("81.71")) == datetime(2020, 9, 20, 22, 0, tzinfo=UTC)
    made = datetime(2020, 9, 14, 19, 30, tzinfo=WIB)  # half past nine in Ambon
    assert deadline(made, zone_of("81.71")) == datetime(2020, 9, 16, 18, 0, tzinfo=WIT)


@pytest.mark.parametrize(
    ("now", "until", "minutes"),
    [
        ("20:30", "07:00", 0),  # the last night before it begins: it is over when the first message may go
        ("19:15", "07:00", 45),
        ("18:00", "07:00", 120),
        ("10:00", "07:00", 120),  # not counted any further
        ("06:00", "07:00", 0),
    ],
)
def test_the_time_to_answer_is_while_people_are_awake(now: str, until: str, minutes: int) -> None:
    made = datetime.fromisoformat(f"2020-09-20 {now}").replace(tzinfo=WIB)
    ends = datetime.fromisoformat(f"2020-09-21 {until}").replace(tzinfo=WIB)
    ends -= timedelta(days=1) if now == "06:00" else timedelta()
    assert time_to_answer(made, ends, WIB) == timedelta(minutes=minutes)
    assert timedelta(hours=2) == ANSWER_TIME_LEAST


@pytest.mark.parametrize(
    ("percent", "held", "needed"),
    [(80, 4, 4), (80, 5, 4), (80, 10, 8), (80, 1, 1), (75, 4, 3), (1, 4, 1), (100, 7, 7), (50, 3, 2)],
)
def test_a_share_of_sessions_is_rounded_up(percent: int, held: int, needed: int) -> None:
    assert sessions_needed(percent, held) == needed


@pytest.mark.parametrize(
    ("name", "expected"), [("Siti Aminah", "S. A."), ("siti", "S."), ("Hj. Nur  'Aini", "H. N."), ("", "")]
)
def test_of_a_name_only_first_letters_are_public(name: str, expected: str) -> None:
    assert initials(name) == expected


KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ENTRY = Entry(UUID(int=7), UUID(int=8))


def test_an_entry_code_says_what_was_signed() -> None:
    code = entry_codes.write(ENTRY, KEY)
    assert len(code) == CODE_LENGTH
    assert entry_codes.read(code, KEY.public_key()) == ENTRY


def test_no_changed_letter_of_an_entry_code_is_taken() -> None:
    raw = bytearray(urlsafe_b64decode(entry_codes.write(ENTRY, KEY) + "=="))
    for place in range(len(raw)):
        changed = bytes(byte ^ (place == number) for number, byte in enumerate(raw))
        assert entry_codes.read(urlsafe_b64encode(changed).decode().rstrip("="), KEY.public_key()) is None


@pytest.mark.parametrize("letters", ["", "a", "x" * CODE_LENGTH, "x" * 10_000, "é" * CODE_LENGTH, "AQ=="])
def test_other_letters_are_no_entry_code(letters: str) -> None:
    assert entry_codes.read(letters, KEY.public_key()) is None


def test_a_code_of_another_key_is_none() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    assert entry_codes.read(entry_codes.write(ENTRY, other), KEY.public_key()) is None
