"""The books against the history: each operation that was acknowledged has one effect, a refused one none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.contracts.aid_distribution import DistributionPosted
from shared.contracts.registration import BusinessChanged
from tests.faults import oracle
from tests.faults.nemesis.history import History, Operation, Outcome
from tests.faults.nemesis.restored import Restored

ALLOWED = {Outcome.OK: {1}, Outcome.FAIL: {0}, Outcome.UNKNOWN: {0, 1}}
"""How often an operation may have taken effect, by what its client knows of it."""

POSTINGS = """
    SELECT p.document, count(*) AS times, max(coalesce(d.id, p.id)::text)::uuid AS id
    FROM posting p LEFT JOIN distribution d ON d.posting_id = p.id
    WHERE p.document IS NOT NULL GROUP BY p.document
"""
REGISTERED = "SELECT document, count(*) AS times, max(id::text)::uuid AS id FROM business GROUP BY document"
CARDS = "SELECT place, item, sum(on_hand)::bigint AS on_hand FROM card GROUP BY place, item"


async def ledger_findings(
    found: oracle.Installation,
    history: History,
    restored: Sequence[Restored],
    opening: Mapping[tuple[str, str], int],
    wrong: list[str],
) -> None:
    """Add everything in the books that is not what the clients were told."""
    aid = found.stores["aid_distribution"]
    effects = {row["document"]: row for row in await aid.fetch(POSTINGS)}
    effects |= {row["document"]: row for row in await found.stores["registration"].fetch(REGISTERED)}
    for one in history.operations:
        if one.kind != "rename":
            wrong += _effects_of(one, effects)
    wrong += _renames(found, history)
    wrong += await _balances(found, history, opening)
    wrong += await _events_of_distributions(found, restored)
    for question, says in oracle.LEDGER.items():
        wrong += [says.format_map(row) for row in await aid.fetch(oracle.MOVED + question)]
    wrong += history.defects


def _effects_of(one: Operation, effects: Mapping[str, Mapping[str, object]]) -> list[str]:
    row = effects.get(one.document)
    times = row["times"] if row else 0
    if times not in ALLOWED[one.outcome]:
        return [f"{one.kind} {one.document} is {one.outcome} and took effect {times} times"]
    if row and one.outcome is Outcome.OK and one.kind != "void" and row["id"] != one.ids[-1]:
        return [f"{one.kind} {one.document} was answered with {one.ids[-1]}, and is {row['id']}"]
    return []


def _renames(found: oracle.Installation, history: History) -> list[str]:
    """Hold the names that were recorded for each business against those that were acknowledged, in their order."""
    recorded: dict[str, list[str]] = {}
    for event in found.events("registration"):
        if isinstance(event, BusinessChanged) and " #" in event.name:
            recorded.setdefault(str(event.business_id), []).append(event.name)
    asked: dict[str, list[Operation]] = {}
    for one in history.operations:
        if one.kind == "rename":
            asked.setdefault(one.path.rpartition("/")[2], []).append(one)
    wrong = []
    for business, renames in asked.items():
        names = recorded.get(business, [])
        sure = [str(one.body["name"]) for one in renames if one.outcome is Outcome.OK]
        possible = [str(one.body["name"]) for one in renames if one.outcome is not Outcome.FAIL]
        if names not in (sure, possible):
            wrong.append(f"business {business}: recorded {names}, acknowledged {sure}")
    return wrong


async def _balances(found: oracle.Installation, history: History, opening: Mapping[tuple[str, str], int]) -> list[str]:
    if history.of(Outcome.UNKNOWN):
        return []  # nobody can say yet
    due = Counter(dict(opening))
    for one in history.of(Outcome.OK):
        of, sign = (one.after, 1) if one.after else (one, 1 if one.kind == "receipt" else -1)
        for item, quantity in of.lines:
            due[str(of.body["place"]), item] += sign * quantity
    there = {(row["place"], row["item"]): row["on_hand"] for row in await found.stores["aid_distribution"].fetch(CARDS)}
    return [
        f"{place} {item}: {there.get((place, item))} on hand, {quantity} by the history"
        for (place, item), quantity in due.items()
        if there.get((place, item), 0) != quantity
    ]


async def _events_of_distributions(found: oracle.Installation, restored: Sequence[Restored]) -> list[str]:
    """Every distribution has one event; an event without one was published before a backup took its place."""
    posted: Counter[UUID] = Counter(
        event.distribution_id for event in found.events("aid_distribution") if type(event) is DistributionPosted
    )
    rows = await found.stores["aid_distribution"].fetch("SELECT id FROM distribution")
    there = {row["id"] for row in rows}
    lost = {
        event.distribution_id
        for one in restored
        for of_partition in one.outbox.values()
        for recorded in of_partition
        if isinstance(event := recorded.event, DistributionPosted)
    }
    return (
        [f"distribution {one} has no event" for one in there - posted.keys()]
        + [f"distribution {one} has {times} events" for one, times in posted.items() if times > 1]
        + [f"an event tells of distribution {one}, which never was" for one in posted.keys() - there - lost]
    )
