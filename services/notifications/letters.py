"""The letters of deliveries: what is sent, to the addresses and by the choices that hold when it is sent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.notifications.contacts import handlers as contacts
from services.notifications.delivery.domain import Later, Letter, Reason, Refused
from services.notifications.delivery.store import Delivery
from services.notifications.messages import handlers as messages
from services.notifications.messages.store import Written
from services.notifications.people import Person
from services.notifications.plans import BY_PHONE, Channel, Lane, Urgency, channels_of, silence_of
from services.notifications.rights import handlers as rights
from services.notifications.signin import handlers as sign_in
from shared.database import Work
from shared.night import awake_at, zone_of


async def letters(work: Work, deliveries: Sequence[Delivery]) -> dict[UUID, Letter | Later | Refused]:
    """Give the letters of deliveries, to the addresses and by the choices that hold now, or why there is none.

    Whatever made it late, nobody is woken by it: it waits for the morning of its reader, but for a code.
    """
    written = await messages.written(work, [delivery.message_id for delivery in deliveries])
    people = await contacts.known(work, {delivery.person for delivery in deliveries})
    erased = [one.message_id for one in deliveries if written[one.message_id].purpose == rights.ERASED]
    last_words = await rights.addresses(work, erased)
    found: dict[UUID, Letter | Later | Refused] = {}
    for delivery in deliveries:
        message, person = written[delivery.message_id], people.get(delivery.person)
        if person is None:
            continue
        if (withheld := _withheld(delivery, message, person)) is not None:
            found[delivery.id] = withheld
            continue
        if (due_at := _awake_at(work, delivery, person)) > work.now:
            found[delivery.id] = Later(due_at)
            continue
        if message.purpose == rights.ERASED:
            phone, email = last_words.get(delivery.message_id, (None, None))
            person = replace(person, phone=phone, email=email)
        to, body = address_of(work, person, delivery.channel), body_of(work, message)
        if to is not None and body is not None:
            found[delivery.id] = Letter(
                key=delivery.id,
                to=to,
                title=message.title,
                body=f"{body}\n\n{message.why}",
                language=message.language,
                written_at=message.created_at,
            )
    return found


def _awake_at(work: Work, delivery: Delivery, person: Person) -> datetime:
    if delivery.lane == Lane.CODE or not work.quiet_hours:
        return work.now
    return awake_at(work.now, zone_of(person.home))


def _withheld(delivery: Delivery, message: Written, person: Person) -> Refused | None:
    """Tell why it may not be sent so any more; a code was asked for just now, whatever its reader chose before."""
    if message.purpose == sign_in.PURPOSE:
        return Refused("", Reason.HELD, ends=True) if person.held else None
    if message.purpose in rights.PURPOSES:
        return None  # what the law has them told, over what they chose when it was written
    urgency = Urgency(message.urgency)
    silence = silence_of(person, urgency)
    if silence is not None:
        return Refused("", Reason(silence.value), ends=True)
    if delivery.channel in channels_of(person, urgency):
        return None
    # There is another channel that they have and chose: where their plan names it, it goes over that.
    return Refused("", Reason.PREFERENCE if _is_reached(person, delivery.channel) else Reason.NO_ADDRESS)


def body_of(work: Work, message: Written) -> str | None:
    """Give what is sent of a message: what the inbox has, but for a code, which only the letter shows."""
    if message.purpose == sign_in.PURPOSE:
        return sign_in.words(work.vault, message.fact, message.language, message.created_at, work.now)
    return message.body


def _is_reached(person: Person, channel: str) -> bool:
    """Tell whether somebody has an address at a channel, whatever they chose."""
    if channel == Channel.WEBHOOK:
        return person.webhook
    if channel == Channel.APPRISE:
        return person.apprise_held is not None
    return bool(person.phone if channel in BY_PHONE else person.email)


def address_of(work: Work, person: Person, channel: str) -> str | None:
    """Give where a channel finds somebody now; None for who has no address there."""
    if not _is_reached(person, channel):
        return None
    if channel == Channel.WEBHOOK:
        return person.key
    if channel == Channel.APPRISE:
        return contacts.apprise_url(work.vault, person)
    return person.phone if channel in BY_PHONE else person.email
