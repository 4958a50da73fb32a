"""What `notifications` tells the others: what became of a message, and what people answered."""

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


class PhoneUnreachable(Event, frozen=True, kw_only=True):
    """The number of an owner reaches nobody: a channel says so for good, and no other channel by telephone is left.

    Shape: it names no number; which one was tried is what was known at `at`
    """

    type: ClassVar[str] = "serumpun.phone.unreachable.v1"
    source: ClassVar[str] = "notifications"

    owner_id: UUID
    message_id: UUID
    channel: str
    reason: str
    at: datetime

    @property
    def subject(self) -> str:
        """Give `owner/<id>`."""
        return f"owner/{self.owner_id}"

    @property
    def matter(self) -> str:
        """Tell one message that did not arrive from another."""
        return f"{self.subject}#message-{self.message_id}"


class ReplyReceived(Event, frozen=True, kw_only=True):
    """An owner has answered the one offer that was open for them: yes or no, in writing or by mouth.

    Shape: `answer` is `yes` or `no`, `enrolment_id` the offer; `at` is when they wrote it, and it may be heard later
    """

    type: ClassVar[str] = "serumpun.reply.received.v1"
    source: ClassVar[str] = "notifications"

    reply_id: UUID
    owner_id: UUID
    enrolment_id: UUID
    answer: str
    channel: str
    region: str
    at: datetime

    @property
    def subject(self) -> str:
        """Give `owner/<id>`, so that what somebody wrote first is heard first."""
        return f"owner/{self.owner_id}"

    @property
    def matter(self) -> str:
        """Tell one reply from another."""
        return f"{self.subject}#reply-{self.reply_id}"
