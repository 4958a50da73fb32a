"""How the effects of what registration hears can be seen."""

from services.registration.support.audit import ALL_SUPPORT, REMEMBERED
from services.registration.support.income import ALL_INCOME, EARNED
from shared.effect_audit import Audits

AUDITS = Audits(heard=(REMEMBERED, EARNED), effects=(ALL_SUPPORT, ALL_INCOME))
