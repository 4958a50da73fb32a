"""The composition root of aid_distribution."""

from collections.abc import Collection

from services.aid_distribution.distributions.api import distributions
from services.aid_distribution.ledger.api import catalogue, stock
from services.aid_distribution.reactions import REACTIONS
from shared.service import PARTS, Application, Service
from shared.service import build as compose
from shared.settings import Settings

SERVICE = Service(
    name="aid_distribution",
    title="Serumpun: stock and aid",
    prefix="/aid",
    routes=(catalogue, stock, distributions),
    reactions=REACTIONS,
)


def build(settings: Settings, parts: Collection[str] = PARTS) -> Application:
    """Give the service as an ASGI application that runs these parts."""
    return compose(SERVICE, settings, parts)
