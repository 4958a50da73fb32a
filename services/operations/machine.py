"""The machine: Python, the home folder and its keys, the disk, the port, and the settings."""

import os
import shutil
import stat
import sys
from collections.abc import Iterable
from os import environ
from pathlib import Path

from services import serving, startup
from services.operations.findings import Finding, fault, fine, warning
from services.operations.running_services import readiness
from shared.settings import SECRETS, Settings

PYTHON_MIN = (3, 11)
DISK_WARNING_BYTES = 5 * 2**30
DISK_FAULT_BYTES = 512 * 2**20
OTHERS = stat.S_IRWXO
LOOPBACK = "127.0.0.1"


def settings_of(settings: Settings | None, faults: Iterable[str]) -> list[Finding]:
    """Judge the settings of the environment, and the half of one."""
    found = [fault("settings", line.split(" ")[0].split("=")[0], line, "correct it") for line in faults]
    if settings is not None:
        if half := startup.half_configured(settings):
            found.append(
                fault("settings", "environment", half, "set the addresses that are missing, or unset the others")
            )
        if (settings.oidc_issuer is None) != (settings.oidc_audience is None):
            what = "only one of OIDC_ISSUER and OIDC_AUDIENCE is set"
            found.append(fault("settings", "OIDC_ISSUER", what, "set both, or neither"))
        if settings.smtp_url is None:
            what = "no mail server is set: messages stay in the inbox, and letters wait up to 7 days"
            found.append(warning("settings", "SMTP_URL", what, "set SMTP_URL=smtps://user:password@host"))
        found += _plain_secrets()
    return found or [fine("settings", "environment", "every setting can be used")]


def _plain_secrets() -> list[Finding]:
    for name in SECRETS:
        path = environ.get(f"{name}_FILE")
        if path and Path(path).exists() and Path(path).stat().st_mode & stat.S_IROTH:
            return [warning("secrets", path, "everybody on this machine can read it", f"chmod o-rwx {path}")]
    return []


async def machine(settings: Settings) -> list[Finding]:
    """Judge Python, the folder with the data and the keys, the disk and the port."""
    return [
        _python(),
        *_home(settings.home),
        *_keys(settings.home / "keys"),
        _disk(settings.home),
        await _port(settings),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_MIN:
        return fault("python", sys.executable, f"it is {version}", "install Python 3.11 or newer")
    return fine("python", sys.executable, version)


def _home(home: Path) -> list[Finding]:
    if not home.exists():
        return [warning("home", str(home), "it is not there yet", "serumpun up makes it, or set SERUMPUN_HOME")]
    if not os.access(home, os.W_OK | os.X_OK):
        return [fault("home", str(home), "it cannot be written", f"chown it to {os.geteuid()}, or set SERUMPUN_HOME")]
    return [fine("home", str(home), "it is there and can be written")]


def _keys(folder: Path) -> list[Finding]:
    found = []
    for name in ("master.key", "token.jwk"):
        path = folder / name
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            found.append(warning("keys", str(path), "it is not there yet", "the first start makes it, or restore it"))
            continue
        except OSError as error:
            found.append(fault("keys", str(path), f"it cannot be looked at: {error.strerror}", "see SERUMPUN_HOME"))
            continue
        if mode & OTHERS:
            what = f"its mode is {stat.S_IMODE(mode):04o}: it is open to everybody on this machine"
            found.append(fault("keys", str(path), what, f"chmod 600 {path}"))
        else:
            found.append(fine("keys", str(path), f"only its owner or group reads it ({stat.S_IMODE(mode):04o})"))
    return found


def _disk(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    says = f"{free / 2**30:.1f} GiB are free"
    if free < DISK_FAULT_BYTES:
        return fault("disk", str(there), says, "make room: the databases stop when it is full")
    if free < DISK_WARNING_BYTES:
        return warning("disk", str(there), says, "make room before the databases need it")
    return fine("disk", str(there), says)


async def _port(settings: Settings) -> Finding:
    where = f"port {settings.port}"
    try:
        serving.check_port(LOOPBACK, settings.port)
    except serving.CannotServe:
        if await readiness(f"http://{LOOPBACK}:{settings.port}") is not None:
            return fine("port", where, "serumpun answers on it")
        return warning("port", where, "another program uses it", "stop that, or choose another: PORT=8001")
    return fine("port", where, "it is free")
