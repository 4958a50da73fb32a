"""What registration does when something has happened elsewhere."""

from services.registration.support import handlers as support
from shared.consumer import on
from shared.contracts.aid_distribution import DistributionPosted, DistributionVoided

REACTIONS = (
    on(DistributionPosted, support.remember),
    on(DistributionVoided, support.take_back),
)
