"""The report: a table for people, the same for programs, and the machine on which it was made."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.figures import Row, shown
from benchmarks.stage import Stage
from shared.stream import connect

FILE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PACKAGES = ("faststream", "redis", "hiredis", "asyncpg", "sqlalchemy", "msgspec", "litestar", "granian", "uvloop")

Machine = dict[str, str]
Found = Mapping[str, Sequence[Row]]


def machine() -> Machine:
    """Describe the machine without naming it, as it is before anything is measured."""
    return {
        "Day": f"{datetime.now(UTC).date()}",
        "Cores": str(os.cpu_count()),
        "Load at the start": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


async def servers(stage: Stage) -> Machine:
    """Name the versions of the servers that are measured."""
    engine, redis = create_async_engine(str(stage.settings.database_url)), connect(stage.redis_url)
    try:
        async with engine.connect() as connection:
            postgresql = str((await connection.execute(text("SHOW server_version"))).scalar_one())
        told = await redis.info("server")
    finally:
        await engine.dispose()
        await redis.aclose()
    name = "valkey_version" if "valkey_version" in told else "redis_version"
    return {"PostgreSQL": postgresql.split(maxsplit=1)[0], name.removesuffix("_version").capitalize(): str(told[name])}


def table(found: Found) -> str:
    """Give the rows as people read them."""
    lines = ["| What | Median (spread) | Against | Ratio (spread) | Budget | Met |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {_spread(row.figures, row.unit)} | {_against(row)} |"
        f" {_spread(row.ratios, 'times') if row.others else ''} | {_budget(row)} |"
        f" {'' if row.met is None else 'yes' if row.met else '**no**'} |"
        for rows in found.values()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def as_json(machine: Machine, found: Found) -> str:
    """Give the rows of each benchmark as programs read them, in one line."""
    told = {name: [_told(row) for row in rows] for name, rows in found.items()}
    return msgspec.json.encode({"machine": machine, "benchmarks": told}).decode() + "\n"


def _told(row: Row) -> dict[str, object]:
    return {**msgspec.to_builtins(row), "figure": row.figure, "ratio": row.ratio, "met": row.met}


def write(machine: Machine, found: Found, seconds: float) -> None:
    """Keep the report of a full run."""
    about = "\n".join(f"* {name}: {value}" for name, value in machine.items())
    FILE.write_text(HEADER.format(minutes=seconds / 60) + table(found) + FOOTER.format(about=about))


def _spread(figures: Sequence[float], unit: str) -> str:
    middle = sorted(figures)[len(figures) // 2]
    return f"{shown(middle)} {unit} ({shown(min(figures))} to {shown(max(figures))})".replace(" /s", "/s")


def _against(row: Row) -> str:
    return f"{row.against}: {_spread(row.others, row.unit)}" if row.others else ""


def _budget(row: Row) -> str:
    return "; ".join(
        f"{'≤' if budget.most else '≥'} {shown(budget.limit)} {'times' if budget.ratio else row.unit}".replace(
            " /s", "/s"
        )
        for budget in row.budgets
    )


HEADER = """# Figures

Made by `make bench` in {minutes:.0f} minutes: client and servers on the same cores, embedded PostgreSQL and Valkey on
local sockets. Whatever is compared is taken in turns, A B A B, and its ratio is the median of the ratios of the turns:
machines differ and are shared, so compare the ratios, not the absolute figures.

"""
FOOTER = """
The reference loop is `benchmarks/by_hand.py`. `python -m benchmarks NAME…` measures some, `--quick` shows that they
run, and `--json` gives the figures to a program.

{about}
"""
