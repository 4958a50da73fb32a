"""The equity board: goods handed out per 1,000 residents, region by region, least served first.

Whoever asks sees the regions that are theirs. What was handed out from a place that lies in no regency or city of the
list, such as the province's own warehouse, is told apart, so that the figures add up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated

import msgspec

from services.aid_distribution.ledger.catalogue import Item, find
from services.aid_distribution.ledger.handed_out import served
from services.aid_distribution.regions import store as regions
from services.aid_distribution.regions.store import KnownRegionRow
from shared.clock import wib_day
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Code

DAYS_DEFAULT = 366
DAYS_MAX = 731
"""Two years: so a board reads so many days at the most, however long the history has become."""

REGENCY_LENGTH = 5
"""`19.71`: whatever lies within a regency or a city counts for it."""

Programme = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[a-z][a-z0-9-]*$(?!\n)", examples=["free-masks"])]


class EquityQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which goods to compare, and of which local days: `from` and `to` are both included."""

    item: Annotated[Code, msgspec.Meta(examples=["MASK-CLOTH"])]
    programme: Programme | None = None
    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None


class ServedView(msgspec.Struct, frozen=True, kw_only=True):
    """How a region was served; `per_thousand_hundredths` is units per 1,000 residents times 100, rounded down."""

    rank: int
    region: str
    name: str
    kind: str
    population: int
    population_year: int | None
    quantity: int
    per_thousand_hundredths: int


class ServedTotal(msgspec.Struct, frozen=True, kw_only=True):
    """All regions of the board together, and what was handed out within your regions but in none of these."""

    population: int
    quantity: int
    per_thousand_hundredths: int
    quantity_elsewhere: int


class EquityBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Goods per 1,000 residents, least served first; regions that are served alike stand by their codes."""

    item: str
    item_name: str
    unit: str
    programme: str | None
    from_: date = msgspec.field(name="from")
    to: date
    items: list[ServedView]
    total: ServedTotal


@dataclass(frozen=True, slots=True)
class Served:
    """A region with what was handed out in it."""

    region: KnownRegionRow
    quantity: int

    @property
    def per_thousand(self) -> Fraction:
        """Give the exact number of units per 1,000 residents."""
        return Fraction(self.quantity * 1_000, self.region.population)


def ranked(known: Sequence[KnownRegionRow], quantities: Mapping[str, int]) -> tuple[list[Served], int]:
    """Put regions in order, the least served first, and say how much went to none of them."""
    sums: Counter[str] = Counter()
    for code, quantity in quantities.items():
        sums[code[:REGENCY_LENGTH]] += quantity
    rows = [Served(region, sums.pop(region.code, 0)) for region in known]
    return sorted(rows, key=lambda row: (row.per_thousand, row.region.code)), sum(sums.values())


def hundredths(quantity: int, population: int) -> int:
    """Give units per 1,000 residents times 100, rounded down; nobody lives in no region."""
    return quantity * 100_000 // population if population else 0


async def board(work: Work, query: EquityQuery) -> EquityBoard:
    """Compare how the caller's regions were served; raises Absent (404) for an unknown item, Invalid (422)."""
    first, last = _days(work, query)
    items, _ = await find(work.session, [query.item])
    if query.item not in items:
        raise Absent
    known = await regions.seen(work.session, work.caller.regions)
    quantities = await served(work.session, work.caller.regions, query.item, query.programme, first, last)
    rows, elsewhere = ranked(known, quantities)
    return _board(query, items[query.item], (first, last), rows, elsewhere)


def _days(work: Work, query: EquityQuery) -> tuple[date, date]:
    last = query.to or wib_day(work.now)
    first = query.from_ or date.fromordinal(max(1, last.toordinal() - DAYS_DEFAULT + 1))
    if first > last:
        raise Invalid([FieldError("/query/from", "after_the_end", "The first day lies after the last one.")])
    if (last - first).days >= DAYS_MAX:
        raise Invalid([FieldError("/query/from", "too_far_back", f"A board shows at most {DAYS_MAX} days.")])
    return first, last


def _board(
    query: EquityQuery, item: Item, days: tuple[date, date], rows: Sequence[Served], elsewhere: int
) -> EquityBoard:
    population = sum(row.region.population for row in rows)
    quantity = sum(row.quantity for row in rows)
    return EquityBoard(
        item=query.item,
        item_name=item.name,
        unit=item.unit,
        programme=query.programme,
        from_=days[0],
        to=days[1],
        items=[_view(rank, row) for rank, row in enumerate(rows, 1)],
        total=ServedTotal(
            population=population,
            quantity=quantity,
            per_thousand_hundredths=hundredths(quantity, population),
            quantity_elsewhere=elsewhere,
        ),
    )


def _view(rank: int, row: Served) -> ServedView:
    region = row.region
    return ServedView(
        rank=rank,
        region=region.code,
        name=region.name,
        kind=region.kind,
        population=region.population,
        population_year=region.population_year,
        quantity=row.quantity,
        per_thousand_hundredths=hundredths(row.quantity, region.population),
    )
