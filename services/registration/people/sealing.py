"""Every sealed column of registration, and the family cards that this capability seals itself."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses import history, merging
from services.registration.businesses import sealing as businesses
from services.registration.businesses.sealing import Purpose, key, keys
from services.registration.people.store import OwnerKkRow
from services.registration.surveys import sealing as surveys
from shared.privacy import SealedColumn, Vault

KK = SealedColumn(table="owner_kk", column="kk_sealed", purpose=Purpose.IDENTITY, index="kk_index", kind="kk")

SEALED: tuple[SealedColumn, ...] = (*businesses.SEALED, *history.COLUMNS, *merging.COLUMNS, *surveys.COLUMNS, KK)
"""All of them, for whatever must reach each: rotation, export, erasure and the canary.

A capability that seals something declares its columns beside the code that seals, and is added here; a test finds a
column that was forgotten.
"""


async def seal_kk(session: AsyncSession, vault: Vault, row_id: UUID, owner_id: UUID, kk: str) -> tuple[bytes, bytes]:
    """Seal the number of a family card for its row, and give the index by which it is found."""
    own = await key(session, vault, owner_id, Purpose.IDENTITY)
    return own.seal(KK.cell(row_id), kk), vault.index(kk, KK.kind)


async def kks(session: AsyncSession, vault: Vault, cards: Sequence[OwnerKkRow]) -> list[str]:
    """Open the numbers of family cards, in the order given; what cannot be opened any more is left empty."""
    opening = await keys(session, vault, {card.owner_id for card in cards}, Purpose.IDENTITY) if cards else {}
    return [
        opening[card.owner_id].open(KK.cell(card.id), card.kk_sealed) if card.owner_id in opening else ""
        for card in cards
    ]
