"""The rules of an import: how a row is read, what may not stand twice in a file, and what an import may do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from services.registration.businesses.domain import State as BusinessState
from services.registration.businesses.domain import names_agree
from services.registration.businesses.told import TOLD_OF_OWNER, Fault, Told
from services.registration.imports import cells
from services.registration.imports.cells import CLEAR, Wrong
from services.registration.imports.columns import EXAMPLE_MARKS, Column, Layout
from shared.problems import Refusal

KEPT: Final = timedelta(days=7)
"""How long what was sent is kept: long enough to get the file back, and no longer than that."""
LEASE: Final = timedelta(seconds=60)
OPEN_MAX: Final = 3
"""How many imports of one person may wait or run."""
ROWS_PER_BATCH: Final = 500
COMPARED_AT_ONCE: Final = 250
"""So many businesses are compared in one transaction, in which this worker imports nothing."""


class State(StrEnum):
    """How far an import is."""

    UPLOADED = "uploaded"
    PREVIEWING = "previewing"
    PREVIEWED = "previewed"
    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


WORKING: Final = (State.UPLOADED, State.PREVIEWING, State.IMPORTING)
"""There is something to do that nobody has to be asked about."""
OVER: Final = (State.DONE, State.FAILED, State.CANCELLED)


class Mode(StrEnum):
    """What is done about rows that are refused."""

    ALL_OR_NOTHING = "all_or_nothing"
    GOOD_ROWS = "good_rows"


class About(StrEnum):
    """What the rows of a file are about."""

    BUSINESSES = "businesses"
    SURVEY_ANSWERS = "survey_answers"


class NotPreviewed(Refusal):
    """An import is carried out once, and only after it was looked through."""

    code = "not_previewed"
    title = "The import is not ready to be carried out"


class RowsRefused(Refusal):
    """All or nothing was asked for, and there are rows that cannot be taken."""

    code = "rows_refused"
    title = "There are rows that cannot be taken"


class ImportOver(Refusal):
    """What is over cannot be called off."""

    code = "import_over"
    title = "The import is over"


class TooManyImports(Refusal):
    """Somebody has sent more files than are worked off at once."""

    code = "too_many_imports"
    title = "Other imports wait still"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one cell, by row, column and value; a long number in the value is masked."""

    row: int
    column: str
    heading: str
    value: str
    code: str
    detail: str
    refuses: bool = True


@dataclass(slots=True)
class ReadRow:
    """A row as it was read: what it tells, and what is wrong with it already."""

    number: int
    told: Told
    cells: Mapping[int, str]
    findings: list[Finding] = field(default_factory=list)


class Reader:
    """Reads the rows of one file; what stands in many cells again and again is understood once."""

    def __init__(self, layout: Layout, regions: Mapping[str, str], *, epoch_1904: bool) -> None:
        """Take where the columns stand, and the names of regions by their codes."""
        self.layout = layout
        self._epoch_1904 = epoch_1904
        self._regions = {}
        for code, name in regions.items():
            self._regions[name.casefold()] = code
            short = name.casefold().removeprefix("kabupaten ").removeprefix("kota ")
            # Where a city and a regency share a name, the short one means neither.
            self._regions[short] = "" if self._regions.get(short, code) != code else code
        self._columns = sorted(layout.places.items())

    def read(self, number: int, row: Mapping[int, str]) -> ReadRow | None:
        """Read one row; None for an example, and for one in which no column of ours says anything."""
        values: dict[str, Any] = {}
        masked: set[str] = set()
        read = ReadRow(number, Told(values=values), row)
        said = False
        for place, column in self._columns:
            cell = row.get(place)
            if not cell:
                continue
            try:
                words = cells.plain(cell)
                if not words:
                    continue
                said = True
                if words in CLEAR:
                    _check_clears(column)
                    values[column.field] = None
                elif column.mask and cells.masked(words):
                    masked.add(column.field)
                elif column.field == "id" and words.lower() in EXAMPLE_MARKS:
                    return None
                else:
                    values[column.field] = self._value(column, type(cell)(words) if words is not cell else cell)
            except Wrong as wrong:
                said = True
                read.findings.append(finding(number, column, cell, wrong.code, wrong.detail))
        read.told.masked = frozenset(masked)
        return read if said else None

    def _value(self, column: Column, words: str) -> object:  # noqa: PLR0911 - a line for each kind
        match column.field:
            case "region":
                return self._region(words)
            case "id":
                return _id(words)
            case "language":
                return _language(words)
            case "state":
                return _state(words)
        if column.read is cells.day:
            return cells.day(words, epoch_1904=self._epoch_1904)
        if column.read is cells.text:
            if cells.is_day(words):
                raise Wrong("date_in_text", "The spreadsheet has made a day of it; format the column as text.")
            return cells.text(words)
        return column.read(words)

    def _region(self, words: str) -> str:
        code = cells.region_code(words) or self._regions.get(" ".join(words.casefold().split()).replace("kab. ", ""))
        if not code:
            raise Wrong("unknown_region", "There is no regency or city of this code or name.")
        return code


