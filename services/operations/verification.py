"""The check of everything: outboxes, streams, positions, parked events, effects, seats, broadcasts, stock, chains."""

from collections.abc import Sequence

from services.aid_distribution.audits import FIGURES
from services.aid_distribution.chain.domain import SignedHead
from services.aid_distribution.ledger.audit import audit
from services.notifications.audits import FIGURES as BROADCAST_FIGURES
from services.operations import chain_checks, effect_checks, outbox_checks
from services.operations.findings import Finding, Steps, Verdict, fault, whole
from services.operations.installation import Installation
from services.operations.outbox_checks import NAMED_MAX
from services.registration.audits import FIGURES as TRAINING_FIGURES
from shared import parking
from shared.contracts import SUBSCRIPTIONS
from shared.parking import ParkedRow, Reason
from shared.settings import SERVICES

FROM_BACKUP = "bring it back from a backup, or reverse the document: the journal is the truth"
LEDGER_CURES = {
    "card_is_sum_of_lines": "serumpun stock rebuild",
    "day_is_sum_of_lines": "serumpun stock rebuild",
    "handed_out_is_sum_of_distributions": "serumpun stock rebuild",
    "never_negative": "count the card: POST /aid/counts, or reverse the document",
}


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
    found += await _ledger(there, steps, checked)
    found += await _trainings(there, steps, checked)
    found += await _broadcasts(there, steps, checked)
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
        case Reason.POISON:
            cure = f"serumpun parked show {command}; mend the cause; serumpun parked replay {command}"
            return fault("nothing_is_parked", where, f"it cannot be handled: {row.error}", cure)
        case Reason.NOT_YET:
            return fault(
                "nothing_is_parked", where, f"it waits: {row.error}", "it is tried again by itself each minute"
            )
        case _:
            return fault("nothing_is_parked", where, "it waits behind an earlier event", "see the one before it")


async def _ledger(there: Installation, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    advance = steps.begin("stock ledger", len(FIGURES))
    async with there.reading("aid_distribution") as session:
        wrong = await audit(session, FIGURES)
    advance(len(FIGURES))
    checked["ledger checks"] = len(FIGURES)
    return [
        fault(
            one.check,
            f"{one.subject} in aid_distribution",
            f"expected {one.expected}, found {one.found}",
            LEDGER_CURES.get(one.check, FROM_BACKUP),
        )
        for one in wrong
    ]


async def _trainings(there: Installation, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    advance = steps.begin("trainings", len(TRAINING_FIGURES))
    async with there.reading("registration") as session:
        wrong = await audit(session, TRAINING_FIGURES)
    advance(len(TRAINING_FIGURES))
    checked["training checks"] = len(TRAINING_FIGURES)
    return [
        fault(
            one.check,
            f"{one.subject} in registration",
            f"expected {one.expected}, found {one.found}",
            "bring it back from a backup: the steps and the certificates are the truth",
        )
        for one in wrong
    ]


async def _broadcasts(there: Installation, steps: Steps, checked: dict[str, int]) -> list[Finding]:
    advance = steps.begin("broadcasts", len(BROADCAST_FIGURES))
    async with there.reading("notifications") as session:
        wrong = await audit(session, BROADCAST_FIGURES)
    advance(len(BROADCAST_FIGURES))
    checked["broadcast checks"] = len(BROADCAST_FIGURES)
    return [
        fault(
            one.check,
            f"{one.subject} in notifications",
            f"expected {one.expected}, found {one.found}",
            "bring it back from a backup: the recipients and the steps are the truth",
        )
        for one in wrong
    ]
