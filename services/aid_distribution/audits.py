"""How the effects of what aid_distribution hears and records can be seen."""

from services.aid_distribution.alerts.audit import ALERTS
from services.aid_distribution.businesses.audit import ALL_KNOWN, KNOWN_BUSINESSES
from services.aid_distribution.businesses.needs import ALL_DECLARED, DECLARED_NEEDS
from services.aid_distribution.businesses.restricted import ALL_RESTRICTED, RESTRICTIONS
from services.aid_distribution.chain import audit as heads
from services.aid_distribution.chain.domain import PURPOSE
from services.aid_distribution.coupons import audit as coupons
from services.aid_distribution.distributions import audit as distributions
from services.aid_distribution.distributions.evidence import FORGOTTEN
from services.aid_distribution.exceptions import audit as exceptions
from services.aid_distribution.kits import store as kits
from services.aid_distribution.kits.trainings import ALL_TRAINING_KITS, TRAINING_KITS
from services.aid_distribution.ledger import audit as ledger
from services.aid_distribution.ledger import chain_audit, packs, reserved
from services.aid_distribution.ledger import transfer_audit as transfers
from services.aid_distribution.ledger.journal_audit import JOURNAL
from services.aid_distribution.loans import audit as loans
from services.aid_distribution.markets import audit as markets
from services.aid_distribution.planning import audit as planning
from services.aid_distribution.production.audit import PRODUCED
from services.aid_distribution.returns import audit as returns
from services.aid_distribution.self_audit.domain import Audited
from services.aid_distribution.stations.audit import STATIONS
from shared.database import Work
from shared.effect_audit import Audits

POSTINGS_PER_PAGE = 500
"""Few at a time, as whoever is served by the same process waits meanwhile."""

AUDITS = Audits(
    heard=(KNOWN_BUSINESSES, RESTRICTIONS, DECLARED_NEEDS, TRAINING_KITS, FORGOTTEN),
    effects=(ALL_KNOWN, ALL_RESTRICTED, ALL_DECLARED, ALL_TRAINING_KITS),
    recorded=(JOURNAL, PRODUCED, STATIONS, ALERTS, exceptions.EXCEPTIONS),
)

FIGURES = {
    **ledger.CHECKS,
    **packs.CHECKS,
    **reserved.CHECKS,
    **kits.CHECKS,
    **distributions.CHECKS,
    **markets.CHECKS,
    **coupons.CHECKS,
    **exceptions.CHECKS,
    **returns.CHECKS,
    **loans.CHECKS,
    **transfers.CHECKS,
    **planning.CHECKS,
}
"""Every figure that is kept beside the documents it follows from, as a question for those that disagree."""


async def look_through(work: Work) -> Audited:
    """Audit the ledger as `serumpun verify` does: every figure, every posting of the chains, every signed head."""
    checked = {
        "figures": len(FIGURES),
        "postings": await chain_audit.postings(work.session),
        "signed_heads": await heads.count(work.session),
    }
    found = [
        *await ledger.audit(work.session, FIGURES),
        *await chain_audit.audit(work.session, postings_per_page=POSTINGS_PER_PAGE),
        *await heads.audit(work.session, work.vault.signer(PURPOSE).public_key()),
    ]
    return Audited(checked, found)
