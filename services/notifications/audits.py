"""How the effects of what notifications hears can be seen: what it has learnt, and whom it has told."""

from collections.abc import Iterable, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.broadcasts import audit as broadcasts
from services.notifications.contacts import audit as contacts
from services.notifications.contacts.domain import circles
from services.notifications.messages import audit as messages
from services.notifications.messages.rules import RULES, Audience, Rule, rules_of
from services.notifications.people import staff_key
from services.notifications.replies.offers import LEARNT_OFFERS, LEARNT_OVER
from shared.contracts import Event
from shared.contracts.aid_distribution import DistributionEvent, ExceptionChanged, ProductionEvent
from shared.contracts.registration import (
    BusinessRegistered,
    CertificateEvent,
    SeatEvent,
    SurveyOpened,
    TrainingCancelled,
    TrainingMoved,
)
from shared.effect_audit import Audits, Seen, Told, seen_in

Concerned = tuple[frozenset[str], frozenset[str]]
"""Who was certainly told, and who may have been."""


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """Compare, for every rule of each fact, who was told with whom it concerned."""
    facts = [one.event.matter for one in told]
    counts = await messages.told(session, facts)
    unqueued = await messages.not_queued(session, facts)
    asked = [(one, rule) for one in told for rule in rules_of(type(one.event)) if rule.tells_of(one.event)]
    offices = await contacts.office(session, [(one, _regions(one.event, rule)) for one, rule in asked])
    owners = await contacts.owners(session, [business for one in told for business in _businesses(one.event)])
    seen = []
    for (one, rule), office in zip(asked, offices, strict=True):
        fact = one.event.matter
        match rule.tells:
            case Audience.OWNERS:
                keys = frozenset(owners[named] for named in _businesses(one.event) if named in owners)
                certain, possible = keys, keys
            case Audience.TOLD:
                keys = frozenset(counts[fact, rule.after or ""])
                certain, possible = keys, keys
            case Audience.NAMED:  # who was known and serves there when it was told is not known any more
                certain, possible = frozenset(), _named(one.event)
            case _:
                certain, possible = office.certain, office.possible
        fault, cure = messages.wrong(counts[fact, rule.purpose], certain, possible, fact, rule.purpose)
        seen.append(Seen(one, _aspect(f"message {rule.purpose}", one.event), fault, cure))
    return [*seen, *(_mail(one, unqueued.get(one.event.matter, 0)) for one in told)]


def _named(event: Event) -> frozenset[str]:
    match event:
        case ExceptionChanged() if event.owner != event.owner_before:
            return frozenset({staff_key(event.owner)})
        case _:
            return frozenset()


def _aspect(name: str, event: Event) -> str:
    """Name what is looked at; of an aggregate that has several like facts each is looked at by itself."""
    return name + event.matter.removeprefix(event.subject)


def _regions(event: Event, rule: Rule) -> Sequence[str]:
    region = str(getattr(event, rule.region))
    return circles(region) if rule.tells is Audience.OFFICE else [region]


def _businesses(event: Event) -> Sequence[object]:
    match event:
        case BusinessRegistered() | SurveyOpened() | ProductionEvent() | SeatEvent() | CertificateEvent():
            return [event.business_id]
        case DistributionEvent() | TrainingMoved() | TrainingCancelled():
            return event.businesses
        case _:
            return []


def _mail(told: Told, lacking: int) -> Seen:
    wrong = f"{lacking} messages are not on their way by mail, although there is an address" if lacking else ""
    return Seen(told, _aspect("mail", told.event), wrong, messages.UNSENT.format(fact=told.event.matter))


AUDITS = Audits(
    heard=(
        contacts.LEARNT_OWNERS,
        contacts.HELD_OWNERS,
        contacts.LEARNT_BUSINESSES,
        contacts.LEARNT_CONSENTS,
        LEARNT_OFFERS,
        LEARNT_OVER,
        seen_in(look, *dict.fromkeys(rule.event for rule in RULES)),
    ),
    effects=(contacts.ALL_CONTACTS, contacts.ALL_BUSINESSES, messages.ALL_MESSAGES),
)

FIGURES = broadcasts.CHECKS
"""What is kept here beside what it follows from, as questions for those that disagree."""
