"""Bodies and queries that become values, and what is told of those that do not."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import pytest

from services.suite import SERVICES
from shared import openapi
from shared.mistakes import ERRORS_MAX
from shared.routes import Text
from shared.service import Service
from shared.validation import Misshapen, read_json, read_query, read_text

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    counts: Annotated[list[int], msgspec.Meta(min_length=1, max_length=3)] = []


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Annotated[int, msgspec.Meta(ge=1, le=100)]
    inner: Inner | None = None
    inners: Annotated[list[Inner], msgspec.Meta(max_length=2)] | None = None
    open: bool = False
    day: date | None = None
    at: Moment | None = None
    word: Literal["a", "b"] | msgspec.UnsetType = msgspec.UNSET
    id: UUID | None = None


class Loose(msgspec.Struct):
    number: int = 0


class Query(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    number: Annotated[int, msgspec.Meta(ge=-10, le=10)] | None = None
    at: Moment | None = None
    day: date | None = None
    from_: Moment | None = msgspec.field(default=None, name="from")
    open: bool | None = None
    id: UUID | None = None
    text: str | None = None
    word: Literal["a", "b"] | None = None


def told(fault: Misshapen) -> set[tuple[str, str]]:
    return {(error.pointer, error.code) for error in fault.errors}


def wrong(raw: bytes | str, kind: type[msgspec.Struct] = Body) -> set[tuple[str, str]]:
    with pytest.raises(Misshapen) as raised:
        read_json(raw.encode() if isinstance(raw, str) else raw, kind)
    return told(raised.value)


def asked(**values: str) -> Query:
    return read_query(list(values.items()), Query)


def asked_wrong(*values: tuple[str, str]) -> set[tuple[str, str]]:
    with pytest.raises(Misshapen) as raised:
        read_query(values, Query)
    return told(raised.value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"number": 0}', {("/number", "too_small")}),
        ('{"number": 101}', {("/number", "too_large")}),
        ('{"number": 1' + "0" * 30 + "}", {("/number", "too_large")}),
        ('{"number": "1"}', {("/number", "wrong_type")}),
        ('{"number": 1.0}', {("/number", "wrong_type")}),
        ('{"number": true}', {("/number", "wrong_type")}),
        ('{"number": null}', {("/number", "missing")}),
        ("{}", {("/number", "missing")}),
        ('{"number": 1, "inner": {"name": ""}}', {("/inner/name", "too_short")}),
        ('{"number": 1, "inner": {"name": "abcdef"}}', {("/inner/name", "too_long")}),
        ('{"number": 1, "inner": []}', {("/inner", "wrong_type")}),
        ('{"number": 1, "inner": {"name": "a", "counts": []}}', {("/inner/counts", "too_few")}),
        ('{"number": 1, "inner": {"name": "a", "counts": [1, 2, 3, 4]}}', {("/inner/counts", "too_many")}),
        ('{"number": 1, "inner": {"name": "a", "counts": {}}}', {("/inner/counts", "wrong_type")}),
        ('{"number": 1, "inner": {"name": "a", "counts": ["x", 1, null]}}',
         {("/inner/counts/0", "wrong_type"), ("/inner/counts/2", "missing")}),
        ('{"number": 1, "inners": [{"name": "a"}, {"nam": "a"}]}',
         {("/inners/1/name", "missing"), ("/inners/1/nam", "unknown_field")}),
        ('{"number": 1, "open": "yes"}', {("/open", "wrong_type")}),
        ('{"number": 1, "day": "2020-02-30"}', {("/day", "bad_format")}),
        ('{"number": 1, "day": 20200101}', {("/day", "wrong_type")}),
        ('{"number": 1, "at": "2020-09-14"}', {("/at", "bad_format")}),
        ('{"number": 1, "at": "2020-09-14T09:00:00"}', {("/at", "offset_missing")}),
        ('{"number": 1, "at": 1600000000}', {("/at", "wrong_type")}),
        ('{"number": 1, "word": "c"}', {("/word", "unknown_value")}),
        ('{"number": 1, "word": null}', {("/word", "missing")}),
        ('{"number": 1, "id": "x"}', {("/id", "bad_format")}),
        ('{"number": 1, "x/y~z": 1}', {("/x~1y~0z", "unknown_field")}),
        ('{"number": 1, "number": 2}', {("/number", "given_twice")}),
        ('{"number": 0, "number": 2, "inner": {"name": "a", "name": "b"}}',
         {("/number", "given_twice"), ("/inner/name", "given_twice")}),
        ('{"number": 1, "\\u006eumber": 2}', {("/number", "given_twice")}),
        ('{"number": 1, "at": "0001-01-01T00:00:00+07:00"}', {("/at", "out_of_calendar")}),
        ('{"number": 1, "day": "9999-12-31"}', {("/day", "out_of_calendar")}),
        ("[]", {("", "wrong_type")}),
        ("null", {("", "wrong_type")}),
        ('"text"', {("", "wrong_type")}),
        ("1", {("", "wrong_type")}),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is_and_by_a_stable_code(raw: str, expected: set[tuple[str, str]]) -> None:
    assert wrong(raw) == expected


def test_all_mistakes_of_one_body_are_told_at_once() -> None:
    assert wrong('{"number": 0, "inner": {"name": "", "counts": ["a"]}, "open": 1, "day": "x", "id": 1, "y": 1}') == {
        ("/number", "too_small"),
        ("/inner/name", "too_short"),
        ("/inner/counts/0", "wrong_type"),
        ("/open", "wrong_type"),
        ("/day", "bad_format"),
        ("/id", "wrong_type"),
        ("/y", "unknown_field"),
    }


@pytest.mark.parametrize("raw", [b"", b" ", b"{", b"{'number': 1}", b'{"number": 1,}', b'{"number": NaN}', b"\xff",
                                 b'{"number": 01}', b'{"word": "\\udc00", "number": 1}', b"[" * 50_000])  # fmt: skip
def test_what_is_not_json_is_one_mistake(raw: bytes) -> None:
    assert wrong(raw) == {("", "malformed_json")}


def test_a_number_that_no_type_can_hold_is_told_where_it_stands() -> None:
    assert wrong('{"number": 1, "inner": {"name": "a", "counts": [1, 1e999]}}') == {("/inner/counts/1", "too_large")}
    assert wrong('{"number": ' + "9" * 10_000 + "}") == {("/number", "too_large")}


def test_a_struct_that_takes_more_than_it_names_still_wants_each_name_once() -> None:
    assert read_json(b'{"number": 1, "more": 2}', Loose) == Loose(1)
    assert wrong('{"number": 1, "number": 1}', Loose) == {("/number", "given_twice")}


def test_the_values_that_are_right_are_kept_for_those_who_know_the_rules() -> None:
    with pytest.raises(Misshapen) as raised:
        read_json(b'{"number": 7, "at": "2020-09-14T09:00:00+07:00", "inner": {"name": "a"}, "word": "z"}', Body)
    assert raised.value.leaves == {
        "/number": 7,
        "/at": datetime(2020, 9, 14, 2, tzinfo=UTC),
        "/inner/name": "a",
    }


def test_where_there_is_no_body_nothing_is_kept() -> None:
    with pytest.raises(Misshapen) as raised:
        read_json(b"{", Body)
    assert raised.value.leaves is None


def test_no_more_mistakes_are_told_than_somebody_reads() -> None:
    with pytest.raises(Misshapen) as raised:
        read_json(msgspec.json.encode({str(number): 1 for number in range(5_000)}), Body)
    assert len(raised.value.errors) == ERRORS_MAX


def test_what_lies_beyond_the_limit_of_a_list_is_not_looked_at() -> None:
    raw = msgspec.json.encode({"number": 1, "inners": [{"name": "a"}, {"name": "b"}] + [{"x": 1}] * 20_000})
    assert wrong(raw) == {("/inners", "too_many")}


# Queries


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("10", 10), ("-3", -3)])
def test_a_number_of_a_query_is_its_digits(text: str, number: int) -> None:
    assert asked(number=text).number == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1.0",
        "1.000",
        "1,000",
        "1e0",
        "+1",
        "01",
        "-0",
        "--1",
        " 1",
        "1 ",
        "\u0663",
        "\uff11",
        "0x1",
        "9" * 5_000,
    ],
)
def test_anything_else_is_no_number(text: str) -> None:
    assert asked_wrong(("number", text)) == {("/query/number", "wrong_type")}


@pytest.mark.parametrize(("text", "code"), [("11", "too_large"), ("-11", "too_small"), ("9" * 39, "too_large")])
def test_the_limits_of_a_number_hold_in_a_query_too(text: str, code: str) -> None:
    assert asked_wrong(("number", text)) == {("/query/number", code)}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-09-14T09:00:00+07:00", datetime(2020, 9, 14, 9, tzinfo=timezone(timedelta(hours=7)))),
        ("2020-09-14T02:00:00Z", datetime(2020, 9, 14, 2, tzinfo=UTC)),
        ("2020-09-14T02:00:00.5Z", datetime(2020, 9, 14, 2, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_moment_of_a_query_is_rfc_3339(text: str, moment: datetime) -> None:
    assert asked(at=text).at == moment
    assert read_query([("from", text)], Query).from_ == moment


@pytest.mark.parametrize(
    "text", ["0", "1600000000", "1.5", "1e9", "2020", "2020-09-14", "2020-09-14T09:00Z", "now", ""]
)
def test_a_bare_number_is_never_a_moment(text: str) -> None:
    # The lax conversion of msgspec takes 1600000000 for one.
    assert msgspec.convert("1600000000", datetime, strict=False).year == 2020
    assert asked_wrong(("at", text)) == {("/query/at", "bad_format")}


def test_a_moment_without_an_offset_is_told_so() -> None:
    assert asked_wrong(("from", "2020-09-14T09:00:00")) == {("/query/from", "offset_missing")}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_yes_and_no_are_words(text: str, value: bool) -> None:  # noqa: FBT001 - the value that is expected
    assert asked(open=text).open is value


@pytest.mark.parametrize("text", ["1", "0", "True", "FALSE", "yes", "on", ""])
def test_anything_else_is_neither_yes_nor_no(text: str) -> None:
    assert asked_wrong(("open", text)) == {("/query/open", "wrong_type")}


def test_text_stays_text_whatever_it_looks_like() -> None:
    assert asked(text="1600000000").text == "1600000000"
    assert asked(text="true").text == "true"


def test_a_name_stands_once_in_a_query() -> None:
    assert asked_wrong(("number", "1"), ("number", "2")) == {("/query/number", "given_twice")}


def test_all_mistakes_of_a_query_are_told_at_once() -> None:
    assert asked_wrong(("number", "x"), ("at", "1"), ("word", "c"), ("id", "1"), ("colour", "red"), ("day", "1")) == {
        ("/query/number", "wrong_type"),
        ("/query/at", "bad_format"),
        ("/query/word", "unknown_value"),
        ("/query/id", "bad_format"),
        ("/query/colour", "unknown_field"),
        ("/query/day", "bad_format"),
    }


def test_an_empty_query_gives_what_stands_for_nothing() -> None:
    assert read_query([], Query) == Query()


# Parts of a path


def test_a_part_of_a_path_is_read_like_a_query() -> None:
    assert read_text("7", Annotated[int, msgspec.Meta(ge=0, le=9)]) == 7
    assert read_text("7", str) == "7"
    assert read_text(str(UUID(int=7)), UUID) == UUID(int=7)


@pytest.mark.parametrize("text", ["1.000", "07", "10", "-1", "", "x"])
def test_a_part_that_is_not_of_its_kind_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_text(text, Annotated[int, msgspec.Meta(ge=0, le=9)])


class Said(msgspec.Struct):
    text: Text


@pytest.mark.parametrize("first", ["\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u3000", "\ufeff"])
def test_a_text_begins_with_something_to_see_in_python_as_in_json_schema(first: str) -> None:
    assert wrong(msgspec.json.encode({"text": f"{first}Siti"}), Said) == {("/text", "bad_format")}


def test_a_text_may_be_in_any_script() -> None:
    for text in ("Siti Aminah", "Ñandú", "مرحبا", "𝄞 clef", "Ibu\xa0Siti"):
        assert read_json(msgspec.json.encode({"text": text}), Said).text == text


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))
def test_no_pattern_uses_a_class_that_python_and_json_schema_read_differently(service: Service) -> None:
    document = msgspec.json.encode(openapi.document(service.title, "1", service.declared))
    patterns = re.findall(r'"pattern":"((?:[^"\\]|\\.)*)"', document.decode())
    assert patterns
    assert [pattern for pattern in patterns if re.search(r"\\\\[sSwWdDbB]", pattern)] == []
