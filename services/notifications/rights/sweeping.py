"""The worker that forgets where last words went, once they are on their way no more."""

from services.notifications.rights.handlers import forget_sent
from shared.service import Runtime
from shared.sweeping import by_the_clock

SECONDS = 60.0


async def last_word_sweeper(runtime: Runtime) -> None:
    """Look every minute until cancelled; any number of processes may."""
    await by_the_clock(runtime.database, forget_sent, "last words not swept", seconds=SECONDS)
