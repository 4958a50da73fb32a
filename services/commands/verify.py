"""`serumpun verify`: is everything that was recorded there, once, and where it belongs."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, Exit

WAIT_SECONDS = 10.0


def verify(
    wait: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds that events under way are given to arrive.")
    ] = WAIT_SECONDS,
    heads: Annotated[
        Path | None,
        typer.Option(help="An answer of GET /aid/chain that was kept outside, to be held against the chains."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that every event had its effect exactly once, and every balance equals its lines, and no chain is broken.

    It looks at the three databases and Redis, also while everything is running, and changes nothing. Exit code 0: all
    is whole; 1: something is wrong, with the command that cures it; 3: a server is away.
    """
    from services.operations import chain_checks, verification
    from services.operations.findings import Verdict
    from services.operations.installation import opened

    async def check(steps: terminal.Steps) -> Verdict:
        kept = chain_checks.kept_heads(heads) if heads else []
        async with opened(terminal.settings()) as there:
            return await verification.verify(there, wait, steps, kept)

    with terminal.progress(as_json=as_json) as steps:
        verdict = terminal.run(check(steps))
    looked = ", ".join(f"{count} {what}" for what, count in verdict.checked.items())
    lines = [line for finding in verdict.findings for line in terminal.finding_lines(finding)]
    end = f"whole: {looked}" if verdict.whole else f"something is wrong; looked at {looked}"
    terminal.answer(verdict, [*lines, end], as_json=as_json)
    raise typer.Exit(Exit.WELL if verdict.whole else Exit.WRONG)
