"""The service's own HTTP face as a process: with group commit, one transaction each, or with the lock taken out.

Or its workers alone (`worker`).

`unlocked` is what the tests of a crowd are held against: it reads a card without keeping others from it.
"""

import sys

from sqlalchemy import text

from services import serving
from services.aid_distribution.ledger import loading
from services.aid_distribution.main import SERVICE
from shared.group_commit import GroupCommit, OneByOne
from shared.service import build
from shared.settings import Settings
from shared.telemetry import configure_logging

READY = "serves"


def main(mode: str) -> None:
    """Serve until stopped."""
    settings = Settings.from_env()
    configure_logging("warning")
    if mode == "unlocked":
        loading.LOCK_CARDS = text(str(loading.LOCK_CARDS).replace("FOR UPDATE OF c", ""))
    parts = {"worker"} if mode == "worker" else {"api"}
    app = build(SERVICE, settings, parts, grouping=GroupCommit if mode == "together" else OneByOne)
    serving.run(app, "127.0.0.1", settings.port, _started)


async def _started() -> None:
    print(READY, flush=True)  # noqa: T201 - whoever started it waits for this line


if __name__ == "__main__":
    main(sys.argv[1])
