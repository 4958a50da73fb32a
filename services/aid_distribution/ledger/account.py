"""The account of a card: what is known of it by day, so that any moment of its past can be decided exactly.

A posting dated in the past is checked without replaying all that came after it: within its day movement by
movement, and for each later day against the lowest balance of that day. A count is an anchor: what is dated before
it changes the difference that it found, and nothing after it.

Units:  quantities in the item's base unit, signed as a change of the card
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from shared.clock import wib_day


class CardKey(NamedTuple):
    """What a card is the account of."""

    place: str
    item: str
    lot: str


class Moment(NamedTuple):
    """The place of a posting on the timeline; ties of time are settled by the next field."""

    occurred_at: datetime
    recorded_at: datetime
    posting_id: UUID


class Entry(NamedTuple):
    """One movement on a card."""

    moment: Moment
    change: int


@dataclass(slots=True)
class Day:
    """One local day of a card.

    Shape:  `entries` are the last movements of the day, in order; `earlier_lowest` is the lowest balance before
            them, and `earlier_closing` the balance at which they begin
    """

    day: date
    opening: int
    incoming: int
    outgoing: int
    earlier_lowest: int
    earlier_closing: int
    entries: list[Entry] = field(default_factory=list)
    changed: bool = False

    @property
    def closing(self) -> int:
        """Give the balance at the end of the day."""
        return self.opening + self.incoming - self.outgoing

    @property
    def lowest(self) -> int:
        """Give the lowest balance of the day."""
        lowest = balance = self.earlier_closing
        for entry in self.entries:
            balance += entry.change
            lowest = min(lowest, balance)
        return min(lowest, self.earlier_lowest)

    def before(self, moment: Moment) -> int:
        """Give the balance just before a moment; the day must be loaded from there on."""
        return self.earlier_closing + sum(entry.change for entry in self.entries if entry.moment < moment)

    def lowest_between(self, after: Moment | None, until: Moment | None) -> int:
        """Give the lowest balance of a stretch, that at its beginning included; None is an end of the day."""
        balance = self.earlier_closing
        lowest = self.earlier_lowest if after is None else None
        for entry in self.entries:
            if until is not None and entry.moment >= until:
                break
            if lowest is None and after is not None and entry.moment > after:
                lowest = balance
            balance += entry.change
            if lowest is not None:
                lowest = min(lowest, balance)
        return balance if lowest is None else lowest

    def add(self, moment: Moment, change: int) -> None:
        """Put a movement in its place; all that one posting does to a card is one movement."""
        index = bisect_left(self.entries, moment, key=lambda entry: entry.moment)
        if index < len(self.entries) and self.entries[index].moment == moment:
            before = self.entries.pop(index).change
            self._sum(-before, before > 0)
            change += before
        insort(self.entries, Entry(moment, change))
        self._sum(change, change > 0)
        self.changed = True

    def _sum(self, change: int, comes_in: bool) -> None:  # noqa: FBT001 - the two sums of a day
        if comes_in:
            self.incoming += change
        else:
            self.outgoing -= change

    def shift(self, change: int) -> None:
        """Follow a movement of an earlier day."""
        self.opening += change
        self.earlier_closing += change
        self.earlier_lowest += change
        self.changed = True


@dataclass(slots=True)
class Card:
    """The account of one item and lot at one place, from the first day that a batch of postings touches.

    Shape: `days` ascend, without holes where nothing happened; `expires_on` and `held` are the lot's; `counts` are
           the counts that stand on it from that day on, those at least that decide; `is_new` before it is stored
    """

    key: CardKey
    days: list[Day] = field(default_factory=list)
    last_occurred_at: datetime | None = None
    expires_on: date | None = None
    held: bool = False
    counts: list[Moment] = field(default_factory=list)
    changed: bool = False
    is_new: bool = False

    @property
    def on_hand(self) -> int:
        """Give the balance after everything."""
        return self.days[-1].closing if self.days else 0

    def free_from(self, moment: Moment) -> int:
        """Give how much may leave at a moment without any later balance becoming negative."""
        return min(lowest for _, lowest in self._lowest_by_day(moment, self.next_count(moment)))

    def before(self, moment: Moment) -> int:
        """Give the balance just before a moment; its day must be loaded from there on."""
        today, balance = wib_day(moment.occurred_at), 0
        for day in self.days:
            if day.day == today:
                return day.before(moment)
            if day.day > today:
                break
            balance = day.closing
        return balance

    def overtakes(self, moment: Moment) -> bool:
        """Tell whether something that is dated later than this stands on the card already."""
        return self.last_occurred_at is not None and self.last_occurred_at > moment.occurred_at

    def next_count(self, moment: Moment) -> Moment | None:
        """Give the first count after a moment: nothing that is dated before it reaches beyond it."""
        index = bisect_right(self.counts, moment)
        return self.counts[index] if index < len(self.counts) else None

    def short_on(self, moment: Moment, change: int) -> date | None:
        """Name the first day on which the balance would be negative after this change, if there is one."""
        reach = self._lowest_by_day(moment, self.next_count(moment))
        return next((day for day, lowest in reach if lowest + change < 0), None)

    def _lowest_by_day(self, moment: Moment, until: Moment | None) -> Iterator[tuple[date, int]]:
        today, before, begun = wib_day(moment.occurred_at), 0, False
        last = wib_day(until.occurred_at) if until else date.max
        for day in self.days:
            if day.day < today:
                before = day.closing
            elif day.day == today:
                begun = True
                yield today, day.lowest_between(moment, until if today == last else None)
            elif day.day <= last:
                if not begun:
                    begun = True
                    yield today, before
                yield day.day, day.lowest_between(None, until) if day.day == last else day.lowest
        if not begun:
            yield today, before

    @property
    def fullest(self) -> int:
        """Give the most that one of these days could hold, if nothing had left."""
        return max((day.opening + day.incoming for day in self.days), default=0)

    def add(self, moment: Moment, change: int) -> Moment | None:
        """Enter a movement: every later day follows, up to the next count, which takes it up and is given."""
        count = self.next_count(moment)
        today, last = wib_day(moment.occurred_at), wib_day(count.occurred_at) if count else date.max
        taking_up = self._day(last) if count else None
        self._day(today).add(moment, change)
        for day in self.days:
            if today < day.day <= last:
                day.shift(change)
        if count and taking_up:
            taking_up.add(count, -change)
        self._happened(moment)
        return count

    def count(self, moment: Moment, change: int) -> Moment | None:
        """Enter a count that found this difference; gives the next count, which takes the difference up."""
        taken_up_by = self.add(moment, change) if change else None
        insort(self.counts, moment)
        self._happened(moment)
        return taken_up_by

    def _happened(self, moment: Moment) -> None:
        if self.last_occurred_at is None or moment.occurred_at > self.last_occurred_at:
            self.last_occurred_at = moment.occurred_at
        self.changed = True

    def _day(self, wanted: date) -> Day:
        before = 0
        for index, day in enumerate(self.days):
            if day.day == wanted:
                return day
            if day.day > wanted:
                self.days.insert(index, new := Day(wanted, before, 0, 0, before, before))
                return new
            before = day.closing
        self.days.append(new := Day(wanted, before, 0, 0, before, before))
        return new


class Cards(dict[CardKey, Card]):
    """Cards by what they are the account of; those of one item at one place stand on one shelf."""

    def __init__(self, cards: Iterable[Card] = ()):
        """Take these cards."""
        super().__init__()
        self._shelves: dict[tuple[str, str], list[Card]] = {}
        for card in cards:
            self._put(card)

    def _put(self, card: Card) -> None:
        self[card.key] = card
        self._shelves.setdefault((card.key.place, card.key.item), []).append(card)

    def shelf(self, place: str, item: str) -> Sequence[Card]:
        """Give the cards of all lots of an item at a place."""
        return self._shelves.get((place, item), ())

    def opened(self, key: CardKey) -> Card:
        """Give a card, an empty one when there was none."""
        if key not in self:
            self._put(Card(key, is_new=True))
        return self[key]
