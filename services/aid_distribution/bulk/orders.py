"""What one line of a bulk request asks, and what it is answered."""

from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec

from services.aid_distribution.distributions.orders import PostDistribution
from services.aid_distribution.ledger.mixed import Movement
from services.aid_distribution.ledger.orders import CountStock, DispatchTransfer, IssueStock, ReceiveStock
from services.aid_distribution.returns.orders import ReturnStock
from shared.idempotency import KEY_LENGTH_MAX

LineKey = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=KEY_LENGTH_MAX, pattern=r"^[!-~]+$(?!\n)", examples=["2020-09-14/0001"]),
]


BulkOrder: TypeAlias = Movement | CountStock | PostDistribution | ReturnStock


class BulkLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order of many: its key, and exactly one of the orders that have a name here."""

    key: LineKey
    receipt: ReceiveStock | None = None
    issue: Annotated[IssueStock | None, msgspec.Meta(examples=[None])] = None
    transfer: Annotated[DispatchTransfer | None, msgspec.Meta(examples=[None])] = None

    count: Annotated[CountStock | None, msgspec.Meta(examples=[None])] = None
    distribution: Annotated[PostDistribution | None, msgspec.Meta(examples=[None])] = None
    return_: Annotated[ReturnStock | None, msgspec.Meta(examples=[None])] = msgspec.field(default=None, name="return")

    @property
    def orders(self) -> list[BulkOrder]:
        """Give the orders that are given; there should be one."""
        told = (self.receipt, self.issue, self.transfer, self.count, self.distribution, self.return_)
        return [order for order in told if order is not None]


class BulkDone(msgspec.Struct, frozen=True, kw_only=True):
    """What an order has brought about: the id that it is known by (its transfer, distribution, return, or posting)."""

    id: UUID
    number: str
