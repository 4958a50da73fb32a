"""A province as a folder of plain files: read, checked as a whole, and handed over as typed rows.

Shape:  `read_province(folder)` gives a `Province`; rows stand in the order of their files
Raises: BrokenProvince with every fault of every file at once, each naming its file, row and column
Source: docs/provinces.md says how to add another province
"""

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import msgspec.inspect
import msgspec.structs

from shared.province_rows import (
    PROVINCE_OR_REGION,
    REGIONS_FILE,
    About,
    Business,
    Ceiling,
    Enrolment,
    Item,
    Kit,
    KitWork,
    Loan,
    Market,
    OpeningStock,
    Owner,
    ParkedIssue,
    Place,
    PriceObservation,
    Producer,
    ProductionCall,
    Province,
    RecipientLimit,
    Region,
    Return,
    Row,
    Sector,
    Staff,
    Station,
    StockLevel,
    Survey,
    SurveyAnswer,
    Training,
)

__all__ = ["PROVINCES", "BrokenProvince", "Fault", "Province", "read_province"]

PROVINCES = Path(__file__).parent.parent / "provinces"
TABLES: tuple[type[Row], ...] = (
    *(Region, Sector, Item, Place, Training, Owner, Business, Staff, OpeningStock),
    *(Ceiling, PriceObservation, StockLevel, Producer, ProductionCall, Enrolment, Station, RecipientLimit, Market),
    *(Survey, SurveyAnswer, Kit, KitWork, Loan, Return, ParkedIssue),
)

WHOLE_NUMBER = "must be a whole number within its limits, digits only"
DIGITS_MAX = 19  # of 2**63 - 1

RowT = TypeVar("RowT", bound=Row)
Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a province; `row` is the line of the file, so the header is row 1."""

    file: str
    detail: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        where = self.file + (f" row {self.row}" if self.row else "") + (f", {self.column}" if self.column else "")
        return f"{where}: {self.detail}"


class BrokenProvince(Exception):
    """A province folder cannot be used; `faults` lists everything wrong with it, file by file."""

    def __init__(self, folder: Path, faults: Sequence[Fault]) -> None:
        files = [About.file, *(table.file for table in TABLES)]
        self.folder = folder
        self.faults = tuple(sorted(faults, key=lambda fault: (files.index(fault.file), fault.row or 0)))
        super().__init__("\n".join([f"{folder.name}: {len(self.faults)} faults", *map(str, self.faults)]))


def read_province(folder: Path) -> Province:
    """Give the province that a folder holds, or every fault that it has."""
    files = _Folder(folder)
    about = files.about()
    regions, sectors, items = files.table(Region), files.table(Sector), files.table(Item)
    places, trainings = files.table(Place), files.table(Training)
    owners, businesses = files.table(Owner), files.table(Business)
    staff, opening_stock = files.table(Staff), files.table(OpeningStock)
    ceilings, price_observations = files.table(Ceiling), files.table(PriceObservation)
    stock_levels = files.table(StockLevel)
    producers, production_calls = files.table(Producer), files.table(ProductionCall)
    enrolments, stations = files.table(Enrolment), files.table(Station)
    limits = files.table(RecipientLimit)
    markets = files.table(Market)
    surveys, survey_answers = files.table(Survey), files.table(SurveyAnswer)
    kits, kit_work = files.table(Kit), files.table(KitWork)
    loans, returns, exceptions = files.table(Loan), files.table(Return), files.table(ParkedIssue)
    faults = [*files.faults, *_repeated(files.cells), *_unresolved(files.cells, files.province_code)]
    if faults or about is None:
        raise BrokenProvince(folder, faults)
    return Province(
        about=about,
        regions=regions,
        sectors=sectors,
        items=items,
        places=places,
        trainings=trainings,
        owners=owners,
        businesses=businesses,
        staff=staff,
        opening_stock=opening_stock,
        ceilings=ceilings,
        price_observations=price_observations,
        stock_levels=stock_levels,
        producers=producers,
        production_calls=production_calls,
        enrolments=enrolments,
        stations=stations,
        limits=limits,
        markets=markets,
        surveys=surveys,
        survey_answers=survey_answers,
        kits=kits,
        kit_work=kit_work,
        loans=loans,
        returns=returns,
        exceptions=exceptions,
    )


class _Folder:
    """Read the files one after the other; keep what was wrong, and every cell for the checks across files.

    The cells are kept as text because a reference to a row that has some other fault is still a good reference.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[Fault] = []
        self.cells: dict[type[Row], dict[int, Cells]] = {}
        self.province_code: str | None = None

    def about(self) -> About | None:
        if (text := self._text(About.file)) is None:
            return None
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as reason:
            self.faults.append(Fault(file=About.file, detail=f"is not TOML: {reason}"))
            return None
        self.province_code = str(values.get("code"))
        wrong = list(_field_faults(About, values))
        self.faults += [
            Fault(file=About.file, row=_line_of(name, text), column=name, detail=detail) for name, detail in wrong
        ]
        return None if wrong else msgspec.convert(values, About)

    def table(self, table: type[RowT]) -> tuple[RowT, ...]:
        lines = self._lines(table.file)
        if not lines:
            return ()
        header = lines.pop(0)[1]
        if wrong := list(_header_faults(table, header)):
            self.faults += wrong
            return ()
        kept: dict[int, Cells] = {}
        self.cells[table] = kept
        rows: list[RowT] = []
        for number, line in lines:
            kept[number] = {name: cell for name, cell in zip(header, line, strict=False) if cell}
            if len(line) != len(header):
                detail = f"has {len(line)} cells where the header has {len(header)}"
                self.faults.append(Fault(file=table.file, row=number, detail=detail))
            elif (row := self._row(table, number, kept[number])) is not None:
                rows.append(row)
        return tuple(rows)

    def _row(self, table: type[RowT], number: int, cells: Cells) -> RowT | None:
        values = {name: _typed(table, name, cell) for name, cell in cells.items()}
        if wrong := list(_field_faults(table, values)):
            self.faults += [Fault(file=table.file, row=number, column=name, detail=detail) for name, detail in wrong]
            return None
        try:
            return msgspec.convert(values, table)
        except msgspec.ValidationError as reason:  # a rule over several columns of the row
            self.faults.append(Fault(file=table.file, row=number, detail=str(reason)))
            return None

    def _lines(self, file: str) -> list[tuple[int, list[str]]]:
        if (text := self._text(file)) is None:
            return []
        reader = csv.reader(io.StringIO(text), strict=True)
        lines: list[tuple[int, list[str]]] = []
        try:
            lines.extend((reader.line_num, [cell.strip() for cell in line]) for line in reader if line)
        except csv.Error as reason:
            self.faults.append(Fault(file=file, row=reader.line_num, detail=f"is not CSV: {reason}"))
            return []
        if not lines:
            self.faults.append(Fault(file=file, detail="is empty; a table without rows still has its header"))
        return lines

    def _text(self, file: str) -> str | None:
        try:
            return (self.path / file).read_text("utf-8-sig")  # spreadsheets put a byte order mark in front
        except FileNotFoundError:
            self.faults.append(Fault(file=file, detail="is missing"))
        except UnicodeDecodeError:
            self.faults.append(Fault(file=file, detail="is not UTF-8 text"))
        return None


