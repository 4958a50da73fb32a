"""The local outbox: where no channel is set up, what would have been sent is only noted, and can be looked at."""

from services.notifications.delivery.channels.gateway import KEYED_BATCH
from services.notifications.delivery.domain import Accepted, Letter, Outcome
from shared.settings import Settings

LOCAL = "local outbox"
"""What stands as the answer of a channel that was not there."""


def nothing_is_sent(settings: Settings) -> bool:
    """Tell whether no channel at all is set up, so that the local outbox stands in for each."""
    return not any(
        (
            settings.whatsapp_url,
            settings.sms_url,
            settings.smtp_url,
            settings.webhook_url,
            settings.apprise_services,
        )
    )


class Local:
    """Takes every letter in the name of a channel that is not set up; nothing leaves this machine."""

    concurrency = 1
    batch = KEYED_BATCH

    def __init__(self, name: str) -> None:
        """Stand in for the channel of this name."""
        self.name = name

    async def open(self) -> None:
        """Be ready."""

    async def deliver(self, _letter: Letter) -> Outcome:
        """Note it: the ledger itself is the record."""
        return Accepted(LOCAL)

    async def close(self) -> None:
        """Let go of nothing."""
