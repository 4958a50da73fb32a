"""The HTTP face of imports and exports: of businesses, and of the answers to a wave of a survey."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.businesses.domain import State as BusinessState
from services.registration.businesses.store import Wanted
from services.registration.imports import answer_exports, exports, handlers
from services.registration.imports.domain import (
    KEPT,
    OVER,
    About,
    ImportOver,
    Mode,
    NotPreviewed,
    RowsRefused,
    State,
    TooManyImports,
)
from services.registration.imports.exports import TooManyRows
from services.registration.imports.rows import sheet_of
from services.registration.imports.store import ImportFindingRow, ImportRow
from services.registration.imports.tables import FILE_BYTES_MAX, FileRefused
from services.registration.imports.writing import CSV, XLSX
from shared.answers import Content
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import (
    PAGE_ITEMS_DEFAULT,
    Call,
    Cursor,
    Limit,
    Page,
    RegionCode,
    Routes,
    Takes,
    Text,
    Upload,
    Watched,
)

routes = Routes("/registration", tag="Imports")

FILES = Takes(media=(XLSX, CSV), bytes_max=FILE_BYTES_MAX)
Sector = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", examples=["garment"])]


class UploadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file is called, for whoever looks at the list later."""

    name: Text | None = None


class ImportsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a list is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class BusinessesExportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which businesses to export, as the list is asked, and as what."""

    format: Literal["csv", "xlsx"] = "xlsx"
    region: RegionCode | None = None
    sector: Sector | None = None
    state: Literal["active", "suspended", "closed"] | None = None


class AnswersExportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As what to export."""

    format: Literal["csv", "xlsx"] = "xlsx"


class StartImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done about rows that are refused."""

    mode: Literal["all_or_nothing", "good_rows"]


class CancelImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an import is called off; it is shown with it."""

    reason: Annotated[Text, Meta(examples=["Berkas yang salah"])]


