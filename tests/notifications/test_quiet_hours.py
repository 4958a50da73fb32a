"""Nobody is woken: what comes by night goes in the morning of the reader's zone, and what is of no use then stays."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.people import Choices, Language, Person
from services.notifications.plans import AGE_MAX, Channel, Lane, Urgency, plan_for, plan_for_code
from shared.clock import WIB
from shared.night import WIT, WITA, awake_at, last_morning, zone_of


def wib(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 9, day, hour, minute, tzinfo=WIB).astimezone(UTC)


SITI = Person("owner/siti", Language.INDONESIAN, "siti@contoh.example", phone="+62811", home="19.71")


@pytest.mark.parametrize(
    ("at", "awake"),
    [
        (wib(21, 12), wib(21, 12)),
        (wib(21, 19, 59), wib(21, 19, 59)),
        (wib(21, 20), wib(22, 7)),
        (wib(21, 23, 59), wib(22, 7)),
        (wib(22, 0), wib(22, 7)),
        (wib(22, 6, 59), wib(22, 7)),
        (wib(22, 7), wib(22, 7)),
    ],
)
def test_the_night_is_from_eight_to_seven(at: datetime, awake: datetime) -> None:
    assert awake_at(at, WIB) == awake


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("19.71", WIB),
        ("19", WIB),
        ("62.71", WIB),
        ("64.01", WITA),
        ("51", WITA),
        ("81", WIT),
        ("96.01", WIT),
        ("", WIB),
    ],
)
def test_a_province_has_its_zone(region: str, zone: object) -> None:
    assert zone_of(region) is zone


def test_the_night_is_the_one_of_the_readers_home() -> None:
    ambon = Person("owner/ambon", Language.INDONESIAN, "a@contoh.example", home="81.71")
    assert plan_for(ambon, Urgency.REQUIRED, wib(21, 18, 30)).due_at == wib(22, 5)
    assert plan_for(SITI, Urgency.REQUIRED, wib(21, 18, 30)).due_at == wib(21, 18, 30)


@pytest.mark.parametrize("urgency", list(Urgency))
def test_no_class_wakes_anybody_and_a_code_comes_to_who_asked_for_it(urgency: Urgency) -> None:
    plan = plan_for(SITI, urgency, wib(21, 22))
    assert plan.channels == (Channel.WHATSAPP, Channel.SMS, Channel.EMAIL)
    assert (plan.due_at, plan.expires_at) == (wib(22, 7), wib(21, 22) + AGE_MAX)
    code = plan_for_code(SITI, wib(21, 22), wib(21, 22, 5))
    assert (code.lane, code.due_at, code.expires_at) == (Lane.CODE, wib(21, 22), wib(21, 22, 5))


def test_what_is_of_no_use_by_the_morning_stays_in_the_inbox_and_nothing_is_kept_longer_than_a_week() -> None:
    assert plan_for(SITI, Urgency.INVITATION, wib(21, 22), wib(22, 6)).channels == ()
    assert plan_for(SITI, Urgency.INVITATION, wib(21, 22), wib(22, 8)).channels != ()
    assert plan_for(SITI, Urgency.INFORMATION, wib(21, 12), wib(21, 11)).channels == ()
    assert plan_for(SITI, Urgency.INFORMATION, wib(1, 12), wib(30, 12)).expires_at == wib(8, 12)


def test_information_that_is_digested_is_not_sent_by_itself_and_the_rest_is() -> None:
    every = tuple(channel.value for channel in Channel)
    chooser = Person("owner/x", Language.ENGLISH, "x@contoh.example", choices=Choices(every, every, every, digest=True))
    assert plan_for(chooser, Urgency.INFORMATION, wib(21, 12)).channels == ()
    assert plan_for(chooser, Urgency.INVITATION, wib(21, 12)).channels == (Channel.EMAIL,)


def test_the_last_morning_is_todays_from_seven_on() -> None:
    assert last_morning(wib(22, 6, 59)) == wib(21, 7)
    assert last_morning(wib(22, 7)) == wib(22, 7)
    assert last_morning(wib(22, 7) + timedelta(hours=20)) == wib(22, 7)
