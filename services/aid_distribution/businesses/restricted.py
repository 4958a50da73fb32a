"""People whose data may only be stored: nothing new chooses their businesses until they are released.

What has already happened is recorded all the same: who received, who delivered, who is due what.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.registration import PersonErased, PersonReleased, PersonRestricted
from shared.database import Work
from shared.effect_audit import Effect, EffectPages, Seen, Told, seen_in


class RestrictedPersonRow(SQLModel, table=True):
    """An owner whose data may only be stored, since this was heard of here."""

    __tablename__ = "restricted_person"

    owner_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    heard_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


# Restrictions are few, and a business may be heard of after its owner's: so they stand apart from the businesses.
RESTRICTED = "EXISTS (SELECT FROM restricted_person rp WHERE rp.owner_id = {business}.owner_id)"
"""Tells in a question whether nothing new may choose a business, which is called `{business}` there."""

RESTRICT = text(
    "INSERT INTO restricted_person (owner_id, heard_at) VALUES (:owner, CAST(:now AS timestamptz))"
    " ON CONFLICT DO NOTHING"
)
RELEASE = text("DELETE FROM restricted_person WHERE owner_id = :owner")
KEPT = text("SELECT owner_id FROM restricted_person WHERE owner_id = ANY(CAST(:owners AS uuid[]))")
PAGE = text(
    "SELECT owner_id::text FROM restricted_person WHERE owner_id > CAST(:after AS uuid)"
    " ORDER BY restricted_person.owner_id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
EVENTS = (PersonRestricted, PersonReleased, PersonErased)


async def restrict(work: Work, event: PersonRestricted) -> None:
    """Leave the businesses of a person out of all that is chosen from now on."""
    await work.session.execute(RESTRICT, {"owner": event.owner_id, "now": work.now})


async def release(work: Work, event: PersonReleased | PersonErased) -> None:
    """Choose the businesses of a person again; of one who was erased nothing needs to be remembered."""
    await work.session.execute(RELEASE, {"owner": event.owner_id})


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """See that whoever was restricted is kept as such, and nobody else."""
    events = [(one, one.event) for one in told if isinstance(one.event, EVENTS)]
    asked = {"owners": [event.owner_id for _, event in events]}
    kept = set((await session.execute(KEPT, asked)).scalars())
    return [_seen(one, due=isinstance(event, PersonRestricted), found=event.owner_id in kept) for one, event in events]


def _seen(told: Told, *, due: bool, found: bool) -> Seen:
    wrong = {(True, False): "it is not kept", (False, True): "it is kept still"}.get((due, found), "")
    return Seen(told, "restriction", wrong)


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    return [Effect(key, f"owner/{key}", frozenset({PersonRestricted.type})) for key in found.scalars()]


RESTRICTIONS = seen_in(look, *EVENTS)
ALL_RESTRICTED = EffectPages("restriction", _page)
