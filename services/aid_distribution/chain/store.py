"""What is stored of signed heads: for ever, which triggers of the database enforce."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, LargeBinary, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.chain.domain import SignedHead


class SignedHeadRow(SQLModel, table=True):
    """The head of a region's chain as it was signed once."""

    __tablename__ = "signed_head"
    __table_args__ = (
        CheckConstraint("seq > 0 AND octet_length(hash) = 32", name="signed_head_link"),
        CheckConstraint("octet_length(signature) = 64", name="signed_head_signature"),
    )

    region: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    signed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    key_id: str
    signature: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Due(NamedTuple):
    """A head that has moved since it was signed; `extends` tells that what was signed then still lies on the chain."""

    region: str
    seq: int
    hash: bytes
    extends: bool


DUE = text(
    """
    SELECT h.region, h.last_seq, h.last_hash, s.seq IS NULL OR p.id IS NOT NULL
    FROM chain_head h
    LEFT JOIN LATERAL (SELECT seq, hash, signed_at FROM signed_head WHERE region = h.region
                       ORDER BY seq DESC LIMIT 1) s ON true
    LEFT JOIN posting p ON (p.region, p.chain_seq, p.chain_hash) = (h.region, s.seq, s.hash)
    WHERE h.last_seq IS DISTINCT FROM s.seq AND (s.signed_at IS NULL OR s.signed_at <= :before)
    ORDER BY h.region
    """
)
# Of two copies that sign the same head one has signed it.
KEEP = text(
    """
    INSERT INTO signed_head (region, seq, hash, signed_at, key_id, signature)
    SELECT * FROM unnest(CAST(:regions AS text[]), CAST(:seqs AS bigint[]), CAST(:hashes AS bytea[]),
                         CAST(:moments AS timestamptz[]), CAST(:keys AS text[]), CAST(:signatures AS bytea[]))
    ON CONFLICT (region, seq) DO NOTHING
    """
)
LATEST = text(
    """
    SELECT s.region, s.seq, s.hash, s.signed_at, s.key_id, s.signature
    FROM chain_head h JOIN LATERAL (
        SELECT * FROM signed_head WHERE signed_head.region = h.region ORDER BY seq DESC LIMIT 1
    ) s ON true
    WHERE EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) r WHERE s.region = r OR starts_with(s.region, r || '.'))
      AND s.region > :after
    ORDER BY s.region LIMIT :limit
    """
)
PAGE = text(
    """
    SELECT region, seq, hash, signed_at, key_id, signature FROM signed_head
    WHERE (region, seq) > (:region, :seq) ORDER BY region, seq LIMIT :rows
    """
)
COUNT = text("SELECT count(*) FROM signed_head")
ON_CHAIN = text(
    """
    SELECT p.region, p.chain_seq, p.chain_hash
    FROM unnest(CAST(:regions AS text[]), CAST(:seqs AS bigint[])) AS k(region, seq)
    JOIN posting p ON (p.region, p.chain_seq) = (k.region, k.seq)
    """
)


async def due(session: AsyncSession, before: datetime) -> list[Due]:
    """Give the heads that have moved since they were signed, and were not signed after a moment."""
    return [Due(*row) for row in await session.execute(DUE, {"before": before})]


async def keep(session: AsyncSession, heads: Sequence[SignedHead]) -> None:
    """Keep heads that were signed."""
    await session.execute(
        KEEP,
        {
            "regions": [head.region for head in heads],
            "seqs": [head.seq for head in heads],
            "hashes": [head.hash for head in heads],
            "moments": [head.signed_at for head in heads],
            "keys": [head.key_id for head in heads],
            "signatures": [head.signature for head in heads],
        },
    )


async def latest(session: AsyncSession, regions: Sequence[str], after: str, limit: int) -> list[SignedHead]:
    """Give the last signed head of each of some regions and those inside them, by region."""
    values = {"regions": list(regions), "after": after, "limit": limit}
    return [SignedHead(*row) for row in await session.execute(LATEST, values)]


async def page(session: AsyncSession, after: tuple[str, int], rows: int) -> list[SignedHead]:
    """Give the signed heads that follow one, by region and number."""
    asked = {"region": after[0], "seq": after[1], "rows": rows}
    return [SignedHead(*row) for row in await session.execute(PAGE, asked)]


async def count(session: AsyncSession) -> int:
    """Count the heads that were ever signed."""
    return int((await session.execute(COUNT)).scalar_one())


async def on_chain(session: AsyncSession, heads: Sequence[SignedHead]) -> dict[tuple[str, int], bytes]:
    """Give the hash that each posting bears which these heads are about; one that is not there is missing."""
    asked = {"regions": [head.region for head in heads], "seqs": [head.seq for head in heads]}
    return {(region, seq): hash_ for region, seq, hash_ in await session.execute(ON_CHAIN, asked)}
