"""A workbook of 50,000 businesses: looked through and taken, every row checked and matched; then the same once more."""

import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import uvloop
import xlsxwriter

from benchmarks.figures import Budget, Row
from benchmarks.stage import PARTITIONS, Stage, database
from services.registration.businesses.handlers import load_regions
from services.registration.imports import handlers, store
from services.registration.imports.columns import COLUMNS
from services.registration.imports.domain import Mode, State
from services.registration.imports.importer import Importer
from services.serving import settle
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.database import Database
from shared.privacy import Vault
from shared.province import PROVINCES, read_province

ROWS = 50_000
KIBIBYTES_IN_MEBIBYTE = 1_024
OFFICE = Caller("staff-19", Role.PROVINCE_STAFF, ("19",))
MASTER = b"m" * 32


async def rows(stage: Stage) -> list[Row]:
    """Import a file of new businesses, and the same file again, in a process that does nothing else."""
    count = stage.scaled(ROWS)
    taken: dict[str, list[float]] = {"new": [], "again": [], "memory": []}
    with TemporaryDirectory(prefix="serumpun-bench-") as folder:
        path = Path(folder) / "businesses.xlsx"
        await asyncio.to_thread(_write, path, count)
        for repetition in range(1 if stage.quick else 3):
            async with database(stage, f"imports_{repetition}", migrated="registration") as fresh:
                async with fresh.work(OFFICE) as work:
                    await load_regions(work, read_province(PROVINCES / "19-kepulauan-bangka-belitung").regions)
                new, again, memory = await asyncio.to_thread(_measured, fresh.url, path)
            for name, figure in zip(taken, (new, again, memory), strict=True):
                taken[name].append(figure)
            stage.say(f"  {count} businesses: {new:.1f} s, again {again:.1f} s, {memory:.0f} MiB")
    return [
        Row(what=f"Import of {count:,} new businesses from XLSX, looked through first", unit="s", figures=taken["new"],
            budgets=(Budget(30, most=True),)),
        Row(what="The same file again: all of it known and unchanged", unit="s", figures=taken["again"]),
        Row(what="The most memory that the process held, resident", unit="MiB", figures=taken["memory"],
            budgets=(Budget(300, most=True),)),
    ]  # fmt: skip


def _measured(url: str, path: Path) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "benchmarks.imports", str(path)]
    done = subprocess.run(  # noqa: S603 - our own module
        command, env=os.environ | {"IMPORTS_URL": url}, capture_output=True, check=True, text=True
    )
    new, again, memory = map(float, done.stdout.split()[-3:])
    return new, again, memory


def _write(path: Path, count: int) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Usaha")
        sheet.write_row(0, 0, [column.heading for column in COLUMNS])
        for number in range(1, count + 1):
            for place, column in enumerate(COLUMNS):
                cell = _row(number).get(column.field)
                if isinstance(cell, int):
                    sheet.write_number(number, place, cell)
                elif cell:
                    sheet.write_string(number, place, cell)


def _row(number: int) -> dict[str, str | int]:
    place, day, month, year = number % 99 + 1, number % 28 + 1, number % 12 + 1, number % 90
    return {
        "name": f"Usaha {number}",
        "sector": "garment",
        "region": "19.71",
        "kbli": "14111",
        "kbli_edition": 2020,
        "nib": f"{number:013d}",
        "workers": number % 30,
        "investment_rupiah": 40_000_000 + number,
        "annual_sales_rupiah": 200_000_000 + number,
        "annual_sales_on": 44_074,
        "address": f"Jalan {number}",
        "document": f"D/{number}",
        "owner_name": f"Siti {number}",
        "nik": f"1971{place:02d}{day:02d}{month:02d}{year:02d}{number % 9_999 + 1:04d}",
        "phone": f"0812{number:08d}",
        "email": f"s{number}@contoh.example",
        "language": "id",
    }


async def _alone(url: str, path: Path) -> None:
    """Import the file twice; prints the seconds of each and the MiB that were held at most."""
    settle()  # as the service does that works imports off
    opened = Database(url, "registration", partitions=PARTITIONS, clock=Clock(), vault=Vault(MASTER))
    content = await asyncio.to_thread(path.read_bytes)
    seconds = []
    for _ in range(2):
        began = perf_counter()
        job = await opened.run(OFFICE, lambda work: handlers.upload(work, "businesses.xlsx", content))
        await Importer(opened).step()
        await opened.run(OFFICE, lambda work, job=job: handlers.start(work, job.id, Mode.GOOD_ROWS))  # type: ignore[misc]
        await Importer(opened).step()
        seconds.append(perf_counter() - began)
        async with opened.reading(OFFICE) as work:
            found = await store.find(work.session, job.id)
        if found is None or found.state != State.DONE or found.refused:
            raise RuntimeError(f"the import ended as {found and found.state}")
    await opened.close()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES_IN_MEBIBYTE
    sys.stdout.write(f"{seconds[0]} {seconds[1]} {held}\n")


if __name__ == "__main__":
    uvloop.run(_alone(os.environ["IMPORTS_URL"], Path(sys.argv[1])))
