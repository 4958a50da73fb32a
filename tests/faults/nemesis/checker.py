"""The checker: holds the history and the outboxes against the ledger, the witnesses and what is parked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from shared.contracts import SUBSCRIPTIONS
from shared.settings import SERVICES
from shared.stream import LOST
from tests.faults import oracle
from tests.faults.nemesis.expected import Aggregate, Expected, Foretelling
from tests.faults.nemesis.history import History
from tests.faults.nemesis.ledger import ledger_findings
from tests.faults.nemesis.poison import Poison
from tests.faults.nemesis.restored import Restored
from tests.faults.nemesis.witness import Seen, seen_in


@dataclass(slots=True)
class Findings:
    """Everything that is wrong, by kind; nothing is wrong when all are empty.

    Shape: `lost`: what should have come of something and did not; `doubled`: what came more than once, or of nothing;
           `disordered`: what came in another order; `misparked`: parked and should not be, or the other way round;
           `behind`: what has not arrived yet; `untrue`: answers and books that are not what happened
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    misparked: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    parked: int = 0

    @property
    def all(self) -> list[str]:
        kinds = ("lost", "doubled", "disordered", "misparked", "behind", "untrue")
        return [f"{kind}: {one}" for kind in kinds for one in getattr(self, kind)]


@dataclass(slots=True)
class Checker:
    """Knows what was asked, what was mixed in and what was put back, and asks what came of it."""

    history: History
    poison: Sequence[Poison]
    restored: Sequence[Restored]
    opening: Mapping[tuple[str, str], int]

    async def findings(self, found: oracle.Installation) -> Findings:
        """Give everything that is wrong now."""
        findings = Findings()
        heads = {service: await oracle.heads_of(found, service) for service in SERVICES}
        for service in SERVICES:
            found.outboxes[service] = await oracle.outbox_of(found.stores[service])
            findings.untrue += oracle.outbox_is_dense(service, heads[service], found.outboxes[service])
            findings.behind += await oracle.streams_hold_the_outbox(found, service, heads[service])
            findings.behind += await oracle.positions_equal_the_heads(found, service, heads)
        findings.lost += self._published_and_forgotten(found)
        poison = frozenset(one.id for one in self.poison)
        foretelling = Foretelling(found.outboxes, poison, await oracle.staff_of(found))
        for consumer in SUBSCRIPTIONS:
            expected = foretelling.of(consumer)
            seen = await seen_in(found.stores[consumer])
            compare(consumer, seen, expected, self._excused(consumer, found, foretelling), findings)
            await _compare_parked(consumer, found.stores[consumer], expected, findings)
        await ledger_findings(found, self.history, self.restored, self.opening, findings.untrue)
        return findings

    def _published_and_forgotten(self, found: oracle.Installation) -> list[str]:
        """Give the events that the world had seen when a database was put back, and that its outbox does not have."""
        wrong = []
        for restored in self.restored:
            there = {one.id for rows in found.outboxes[restored.source].values() for one in rows}
            wrong += [f"published, and not adopted: {one}" for one in sorted(restored.published - there)]
        return wrong

    def _excused(
        self, consumer: str, found: oracle.Installation, foretelling: Foretelling
    ) -> Mapping[Aggregate, Counter[str]]:
        """Give what may have come of events that nobody has any more: a tombstone stands in their place."""
        excused: dict[Aggregate, Counter[str]] = {}
        for restored in self.restored:
            if restored.source not in SUBSCRIPTIONS[consumer]:
                continue
            now = found.outboxes[restored.source]
            for partition, rows in restored.outbox.items():
                buried = {one.seq for one in now.get(partition, ()) if one.type == LOST}
                for one in rows:
                    if one.seq in buried and (event := one.event) is not None:
                        for aggregate, says in foretelling.effects(consumer, event).items():
                            excused.setdefault(aggregate, Counter()).update(says)
        return excused


def compare(
    consumer: str, seen: Seen, expected: Expected, excused: Mapping[Aggregate, Counter[str]], findings: Findings
) -> None:
    """Compare what was written of every aggregate with what must have been."""
    for aggregate in sorted(seen.keys() | expected.effects.keys()):
        events = expected.effects.get(aggregate, [])
        due = Counter(says for event in events for says in event)
        had = Counter(seen.get(aggregate, ()))
        surplus = had - due - excused.get(aggregate, Counter())
        findings.lost += [f"{consumer} {aggregate}: {says}" for says in (due - had).elements()]
        findings.doubled += [f"{consumer} {aggregate}: {says}" for says in surplus.elements()]
        if had == due and not _in_order(seen[aggregate], events):
            findings.disordered.append(f"{consumer} {aggregate}: {seen[aggregate]} and not {events}")


def _in_order(seen: Sequence[str], events: Sequence[Sequence[str]]) -> bool:
    at = 0
    for event in events:
        if Counter(seen[at : at + len(event)]) != Counter(event):
            return False
        at += len(event)
    return True


async def _compare_parked(consumer: str, store: asyncpg.Connection, expected: Expected, findings: Findings) -> None:
    """Compare what is parked with what must be, number by number, with its reason and its bytes."""
    rows = await store.fetch("SELECT source, partition, seq, id, reason, data FROM parked")
    parked = {(row["source"], row["partition"], row["seq"]): row for row in rows}
    findings.parked += len(parked)
    for number in sorted(parked.keys() | expected.parked.keys()):
        row, due = parked.get(number), expected.parked.get(number)
        if row is None or due is None:
            findings.misparked.append(f"{consumer} {number}: {'not parked' if row is None else row['reason']}")
            continue
        reason, event = due
        whole = event.data in row["data"] if row["id"] is None else (row["id"], row["data"]) == (event.id, event.data)
        # The first of its aggregate is tried again when its turn comes, and is poison by itself then.
        if row["reason"] != reason or not whole:
            findings.misparked.append(f"{consumer} {number}: {row['reason']}, {len(row['data'])} bytes, not {reason}")
