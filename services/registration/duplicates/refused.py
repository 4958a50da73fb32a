"""Registrations that were refused since their NIK or NIB is known: one case of each known owner, for a clerk.

Somebody has written a number wrongly, here or there, or it is used by another. Whoever is refused learns nothing of
whose it is; the office of the known owner learns that, how often and where it was tried. What was told of the other
person is not kept.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import cursor
from shared.database import Work
from shared.problems import Absent, Refusal
from shared.routes import Page

TRIES_MAX = 1_000_000_000
"""So far is counted; nobody tries more often."""


class Number(StrEnum):
    """Which number is known already."""

    NIK = "nik"
    NIB = "nib"


class RefusedState(StrEnum):
    """Whether somebody still has to look at it."""

    OPEN = "open"
    CLOSED = "closed"


class RefusalSettled(Refusal):
    """Somebody has looked at it and said what it was."""

    code = "refused_registration_closed"
    title = "This case was closed"


class RefusedRegistrationRow(SQLModel, table=True):
    """A known owner whose NIK, or the NIB of whose business, others were to be registered with."""

    __tablename__ = "refused_registration"
    __table_args__ = (
        CheckConstraint(
            f"nik_tries BETWEEN 0 AND {TRIES_MAX} AND nib_tries BETWEEN 0 AND {TRIES_MAX}"
            " AND nik_tries + nib_tries > 0",
            name="refused_registration_tries_counted",
        ),
        CheckConstraint("last_at >= opened_at", name="refused_registration_moments_ascend"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (reason IS NULL)",
            name="refused_registration_closed_with_reason",
        ),
        CheckConstraint("length(reason) BETWEEN 1 AND 200", name="refused_registration_reason_length"),
        Index("refused_registration_one_open", "owner_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("refused_registration_of_owner", "owner_id", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("owner.id"), nullable=False))
    nik_tries: int = Field(sa_column=Column(Integer, nullable=False))
    nib_tries: int = Field(sa_column=Column(Integer, nullable=False))
    opened_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    last_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    last_by: str = Field(sa_column=Column(Text, nullable=False))
    last_region: str = Field(sa_column=Column(Text, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    closed_by: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))


# Of who was erased nothing is opened any more.
NOTE = text(
    f"""
    INSERT INTO refused_registration AS r
        (id, owner_id, nik_tries, nib_tries, opened_at, last_at, last_by, last_region)
    SELECT :id, o.id, :nik, :nib, CAST(:now AS timestamptz), CAST(:now AS timestamptz), :who, :region
    FROM owner o WHERE o.id = :owner_id AND o.erased_at IS NULL
    ON CONFLICT (owner_id) WHERE closed_at IS NULL DO UPDATE
    SET nik_tries = least(r.nik_tries + excluded.nik_tries, {TRIES_MAX}),
        nib_tries = least(r.nib_tries + excluded.nib_tries, {TRIES_MAX}),
        last_at = greatest(r.last_at, excluded.last_at), last_by = excluded.last_by, last_region = excluded.last_region
    """  # noqa: S608  a constant of ours
)
SHOWN = "SELECT r.*, o.name, o.region FROM refused_registration r JOIN owner o ON o.id = r.owner_id"
PAGE = text(
    SHOWN + " WHERE (CAST(:after AS uuid) IS NULL OR r.id < CAST(:after AS uuid))"
    " AND (CAST(:open AS boolean) IS NULL OR (r.closed_at IS NULL) = CAST(:open AS boolean))"
    " AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own"
    " WHERE o.region = own OR starts_with(o.region, own || '.'))"
    " ORDER BY r.id DESC LIMIT :rows"
)
ONE = text(SHOWN + " WHERE r.id = :id FOR UPDATE OF r")
CLOSE = text(
    "UPDATE refused_registration SET closed_at = CAST(:now AS timestamptz), closed_by = :who, reason = :why"
    " WHERE id = :id"
)


async def note(work: Work, owner_id: UUID, number: Number, region: str) -> None:
    """Keep that somebody was to be registered with a number of this owner; while a case is open it counts there."""
    asked = {
        "id": work.new_id(),
        "owner_id": owner_id,
        "nik": int(number is Number.NIK),
        "nib": int(number is Number.NIB),
        "now": work.now,
        "who": work.caller.subject,
        "region": region,
    }
    await work.session.execute(NOTE, asked)


async def page(work: Work, state: RefusedState | None, after: str | None, limit: int) -> Page[Any]:
    """List the cases of owners of the caller's regions, the newest first."""
    (beyond,) = cursor.decode(after, tuple[UUID]) if after else (None,)
    rows = await _page(work.session, work.caller.regions, state, beyond, limit + 1)
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))


async def _page(
    session: AsyncSession, regions: Sequence[str], state: RefusedState | None, after: UUID | None, rows: int
) -> Sequence[Any]:
    is_open = None if state is None else state is RefusedState.OPEN
    asked = {"regions": list(regions), "open": is_open, "after": after, "rows": rows}
    return (await session.execute(PAGE, asked)).all()


async def close(work: Work, case_id: UUID, reason: str) -> Any:
    """Say what a case was; the next refusal opens another.

    Raises: Absent (404), also for an owner of another region; RefusalSettled (409)
    """
    row = (await work.session.execute(ONE, {"id": case_id})).one_or_none()
    if row is None or not work.caller.sees(row.region):
        raise Absent
    if row.closed_at is not None:
        raise RefusalSettled(row.reason)
    await work.session.execute(CLOSE, {"id": case_id, "now": work.now, "who": work.caller.subject, "why": reason})
    return (await work.session.execute(ONE, {"id": case_id})).one()
