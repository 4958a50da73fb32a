"""`serumpun broadcasts`: see what is told to many, look ahead, approve it as a second person, and halt it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, Why

if TYPE_CHECKING:
    from services.operations.broadcasts import Broadcast
    from services.operations.installation import Installation
    from shared.caller import Caller

T = TypeVar("T")

app = typer.Typer(help="Broadcasts: list, preview, approve, pause, resume, cancel.", no_args_is_help=True)

Staff = Annotated[str, typer.Option("--by", help="The member of staff who does it, by the subject of their token.")]
Id = Annotated[UUID, typer.Argument(help="The broadcast; `serumpun broadcasts list` names them.")]


@app.command("list")
def list_broadcasts(
    by: Staff,
    state: Annotated[str | None, typer.Option(help="Only those in this state, such as submitted.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest broadcasts of the regions of a member of staff."""
    from services.operations import broadcasts as work

    found = _run(by, lambda there, caller: work.listed(there, caller, state))
    lines = [line for one in found for line in _lines(one)] or ["there are none"]
    terminal.answer(found, lines, as_json=as_json)


@app.command()
def preview(broadcast: Id, by: Staff, as_json: AsJson = False) -> None:
    """Count who would be told how if it went now, and show how it reads to three of them, masked."""
    from services.operations import broadcasts as work

    found = _run(by, lambda there, caller: work.preview(there, caller, broadcast))
    terminal.answer(found, terminal.fields(found), as_json=as_json)


@app.command()
def approve(broadcast: Id, by: Staff, as_json: AsJson = False) -> None:
    """Let a broadcast to more than 500 go, as somebody who neither wrote nor submitted it."""
    from services.operations import broadcasts as work

    _act(by, lambda there, caller: work.approve(there, caller, broadcast), as_json=as_json)


@app.command()
def pause(broadcast: Id, by: Staff, as_json: AsJson = False) -> None:
    """Let a broadcast wait: what is being sent goes, all else stays until it is resumed or expires."""
    from services.operations import broadcasts as work

    _act(by, lambda there, caller: work.pause(there, caller, broadcast), as_json=as_json)


@app.command()
def resume(broadcast: Id, by: Staff, as_json: AsJson = False) -> None:
    """Let a paused broadcast go on where it stopped."""
    from services.operations import broadcasts as work

    _act(by, lambda there, caller: work.resume(there, caller, broadcast), as_json=as_json)


@app.command()
def cancel(broadcast: Id, by: Staff, reason: Why, as_json: AsJson = False) -> None:
    """End a broadcast for good: what is being sent goes, nothing else does."""
    from services.operations import broadcasts as work

    _act(by, lambda there, caller: work.cancel(there, caller, broadcast, reason), as_json=as_json)


def _act(
    by: str, task: "Callable[[Installation, Caller], Awaitable[Broadcast]]", *, as_json: bool
) -> None:  # fmt: skip
    done = _run(by, task)
    terminal.answer(done, _lines(done), as_json=as_json)


def _run(by: str, task: "Callable[[Installation, Caller], Awaitable[T]]") -> T:
    from services.operations import broadcasts as work
    from services.operations.installation import opened

    async def carry_out() -> T:
        async with opened(terminal.settings(), [work.NOTIFICATIONS]) as there:
            return await task(there, await work.known(there, by))

    return terminal.run(carry_out())


def _lines(one: "Broadcast") -> list[str]:
    told = f"{one.told} of {one.recipients}" if one.recipients is not None else "not let go yet"
    return [f"{one.id} {one.state:<9} {told:<16} {', '.join(one.regions)}  {one.title}  (by {one.drafted_by})"]
