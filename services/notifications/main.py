"""The notifications service, put together."""

import asyncio
from collections.abc import Callable
from functools import partial

from services.notifications import hooks, local_outbox, resolving
from services.notifications.broadcasts import api as broadcasts_api
from services.notifications.broadcasts.expanding import broadcaster
from services.notifications.contacts import api as contacts_api
from services.notifications.contacts import preferences_api, subscriptions_api
from services.notifications.delivery import api as delivery_api
from services.notifications.delivery import rates
from services.notifications.delivery.channels.apprise import Apprise
from services.notifications.delivery.channels.email import Email, Server
from services.notifications.delivery.channels.limits import Breaker, Draw, Guarded, SharedBucket, burst_of
from services.notifications.delivery.channels.local import Local, nothing_is_sent
from services.notifications.delivery.channels.sms import Sms
from services.notifications.delivery.channels.webhook import Webhook
from services.notifications.delivery.channels.whatsapp import WhatsApp
from services.notifications.delivery.sender import Channel as Sending
from services.notifications.delivery.sender import Sender
from services.notifications.digesting import digester
from services.notifications.giving_up import could_not_be_told
from services.notifications.letters import letters
from services.notifications.messages import api as messages_api
from services.notifications.messages import templates_api
from services.notifications.messages.domain import check
from services.notifications.plans import Channel, Lane
from services.notifications.reactions import REACTIONS
from services.notifications.replies import api as replies_api
from services.notifications.replies.sweeping import reply_sweeper
from services.notifications.rights.sweeping import last_word_sweeper
from services.notifications.signin import api as sign_in_api
from services.notifications.signin.sweeping import code_sender, sign_in_sweeper
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.database import Database
from shared.service import Runtime, Service
from shared.settings import Settings

check()  # a text that could fail in the middle of an event fails here instead, before anything starts


URGENT = (Lane.CODE, Lane.PERSONAL)
"""The lanes that have a sender of their own at each channel: whatever the others do, these never wait for them."""


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
    if services := settings.apprise_services:
        made[Channel.APPRISE] = lambda: Apprise(services, clock)
    return {channel: partial(Local, channel.value) for channel in Channel} if nothing_is_sent(settings) else made


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
        local_outbox.routes,
        hooks.routes,
        replies_api.routes,
        sign_in_api.routes,
        broadcasts_api.routes,
    ),
    reactions=REACTIONS,
    workers=(sender, digester, reply_sweeper, code_sender, sign_in_sweeper, last_word_sweeper, broadcaster),
)
