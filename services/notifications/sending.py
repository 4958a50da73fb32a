"""Sending what rules tell: queued over the channels of its plan, or an office hears that there is none."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.store import Wanted
from services.notifications.messages import untold
from services.notifications.messages.handlers import Told
from services.notifications.messages.store import MessageRow
from services.notifications.people import OWNER_PREFIX
from services.notifications.plans import Kind, Plan, Silence, Urgency, silence_of
from shared.database import Work


async def send(work: Work, told: Iterable[Told]) -> None:
    """Queue what is to leave the inbox; of what no channel is there for, an office hears, with the reason."""
    plans = [(one, one.plan(work)) for one in told if one.outside]
    wanted = [
        Wanted(one.message_id, one.person.key, one.region, one.traceparent, plan)
        for one, plan in plans
        if plan.channels
    ]
    await delivery.queue(work, wanted)
    silent = {one.message_id: why for one, plan in plans if (why := _silence(work, one, plan)) is not None}
    if silent:
        await tell_offices(work, await untold.concerning(work, silent), silent)


def _silence(work: Work, told: Told, plan: Plan) -> Silence | None:
    """Tell why an owner has to be told by somebody of the office.

    Whoever chose the inbox reads the inbox, staff have theirs at work, and what is over already is no call's matter.
    """
    of_use = told.urgency is not Urgency.INFORMATION and plan.expires_at > work.now
    if plan.channels or not of_use or not told.person.key.startswith(OWNER_PREFIX):
        return None
    silence = silence_of(told.person, told.urgency) or Silence.TOO_LATE
    return None if silence in (Silence.HELD, Silence.PREFERENCE) else silence


async def tell_offices(work: Work, unreached: Sequence[MessageRow], why: Mapping[UUID, Silence]) -> None:
    """Tell the offices of messages that reached nobody, each once; `why` says which were never sent, and the reason.

    Shape: who subscribed to `not_told` is told where they named it, the rest by their role; left out is whoever was
           erased or may not be written to: nobody is to call them either
    """
    people = await contacts.known(work, {row.person for row in unreached})
    held = {key for key, person in people.items() if person.held}
    rows = [row for row in unreached if row.person not in held]
    if not rows:
        return
    called = await contacts.called(work, {row.person for row in rows})
    names = {key: untold.named(one.name, one.business) for key, one in called.items()}
    offices = await contacts.offices_of(work, [row.region for row in rows], Kind.NOT_TOLD)
    await send(work, await untold.write(work, list(zip(rows, offices, strict=True)), names, why))
