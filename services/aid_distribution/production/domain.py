"""The life of a production order: offered, taken, delivered in parts, inspected, paid, taken back.

Units:  quantities in the item's base unit, money in whole rupiah, days are WIB days
Source: DOMAIN section 2; SNI 8914:2020 for cloth masks
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from enum import StrEnum

from shared.clock import wib_day
from shared.problems import FieldError, Refusal

ORDER_QUANTITY_MAX = 10_000_000
PRICE_RUPIAH_MAX = 100_000_000
"""With the greatest quantity at the greatest price an amount stays below 2**53, which every JSON reader holds."""

CAPACITY_MAX = 1_000_000
LAYERS_MAX = 10
MASK_LAYERS_MIN = 2
MASK_LAYERS_SOURCE = "SNI 8914:2020"
"""The national standard for cloth masks: two layers at least."""


class State(StrEnum):
    """How far an order has come."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    DELIVERED = "delivered"
    SHORT = "short"
    TAKEN_BACK = "taken_back"


REFUSED = frozenset({State.DECLINED, State.EXPIRED, State.TAKEN_BACK})
"""Whoever's last order of a call ended like this is not proposed for it again."""


class Defect(StrEnum):
    """Why delivered goods are not accepted."""

    LAYERS = "layers"
    SEAMS = "seams"
    SIZE = "size"
    FABRIC = "fabric"
    SOILED = "soiled"
    DAMAGED = "damaged"
    SURPLUS = "surplus"
    OTHER = "other"


class NotOffered(Refusal):
    """The order does not wait for an answer any more."""

    code = "not_offered"
    title = "This order is not on offer"


class OfferExpired(Refusal):
    """The time to answer is over."""

    code = "offer_expired"
    title = "The offer has expired"


class NotAccepted(Refusal):
    """Only an order that the business has accepted and not yet completed is delivered."""

    code = "not_accepted"
    title = "This order is not being delivered"


class OrderIsOver(Refusal):
    """An order that has come to its end cannot be taken back."""

    code = "order_is_over"
    title = "This order has come to its end"


class TooFewLayers(Refusal):
    """Masks with fewer layers than the standard asks for are not accepted, however few."""

    code = "too_few_layers"
    title = "Too few layers"


class MoreThanOrdered(Refusal):
    """More would be accepted than was ordered."""

    code = "more_than_ordered"
    title = "More than was ordered"


class MoreThanDue(Refusal):
    """More would be paid than is due for what was accepted."""

    code = "more_than_due"
    title = "More than is due"


class PaymentKnown(Refusal):
    """A payment of this order bears this reference already."""

    code = "payment_known"
    title = "This payment is recorded already"


class MoreThanNeeded(Refusal):
    """More would be on order than the call asks for."""

    code = "more_than_needed"
    title = "More than is needed"


class OverCap(Refusal):
    """One business would have more of the call than its cap."""

    code = "over_cap"
    title = "More than one business may have"


class NewerProfileKnown(Refusal):
    """What is known of the business is younger than what is told."""

    code = "newer_profile_known"
    title = "A newer profile is known"


def state_at(state: str, answer_by: datetime, now: datetime) -> State:
    """Give the state as it is at a moment: an offer whose time is over has expired, recorded or not."""
    return State.EXPIRED if state == State.OFFERED and answer_by <= now else State(state)


def after_delivery(quantity: int, accepted: int, *, last: bool) -> State:
    """Give the state of an order after a delivery: complete, short when nothing more will come, or still open."""
    if accepted == quantity:
        return State.DELIVERED
    return State.SHORT if last else State.ACCEPTED


def days_late(state: State, due_on: date, ended_on: date | None, today: date) -> int:
    """Give by how many days an order was or is late: to its end, or to today while it is open."""
    if state in (State.DELIVERED, State.SHORT, State.TAKEN_BACK) and ended_on is not None:
        return max((ended_on - due_on).days, 0)
    return max((today - due_on).days, 0) if state is State.ACCEPTED else 0


def layers_needed(category: str) -> int:
    """Give the layers that a standard asks of goods of a category; 0 where none does."""
    return MASK_LAYERS_MIN if category == "mask" else 0


def check_layers(category: str, layers: int | None, accepted: int) -> None:
    """Let an inspection pass, or raise TooFewLayers (409) naming the standard."""
    needed = layers_needed(category)
    if accepted and (layers or 0) < needed:
        told = "it is not said how many" if layers is None else f"these have {layers}"
        raise TooFewLayers(
            f"A cloth mask has {needed} layers at least ({MASK_LAYERS_SOURCE}); {told}, so none is accepted.",
            layers=layers,
            layers_min=needed,
            source=MASK_LAYERS_SOURCE,
        )


def delivery_mistakes(leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what does not add up in a delivery and its inspection, as far as the values have the right shape."""
    errors = []
    quantity, accepted, rejected = (
        leaves.get(pointer) for pointer in ("/quantity", "/inspection/accepted", "/inspection/rejected")
    )
    counted = [part for part in (accepted, rejected) if isinstance(part, int)]
    if isinstance(quantity, int) and len(counted) == len((accepted, rejected)) and sum(counted) != quantity:
        detail = f"{accepted} accepted and {rejected} rejected are not the {quantity} that were delivered."
        errors.append(FieldError("/inspection/rejected", "does_not_add_up", detail))
    reasons = {pointer: value for pointer, value in leaves.items() if pointer.startswith("/inspection/reasons/")}
    parts = [value for pointer, value in reasons.items() if pointer.endswith("/quantity") and isinstance(value, int)]
    if isinstance(rejected, int) and sum(parts) != rejected:
        code = "missing" if not reasons else "does_not_add_up"
        detail = f"{rejected} were rejected; the reasons account for {sum(parts)}."
        errors.append(FieldError("/inspection/reasons", code, detail))
    return errors + _repeated([item for item in reasons.items() if item[0].endswith("/reason")])


def _repeated(named: Collection[tuple[str, object]]) -> list[FieldError]:
    seen: set[object] = set()
    errors = []
    for pointer, value in named:
        if value in seen:
            errors.append(FieldError(pointer, "duplicate", f"{value}: one line for each reason."))
        seen.add(value)
    return errors


def ended_on(state: State, occurred_at: datetime) -> date | None:
    """Give the day on which a delivery completed the order, if it did."""
    return wib_day(occurred_at) if state in (State.DELIVERED, State.SHORT) else None
