"""The part of a process that writes the message of the day, in the morning, and sends it."""

from services.notifications.contacts import handlers as contacts
from services.notifications.messages import digests
from services.notifications.sending import send
from shared.database import Work
from shared.service import Runtime
from shared.sweeping import by_the_clock


async def digester(runtime: Runtime) -> None:
    """Look again and again until cancelled; any number of processes may."""
    await by_the_clock(runtime.database, look, "digest_interrupted")


async def look(work: Work) -> bool:
    """Write to some of those for whom news waits; tells whether there may be more."""
    gathered = await digests.due(work)
    if not gathered:
        return False
    people = await contacts.known(work, [one.person for one in gathered])
    await send(work, await digests.write(work, gathered, people))
    return True
