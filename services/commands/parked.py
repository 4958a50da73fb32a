"""`serumpun parked`: events that could not be handled, and what is done about them."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, By, DryRun, Service, Why, Yes

if TYPE_CHECKING:
    from services.operations.parked import ParkedList, ParkedView

app = typer.Typer(help="Parked events: list, show, replay and drop.", no_args_is_help=True)


def waiting(incomplete: str) -> list[str]:
    """Complete the number of a parked event; nothing when no server answers at once."""
    try:
        found = terminal.run(_listed(None, 100))
    except Exception:  # noqa: BLE001  a completion that fails offers nothing
        return []
    return [one.at for one in found.parked if one.at.startswith(incomplete)]


Number = Annotated[
    str,
    typer.Argument(help="source/partition/number, such as registration/0/17.", metavar="EVENT", autocompletion=waiting),
]
Where = Annotated[Service | None, typer.Option(help="The service in which it waits; needed only where two hold it.")]
RETRIED = "tried again by an operator"


async def _listed(service: Service | None, limit: int) -> "ParkedList":
    from services.operations import parked
    from services.operations.installation import opened

    services = [str(service)] if service else [str(one) for one in Service]
    async with opened(terminal.settings(), services) as there:
        return await parked.listed(there, services, limit)


@app.command("list")
def listed(
    service: Annotated[Service | None, typer.Option(help="Only what waits in this service.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what is parked, in the order in which it will run."""
    from services.operations import parked

    found = terminal.run(_listed(service, limit))
    total = sum(sum(reasons.values()) for reasons in found.counts.values())
    says = [line for one in found.parked for line in parked.lines(one)]
    terminal.answer(found, [*says, f"{total} parked"], as_json=as_json)


@app.command()
def show(
    number: Number,
    service: Where = None,
    raw: Annotated[bool, typer.Option("--bytes", help="Also the bytes as they came, which may name people.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one parked event: why it waits, when it is tried again, and what it tells."""
    from services.operations import parked
    from services.operations.installation import opened

    async def found() -> "ParkedView":
        async with opened(terminal.settings()) as there:
            holder = await parked.holder(there, number, str(service) if service else None)
            return await parked.shown(there, holder, number, raw=raw)

    view = terminal.run(found())
    terminal.answer(view, terminal.fields(view), as_json=as_json)


@app.command()
def replay(
    number: Annotated[
        str | None,
        typer.Argument(help="source/partition/number; without it say --all.", metavar="EVENT", autocompletion=waiting),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that is parked, or all of --service.")] = False,
    service: Where = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept on record.")] = RETRIED,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Try a parked event again now, after its cause was mended; the running service takes it up within a second.

    Events of one subject run in their order: when an earlier one waits, that one runs first.
    """
    from services.operations import parked
    from services.operations.installation import opened

    if every == (number is not None):
        raise typer.BadParameter("name one event, or say --all", param_hint="EVENT")
    named = str(service) if service else None

    async def carry_out() -> "list[ParkedView]":
        async with opened(terminal.settings()) as there:
            actor = there.operator(by or terminal.login(), reason)
            if number is not None:
                return await parked.replay(there, await parked.holder(there, number, named), [number], actor)
            due = []
            for name in [named] if named else there.stores:
                waits = (await parked.listed(there, [name], 10_000)).parked
                due += await parked.replay(there, name, [one.at for one in waits if one.due_at is not None], actor)
            return due

    due = terminal.run(carry_out())
    says = [line for one in due for line in parked.lines(one)]
    terminal.answer(due, [*says, f"{len(due)} due now, with what waits behind"], as_json=as_json)


@app.command()
def drop(
    number: Number,
    reason: Why,
    service: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Give a parked event up: it never takes effect in this service, and the next one of its subject runs.

    Who did it, when and why is kept on record together with the event itself: `serumpun events acts`.
    """
    from services.operations import parked
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "ParkedView":
        async with opened(terminal.settings()) as there:
            holder = await parked.holder(there, number, str(service) if service else None)
            if really:
                return await parked.drop(there, holder, number, there.operator(by or terminal.login(), reason))
            return await parked.shown(there, holder, number, raw=False)

    def told(one: "ParkedView") -> list[str]:
        return [f"{one.at} ({one.type or 'unreadable'}, {one.subject}) never takes effect in {one.service}"]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)
