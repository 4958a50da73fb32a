"""What registration does when something has happened elsewhere."""

from services.registration.contact_tasks import handlers as contact_tasks
from services.registration.support import given, income, ordered
from services.registration.support import handlers as support
from services.registration.trainings import handlers as trainings
from services.registration.trainings import offers
from shared.consumer import on_run
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketSold,
    ProductionDelivered,
    ProductionPaid,
    ReturnVoided,
    StockReturned,
)
from shared.contracts.notifications import PhoneUnreachable, ReplyReceived
from shared.reaction import on

REACTIONS = (
    on_run(DistributionPosted, support.remember),
    on_run(DistributionVoided, support.take_back),
    on_run(ProductionDelivered, income.remember),
    on_run(ProductionPaid, income.remember),
    *(on_run(event, ordered.hear) for event in ordered.STEPS),
    on_run(DistributionPosted, given.remember),
    on_run(DistributionVoided, given.take_back),
    on_run(MarketSold, given.remember),
    on_run(StockReturned, given.remember),
    on_run(ReturnVoided, given.take_back),
    on(KitsReserved, trainings.hear_reserved),
    on(KitsRefused, trainings.hear_refused),
    on(KitsReleased, trainings.hear_released),
    on(ReplyReceived, offers.hear),
    on(PhoneUnreachable, contact_tasks.hear),
)
