"""The registration service, put together."""

from services.registration import sessions
from services.registration.businesses import api as businesses
from services.registration.businesses import history_api as history
from services.registration.businesses import lookups_api as lookups
from services.registration.businesses import merging_api as merging
from services.registration.consents import api as consents
from services.registration.contact_tasks import api as contact_tasks
from services.registration.duplicates import api as duplicates
from services.registration.duplicates import refused_api as refused
from services.registration.imports import api as imports
from services.registration.imports.importer import importer
from services.registration.people import api as people
from services.registration.reactions import REACTIONS
from services.registration.support import api as support
from services.registration.surveys import api as surveys
from services.registration.trainings import api as trainings
from services.registration.trainings.attendance_api import attendances
from services.registration.trainings.certificates_api import training_certificates
from services.registration.trainings.enrolment_api import enrolments
from services.registration.trainings.offers_sweep import sweeper as seat_sweeper
from shared.service import Service

SERVICE = Service(
    name="registration",
    title="Owners and businesses",
    prefix="/registration",
    routes=(
        businesses.routes,
        history.routes,
        consents.routes,
        contact_tasks.routes,
        duplicates.routes,
        imports.routes,
        lookups.routes,
        merging.routes,
        people.routes,
        refused.routes,
        sessions.routes,
        support.routes,
        surveys.routes,
        trainings.routes,
        enrolments,
        attendances,
        training_certificates,
    ),
    reactions=REACTIONS,
    workers=(seat_sweeper, importer),
)
