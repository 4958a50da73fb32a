"""Deciding about a posting: entered on the cards it touches, or refused with what stands against it.

Pure: the cards are loaded and locked by whoever asks (`loading`), and written by whoever asked (`store`).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from services.aid_distribution.ledger.account import Card, CardKey, Cards, Moment
from services.aid_distribution.ledger.domain import (
    CARD_MAX,
    NO_LOT,
    BookMoved,
    Change,
    CountedSince,
    Difference,
    Draft,
    Entered,
    Line,
    LotNeeded,
    ReservedNotCounted,
    ShortOfStock,
    TooMuch,
    changes_of,
    difference_lines,
    home_of,
    is_reserved,
    reserved_place,
)
from services.aid_distribution.ledger.lots import SKIPPED, Unmet, choose_lots, held_mistake
from shared.problems import Json, Refusal


def post(draft: Draft, cards: Cards, recorded_at: datetime) -> Entered | Refusal:
    """Enter a draft on the cards it touches, or say why not; a refused draft leaves every card as it was.

    Shape:  gives the lines with their lots chosen; a line that needs several lots becomes several. The refusal is
            ShortOfStock, TooMuch, LotHeld or CountedSince; for a count also BookMoved or LotNeeded
    """
    moment = Moment(draft.occurred_at, recorded_at, draft.id)
    if draft.counted:
        return count(draft, cards, moment)
    if held := held_mistake(draft, cards):
        return held
    choice = choose_lots(draft, cards, moment)
    lifted = _lift(draft, cards) if draft.uncounted else []
    changes = changes_of(choice.lines)
    refusal = (
        _counted_since(draft, changes, cards, moment)
        or _counted_with(changes, cards, moment)
        or refused(changes, cards, moment, choice.unmet)
    )
    if refusal:
        for card, standing in lifted:
            card.counts = standing
        return refusal
    return Entered(choice.lines, enter(changes, cards, moment), notes=choice.notes)


def count(draft: Draft, cards: Cards, moment: Moment) -> Entered | Refusal:
    """Enter a count: an anchor on each of its cards, and the differences it found as lines of its posting.

    What the counted goods were before is what the book said just before that moment, the reserved ones included: they
    lie on the same shelf. What is reserved stays so, and the rest of what was counted is free. Lots that were not
    counted are left as they are, and never stand in the way.
    """
    keys = {one.key: None for one in draft.counted}
    loose = {
        key: [lot for lot in _lots_there(cards, key, moment) if key._replace(lot=lot) not in keys]
        for key in keys
        if key.lot == NO_LOT
    }
    if unnamed := [key for key, lots in loose.items() if lots]:
        told = [{"item": key.item, "lots": loose[key]} for key in unnamed]
        return LotNeeded(f"{unnamed[0].item} lies there in lots: count each of them.", cards=told)
    reserved = [_before(cards, _reserved(one.key), moment) for one in draft.counted]
    differences = [
        Difference(one, _before(cards, one.key, moment) + promised)
        for one, promised in zip(draft.counted, reserved, strict=True)
    ]
    if moved := [one for one in differences if one.counted.snapshot not in (None, one.book)]:
        return BookMoved(f"{moved[0].counted.key.item}: count it again.", lines=[_moved(one) for one in moved])
    if fewer := _fewer_than_reserved(draft, reserved):
        return fewer
    changes = {one.counted.key: one.quantity for one in differences if one.quantity}
    if refusal := refused(changes, cards, moment, {}):
        return refusal
    lines: list[Line] = []
    entered: list[Change] = []
    for one in differences:
        key = one.counted.key
        card = cards.opened(key)
        overtaken = card.overtakes(moment)
        entered.append(Change(key, one.quantity, card.count(moment, one.quantity), overtaken))
        lines += difference_lines(key, one.quantity, one.counted.reason)
    return Entered(tuple(lines), tuple(entered), tuple(differences))


def _lots_there(cards: Cards, key: CardKey, moment: Moment) -> list[str]:
    shelf = [*cards.shelf(key.place, key.item), *cards.shelf(reserved_place(key.place), key.item)]
    return sorted({card.key.lot for card in shelf if card.key.lot != NO_LOT and card.before(moment)})


def _before(cards: Cards, key: CardKey, moment: Moment) -> int:
    return cards[key].before(moment) if key in cards else 0


def _reserved(key: CardKey) -> CardKey:
    return key._replace(place=reserved_place(key.place))


def _fewer_than_reserved(draft: Draft, reserved: Sequence[int]) -> ReservedNotCounted | None:
    told: list[dict[str, Json]] = [
        {"item": one.key.item, "lot": one.key.lot or None, "counted": one.quantity, "reserved": promised}
        for one, promised in zip(draft.counted, reserved, strict=True)
        if one.quantity < promised
    ]
    if not told:
        return None
    detail = f"{told[0]['item']}: {told[0]['reserved']} are reserved; release what is not there, then count."
    return ReservedNotCounted(detail, cards=told)


def _moved(one: Difference) -> dict[str, Json]:
    key = one.counted.key
    return {"item": key.item, "lot": key.lot or None, "snapshot": one.counted.snapshot, "book": one.book}


def enter(changes: Mapping[CardKey, int], cards: Cards, moment: Moment) -> tuple[Change, ...]:
    """Enter changes on their cards; gives each with the later count that takes it up."""
    entered = []
    for key, change in changes.items():
        card = cards.opened(key)
        overtaken = card.overtakes(moment)
        entered.append(Change(key, change, card.add(moment, change), overtaken))
    return tuple(entered)


def _lift(draft: Draft, cards: Cards) -> list[tuple[Card, list[Moment]]]:
    """Take the count that is reversed off its cards; gives how they stood."""
    stood = [(cards[key], cards[key].counts) for key in draft.uncounted if key in cards]
    for card, standing in stood:
        card.counts = [moment for moment in standing if moment.posting_id != draft.reverses]
    return stood


def _counted_since(draft: Draft, changes: Mapping[CardKey, int], cards: Cards, moment: Moment) -> CountedSince | None:
    """Refuse to undo a movement that a later count has taken up; a count itself may be undone before a later one."""
    if draft.reverses is None or draft.uncounted:
        return None
    counts = {count.posting_id for key in changes if (card := cards.get(key)) and (count := card.next_count(moment))}
    return CountedSince(counts=sorted(map(str, counts))) if counts else None


def _counted_with(changes: Mapping[CardKey, int], cards: Cards, moment: Moment) -> CountedSince | None:
    """Refuse what would change the reserved goods of a time before a count: it has taken them for what they were."""
    homes = (key._replace(place=home_of(key.place)) for key in changes if is_reserved(key.place))
    counts = {count.posting_id for key in homes if (card := cards.get(key)) and (count := card.next_count(moment))}
    return CountedSince(counts=sorted(map(str, counts))) if counts else None


def refused(
    changes: Mapping[CardKey, int], cards: Cards, moment: Moment, unmet: Mapping[tuple[str, str], Unmet]
) -> Refusal | None:
    """Say why these changes cannot be entered, if they cannot."""
    short = [(key, change, day) for key, change in changes.items() if (day := _short(cards, key, moment, change))]
    if short:
        return _refusal(short, cards, moment, unmet)
    full = [key for key, change in changes.items() if key in cards and cards[key].fullest + change > CARD_MAX]
    return TooMuch(f"{full[0].item} at {full[0].place}: at most {CARD_MAX}.", limit=CARD_MAX) if full else None


def _short(cards: Cards, key: CardKey, moment: Moment, change: int) -> date | None:
    return cards.get(key, Card(key)).short_on(moment, change) if change < 0 else None


def _refusal(
    short: Sequence[tuple[CardKey, int, date]],
    cards: Cards,
    moment: Moment,
    unmet: Mapping[tuple[str, str], Unmet],
) -> ShortOfStock:
    told: list[dict[str, Json]] = []
    for key, change, day in short:
        shelf = unmet.get((key.place, key.item)) if key.lot == NO_LOT else None
        asked = shelf.asked if shelf else -change
        free = max(cards[key].free_from(moment), 0) if key in cards else 0
        available = shelf.asked - shelf.missing if shelf else free
        about: dict[str, Json] = {"place": key.place, "item": key.item, "lot": key.lot or None}
        about |= {"asked": asked, "available": available, "short": asked - available, "first_short_on": day.isoformat()}
        for why in SKIPPED:
            skipped = shelf.skipped if shelf else ()
            if lots := [card.key.lot for card, because in skipped if because == why]:
                about[f"skipped_{why}"] = lots
        told.append(about)
    first = told[0]
    detail = f"{first['item']} at {first['place']}: asked {first['asked']}, available {first['available']}."
    return ShortOfStock(detail, cards=told)
