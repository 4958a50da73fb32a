"""What follows when a message has failed over every channel that its reader has: the office hears of it."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.contacts import handlers as contacts
from services.notifications.messages import untold
from services.notifications.plans import Kind
from services.notifications.reactions import send
from shared.database import Work


async def could_not_be_told(work: Work, message_ids: Sequence[UUID]) -> None:
    """Tell the offices of messages that failed for good, in the transaction that finds so; once for each message.

    Shape: who subscribed to `not_told` is told where they named it, the rest by their role; left out are information
           and whoever was erased or may not be written to: nobody is to call them either
    """
    concerned = await untold.concerning(work, message_ids)
    people = await contacts.known(work, {row.person for row in concerned})
    held = {key for key, person in people.items() if person.held}
    failed = [row for row in concerned if row.person not in held]
    called = await contacts.called(work, {row.person for row in failed})
    names = {key: untold.named(one.name, one.business) for key, one in called.items()}
    offices = await contacts.offices_of(work, [row.region for row in failed], Kind.NOT_TOLD) if failed else []
    await send(work, await untold.write(work, list(zip(failed, offices, strict=True)), names))
