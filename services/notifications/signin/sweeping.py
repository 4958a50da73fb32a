"""The worker that takes away what is remembered of who asked for codes."""

from services.notifications.signin.handlers import forget_old
from shared.service import Runtime
from shared.sweeping import by_the_clock

SECONDS = 600.0


async def sign_in_sweeper(runtime: Runtime) -> None:
    """Look every ten minutes until cancelled."""
    await by_the_clock(runtime.database, forget_old, "sign-in not swept", seconds=SECONDS)
