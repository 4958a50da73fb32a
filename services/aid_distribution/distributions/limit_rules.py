"""How much one business may receive: what a limit counts, and whether one more hand-out stays within it.

A limit binds what named businesses receive under its programme, of its item or of any: in **any** `period_days` local
days that follow one another a business has at most `times_max` hand-outs, and at most `quantity_max` of one item.
So a period of 1 is "a day", and once in 7 is "at least a week between two". Any stretch of days that holds a hand-out
counts, also one that ends later: what is dated late, or arrives in another order, finds the same limit.

What counts as received:

* A distribution is one hand-out for each business that it names.
* Its quantity is the business's share. Where no shares were told nobody knows it; then it is the part that each would
  have if all recipients, the public too, had the same, rounded up. This is an estimate in the limit's favour and is
  stored nowhere.
* Only what was handed out while the limit was valid counts, so that a new limit asks nothing of the past. What was
  voided does not count.
* What came back of a distribution does not count for what is handed out on the local day of the return or later; what
  is dated before it still finds the goods with their business. It is taken off the hand-out, so off that day. A
  hand-out of which a business has nothing left is none of its `times_max` any more, one of which it has something
  still is. Whose goods came back is what the return says; where it does not, no recipient has more than is left of the
  whole (`kept`), so that one who was alone, and everybody once all is back, has what is true.
* The public is counted by heads and has no limit.

Units:  days are WIB days; quantities in the item's base unit
Source: DOMAIN section 2 (per day means the WIB day: 06:30 and 07:30 are one day, 23:30 and 00:30 are two)
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from shared.problems import Json, Refusal

PERIOD_DAYS_MAX = 3_660
"""Ten years: once in so many days is once and for all."""

TIMES_MAX = 1_000
TIMES, QUANTITY = "times", "quantity"
"""What a limit counts."""

TOLD_MAX = 100
"""A refusal names so many recipients and limits at the most."""


class LimitReached(Refusal):
    """A recipient would have more than a limit allows; `reached` names who, of what, the limit, and when again."""

    code = "limit_reached"
    title = "A limit per recipient is reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientLimit:
    """What businesses of a region may receive under a programme; `item` None stands for each item by itself."""

    id: UUID
    region: str
    programme: str
    item: str | None
    quantity_max: int | None
    times_max: int | None
    period_days: int
    valid_from: date
    valid_to: date | None

    def binds_on(self, day: date) -> bool:
        """Tell whether the limit is valid on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def binds(self, region: str, programme: str) -> bool:
        """Tell whether the limit is about the businesses of a region and a programme."""
        return programme == self.programme and (region == self.region or region.startswith(self.region + "."))


class Back(NamedTuple):
    """So much of an item that came back of a distribution on a day; `business` only where it was told."""

    day: date
    business: UUID | None
    item: str
    quantity: int


class Handout(NamedTuple):
    """What one business received in one distribution, or would.

    Shape:  `moved` is what all recipients together had of the items of which something came `back`
    """

    business: UUID
    region: str
    programme: str
    day: date
    goods: Mapping[str, int]
    moved: Mapping[str, int] = {}
    back: Sequence[Back] = ()


class Measure(NamedTuple):
    """What a limit allows a hand-out: so many times, or so much of an item."""

    handout: Handout
    limit: RecipientLimit
    counts: str
    item: str | None
    allowed: int


class Breach(NamedTuple):
    """A limit that a hand-out would break; `next_allowed_on` is None when no later day helps."""

    handout: Handout
    limit: RecipientLimit
    counts: str
    item: str | None
    allowed: int
    received: int
    asked: int
    next_allowed_on: date | None


