"""What registration does when something has happened elsewhere."""

from services.registration.support import handlers as support
from shared.consumer import on_run
from shared.contracts.aid_distribution import DistributionPosted, DistributionVoided

REACTIONS = (
    on_run(DistributionPosted, support.remember),
    on_run(DistributionVoided, support.take_back),
)
