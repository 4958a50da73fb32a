"""What an operator does for a person by command: a copy of everything, a restriction and its end, an erasure."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.aid_distribution.copies import TABLES as AID_TABLES
from services.notifications.copies import TABLES as NOTIFICATIONS_TABLES
from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from services.registration.people import copies, rights
from shared.caller import Caller, Role
from shared.clock import shown
from shared.database import Database, Work
from shared.keys import KeyStore
from shared.person_copy import Rows, TooMuch, copied, readable
from shared.privacy import Vault
from shared.retention import STREAM_KEPT

REGISTRATION, AID, NOTIFICATIONS = "registration", "aid_distribution", "notifications"
OWNER = text("SELECT region, erased_at FROM owner WHERE id = :owner_id")
CELL_LENGTH_MAX = 32_767
"""What one cell of a spreadsheet can hold."""


class PersonCopy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a person, by service and table, as of a moment."""

    owner_id: UUID
    at: str
    services: dict[str, dict[str, Rows]]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was, or would be, done for a person: rows by table in registration; the others follow by event."""

    act: str
    counts: dict[str, int]
    done: bool
    streams_kept_days: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Who carries it out, and why; both are kept on record."""

    by: str
    reason: str


class _OnlyLooking(Exception):
    """Ends a transaction that was only to show what it would do."""


async def export(there: Installation, owner_id: UUID, asked: Asked) -> PersonCopy:
    """Give everything that the three services keep about a person, and leave a record that it was given.

    Raises: NotPossible for somebody unknown, or erased
    """
    async with registration(there) as database, there.reading(REGISTRATION) as session:
        region = await _region(there, owner_id)
        vault = _vault(there)
        businesses = await copies.businesses_of(session, owner_id)
        try:
            told = {REGISTRATION: await copies.copy(session, vault, owner_id, businesses)}
            for service, tables in ((AID, AID_TABLES), (NOTIFICATIONS, NOTIFICATIONS_TABLES)):
                async with there.reading(service) as other:
                    rows = await copied(other, tables, owner_id, businesses)
                    told[service] = {table: readable(each) for table, each in rows.items()}
        except TooMuch as fault:
            raise NotPossible(str(fault)) from fault
        counts = {table: len(rows) for tables in told.values() for table, rows in tables.items()}
        async with database.work(caller(asked.by, region)) as work:
            await rights.note(work, "export", asked.reason, counts, owner_id)
        return PersonCopy(owner_id=owner_id, at=shown(there.clock.now()).isoformat("T", "seconds"), services=told)


def written(copy: PersonCopy, path: Path) -> None:
    """Write a copy as a workbook with a sheet for each table (.xlsx) or as JSON; raises NotPossible."""
    content = _workbook(copy) if path.suffix == ".xlsx" else msgspec.json.format(msgspec.json.encode(copy), indent=2)
    try:
        with path.open("xb") as file:  # never over something else
            path.chmod(0o600)
            file.write(content)
    except OSError as fault:
        raise NotPossible(f"{path} cannot be written: {fault.strerror or fault}") from fault


def _workbook(copy: PersonCopy) -> bytes:
    import xlsxwriter  # noqa: PLC0415 - drawn in by whoever asks for a workbook

    buffer = BytesIO()
    never = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(buffer, never) as book:
        bold = book.add_format({"bold": True})
        for tables in copy.services.values():
            for table, rows in tables.items():
                sheet = book.add_worksheet(table[:31])
                for number, row in enumerate(rows, 1):
                    if number == 1:
                        sheet.write_row(0, 0, list(row), bold)
                    for column, value in enumerate(row.values()):
                        if value is not None:
                            sheet.write_string(number, column, _cell(value))
    return buffer.getvalue()


def _cell(value: Any) -> str:
    told = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
    return told[:CELL_LENGTH_MAX]


async def restrict(there: Installation, owner_id: UUID, asked: Asked, *, really: bool) -> Done:
    """Let a person's data only be stored; without `really` only what would be done is told."""
    task = partial(rights.restrict, owner_id=owner_id, reason=asked.reason)
    return await _carry_out(there, owner_id, "restrict", task, asked, really=really)


async def release(there: Installation, owner_id: UUID, asked: Asked, *, really: bool) -> Done:
    """Lift the restriction of a person's data."""
    task = partial(rights.release, owner_id=owner_id, reason=asked.reason)
    return await _carry_out(there, owner_id, "release", task, asked, really=really)


async def erase(there: Installation, owner_id: UUID, asked: Asked, *, really: bool) -> Done:
    """Erase a person; without `really` it is done and taken back, so that the counts are those of the act itself."""
    task = partial(rights.erase, owner_id=owner_id, reason=asked.reason)
    return await _carry_out(there, owner_id, "erase", task, asked, really=really)


async def _carry_out(
    there: Installation,
    owner_id: UUID,
    act: str,
    task: Callable[[Work], Awaitable[object]],
    asked: Asked,
    *,
    really: bool,
) -> Done:
    counts: dict[str, int] = {}
    region = await _region(there, owner_id)
    async with registration(there) as database:
        with suppress(_OnlyLooking):
            async with database.work(caller(asked.by, region)) as work:
                outcome = await task(work)
                if isinstance(outcome, rights.Erased):
                    counts = outcome.act.counts
                _keep(really=really)
    return Done(act=act, counts=counts, done=really, streams_kept_days=STREAM_KEPT.days)


def _keep(*, really: bool) -> None:
    if not really:
        raise _OnlyLooking


async def _region(there: Installation, owner_id: UUID) -> str:
    async with there.reading(REGISTRATION) as session:
        row = (await session.execute(OWNER, {"owner_id": owner_id})).one_or_none()
    if row is None:
        raise NotPossible(f"there is no owner {owner_id}")
    if row.erased_at is not None:
        raise NotPossible(f"owner {owner_id} was erased at {row.erased_at.isoformat('T', 'seconds')}")
    return str(row.region)


def caller(by: str, region: str = "") -> Caller:
    """Give the operator as somebody who sees one region, or none."""
    return Caller(by, Role.OPERATOR, (region,) if region else ())


def _vault(there: Installation) -> Vault:
    keys = KeyStore(there.settings.home)
    return Vault(keys.master, keys.personal)


@asynccontextmanager
async def registration(there: Installation) -> AsyncIterator[Database]:
    """Open the store of registration for orders that record events."""
    database = Database(
        there.settings.database_urls[REGISTRATION],
        REGISTRATION,
        partitions=there.settings.partitions,
        clock=there.clock,
        connections_max=1,
        vault=_vault(there),
    )
    try:
        yield database
    finally:
        await database.close()
