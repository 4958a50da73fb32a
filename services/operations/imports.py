"""Importing businesses, or the answers to a wave, from a file of this machine, by the same steps as over HTTP.

The file is taken in and looked through, and carried out when that is asked; whoever breaks it off and begins again does
nothing twice, and what was begun is finished by the service that runs.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from services.registration.imports import handlers, store
from services.registration.imports.domain import WORKING, Mode, State
from services.registration.imports.importer import Importer
from services.registration.imports.store import ImportRow
from services.registration.imports.tables import FILE_BYTES_MAX
from shared.caller import Caller, Role
from shared.database import Database
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.problems import Absent

REGISTRATION: Final = "registration"
LOOK_SECONDS: Final = 0.2
ERRORS_SHOWN: Final = 20

Seen = Callable[[str, int, int], None]
"""Is told the state, how many rows are looked at, and of how many."""


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a cell."""

    row: int
    column: str
    value: str
    code: str
    detail: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file, and the first things that are wrong in it."""

    id: UUID
    state: str
    read_as: str | None
    rows: int
    new: int
    changed: int
    unchanged: int
    refused: int
    to_compare: int
    failure: str | None
    failure_detail: str | None
    errors: list[Error]
    errors_file: str | None


def content_of(path: Path) -> bytes:
    """Read the file; raises NotPossible for one that cannot be read, or is too long."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise NotPossible(f"{path} has more than {FILE_BYTES_MAX} bytes: send it in parts")
        return path.read_bytes()
    except OSError as error:
        raise NotPossible(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def registration(there: Installation) -> Iterator[Database]:
    """Give the store of registration with its keys."""
    settings = there.settings
    keys = KeyStore(settings.home)
    yield Database(
        settings.database_urls[REGISTRATION],
        REGISTRATION,
        partitions=settings.partitions,
        clock=there.clock,
        connections_max=4,
        vault=Vault(keys.master, keys.personal),
    )


async def carry_out(
    there: Installation,
    path: Path,
    caller: tuple[str, Sequence[str]],
    mode: Mode | None,
    seen: Seen,
    survey_id: UUID | None = None,
) -> Imported:
    """Import a file as an operator of these regions; without a mode it is only looked through.

    With a `survey_id` the rows are answers to that wave, else businesses.

    Raises: NotPossible for a file that cannot be read, or no such wave; FileRefused and TooManyImports as over HTTP
    """
    subject, regions = caller
    asks = Caller(subject, Role.OPERATOR, tuple(regions))
    content = content_of(path)
    with registration(there) as database:
        try:
            job = await _taken_in(database, asks, path.name[:200], content, survey_id)
            job = await _worked_off(database, asks, job.id, seen)
            wanted = job.state == State.PREVIEWED and mode is not None
            if wanted and mode is not None and not (mode is Mode.ALL_OR_NOTHING and job.refused):
                await database.run(asks, lambda work: handlers.start(work, job.id, mode))
                job = await _worked_off(database, asks, job.id, seen)
            return await _told(database, asks, job, path)
        finally:
            await database.close()


async def _taken_in(database: Database, asks: Caller, name: str, content: bytes, survey_id: UUID | None) -> ImportRow:
    try:
        return await database.run(asks, lambda work: handlers.upload(work, name, content, survey_id))
    except Absent as fault:
        where = ", ".join(asks.regions)
        raise NotPossible(f"there is no wave {survey_id} in {where}: GET /registration/surveys lists them") from fault


async def _worked_off(database: Database, asks: Caller, import_id: UUID, seen: Seen) -> ImportRow:
    """Work on the import here, unless a service that runs was faster, and wait until somebody must be asked."""
    worker = Importer(database)
    working = asyncio.create_task(worker.step(import_id))
    try:
        while True:
            async with database.reading(asks) as work:
                job = await handlers.one(work, import_id)
            seen(job.state, job.position, job.rows_total)
            if working.done():
                working.result()
                if job.state not in WORKING:
                    return job
                working = asyncio.create_task(worker.step(import_id))  # whoever had it may have died over it
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await worker.release()


async def _told(database: Database, asks: Caller, job: ImportRow, path: Path) -> Imported:
    errors_file = None
    async with database.reading(asks) as work:
        found = await store.findings(work.session, job.id, 0, ERRORS_SHOWN)
        if job.refused and job.layout is not None:
            content = (await handlers.file(work, job.id)).body
            errors_file = path.with_name(f"{path.stem}.errors.{job.kind}")
            await asyncio.to_thread(errors_file.write_bytes, content)
            errors_file.chmod(0o600)  # it holds people's numbers
    return Imported(
        id=job.id,
        state=job.state,
        read_as=job.read_as,
        rows=job.rows_total,
        new=job.new,
        changed=job.changed,
        unchanged=job.unchanged,
        refused=job.refused,
        to_compare=job.to_compare,
        failure=job.failure,
        failure_detail=job.failure_detail,
        errors=[
            Error(row=one.row, column=one.heading, value=one.value, code=one.code, detail=one.detail)
            for one in found
            if one.refuses
        ],
        errors_file=None if errors_file is None else str(errors_file),
    )
