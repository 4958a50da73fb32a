"""`serumpun demo`: a month of aid in the demo province."""

from typing import TYPE_CHECKING

import typer

from services.commands import terminal
from shared.clock import shown
from shared.settings import Settings

if TYPE_CHECKING:
    from services.operations.month.carrying import Month


def demo(settings: Settings, *, as_json: bool) -> None:
    """Tell the month, on servers that run or are started for it, and say what was new of it."""
    from services import startup
    from services.operations.month import allowing, carrying

    def report(line: str) -> None:
        typer.echo(line, err=True)

    async def tell(there: Settings) -> "Month":
        await allowing.check(there)
        ready = await startup.prepare(there, report)
        report("the offices go about their month")
        return await carrying.carry_out(ready, report)

    with startup.servers_anywhere(settings, report) as there:
        month = terminal.run(tell(there))
    begun = f"{shown(month.begun_at):%d %b %Y}"
    said = f"{month.acts} acts of the month to {begun} are new" if month.acts else f"the month to {begun} is there"
    terminal.answer(month, [f"{said}; see `serumpun verify`"], as_json=as_json)
