"""The notifications service, put together."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.contacts import api as contacts_api
from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import api as delivery_api
from services.notifications.delivery.domain import Letter
from services.notifications.delivery.email import Email, Server
from services.notifications.delivery.sender import Sender
from services.notifications.delivery.store import Delivery
from services.notifications.messages import api as messages_api
from services.notifications.messages import handlers as messages
from services.notifications.messages.domain import check
from services.notifications.reactions import REACTIONS
from shared.database import Work
from shared.service import Runtime, Service

check()  # a text that could fail in the middle of an event fails here instead, before anything starts


async def letters(work: Work, deliveries: Sequence[Delivery]) -> dict[UUID, Letter]:
    """Give the letters of deliveries, to the addresses that hold now; whoever has none, or is held, gets none."""
    written = await messages.written(work, [delivery.message_id for delivery in deliveries])
    people = await contacts.known(work, {delivery.person for delivery in deliveries})
    found = {}
    for delivery in deliveries:
        message, person = written[delivery.message_id], people.get(delivery.person)
        if person is not None and person.email is not None and not person.held:
            found[delivery.id] = Letter(
                key=delivery.id,
                to=person.email,
                title=message.title,
                body=f"{message.body}\n\n{message.why}",
                language=message.language,
                written_at=message.created_at,
            )
    return found


async def sender(runtime: Runtime) -> None:
    """Send what is queued: by email where SMTP_URL is set, otherwise the inbox alone has it."""
    settings = runtime.settings
    channel = Email(Server.from_url(settings.smtp_url), settings.mail_from) if settings.smtp_url else None
    await Sender(runtime.database, runtime.clock, channel, letters).run()


SERVICE = Service(
    name="notifications",
    title="Messages and their delivery",
    prefix="/notifications",
    routes=(messages_api.routes, contacts_api.routes, delivery_api.routes),
    reactions=REACTIONS,
    workers=(sender,),
)
