"""What can be done about imports: send a file, see how far it is and what is wrong in it, carry it out, call it off."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text

from services.registration.businesses import bulk_store
from services.registration.duplicates import handlers as duplicates
from services.registration.imports import chunks, store, writing
from services.registration.imports.answer_columns import ANSWERS
from services.registration.imports.columns import BUSINESSES, Sheet
from services.registration.imports.domain import (
    COMPARED_AT_ONCE,
    KEPT,
    OPEN_MAX,
    OVER,
    About,
    ImportOver,
    Mode,
    NotPreviewed,
    RowsRefused,
    State,
    TooManyImports,
)
from services.registration.imports.rows import sheet_of
from services.registration.imports.running import layout_kept
from services.registration.imports.store import ImportFindingRow, ImportRow
from services.registration.imports.tables import FileRefused, TableRow
from services.registration.imports.writing import Cell, Output, Row
from services.registration.surveys import handlers as surveys
from shared import cursor
from shared.answers import Content, saved_as
from shared.crashpoints import reach
from shared.database import Work
from shared.problems import Absent
from shared.routes import Page
from shared.telemetry import log

ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('business_import/' || :subject, 0))")
SECTORS = text("SELECT DISTINCT sector FROM business ORDER BY sector LIMIT 200")
FINDINGS_AT_ONCE = 5_000


async def upload(work: Work, name: str, content: bytes, survey_id: UUID | None = None) -> ImportRow:
    """Take in a file of businesses, or of answers to a wave, sealed; it is looked through soon.

    Raises: Absent (404) for a wave that is not the caller's, FileRefused (422) for an empty file, TooManyImports (409)
            while others of the caller wait
    """
    if survey_id is not None:
        await surveys.wave(work, survey_id)
    if not content:
        raise FileRefused("empty", "The file is empty.")
    await work.session.execute(ALONE, {"subject": work.caller.subject})
    if await store.open_of(work.session, work.caller.subject) >= OPEN_MAX:
        raise TooManyImports(f"At most {OPEN_MAX} at once; wait for them, or call one off.", limit=OPEN_MAX)
    import_id = work.new_id()
    key = chunks.new_key(work.vault, import_id)
    job = ImportRow(
        id=import_id,
        name=name,
        length_bytes=len(content),
        about=(About.SURVEY_ANSWERS if survey_id else About.BUSINESSES).value,
        survey_id=survey_id,
        subject=work.caller.subject,
        role=work.caller.role.value,
        regions=list(work.caller.regions),
        state=State.UPLOADED.value,
        wrapped=key.wrapped,
        created_at=work.now,
    )
    work.session.add(job)
    await work.session.flush()
    sealed = await asyncio.to_thread(chunks.sealed_file, key, import_id, content)
    await store.add_chunks(work.session, import_id, chunks.FILE, 0, sealed)
    return job


async def imports(work: Work, after: str | None, limit: int) -> Page[ImportRow]:
    """Give what the caller has sent, the latest first."""
    beyond = cursor.decode(after, tuple[UUID])[0] if after else None
    rows = await store.page(work.session, work.caller.subject, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))


async def one(work: Work, import_id: UUID) -> ImportRow:
    """Give an import that the caller has sent; raises Absent (404) for all others: they hold people's numbers."""
    job = await store.find(work.session, import_id)
    if job is None or job.subject != work.caller.subject:
        raise Absent
    return job


async def _own(work: Work, import_id: UUID) -> ImportRow:
    job = await store.locked(work.session, import_id)
    if job is None or job.subject != work.caller.subject:
        raise Absent
    return job


async def start(work: Work, import_id: UUID, mode: Mode) -> ImportRow:
    """Let an import be carried out that was looked through.

    Raises: Absent (404), NotPreviewed (409), RowsRefused (409) when all is wanted and rows are refused already
    """
    job = await _own(work, import_id)
    if job.state != State.PREVIEWED:
        raise NotPreviewed(f"It is {job.state}; an import is carried out once, after it was looked through.")
    if job.purged_at is not None:
        raise NotPreviewed("It was looked through too long ago, and what was sent is not kept any more; send it again.")
    if mode is Mode.ALL_OR_NOTHING and job.refused:
        raise RowsRefused(
            f"{job.refused} rows are refused; mend them, or take the good rows only.", refused=job.refused
        )
    job.state, job.mode = State.IMPORTING.value, mode.value
    job.position = job.new = job.changed = job.unchanged = job.refused = 0
    job.version += 1
    await store.drop_findings(work.session, job.id)
    await work.session.flush()
    return job


