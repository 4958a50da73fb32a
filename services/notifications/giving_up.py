"""What follows when a message has failed over every channel that its reader has: the office hears of it."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.messages import untold
from services.notifications.sending import tell_offices
from shared.database import Work


async def could_not_be_told(work: Work, message_ids: Sequence[UUID]) -> None:
    """Tell the offices of messages that failed for good, in the transaction that finds so; once for each message.

    Shape: information is left out
    """
    await tell_offices(work, await untold.concerning(work, message_ids), {})
