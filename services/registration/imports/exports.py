"""Businesses as a file that can be edited and imported again: what nobody touches comes back unchanged.

They are read and written by the thousand, the writing in a thread of its own, so that others do not wait.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from services.registration.businesses import sealing, store
from services.registration.businesses.domain import State
from services.registration.businesses.store import BusinessRow, OwnerRow, Wanted
from services.registration.imports import writing
from services.registration.imports.columns import BUSINESSES
from services.registration.imports.writing import Cell, Row
from shared.answers import Content, saved_as
from shared.clock import wib_day
from shared.database import Work
from shared.privacy import MASK, mask_nik
from shared.problems import Refusal
from shared.telemetry import log

ROWS_MAX: Final = 100_000
ROWS_AT_ONCE: Final = 1_000
SALES_MASKED: Final = MASK * 3
STATES: Final[Mapping[str, str]] = {State.ACTIVE: "aktif", State.SUSPENDED: "ditangguhkan", State.CLOSED: "tutup"}

Format = Literal["csv", "xlsx"]


class TooManyRows(Refusal):
    """More is asked for than one file may hold."""

    code = "too_many_rows"
    title = "Too much for one file; ask for one region or sector"


async def export(work: Work, wanted: Wanted, kind: Format) -> Content:
    """Give the businesses of the caller's regions that are asked for; NIKs and annual sales are masked.

    Raises: TooManyRows (409) for more than `ROWS_MAX`
    """
    output = writing.of_columns(BUSINESSES, kind)
    after: UUID | None = None
    count = 0
    while rows := await store.businesses(work.session, wanted, work.caller.regions, after, ROWS_AT_ONCE):
        count += len(rows)
        if count > ROWS_MAX:
            raise TooManyRows(f"At most {ROWS_MAX}.", limit=ROWS_MAX)
        people = await store.owners(work.session, [row.owner_id for row in rows])
        niks = await sealing.niks(work.session, work.vault, list(people.values()))
        after = rows[-1].id
        written = await asyncio.to_thread(_rows, rows, people, niks)
        await asyncio.to_thread(output.write, written)
        work.session.expunge_all()  # what was written is not needed any more
    log.info("businesses_exported", subject=work.caller.subject, rows=count, request_id=work.caller.request_id)
    media = writing.XLSX if kind == "xlsx" else f"{writing.CSV}; charset=utf-8"
    name = f"usaha-{wib_day(work.now)}.{kind}"
    return Content(await asyncio.to_thread(output.content), media, saved_as(name))


def _rows(rows: Sequence[BusinessRow], people: Mapping[UUID, OwnerRow], niks: Mapping[UUID, str]) -> list[Row]:
    return [_row(row, people[row.owner_id], niks.get(row.owner_id)) for row in rows]


def _row(row: BusinessRow, owner: OwnerRow, nik: str | None) -> Row:
    told: dict[str, Any] = {name: getattr(row, name) for name in ("name", "sector", "region", "nib", "workers")}
    told |= {name: getattr(row, name) for name in ("investment_rupiah", "annual_sales_on", "address", "document")}
    told |= {"id": str(row.id), "kbli": row.kbli_code, "kbli_edition": row.kbli_edition}
    told |= {"state": STATES[row.state], "state_reason": row.state_reason}
    told |= {"annual_sales_rupiah": None if row.annual_sales_sealed is None else SALES_MASKED}
    told |= {"owner_name": owner.name, "nik": nik and mask_nik(nik), "phone": owner.phone, "email": owner.email}
    told["language"] = owner.language
    return [_cell(told[column.field]) for column in BUSINESSES.columns]


def _cell(value: object) -> Cell:
    return value if value is None or isinstance(value, str | int | date) else str(value)