def even_part(quantity: int, recipients: int) -> int:
    """Give what each of so many recipients has of a quantity, rounded up."""
    return -(-quantity // recipients)


def kept(one: Handout, day: date) -> Handout:
    """Give what a business still has of a hand-out at the end of a day; items of which nothing is left are missing."""
    back = [part for part in one.back if part.day <= day]
    if not back:
        return one
    left: dict[str, int] = {}
    for item, received in one.goods.items():
        own = sum(part.quantity for part in back if part.item == item and part.business == one.business)
        of_all = sum(part.quantity for part in back if part.item == item)
        has = min(received - own, one.moved.get(item, received) - of_all) if of_all else received
        if has > 0:
            left[item] = has
    return one._replace(goods=left)


def breaches(limits: Iterable[RecipientLimit], before: Sequence[Handout], asked: Handout) -> Iterator[Breach]:
    """Find the limits that a hand-out would break, after what its business received before."""
    for limit in limits:
        if not (limit.binds(asked.region, asked.programme) and limit.binds_on(asked.day)):
            continue
        if limit.item is not None and limit.item not in asked.goods:
            continue
        counted = [
            kept(one, asked.day) for one in before if one.programme == limit.programme and limit.binds_on(one.day)
        ]
        if limit.times_max is not None:
            having = (one for one in counted if (limit.item in one.goods if limit.item else one.goods))
            times = _by_day((one.day, 1) for one in having)
            yield from _breach(Measure(asked, limit, TIMES, limit.item, limit.times_max), times, 1)
        if limit.quantity_max is not None:
            for item in asked.goods if limit.item is None else (limit.item,):
                received = _by_day((one.day, one.goods.get(item, 0)) for one in counted)
                measure = Measure(asked, limit, QUANTITY, item, limit.quantity_max)
                yield from _breach(measure, received, asked.goods[item])


def _breach(measure: Measure, received: "Received", amount: int) -> Iterator[Breach]:
    limit, day = measure.limit, measure.handout.day
    already = received.most_around(day, limit.period_days)
    if already + amount > measure.allowed:
        yield Breach(*measure, already, amount, _next(limit, measure.allowed - amount, received, day))


def _next(limit: RecipientLimit, room: int, received: "Received", day: date) -> date | None:
    """Give the first later day on which as much would be allowed, as far as is known."""
    period = timedelta(days=limit.period_days)
    later = (one + period for one in received.days if room >= 0 and one + period > day)
    free = [one for one in later if received.most_around(one, limit.period_days) <= room][:1]
    if limit.valid_to is not None:
        free.append(limit.valid_to + timedelta(days=1))
    return min(free, default=None)


@dataclass(frozen=True, slots=True)
class Received:
    """What one business received, by day."""

    days: Sequence[date]
    sums: Sequence[int]

    def most_around(self, day: date, period_days: int) -> int:
        """Give the most that lies in any so many days that follow one another and hold this day."""
        # The best stretch begins with a hand-out or with the day itself: until then it only gains by beginning later.
        first = bisect_left(self.days, day - timedelta(days=period_days - 1))
        starts = [*self.days[first : bisect_left(self.days, day)], day]
        return max(self._between(start, start + timedelta(days=period_days)) for start in starts)

    def _between(self, start: date, end: date) -> int:
        return self.sums[bisect_left(self.days, end)] - self.sums[bisect_left(self.days, start)]


def _by_day(amounts: Iterable[tuple[date, int]]) -> Received:
    by_day: defaultdict[date, int] = defaultdict(int)
    for day, amount in amounts:
        by_day[day] += amount
    days = sorted(by_day)
    return Received(days, list(accumulate((by_day[day] for day in days), initial=0)))


def refusal(found: Collection[Breach]) -> LimitReached | None:
    """Make the refusal that tells of these breaches; None when there are none."""
    if not found:
        return None
    told: Sequence[Json] = [
        {
            "business": str(one.handout.business),
            "item": one.item,
            "limit": str(one.limit.id),
            "counts": one.counts,
            "allowed": one.allowed,
            "received": one.received,
            "asked": one.asked,
            "period_days": one.limit.period_days,
            "next_allowed_on": one.next_allowed_on.isoformat() if one.next_allowed_on else None,
        }
        for one in found
    ][:TOLD_MAX]
    first = next(iter(found))
    within = "a day" if first.limit.period_days == 1 else f"any {first.limit.period_days} days"
    what = f"{first.allowed} times" if first.counts == TIMES else f"{first.allowed} of {first.item}"
    so_far = f"{first.received} received, {first.asked} asked"
    return LimitReached(f"Business {first.handout.business}: at most {what} in {within}; {so_far}.", reached=told)
