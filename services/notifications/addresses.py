"""What an address of Apprise may be: of one of the services that the operator allows, and of one receiver.

Apprise is loaded when the first such address is looked at: where no service is allowed it is never in memory.
Source: docs/decisions/0060
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from apprise import NotifyBase

APPRISE_LENGTH_MAX: Final = 500
"""The longest address that is kept; those of Telegram have some 70 characters."""

CONNECT_TIMEOUT_SECONDS: Final = 4.0
ANSWER_TIMEOUT_SECONDS: Final = 6.0


def service_of(url: str) -> str:
    """Give the name of the service that an address begins with; empty where it begins with none."""
    return url.partition("://")[0].lower() if "://" in url else ""


def receiver(url: str, services: Sequence[str]) -> "NotifyBase | None":
    """Read an address; None for what is none, for several receivers at once, and for a service that is not allowed.

    Only what the operator has named is ever spoken to: an address is typed in by people, and Apprise knows services
    that would ask any host of this network. Nor has it options, behind a question mark: they could name a file of this
    machine or an address of this network to be sent along, more attempts, or no check of certificates.
    Shape: one attempt, in one piece, within our time-outs, and with no redirect
    """
    if service_of(url) not in services or len(url) > APPRISE_LENGTH_MAX or "?" in url:
        return None
    import apprise  # noqa: PLC0415 - see above

    # All that it tells of an attempt is read by us, and goes to no log: it may hold the address.
    telling = logging.getLogger(apprise.LOGGER_NAME)
    telling.propagate = False
    telling.setLevel(logging.DEBUG)
    asset = apprise.AppriseAsset(app_id="Serumpun", storage_mode="memory", http_redirects=False)
    found = apprise.Apprise.instantiate(url, asset=asset)
    if found is None:
        return None
    found.overflow_mode = apprise.OverflowMode.TRUNCATE
    found.socket_connect_timeout, found.socket_read_timeout = CONNECT_TIMEOUT_SECONDS, ANSWER_TIMEOUT_SECONDS
    return found if len(found) == 1 else None
