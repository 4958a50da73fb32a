"""What notifications does when something has happened: first learn, then tell those whom the rules name."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import handlers as delivery
from services.notifications.messages import handlers as messages
from services.notifications.messages.rules import Audience, Rule, rules_of
from services.notifications.people import Person
from shared.consumer import on
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    StockReceived,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessRegistered,
    OwnerChanged,
    OwnerRegistered,
)
from shared.database import Work

EMAIL = "email"


async def tell(work: Work, event: Event) -> None:
    """Tell of a fact: a message in the inbox of everybody whom a rule names, and a delivery where it is to be sent."""
    giver = await contacts.staff_name(work, work.caller.subject)
    for rule in rules_of(type(event)):
        region = str(getattr(event, rule.region))
        people = await AUDIENCES[rule.tells](work, rule, event)
        told = await messages.tell(work, rule, event, people, region=region, giver=giver)
        if rule.email:
            wanted = [(one.message_id, one.person.key) for one in told if one.person.email]
            await delivery.queue(work, wanted, channel=EMAIL, region=region)


async def _owners(work: Work, rule: Rule, event: Event) -> list[Person]:
    match event:
        case BusinessRegistered():
            return await contacts.owners_of(work, [event.business_id])
        case DistributionPosted() | DistributionVoided():
            return await contacts.owners_of(work, event.businesses)
        case _:
            raise TypeError(f"{rule.purpose}: {event.type} names no businesses")


async def _office(work: Work, rule: Rule, event: Event) -> list[Person]:
    return await contacts.office_of(work, getattr(event, rule.region))


async def _keepers(work: Work, rule: Rule, event: Event) -> list[Person]:
    return await contacts.keepers_of(work, getattr(event, rule.region))


async def _told(work: Work, rule: Rule, event: Event) -> list[Person]:
    return list((await contacts.known(work, await messages.told_before(work, rule, event))).values())


AUDIENCES: Mapping[Audience, Callable[[Work, Rule, Event], Awaitable[list[Person]]]] = MappingProxyType(
    {Audience.OWNERS: _owners, Audience.OFFICE: _office, Audience.KEEPERS: _keepers, Audience.TOLD: _told}
)

REACTIONS = (
    on(OwnerRegistered, contacts.learn_owner),
    on(OwnerChanged, contacts.learn_owner),
    on(BusinessRegistered, contacts.learn_business),
    on(BusinessChanged, contacts.learn_business),
    on(BusinessClosed, contacts.end_business),
    on(BusinessRegistered, tell),
    on(DistributionPosted, tell),
    on(DistributionVoided, tell),
    on(StockReceived, tell),
    on(TransferDispatched, tell),
    on(TransferReceived, tell),
)
