"""Effects and position in one transaction: what makes every event take effect once in a service's own database.

The position of a partition is a row. It is locked first, raised last, and committed with the effects between; so
a crash undoes both or neither, and a second copy of the consumer waits, sees the position and skips.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, SmallInteger, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import parking
from shared.caller import Caller, Role
from shared.contracts import EVENTS
from shared.contracts.envelope import Envelope
from shared.crashpoints import reach
from shared.database import CLOSED, LOCK_NOT_FREE, Database, Work, sqlstate
from shared.reaction import Heard, NotYet, Reaction, Reactions
from shared.stream import LOST, Unreadable
from shared.telemetry import EVENTS_HANDLED, log, trace_id

QUICK_RETRIES: Final = 2
QUICK_PAUSE_SECONDS: Final = 0.05
HANDLED: Final = "handled"
STORE_AWAY: Final = ("08", "53", "57P", "40", LOCK_NOT_FREE, *CLOSED)
"""SQLSTATEs that say nothing about the event: no connection, resources, shutdown, collision, lock not free, closed."""


class CheckpointRow(SQLModel, table=True):
    """How far this service has come in one partition of one source."""

    __tablename__ = "checkpoint"
    __table_args__ = (CheckConstraint("last_seq >= 0", name="checkpoint_last_seq_not_negative"),)

    source: str = Field(primary_key=True)
    partition: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    last_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


@dataclass(frozen=True, slots=True)
class Arrived:
    """One number of a partition and what came with it.

    Shape: `envelope` is None when the entry is not an event; `raw` and `fault` then say what stood there and why
    """

    seq: int
    envelope: Envelope | None
    raw: bytes = b""
    fault: str = ""


class Gap(Exception):
    """The next event to come does not follow the position: those between must be fetched from the source's feed."""

    def __init__(self, position: int, found: int) -> None:
        """Name the position and the number that came instead of the next one."""
        super().__init__(f"after {position} came {found}")
        self.position = position
        self.found = found


class HandlerFailed(Exception):
    """A handler raised something of its own; the cause is what it raised."""

    def __init__(self, cause: Exception) -> None:
        """Keep the cause."""
        super().__init__(type(cause).__name__)
        self.cause = cause


class UnknownType(Unreadable):
    """An event of a type that this version does not know, which a newer one may."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event, as its line in the log says."""

    envelope: Envelope
    word: str