class ColumnView(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the file, and what it was read as."""

    heading: str
    field: str


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """An import: how the file was read, how far it is, and what becomes of its rows.

    Shape: `survey_id` is the wave that answers are about; before it is carried out the counts say what would become of
           the rows; `position` rows are looked at; of what was taken `to_compare` businesses are still to be held
           against all others, which goes on when it is done
    """

    id: UUID
    name: str
    about: Literal["businesses", "survey_answers"]
    survey_id: UUID | None
    state: Literal["uploaded", "previewing", "previewed", "importing", "done", "failed", "cancelled"]
    mode: Literal["all_or_nothing", "good_rows"] | None
    read_as: str | None
    columns: list[ColumnView]
    ignored_columns: list[str]
    rows_total: int
    position: int
    new: int
    changed: int
    unchanged: int
    refused: int
    to_compare: int
    failure: str | None
    failure_detail: str | None
    created_at: datetime
    ended_at: datetime | None
    file_until: datetime
    version: int


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a cell: by row, column and value; with `refuses` false it is worth a second look only."""

    row: int
    column: str
    heading: str
    value: str
    code: str
    detail: str
    refuses: bool


@routes.post_file(
    "/imports",
    Action.IMPORT_BUSINESSES,
    FILES,
    refusals=(FileRefused, TooManyImports),
    location="/registration/imports/{id}",
)
async def upload_businesses(call: Call, query: UploadQuery, upload: Upload) -> ImportView:
    """Send a file of businesses; it is read and looked through, and nothing is changed before it is started."""
    return view(await handlers.upload(call.work, query.name or "-", upload.content))


@routes.post_file(
    "/surveys/{survey_id}/imports",
    Action.RECORD_ANSWER,
    FILES,
    refusals=(Absent, FileRefused, TooManyImports),
    location="/registration/imports/{id}",
)
async def upload_survey_answers(call: Call, survey_id: UUID, query: UploadQuery, upload: Upload) -> ImportView:
    """Send a file of answers to a wave; it is read and looked through, and nothing is changed before it is started."""
    return view(await handlers.upload(call.work, query.name or "-", upload.content, survey_id))


@routes.get("/surveys/{survey_id}/answers/template.xlsx", Action.RECORD_ANSWER, refusals=(Absent,), media={XLSX: None})
async def survey_answer_template(call: Call, survey_id: UUID) -> Content:
    """Give the workbook of answers to fill in."""
    return await handlers.answer_template(call.work, survey_id)


@routes.get(
    "/surveys/{survey_id}/answers/export",
    Action.SEE_ANSWERS,
    refusals=(Absent, TooManyRows),
    media={XLSX: None, CSV: None},
)
async def export_survey_answers(call: Call, survey_id: UUID, query: AnswersExportQuery) -> Content:
    """Give the answers to a wave that count, of your regions, as a file; NIKs and turnover are masked."""
    return await answer_exports.export(call.work, survey_id, query.format)


@routes.get("/imports", Action.IMPORT_BUSINESSES)
async def list_imports(call: Call, query: ImportsQuery) -> Page[ImportView]:
    """List what the caller has sent, the latest first."""
    page = await handlers.imports(call.work, query.cursor, query.limit)
    return Page([view(job) for job in page.items], page.next)


@routes.get("/imports/template.xlsx", Action.IMPORT_BUSINESSES, media={XLSX: None})
async def import_template(call: Call) -> Content:
    """Give the workbook to fill in."""
    return await handlers.template(call.work)


@routes.get("/imports/{import_id}", Action.IMPORT_BUSINESSES, refusals=(Absent,))
async def show_import(call: Call, import_id: UUID) -> ImportView:
    """Show how far an import is."""
    return view(await handlers.one(call.work, import_id))


@routes.get("/imports/{import_id}/errors", Action.IMPORT_BUSINESSES, refusals=(Absent,))
async def list_import_errors(call: Call, import_id: UUID, query: ImportsQuery) -> Page[FindingView]:
    """List everything that is wrong in a file, by row, column and value."""
    page = await handlers.findings(call.work, import_id, query.cursor, query.limit)
    return Page([_finding(found) for found in page.items], page.next)


@routes.get("/imports/{import_id}/file", Action.IMPORT_BUSINESSES, refusals=(Absent,), media={XLSX: None, CSV: None})
async def import_file(call: Call, import_id: UUID) -> Content:
    """Give the same file back with a column that says what is wrong in each row."""
    return await handlers.file(call.work, import_id)


@routes.watch("/imports/{import_id}/progress", Action.IMPORT_BUSINESSES, refusals=(Absent,))
async def follow_import(call: Call, import_id: UUID) -> Watched:
    """Follow how an import goes on, as server-sent events, until somebody must be asked or all is compared."""
    job = await handlers.one(call.work, import_id)
    over = job.state in (*OVER, State.PREVIEWED) and not job.to_compare
    return Watched("progress", job.version, view(job), over)


@routes.post(
    "/imports/{import_id}/start", Action.IMPORT_BUSINESSES, status=202, refusals=(Absent, NotPreviewed, RowsRefused)
)
async def start_import(call: Call, import_id: UUID, body: StartImport) -> ImportView:
    """Carry an import out that was looked through."""
    return view(await handlers.start(call.work, import_id, Mode(body.mode)))


@routes.post("/imports/{import_id}/cancellation", Action.IMPORT_BUSINESSES, refusals=(Absent, ImportOver))
async def cancel_import(call: Call, import_id: UUID, body: CancelImport) -> ImportView:
    """Call an import off; rows that were taken already stay."""
    return view(await handlers.cancel(call.work, import_id, body.reason))


@routes.get("/businesses/export", Action.EXPORT_BUSINESSES, refusals=(TooManyRows,), media={XLSX: None, CSV: None})
async def export_businesses(call: Call, query: BusinessesExportQuery) -> Content:
    """Give businesses as a file that can be edited and imported again; NIKs and annual sales are masked."""
    wanted = Wanted(
        region=query.region,
        sector=query.sector,
        state=query.state and BusinessState(query.state),
    )
    return await exports.export(call.work, wanted, query.format)


def view(job: ImportRow) -> ImportView:
    """Show an import."""
    kept = job.layout or {}
    headings = kept.get("headings", {})
    columns = sheet_of(job).by_field
    return ImportView(
        id=job.id,
        name=job.name,
        about=About(job.about).value,
        survey_id=job.survey_id,
        state=State(job.state).value,
        mode=Mode(job.mode).value if job.mode else None,
        read_as=job.read_as,
        columns=[
            ColumnView(heading=headings[place], field=columns[name].field)
            for place, name in sorted(kept.get("fields", {}).items(), key=lambda one: int(one[0]))
        ],
        ignored_columns=list(kept.get("ignored", ())),
        rows_total=job.rows_total,
        position=job.position,
        new=job.new,
        changed=job.changed,
        unchanged=job.unchanged,
        refused=job.refused,
        to_compare=job.to_compare,
        failure=job.failure,
        failure_detail=job.failure_detail,
        created_at=shown(job.created_at),
        ended_at=None if job.ended_at is None else shown(job.ended_at),
        file_until=shown(job.created_at + KEPT),
        version=job.version,
    )


def _finding(found: ImportFindingRow) -> FindingView:
    return msgspec.convert(found, FindingView, from_attributes=True)
