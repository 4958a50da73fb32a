"""The check of the chains: every posting hashed anew from the tables, page by page, and held against what it bears.

Where a chain breaks it is taken up again from there, so that one change is named once, and a second one as well.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.audit import Discrepancy
from services.aid_distribution.ledger.chain import (
    START,
    CountedLine,
    Head,
    Header,
    LateLine,
    OwnLine,
    PackLine,
    Said,
    following,
)

POSTINGS_PER_PAGE = 5_000
BREAKS_MAX = 20
"""So many breaks of one region are named; how many more there are is said."""

BROKEN = "chain_is_unbroken"
HEAD = "head_is_last_posting"

POSTINGS = text("SELECT count(*) FROM posting")
REGIONS = text(
    """
    SELECT region, coalesce(h.last_seq, 0), coalesce(h.last_hash, CAST(:start AS bytea))
    FROM (SELECT DISTINCT region FROM posting) p FULL JOIN chain_head h USING (region) ORDER BY region
    """
)
PAGE = text(
    """
    SELECT chain_seq, chain_hash, chain_form,
           id, number, kind, occurred_at, recorded_at, actor, document, reason, reverses
    FROM posting WHERE region = :region AND chain_seq > :after ORDER BY chain_seq LIMIT :rows
    """
)
OWN = text(
    """
    SELECT posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at, recorded_at
    FROM posting_line WHERE posting_id = ANY(CAST(:ids AS uuid[])) AND late_by IS NULL
    """
)
LATE = text(
    """
    SELECT late_by, posting_id, item, lot, quantity, from_place, to_place, occurred_at, recorded_at
    FROM posting_line WHERE late_by = ANY(CAST(:ids AS uuid[]))
    """
)
COUNTED = text(
    """
    SELECT posting_id, place, item, lot, occurred_at, recorded_at, counted, book, snapshot, reason
    FROM count_line WHERE posting_id = ANY(CAST(:ids AS uuid[]))
    """
)
PACKS = text(
    """
    SELECT posting_id, entry_no, item, lot, pack, packs, per_pack, quantity
    FROM posting_pack WHERE posting_id = ANY(CAST(:ids AS uuid[]))
    """
)


async def audit(
    session: AsyncSession,
    advance: Callable[[int], None] = lambda _postings: None,
    *,
    postings_per_page: int = POSTINGS_PER_PAGE,
) -> list[Discrepancy]:
    """Hash all postings anew; gives where a chain breaks, and each head that is not its last posting.

    Shape: `advance` is told how many more postings were looked at
    """
    heads = (await session.execute(REGIONS, {"start": START.hash})).all()
    return [
        one
        for region, seq, hash_ in heads
        for one in await _region(session, region, Head(seq, hash_), advance, postings_per_page)
    ]


async def postings(session: AsyncSession) -> int:
    """Count the postings that there are to look at."""
    return int((await session.execute(POSTINGS)).scalar_one())


async def _region(
    session: AsyncSession, region: str, head: Head, advance: Callable[[int], None], postings_per_page: int
) -> list[Discrepancy]:
    found: list[Discrepancy] = []
    breaks, at = 0, START
    while page := await said_after(session, region, at.seq, postings_per_page):
        for link, said in page:
            if broken := _broken(at, link, said):
                breaks += 1
                found += [broken] if breaks <= BREAKS_MAX else []
            at = link
        advance(len(page))
    if breaks > BREAKS_MAX:
        found.append(Discrepancy(BROKEN, region, "no break", f"{breaks - BREAKS_MAX} more breaks"))
    if at != head:
        found.append(Discrepancy(HEAD, region, _shown(head), _shown(at)))
    return found


def _broken(before: Head, link: Head, said: Said) -> Discrepancy | None:
    """Say how a posting does not follow the one before it; after a gap only that there is a gap can be said."""
    if link.seq != before.seq + 1:
        subject = f"{said.region} before {said.header.number}"
        return Discrepancy(BROKEN, subject, f"number {before.seq + 1}", f"number {link.seq}")
    if (due := following(before, said)) == link:
        return None
    subject = f"{said.region} number {link.seq} ({said.header.number})"
    return Discrepancy(BROKEN, subject, due.hash.hex(), link.hash.hex())


def _shown(head: Head) -> str:
    return f"number {head.seq} {head.hash.hex()}"


async def said_after(
    session: AsyncSession, region: str, after: int, postings_max: int = POSTINGS_PER_PAGE
) -> list[tuple[Head, Said]]:
    """Give the next links of a chain, each with what its posting says."""
    asked = {"region": region, "after": after, "rows": postings_max}
    rows = (await session.execute(PAGE, asked)).all()
    headers = [Header(*row[3:]) for row in rows]
    ids = [header.id for header in headers]
    own, late, counted, packs = [await _lines(session, question, ids) for question in (OWN, LATE, COUNTED, PACKS)]
    return [
        (
            Head(*row[:2]),
            Said(
                region,
                header,
                [OwnLine(*line) for line in own.get(header.id, ())],
                [LateLine(*line) for line in late.get(header.id, ())],
                [CountedLine(*line) for line in counted.get(header.id, ())],
                [PackLine(*line) for line in packs.get(header.id, ())],
                row.chain_form,
            ),
        )
        for row, header in zip(rows, headers, strict=True)
    ]


async def _lines(session: AsyncSession, question: TextClause, ids: Sequence[UUID]) -> dict[UUID, list[Sequence[Any]]]:
    """Give the lines of some postings, by the posting that has entered them."""
    found: dict[UUID, list[Sequence[Any]]] = {}
    for entered_by, *line in await session.execute(question, {"ids": ids}):
        found.setdefault(entered_by, []).append(line)
    return found
