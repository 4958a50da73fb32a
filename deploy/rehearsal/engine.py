"""An engine for containers: the one that runs, or one of our own in a folder of its own, in whatever way works here."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from deploy.rehearsal.steps import Failed, run, say, succeeds

PROGRAMS = {
    "docker": "docker.io",
    "dockerd": "docker.io",
    "docker-compose": "docker-compose",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
}
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 40
PROBE = "serumpun-rehearsal-probe"
BRIDGE = Path("/sys/class/net/docker0")


class NoEngine(Exception):
    """No engine can run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Way:
    """How an engine may keep its layers, and whether it changes the machine's packet filter."""

    storage: str
    filters: bool

    def __str__(self) -> str:
        return f"{self.storage}, {'with' if self.filters else 'without'} iptables"

    def arguments(self) -> list[str]:
        """Give what dockerd is told."""
        untouched = ["--iptables=false", "--ip-masq=false", "--ip-forward=false"]
        return [f"--storage-driver={self.storage}", *([] if self.filters else untouched)]


def install() -> None:
    """Install what is missing of the engine, with Debian's own packages; raises NoEngine where that cannot be."""
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine(f"{', '.join(missing)} are not installed, and only root on Debian can install them")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run("apt-get", "update", "-qq", env=quiet)
        run("apt-get", "install", "-qy", "--no-install-recommends", *missing, env=quiet)
    except Failed as error:
        raise NoEngine(f"Debian's packages cannot be installed: {error}") from error


@contextmanager
def engine(folder: Path) -> Iterator[Mapping[str, str]]:
    """Give the environment in which `docker` reaches an engine that has run a container; raises NoEngine."""
    if succeeds("docker", "version", seconds=20):
        say("  an engine runs already, and is used")
        yield {}
        return
    _end_leftover(folder / "docker.pid")
    had_bridge = BRIDGE.exists()
    told = []
    for way in _ways():
        process = _start(folder, way)
        env = {"DOCKER_HOST": f"unix://{folder / 'docker.sock'}"}
        try:
            if fault := _fault(process, env, folder):
                told.append(f"{way}: {fault}")
                continue
            say(f"  dockerd {process.pid} runs: {way}")
            yield env
            return
        finally:
            _stop(process)
            # dockerd leaves both behind, and the folder could not be removed.
            if BRIDGE.exists() and not had_bridge:
                succeeds("ip", "link", "delete", BRIDGE.name)
            succeeds("umount", folder / "run/netns/default")
    raise NoEngine("\n".join(told))


def _ways() -> list[Way]:
    """Give the ways to try, first what leaves the machine's packet filter alone, unless that would stop containers."""
    try:
        stops = "-P FORWARD DROP" in run("iptables", "-S", "FORWARD")
    except Failed:
        stops = False
    return [Way(storage, filters) for storage in ("overlay2", "vfs") for filters in (stops, not stops)]


def _start(folder: Path, way: Way) -> subprocess.Popen[bytes]:
    with (folder / "dockerd.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  our own words
            [  # noqa: S607  found on the PATH
                "dockerd",
                f"--data-root={folder / way.storage}",
                f"--exec-root={folder / 'run'}",
                f"--pidfile={folder / 'docker.pid'}",
                f"--host=unix://{folder / 'docker.sock'}",
                *way.arguments(),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _fault(process: subprocess.Popen[bytes], env: Mapping[str, str], folder: Path) -> str:
    """Wait until the engine answers and has run a container with a port; say what is wrong with it, if anything."""
    deadline = monotonic() + START_SECONDS_MAX
    while not succeeds("docker", "version", env=env, seconds=10):
        if process.poll() is not None or monotonic() > deadline:
            lines = (folder / "dockerd.log").read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else f"dockerd ended with {process.poll()}"
        sleep(0.2)
    try:
        _probe(env, folder)
    except Failed as error:
        return str(error).strip().splitlines()[-1]
    return ""


def _probe(env: Mapping[str, str], folder: Path) -> None:
    """Run the smallest container there is: the one program that comes with the engine and needs nothing else."""
    archive = folder / "probe.tar"
    with tarfile.open(archive, "w", dereference=True) as tar:
        tar.add(shutil.which("docker-init") or "docker-init", "probe")
    run("docker", "import", archive, PROBE, env=env)
    run("docker", "run", "--rm", "--publish=127.0.0.1::80", "--memory=64m", PROBE, "/probe", "--version", env=env)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_leftover(pidfile: Path) -> None:
    """End the engine of an earlier rehearsal that was cut short; no other process may have its number now."""
    with suppress(OSError, ValueError):
        pid = int(pidfile.read_text())
        if b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes():
            say(f"  ending dockerd {pid}, left over from an earlier rehearsal")
            os.kill(pid, 15)
            deadline = monotonic() + STOP_SECONDS_MAX
            while Path(f"/proc/{pid}").exists() and monotonic() < deadline:
                sleep(0.2)
    pidfile.unlink(missing_ok=True)
