"""Named places between two effects at which a test may kill the process, to show that nothing depends on luck.

Names are written `module.place`. Nothing happens unless SERUMPUN_CRASH_AT names one of them.
"""

import os
import signal

CRASH_AT = os.environ.get("SERUMPUN_CRASH_AT", "")


def reach(point: str) -> None:
    """Pass a crash point; the process dies here, with no chance to tidy up, when the environment asks for it."""
    if point == CRASH_AT:
        os.kill(os.getpid(), signal.SIGKILL)
