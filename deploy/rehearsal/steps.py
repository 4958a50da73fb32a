"""Steps that say what they do and how long it took, and commands whose last words are heard when they fail."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 600
_begun = monotonic()


class Failed(Exception):
    """A command ended badly; the message holds its last words."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say a step's name, and its seconds when it is done."""
    begun = monotonic()
    say(name)
    yield
    say(f"  … {monotonic() - begun:.1f} s")


def say(text: str) -> None:
    """Print one line, with the seconds since the start."""
    print(f"{monotonic() - _begun:6.1f} s  {text}", flush=True)  # noqa: T201  it is what a rehearsal is for


def boxed(*lines: str) -> None:
    """Print what nobody may overlook."""
    width = max(len(line) for line in lines)
    edge = "*" * (width + 4)
    print("\n".join(("", edge, *(f"* {line:{width}} *" for line in lines), edge, "")), flush=True)  # noqa: T201  see say


def run(*command: str | Path, env: Mapping[str, str] | None = None, seconds: float = SECONDS_MAX) -> str:
    """Give what a command prints; raises Failed with its last words."""
    try:
        done = subprocess.run(  # noqa: S603  our own words
            [str(word) for word in command],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} {command[1]} did not end within {seconds:g} s") from error
    if done.returncode:
        last_words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{last_words}")
    return done.stdout


def succeeds(*command: str | Path, env: Mapping[str, str] | None = None, seconds: float = SECONDS_MAX) -> bool:
    """Tell whether a command ends well."""
    try:
        run(*command, env=env, seconds=seconds)
    except (Failed, OSError):
        return False
    return True


def tested(*arguments: str, env: Mapping[str, str]) -> None:
    """Run tests before everybody's eyes; raises Failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.DEVNULL, check=False)  # noqa: S603  ours
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}")
