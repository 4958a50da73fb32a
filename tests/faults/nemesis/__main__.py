"""`python -m tests.faults.nemesis`: the long run, with progress as it goes and a table at its end."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from rich.console import Console

from tests.faults.nemesis.run import LONG, SHORT, Plan, Size, laid_out, run
from tests.faults.nemesis.table import show

SEEDS = Path(__file__).with_name("seeds.txt")
console = Console(highlight=False, soft_wrap=True)


def kept_seeds() -> list[int]:
    """Give every seed that has failed once; they are kept for good."""
    lines = (line.partition("#")[0].strip() for line in SEEDS.read_text().splitlines())
    return [int(line) for line in lines if line]


def command(seed: int, size: Size) -> str:
    """Give what does a run again."""
    return f"make faults SEED={seed}" + (" SHORT=1" if size is SHORT else "")


async def runs(seeds: Sequence[int], size: Size) -> int:
    """Do one run for each seed; gives how many were wrong."""
    begun = monotonic()

    def say(line: str) -> None:
        console.print(f"{monotonic() - begun:7.1f} s  {line}", markup=False)

    wrong = 0
    say(f"laying out servers, three services and the demo province; seeds {', '.join(map(str, seeds))}")
    async with laid_out() as plant:
        for seed in seeds:
            report = await run(plant, seed, size, Plan(), say)
            show(report, console)
            if report.findings.all:
                wrong += 1
                console.print(f"again: {command(seed, size)}   (and keep {seed} in {SEEDS.name})")
    return wrong


def main() -> None:
    """Take the seed, or draw one, and leave with 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", default="", help="a number, or `kept` for every seed that has failed once")
    parser.add_argument("--short", action="store_true", help="the form that is part of `make test`")
    chosen = parser.parse_args()
    if chosen.seed == "kept":
        seeds, size = kept_seeds(), SHORT
    else:
        seeds, size = [int(chosen.seed or secrets.randbelow(1_000_000))], SHORT if chosen.short else LONG
    sys.exit(1 if asyncio.run(runs(seeds, size)) else 0)


if __name__ == "__main__":
    main()
