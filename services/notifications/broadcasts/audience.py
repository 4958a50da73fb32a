"""Whom a broadcast is for: owners of trading businesses, as far as events have told of them here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.contacts.preference_store import STOPPED_SQL
from services.notifications.people import Choices, Language, Person


@dataclass(frozen=True, slots=True)
class Audience:
    """Which businesses' owners.

    Shape: of any of `regions` or inside one; of any of `sectors`, and with any of `standings` in a training, or in
           that very one; what is empty asks for nothing
    """

    regions: Sequence[str]
    sectors: Sequence[str] = ()
    standings: Sequence[str] = ()
    training_id: UUID | None = None

    def asked(self) -> dict[str, Any]:
        """Give the values of the questions below."""
        return {
            "regions": list(self.regions),
            "sectors": list(self.sectors),
            "standings": list(self.standings),
            "training_id": self.training_id,
        }


class Aimed(NamedTuple):
    """An owner whom a broadcast is for, and one of the businesses that it is for them for; `hold` says who has none."""

    owner_id: UUID
    name: str
    phone: str | None
    business: str
    region: str
    hold: str | None


WANTED = """
    b.trading
    AND EXISTS (SELECT FROM unnest(CAST(:regions AS text[])) AS own
                WHERE b.region = own OR starts_with(b.region, own || '.'))
    AND (cardinality(CAST(:sectors AS text[])) = 0 OR b.sector = ANY(CAST(:sectors AS text[])))
    AND (cardinality(CAST(:standings AS text[])) = 0 AND CAST(:training_id AS uuid) IS NULL
         OR 'none' = ANY(CAST(:standings AS text[]))
            AND NOT EXISTS (SELECT FROM seat_offer o WHERE o.business_id = b.business_id)
         OR EXISTS (SELECT FROM seat_offer o WHERE o.business_id = b.business_id
                    AND (CAST(:training_id AS uuid) IS NULL OR o.training_id = CAST(:training_id AS uuid))
                    AND (cardinality(CAST(:standings AS text[])) = 0
                         OR o.standing = ANY(CAST(:standings AS text[])))))
"""
# The owners come in the order of an index, so that a stretch of them costs what it holds.
STRETCH = text(
    f"""
    SELECT a.owner_id, c.name, c.phone, a.business, a.region, h.kind AS hold
    FROM (
        SELECT b.owner_id, (array_agg(b.name ORDER BY b.name, b.business_id))[1] AS business,
               (array_agg(b.region ORDER BY b.name, b.business_id))[1] AS region
        FROM contact_business b JOIN contact known ON known.owner_id = b.owner_id
        WHERE (CAST(:after AS uuid) IS NULL OR b.owner_id > CAST(:after AS uuid)) AND {WANTED}
        GROUP BY b.owner_id ORDER BY b.owner_id LIMIT :rows
    ) a JOIN contact c ON c.owner_id = a.owner_id LEFT JOIN contact_hold h ON h.owner_id = a.owner_id
    ORDER BY a.owner_id
    """  # noqa: S608  ours
)


async def stretch(session: AsyncSession, audience: Audience, after: UUID | None, rows: int) -> list[Aimed]:
    """Give the next of those whom an audience names, in the order of their ids."""
    found = await session.execute(STRETCH, {**audience.asked(), "after": after, "rows": rows})
    return [Aimed(*row) for row in found]


class Alike(NamedTuple):
    """So many people to whom the same applies, and somebody to stand for them."""

    people: int
    person: Person
    hold: str | None


COUNT = text(
    f"""
    WITH aimed AS (SELECT DISTINCT b.owner_id FROM contact_business b WHERE {WANTED})
    SELECT count(*) AS people, c.phone IS NOT NULL AS has_phone, c.email IS NOT NULL AS has_email,
           coalesce(k.given, true) AS consents, h.kind AS hold,
           p.required, p.invitation, p.information, p.digest, {STOPPED_SQL} AS stopped
    FROM aimed JOIN contact c USING (owner_id) LEFT JOIN contact_consent k USING (owner_id)
    LEFT JOIN contact_hold h USING (owner_id) LEFT JOIN preference p ON p.person = 'owner/' || owner_id
    GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10
    """  # noqa: S608  ours
)


async def counted(session: AsyncSession, audience: Audience) -> list[Alike]:
    """Count the people of an audience by all that decides how they are told."""
    return [_alike(row) for row in await session.execute(COUNT, audience.asked())]


def _alike(row: Any) -> Alike:
    choices = None
    if row.required is not None:
        choices = Choices(tuple(row.required), tuple(row.invitation), tuple(row.information), row.digest)
    person = Person(
        "owner/-",
        Language.INDONESIAN,
        "-" if row.has_email else None,
        consents=row.consents,
        held=row.hold is not None,
        phone="-" if row.has_phone else None,
        choices=choices,
        stopped=row.stopped,
    )
    return Alike(row.people, person, row.hold)
