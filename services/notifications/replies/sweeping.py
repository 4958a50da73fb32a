"""The worker that takes away the words of replies once they are older than they are kept for."""

from services.notifications.replies.handlers import forget_old
from shared.service import Runtime
from shared.sweeping import by_the_clock

SECONDS = 3_600.0


async def reply_sweeper(runtime: Runtime) -> None:
    """Look every hour until cancelled."""
    await by_the_clock(runtime.database, forget_old, "replies not swept", seconds=SECONDS)
