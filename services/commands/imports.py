"""`serumpun import`: bring in what people keep in spreadsheets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, By, Exit

if TYPE_CHECKING:
    from services.operations.imports import Imported, Seen

app = typer.Typer(help="Import files: businesses, or answers to a survey, from CSV or XLSX.", no_args_is_help=True)

Regions = Annotated[
    list[str] | None, typer.Option("--region", help="Only rows of this region, such as 19.71; may be repeated.")
]


File = Annotated[Path, typer.Argument(help="A .csv or .xlsx file, with the columns of the template.")]
OnlyLook = Annotated[bool, typer.Option("--preview", help="Only look it through; nothing is changed.")]
AllOrNothing = Annotated[
    bool, typer.Option("--all-or-nothing/--good-rows", help="With one row refused nothing is taken; or the good rows.")
]


@app.command()
def businesses(
    file: File,
    preview: OnlyLook = False,
    all_or_nothing: AllOrNothing = True,
    region: Regions = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Import businesses: known ones are changed where the file says something new, others are registered.

    Rows that are refused come back in FILE.errors.csv or .xlsx beside the file, with what is wrong in the last column.
    Begun again after it was broken off, it does nothing twice.

    Exit codes: 0 all rows are taken (or, with --preview, could be); 1 rows are refused, or the file cannot be read;
    2 wrong use; 3 a server is away.
    """
    _carry_out(file, None, None if preview else all_or_nothing, region, by, as_json=as_json)


@app.command()
def answers(
    file: File,
    wave: Annotated[UUID, typer.Option("--wave", help="The wave of the survey, by its id.")],
    preview: OnlyLook = False,
    all_or_nothing: AllOrNothing = True,
    region: Regions = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Import the answers to a wave of a survey, a whole answer in each row.

    An answer that is there already changes nothing, and another one takes its place. Rows that are refused come back in
    FILE.errors.csv or .xlsx beside the file, with what is wrong in the last column.

    Exit codes: 0 all rows are taken (or, with --preview, could be); 1 rows are refused, the file cannot be read, or
    there is no such wave; 2 wrong use; 3 a server is away.
    """
    _carry_out(file, wave, None if preview else all_or_nothing, region, by, as_json=as_json)


def _carry_out(
    file: Path, wave: UUID | None, all_or_nothing: bool | None, region: list[str] | None, by: str, *, as_json: bool
) -> None:
    from services.operations import imports
    from services.operations.installation import opened
    from services.registration.imports.domain import Mode
    from services.welcome import province_code

    settings = terminal.settings()
    caller = by or terminal.login(), region or [province_code(settings)]
    mode = {None: None, True: Mode.ALL_OR_NOTHING, False: Mode.GOOD_ROWS}[all_or_nothing]

    async def carry_out(seen: "Seen") -> "Imported":
        async with opened(settings, [imports.REGISTRATION]) as there:
            return await imports.carry_out(there, file, caller, mode, seen, wave)

    with terminal.progress(as_json=as_json) as steps:
        done = terminal.run(carry_out(_Shown(steps)))
    terminal.answer(done, _lines(done), as_json=as_json)
    if done.refused or done.failure:
        raise typer.Exit(Exit.WRONG)


class _Shown:
    """Shows how far an import is: a bar for each state that has one."""

    def __init__(self, steps: terminal.Steps) -> None:
        self._steps = steps
        self._state = ""
        self._position = 0
        self._advance = steps.begin("reading", 0)

    def __call__(self, state: str, position: int, total: int) -> None:
        """Show one moment."""
        if state != self._state and total:
            self._advance = self._steps.begin(state, total)
            self._state, self._position = state, 0
        if position > self._position:
            self._advance(position - self._position)
            self._position = position


def _lines(done: "Imported") -> list[str]:
    told = [f"{done.state}: {done.rows} rows ({done.read_as or 'not read'})"]
    told.append(f"{done.new} new, {done.changed} changed, {done.unchanged} unchanged, {done.refused} refused")
    if done.failure:
        told.append(f"{done.failure}: {done.failure_detail}")
    told += [f"row {one.row}, {one.column}: {one.value!r}: {one.detail} ({one.code})" for one in done.errors]
    if done.errors_file:
        told.append(f"all that is wrong stands in {done.errors_file}")
    return told
