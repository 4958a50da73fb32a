"""What registration does when something has happened elsewhere."""

from services.registration.support import handlers as support
from services.registration.support import income
from shared.consumer import on_run
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    ProductionDelivered,
    ProductionPaid,
)

REACTIONS = (
    on_run(DistributionPosted, support.remember),
    on_run(DistributionVoided, support.take_back),
    on_run(ProductionDelivered, income.remember),
    on_run(ProductionPaid, income.remember),
)
