"""How the effects of what aid_distribution hears and records can be seen."""

from services.aid_distribution.businesses.audit import ALL_KNOWN, KNOWN_BUSINESSES
from services.aid_distribution.ledger.journal_audit import JOURNAL
from shared.effect_audit import Audits

AUDITS = Audits(heard=(KNOWN_BUSINESSES,), effects=(ALL_KNOWN,), recorded=(JOURNAL,))
