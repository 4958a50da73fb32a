"""The registration service, put together."""

from services.registration.businesses import api as businesses
from services.registration.people import api as people
from services.registration.reactions import REACTIONS
from services.registration.support import api as support
from services.registration.trainings import api as trainings
from shared.service import Service

SERVICE = Service(
    name="registration",
    title="Owners and businesses",
    prefix="/registration",
    routes=(businesses.routes, people.routes, support.routes, trainings.routes),
    reactions=REACTIONS,
)
