"""How the effects of what registration hears and records can be seen."""

from services.registration.support.audit import ALL_SUPPORT, REMEMBERED
from services.registration.support.income import ALL_INCOME, EARNED
from services.registration.trainings import audit as trainings
from shared.effect_audit import Audits

AUDITS = Audits(
    heard=(REMEMBERED, EARNED, trainings.HEARD_OF_KITS),
    effects=(ALL_SUPPORT, ALL_INCOME),
    recorded=(trainings.RECORDED_SEATS,),
)

FIGURES = {**trainings.CHECKS}
"""Every figure that is kept beside what it follows from, as a question for those that disagree."""
