"""The rules of a seller's claim: never more than was sold, and never for a coupon that was used a second time.

What comes back of a sale was not sold. Before the claim it lowers what can be claimed, before the payment what is paid;
what comes back after the payment the seller owes, and the claim says how much that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.problems import Refusal


class ClaimState(StrEnum):
    """How far a claim has come."""

    SUBMITTED = "submitted"
    DECIDED = "decided"
    PAID = "paid"


class LineState(StrEnum):
    """What was decided of a line."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class NothingToClaim(Refusal):
    """Only who sold subsidised packages at a market has something to claim."""

    code = "nothing_to_claim"
    title = "Nothing can be claimed for this market"


class AlreadyClaimed(Refusal):
    """A market has one claim."""

    code = "already_claimed"
    title = "Already claimed"


class WrongClaimState(Refusal):
    """The claim has not come so far, or is further already."""

    code = "wrong_claim_state"
    title = "Not possible in this state of the claim"


class ClaimOutstanding(Refusal):
    """The market is settled by the payment of its seller's claim."""

    code = "claim_outstanding"
    title = "The seller's claim comes first"


class SalesParked(Refusal):
    """Sales of the market are still parked: what they sold is neither claimed nor settled yet."""

    code = "sales_parked"
    title = "Sales of this market are parked"


@dataclass(frozen=True, slots=True)
class Sold:
    """What was sold of an item, second uses left out, and the subsidy of one unit."""

    quantity: int
    subsidy_rupiah: int


def amount_rupiah(quantities: Mapping[str, int], sold: Mapping[str, Sold]) -> int:
    """Give what is due for quantities of items."""
    return sum(quantity * sold[item].subsidy_rupiah for item, quantity in quantities.items())


def payable(claimed: int, sold: int, returned: int) -> int:
    """Give how much of what is claimed was sold and kept."""
    return min(claimed, sold - returned)


def settled_rupiah(lines: Sequence[tuple[int, int, bool]]) -> int:
    """Give what is paid: of (claimed, subsidy, approved) those that are approved."""
    return sum(claimed * subsidy for claimed, subsidy, approved in lines if approved)
