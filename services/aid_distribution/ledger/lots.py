"""Choosing lots: earliest expiry first, no expiry last (FEFO); what may not be handed out is skipped and told of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec

from services.aid_distribution.ledger.account import Card, CardKey, Cards, Moment
from services.aid_distribution.ledger.domain import NO_LOT, VIRTUAL, Draft, Line, LotHeld, LotNote, changes_of
from shared.clock import wib_day

EXPIRED, HELD, EXPIRES_BEFORE, EXPIRING = "expired", "held", "expires_before", "expiring"
SKIPPED = (EXPIRED, HELD, EXPIRES_BEFORE)
EXPIRING_DAYS = 30
"""A lot that is used so shortly before its last day is told of."""


@dataclass(slots=True)
class Unmet:
    """What was asked of a shelf without naming a lot, and could not all be found; cards are skipped each for a why."""

    asked: int = 0
    missing: int = 0
    skipped: Sequence[tuple[Card, str]] = ()


class Choice(msgspec.Struct, frozen=True):
    """Lines with their lots, which shelves hold less than was asked of them, and what is worth knowing of lots."""

    lines: tuple[Line, ...]
    unmet: Mapping[tuple[str, str], Unmet]
    notes: tuple[LotNote, ...]


def choose_lots(draft: Draft, cards: Cards, moment: Moment) -> Choice:
    """Choose the lots of lines that name none: earliest expiry first, no expiry last (FEFO).

    The lines of one posting share what a lot holds; what names its lot has it first.
    """
    taken = changes_of(line for line in draft.lines if not _open(line))
    lines: list[Line] = []
    unmet: dict[tuple[str, str], Unmet] = {}
    for line in draft.lines:
        shelf = cards.shelf(line.from_place, line.item)
        if not _open(line) or all(card.key.lot == NO_LOT for card in shelf):
            lines.append(_of_lot(line, line.lot or NO_LOT, line.quantity))
            continue
        usable, skipped = _usable(shelf, draft)
        missing = line.quantity
        for card in sorted(usable, key=lambda card: (card.expires_on or date.max, card.key.lot)):
            free = card.free_from(moment) + taken.get(card.key, 0)
            if part := min(missing, max(free, 0)):
                lines.append(_of_lot(line, card.key.lot, part))
                taken[card.key] = taken.get(card.key, 0) - part
                missing -= part
        of_shelf = unmet.setdefault((line.from_place, line.item), Unmet(skipped=skipped))
        of_shelf.asked += line.quantity
        of_shelf.missing += missing
        if missing:
            # What no lot holds is asked of the card without lot, which cannot give it: so the draft is refused.
            lines.append(_of_lot(line, NO_LOT, missing))
    return Choice(tuple(lines), unmet, tuple(dict.fromkeys(_notes(draft, cards, moment, lines, unmet))))


def _open(line: Line) -> bool:
    """Tell whether the choice of the lot is left to the ledger."""
    return line.lot is None and line.from_place not in VIRTUAL


def _usable(shelf: Sequence[Card], draft: Draft) -> tuple[list[Card], list[tuple[Card, str]]]:
    """Part the cards of a shelf into those that may be chosen and those that are skipped, with the reason why."""
    usable: list[Card] = []
    skipped: list[tuple[Card, str]] = []
    for card in shelf:
        why = _of_no_use(card, draft) if draft.usable_only else None
        if why is None:
            usable.append(card)
        else:
            skipped.append((card, why))
    return usable, skipped


def _of_no_use(card: Card, draft: Draft) -> str | None:
    """Say why a lot may not be chosen: it is on hold, has expired, or will have before the day it is wanted on."""
    if card.held:
        return HELD
    if _expired(card, wib_day(draft.occurred_at)):
        return EXPIRED
    return EXPIRES_BEFORE if draft.wanted_on and _expired(card, draft.wanted_on) else None


def _expired(card: Card, today: date) -> bool:
    return card.expires_on is not None and card.expires_on < today


def _notes(
    draft: Draft, cards: Cards, moment: Moment, lines: Sequence[Line], unmet: Mapping[tuple[str, str], Unmet]
) -> Iterator[LotNote]:
    """Tell which lots with stock were skipped, and which of those that were taken will expire soon.

    What names its lot has it though it is of no use on its day, and that is told too.
    """
    day = draft.wanted_on or wib_day(draft.occurred_at)
    for shelf in unmet.values():
        for card, why in shelf.skipped:
            if card.free_from(moment) > 0:
                yield LotNote(card.key, why, card.expires_on)
    for key in dict.fromkeys(CardKey(line.from_place, line.item, line.lot or NO_LOT) for line in lines):
        taken = cards.get(key)
        expires_on = taken.expires_on if draft.usable_only and taken else None
        if taken and expires_on and expires_on <= day + timedelta(days=EXPIRING_DAYS):
            yield LotNote(key, _of_no_use(taken, draft) or EXPIRING, expires_on)


def held_mistake(draft: Draft, cards: Cards) -> LotHeld | None:
    """Refuse to hand out a lot by name that is on hold."""
    if not draft.usable_only or draft.held_accepted:
        return None
    named = (CardKey(line.from_place, line.item, line.lot) for line in draft.lines if line.lot)
    held = [key for key in named if (card := cards.get(key)) and card.held]
    if not held:
        return None
    told = [{"place": key.place, "item": key.item, "lot": key.lot} for key in held]
    return LotHeld(f"{held[0].item}: lot {held[0].lot} is on hold.", lots=told)


def _of_lot(line: Line, lot: str, quantity: int) -> Line:
    return Line(line.item, quantity, line.from_place, line.to_place, lot)
