"""The answers to a wave as a file that can be edited and imported again: what nobody touches comes back unchanged."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.registration.businesses import sealing
from services.registration.businesses import store as businesses
from services.registration.businesses.store import BusinessRow, OwnerRow
from services.registration.imports import writing
from services.registration.imports.answer_columns import ANSWERS, STATUS_WORDS
from services.registration.imports.exports import ROWS_AT_ONCE, ROWS_MAX, SALES_MASKED, Format, TooManyRows
from services.registration.imports.writing import Row
from services.registration.surveys import handlers as surveys
from services.registration.surveys import store
from services.registration.surveys.domain import Status
from services.registration.surveys.store import SurveyAnswerRow
from shared.answers import Content, saved_as
from shared.clock import wib_day
from shared.database import Work
from shared.privacy import mask_nik
from shared.telemetry import log

AS_STORED = ("capacity_before", "capacity_now", "workers_before", "workers_now", "answered_on")


async def export(work: Work, survey_id: UUID, kind: Format) -> Content:
    """Give the answers of the caller's regions that count, the latest first; NIKs and turnover are masked for all.

    Raises: Absent (404) for a wave that is not the caller's, TooManyRows (409) for more than `ROWS_MAX`
    """
    await surveys.wave(work, survey_id)
    output = writing.of_columns(ANSWERS, kind)
    after: UUID | None = None
    count = 0
    while rows := await store.answers(work.session, survey_id, None, work.caller.regions, after, ROWS_AT_ONCE):
        count += len(rows)
        if count > ROWS_MAX:
            raise TooManyRows(f"At most {ROWS_MAX}.", limit=ROWS_MAX)
        firms = await store.businesses(work.session, {row.business_id for row in rows})
        people = await businesses.owners(work.session, [firm.owner_id for firm in firms.values()])
        niks = await sealing.niks(work.session, work.vault, list(people.values()))
        after = rows[-1].id
        written = await asyncio.to_thread(_rows, rows, firms, people, niks)
        await asyncio.to_thread(output.write, written)
        work.session.expunge_all()  # what was written is not needed any more
    log.info("survey_answers_exported", subject=work.caller.subject, rows=count, request_id=work.caller.request_id)
    media = writing.XLSX if kind == "xlsx" else f"{writing.CSV}; charset=utf-8"
    return Content(await asyncio.to_thread(output.content), media, saved_as(f"survei-{wib_day(work.now)}.{kind}"))


def _rows(
    rows: Sequence[SurveyAnswerRow],
    firms: Mapping[UUID, BusinessRow],
    people: Mapping[UUID, OwnerRow],
    niks: Mapping[UUID, str],
) -> list[Row]:
    return [
        _row(row, firm, people[firm.owner_id], niks.get(firm.owner_id))
        for row in rows
        for firm in (firms[row.business_id],)
    ]


def _row(row: SurveyAnswerRow, firm: BusinessRow, owner: OwnerRow, nik: str | None) -> Row:
    told: dict[str, Any] = {name: getattr(row, name) for name in AS_STORED}
    told |= {"id": str(firm.id), "name": firm.name, "region": firm.region, "nib": firm.nib}
    told |= {"owner_name": owner.name, "nik": nik and mask_nik(nik), "answer_document": row.document}
    told["status"] = STATUS_WORDS[Status(row.status)]
    masked = None if row.turnover_before_sealed is None else SALES_MASKED
    told |= {"turnover_before_rupiah": masked, "turnover_now_rupiah": masked}
    return [told[column.field] for column in ANSWERS.columns]
