"""What may become of one request to a provider: an answer, or none; and of none, whether it may have been heard."""

from typing import NamedTuple


class Answer(NamedTuple):
    """What a provider answered; `body` is no longer than anything that we read of it."""

    status: int
    body: bytes = b""
    retry_after: str = ""

    @property
    def is_yes(self) -> bool:
        """Tell whether the letter was taken."""
        return 200 <= self.status < 300  # noqa: PLR2004  the class of successes

    @property
    def words(self) -> str:
        """Give the body as text, whatever it is."""
        return self.body.decode(errors="replace")


class NotSent(Exception):
    """There was no connection: the provider has certainly heard nothing."""


class AnswerLost(Exception):
    """The request left, and no answer came: the provider may have taken it, or not."""
