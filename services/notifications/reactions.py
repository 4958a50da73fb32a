"""What notifications does when something has happened: first learn, then tell those whom the rules name."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import handlers as delivery
from services.notifications.messages import handlers as messages
from services.notifications.messages import untold
from services.notifications.messages.handlers import News
from services.notifications.messages.rules import Audience, Rule, rules_of
from services.notifications.people import Person, owner_key, staff_key
from services.notifications.replies import handlers as replies
from services.notifications.replies import offers
from services.notifications.rights import handlers as rights
from services.notifications.sending import send
from shared import operator_acts
from shared.caller import sees
from shared.consumer import Heard, on_run
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    AlertRaised,
    DistributionPosted,
    DistributionVoided,
    ExceptionChanged,
    ExceptionOpened,
    ExceptionOverdue,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    PriceAlert,
    ProductionDelivered,
    ProductionEvent,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    StationBroken,
    StationDry,
    StationReported,
    StockExpiring,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    CertificateEvent,
    CertificateIssued,
    CertificateRevoked,
    ConsentChanged,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
    SeatAccepted,
    SeatEvent,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    SurveyOpened,
    TrainingCancelled,
    TrainingMoved,
)
from shared.database import Work
from shared.idempotency import forget_answers
from shared.reaction import on


async def tell(work: Work, run: Sequence[Heard[Event]]) -> None:
    """Tell of facts: a message in the inbox of everybody whom a rule names, and a delivery where it is to be sent."""
    givers = await contacts.staff_names(work, {one.caller.subject for one in run})
    news: list[News] = []
    for rule in rules_of(type(run[0].event)):
        told = [one for one in run if rule.tells_of(one.event)]
        audiences = await AUDIENCES[rule.tells](work, rule, [one.event for one in told])
        news += [
            News(rule, one.event, people, one.caller, givers.get(one.caller.subject))
            for one, people in zip(told, audiences, strict=True)
        ]
    await send(work, await messages.tell(work, news))


async def restrict(work: Work, event: PersonRestricted) -> None:
    """Tell an owner that their data are only stored from now on, and write to them no more."""
    if known := await _known(work, event.owner_id):
        await rights.say_restricted(work, known, event.region)
    await contacts.restrict(work, event)


async def _known(work: Work, owner_id: UUID) -> Person | None:
    key = owner_key(owner_id)
    return (await contacts.known(work, [key])).get(key)


async def forget(work: Work, event: PersonErased) -> None:
    """Take away all that is known of an owner: how to reach them, what was written to them, what was answered.

    That it was done is the last that is written to them; when the event is handed again, there is nobody to tell.
    """
    person, known = owner_key(event.owner_id), await _known(work, event.owner_id)
    await contacts.erase(work, event)
    await replies.forget(work, event.owner_id)
    await untold.forget(work, person)
    await messages.forget(work, person)
    await delivery.forget(work, person)
    await forget_answers(work.session, [str(one) for one in (event.owner_id, *event.businesses)], work.vault)
    await operator_acts.forget(work.session, event.subject)
    if known is not None:
        await rights.say_erased(work, known, event.region)


async def _owners(work: Work, rule: Rule, events: Sequence[Event]) -> list[list[Person]]:
    return await contacts.owners_of(work, [_businesses(rule, event) for event in events])


def _businesses(rule: Rule, event: Event) -> Sequence[UUID]:
    match event:
        case BusinessRegistered() | SurveyOpened() | ProductionEvent() | SeatEvent() | CertificateEvent():
            return [event.business_id]
        case DistributionPosted() | DistributionVoided() | TrainingMoved() | TrainingCancelled():
            return event.businesses
        case _:
            raise TypeError(f"{rule.purpose}: {event.type} names no businesses")


async def _office(work: Work, rule: Rule, events: Sequence[Event]) -> list[list[Person]]:
    return await contacts.offices_of(work, [getattr(event, rule.region) for event in events], rule.kind)


async def _keepers(work: Work, rule: Rule, events: Sequence[Event]) -> list[list[Person]]:
    return await contacts.keepers_of(work, [getattr(event, rule.region) for event in events], rule.kind)


async def _named(work: Work, rule: Rule, events: Sequence[Event]) -> list[list[Person]]:
    """Find whom each names; a name that is nobody's, or of somebody who serves elsewhere, is told nothing."""
    names = [_names(rule, event) for event in events]
    known = await contacts.known(work, {key for keys in names for key in keys})
    return [
        [known[key] for key in keys if key in known and sees(known[key].regions, getattr(event, rule.region))]
        for event, keys in zip(events, names, strict=True)
    ]


