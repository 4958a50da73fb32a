"""How the effects of what registration hears and records can be seen."""

from services.registration.businesses import audit as businesses
from services.registration.contact_tasks.audit import HEARD_UNREACHABLE
from services.registration.support.audit import ALL_SUPPORT, REMEMBERED
from services.registration.support.given import ALL_GIVEN, GIVEN
from services.registration.support.income import ALL_INCOME, EARNED
from services.registration.support.ordered import ALL_ORDERED, ORDERED
from services.registration.surveys.audit import SURVEYS
from services.registration.trainings import audit as trainings
from shared.effect_audit import Audits

AUDITS = Audits(
    heard=(REMEMBERED, EARNED, ORDERED, GIVEN, trainings.HEARD_OF_KITS, trainings.HEARD_REPLIES, HEARD_UNREACHABLE),
    effects=(ALL_SUPPORT, ALL_INCOME, ALL_ORDERED, ALL_GIVEN),
    recorded=(SURVEYS, trainings.RECORDED_SEATS, businesses.RECORDED_MERGES),
)

FIGURES = {**trainings.CHECKS}
"""Every figure of trainings that is kept beside what it follows from, as a question for those that disagree."""

MERGES = {**businesses.CHECKS}
"""The same of merges."""
