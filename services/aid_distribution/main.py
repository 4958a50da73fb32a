"""The composition root of aid_distribution."""

from services.aid_distribution.distributions.api import distributions
from services.aid_distribution.ledger.api import catalogue, stock
from services.aid_distribution.ledger.counts_api import counting
from services.aid_distribution.reactions import REACTIONS
from shared.service import Service

SERVICE = Service(
    name="aid_distribution",
    title="Serumpun: stock and aid",
    prefix="/aid",
    routes=(catalogue, stock, counting, distributions),
    reactions=REACTIONS,
)