def _names(rule: Rule, event: Event) -> Sequence[str]:
    match event:
        case ExceptionChanged():  # whoever had it already is not handed it: only its deadline is another
            return [staff_key(event.owner)] if event.owner != event.owner_before else []
        case _:
            raise TypeError(f"{rule.purpose}: {event.type} names nobody")


async def _told(work: Work, rule: Rule, events: Sequence[Event]) -> list[list[Person]]:
    told = await messages.told_before(work, rule, events)
    known = await contacts.known(work, {key for keys in told for key in keys})
    return [[known[key] for key in keys if key in known] for keys in told]


AUDIENCES: Mapping[Audience, Callable[[Work, Rule, Sequence[Event]], Awaitable[list[list[Person]]]]] = MappingProxyType(
    {
        Audience.OWNERS: _owners,
        Audience.OFFICE: _office,
        Audience.KEEPERS: _keepers,
        Audience.NAMED: _named,
        Audience.TOLD: _told,
    }
)
"""Finds for each of some events the people whom a rule names."""

REACTIONS = (
    on_run(OwnerRegistered, contacts.learn_owners),
    on_run(OwnerChanged, contacts.learn_owners),
    on_run(BusinessRegistered, contacts.learn_businesses),
    on_run(BusinessChanged, contacts.learn_businesses),
    on_run(BusinessClosed, contacts.end_businesses),
    on_run(BusinessMerged, contacts.end_businesses),
    on_run(ConsentChanged, contacts.learn_consents),
    on(PersonRestricted, restrict),
    on(PersonReleased, contacts.release),
    on(PersonErased, forget),
    *(on_run(event, offers.hear) for event in offers.STEPS),
    on(TrainingCancelled, offers.end),
    on_run(BusinessRegistered, tell),
    on_run(SurveyOpened, tell),
    on_run(DistributionPosted, tell),
    on_run(DistributionVoided, tell),
    on_run(StockReceived, tell),
    on_run(StockRestated, tell),
    on_run(TransferDispatched, tell),
    on_run(TransferReceived, tell),
    on_run(ProductionOffered, tell),
    on_run(ProductionTakenBack, tell),
    on_run(ProductionPaid, tell),
    on_run(ProductionDelivered, tell),
    on_run(StationReported, tell),
    on_run(StationDry, tell),
    on_run(StationBroken, tell),
    on_run(MarketAnnounced, tell),
    on_run(MarketCancelled, tell),
    on_run(PriceAlert, tell),
    on_run(KitsReserved, tell),
    on_run(KitsRefused, tell),
    on_run(KitsReleased, tell),
    on_run(SeatOffered, tell),
    on_run(SeatAccepted, tell),
    on_run(SeatExpired, tell),
    on_run(SeatWaitlisted, tell),
    on_run(SeatWithdrawn, tell),
    on_run(TrainingMoved, tell),
    on_run(TrainingCancelled, tell),
    on_run(CertificateIssued, tell),
    on_run(CertificateRevoked, tell),
    on_run(StockLow, tell),
    on_run(StockOut, tell),
    on_run(StockExpiring, tell),
    on_run(AlertRaised, tell),
    on_run(ExceptionOpened, tell),
    on_run(ExceptionChanged, tell),
    on_run(ExceptionOverdue, tell),
)