def _check_clears(column: Column) -> None:
    if not column.clears:
        raise Wrong("cannot_clear", "It cannot be taken away; leave the cell empty to keep what is known.")


def _id(words: str) -> UUID:
    try:
        return UUID(words)
    except ValueError:
        raise Wrong("invalid_id", "Not an id of a business; leave it empty for a new one.") from None


LANGUAGES: Final = {
    **dict.fromkeys(("id", "indonesia", "bahasa indonesia", "indonesian"), "id"),
    **dict.fromkeys(("en", "inggris", "english", "bahasa inggris"), "en"),
}
STATES: Final = {
    **dict.fromkeys(("aktif", "active", "buka", "beroperasi"), BusinessState.ACTIVE),
    **dict.fromkeys(("ditangguhkan", "suspended", "berhenti sementara", "tidak aktif"), BusinessState.SUSPENDED),
    **dict.fromkeys(("tutup", "closed", "ditutup"), BusinessState.CLOSED),
}


def _language(words: str) -> str:
    if found := LANGUAGES.get(words.lower()):
        return found
    raise Wrong("invalid_language", "id or en.")


def _state(words: str) -> BusinessState:
    if found := STATES.get(words.lower()):
        return found
    raise Wrong("invalid_state", "aktif (active) or ditangguhkan (suspended).")


def finding(number: int, column: Column, cell: str, code: str, detail: str, *, refuses: bool = True) -> Finding:
    """Say what is wrong with a cell; a value that an export would mask is shown by its end alone."""
    value = cells.shown(str(cell))
    if column.mask and column.field != "phone":
        value = "*" * max(len(value) - 4, 0) + value[-4:] if column.field == "nik" else "*" * len(value)
    return Finding(number, column.field, column.heading, value, code, detail, refuses)


def of_fault(read: ReadRow, layout: Layout, fault: Fault, by_field: Mapping[str, Column]) -> Finding:
    """Say which cell of a row a fault is about."""
    column = by_field[fault.field]
    place = next((place for place, one in layout.places.items() if one.field == fault.field), None)
    cell = read.cells.get(place, "") if place is not None else ""
    return finding(read.number, column, cell, fault.code, fault.detail, refuses=fault.refuses)


def note(read: ReadRow, layout: Layout, faults: Sequence[Fault], by_field: Mapping[str, Column]) -> None:
    """Put what is wrong with a row to it; of a cell that could not be read nothing else is told."""
    told_of = {one.column for one in read.findings}
    read.findings += [of_fault(read, layout, fault, by_field) for fault in faults if fault.field not in told_of]


class SoFar:
    """What the rows of a file so far were about: no business may stand in it twice, and no owner be told two ways."""

    def __init__(self) -> None:
        self._rows: dict[object, int] = {}
        self._owners: dict[object, tuple[int, dict[str, object]]] = {}

    def faults(self, number: int, told: Told, meant: UUID | None, owner: UUID | None) -> Iterator[Fault]:
        """Say what a row says again, or otherwise than an earlier one; then it counts as an earlier one itself."""
        said_before = {self._rows.get(key, number): name for name, key in _looked_by(told, meant)}
        said_before.pop(number, None)
        for key in _found_by(told, meant):
            self._rows.setdefault(key, number)
        for before, name in sorted(said_before.items())[:1]:
            yield Fault(name, "twice_in_file", f"Row {before} is about the same business.")
        whose = told.nik_index or owner
        if whose is None:
            return
        said = {name: told.values[name] for name in TOLD_OF_OWNER if told.values.get(name) is not None}
        before, earlier = self._owners.setdefault(whose, (number, said))
        if before == number:
            return
        for name in sorted(said.keys() & earlier.keys()):
            if not _same(name, said[name], earlier[name]):
                code = "nik_belongs_to_another" if name == "owner_name" else "contradicts_row"
                yield Fault(name, code, f"Row {before} tells it otherwise of the same owner.")
        for name in said.keys() - earlier.keys():
            earlier[name] = said[name]


def _same(name: str, one: object, other: object) -> bool:
    return names_agree(str(one), str(other)) if name == "owner_name" else one == other


def _looked_by(told: Told, meant: UUID | None) -> Iterator[tuple[str, object]]:
    """Name what a row is found by, as `told.matched` looks: by a weaker word only where no stronger one is given."""
    values = told.values
    if meant is not None:
        yield "name", meant
    if nib := values.get("nib"):
        yield "nib", ("nib", nib)
    if told.nik_index:
        yield "name", (told.nik_index, folded(str(values.get("name"))))
    if not told.strong:
        if document := values.get("document"):
            yield "document", ("document", document)
        else:
            yield "name", _named(values)


def _found_by(told: Told, meant: UUID | None) -> Iterator[object]:
    """Name everything by which a later row may find the business of this one."""
    yield from (key for _, key in _looked_by(told, meant))
    if document := told.values.get("document"):
        yield "document", document
    yield _named(told.values)


def _named(values: Mapping[str, Any]) -> object:
    return values.get("region"), values.get("name"), folded(str(values.get("owner_name")))


def folded(name: str) -> str:
    """Give a name as two spellings of one are compared within a file."""
    return "".join(filter(str.isalnum, name.casefold())) or name
