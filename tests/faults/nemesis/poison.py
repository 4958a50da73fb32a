"""Poison: events that no handler can take, with numbers like all others.

They are committed into a producer's outbox, as a producer with a defect would do it. Only so is poison as lasting as
any event: every consumer meets it at its number, also when Redis was wiped and is filled again. An entry that was only
put into a stream would be thrown out by the append script, or by the next wipe, and would prove nothing.
"""

from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

import asyncpg
import msgspec

from shared.contracts import EVENTS
from shared.outbox import partition_of
from shared.stream import TEXT_LENGTH_MAX
from tests.faults.nemesis.databases import Databases, name_of
from tests.faults.nemesis.history import History, Outcome
from tests.faults.nemesis.offices import Offices
from tests.waiting import wait_until

BIG_BYTES = 10 * 1024 * 1024
PATIENCE_SECONDS = 60
PARTITIONS = 4
WRITE = """
    WITH raised AS (UPDATE outbox_head SET last_seq = last_seq + 1 WHERE partition = $1 RETURNING last_seq)
    INSERT INTO outbox (partition, seq, id, type, subject, time, actor, region, traceparent, data)
    SELECT $1, last_seq, $2, $3, $4, now(), 'poisoner', '19', '', $5 FROM raised
"""
RENAMED = "serumpun.business.changed.v1"
KINDS = ("bit flipped", "unknown type", "version 99", "unreadable", "10 MB")
MANY = KINDS[:-1]


@dataclass(frozen=True, slots=True)
class Poison:
    """One event that nobody can take."""

    id: UUID
    kind: str
    source: str
    type: str
    subject: str
    data: bytes


@dataclass(slots=True)
class Poisoner:
    """Mixes poison into the outboxes, about one to a hundred operations, and keeps what it has mixed in."""

    databases: Databases
    offices: Offices
    rng: Random
    mixed: list[Poison] = field(default_factory=list)

    async def mix(self, kind: str) -> None:
        """Commit one poisoned event; through outages, and once."""
        poison = self._brewed(kind)
        self.mixed.append(poison)

        async def written() -> bool:
            try:
                async with self.databases.opened(name_of(poison.source)) as store:
                    await store.execute(
                        WRITE, partition_of(poison.subject, PARTITIONS), poison.id, poison.type, poison.subject,
                        poison.data,
                    )  # fmt: skip
            except asyncpg.UniqueViolationError:
                return True  # it was committed, and only the answer was lost
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                return False
            return True

        await wait_until(written, PATIENCE_SECONDS, "poison to be committed")

    def _brewed(self, kind: str) -> Poison:
        source, good_type, subject, data = self._sound()
        if kind == "bit flipped":
            return Poison(uuid4(), kind, source, good_type, subject, self._flipped(good_type, data))
        if kind == "unknown type":
            return Poison(uuid4(), kind, source, "serumpun.unheard.of.v1", subject, data)
        if kind == "version 99":
            return Poison(uuid4(), kind, source, good_type.replace(".v1", ".v99"), subject, data)
        if kind == "unreadable":
            # Registration's, for such an entry could not be adopted again when its database goes back in time.
            long_subject = f"business/{'x' * TEXT_LENGTH_MAX}{self.rng.random()}"
            return Poison(uuid4(), kind, "registration", RENAMED, long_subject, data)
        return Poison(uuid4(), kind, source, good_type, subject, self.rng.randbytes(BIG_BYTES))

    def _sound(self) -> tuple[str, str, str, bytes]:
        """Give a sound event to be spoilt: of a business that is renamed, or of aid that was handed out."""
        if self.rng.random() < 0.5 and (subject := self._handed_out(self.offices.history)):
            data = msgspec.msgpack.encode({"distribution_id": subject.partition("/")[2], "number": "DO-1"})
            return "aid_distribution", "serumpun.distribution.voided.v1", subject, data
        business = self.offices.businesses[self.rng.randrange(len(self.offices.businesses))]
        data = msgspec.msgpack.encode(
            {"business_id": business.id, "owner_id": business.owner, "name": "Spoilt", "sector": "garment",
             "region": business.region}
        )  # fmt: skip
        return "registration", RENAMED, f"business/{business.id}", data

    def _handed_out(self, history: History) -> str | None:
        done = [one for one in history.of(Outcome.OK) if one.kind == "hand-out"]
        return f"distribution/{done[self.rng.randrange(len(done))].ids[-1]}" if done else None

    def _flipped(self, good_type: str, data: bytes) -> bytes:
        """Flip bits until nobody can read the fact any more; a flip within a name would only be another fact."""
        while True:
            spoilt = bytearray(data)
            spoilt[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
            try:
                msgspec.msgpack.decode(bytes(spoilt), type=EVENTS[good_type])
            except ValueError:
                return bytes(spoilt)
