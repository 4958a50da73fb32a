"""How commands speak: JSON or lines on standard output, progress and questions on standard error, and exit codes.

Nothing heavy is imported here: `--help` loads this module.
"""

import asyncio
import getpass
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from datetime import datetime

    from services.operations.findings import Finding

from shared.settings import SERVICES, SettingInvalid, Settings

T = TypeVar("T")
Service = StrEnum("Service", [(name.upper(), name) for name in SERVICES])  # type: ignore[misc]  # from one list


class Exit(IntEnum):
    """What the exit code of every command means."""

    WELL = 0
    WRONG = 1  # something is wrong, or could not be done
    USAGE = 2  # the command was used wrongly
    AWAY = 3  # a server that the command needs is away


AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept on record.")]
By = Annotated[str, typer.Option("--by", help="Who does it, for the record; the login of this machine by default.")]


def settings() -> Settings:
    """Read the settings of the environment."""
    return Settings.from_env()


def login() -> str:
    """Name who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "operator"


def answer(value: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print the answer: one JSON document, or lines for a person."""
    try:
        for line in [msgspec.json.encode(value).decode()] if as_json else lines:
            typer.echo(line)
    except BrokenPipeError:  # whoever read it, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.WELL) from None


def fields(value: object) -> list[str]:
    """Give one line for each field of an answer that is not empty."""
    told = msgspec.to_builtins(value)
    shown = told.items() if isinstance(told, dict) else ()
    return [
        f"{name:<12} {content if isinstance(content, str) else msgspec.json.encode(content).decode()}"
        for name, content in shown
        if content not in (None, "", {})
    ]


def lane(text: str) -> tuple[str, int]:
    """Read `source/partition`."""
    source, _, partition = text.partition("/")
    if source not in SERVICES or not partition.isdecimal():
        raise typer.BadParameter(f"{text!r} is not source/partition, such as {SERVICES[0]}/0")
    return source, int(partition)


def finding_lines(finding: "Finding") -> list[str]:
    """Give what was found as a person reads it."""
    lines = [f"{finding.severity:<8} {finding.check:<24} {finding.where}: {finding.what}"]
    return [*lines, f"         cure: {finding.cure}"] if finding.cure else lines


def confirmed(question: str, *, as_json: bool) -> None:
    """Go on only when a person says so; where nobody can be asked, --yes is needed."""
    if as_json or not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here; say --yes to mean it", param_hint="--yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(Exit.WRONG)


def act(
    carry_out: Callable[[bool], Coroutine[object, object, T]],
    told: Callable[[T], list[str]],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say what would be done, ask, do it, and say what was done; `carry_out(False)` changes nothing."""
    if dry_run or not yes:
        plan = run(carry_out(False))
        if dry_run:
            answer(plan, told(plan), as_json=as_json)
            return
        confirmed("\n".join([*told(plan), "go on?"]), as_json=as_json)
    done = run(carry_out(True))
    answer(done, told(done), as_json=as_json)


def run(task: Coroutine[object, object, T]) -> T:
    """Run the work of a command in an event loop of its own; Ctrl-C ends it quietly."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(task)  # no signal reaches another thread
    from services import stopping

    return stopping.run(task)


def moment(text: str) -> "datetime":
    """Read a moment: an age such as 90s, 15m, 2h or 3d, or a date and time with its offset."""
    from datetime import UTC, datetime, timedelta

    local: datetime | None
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1:] in units and text[:-1].replace(".", "", 1).isdigit():
            return datetime.now(UTC) - timedelta(**{units[text[-1]]: float(text[:-1])})
        local = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        local = None
    if local is None or local.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is neither an age (15m, 2h, 3d) nor a time with an offset")
    return local.astimezone(UTC)


class Steps:
    """Shows how far long work is: on standard error, only on a terminal, and not when a machine is asking."""

    def __init__(self, bar: object | None = None) -> None:
        """Take the bars of Rich, or nothing to stay silent."""
        self._bar = bar

    def begin(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a step of so many parts."""
        if self._bar is None:
            return lambda _done: None
        from rich.progress import Progress

        bar = self._bar
        if not isinstance(bar, Progress):
            raise TypeError("the bars are Rich's")
        task = bar.add_task(name, total=total or None)
        return lambda done: bar.advance(task, done)


@contextmanager
def progress(*, as_json: bool) -> Iterator[Steps]:
    """Give something that shows how far the work is."""
    if as_json or not sys.stderr.isatty():
        yield Steps()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        yield Steps(bar)


class Commands(TyperGroup):
    """All commands; what is expected to fail ends with one line on standard error and its exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # what it is given is one
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            end = ended(error)
            if end is None:
                raise
            code, line = end
            typer.echo(line, err=True)
            raise typer.Exit(code) from error


def ended(error: Exception) -> tuple[Exit, str] | None:
    """Give the exit code and the line for what is expected to fail; None for a defect."""
    from services.history import NoDemo
    from services.operations.refusals import NotPossible, ServerAway
    from services.serving import CannotServe
    from services.startup import ServersAway
    from shared.embedded import StartFailed
    from shared.migrations import MigrationFailed
    from shared.problems import Refusal
    from shared.province import BrokenProvince

    if isinstance(error, ServerAway | ServersAway):
        return Exit.AWAY, _line(error)
    expected = SettingInvalid, NotPossible, NoDemo, CannotServe, StartFailed, MigrationFailed, Refusal, BrokenProvince
    if isinstance(error, expected):
        return Exit.WRONG, _line(error)
    return None


def _line(error: Exception) -> str:
    return f"serumpun: {' · '.join(str(error).split(chr(10)))}"
