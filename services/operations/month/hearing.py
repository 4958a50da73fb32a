"""What was heard of what was told: by everybody, and until nothing more is told."""

import asyncio
from time import monotonic

from services.operations.installation import Installation
from services.operations.lanes import Lane, lanes

QUIET_SECONDS = 2
LOOK_SECONDS = 0.2


async def heard(there: Installation, seconds_max: float) -> bool:
    """Wait until everybody has heard what was told by now, whatever is told meanwhile; False when time is over."""
    told = {(lane.source, lane.partition): lane.head for lane in await _listening(there)}
    deadline = monotonic() + seconds_max
    while any(lane.position < told.get((lane.source, lane.partition), 0) for lane in await _listening(there)):
        if monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def quiet(there: Installation, seconds_max: float) -> None:
    """Wait until nothing has been told for a moment, but no longer than this: others may be at work.

    Alerts are raised a moment after what they are about, so a first moment of rest is not taken at its word.
    """
    since = monotonic()
    deadline = since + seconds_max
    heads = None
    while (heads is None or monotonic() - since < QUIET_SECONDS) and monotonic() < deadline:
        every = await _listening(there)
        seen = None if any(lane.lag for lane in every) else [lane.head for lane in every]
        if seen is None or seen != heads:
            heads, since = seen, monotonic()
        await asyncio.sleep(LOOK_SECONDS)


async def _listening(there: Installation) -> list[Lane]:
    return [lane for lane in await lanes(there) if lane.state != "retired"]
