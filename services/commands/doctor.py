"""`serumpun doctor`: the machine and the installation, and what helps where something is not well."""

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, Exit


def doctor(as_json: AsJson = False) -> None:
    """Look at the machine, the settings, the servers and the running services; each finding has its cure.

    Exit code 0: nothing is a fault; 1: something is; 3: a server does not answer.
    """
    from services.operations.diagnosis import diagnose
    from shared import settings

    faults = settings.faults()
    found = terminal.run(diagnose(None if faults else terminal.settings(), faults))
    lines = [line for finding in found.findings for line in terminal.finding_lines(finding)]
    terminal.answer(found, [*lines, "well" if found.well else "something is wrong"], as_json=as_json)
    raise typer.Exit(Exit.AWAY if found.servers_away else Exit.WELL if found.well else Exit.WRONG)
