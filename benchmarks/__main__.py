"""Measure the budgets of the design as ratios within one run: all of them, or those that are named.

`python -m benchmarks [NAME…] [--quick] [--json]`
"""

import argparse
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import monotonic
from types import MappingProxyType

import uvloop
from rich.console import Console

from benchmarks import (
    broadcasts,
    deliveries,
    history,
    http,
    imports,
    numbering,
    pipeline,
    registry,
    report,
    running,
    streams,
    taking,
)
from benchmarks.figures import Row
from benchmarks.stage import Stage, staged
from shared.telemetry import configure_logging

Benchmark = Callable[[Stage], Coroutine[None, None, list[Row]]]

BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "memory": running.memory,  # before there is anything to catch up with: what is measured is rest
        "latency": http.latency,  # first: nothing else waits to be told yet
        "posts": http.posts,
        "bulk": http.bulk,
        "pipeline": pipeline.rows,
        "streams": streams.rows,
        "taking": taking.rows,
        "numbering": numbering.rows,
        "history": history.rows,
        "registry": registry.rows,
        "imports": imports.rows,
        "broadcasts": broadcasts.rows,
        "deliveries": deliveries.rows,
        "start": running.start,
    }
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when everything was measured in full, write down."""
    asked = _asked(arguments)
    console, began = Console(highlight=False, stderr=True), monotonic()
    machine = report.machine()
    found: dict[str, list[Row]] = {}
    with staged() as settings:

        def say(line: str) -> None:
            console.print(f"{monotonic() - began:6.1f} s  {line}", markup=False)

        configure_logging("info", settings.home / "bench.log")  # a line for each event is part of what is measured
        stage = Stage(settings, say, quick=asked.quick)
        machine |= uvloop.run(report.servers(stage))
        for name in asked.names or BENCHMARKS:
            say(name)
            found[name] = uvloop.run(BENCHMARKS[name](stage))
    sys.stdout.write(report.as_json(machine, found) if asked.json else report.table(found))
    if not (asked.names or asked.quick):
        report.write(machine, found, monotonic() - began)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="see that everything runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="give the figures to a program")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if name not in BENCHMARKS]:
        parser.error(f"{unknown[0]} is not one of {', '.join(BENCHMARKS)}")
    return asked


if __name__ == "__main__":
    main()
