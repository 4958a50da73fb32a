"""How the effects of what aid_distribution hears and records can be seen."""

from services.aid_distribution.alerts.audit import ALERTS
from services.aid_distribution.businesses.audit import ALL_KNOWN, KNOWN_BUSINESSES
from services.aid_distribution.distributions import audit as distributions
from services.aid_distribution.distributions.evidence import FORGOTTEN
from services.aid_distribution.exceptions import audit as exceptions
from services.aid_distribution.kits import store as kits
from services.aid_distribution.kits.trainings import ALL_TRAINING_KITS, TRAINING_KITS
from services.aid_distribution.ledger import audit as ledger
from services.aid_distribution.ledger import packs, reserved
from services.aid_distribution.ledger import transfer_audit as transfers
from services.aid_distribution.ledger.journal_audit import JOURNAL
from services.aid_distribution.loans import audit as loans
from services.aid_distribution.markets import audit as markets
from services.aid_distribution.planning import audit as planning
from services.aid_distribution.production.audit import PRODUCED
from services.aid_distribution.returns import audit as returns
from services.aid_distribution.stations.audit import STATIONS
from shared.effect_audit import Audits

AUDITS = Audits(
    heard=(KNOWN_BUSINESSES, TRAINING_KITS, FORGOTTEN),
    effects=(ALL_KNOWN, ALL_TRAINING_KITS),
    recorded=(JOURNAL, PRODUCED, STATIONS, ALERTS, exceptions.EXCEPTIONS),
)

FIGURES = {
    **ledger.CHECKS,
    **packs.CHECKS,
    **reserved.CHECKS,
    **kits.CHECKS,
    **distributions.CHECKS,
    **markets.CHECKS,
    **exceptions.CHECKS,
    **returns.CHECKS,
    **loans.CHECKS,
    **transfers.CHECKS,
    **planning.CHECKS,
}
"""Every figure that is kept beside the documents it follows from, as a question for those that disagree."""
