"""Taking back a document as a whole: by whom it is asked for and why, and that it happens once.

The goods move back at the moment at which they had moved (`handlers.undo`), so what was counted since is refused.
"""

from typing import Annotated

import msgspec

from services.aid_distribution.ledger.orders import Order
from shared.problems import Refusal
from shared.routes import Text

VOIDED = "voided"
WITH_REASON = "(void_posting_id IS NULL) = (void_reason IS NULL)"
"""What the database checks of each document that can be taken back."""


class AlreadyVoided(Refusal):
    """A document is taken back once."""

    code = "already_voided"
    title = "Already voided"


class VoidDocument(Order, frozen=True, kw_only=True):
    """Take back a document that was posted in error, and say why."""

    reason: Annotated[Text, msgspec.Meta(examples=["Posted twice"])]
