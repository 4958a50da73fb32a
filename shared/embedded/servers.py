"""Both embedded servers as one thing to start and stop, and how another process of ours finds them."""

import fcntl
import hashlib
import hmac
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from shared.embedded.postgres import Postgres
from shared.embedded.processes import StartFailed
from shared.embedded.valkey import Valkey
from shared.keys import KeyStore

SOCKET_PATH_BYTES_MAX = 100
"""The kernel takes 107 bytes on Linux and 103 on macOS; PostgreSQL appends a few for its lock file."""
LOCK_FILE = "run.lock"
RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Running:
    """The servers that a living process holds, as noted in `home/run.json`."""

    owner_pid: int
    database_url: str
    redis_url: str
    postgres_pid: int
    redis_pid: int


class EmbeddedServers:
    """PostgreSQL and Valkey on the data of one home folder; a context manager that stops them at its end."""

    def __init__(self, home: Path, lock: TextIO, postgres: Postgres, valkey: Valkey):
        """Take over started servers; callers use `start`."""
        self.home = home
        self._lock = lock
        self._postgres = postgres
        self._valkey = valkey

    @classmethod
    def start(cls, home: Path, report: Callable[[str], None]) -> Self:
        """Start both servers and return when they answer; raises StartFailed with one line that says what helps.

        Call it from the main thread and keep that thread: the servers end with the thread that started them.
        """
        home = _home(home)
        lock = _hold(home)
        sockets = _sockets(home)
        servers = cls(
            home,
            lock,
            Postgres(home, sockets, derived_password(home, "postgres"), report),
            Valkey(home, sockets, derived_password(home, "valkey"), report),
        )
        try:
            servers._postgres.start()
            servers._valkey.start()
            servers._note()
        except BaseException:
            servers.stop()
            raise
        return servers

    @property
    def database_url(self) -> str:
        """The administrator's address of PostgreSQL, in SQLAlchemy's form."""
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """The address of Valkey."""
        return self._valkey.url

    @property
    def postgres_pid(self) -> int:
        """The process id of PostgreSQL."""
        return self._postgres.process.pid if self._postgres.process else 0

    @property
    def redis_pid(self) -> int:
        """The process id of Valkey."""
        return self._valkey.process.pid if self._valkey.process else 0

    def mend(self) -> list[str]:
        """Start again what has died, without waiting for it; returns the names. Call it now and then."""
        dead = [
            server
            for server in (self._postgres, self._valkey)
            if server.process is not None and server.process.poll() is not None
        ]
        for server in dead:
            server.spawn()
        if dead:
            self._note()
        return [type(server).__name__ for server in dead]

    def stop(self) -> None:
        """End both servers and let go of the home folder; may be called twice."""
        (self.home / RUN_FILE).unlink(missing_ok=True)
        try:
            self._valkey.stop()
        finally:
            self._postgres.stop()
            if not self._postgres.sockets.is_relative_to(self.home):
                shutil.rmtree(self._postgres.sockets, ignore_errors=True)
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _note(self) -> None:
        note = Running(os.getpid(), self.database_url, self.redis_url, self.postgres_pid, self.redis_pid)
        new = self.home / f"{RUN_FILE}.new"
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(note)))
        new.replace(self.home / RUN_FILE)


def find_running(home: Path) -> Running | None:
    """Give the servers that another process of ours holds on this home folder, or None."""
    try:
        with (home / LOCK_FILE).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        pass  # held, hence alive
    else:
        return None
    try:
        return Running(**json.loads((home / RUN_FILE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def derived_password(home: Path, login: str) -> str:
    """Derive the password of one login from the master key of the home folder, so that none has to be stored."""
    return hmac.new(KeyStore(home).master, f"serumpun login {login}".encode(), hashlib.sha256).hexdigest()[:40]


def _home(home: Path) -> Path:
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(f"{home} cannot be made ({error.strerror}): set SERUMPUN_HOME to another folder") from error
    return home.resolve()


def _hold(home: Path) -> TextIO:
    try:
        lock = (home / LOCK_FILE).open("w")
    except OSError as error:
        raise StartFailed(
            f"{home} cannot be written ({error.strerror}): set SERUMPUN_HOME to another folder"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        held = find_running(home)
        owner = f" (process {held.owner_pid})" if held else ""
        raise StartFailed(
            f"another serumpun{owner} already runs on {home}: stop it, or set SERUMPUN_HOME to another folder"
        ) from error
    return lock


def _sockets(home: Path) -> Path:
    """Give a private folder for the sockets, in a short place when the home folder lies too deep for a socket."""
    inside = home / "sockets"
    if len(os.fsencode(inside / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    outside = Path(tempfile.gettempdir()).resolve() / f"serumpun-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    outside.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() not in (0, outside.lstat().st_uid) or outside.is_symlink():
        raise StartFailed(f"{outside} belongs to someone else: set SERUMPUN_HOME to a folder with a shorter path")
    return outside
