"""Working the figures of the stock ledger out anew from its journal."""

import msgspec

from services.aid_distribution.distributions import audit as distributions
from services.aid_distribution.ledger import rebuild as ledger
from services.operations import effect_checks
from services.operations.findings import Finding, Steps
from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from shared.operator_acts import Act, Operator, note

AID = "aid_distribution"


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """How many cards and days did not agree with the journal, and whether they were worked out anew."""

    wrong: int
    done: bool


async def rebuild(there: Installation, steps: Steps, operator: Operator | None) -> Rebuilt:
    """Work out cards and days anew; without an operator they are only counted.

    Raises: NotPossible while the journal is not what the events told, for then it is the journal that is wrong
    """
    if broken := await effect_checks.recorded(there, AID, steps, {}):
        raise NotPossible(f"the journal itself was changed: {_first(broken)}")
    async with there.writing(AID) as session:
        wrong = await ledger.wrong(session) + await distributions.wrong(session)
        if operator is not None:
            try:
                await ledger.rebuild(session)
                await distributions.rebuild(session)
            except ledger.JournalBroken as error:
                raise NotPossible(str(error)) from error
            note(session, operator, Act.REBUILD, AID, subject="card")
    return Rebuilt(wrong=wrong, done=operator is not None)


def _first(findings: list[Finding]) -> str:
    return f"{findings[0].where}: {findings[0].what}; {findings[0].cure}"
