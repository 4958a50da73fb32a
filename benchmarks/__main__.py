"""Run every benchmark, print the figures and keep them in docs/benchmarks.md."""

import asyncio
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks import latency, posts, stage

REPETITIONS = 5
REPORT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
console = Console(highlight=False)


def main() -> None:
    """Measure, print and write down."""
    with stage.staged() as settings:
        waits = sorted(asyncio.run(latency.measure(settings)))  # first: nothing else waits to be told yet
        console.print(f"post to inbox  p50 {waits[len(waits) // 2]:.0f} ms")
        rates: dict[str, list[float]] = {"together": [], "alone": []}
        for repetition in range(1, REPETITIONS + 1):
            for mode, found in rates.items():  # in turns, so that a noisy minute is noisy for both
                outcome = asyncio.run(posts.measure(settings, mode))
                found.append(outcome.per_second)
                console.print(f"posts {mode:9} {repetition}/{REPETITIONS}  {outcome.per_second:7.0f}/s")
    lines = [
        _row(
            "Ledger posts, group commit",
            f"{median(rates['together']):.0f}/s ({_spread(rates['together'])})",
            "≥ 2,500/s",
        ),
        _row("Ledger posts, one transaction each", f"{median(rates['alone']):.0f}/s ({_spread(rates['alone'])})", ""),
        _row("Ratio", f"{median(rates['together']) / median(rates['alone']):.1f} times", "≥ 5 times"),
        _row("Post → inbox, p50", f"{waits[len(waits) // 2]:.0f} ms", "≤ 50 ms"),
        _row("Post → inbox, p99", f"{waits[int(len(waits) * 0.99)]:.0f} ms", "≤ 250 ms"),
    ]
    report = "\n".join(["| What | Measured | Budget |", "|---|---|---|", *lines])
    console.print(report, markup=False)
    REPORT.write_text(HEADER.format(machine=_machine(), day=datetime.now(UTC).date()) + report + "\n")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(rates: Sequence[float]) -> str:
    return f"{min(rates):.0f} to {max(rates):.0f}"


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


HEADER = """# Figures

Made by `make bench` on {day}: {machine}; embedded PostgreSQL and Valkey, client and servers on the same cores.
Machines differ and are shared: compare the ratios, not the absolute figures. Medians of five runs, in turns.

"""

if __name__ == "__main__":
    main()
