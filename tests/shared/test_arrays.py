"""Columns as the text of an array: what goes in as a list comes out of PostgreSQL as the same list."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arrays import Column, array, of_arrays
from shared.database import Database
from tests.shared.backbone import OFFICER

AWKWARD = [
    "",
    "NULL",
    "null",
    None,
    "a,b",
    "{x}",
    "[y]",
    " sp ace ",
    'quo"te',
    "back\\slash",
    "line\nand\ttab",
    "\x7f",
    "\U0001f9f5é",
]
CASES: Sequence[tuple[str, Column]] = [
    ("text", AWKWARD),
    ("text", [one for one in AWKWARD if one is None or "\\" not in one]),
    ("text", []),
    ("bigint", [0, -(2**63), 2**63 - 1, None]),
    ("uuid", [UUID(int=0), UUID(int=2**128 - 1), None]),
    ("date", [date(1970, 1, 1), date(9999, 12, 31), None]),
    ("timestamptz", [datetime(2020, 9, 14, 23, 59, 59, 999_999, UTC), datetime(1970, 1, 1, tzinfo=UTC)]),
]


@pytest.mark.parametrize(("kind", "values"), CASES)
async def test_postgresql_reads_the_same_values(source: Database, kind: str, values: Column) -> None:
    ask = of_arrays(f"SELECT CAST(:values AS {kind}[])")
    async with source.reading(OFFICER) as work:
        assert (await work.session.execute(ask, {"values": array(values)})).scalar_one() == list(values)


@given(st.lists(st.text(st.characters(min_codepoint=32, exclude_characters='\\"', exclude_categories=["Cs"]))))
def test_without_escapes_the_short_way_is_taken(values: list[str]) -> None:
    assert array(values) == "{" + ",".join(f'"{one}"' for one in values) + "}"
