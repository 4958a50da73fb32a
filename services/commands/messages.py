"""`serumpun messages`: what is told of which event, and how it reads."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands import terminal
from services.commands.terminal import AsJson

app = typer.Typer(help="The messages: how each reads in both languages.", no_args_is_help=True)


@app.callback()
def messages() -> None:
    """Keep the commands of the messages together, also while there is only one."""


@app.command()
def preview(
    purpose: Annotated[str, typer.Argument(help="What is told, such as aid; docs/messages.md lists them.")],
    event: Annotated[
        Path | None, typer.Option(help="A JSON file with fields of the event; without it everything is at its longest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a message about an event would read; nobody is told, and no server is needed."""
    import msgspec

    from services.notifications.messages import overview
    from shared.problems import Invalid

    rule = overview.rule_of(purpose)
    if rule is None:
        raise typer.BadParameter(f"{purpose!r} is told of no event; docs/messages.md lists what is")
    try:
        fields = msgspec.json.decode(event.read_bytes(), type=dict[str, object]) if event else {}
        shown = overview.previews(rule, fields)
    except (OSError, msgspec.MsgspecError) as fault:
        raise typer.BadParameter(f"{event}: {fault}") from None
    except Invalid as no:
        raise typer.BadParameter("; ".join(f"{one.pointer}: {one.detail}" for one in no.errors)) from None
    lines = [
        line
        for one in shown
        for line in (f"[{one.language}] {one.message.title}", one.message.body, one.message.why, "")
    ]
    terminal.answer({"purpose": purpose, "texts": shown}, lines, as_json=as_json)
