"""Choosing how one is told: over which channels each class, in which language, and STOP."""

from dataclasses import dataclass
from uuid import UUID

from services.notifications.contacts import handlers, preference_store, store
from services.notifications.contacts.preference_store import PreferenceRow
from services.notifications.people import owner_key
from shared.caller import Caller
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid, Stale


@dataclass(frozen=True, slots=True)
class Changes:
    """What somebody chooses anew; None leaves a choice as it is."""

    required: list[str] | None = None
    invitation: list[str] | None = None
    information: list[str] | None = None
    digest: bool | None = None
    language: str | None = None
    stopped: bool | None = None


async def chosen(work: Work, person: str) -> PreferenceRow:
    """Give what a person chose; for who chose nothing, what then holds, as version 1."""
    row = await preference_store.find(work.session, person)
    return row or PreferenceRow(person=person, changed_by="", changed_at=work.now)


async def change(work: Work, person: str, version: int, changes: Changes) -> PreferenceRow:
    """Keep what a person chooses; it counts from the next letter on, for what is queued already too.

    Aid for oneself keeps one channel at least: it has a day and a place, and an inbox that nobody opens would lose it.
    Whoever wants no letter at all says STOP, which is one clear word and is undone by another.
    Raises: Stale (412), Invalid (422)
    """
    row = await chosen(work, person)
    if row.version != version:
        raise Stale(f"It is at version {row.version} by now.")
    if changes.required == []:
        raise Invalid([FieldError("/required", "required_stays", "One channel stays for aid; STOP ends all letters.")])
    for name in ("required", "invitation", "information", "digest", "language"):
        if (value := getattr(changes, name)) is not None:
            setattr(row, name, sorted(set(value), key=preference_store.CHANNELS.index) if name in CLASSES else value)
    if changes.stopped is not None and changes.stopped != row.stopped:
        said = "stopped_at" if changes.stopped else "started_at"
        setattr(row, said, work.now)
    row.changed_by, row.changed_at = work.caller.subject, work.now
    if not await preference_store.save(work.session, row):
        raise Stale("Somebody has changed it just now.")
    return row


CLASSES = frozenset({"required", "invitation", "information"})


async def of_owner(work: Work, caller: Caller, owner_id: UUID) -> PreferenceRow:
    """Give what an owner chose; raises Absent (404), also for an owner of another region."""
    await _seen(work, caller, owner_id)
    return await chosen(work, owner_key(owner_id))


async def stop_for(work: Work, caller: Caller, owner_id: UUID, *, stopped: bool) -> PreferenceRow:
    """Note for an owner who said STOP or MULAI to the office; raises Absent (404)."""
    await _seen(work, caller, owner_id)
    say = handlers.stop if stopped else handlers.start
    await say(work, owner_key(owner_id), work.now)
    return await chosen(work, owner_key(owner_id))


async def _seen(work: Work, caller: Caller, owner_id: UUID) -> None:
    contact = await store.contact(work.session, owner_id)
    if contact is None or not caller.sees(contact.region):
        raise Absent