def _header_faults(table: type[Row], header: Sequence[str]) -> Iterator[Fault]:
    fields = msgspec.structs.fields(table)
    for name in sorted({field.name for field in fields if field.required} - set(header)):
        yield Fault(file=table.file, row=1, column=name, detail="this column is missing")
    for name in sorted(set(header) - {field.name for field in fields}):
        yield Fault(file=table.file, row=1, column=name, detail="is not a column of this table")
    for name in sorted({name for name in header if header.count(name) > 1}):
        yield Fault(file=table.file, row=1, column=name, detail="this column stands twice")


def _field_faults(kind: type[About | Row], values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Look at each field by itself: msgspec alone would stop at the first that is wrong."""
    checks = kind.checks if issubclass(kind, Row) else {}
    for name in values.keys() - set(kind.__struct_fields__):
        yield name, "is not known here"
    for field in msgspec.structs.fields(kind):
        if field.name not in values:
            if field.required:
                yield field.name, "is empty"
            continue
        value = values[field.name]
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as reason:
            yield field.name, WHOLE_NUMBER if _is_whole(field.type) else str(reason)
        else:
            if field.name in checks and (detail := checks[field.name](str(value))):
                yield field.name, detail


def _typed(table: type[Row], name: str, cell: str) -> str | int:
    """Make a number of a cell that is one by its column.

    msgspec's lax mode would read "1.000", an Indonesian thousand, as 1.
    """
    whole = any(field.name == name and _is_whole(field.type) for field in msgspec.structs.fields(table))
    return int(cell) if whole and cell.isascii() and cell.isdigit() and len(cell) <= DIGITS_MAX else cell


def _is_whole(annotation: object) -> bool:
    kind = msgspec.inspect.type_info(annotation)
    options = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    return any(isinstance(option, msgspec.inspect.IntType) for option in options)


def _line_of(name: str, text: str) -> int | None:
    starts = (number for number, line in enumerate(text.splitlines(), 1) if line.split("=")[0].strip() == name)
    return next(starts, None)


def _repeated(tables: Mapping[type[Row], Mapping[int, Cells]]) -> Iterator[Fault]:
    for table, rows in tables.items():
        for columns in table.unique:
            first: dict[tuple[str, ...], int] = {}
            for number, cells in rows.items():
                key = tuple(cells.get(column, "").casefold() for column in columns)
                if any(key) and first.setdefault(key, number) != number:
                    detail = f"already stands in row {first[key]}"
                    yield Fault(file=table.file, row=number, column=", ".join(columns), detail=detail)


def _unresolved(tables: Mapping[type[Row], Mapping[int, Cells]], province_code: str | None) -> Iterator[Fault]:
    """Follow every reference; a table that could not be read at all is not held against those that refer to it."""
    known = {
        table.file: {cells.get(table.unique[0][0], "").casefold() for cells in rows.values()}
        for table, rows in tables.items()
    }
    if REGIONS_FILE in known and province_code is not None:
        known[PROVINCE_OR_REGION] = known[REGIONS_FILE] | {province_code}
    for table, rows in tables.items():
        for number, cells in rows.items():
            for column, target in table.refers.items():
                if column in cells and target in known and cells[column].casefold() not in known[target]:
                    detail = f"{cells[column]!r} is not in {target}"
                    yield Fault(file=table.file, row=number, column=column, detail=detail)
            if table is Region and province_code is not None and not cells.get("code", "").startswith(province_code):
                yield Fault(file=table.file, row=number, column="code", detail=f"is not within {province_code}")
