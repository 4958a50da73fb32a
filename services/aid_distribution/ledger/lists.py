"""Lists of the ledger's documents: transfers, counts, and the reasons that may be given."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlmodel import col, or_, select

from services.aid_distribution.ledger import lot_notes
from services.aid_distribution.ledger.domain import ISSUE_PLACES, LOSSES, Kind, Reason
from services.aid_distribution.ledger.orders import TransferView
from services.aid_distribution.ledger.transfers import TransferLineRow, TransferRow, transfer_view
from services.aid_distribution.ledger.words import REASONS, words_of
from shared import cursor
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.routes import PAGE_ITEMS_DEFAULT, Code, Cursor, Limit, Page, RegionCode
from shared.within import within


class TransferState(StrEnum):
    """How far a transfer has come."""

    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    VOIDED = "voided"


class Direction(StrEnum):
    """Which end of a transfer is asked about."""

    COMING = "coming"
    GOING = "going"


class TransferQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which transfers to list, the latest first.

    Shape: `direction` says whether `region` is where they come to or where they leave from; without it, either
    """

    region: RegionCode | None = None
    state: TransferState | None = None
    direction: Direction | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CountQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which counts to list, the latest first."""

    region: RegionCode | None = None
    place: Code | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class CountSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A count in short: how many cards were counted, and how many of them were not as the book had said."""

    id: UUID
    number: str
    place: str
    region: str
    occurred_at: datetime
    recorded_at: datetime
    document: str | None
    reversed_by: UUID | None
    counted: int
    differing: int


class ReasonView(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for which stock leaves, comes or differs.

    Shape:  `direction` is `out`, `in` or `both`; `kinds` are the documents that may give it; `loss` where the goods are
            gone for good, and else they are an adjustment of the book
    """

    code: str
    indonesian: str
    english: str
    direction: str
    kinds: list[str]
    loss: bool


async def transfers(work: Work, caller: Caller, query: TransferQuery) -> Page[TransferView]:
    """List the transfers of which either end lies in the caller's regions, the latest first."""
    both = {Direction.COMING: col(TransferRow.to_region), Direction.GOING: col(TransferRow.from_region)}
    ends = [both[query.direction]] if query.direction else list(both.values())
    question = select(TransferRow).where(or_(*(within(end, caller.regions) for end in ends)))
    if query.region is not None:
        question = question.where(or_(*(within(end, [query.region]) for end in ends)))
    if query.state is not None:
        question = question.where(TransferRow.state == query.state)
    if query.cursor:
        (before,) = cursor.decode(query.cursor, tuple[UUID])
        question = question.where(col(TransferRow.id) < before)
    rows = (await work.session.exec(question.order_by(col(TransferRow.id).desc()).limit(query.limit + 1))).all()
    views = {view.id: view for view in await _views(work, rows[: query.limit])}
    return cursor.page(rows, query.limit, lambda row: views[row.id], lambda row: (row.id,))


async def _views(work: Work, rows: Sequence[TransferRow]) -> list[TransferView]:
    question = select(TransferLineRow).where(col(TransferLineRow.transfer_id).in_([row.id for row in rows]))
    lines: defaultdict[UUID, list[TransferLineRow]] = defaultdict(list)
    for line in await work.session.exec(question.order_by(col(TransferLineRow.line_no))):
        lines[line.transfer_id].append(line)
    notes = await lot_notes.of_postings(work.session, [row.posting_id for row in rows])
    return [transfer_view(row, lines[row.id], notes.get(row.posting_id, [])) for row in rows]


# The kind stands in the text: only so is it certain beforehand that the index of counts holds all that is asked for.
COUNTS = text(
    f"""
    SELECT p.id, p.number, c.place, p.region, p.occurred_at, p.recorded_at, p.document, r.id AS reversed_by,
           c.counted, c.differing
    FROM posting p
    JOIN LATERAL (
        SELECT min(place) AS place, count(*) AS counted, count(*) FILTER (WHERE counted <> book) AS differing
        FROM count_line WHERE posting_id = p.id
    ) c ON true
    LEFT JOIN posting r ON r.reverses = p.id
    WHERE p.kind = '{Kind.COUNT.value}'
      AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) o(code)
                  WHERE p.region = o.code OR starts_with(p.region, o.code || '.'))
      AND (CAST(:region AS text) IS NULL OR p.region = :region OR starts_with(p.region, :region || '.'))
      AND (CAST(:place AS text) IS NULL OR c.place = :place)
      AND (CAST(:before AS uuid) IS NULL OR p.id < :before)
    ORDER BY p.id DESC LIMIT :rows
    """  # noqa: S608 - put together from our own text
)


async def counts(work: Work, caller: Caller, query: CountQuery) -> Page[CountSummary]:
    """List the counts of the caller's regions, the latest first."""
    before = cursor.decode(query.cursor, tuple[UUID])[0] if query.cursor else None
    values = {"regions": list(caller.regions), "region": query.region, "place": query.place}
    found = await work.session.execute(COUNTS, {**values, "before": before, "rows": query.limit + 1})
    rows = [CountSummary(**row) for row in found.mappings()]
    return cursor.page(rows, query.limit, _in_local_time, lambda row: (row.id,))


def _in_local_time(row: CountSummary) -> CountSummary:
    return msgspec.structs.replace(row, occurred_at=shown(row.occurred_at), recorded_at=shown(row.recorded_at))


def reasons() -> Page[ReasonView]:
    """List every reason with its words and where it may be given."""
    return Page([_reason(one) for one in Reason])


def _reason(one: Reason) -> ReasonView:
    words, issued = words_of(one, REASONS), one in ISSUE_PLACES
    directions = {Reason.FOUND: "in", Reason.RECOUNT: "both", Reason.OTHER: "both"}
    return ReasonView(
        code=one,
        indonesian=words.indonesian,
        english=words.english,
        direction=directions.get(one, "out"),
        kinds=[*([Kind.ISSUE.value] if issued else []), Kind.COUNT.value, Kind.ARRIVAL.value],
        loss=one in LOSSES,
    )
