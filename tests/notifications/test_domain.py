"""The rules of notifications as tables of cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from services.notifications.contacts.domain import circles
from services.notifications.delivery.domain import (
    ERRORS_MAX,
    Accepted,
    Change,
    Deferred,
    Doubtful,
    Outcome,
    Reason,
    Refused,
    State,
    change_after,
)
from services.notifications.messages.domain import BODY_LENGTH_MAX, BrokenTexts, check, compose
from services.notifications.messages.facts import LENGTH_MAX, Reading, values
from services.notifications.messages.rules import RULES, Audience
from services.notifications.messages.samples import longest
from services.notifications.messages.texts import TEXTS, Words
from services.notifications.messages.wording import figure, goods, listed, moment, shortened
from services.notifications.people import Language, key_of, owner_key
from shared.caller import Caller, Role
from shared.contracts.aid_distribution import Goods
from tests.notifications.story import NOON, SITI, TAILOR, arrived, business, masks, posted

ID, EN = Language.INDONESIAN, Language.ENGLISH


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("19", ["19"]),
        ("19.71", ["19", "19.71"]),
        ("19.71.01.1001", ["19", "19.71", "19.71.01", "19.71.01.1001"]),
    ],
)
def test_a_place_lies_in_its_region_and_in_every_region_around_it(region: str, expected: list[str]) -> None:
    assert circles(region) == expected


@pytest.mark.parametrize(
    ("number", "language", "expected"),
    [(500, ID, "500"), (1500, ID, "1.500"), (1500, EN, "1,500"), (1_000_000, ID, "1.000.000")],
)
def test_thousands_are_written_as_people_write_them(number: int, language: Language, expected: str) -> None:
    assert figure(number, language) == expected


@pytest.mark.parametrize(
    ("at", "language", "expected"),
    [
        (NOON, ID, "21 Sep 2020 12.00 WIB"),
        (NOON, EN, "21 Sep 2020 12:00 WIB"),
        (datetime(2020, 4, 30, 17, 5, tzinfo=UTC), ID, "1 Mei 2020 00.05 WIB"),
        (datetime(2020, 12, 31, 16, 59, tzinfo=UTC), ID, "31 Des 2020 23.59 WIB"),
    ],
)
def test_moments_are_told_on_the_local_clock(at: datetime, language: Language, expected: str) -> None:
    assert moment(at, language) == expected


@pytest.mark.parametrize(
    ("words", "length", "expected"),
    [
        ("Gudang", 6, "Gudang"),
        ("Gudang Kota", 7, "Gudang…"),
        ("Gudang\r\nBcc: x\t y", 40, "Gudang Bcc: x y"),
        ("Kota\x00\x1b[31m", 40, "Kota [31m"),
        ("", 5, ""),
    ],
)
def test_words_become_one_line_within_their_length(words: str, length: int, expected: str) -> None:
    assert shortened(words, length) == expected


def test_goods_that_do_not_fit_are_counted() -> None:
    soap = Goods(item="SOAP-5L", item_name="Sabun cuci tangan cair 5 liter", unit="piece", quantity=20)
    assert goods([masks(1500), soap], 80, ID) == (
        "1.500 buah Masker kain dua lapis, 20 buah Sabun cuci tangan cair 5 liter"
    )
    assert goods([masks(1500), soap], 60, ID) == "1.500 buah Masker kain dua lapis, +1 lainnya"
    assert goods([masks(), soap, soap], 40, EN) == "500 pcs Masker kain dua lapis, +2 more"
    assert goods([], 40, ID) == ""


@pytest.mark.parametrize(("count", "length"), list(product((1, 2, 3, 40), (20, 40, 64))))
def test_a_list_of_names_never_exceeds_its_length(count: int, length: int) -> None:
    line = listed(["W" * 200] * count, length, ID)
    assert len(line) <= length
    assert ("lainnya" in line) == (count > 1)


def test_every_rule_has_texts_that_fit_in_both_languages() -> None:
    check()


def test_the_worst_that_a_fact_can_say_still_fits_through_the_way_that_real_facts_take() -> None:
    for rule, language in product(RULES, Language):
        sample = longest(rule.event)
        assert sample is not None
        message = compose(rule.purpose, sample, Reading(language, "W" * 200, ("W" * 200,) * 9))
        assert 0 < len(message.body) <= BODY_LENGTH_MAX
        assert "{" not in message.title + message.body + message.why
        told = values(sample, Reading(language, "W" * 200))
        assert {name: len(value) for name, value in told.items() if len(value) > LENGTH_MAX[name]} == {}


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (Words("t", "{nobody} knows this", "w"), "nothing is known of {nobody}"),
        (Words("t", "{business}", "w{reason}"), "nothing is known of {reason}"),
        (Words("t", "x" * 320 + "{business}", "w"), "the body can have 360 characters, 320 are allowed"),
        (Words("t" * 81, "{business}", "w"), "the title can have 81 characters, 80 are allowed"),
        (Words("t", "{business}", ""), "the why can have 0 characters"),
    ],
)
def test_a_text_that_cannot_be_told_stops_the_start(words: Words, fault: str) -> None:
    with pytest.raises(BrokenTexts) as broken:
        check(RULES, TEXTS | {"aid": {ID: words, EN: TEXTS["aid"][EN]}})
    assert str(broken.value).startswith("aid (id): ")
    assert fault in str(broken.value)


def test_all_faults_of_rules_and_texts_are_told_at_once() -> None:
    rules = (
        replace(RULES[0], purpose="unheard_of"),
        replace(RULES[1], region="to_region"),
        replace(RULES[1], after="aid"),
        replace(RULES[3], after=None),
        replace(RULES[4], after="never_told"),
    )
    with pytest.raises(BrokenTexts) as broken:
        check(rules, {"idle": {}, **TEXTS})
    faults = str(broken.value).splitlines()
    for fault in (
        "unheard_of (id): there is no text",
        "unheard_of (en): there is no text",
        "aid: two rules share this purpose",
        "aid: serumpun.distribution.posted.v1 has no field to_region",
        "aid: `after` goes with the audience of those told before, and only with it",
        "void: `after` goes with the audience of those told before, and only with it",
        "void_office: nobody is told never_told",
        "idle: no rule tells this",
    ):
        assert fault in faults


def test_every_audience_has_a_rule_so_that_none_is_dead() -> None:
    assert {rule.tells for rule in RULES} == set(Audience)


def test_an_owner_reads_what_how_much_where_when_and_from_whom() -> None:
    message = compose("aid", posted(TAILOR), Reading(ID, "Fitri Handayani", ("Konveksi Siti",)))
    assert message.body == (
        "Konveksi Siti tercatat menerima bantuan masker gratis. Isi penyaluran: 500 buah Masker kain dua lapis. "
        "Tempat: Gudang Kota Pangkalpinang, 21 Sep 2020 12.00 WIB. Dari: Fitri Handayani (19.71). "
        "No. 2020-09-19.71-DO-0001."
    )
    english = compose("aid", posted(TAILOR), Reading(EN, None, ("Konveksi Siti",)))
    assert english.body == (
        "Konveksi Siti is recorded as receiving aid (free masks). Handed out: 500 pcs Masker kain dua lapis. "
        "Place: Gudang Kota Pangkalpinang, 21 Sep 2020 12:00 WIB. From: the office of 19.71. "
        "No. 2020-09-19.71-DO-0001."
    )


@pytest.mark.parametrize(
    ("public_heads", "businesses", "expected"),
    [(1200, 0, "1.200 orang umum"), (0, 3, "3 usaha"), (200, 3, "200 orang umum dan 3 usaha")],
)
def test_staff_read_for_how_many_it_was(public_heads: int, businesses: int, expected: str) -> None:
    event = posted(*[TAILOR] * businesses, public_heads=public_heads)
    assert f"untuk {expected}. Tempat" in compose("aid_office", event, Reading(ID)).body


@pytest.mark.parametrize(
    ("accepted", "rejected", "expected"),
    [
        (180, 20, "Diterima: 180 buah Masker kain dua lapis. Ditolak: 20 buah Masker kain dua lapis."),
        (200, 0, "Diterima: 200 buah Masker kain dua lapis. Ditolak: tidak ada."),
        (0, 200, "Diterima: tidak ada. Ditolak: 200 buah Masker kain dua lapis."),
    ],
)
def test_the_sender_of_goods_reads_what_was_rejected(accepted: int, rejected: int, expected: str) -> None:
    assert compose("goods_arrived", arrived(accepted, rejected), Reading(ID)).body.endswith(expected)


def test_braces_in_a_name_are_words_and_not_a_placeholder() -> None:
    event = business(name="{giver} {0.__class__}")
    assert compose("welcome", event, Reading(ID)).body.startswith("{giver} {0.__class__} sudah terdaftar")


@pytest.mark.parametrize(
    ("role", "subject", "key"),
    [
        (Role.OWNER, str(SITI), owner_key(SITI)),
        (Role.OWNER, str(SITI).upper(), owner_key(SITI)),
        (Role.OWNER, "oidc|123", "owner/oidc|123"),
        (Role.REGENCY_OFFICER, str(SITI), f"staff/{SITI}"),
        (Role.AUDITOR, "auditor", "staff/auditor"),
    ],
)
def test_the_role_decides_whose_inbox_a_subject_opens(role: Role, subject: str, key: str) -> None:
    assert key_of(Caller(subject, role, ())) == key


@pytest.mark.parametrize(
    ("outcome", "attempt", "expected"),
    [
        (Accepted("250 ok"), 1, Change(State.ACCEPTED, reply="250 ok")),
        (Refused("550 no"), 1, Change(State.FAILED, Reason.REFUSED, "550 no")),
        (Refused("", Reason.NO_ADDRESS), 1, Change(State.FAILED, Reason.NO_ADDRESS)),
        (Deferred("451 later"), 1, Change(State.QUEUED, None, "451 later", NOON + timedelta(seconds=10))),
        (Deferred("451 later"), 2, Change(State.QUEUED, None, "451 later", NOON + timedelta(minutes=10))),
        (Deferred("451 later"), 3, Change(State.FAILED, Reason.ERRORS, "451 later")),
        (Doubtful("gone"), 1, Change(State.UNKNOWN, Reason.ANSWER_LOST, "gone")),
        (Doubtful("gone"), 3, Change(State.UNKNOWN, Reason.ANSWER_LOST, "gone")),
    ],
)
def test_what_a_channel_says_decides_how_a_delivery_goes_on(outcome: Outcome, attempt: int, expected: Change) -> None:
    assert change_after(outcome, attempt, NOON) == expected


def test_the_third_error_is_the_last_and_a_long_reply_is_cut() -> None:
    assert ERRORS_MAX == 3
    assert len(change_after(Deferred("x" * 5000), 3, NOON).reply) == 300
