"""The turnover that a business told: sealed under the key of its owner, each figure for its own cell."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses import sealing
from services.registration.businesses.sealing import Purpose
from services.registration.surveys.store import SurveyAnswerRow
from shared.privacy import Cell, PersonKey, SealedColumn, Vault

KEEP = text(
    "INSERT INTO person_key (owner_id, purpose, wrapped)"
    " SELECT owner_id, :purpose, wrapped FROM unnest(CAST(:owners AS uuid[]), CAST(:wrapped AS bytea[]))"
    " AS made(owner_id, wrapped) ON CONFLICT DO NOTHING"
)
BEFORE, NOW = "turnover_before_sealed", "turnover_now_sealed"
COLUMNS = tuple(
    SealedColumn(table="survey_answer", column=column, purpose=Purpose.TURNOVER) for column in (BEFORE, NOW)
)
"""Its sealed columns."""


async def keys(session: AsyncSession, vault: Vault, owner_ids: Collection[UUID]) -> dict[UUID, PersonKey]:
    """Give the keys of these owners, making those that are lacking."""
    known = await sealing.keys(session, vault, owner_ids, Purpose.TURNOVER) if owner_ids else {}
    lacking = sorted(set(owner_ids) - known.keys())
    if not lacking:
        return known
    made = [sealing.new_key(vault, owner_id, Purpose.TURNOVER).wrapped for owner_id in lacking]
    await session.execute(KEEP, {"owners": lacking, "purpose": Purpose.TURNOVER.value, "wrapped": made})
    # Read again: where another transaction was first, it is the key of that one which counts.
    return known | await sealing.keys(session, vault, lacking, Purpose.TURNOVER)


def seal(key: PersonKey, row: SurveyAnswerRow, before_rupiah: int, now_rupiah: int) -> None:
    """Put the turnover of an answer into its row."""
    row.turnover_before_sealed = key.seal(_cell(row, BEFORE), str(before_rupiah))
    row.turnover_now_sealed = key.seal(_cell(row, NOW), str(now_rupiah))


async def turnovers(
    session: AsyncSession, vault: Vault, answers: Sequence[SurveyAnswerRow]
) -> dict[UUID, tuple[int, int]]:
    """Open the turnover before and now of those of these answers that told it, in rupiah, by answer.

    What was sealed under a key that has been destroyed is left out: it is not known any more.
    """
    given = [row for row in answers if row.turnover_before_sealed and row.turnover_now_sealed]
    opening = await sealing.keys(session, vault, {row.owner_id for row in given}, Purpose.TURNOVER) if given else {}
    return {
        row.id: (
            int(opening[row.owner_id].open(_cell(row, BEFORE), row.turnover_before_sealed or b"")),
            int(opening[row.owner_id].open(_cell(row, NOW), row.turnover_now_sealed or b"")),
        )
        for row in given
        if row.owner_id in opening
    }


def _cell(row: SurveyAnswerRow, column: str) -> Cell:
    return Cell("survey_answer", column, str(row.id))
