"""The rules of a distribution event: what was handed out must have gone to somebody."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from shared.problems import FieldError, Refusal

SHARES = "/recipients/shares"


class MoreThanReceived(Refusal):
    """A business gives back no more than it received."""

    code = "more_than_received"
    title = "More is returned than this business received"


class RecipientClosed(Refusal):
    """A business that had closed received nothing any more."""

    code = "business_closed"
    title = "This business had closed"


BUSINESS_CLOSED = RecipientClosed.code


def recipient_mistakes(
    leaves: Mapping[str, object], known: Collection[UUID], closed: Collection[UUID] = ()
) -> list[FieldError]:
    """Say what is wrong with who received: nobody, the same business twice, or one that is closed or not known."""
    named = {pointer: value for pointer, value in leaves.items() if pointer.startswith("/recipients/businesses/")}
    if not leaves.get("/recipients/public") and not named:
        return [FieldError("/recipients", "no_recipient", "Name the head count of the public, businesses, or both.")]
    errors = []
    heads, coupons = leaves.get("/recipients/public", 0), sum(pointer.startswith("/coupons/") for pointer in leaves)
    if isinstance(heads, int) and heads < coupons:
        detail = f"{coupons} households by coupon are among the public: count at least as many."
        errors.append(FieldError("/recipients/public", "fewer_than_coupons", detail))
    seen: set[object] = set()
    for pointer, business in named.items():
        if business in seen:
            errors.append(FieldError(pointer, "duplicate", "This business is named twice."))
        elif business in closed:
            errors.append(FieldError(pointer, BUSINESS_CLOSED, f"Business {business} had closed by then."))
        elif business not in known:
            errors.append(FieldError(pointer, "unknown_business", f"There is no open business {business}."))
        seen.add(business)
    return errors


def share_mistakes(leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with the shares: one that was told twice or of nobody's, and sums that are not the lines'.

    Shares are told of every business or of none. With people of the public beside them the businesses may have less
    than was handed out, never more; without any they have it all.
    """
    shares = list(_shares(leaves))
    if not shares:
        return []
    named = {value for pointer, value in leaves.items() if pointer.startswith("/recipients/businesses/")}
    errors: list[FieldError] = []
    seen: set[tuple[object, object]] = set()
    for pointer, business, item, _ in shares:
        if business is not None and business not in named:
            errors.append(
                FieldError(f"{pointer}/business", "not_a_recipient", "Name it in /recipients/businesses too.")
            )
        if (business, item) in seen and None not in (business, item):
            errors.append(FieldError(pointer, "duplicate", "One share for each business and item."))
        seen.add((business, item))
    whole = all(None not in share for share in shares)
    if whole and (left_out := named - {business for _, business, _, _ in shares}):
        detail = f"Tell the shares of all businesses or of none: {len(left_out)} have none."
        errors.append(FieldError(SHARES, "incomplete", detail))
    return errors if errors or not whole else _sum_mistakes(leaves, shares)


Told = tuple[str, object, object, object]
"""A share as it was told: where it stands, whose, of what, how much; None for what has no right shape."""


def _shares(leaves: Mapping[str, object]) -> Iterator[Told]:
    told = (
        pointer.removeprefix(SHARES + "/").partition("/")[0] for pointer in leaves if pointer.startswith(SHARES + "/")
    )
    for index in dict.fromkeys(told):
        pointer = f"{SHARES}/{index}"
        yield pointer, *(leaves.get(f"{pointer}/{name}") for name in ("business", "item", "quantity"))  # type: ignore[misc]  # three of them


def _sum_mistakes(leaves: Mapping[str, object], shares: Collection[Told]) -> list[FieldError]:
    handed_out: Counter[object] = Counter()
    for pointer, item in leaves.items():
        if pointer.startswith("/lines/") and pointer.endswith("/item"):
            quantity = leaves.get(pointer.removesuffix("item") + "quantity")
            if not isinstance(quantity, int):
                return []  # its own mistake is told already, and no sum is known
            handed_out[item] += quantity
    received: Counter[object] = Counter()
    for _, _, item, quantity in shares:
        received[item] += quantity if isinstance(quantity, int) else 0
    return [
        FieldError(SHARES, "does_not_add_up", f"{item}: {handed_out[item]} handed out, {received[item]} in shares.")
        for item in sorted({*handed_out, *received} - {None}, key=str)
        if received[item] > handed_out[item]
        or (received[item] < handed_out[item] and not leaves.get("/recipients/public"))
    ]
