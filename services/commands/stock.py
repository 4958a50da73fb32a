"""`serumpun stock`: figures of the stock ledger that do not agree with its journal."""

from typing import TYPE_CHECKING

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, By, DryRun, Why, Yes

if TYPE_CHECKING:
    from services.operations.stock import Rebuilt

app = typer.Typer(help="The stock ledger: work balances out anew.", no_args_is_help=True)


@app.callback()
def stock() -> None:
    """Keep the commands of the ledger together, also while there is only one."""


@app.command()
def rebuild(reason: Why, dry_run: DryRun = False, yes: Yes = False, by: By = "", as_json: AsJson = False) -> None:
    """Work every balance and every day out anew from the lines of the journal.

    Postings wait meanwhile. It refuses when the journal itself does not hold what its events told.
    """
    from services.operations import stock as work
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Rebuilt":
        async with opened(terminal.settings(), [work.AID]) as there:
            actor = there.operator(by or terminal.login(), reason) if really else None
            return await work.rebuild(there, terminal.Steps(), actor)

    def told(one: "Rebuilt") -> list[str]:
        return [f"{one.wrong} cards and days did not agree with the journal" + (": mended" if one.done else "")]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)
