"""What aid_distribution does when something has happened elsewhere."""

from services.aid_distribution.businesses import handlers as businesses
from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessRegistered
from shared.reaction import on_run

REACTIONS = (
    on_run(BusinessRegistered, businesses.learn),
    on_run(BusinessChanged, businesses.learn),
    on_run(BusinessClosed, businesses.forget),
)
