"""The check of everything: outboxes, streams, positions, parked events, effects, seats, broadcasts, stock, chains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import TextClause

from services.aid_distribution.audits import FIGURES as LEDGER_FIGURES
from services.aid_distribution.chain.domain import SignedHead
from services.aid_distribution.ledger.audit import audit
from services.notifications.audits import FIGURES as BROADCAST_FIGURES
from services.operations import chain_checks, effect_checks, outbox_checks
from services.operations.findings import Finding, Steps, Verdict, fault, whole
from services.operations.installation import Installation
from services.operations.outbox_checks import NAMED_MAX
from services.registration.audits import FIGURES as TRAINING_FIGURES
from services.registration.audits import MERGES as MERGE_FIGURES
from shared import parking
from shared.contracts import SUBSCRIPTIONS
from shared.parking import ParkedBecause, ParkedRow
from shared.settings import SERVICES

FROM_BACKUP = "bring it back from a backup, or reverse the document: the journal is the truth"
LEDGER_CURES = {
    "card_is_sum_of_lines": "serumpun stock rebuild",
    "day_is_sum_of_lines": "serumpun stock rebuild",
    "handed_out_is_sum_of_distributions": "serumpun stock rebuild",
    "never_negative": "count the card: POST /aid/counts, or reverse the document",
}


@dataclass(frozen=True, slots=True)
class Books:
    """What one service keeps that can be held against itself; `cure` mends what has none among `cures`."""

    title: str
    counted_as: str
    service: str
    figures: Mapping[str, TextClause]
    cure: str
    cures: Mapping[str, str] = field(default_factory=dict)


BOOKS = (
    Books("stock ledger", "ledger checks", "aid_distribution", LEDGER_FIGURES, FROM_BACKUP, LEDGER_CURES),
    Books(
        "trainings", "training checks", "registration", TRAINING_FIGURES,
        "bring it back from a backup: the steps and the certificates are the truth",
    ),
    Books(
        "merges", "merge checks", "registration", MERGE_FIGURES,
        "bring it back from a backup: the merges and the history of both businesses are the truth",
    ),
    Books(
        "broadcasts", "broadcast checks", "notifications", BROADCAST_FIGURES,
        "bring it back from a backup: the recipients and the steps are the truth",
    ),
)  # fmt: skip


async def verify(there: Installation, wait_seconds: float, steps: Steps, kept: Sequence[SignedHead] = ()) -> Verdict:
    """Check everything, after the installation had so long to come to rest; `kept` are heads from outside."""
    checked: dict[str, int] = {}
    heads = await outbox_checks.settled(there, wait_seconds)
    checked["outbox rows"] = sum(outbox.rows for partitions in heads.values() for outbox in partitions.values())
    found = [
        *await outbox_checks.outboxes(there, heads),
        *await outbox_checks.positions(there, heads),
        *await outbox_checks.streams(there, heads, steps, checked),
    ]
    for consumer in SUBSCRIPTIONS:
        found += await _parked(there, consumer)
        found += await effect_checks.heard(there, consumer, steps, checked)
        found += await effect_checks.without_cause(there, consumer, steps, checked)
    for source in SERVICES:
        found += await effect_checks.recorded(there, source, steps, checked)
    for books in BOOKS:
        found += await _figures(there, steps, checked, books)
    found += await chain_checks.chains(there, kept, steps, checked)
    return Verdict(whole=whole(found), checked=checked, findings=found)


async def _parked(there: Installation, consumer: str) -> list[Finding]:
    async with there.reading(consumer) as session:
        counts = await parking.counts(session)
        rows = await parking.listed(session, NAMED_MAX)
    found = [_waits(consumer, row) for row in rows]
    if (more := sum(counts.values()) - len(rows)) > 0:
        found.append(
            fault("nothing_is_parked", consumer, f"and {more} more", f"serumpun parked list --service {consumer}")
        )
    return found


def _waits(consumer: str, row: ParkedRow) -> Finding:
    at = f"{row.source}/{row.partition}/{row.seq}"
    where, command = f"{at} ({row.subject}) in {consumer}", f"{at} --service {consumer}"
    match row.reason:
        case ParkedBecause.POISON:
            cure = f"serumpun parked show {command}; mend the cause; serumpun parked replay {command}"
            return fault("nothing_is_parked", where, f"it cannot be handled: {row.error}", cure)
        case ParkedBecause.NOT_YET:
            return fault(
                "nothing_is_parked", where, f"it waits: {row.error}", "it is tried again by itself each minute"
            )
        case _:
            return fault("nothing_is_parked", where, "it waits behind an earlier event", "see the one before it")


async def _figures(there: Installation, steps: Steps, checked: dict[str, int], books: Books) -> list[Finding]:
    advance = steps.begin(books.title, len(books.figures))
    async with there.reading(books.service) as session:
        wrong = await audit(session, books.figures)
    advance(len(books.figures))
    checked[books.counted_as] = len(books.figures)
    return [
        fault(
            one.check,
            f"{one.subject} in {books.service}",
            f"expected {one.expected}, found {one.found}",
            books.cures.get(one.check, books.cure),
        )
        for one in wrong
    ]