class Effects:
    """Bring about the effects of events in one service's database."""

    def __init__(self, service: str, database: Database, reactions: Sequence[Reaction]):
        """Take the service's table of events and handlers."""
        self._service = service
        self._database = database
        self._caller = Caller(subject=service, role=Role.SERVICE, regions=())
        self._reactions = Reactions(reactions)

    async def position(self, source: str, partition: int) -> int:
        """Give how far the service has come in a partition."""
        async with self._database.work(self._caller) as work:
            return await _locked(work.session, source, partition)

    async def positions(self) -> dict[tuple[str, int], int]:
        """Give how far the service has come, by source and partition; nothing for those that it has not begun."""
        async with self._database.reading(self._caller) as work:
            rows = await work.session.execute(text("SELECT source, partition, last_seq FROM checkpoint"))
            return {(source, partition): position for source, partition, position in rows}

    async def start_at(self, source: str, partition: int, position: int) -> None:
        """Let a consumer that has seen nothing begin later, where the history before is not kept any more."""
        async with self._database.work(self._caller) as work:
            if await _locked(work.session, source, partition) == 0:
                await _advance(work.session, source, partition, position)
        log.warning("consumer begins late", service=self._service, source=source, partition=partition, seq=position)

    async def take(self, source: str, partition: int, arrived: Sequence[Arrived]) -> int:
        """Bring about the effects of events up to the first that is missing; gives the position after them.

        Raises: Gap when the first of them does not follow the position; whatever the store raises while it is away.
                Nothing is parked then, and the same events can be given again.
        """
        if len(arrived) > 1:
            try:
                return await self._together(source, partition, arrived)
            except Gap:
                raise
            except Exception as error:  # noqa: BLE001  whichever event it was, alone it will show
                log.info("batch goes one by one", source=source, partition=partition, error=parking.told(_cause(error)))
        position = 0
        for event in arrived:
            position = await self._alone(source, partition, event)
        return position

    async def _together(self, source: str, partition: int, arrived: Sequence[Arrived]) -> int:
        outcomes: list[Outcome] = []
        async with self._database.work(self._caller) as work:
            position = await _locked(work.session, source, partition)
            fresh = [event for event in arrived if event.seq > position]
            if not fresh:
                return position
            if fresh[0].seq != position + 1:
                raise Gap(position, fresh[0].seq)
            # What stands before a hole is taken, so that the hole is the next thing to be met.
            fresh = [event for event, seq in zip(fresh, count(position + 1), strict=False) if event.seq == seq]
            # Asked after the lock is held: in one statement with it, this would be as old as the wait for the lock.
            waiting = await parking.waiting_subjects(work.session, source, partition)
            for event in fresh:
                if event.envelope is None:
                    fault = parking.unreadable(source, partition, event.seq, event.raw, event.fault, work.now)
                    work.session.add(fault)
                    log.error("event unreadable", source=source, partition=partition, seq=event.seq, fault=event.fault)
                else:
                    outcomes.append(Outcome(event.envelope, self._settle(work, event.envelope, waiting)))
                position = event.seq
            for run in self._reactions.runs(one.envelope for one in outcomes if one.word == HANDLED):
                await self._react(work, run)
            await _advance(work.session, source, partition, position)
            kinds = [one.envelope.type for one in outcomes]
            reach("consumer.before_commit", *kinds)
        reach("consumer.after_commit", *kinds)
        self._leave_lines(source, outcomes)
        return position

    def _settle(self, work: Work, envelope: Envelope, waiting: set[str]) -> str:
        """Say what is to become of an event, and park it if it has to wait."""
        if envelope.type == LOST:
            return "lost"
        if envelope.type in EVENTS and envelope.type not in self._reactions:
            return "ignored"
        if envelope.subject in waiting:
            work.session.add(parking.parked(envelope, work.now, None))
            return "behind"
        if envelope.type not in self._reactions:
            work.session.add(parking.parked(envelope, work.now, _unknown(envelope)))
            waiting.add(envelope.subject)
            return "parked"
        return HANDLED

    async def _react(self, work: Work, run: Sequence[Envelope]) -> None:
        if not (reactions := self._reactions.of(run[0].type)):
            raise _unknown(run[0])
        heard = [Heard(envelope.data, _caller_of(envelope)) for envelope in run]
        for reaction in reactions:
            work.caller = self._caller
            try:
                await reaction.run(work, heard)
            except (NotYet, DBAPIError):
                raise
            except Exception as error:
                raise HandlerFailed(error) from error
            reach("consumer.after_reaction", f"{reaction.name}/{reaction.event.type}")

    async def _alone(self, source: str, partition: int, event: Arrived) -> int:
        """Bring about one event by itself, and park it when it fails again and again."""
        failure: Exception = AssertionError("unreachable: the first attempt succeeds or fails")
        for attempt in range(QUICK_RETRIES + 1):
            if attempt:
                await asyncio.sleep(QUICK_PAUSE_SECONDS * attempt)
            try:
                return await self._together(source, partition, [event])
            except Gap:
                raise
            except Exception as error:
                if store_is_away(error):
                    raise
                failure = _cause(error)
            if isinstance(failure, NotYet):
                break
        return await self._park(source, partition, event, failure)

    async def _park(self, source: str, partition: int, event: Arrived, failure: Exception) -> int:
        envelope = event.envelope
        if envelope is None:
            raise failure  # no handler saw it, so it was the store
        async with self._database.work(self._caller) as work:
            position = await _locked(work.session, source, partition)
            if event.seq <= position:
                return position
            if event.seq != position + 1:
                raise Gap(position, event.seq)
            work.session.add(parking.parked(envelope, work.now, failure))
            await _advance(work.session, source, partition, event.seq)
            reach("parking.before_commit", envelope.type)
        reach("parking.after_commit", envelope.type)
        self._leave_lines(source, [Outcome(envelope, "parked")], parking.told(failure))
        return event.seq

    async def retry_due(self) -> int:
        """Try every parked event whose turn it is; gives how many went through."""
        async with self._database.reading(self._caller) as work:
            due = await parking.due(work.session, work.now)
        done = 0
        for row in due:
            while await self._retry(row.source, row.partition, row.subject):
                done += 1
        return done

    async def _retry(self, source: str, partition: int, subject: str) -> bool:
        """Run the first parked event of a subject when it is due; tells whether the next one may be."""
        try:
            async with self._database.work(self._caller) as work:
                await _locked(work.session, source, partition)
                row = await parking.first_of(work.session, source, partition, subject)
                if row is None or row.due_at is None or row.due_at > work.now:
                    return False
                envelope = row.envelope
                await self._react(work, [envelope])
                await parking.leave(work.session, row, work.now)
                reach("parking.before_retry_commit", envelope.type)
        except Exception as error:
            if store_is_away(error):
                raise
            await self._postpone(source, partition, subject, _cause(error))
            return False
        reach("parking.after_retry_commit", envelope.type)
        self._leave_lines(source, [Outcome(envelope, "handled late")])
        return True

    async def _postpone(self, source: str, partition: int, subject: str, failure: Exception) -> None:
        async with self._database.work(self._caller) as work:
            await _locked(work.session, source, partition)
            row = await parking.first_of(work.session, source, partition, subject)
            # Another copy may have been here while we were not holding the lock.
            if row is not None and row.due_at is not None and row.due_at <= work.now:
                parking.postpone(row, failure, work.now)
                reach("parking.before_postpone_commit", row.type)

    async def parked_counts(self) -> dict[parking.ParkedBecause, int]:
        """Count what is parked, by its reason."""
        async with self._database.reading(self._caller) as work:
            return await parking.counts(work.session)

    def _leave_lines(self, source: str, outcomes: Sequence[Outcome], error: str | None = None) -> None:
        """Leave one line for each event whose effects are now committed, or that was parked; never its content."""
        handled = sum(outcome.word.startswith("handled") for outcome in outcomes)
        EVENTS_HANDLED.labels(self._service, source).inc(handled)
        line = log.bind(service=self._service, source=source, **({"error": error} if error else {}))
        say = {"parked": line.warning, "ignored": line.debug}
        for outcome in outcomes:
            envelope = outcome.envelope
            say.get(outcome.word, line.info)(
                "event",
                outcome=outcome.word,
                event_id=str(envelope.id),
                type=envelope.type,
                subject=envelope.subject,
                partition=envelope.partition,
                seq=envelope.seq,
                trace_id=trace_id(envelope.traceparent),
                actor=envelope.actor,
                region=envelope.region,
            )


