"""What is stored of duplicates, and how the pairs worth a look are found among all businesses.

A pair is looked at when it shares an owner, a telephone number, or a key: two words of the names of the business and
its owner in one region (the table `duplicate_key`, kept by triggers). A wrong letter spoils the keys of one word and
leaves the others. What more than `KEY_SHARED_MAX` businesses share tells none of them apart and is passed over.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.duplicates.domain import Kind, Known, Score, State

KEY_SHARED_MAX = 200
CANDIDATES_MAX = 30
"""Of each business, those that share the most with it; more have never been one."""


def _listed(values: type[Kind | State]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class DuplicateCaseRow(SQLModel, table=True):
    """A pair of businesses that may be one, and what a person decided about it; there is one for each pair, ever."""

    __tablename__ = "duplicate_case"
    __table_args__ = (
        CheckConstraint("low_id < high_id", name="duplicate_case_pair_in_order"),
        CheckConstraint(f"kind IN ({_listed(Kind)})", name="duplicate_case_kind_known"),
        CheckConstraint(f"state IN ({_listed(State)})", name="duplicate_case_state_known"),
        CheckConstraint("score BETWEEN 0 AND 100", name="duplicate_case_score_range"),
        CheckConstraint("jsonb_typeof(points) = 'object'", name="duplicate_case_points_are_named"),
        CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)"
            " AND (decided_at IS NULL) = (reason IS NULL)",
            name="duplicate_case_decided_with_reason",
        ),
        CheckConstraint("version > 0", name="duplicate_case_version_positive"),
        UniqueConstraint("low_id", "high_id", name="duplicate_case_one_for_each_pair"),
        Index("duplicate_case_high", "high_id"),
        Index("duplicate_case_by_score", "state", "score", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    low_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    high_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id"), nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    score: int = Field(sa_column=Column(SmallInteger, nullable=False))
    points: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    rule: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    opened_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    decided_by: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False))


class DuplicateKeyRow(SQLModel, table=True):
    """Two words of the names of a business and its owner, with their region, as one number; kept by triggers.

    They come and go with the row of `business_search`: a foreign key would be checked eight times for each business.
    """

    __tablename__ = "duplicate_key"
    __table_args__ = (Index("duplicate_key_of_business", "business_id"),)

    key: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    business_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))


class DuplicateCheckRow(SQLModel, table=True):
    """A business that is still to be held against all others, and what it was written with; gone once that is done."""

    __tablename__ = "duplicate_check"

    business_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("business.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    )
    batch: UUID = Field(sa_column=Column(Uuid, nullable=False))


@dataclass(frozen=True, slots=True)
class Case:
    """A case with the names and regions of its two businesses, the older first."""

    row: DuplicateCaseRow
    names: Mapping[UUID, str]
    regions: Mapping[UUID, str]


CANDIDATES = text(
    """
    WITH asked AS MATERIALIZED (
        SELECT b.id, b.owner_id, s.phone FROM business b JOIN business_search s ON s.business_id = b.id
        WHERE b.id = ANY(CAST(:ids AS uuid[])) AND b.state NOT IN ('closed', 'merged')
    ), own_key AS MATERIALIZED (
        SELECT k.key, k.business_id FROM asked a JOIN duplicate_key k ON k.business_id = a.id
    ), telling AS MATERIALIZED (
        SELECT key FROM (SELECT DISTINCT key FROM own_key) AS own
        WHERE (SELECT count(*) FROM (SELECT FROM duplicate_key d WHERE d.key = own.key LIMIT :shared_max + 1) AS d)
              BETWEEN 2 AND :shared_max
    ), pair AS (
        SELECT o.business_id AS one, k.business_id AS other, 1 AS weight
        FROM telling JOIN own_key o USING (key) JOIN duplicate_key k USING (key)
        UNION ALL
        SELECT a.id, b.id, 100 FROM asked a JOIN business b ON b.owner_id = a.owner_id
        UNION ALL
        SELECT a.id, s.business_id, 100 FROM asked a JOIN business_search s ON s.phone = a.phone
    ), ranked AS (
        SELECT one, other, row_number() OVER (PARTITION BY one ORDER BY sum(weight) DESC, other) AS place
        FROM pair WHERE one <> other GROUP BY one, other
    )
    SELECT DISTINCT least(r.one, r.other) AS low, greatest(r.one, r.other) AS high
    FROM ranked r JOIN business b ON b.id = r.other
    WHERE r.place <= :candidates_max AND b.state NOT IN ('closed', 'merged')
    """
)
KNOWN = text(
    """
    SELECT b.id, b.owner_id, s.name, s.owner, s.phone, b.region, b.sector, o.nik_index AS nik
    FROM business b JOIN business_search s ON s.business_id = b.id JOIN owner o ON o.id = b.owner_id
    WHERE b.id = ANY(CAST(:ids AS uuid[]))
    """
)
# What was decided stays decided; what was called different when it was only possible is open anew once it is certain.
OPEN = text(
    """
    INSERT INTO duplicate_case AS c (id, low_id, high_id, kind, score, points, rule, state, opened_at, version)
    SELECT n.id, n.low, n.high, n.kind, n.score, n.points::jsonb, :rule, 'open', :now, 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:lows AS uuid[]), CAST(:highs AS uuid[]), CAST(:kinds AS text[]),
                CAST(:scores AS int[]), CAST(:points AS text[])) AS n(id, low, high, kind, score, points)
    ORDER BY n.low, n.high
    ON CONFLICT (low_id, high_id) DO UPDATE
    SET kind = excluded.kind, score = excluded.score, points = excluded.points, rule = excluded.rule, state = 'open',
        opened_at = excluded.opened_at, decided_at = NULL, decided_by = NULL, reason = NULL, version = c.version + 1
    WHERE c.state = 'different' AND c.kind = 'possible' AND excluded.kind = 'certain'
    RETURNING id
    """
)
ASK = text(
    "INSERT INTO duplicate_check (business_id, batch) SELECT id, :batch FROM unnest(CAST(:ids AS uuid[])) AS id"
    " ON CONFLICT DO NOTHING RETURNING business_id"
)
# Whoever takes some has them until its transaction ends: they are gone with what came of them, or wait again.
TAKE = text(
    """
    DELETE FROM duplicate_check WHERE business_id IN (
        SELECT business_id FROM duplicate_check ORDER BY business_id LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING business_id, batch
    """
)
SIDES = text("SELECT id, name, region FROM business WHERE id = ANY(CAST(:ids AS uuid[]))")
SEEN = text(
    "SELECT id FROM business WHERE id = ANY(CAST(:ids AS uuid[])) AND EXISTS (SELECT FROM"
    " unnest(CAST(:own AS text[])) AS own WHERE region = own OR starts_with(region, own || '.'))"
)


async def seen(session: AsyncSession, ids: Collection[UUID], own: Sequence[str]) -> list[UUID]:
    """Give those of some businesses that lie in these regions."""
    return list((await session.execute(SEEN, {"ids": list(ids), "own": list(own)})).scalars())


async def ask(session: AsyncSession, ids: Collection[UUID], batch: UUID) -> int:
    """Let businesses wait to be compared; gives how many did not wait already."""
    return len((await session.execute(ASK, {"ids": list(ids), "batch": batch})).all())


async def take(session: AsyncSession, most: int) -> list[tuple[UUID, UUID]]:
    """Take the oldest that wait and that nobody else has taken, each with what it was written with."""
    return [(row.business_id, row.batch) for row in await session.execute(TAKE, {"most": most})]


async def candidates(session: AsyncSession, ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Give the pairs worth a look of which one is among these businesses, each once, the lower id first."""
    asked = {"ids": list(ids), "shared_max": KEY_SHARED_MAX, "candidates_max": CANDIDATES_MAX}
    return [(row.low, row.high) for row in await session.execute(CANDIDATES, asked)]


async def known(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Known]:
    """Give what these businesses are compared by."""
    rows = await session.execute(KNOWN, {"ids": list(ids)})
    return {row.id: Known(**row._mapping) for row in rows}  # noqa: SLF001  a row has no other public face by name


async def open_cases(
    session: AsyncSession, found: Sequence[tuple[UUID, UUID, UUID, Score]], rule: str, now: datetime
) -> list[UUID]:
    """Open a case for each pair, given by the id that it would have, low and high; gives those that are open anew."""
    ids, lows, highs, scores = zip(*found, strict=True)
    told: dict[str, Any] = {
        "ids": list(ids),
        "lows": list(lows),
        "highs": list(highs),
        "kinds": [score.kind.value for score in scores],
        "scores": [score.total for score in scores],
        "points": [msgspec.json.encode(score.points).decode() for score in scores],
        "rule": rule,
        "now": now,
    }
    return list((await session.execute(OPEN, told)).scalars())


async def locked(session: AsyncSession, case_id: UUID) -> DuplicateCaseRow | None:
    """Lock a case, which is done before its owners and businesses are locked."""
    question = select(DuplicateCaseRow).where(col(DuplicateCaseRow.id) == case_id).with_for_update()
    return (await session.exec(question, execution_options={"populate_existing": True})).one_or_none()


async def cases(session: AsyncSession, rows: Sequence[DuplicateCaseRow]) -> list[Case]:
    """Give cases with the names and regions of their businesses."""
    ids = {side for row in rows for side in (row.low_id, row.high_id)}
    sides = {side.id: side for side in await session.execute(SIDES, {"ids": list(ids)})} if ids else {}
    return [
        Case(
            row,
            {side: sides[side].name for side in (row.low_id, row.high_id)},
            {side: sides[side].region for side in (row.low_id, row.high_id)},
        )
        for row in rows
    ]


PAGE = text(
    """
    SELECT c.id FROM duplicate_case c JOIN business low ON low.id = c.low_id JOIN business high ON high.id = c.high_id
    WHERE (CAST(:state AS text) IS NULL OR c.state = :state)
      AND (CAST(:business AS uuid) IS NULL OR :business IN (c.low_id, c.high_id))
      AND (CAST(:score AS int) IS NULL OR (c.score, c.id) < (CAST(:score AS int), CAST(:after AS uuid)))
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) AS own
                  WHERE low.region = own OR starts_with(low.region, own || '.'))
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) AS own
                  WHERE high.region = own OR starts_with(high.region, own || '.'))
    ORDER BY c.score DESC, c.id DESC LIMIT :rows
    """
)


async def page(
    session: AsyncSession,
    own: Sequence[str],
    state: str | None,
    business: UUID | None,
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[DuplicateCaseRow]:
    """Give the cases of which both businesses lie in these regions, the surest first."""
    score, beyond = after or (None, None)
    asked = {"own": list(own), "state": state, "business": business, "score": score, "after": beyond, "rows": limit}
    return await by_ids(session, list((await session.execute(PAGE, asked)).scalars()))


async def by_ids(session: AsyncSession, ids: Collection[UUID]) -> list[DuplicateCaseRow]:
    """Give cases in the order of these ids."""
    found = {
        row.id: row for row in await session.exec(select(DuplicateCaseRow).where(col(DuplicateCaseRow.id).in_(ids)))
    }
    return [found[one] for one in ids]
