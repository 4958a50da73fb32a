"""What was sent, in pieces and sealed; and its rows, by the thousand, once it was read.

Shape: a piece is sealed for its own number in its own import, so that two cannot be swapped
"""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

import msgspec

from services.registration.businesses.sealing import import_key_name
from services.registration.imports.domain import ROWS_PER_BATCH
from services.registration.imports.tables import DayNumber, Fault, Formula, Number, TableRow
from shared.privacy import Cell, PersonKey, Vault

FILE: Final = "file"
ROWS: Final = "rows"
PIECE_BYTES: Final = 1_000_000
KINDS: Final[tuple[type[str], ...]] = (str, Number, DayNumber, Formula, Fault)
_Packed = list[tuple[int, dict[int, tuple[int, str]]]]


def new_key(vault: Vault, import_id: UUID) -> PersonKey:
    """Make the key of an import; its `wrapped` is stored with it."""
    return vault.new_person(import_key_name(import_id))


def key_of(vault: Vault, import_id: UUID, wrapped: bytes) -> PersonKey:
    """Give the key of an import."""
    return vault.person(import_key_name(import_id), wrapped)


def sealed_file(key: PersonKey, import_id: UUID, content: bytes) -> list[bytes]:
    """Seal a file in pieces."""
    return [
        key.seal_bytes(_cell(import_id, FILE, no), content[no * PIECE_BYTES : (no + 1) * PIECE_BYTES])
        for no in range(-(-len(content) // PIECE_BYTES))
    ]


def opened(key: PersonKey, import_id: UUID, kind: str, no: int, sealed: bytes) -> bytes:
    """Open one piece; raises Unreadable for what was not sealed for this place."""
    return key.open_bytes(_cell(import_id, kind, no), sealed)


def sealed_rows(key: PersonKey, import_id: UUID, no: int, rows: Sequence[TableRow]) -> bytes:
    """Seal rows as one piece."""
    packed = [
        (row.number, {place: (KINDS.index(type(cell)), str(cell)) for place, cell in row.cells.items()}) for row in rows
    ]
    return key.seal_bytes(_cell(import_id, ROWS, no), msgspec.msgpack.encode(packed))


def opened_rows(key: PersonKey, import_id: UUID, no: int, sealed: bytes) -> list[TableRow]:
    """Give the rows of one piece, their cells as they were read."""
    packed = msgspec.msgpack.decode(opened(key, import_id, ROWS, no, sealed), type=_Packed)
    return [
        TableRow(number, {place: KINDS[kind](cell) if kind else cell for place, (kind, cell) in cells.items()})
        for number, cells in packed
    ]


def batches(rows: Iterator[TableRow]) -> Iterator[list[TableRow]]:
    """Gather rows by the thousand."""
    batch: list[TableRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _cell(import_id: UUID, kind: str, no: int) -> Cell:
    return Cell("business_import_chunk", "sealed", f"{import_id}/{kind}/{no}")
