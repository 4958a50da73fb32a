"""The system account that PostgreSQL runs under when we are root, since PostgreSQL refuses to be root."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NAME = "pgserver"
FALLBACK = "nobody"
USERADD_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def unprivileged_account(report: Callable[[str], None]) -> Account | None:
    """Give the account to run PostgreSQL under, made at need; None when we are not root and need no other."""
    if os.geteuid() != 0:
        return None
    found = _find(NAME)
    if found is None and (useradd := shutil.which("useradd")):
        command = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", NAME]
        subprocess.run(command, capture_output=True, check=False, timeout=USERADD_TIMEOUT_SECONDS)  # noqa: S603  ours
        found = _find(NAME)
        if found:
            report(f"made the system account {NAME}, since PostgreSQL does not run as root")
    found = found or _find(FALLBACK)
    if found is None:
        raise LookupError(f"PostgreSQL does not run as root and there is no account for it: useradd --system {NAME}")
    return found


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def open_way(target: Path, report: Callable[[str], None]) -> None:
    """Let other accounts pass through (not list) the folders above `target`."""
    for folder in target.resolve().parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)
            report(f"let the database account pass through {folder} (chmod go+x)")


def open_files(folder: Path) -> None:
    """Let other accounts read an installed package; needed when it was installed under a strict umask."""
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o055 if path.is_dir() or mode & stat.S_IXUSR else 0o044
        if mode & wanted != wanted:
            path.chmod(mode | wanted)
