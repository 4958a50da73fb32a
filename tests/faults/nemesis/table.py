"""What a person is told of a run: a short table, and how to repeat it when something was wrong."""

from rich.console import Console
from rich.table import Table

from tests.faults.nemesis.history import Outcome
from tests.faults.nemesis.run import Report

FINDINGS_SHOWN = 20


def show(report: Report, console: Console) -> None:
    """Print what a run came to."""
    table = Table(title=f"seed {report.seed}", show_header=False, title_justify="left")
    for name, value in rows(report):
        table.add_row(name, value)
    console.print(table)
    for one in report.findings.all[:FINDINGS_SHOWN]:
        console.print(f"WRONG  {one}", markup=False)
    if len(report.findings.all) > FINDINGS_SHOWN:
        console.print(f"and {len(report.findings.all) - FINDINGS_SHOWN} more")


def rows(report: Report) -> list[tuple[str, str]]:
    """Give the lines of the table."""
    counted, findings = report.history.counted(), report.findings
    kinds = sorted(report.faults.items())
    return [
        ("operations", f"{len(report.history.operations)} in {report.seconds:.0f} s"),
        *((f"  {outcome}", str(counted[outcome])) for outcome in Outcome),
        ("  in doubt when the faults ended, and settled", str(report.in_doubt)),
        ("  answers that said: come again later", str(sum(report.history.refused_for_now.values()))),
        ("  lost by restores, and sent again", str(report.recalled)),
        ("  answered ones sent again, same answer", str(report.asked_again)),
        ("faults", str(sum(report.faults.values()))),
        *((f"  {kind}", str(count)) for kind, count in kinds),
        ("parts started again", str(report.restarts)),
        ("drained in", f"{report.drain_seconds:.1f} s"),
        ("lost", str(len(findings.lost))),
        ("doubled", str(len(findings.doubled))),
        ("disordered", str(len(findings.disordered))),
        ("parked, all as they must be" if not findings.misparked else "parked", str(findings.parked)),
        ("parked wrongly", str(len(findings.misparked))),
        ("books or answers untrue", str(len(findings.untrue))),
        ("not arrived", str(len(findings.behind))),
    ]


def verdict(report: Report, command: str) -> str:
    """Say in a few lines what was wrong, and the command that does it again; empty when nothing was."""
    wrong = report.findings.all
    if not wrong:
        return ""
    return "\n".join([f"seed {report.seed}: {len(wrong)} findings; again: {command}", *wrong[:FINDINGS_SHOWN]])
