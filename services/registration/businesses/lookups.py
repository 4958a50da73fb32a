"""Who looked for somebody by their NIK: on record and within a limit, as a look behind a mask is.

Whoever has a NIK learns by it whether that person is known here, and where. The NIK itself is not kept: only who was
found by it, or that nobody was.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, DateTime, ForeignKey, Index, SmallInteger, Text, Uuid, text
from sqlalchemy import UniqueConstraint as Unique
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.store import OwnerRow
from shared import cursor
from shared.clock import seconds_until_midnight, wib_day
from shared.database import Work
from shared.problems import TooMany
from shared.routes import Page
from shared.within import within

NIK_LOOKUPS_PER_DAY = 200
"""How often one caller may look in a day of WIB: more than stand at a counter, too few to try out numbers."""

ACTOR_LENGTH_MAX = 200


class NikLookupsUsedUp(TooMany):
    """The caller has looked for people by their NIK as often as one may in a day."""

    code = "nik_lookups_used_up"
    title = "You can look for no more people by their NIK today"


class NikLookupRow(SQLModel, table=True):
    """Somebody has looked for a person by a NIK: their `no`th look of a day in WIB. A row is never changed.

    Shape: `owner_id` is who was found, `region` theirs; where nobody was, it is null and the region the caller's
    """

    __tablename__ = "nik_lookup"
    __table_args__ = (
        CheckConstraint(f"length(actor) BETWEEN 1 AND {ACTOR_LENGTH_MAX}", name="nik_lookup_actor_length"),
        CheckConstraint(f"no BETWEEN 1 AND {NIK_LOOKUPS_PER_DAY}", name="nik_lookup_within_the_limit"),
        Unique("actor", "day", "no", name="nik_lookup_counted_once"),
        Index("nik_lookup_by_owner", "owner_id", "id"),
        Index("nik_lookup_by_region", "region", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("owner.id")))
    region: str = Field(sa_column=Column(Text, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    day: date = Field(sa_column=Column(Date, nullable=False))
    no: int = Field(sa_column=Column(SmallInteger, nullable=False))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended('nik_lookup/' || :actor, 0))")


async def note(work: Work, found: OwnerRow | None) -> None:
    """Put on record that the caller looked for somebody, and who was found.

    Raises: NikLookupsUsedUp (429) until midnight in WIB
    """
    caller, day = work.caller, wib_day(work.now)
    no = await _looks(work.session, caller.subject, day) + 1
    if no > NIK_LOOKUPS_PER_DAY:
        wait = seconds_until_midnight(work.now)
        detail = f"{NIK_LOOKUPS_PER_DAY} a day; the next day begins in {wait} seconds."
        raise NikLookupsUsedUp(detail, headers={"Retry-After": str(wait)}, limit=NIK_LOOKUPS_PER_DAY)
    row = NikLookupRow(
        id=work.new_id(),
        owner_id=found.id if found else None,
        region=found.region if found else caller.regions[0],
        actor=caller.subject,
        role=caller.role,
        day=day,
        no=no,
        at=work.now,
    )
    work.session.add(row)
    await work.session.flush()


async def _looks(session: AsyncSession, actor: str, day: date) -> int:
    """Count how often somebody has looked in a day; nobody else counts theirs until the end of the transaction."""
    await session.execute(ONE_BY_ONE, {"actor": actor})
    found = select(func.count()).where(col(NikLookupRow.actor) == actor, col(NikLookupRow.day) == day)
    return (await session.exec(found)).one()


async def lookups(
    work: Work, owner_id: UUID | None, actor: str | None, after: str | None, limit: int
) -> Page[NikLookupRow]:
    """List who looked for whom by a NIK in the caller's regions, the latest first."""
    return await _page(work.session, work.caller.regions, owner_id, actor, after, limit)


async def own_lookups(work: Work, after: str | None, limit: int) -> Page[NikLookupRow]:
    """List who found the owner who asks by their NIK, the latest first."""
    try:
        owner_id = UUID(work.caller.subject)
    except ValueError:
        return Page([])
    return await _page(work.session, None, owner_id, None, after, limit)


async def _page(
    session: AsyncSession,
    regions: Sequence[str] | None,
    owner_id: UUID | None,
    actor: str | None,
    after: str | None,
    limit: int,
) -> Page[NikLookupRow]:
    found = select(NikLookupRow).order_by(col(NikLookupRow.id).desc()).limit(limit + 1)
    if regions is not None:
        found = found.where(within(col(NikLookupRow.region), regions))
    if owner_id is not None:
        found = found.where(col(NikLookupRow.owner_id) == owner_id)
    if actor is not None:
        found = found.where(col(NikLookupRow.actor) == actor)
    if after:
        found = found.where(col(NikLookupRow.id) < cursor.decode(after, tuple[UUID])[0])
    rows = (await session.exec(found)).all()
    return cursor.page(rows, limit, lambda row: row, lambda row: (row.id,))
