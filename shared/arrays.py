"""Columns of many rows as one parameter each: written once in C, where the driver would look at every single value."""

import re
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

COLUMN = re.compile(r"CAST\(:(\w+) AS (?!bytea)(\w+)\[\]\)")
Column = Sequence[str | None] | Sequence[int | None] | Sequence[UUID | None] | Sequence[date | None]
"""Values of one kind; a moment is a date as well."""


def of_arrays(statement: str) -> TextClause:
    """Give a statement to which every `CAST(:name AS kind[])` is handed as `array` gives it; `bytea[]` is a list."""
    return text(COLUMN.sub(r"CAST(CAST(:\1 AS text) AS \2[])", statement))


def array(values: Column) -> str:
    """Give values as the text of a PostgreSQL array, for a statement made by `of_arrays`.

    Shape:  a JSON array of numbers, quoted text and null is one of PostgreSQL's but for its brackets, as long as
            nothing is escaped in it; where something is, the escapes of PostgreSQL are written instead
    Source: PostgreSQL manual, 8.15.6 (array input); asyncpg asks of each value whether it is an array itself, 0.4 us
    """
    written = msgspec.json.encode(values).decode()
    if "\\" in written:
        written = f"[{','.join(map(_quoted, values))}]"
    return f"{{{written[1:-1]}}}"


def _quoted(value: object) -> str:
    if value is None:
        return "NULL"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
