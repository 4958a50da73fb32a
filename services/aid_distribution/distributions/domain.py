"""The rules of a distribution event: what was handed out must have gone to somebody."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from uuid import UUID

from shared.problems import FieldError, Refusal


class Programme(StrEnum):
    """The programmes under which aid is handed out."""

    FREE_MASKS = "free-masks"
    HANDWASHING = "handwashing"
    CHEAP_MARKET = "cheap-market"
    TRAINING = "training"


class AlreadyVoided(Refusal):
    """A distribution is taken back once."""

    code = "already_voided"
    title = "Already voided"


def recipient_mistakes(leaves: Mapping[str, object], known: Collection[UUID]) -> list[FieldError]:
    """Say what is wrong with who received: nobody, the same business twice, or one that is not known."""
    named = {pointer: value for pointer, value in leaves.items() if pointer.startswith("/recipients/businesses/")}
    if not leaves.get("/recipients/public") and not named:
        return [FieldError("/recipients", "no_recipient", "Name the head count of the public, businesses, or both.")]
    errors = []
    seen: set[object] = set()
    for pointer, business in named.items():
        if business in seen:
            errors.append(FieldError(pointer, "duplicate", "This business is named twice."))
        elif business not in known:
            errors.append(FieldError(pointer, "unknown_business", f"There is no open business {business}."))
        seen.add(business)
    return errors
