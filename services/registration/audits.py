"""How the effects of what registration hears can be seen."""

from services.registration.support.audit import ALL_SUPPORT, REMEMBERED
from shared.effect_audit import Audits

AUDITS = Audits(heard=(REMEMBERED,), effects=(ALL_SUPPORT,))
