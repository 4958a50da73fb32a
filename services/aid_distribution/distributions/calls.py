"""Verification calls: who of those that received is to be asked, drawn so that the same seed draws the same again."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.aid_distribution.businesses.restricted import RESTRICTED
from services.aid_distribution.distributions.sampling import in_proportion, sample_size
from services.aid_distribution.ledger.programmes import Programme
from shared.caller import Caller
from shared.clock import shown, wib_midnight
from shared.database import Work
from shared.problems import FieldError, Invalid
from shared.routes import RegionCode

SIZE_MAX = 2_000
DAYS_MAX = 3_660


class SampleQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Among whom to draw: who received under a programme from one local day to another, both included.

    Shape: how many is said by `size`, or follows from confidence and margin (`sampling`)
    """

    programme: Programme
    from_: date = msgspec.field(name="from")
    to: date
    seed: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._\-]+$(?!\n)")]
    region: RegionCode | None = None
    size: Annotated[int, msgspec.Meta(ge=1, le=SIZE_MAX)] | None = None
    confidence_percent: Annotated[int, msgspec.Meta(ge=50, le=99)] = 95
    margin_percent: Annotated[int, msgspec.Meta(ge=3, le=50)] = 5


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """A region's part in a sample."""

    region: str
    population: int
    size: int


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient to be called, and the last hand-out of those days, which is remembered best."""

    business_id: UUID
    name: str
    region: str
    distribution_id: UUID
    number: str
    place: str
    occurred_at: datetime


class SampleView(msgspec.Struct, frozen=True, kw_only=True):
    """A sample: how many there are and how many are called, by region, and who."""

    population: int
    size: int
    confidence_percent: int | None
    margin_percent: int | None
    seed: str
    regions: list[Stratum]
    recipients: list[Called]


# Each business that received, with its last hand-out, where both lie in regions of the caller's; who is restricted is
# not called.
RECIPIENTS = f"""
    SELECT DISTINCT ON (b.business_id) b.business_id, k.name, k.region, d.id AS distribution_id, d.number, d.place,
           d.occurred_at
    FROM distribution d
    JOIN distribution_business b ON b.distribution_id = d.id
    JOIN known_business k ON k.id = b.business_id
    WHERE d.occurred_at >= :begins AND d.occurred_at < :ends AND d.programme = :programme AND d.state = 'posted'
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) r WHERE d.region = r OR starts_with(d.region, r || '.'))
      AND EXISTS (SELECT FROM unnest(CAST(:own AS text[])) r WHERE k.region = r OR starts_with(k.region, r || '.'))
      AND (CAST(:region AS text) IS NULL OR k.region = :region OR starts_with(k.region, :region || '.'))
      AND NOT {RESTRICTED.format(business="k")}
    ORDER BY b.business_id, d.occurred_at DESC, d.id DESC
"""  # noqa: S608 - our own text
POPULATION = text(f"SELECT region, count(*) AS recipients FROM ({RECIPIENTS}) r GROUP BY region ORDER BY region")  # noqa: S608 - our own text
# By a digest of seed and recipient: as good as dice, and the same for whoever draws again.
DRAW = text(
    f"""
    SELECT business_id, name, region, distribution_id, number, place, occurred_at FROM (
        SELECT r.*, row_number() OVER (PARTITION BY region ORDER BY digest, business_id) AS turn FROM (
            SELECT *, sha256(convert_to(:seed || ':' || business_id::text, 'UTF8')) AS digest FROM ({RECIPIENTS}) one
        ) r
    ) drawn
    JOIN unnest(CAST(:regions AS text[]), CAST(:sizes AS bigint[])) AS part(of_region, size) ON of_region = region
    WHERE turn <= size ORDER BY region, turn
    """  # noqa: S608 - our own text
)


async def draw(work: Work, caller: Caller, query: SampleQuery) -> SampleView:
    """Draw the recipients to be called; raises Invalid (422) for days the wrong way round or too far apart."""
    _check(query)
    values: dict[str, Any] = {
        "programme": query.programme.value,
        "begins": wib_midnight(query.from_),
        "ends": wib_midnight(query.to + timedelta(days=1)),
        "own": list(caller.regions),
        "region": query.region,
    }
    populations = {row.region: row.recipients for row in await work.session.execute(POPULATION, values)}
    population = sum(populations.values())
    by_formula = query.size is None
    wanted = sample_size(population, query.confidence_percent, query.margin_percent) if by_formula else query.size
    size = min(population, wanted or 0)
    sizes = in_proportion(size, populations)
    values |= {"seed": query.seed, "regions": list(sizes), "sizes": list(sizes.values())}
    rows = (await work.session.execute(DRAW, values)).all() if size else []
    return SampleView(
        population=population,
        size=size,
        confidence_percent=query.confidence_percent if by_formula else None,
        margin_percent=query.margin_percent if by_formula else None,
        seed=query.seed,
        regions=[Stratum(region=one, population=populations[one], size=part) for one, part in sizes.items()],
        recipients=_called(rows),
    )


def _check(query: SampleQuery) -> None:
    if query.to < query.from_:
        raise Invalid([FieldError("/query/to", "before_from", "The last day lies before the first.")])
    if query.to - query.from_ > timedelta(days=DAYS_MAX):
        raise Invalid([FieldError("/query/to", "too_far_apart", f"At most {DAYS_MAX} days.")])


def _called(rows: Sequence[Any]) -> list[Called]:
    return [
        Called(
            business_id=row.business_id,
            name=row.name,
            region=row.region,
            distribution_id=row.distribution_id,
            number=row.number,
            place=row.place,
            occurred_at=shown(row.occurred_at),
        )
        for row in rows
    ]
