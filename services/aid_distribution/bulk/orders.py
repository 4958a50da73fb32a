"""What one line of a bulk request asks, and what it is answered."""

from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.mixed import Movement
from services.aid_distribution.ledger.orders import DispatchTransfer, IssueStock, ReceiveStock
from shared.idempotency import KEY_LENGTH_MAX

LineKey = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=KEY_LENGTH_MAX, pattern=r"^[!-~]+$(?!\n)", examples=["2020-09-14/0001"]),
]


class BulkLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order of many: its key, and exactly one of the orders that have a name here."""

    key: LineKey
    receipt: ReceiveStock | None = None
    issue: Annotated[IssueStock | None, msgspec.Meta(examples=[None])] = None
    transfer: Annotated[DispatchTransfer | None, msgspec.Meta(examples=[None])] = None

    @property
    def movements(self) -> list[Movement]:
        """Give the orders that are given; there should be one."""
        return [order for order in (self.receipt, self.issue, self.transfer) if order is not None]


class BulkDone(msgspec.Struct, frozen=True, kw_only=True):
    """What an order has brought about: the id of its posting, or of its transfer, and the number that it bears."""

    id: UUID
    number: str
