"""Carrying one import out: read it, look it through, and write it, each batch with how far it is.

Two passes do the same, one without writing; so what was looked through is what is done, and what has changed between
is found. With good rows each batch is a transaction with its position: after a crash the next one goes on from there.
All or nothing is one transaction, begun anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from services.registration.businesses import bulk, bulk_store
from services.registration.businesses.told import Kind, Sees
from services.registration.imports import chunks, reading, store
from services.registration.imports.columns import Layout, Sheet
from services.registration.imports.domain import LEASE, Finding, Mode, Reader, ReadRow, State
from services.registration.imports.rows import Decided, Rows, rows_of, sheet_of
from services.registration.imports.store import ImportRow
from services.registration.imports.tables import FileRefused, TableRow
from shared.caller import Caller, Role
from shared.crashpoints import reach
from shared.database import ATTEMPTS_MAX, Database, Work, collided
from shared.privacy import PersonKey, Vault

Task = Callable[[], Awaitable["Outcome | None"]]
Understood = tuple[list[ReadRow], int]
"""The rows of a batch that say something, and how many rows it has."""

READ_AT_ONCE: Final = 4
"""How many batches are read from the file before they are stored."""


class Lost(Exception):
    """Somebody else works on the import by now, or it was called off."""


class Refusing(Exception):
    """All or nothing is asked for, and a row is refused."""


@dataclass(slots=True)
class Outcome:
    """What became of the rows of a batch."""

    rows: int
    decisions: Sequence[Decided]
    findings: list[Finding]

    def count(self, kind: Kind) -> int:
        """Count the rows of which this became; those of which only blanks were left change nothing."""
        passed_over = self.rows - len(self.decisions) if kind is Kind.UNCHANGED else 0
        return passed_over + sum(1 for one in self.decisions if one.kind is kind)


@dataclass(slots=True)
class Run:
    """One import in the hands of one worker."""

    database: Database
    worker: UUID
    job: ImportRow
    _reader: Reader | None = None
    _rows: Rows | None = None
    _ahead: tuple[int, asyncio.Task[Understood]] | None = None

    @property
    def caller(self) -> Caller:
        """Give the one who sent the file: what they may not do by hand the import may not do for them."""
        return Caller(self.job.subject, Role(self.job.role), tuple(self.job.regions))

    @property
    def _key(self) -> PersonKey:
        if self.database.vault is None or self.job.wrapped is None:
            raise LookupError("an import that was purged is taken up again")
        return chunks.key_of(self.database.vault, self.job.id, self.job.wrapped)

    async def carry_out(self) -> None:
        """Do what is to be done until somebody must be asked, or it is over; raises Lost when it is ours no more."""
        try:
            await self._steps()
        except FileRefused as refusal:
            await self.fail(refusal.reason, refusal.detail)
        finally:
            if self._ahead is not None:
                self._ahead[1].cancel()

    async def _steps(self) -> None:
        if self.job.state == State.IMPORTING:
            await self._prepare()
            await (self._all() if self.job.mode == Mode.ALL_OR_NOTHING else self._good_rows())
            return
        if self.job.layout is None:
            await self._read()
        await self._prepare()
        await self._look_through(State.PREVIEWED)

    async def fail(self, failure: str, detail: str) -> None:
        """Give the import up for a reason."""
        async with self._held() as (work, job):
            job.state, job.failure, job.failure_detail, job.ended_at = State.FAILED.value, failure, detail, work.now
            _let_go(job)

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[tuple[Work, ImportRow]]:
        """Change the job in a transaction, as long as it is ours; its version rises and its lease is renewed."""
        async with self.database.work(self.caller) as work:
            yield work, await self._ours(work)
        # What was read under the lock is what the next step goes on from.

    async def _ours(self, work: Work) -> ImportRow:
        job = await store.locked(work.session, self.job.id)
        if job is None or job.leased_by != self.worker:
            raise Lost
        job.version += 1
        job.leased_until = work.now + LEASE
        self.job = job
        return job

    # Reading

    async def _read(self) -> None:
        """Read the file and store its rows; a reading that was broken off is begun anew."""
        async with self._held() as (work, job):
            job.state, job.rows_total, job.position = State.PREVIEWING.value, 0, 0
            job.new = job.changed = job.unchanged = job.refused = 0
            await store.drop_chunks(work.session, job.id, chunks.ROWS)
        content = await self._content()
        sheet = sheet_of(self.job)
        table = await asyncio.to_thread(reading.read, content, sheet)
        layout, rows = await asyncio.to_thread(reading.layout_of, table, sheet)
        batches, no, total, key = chunks.batches(rows), 0, 0, self._key

        def sealed() -> tuple[list[bytes], int]:
            some = [batch for _, batch in zip(range(READ_AT_ONCE), batches, strict=False)]
            pieces = [chunks.sealed_rows(key, self.job.id, no + place, batch) for place, batch in enumerate(some)]
            return pieces, sum(map(len, some))

        while True:
            pieces, count = await asyncio.to_thread(sealed)
            if not pieces:
                break
            total += count
            async with self._held() as (work, job):
                await store.add_chunks(work.session, job.id, chunks.ROWS, no, pieces)
                job.rows_total = total
            no += len(pieces)
        if total == 0:
            raise FileRefused("no_rows", "There is nothing below the column names.")
        async with self._held() as (work, job):
            job.kind, job.read_as = table.kind, table.told
            job.layout = {
                "row": layout.row,
                "fields": {str(place): column.field for place, column in layout.places.items()},
                "headings": {str(place): heading for place, heading in layout.headings.items()},
                "ignored": list(layout.ignored),
                "separator": table.separator,
                "epoch_1904": table.epoch_1904,
            }
            await store.drop_chunks(work.session, job.id, chunks.FILE)

    async def _content(self) -> bytes:
        pieces: list[bytes] = []
        async with self.database.reading(self.caller) as work:
            while (sealed := await store.chunk(work.session, self.job.id, chunks.FILE, len(pieces))) is not None:
                pieces.append(chunks.opened(self._key, self.job.id, chunks.FILE, len(pieces), sealed))
        return b"".join(pieces)

    async def _prepare(self) -> None:
        """Make ready to understand rows."""
        kept = self.job.layout or {}
        async with self.database.reading(self.caller) as work:
            regions = await bulk_store.regions(work.session)
        sees = Sees({code: self.caller.sees(code) for code in regions})
        layout = layout_kept(kept, sheet_of(self.job))
        self._reader = Reader(layout, regions, epoch_1904=bool(kept.get("epoch_1904")))
        self._rows = rows_of(self.job, layout, sees)

    @property
    def _kind(self) -> Rows:
        assert self._rows is not None  # noqa: S101 - prepared before any batch
        return self._rows

    # Looking through

    async def _look_through(self, ends_as: State) -> None:
        async with self._held() as (work, job):
            job.position = job.new = job.changed = job.unchanged = job.refused = 0
            await store.drop_findings(work.session, job.id)
        no = 0
        while True:
            async with self.database.reading(self.caller) as work:
                outcome = await self._batch(work, no, lock=False)
            if outcome is None:
                break
            async with self._held() as (work, job):
                _add(job, outcome)
                await store.add_findings(work.session, job.id, outcome.findings)
            no += 1
        async with self._held() as (work, job):
            if ends_as is State.FAILED:
                job.failure, job.ended_at = "rows_refused", work.now
                job.failure_detail = "All or nothing was asked for, and there are rows that cannot be taken."
            job.state = ends_as.value
            _let_go(job)

    # Writing

    async def _good_rows(self) -> None:
        """Write batch by batch, each with its position; what an earlier worker has written is only looked at again."""
        no = passed = 0
        while True:
            done = passed < self.job.position
            if done:  # what stands twice in the file is known only to whoever has seen all of it
                async with self.database.reading(self.caller) as work:
                    outcome = await self._batch(work, no, lock=False)
            else:
                outcome = await self._again(lambda no=no: self._write_batch(no))  # type: ignore[misc]  # bound now
            if outcome is None:
                break
            passed += outcome.rows
            no += 1
        async with self._held() as (work, job):
            _end(job, work)

    async def _write_batch(self, no: int) -> Outcome | None:
        async with self.database.work(self.caller) as work:
            outcome = await self._batch(work, no, lock=True)
            if outcome is None:
                return None
            to_compare = await self._kind.write(work, outcome.decisions, self.job.id)
            job = await self._ours(work)
            _add(job, outcome)
            job.to_compare += to_compare
            await store.add_findings(work.session, job.id, outcome.findings)
            _written()
        _committed()
        return outcome

    async def _all(self) -> None:
        """Write everything in one transaction; with one row that is refused nothing stands, and all are told."""
        try:
            await self._again(self._write_all)
        except Refusing:
            self._kind.begin()
            await self._look_through(State.FAILED)

    async def _write_all(self) -> Outcome | None:
        self._kind.begin()
        async with self._held() as (work, job):
            job.position = job.new = job.changed = job.unchanged = job.refused = 0
            await store.drop_findings(work.session, job.id)
        no, to_compare, found = 0, 0, list[Finding]()
        async with self.database.work(self.caller) as work:
            while outcome := await self._batch(work, no, lock=True):
                if outcome.count(Kind.REFUSED):
                    raise Refusing
                to_compare += await self._kind.write(work, outcome.decisions, self.job.id)
                found += outcome.findings
                async with self._held() as (_, job):  # a transaction of its own: how far it is may be seen
                    _add(job, outcome)
                no += 1
            job = await self._ours(work)
            await store.add_findings(work.session, job.id, found)
            job.to_compare += to_compare
            _end(job, work)
            _written()
        _committed()
        return None

    async def _again(self, task: Task) -> Outcome | None:
        """Do something once more when it merely collided with others, or others were first with the same business."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await task()
            except bulk.Overtaken:
                if attempt == ATTEMPTS_MAX:
                    raise
            except DBAPIError as error:
                if attempt == ATTEMPTS_MAX or not collided(error):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    # One batch

    async def _batch(self, work: Work, no: int, *, lock: bool) -> Outcome | None:
        """Decide what becomes of the rows of one batch; None behind the last."""
        understood = await self._understanding(work, no)
        if understood is None:
            return None
        next_one = await self._begun(work, no + 1)
        self._ahead = (no + 1, next_one) if next_one else None
        read, rows = await understood
        decisions = await self._kind.decide(work, read, lock=lock)
        return Outcome(rows, decisions, [found for one in read for found in one.findings])

    async def _understanding(self, work: Work, no: int) -> asyncio.Task[Understood] | None:
        """Give the understanding of a batch, begun while the database was at the one before; each is used once."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == no:
            return ahead[1]
        if ahead:
            ahead[1].cancel()
        return await self._begun(work, no)

    async def _begun(self, work: Work, no: int) -> asyncio.Task[Understood] | None:
        sealed = await store.chunk(work.session, self.job.id, chunks.ROWS, no)
        if sealed is None:
            return None
        return asyncio.create_task(asyncio.to_thread(self._understood, work.vault, no, sealed))

    def _understood(self, vault: Vault, no: int, sealed: bytes) -> Understood:
        rows: list[TableRow] = chunks.opened_rows(self._key, self.job.id, no, sealed)
        assert self._reader is not None  # noqa: S101 - prepared before any batch
        read = [one for row in rows if (one := self._reader.read(row.number, row.cells)) is not None]
        for one in read:
            if nik := one.told.values.get("nik"):
                one.told.nik_indexes = vault.indexes(nik)
                one.told.nik_index = one.told.nik_indexes[0]
        return read, len(rows)


def _written() -> None:
    reach("import.before_commit")


def _committed() -> None:
    reach("import.after_commit")


def _add(job: ImportRow, outcome: Outcome) -> None:
    job.position += outcome.rows
    job.new += outcome.count(Kind.NEW)
    job.changed += outcome.count(Kind.CHANGED)
    job.unchanged += outcome.count(Kind.UNCHANGED)
    job.refused += outcome.count(Kind.REFUSED)


def _end(job: ImportRow, work: Work) -> None:
    job.state, job.ended_at = State.DONE.value, work.now
    _let_go(job)


def _let_go(job: ImportRow) -> None:
    job.leased_by = job.leased_until = None


def layout_kept(kept: dict[str, object], sheet: Sheet) -> Layout:
    """Give the layout of a file as it was stored."""
    fields, headings, columns = kept.get("fields"), kept.get("headings"), sheet.by_field
    return Layout(
        row=int(str(kept.get("row", 1))),
        places={int(place): columns[name] for place, name in (fields if isinstance(fields, dict) else {}).items()},
        headings={int(place): str(one) for place, one in (headings if isinstance(headings, dict) else {}).items()},
        ignored=(),
        twice=(),
    )
