"""Our own commands as real processes, started, killed and ended as an operator or a crash would do it.

Whatever is started here is ended at the end of its `with` block by its process id, also when a test fails.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from time import monotonic

import httpx
import msgspec
import psutil

from shared.caller import Role
from shared.embedded.processes import alive
from shared.keys import KeyStore
from shared.sessions import NAME
from shared.tokens import issue_token
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 20
TOKEN_HOURS = 1
NOT_INHERITED = ("_URL", "PORT", "SERUMPUN_HOME", "PARTITIONS", "PYTHONDONTWRITEBYTECODE")
"""Ends of names; the last because a process that keeps no compiled code takes three times as long to start."""


class Process:
    """One `serumpun` command, which may be started again after its end; its output is kept in one file."""

    def __init__(
        self, home: Path, *arguments: str, log: Path, module: str = "services.cli", **environment: str
    ) -> None:
        self.arguments = arguments
        self._module = module
        self.log = log
        self._environment = inherited(SERUMPUN_HOME=str(home), **environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.arguments} was never started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Give how it ended, None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self.exit_code is None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""  # it may be half-way in a letter

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._said_before = len(self.output)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, *self.arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """End it as `kill -9` does, with no chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ask_to_stop(self) -> None:
        """Send SIGTERM, as a service manager does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def stop(self) -> float:
        """End it gracefully and give the seconds that it took; by force when it takes too long."""
        if not self.running:
            return 0.0
        asked = monotonic()
        self.ask_to_stop()
        try:
            await wait_until(lambda: not self.running, STOP_SECONDS_MAX)
        except AssertionError:
            self.kill()
        return monotonic() - asked

    def family(self) -> list[psutil.Process]:
        """Give the process and all that it has started."""
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    async def says(self, words: str) -> None:
        """Wait until it has said some words since its start; fails at once, with the output, when it ends before."""

        def said() -> bool:
            assert self.exit_code is None, f"{self.arguments} ended with {self.exit_code}:\n{self.output[-4000:]}"
            return words in self.output[self._said_before :]

        await wait_until(said, START_SECONDS_MAX, f"{' '.join(self.arguments)} to say {words!r}")

    async def answers_ready(self, url: str) -> None:
        """Wait until it says at its `/readyz` that everything in it works."""
        async with httpx.AsyncClient() as client:
            await wait_until(lambda: self._is_ready(client, url), START_SECONDS_MAX, f"{self.arguments} to be ready")

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        assert self.exit_code is None, f"{self.arguments} ended with {self.exit_code}:\n{self.output[-4000:]}"
        try:
            return (await client.get(f"{url}/readyz", timeout=5)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def works(pid: int) -> bool:
    """Tell whether there is a process of this id that still runs."""
    try:
        return alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


@contextmanager
def new_home() -> Iterator[Path]:
    """Give a home folder that does not exist yet and is removed at the end, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="serumpun-") as folder:
        yield Path(folder) / "home"


def free_port() -> int:
    """Give a port of this machine on which nobody listens, another one every time.

    It is below those that the system hands out, so that it is still free after whoever listens on it was killed.
    """
    for port in _ports:
        with socket.socket() as trial, suppress(OSError):
            trial.bind((LOOPBACK, port))
            return port
    raise AssertionError("unreachable: there is always one more to try")


PORTS = range(18_000, 32_000)
_begin = os.getpid() * 97 % len(PORTS)  # elsewhere in each process: two runs on one machine do not ask for the same
_ports: Iterator[int] = cycle([*PORTS[_begin:], *PORTS[:_begin]])


def bearer(home: Path, role: Role, subject: str, *regions: str) -> dict[str, str]:
    """Give the header of somebody who has a token of this installation."""
    return {"Authorization": f"Bearer {issue_token(KeyStore(home), role, regions, subject, TOKEN_HOURS)}"}


def of_a_page(home: Path, role: Role, subject: str, *regions: str) -> dict[str, str]:
    """Give the headers of a page on which somebody has just signed in: a session of its own each time."""
    token = issue_token(KeyStore(home), role, regions, subject, TOKEN_HOURS, of_page=True)
    return {"Serumpun-Page": "1", "Cookie": f"{NAME}={token}"}


def lines_of(output: str) -> list[dict[str, object]]:
    """Give the JSON lines of a log; what a person is told on the terminal is passed over."""
    return [msgspec.json.decode(line) for line in output.splitlines() if line.startswith("{") and line.endswith("}")]


def inherited(**own: str) -> dict[str, str]:
    """Give the environment of a process that a test starts: ours without what would lead it elsewhere, and its own.

    It keeps no quiet hours, or the tests would depend on the hour at which they run.
    """
    kept = {name: value for name, value in os.environ.items() if not name.endswith(NOT_INHERITED)}
    return {**kept, "QUIET_HOURS": "off", **own}
