"""The workers that send codes, and take away what is remembered of who asked for them."""

from services.notifications.signin.handlers import SENT_MAX, forget_old, send_codes
from shared.crashpoints import reach
from shared.database import Work
from shared.service import Runtime
from shared.sweeping import by_the_clock

SECONDS = 600.0
SEND_SECONDS = 0.5
"""Somebody waits at the screen."""


async def sign_in_sweeper(runtime: Runtime) -> None:
    """Look every ten minutes until cancelled."""
    await by_the_clock(runtime.database, forget_old, "sign-in not swept", seconds=SECONDS)


async def code_sender(runtime: Runtime) -> None:
    """Send codes twice a second until cancelled; any number of processes may."""
    sent = 0

    async def look(work: Work) -> bool:
        nonlocal sent
        sent = await send_codes(work)
        return sent == SENT_MAX

    def looked() -> None:
        if sent:
            reach("codes.after_commit")

    await by_the_clock(runtime.database, look, "codes not sent", looked=looked, seconds=SEND_SECONDS)
