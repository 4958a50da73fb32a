"""Who may be asked for a call, in what order, and for how much: the scoring rule put to what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.aid_distribution.production import store
from services.aid_distribution.production.domain import REFUSED
from services.aid_distribution.production.scoring import SERVED_DAYS, Factors, Stake, shares
from services.aid_distribution.production.shapes import CandidateView
from services.aid_distribution.production.store import ProductionCallRow
from shared.database import Work


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of a call, best score first, each with its share and what to offer it now."""

    need: int
    lines: tuple[CandidateView, ...]

    @property
    def held(self) -> int:
        """Give what is on order or was accepted."""
        return sum(line.held for line in self.lines)

    @property
    def proposed(self) -> int:
        """Give what all proposals come to."""
        return sum(line.proposed for line in self.lines)

    @property
    def short(self) -> int:
        """Give what of the need nobody can be proposed for."""
        return self.need - self.held - self.proposed

    def of(self, business_id: UUID) -> CandidateView | None:
        """Find a candidate."""
        return next((line for line in self.lines if line.business_id == business_id), None)


async def rank(work: Work, call: ProductionCallRow) -> Ranking:
    """Rank the businesses that a call may ask, and share its need out among them."""
    since = work.now - timedelta(days=SERVED_DAYS)
    rows = await store.candidates(work.session, call, since, work.now)
    return ranking_of(call.quantity, call.cap_per_business, rows)


def ranking_of(need: int, cap: int, rows: Sequence[Any]) -> Ranking:
    """Rank what is known of businesses; ties of scores are settled by their ids."""
    factors = {row.id: Factors(row.decline_permille, row.capacity_per_week, row.served) for row in rows}
    ranked = sorted(rows, key=lambda row: (-factors[row.id].score, row.id))
    left_out = [_left_out(row, factors[row.id]) for row in ranked]
    stakes = [
        Stake(weight=0 if out else factors[row.id].score, held=row.held, most=cap)
        for row, out in zip(ranked, left_out, strict=True)
    ]
    given = shares(need, stakes)
    lines = [
        _line(rank, row, factors[row.id], share, out)
        for rank, (row, share, out) in enumerate(zip(ranked, given, left_out, strict=True), 1)
    ]
    return Ranking(need, tuple(lines))


def _left_out(row: Any, factors: Factors) -> str | None:
    """Say why a business has no part of the need beyond what it holds."""
    if not row.asked:
        return "not_asked"
    if row.restricted:
        return "restricted"
    if row.last_state in REFUSED:
        return str(row.last_state)
    if not row.profiled:
        return "no_profile"
    if not factors.capacity_per_week:
        return "no_capacity"
    return None if factors.score else "no_decline"


def _line(rank: int, row: Any, factors: Factors, share: int, left_out: str | None) -> CandidateView:
    return CandidateView(
        rank=rank,
        business_id=row.id,
        name=row.name,
        region=row.region,
        decline_permille=factors.decline_permille,
        capacity_per_week=factors.capacity_per_week,
        served=factors.served,
        not_yet_served_permille=factors.not_yet_served_permille,
        score=factors.score,
        share=share,
        held=row.held,
        proposed=share - row.held,
        left_out=left_out,
    )
