"""Server processes that never outlive their owner, and the tidy end of those that an earlier run left behind."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep

import psutil

from shared.embedded.account import Account

POLL_SECONDS = 0.02
KILL_SECONDS = 5
PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    """A server cannot run; the message is one line that also says what helps."""


def spawn(
    command: Sequence[str], *, log: Path, account: Account | None, last_wish: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server that gets `last_wish` from the kernel if its owner dies without stopping it (Linux).

    Call it from the main thread: the kernel means the thread that started the server, not the process.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  the command is ours
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,  # Ctrl-C in a terminal is for the owner, who stops the servers after himself
            preexec_fn=_dies_with_owner(last_wish),  # noqa: PLW1509  one system call, looked up before the fork
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _dies_with_owner(last_wish: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None  # elsewhere the next start ends what was left behind
    prctl = ctypes.CDLL(None).prctl

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(last_wish))

    return ask_the_kernel


def stop(process: subprocess.Popen[bytes], gently: signal.Signals, seconds: float) -> None:
    """End a server of ours: with its own signal first, by force when the time is over."""
    if process.poll() is not None:
        return
    process.send_signal(gently)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(KILL_SECONDS)


def end_leftovers(folder: Path, program: str, gently: signal.Signals, seconds: float) -> int:
    """End every process of `program` that still works in `folder`; returns how many there were.

    A process id in a file may by now be someone else's, so a leftover is known by its working folder.
    """
    leftovers = [process for process in psutil.process_iter() if _works_in(process, folder, program)]
    for process in leftovers:
        _signal(process, gently)
    for process in _still_there(leftovers, seconds):
        _signal(process, signal.SIGKILL)
    if immortal := _still_there(leftovers, KILL_SECONDS):
        raise StartFailed(f"process {immortal[0].pid} of an earlier run holds {folder} and cannot be ended: end it")
    return len(leftovers)


def _still_there(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    deadline = monotonic() + seconds
    while (there := [process for process in processes if alive(process)]) and monotonic() < deadline:
        sleep(POLL_SECONDS)
    return there


def alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs.

    A zombie has ended; it only waits for a parent that may never ask, as in a container without an init.
    """
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _works_in(process: psutil.Process, folder: Path, program: str) -> bool:
    try:
        return process.name().startswith(program) and Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it ended by itself, which is what was wanted


def wait_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], seconds: float) -> bool:
    """Wait until a server answers; false when it ended or did not answer in time."""
    deadline = monotonic() + seconds
    while process.poll() is None and monotonic() < deadline:
        if ready():
            return True
        sleep(POLL_SECONDS)
    return False


def last_words(log: Path, marks: Sequence[str]) -> str:
    """Give the last line of a log that carries one of the marks, to be shown as the reason of a failure."""
    if not log.exists():
        return "it left no log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = file.read().decode(errors="replace").splitlines()
    telling = [line for line in lines if any(mark in line for mark in marks)]
    return (telling or lines or ["its log is empty"])[-1].strip()


def start_log(log: Path, bytes_max: int = 10_000_000) -> Path:
    """Give a log to append to; one that grew too long is put aside once."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > bytes_max:
        log.replace(log.with_suffix(".log.1"))
    return log
