from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from shared import cursor
from shared.problems import Invalid

ID = UUID("0174472d-8680-7000-8000-000000000001")
MOMENT = datetime(2020, 9, 3, 1, 30, 15, 123456, UTC)


def made_up(value: object) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")


def test_a_cursor_gives_back_the_key_it_was_made_of() -> None:
    assert cursor.decode(cursor.encode(MOMENT, ID), tuple[datetime, UUID]) == (MOMENT, ID)
    assert cursor.decode(cursor.encode("Konveksi Ibu", 7), tuple[str, int]) == ("Konveksi Ibu", 7)


def test_a_cursor_consists_of_characters_that_need_no_escaping_in_an_address() -> None:
    made = [cursor.encode(UUID(int=number << 64), number) for number in range(300)]
    assert all(character.isalnum() or character in "-_" for text in made for character in text)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "abc",
        "____",
        "zzzzzzzzzzzz",
        made_up([str(ID)]),
        made_up([1, str(ID)]),
        made_up(["2020-09-03", str(ID)]),
        made_up({"a": 1}),
        made_up(None),
    ],
)
def test_what_was_never_a_cursor_is_told_so_at_the_parameter(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        cursor.decode(text, tuple[datetime, UUID])
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/query/cursor", "bad_cursor")]


@pytest.mark.parametrize("value", ["nul\0inside", 2**63])
def test_values_that_the_database_cannot_hold_are_refused_before_they_reach_it(value: str | int) -> None:
    with pytest.raises(Invalid):
        cursor.decode(made_up([value]), tuple[str | int])


@pytest.mark.parametrize("moment", ["2020-09-03T12:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_moments_without_a_place_on_the_timeline_are_refused(moment: str) -> None:
    with pytest.raises(Invalid):
        cursor.decode(made_up([moment]), tuple[datetime])


def test_a_page_shows_the_limit_and_points_to_the_rest() -> None:
    first = cursor.page([1, 2, 3], 2, str, lambda row: (row,))
    assert first.items == ["1", "2"]
    assert cursor.decode(first.next or "", tuple[int]) == (2,)
    assert cursor.page([1, 2], 2, str, lambda row: (row,)).next is None
    assert cursor.page([], 2, str, lambda row: (row,)).items == []
