"""What is measured, as a process of its own: the whole suite, or stock and aid alone with or without group commit."""

import asyncio
import sys

from services import serving, startup
from services.aid_distribution.main import SERVICE
from shared.group_commit import GroupCommit, OneByOne
from shared.service import build
from shared.settings import Settings
from shared.telemetry import AsgiApp, configure_logging


def main(mode: str) -> None:
    """Serve until stopped."""
    settings = Settings.from_env()
    configure_logging("warning")
    ready = asyncio.run(startup.provisioned(settings))
    serving.run(_app(mode, ready), "127.0.0.1", settings.port, _started)


def _app(mode: str, ready: Settings) -> AsgiApp:
    if mode == "suite":
        from services import suite  # noqa: PLC0415 - one service by itself is measured without the others

        return suite.build(ready)
    return build(SERVICE, ready, {"api"}, grouping=OneByOne if mode == "alone" else GroupCommit)


async def _started() -> None:
    """Whoever measures asks /readyz."""


if __name__ == "__main__":
    main(sys.argv[1])
