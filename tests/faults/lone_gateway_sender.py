"""A sender to a gateway in a process of its own, as the service sets it up, with a clock that runs faster.

`python lone_gateway_sender.py DATABASE_URL CHANNEL GATEWAY_URL SPEED BEGAN_AT`: leases and back-off last so many times
shorter as the clock is faster than ours since `BEGAN_AT`.
"""

import asyncio
import sys
from datetime import UTC, datetime
from time import monotonic

from services.notifications.delivery.channels.limits import Breaker, Bucket, Guarded
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.channels.whatsapp import WhatsApp
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from shared.clock import Clock
from shared.database import Database

ANSWER_SECONDS = 0.5
PER_SECOND = 1_000


class FastClock(Clock):
    """A clock that was right at one moment and runs faster since."""

    def __init__(self, began_at: datetime, speed: float) -> None:
        self._began_at = began_at
        self._speed = speed

    def now(self) -> datetime:
        return self._began_at + (datetime.now(UTC) - self._began_at) * self._speed

    def seconds(self) -> float:
        """Give seconds that pass as fast."""
        return monotonic() * self._speed


async def send(database_url: str, channel: str, url: str, clock: FastClock) -> None:
    """Send what is due until killed."""
    database = Database(database_url, "notifications", partitions=4, clock=clock, quiet_hours=False)
    made = (
        Sms(url, clock, {}, timeout_seconds=ANSWER_SECONDS)
        if channel == "sms"
        else WhatsApp(url, "token", None, clock, timeout_seconds=ANSWER_SECONDS)
    )
    guarded = Guarded(made, Bucket(PER_SECOND), Breaker(channel, clock.seconds))
    await Sender(database, clock, guarded, letters, give_up=could_not_be_told).run()


if __name__ == "__main__":
    asyncio.run(send(*sys.argv[1:4], FastClock(datetime.fromisoformat(sys.argv[5]), float(sys.argv[4]))))
