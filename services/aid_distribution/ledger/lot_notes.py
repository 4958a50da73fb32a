"""What is worth knowing of the lots of a posting, kept with it: which were skipped, which will soon be of no use."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.account import CardKey
from services.aid_distribution.ledger.domain import LotNote
from services.aid_distribution.ledger.orders import LotNoteView, lot_note_views
from services.aid_distribution.ledger.store import Posted, columns

KEEP = text(
    "INSERT INTO lot_note (posting_id, place, item, lot, why, expires_on) SELECT * FROM"
    " unnest(CAST(:ids AS uuid[]), CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]),"
    " CAST(:why AS text[]), CAST(:expires AS date[]))"
)
FIND = text(
    "SELECT posting_id, place, item, lot, why, expires_on FROM lot_note WHERE posting_id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY posting_id, place, item, lot, why"
)


async def keep(session: AsyncSession, posted: Sequence[Posted]) -> None:
    """Keep what there is to know of the lots of these postings; most have nothing, and then nothing is asked."""
    notes = [(one.draft.id, note) for one in posted for note in one.entered.notes]
    if notes:
        about: dict[str, list[object]] = {
            "ids": [posting_id for posting_id, _ in notes],
            "why": [note.why for _, note in notes],
            "expires": [note.expires_on for _, note in notes],
        }
        await session.execute(KEEP, columns([note.key for _, note in notes]) | about)


async def of_postings(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[LotNoteView]]:
    """Give for each of these postings what was kept; those that are not among the keys have nothing."""
    found: dict[UUID, list[LotNote]] = {}
    for posting_id, place, item, lot, why, expires_on in await session.execute(FIND, {"ids": list(ids)}):
        found.setdefault(posting_id, []).append(LotNote(CardKey(place, item, lot), why, expires_on))
    return {posting_id: lot_note_views(notes) for posting_id, notes in found.items()}
