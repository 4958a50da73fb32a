"""How it is seen that every distribution stands in the history of each business that it names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.aid_distribution import DistributionEvent, DistributionPosted, DistributionVoided
from shared.effect_audit import Effect, EffectPages, Seen, Told, seen_in

SUPPORT = text(
    "SELECT distribution_id, business_id, void_reason FROM support WHERE distribution_id = ANY(CAST(:ids AS uuid[]))"
)
PAGE = text(
    "SELECT DISTINCT distribution_id FROM support"
    " WHERE distribution_id > CAST(:after AS uuid) ORDER BY distribution_id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
CAUSES = frozenset({DistributionPosted.type, DistributionVoided.type})

Received = Mapping[UUID, str | None]
"""The businesses that received in one distribution, each with the reason for which it was taken back."""


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare each distribution with the histories of the businesses that it names."""
    events = [(one, one.event) for one in told if isinstance(one.event, DistributionEvent)]
    rows = await session.execute(SUPPORT, {"ids": [event.distribution_id for _, event in events]})
    found: dict[UUID, dict[UUID, str | None]] = defaultdict(dict)
    for row in rows:
        found[row.distribution_id][row.business_id] = row.void_reason
    return [Seen(one, "support", _wrong(event, found[event.distribution_id])) for one, event in events]


def _wrong(event: DistributionEvent, found: Received) -> str:
    lacking, surplus = set(event.businesses) - found.keys(), found.keys() - set(event.businesses)
    if lacking:
        return f"{len(lacking)} of {len(set(event.businesses))} businesses do not have it, such as {min(lacking)}"
    if surplus:
        return f"{len(surplus)} businesses have it that it does not name, such as {min(surplus)}"
    reason = event.reason if isinstance(event, DistributionVoided) else None
    if any(void_reason != reason for void_reason in found.values()):
        return "it is not marked as taken back" if reason else "it is marked as taken back"
    return ""


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    return [Effect(str(key), f"distribution/{key}", CAUSES) for key in found.scalars()]


REMEMBERED = seen_in(look, DistributionPosted, DistributionVoided)
ALL_SUPPORT = EffectPages("support", _page)
