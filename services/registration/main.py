"""The registration service, put together."""

from services.registration.businesses import api as businesses
from services.registration.reactions import REACTIONS
from services.registration.support import api as support
from services.registration.surveys import api as surveys
from services.registration.trainings import api as trainings
from shared.service import Service

SERVICE = Service(
    name="registration",
    title="Owners and businesses",
    prefix="/registration",
    routes=(businesses.routes, support.routes, surveys.routes, trainings.routes),
    reactions=REACTIONS,
)
