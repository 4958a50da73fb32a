"""How it is seen that every business that registration told of is known here."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessMerged, BusinessRegistered
from shared.effect_audit import Effect, EffectPages, Seen, Told, compared, seen_in

KNOWN = text(
    "SELECT id, owner_id, name, sector, region, state FROM known_business WHERE id = ANY(CAST(:ids AS uuid[]))"
)
PAGE = text(
    "SELECT id::text AS id FROM known_business WHERE id > CAST(:after AS uuid) ORDER BY known_business.id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
CAUSES = frozenset({BusinessRegistered.type, BusinessChanged.type})


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare what is known of each business with what was told of it last."""
    ids = [one.event.business_id for one in told if isinstance(one.event, BUSINESS)]
    rows = {row["id"]: row for row in (await session.execute(KNOWN, {"ids": ids})).mappings()}
    return [_seen(one, rows.get(one.event.business_id)) for one in told if isinstance(one.event, BUSINESS)]


def _seen(told: Told, row: object) -> Seen:
    event, found = told.event, row if row is None else dict(row)  # type: ignore[call-overload]  # a mapping
    match event:
        case BusinessClosed() | BusinessMerged():
            # A business that was never heard of is not remembered when it ends.
            return Seen(told, "known business", compared({"state": "closed"}, found) if found else "")
        case BusinessRegistered() | BusinessChanged():
            expected = {
                "owner_id": event.owner_id,
                "name": event.name,
                "sector": event.sector,
                "region": event.region,
                "state": "open",
            }
            return Seen(told, "known business", compared(expected, found))
        case _:
            raise TypeError(f"{event.type} is about no business")


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    return [Effect(key, f"business/{key}", CAUSES) for key in found.scalars()]


BUSINESS = (BusinessRegistered, BusinessChanged, BusinessClosed, BusinessMerged)
KNOWN_BUSINESSES = seen_in(look, *BUSINESS)
ALL_KNOWN = EffectPages("known business", _page)
