"""`serumpun person`: what a person may ask for under Law 27/2022, as the operator carries it out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, By, DryRun, Why, Yes

if TYPE_CHECKING:
    from services.operations.people import Done, PersonCopy

app = typer.Typer(help="A person's rights: a copy of everything, a restriction, an erasure.", no_args_is_help=True)

Owner = Annotated[UUID, typer.Argument(help="The id of the owner, as the businesses of theirs show it.")]


@app.command()
def export(
    owner: Owner,
    reason: Why,
    to: Annotated[
        Path | None, typer.Option(help="A new file for the copy: .json, or .xlsx with a sheet for each table.")
    ] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Give everything that the three services keep about a person, sealed values opened; it is on record.

    Without --to it is printed as JSON. The file is for nobody but whoever it is about.
    """
    from services.operations import people
    from services.operations.installation import opened

    async def given() -> "PersonCopy":
        async with opened(terminal.settings()) as there:
            return await people.export(there, owner, people.Asked(by or terminal.login(), reason))

    copy = terminal.run(given())
    if to is None:
        terminal.answer(copy, [], as_json=True)
        return
    people.written(copy, to)
    rows = sum(len(rows) for tables in copy.services.values() for rows in tables.values())
    terminal.answer({"file": str(to), "rows": rows}, [f"{rows} rows are in {to}"], as_json=as_json)


@app.command()
def restrict(
    owner: Owner, reason: Why, dry_run: DryRun = False, yes: Yes = False, by: By = "", as_json: AsJson = False
) -> None:
    """Let a person's data only be stored: nobody is shown them or writes to them, and nothing of them changes."""
    from services.operations import people
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Done":
        async with opened(terminal.settings(), [people.REGISTRATION]) as there:
            return await people.restrict(there, owner, people.Asked(by or terminal.login(), reason), really=really)

    terminal.act(carry_out, _told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def release(
    owner: Owner, reason: Why, dry_run: DryRun = False, yes: Yes = False, by: By = "", as_json: AsJson = False
) -> None:
    """Lift the restriction of a person's data."""
    from services.operations import people
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Done":
        async with opened(terminal.settings(), [people.REGISTRATION]) as there:
            return await people.release(there, owner, people.Asked(by or terminal.login(), reason), really=really)

    terminal.act(carry_out, _told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def erase(
    owner: Owner, reason: Why, dry_run: DryRun = False, yes: Yes = False, by: By = "", as_json: AsJson = False
) -> None:
    """Erase a person for good: keys, names and ways to reach them, and the events that told of them.

    What was received, made and paid stays without them. It is refused while work that was delivered is not paid.
    """
    from services.operations import people
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Done":
        async with opened(terminal.settings(), [people.REGISTRATION]) as there:
            return await people.erase(there, owner, people.Asked(by or terminal.login(), reason), really=really)

    terminal.act(carry_out, _told, dry_run=dry_run, yes=yes, as_json=as_json)


def _told(one: "Done") -> list[str]:
    rows = [f"{table:<14} {count} rows" for table, count in one.counts.items()]
    end = "done; the other services follow by event" if one.done else "nothing is done yet"
    bound = f"; what stands in Redis goes within {one.streams_kept_days} days" if one.act == "erase" else ""
    return [*rows, f"{one.act}: {end}{bound}"]


def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Really clear it; --reason is needed then.")] = False,
    dry_run: DryRun = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept on record.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Count what was kept about people for as long as the schedule says, field by field; with --apply clear it."""
    from services.operations import field_retention
    from services.operations.installation import opened

    if apply and (dry_run or not reason):
        raise typer.BadParameter("--apply needs --reason, and no --dry-run beside it", param_hint="--apply")

    async def carry_out() -> "field_retention.Cleared":
        with terminal.progress(as_json=as_json) as steps:
            async with opened(terminal.settings()) as there:
                operator = there.operator(by or terminal.login(), reason) if apply else None
                return await field_retention.apply(there, steps, operator)

    cleared = terminal.run(carry_out())
    lines = [f"{one.due:>8} {one.field} (kept {one.months} months {one.purpose})" for one in cleared.fields]
    end = "cleared" if cleared.done else "due, and still there"
    terminal.answer(cleared, [*lines, f"as of {cleared.day}: {end}"], as_json=as_json)
