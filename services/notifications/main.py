"""The notifications service, put together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from services.notifications import hooks, resolving
from services.notifications.broadcasts import api as broadcasts_api
from services.notifications.broadcasts.expanding import broadcaster
from services.notifications.contacts import api as contacts_api
from services.notifications.contacts import handlers as contacts
from services.notifications.contacts import preferences_api, subscriptions_api
from services.notifications.delivery import api as delivery_api
from services.notifications.delivery import rates
from services.notifications.delivery.channels.email import Email, Server
from services.notifications.delivery.channels.limits import Breaker, Draw, Guarded, SharedBucket, burst_of
from services.notifications.delivery.channels.local import Local
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.channels.webhook import Webhook
from services.notifications.delivery.channels.whatsapp import WhatsApp
from services.notifications.delivery.domain import Later, Letter, Reason, Refused
from services.notifications.delivery.sender import Channel as Sending
from services.notifications.delivery.sender import Sender
from services.notifications.delivery.store import Delivery
from services.notifications.digesting import digester
from services.notifications.giving_up import could_not_be_told
from services.notifications.messages import api as messages_api
from services.notifications.messages import handlers as messages
from services.notifications.messages import templates_api
from services.notifications.messages.domain import check
from services.notifications.messages.store import Written
from services.notifications.people import Person
from services.notifications.plans import BY_PHONE, Channel, Lane, Urgency, channels_of, silence_of
from services.notifications.reactions import REACTIONS
from services.notifications.replies import api as replies_api
from services.notifications.replies.sweeping import reply_sweeper
from services.notifications.rights import handlers as rights
from services.notifications.rights.sweeping import last_word_sweeper
from services.notifications.signin import api as sign_in_api
from services.notifications.signin import handlers as sign_in
from services.notifications.signin.sweeping import code_sender, sign_in_sweeper
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.database import Database, Work
from shared.night import awake_at, zone_of
from shared.service import Runtime, Service
from shared.settings import Settings

check()  # a text that could fail in the middle of an event fails here instead, before anything starts


URGENT = (Lane.CODE, Lane.PERSONAL)
"""The lanes that have a sender of their own at each channel: whatever the others do, these never wait for them."""


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
        to, body = _address(person, delivery.channel), _body(work, message)
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
    return Refused("", Reason.PREFERENCE if _address(person, delivery.channel) else Reason.NO_ADDRESS)


def _body(work: Work, message: Written) -> str | None:
    """Give what is sent of a message: what the inbox has, but for a code, which only the letter shows."""
    if message.purpose == sign_in.PURPOSE:
        return sign_in.words(work.vault, message.fact, message.language, message.created_at, work.now)
    return message.body


def _address(person: Person, channel: str) -> str | None:
    if channel == Channel.WEBHOOK:
        return person.key
    return person.phone if channel in BY_PHONE else person.email


def channels(settings: Settings, clock: Clock) -> dict[Channel, Callable[[], Sending]]:
    """Give how the channels that are set up are made; where none is, the local outbox stands in for each."""
    made: dict[Channel, Callable[[], Sending]] = {}
    if url := settings.whatsapp_url:
        made[Channel.WHATSAPP] = lambda: WhatsApp(url, settings.whatsapp_token, settings.whatsapp_template, clock)
    if sms := settings.sms_url:
        made[Channel.SMS] = lambda: Sms(sms, clock, {"Authorization": f"Bearer {settings.sms_token}"})
    if smtp := settings.smtp_url:
        made[Channel.EMAIL] = lambda: Email(Server.from_url(smtp), settings.mail_from)
    if hook := settings.webhook_url:
        made[Channel.WEBHOOK] = lambda: Webhook(hook, settings.webhook_secret, clock)
    return made or {channel: partial(Local, channel.value) for channel in Channel}


def drawing(database: Database, channel: str, per_second: int) -> Draw:
    """Give how turns of a channel are taken among all the processes of this store."""
    caller = Caller(database.source, Role.SERVICE, ())
    burst = burst_of(per_second)

    async def draw(count: int) -> float:
        async with database.work(caller) as work:
            return await rates.draw(work.session, channel, count, per_second=per_second, burst=burst)

    return draw


async def sender(runtime: Runtime) -> None:
    """Send what is queued over every channel that is set up; two senders each, one of them for the urgent lanes alone.

    Both share the breaker of their channel, and with all other processes its rate. What is planned over others takes
    the next way.
    """
    made = channels(runtime.settings, runtime.clock)
    lacking = [channel.value for channel in Channel if channel not in made]
    senders = []
    for channel, make in made.items():
        per_second = runtime.settings.sends_per_second
        bucket = SharedBucket(per_second, drawing(runtime.database, channel.value, per_second))
        breaker = Breaker(channel)
        for lanes in (URGENT, tuple(Lane)):
            guarded = Guarded(make(), bucket, breaker)
            senders.append(
                Sender(
                    runtime.database,
                    runtime.clock,
                    guarded,
                    letters,
                    give_up=could_not_be_told,
                    lanes=lanes,
                    lacking=lacking,
                )
            )
    async with asyncio.TaskGroup() as group:
        for one in senders:
            group.create_task(one.run())


SERVICE = Service(
    name="notifications",
    title="Messages and their delivery",
    prefix="/notifications",
    routes=(
        messages_api.routes,
        templates_api.routes,
        contacts_api.routes,
        preferences_api.routes,
        subscriptions_api.routes,
        delivery_api.routes,
        resolving.routes,
        hooks.routes,
        replies_api.routes,
        sign_in_api.routes,
        broadcasts_api.routes,
    ),
    reactions=REACTIONS,
    workers=(sender, digester, reply_sweeper, code_sender, sign_in_sweeper, last_word_sweeper, broadcaster),
)