async def cancel(work: Work, import_id: UUID, reason: str) -> ImportRow:
    """Call an import off; rows that were taken already stay. Raises: Absent (404), ImportOver (409)."""
    job = await _own(work, import_id)
    if job.state in OVER:
        raise ImportOver(f"It is {job.state}.")
    job.state, job.ended_at, job.failure_detail = State.CANCELLED.value, work.now, reason
    job.leased_by = job.leased_until = None
    job.version += 1
    await work.session.flush()
    return job


async def findings(work: Work, import_id: UUID, after: str | None, limit: int) -> Page[ImportFindingRow]:
    """Give what was found in an import, in the order of its rows. Raises: Absent (404)."""
    await one(work, import_id)
    beyond = cursor.decode(after, tuple[int])[0] if after else 0
    rows = await store.findings(work.session, import_id, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.no,))


async def file(work: Work, import_id: UUID) -> Content:
    """Give the file back as it was sent, with what is wrong in its last column. Raises: Absent (404)."""
    job = await one(work, import_id)
    if job.wrapped is None or job.layout is None:
        raise Absent("What was sent is kept for some days, and can be had when it was read.")
    told = await _told(work, import_id)
    sheet = sheet_of(job)
    layout = layout_kept(job.layout, sheet)
    key = chunks.key_of(work.vault, import_id, job.wrapped)
    separator = str(job.layout.get("separator", ";"))
    output, places = writing.answered(sheet.title, str(job.kind), separator, layout.headings)
    no = 0
    while (sealed := await store.chunk(work.session, import_id, chunks.ROWS, no)) is not None:
        rows = await asyncio.to_thread(chunks.opened_rows, key, import_id, no, sealed)
        await asyncio.to_thread(_write, output, rows, places, told)
        no += 1
    log.info("import_file_given", subject=work.caller.subject, import_id=str(import_id))
    media = writing.XLSX if job.kind == "xlsx" else f"{writing.CSV}; charset=utf-8"
    return Content(await asyncio.to_thread(output.content), media, saved_as(f"import-{import_id}.{job.kind}"))


async def _told(work: Work, import_id: UUID) -> dict[int, list[str]]:
    told: dict[int, list[str]] = defaultdict(list)
    after = 0
    while found := await store.findings(work.session, import_id, after, FINDINGS_AT_ONCE):
        for one_ in found:
            told[one_.row].append(f"{one_.heading.partition(' / ')[0]}: {one_.detail}")
        after = found[-1].no
        work.session.expunge_all()
    return told


def _write(output: Output, rows: Sequence[TableRow], places: Sequence[int], told: dict[int, list[str]]) -> None:
    output.write([_answered(row, places, told.get(row.number, [])) for row in rows])


def _answered(row: TableRow, places: Sequence[int], told: Sequence[str]) -> Row:
    cells: list[Cell] = [row.cells.get(place) for place in places]
    return [*cells, " | ".join(told) or None]


async def template(work: Work) -> Content:
    """Give the workbook of businesses to fill in, with the regions that the caller sees."""
    sectors = list((await work.session.execute(SECTORS)).scalars())
    return await _template(work, BUSINESSES, {"sector": sectors}, "template-usaha.xlsx")


async def answer_template(work: Work, survey_id: UUID) -> Content:
    """Give the workbook of answers to a wave to fill in; raises Absent (404) for one that is not the caller's."""
    await surveys.wave(work, survey_id)
    return await _template(work, ANSWERS, {}, "template-survei.xlsx")


async def _template(work: Work, sheet: Sheet, choices: Mapping[str, Sequence[str]], name: str) -> Content:
    names = await bulk_store.regions(work.session)
    seen = {code: name for code, name in names.items() if work.caller.sees(code)}
    content = await asyncio.to_thread(writing.template, sheet, seen, choices)
    return Content(content, writing.XLSX, saved_as(name))


async def compare(work: Work) -> int:
    """Hold some of what was imported against all other businesses, and say so with its import; gives how many."""
    done = await duplicates.compare_some(work, COMPARED_AT_ONCE)
    if done:
        await store.compared(work.session, done)
        _compared()
    return sum(done.values())


def _compared() -> None:
    reach("import.compared")


async def purge(work: Work) -> bool:
    """Destroy what was sent too long ago, with its key; tells whether there may be more."""
    rows = await store.to_purge(work.session, work.now - KEPT)
    for job in rows:
        await store.drop_chunks(work.session, job.id)
        await store.drop_findings(work.session, job.id)
        job.wrapped, job.purged_at = None, work.now
    return bool(rows)
