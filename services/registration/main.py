"""The registration service, put together."""

from collections.abc import Collection

from services.registration.businesses import api as businesses
from services.registration.reactions import REACTIONS
from services.registration.support import api as support
from shared import service
from shared.service import PARTS, Application, Service
from shared.settings import Settings

SERVICE = Service(
    name="registration",
    title="Owners and businesses",
    prefix="/registration",
    routes=(businesses.routes, support.routes),
    reactions=REACTIONS,
)


def build(settings: Settings, parts: Collection[str] = PARTS) -> Application:
    """Compose the service for one process."""
    return service.build(SERVICE, settings, parts)
