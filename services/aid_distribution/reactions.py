"""What aid_distribution does when something has happened elsewhere."""

from services.aid_distribution.businesses import handlers as businesses
from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessRegistered
from shared.reaction import on

REACTIONS = (
    on(BusinessRegistered, businesses.learn),
    on(BusinessChanged, businesses.learn),
    on(BusinessClosed, businesses.forget),
)