async def _locked(session: AsyncSession, source: str, partition: int) -> int:
    position = await parking.lock(session, source, partition)
    if position is None:
        await session.execute(
            text("INSERT INTO checkpoint (source, partition) VALUES (:source, :partition) ON CONFLICT DO NOTHING"),
            {"source": source, "partition": partition},
        )
        position = await parking.lock(session, source, partition)
    return position or 0


async def _advance(session: AsyncSession, source: str, partition: int, position: int) -> None:
    await session.execute(
        text("UPDATE checkpoint SET last_seq = :position WHERE source = :source AND partition = :partition"),
        {"source": source, "partition": partition, "position": position},
    )


def _caller_of(envelope: Envelope) -> Caller:
    return Caller(
        subject=envelope.actor,
        role=Role.SERVICE,
        regions=(envelope.region,) if envelope.region else (),
        traceparent=envelope.traceparent,
    )


def _cause(error: Exception) -> Exception:
    return error.cause if isinstance(error, HandlerFailed) else error


def _unknown(envelope: Envelope) -> Exception:
    if envelope.type in EVENTS:
        return UnknownType("this version does nothing about this type any more")
    return UnknownType("this version does not know the type")


def store_is_away(error: Exception) -> bool:
    """Tell a trouble of the store, which says nothing about the event, from one that the event brings about.

    A handler's own errors come as HandlerFailed, so a missing file that it looked for is not taken for an outage.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (sqlstate(error) or "").startswith(STORE_AWAY)
    return isinstance(error, OSError | TimeoutError | PoolTimeout)
