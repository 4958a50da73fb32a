"""Services that live many short lives: imported once, and forked anew for each: `-m tests.faults.forked SOCKET`.

Whoever connects to the socket gets a keeper, and tells it line by line: what it keeps, and then `live POINT` for each
life, `-` for none. The life answers `serving PID`; whatever is said while it lives is the point at which it is to die;
the keeper says `ended CODE` when it has. So a life begins in some hundredths of a second, and is all the same a real
process, which a real kill ends.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from services import serving, startup, stopping, suite
from shared import crashpoints, migrations
from shared.service import build
from shared.settings import Settings
from shared.telemetry import configure_logging

LOOPBACK = "127.0.0.1"
LINE_BYTES_MAX = 16_384
NOWHERE = "-"
SETTLING_TURNS = 4
SETTLING_SECONDS = 0.02
FIRST_START = "first start"
"""What a keeper keeps that brings up an installation, as every service's name means that service."""

assert migrations  # imported for the lives that migrate


class Kept(msgspec.Struct, frozen=True):
    """What a keeper is to keep: a service or the first start, its environment, and where its log goes."""

    name: str
    environment: dict[str, str]
    log: str


def main(address: str) -> None:
    """Fork a keeper for each connection, until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need no farewell
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        os.write(1, b"ready\n")
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                Keeper(line).keep()
            line.close()


class Keeper:
    """Forks a life when told to, and says how it ended."""

    def __init__(self, line: socket.socket) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._line = line

    def keep(self) -> None:
        """Do as told until the other side hangs up."""
        kept = msgspec.json.decode(self._hear(), type=Kept)
        settings = Settings.from_env(kept.environment)
        configure_logging(settings.log_level, Path(kept.log))
        # All is made and nothing is opened: no loop, no thread, no connection and no random number crosses the fork.
        live = self._first_start(settings) if kept.name == FIRST_START else self._service(kept.name, settings)
        self._say("kept")
        while order := self._hear().split():
            child = os.fork()
            if child == 0:
                try:
                    crashpoints.arm("" if order[1] == NOWHERE else order[1])
                    live()
                finally:
                    os._exit(os.EX_SOFTWARE)
            _, status = os.waitpid(child, 0)
            self._say(f"ended {os.waitstatus_to_exitcode(status)}")
        os._exit(os.EX_OK)

    def _service(self, name: str, settings: Settings) -> Callable[[], None]:
        app = build(next(service for service in suite.SERVICES if service.name == name), settings)

        async def started() -> None:
            asyncio.get_running_loop().add_reader(self._line, self._obey)
            self._say(f"serving {os.getpid()}")

        def live() -> None:
            stopping.listen()
            serving.run(app, LOOPBACK, settings.port, started)
            os._exit(0)

        return live

    def _first_start(self, settings: Settings) -> Callable[[], None]:
        def live() -> None:
            asyncio.run(startup.prepare(settings, lambda _line: None))
            os._exit(0)

        return live

    def _obey(self) -> None:
        """Take the name of the point at which to die; when nobody is there any more, that is the end too."""
        if not (point := self._hear()):
            os.kill(os.getpid(), signal.SIGKILL)
        self._arming = asyncio.ensure_future(self._arm(point))

    async def _arm(self, point: str) -> None:
        for _ in range(SETTLING_TURNS):  # what is just being finished has passed the point already, for all who look on
            await asyncio.sleep(SETTLING_SECONDS / SETTLING_TURNS)
        crashpoints.arm(point)
        self._say("armed")

    def _hear(self) -> str:
        os.set_blocking(self._line.fileno(), True)  # a life's event loop has changed it for all who share it
        return self._line.recv(LINE_BYTES_MAX).decode().strip()

    def _say(self, words: str) -> None:
        self._line.sendall(f"{words}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
