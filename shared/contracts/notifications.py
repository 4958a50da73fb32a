"""What `notifications` tells the others: what became of a message."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.event import Event


class MessageEvent(Event, frozen=True, kw_only=True):
    """A message to one person over one channel."""

    source: ClassVar[str] = "notifications"

    message_id: UUID
    recipient: str
    channel: str
    at: datetime

    @property
    def subject(self) -> str:
        """Give `message/<id>`."""
        return f"message/{self.message_id}"


class MessageDelivered(MessageEvent, frozen=True, kw_only=True):
    """The channel has taken the message."""

    type: ClassVar[str] = "serumpun.message.delivered.v1"


class MessageFailed(MessageEvent, frozen=True, kw_only=True):
    """The channel will not take the message, for this reason."""

    type: ClassVar[str] = "serumpun.message.failed.v1"

    reason: str
