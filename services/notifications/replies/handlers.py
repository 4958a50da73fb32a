"""What is done with replies: each answers the one open offer, stops or starts messages, or goes to the office."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.notifications.contacts import handlers as contacts
from services.notifications.messages.wording import shortened
from services.notifications.outgoing import Outgoing, send
from services.notifications.people import owner_key
from services.notifications.plans import Urgency
from services.notifications.replies import store
from services.notifications.replies.domain import (
    ANSWERS_PER_HOUR_MAX,
    KEPT,
    Meaning,
    Outcome,
    Read,
    Reply,
    kept,
    read,
    sender_of,
)
from services.notifications.replies.store import Offer, ReplyRow, Sender
from services.notifications.replies.texts import (
    CHOICE_LENGTH_MAX,
    CHOICES_SHOWN_MAX,
    NAME_LENGTH_MAX,
    OWNER_WROTE,
    QUOTE_LENGTH_MAX,
    TEXTS,
    WHY,
    WHY_OFFICE,
)
from shared.contracts.notifications import ReplyReceived
from shared.database import Work
from shared.problems import Absent

SWEPT_MAX: Final = 500
ADDRESS_LENGTH_MAX: Final = 254
TEXT_OF: Final = {
    Outcome.ASKED_WHICH: "reply_which",
    Outcome.NO_OFFER: "reply_no_offer",
    Outcome.TOO_LATE: "reply_too_late",
    Outcome.STOPPED: "reply_stopped",
    Outcome.STARTED: "reply_started",
    Outcome.PASSED_ON: "reply_passed_on",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of a reply: the offer that it answers or was too late for, and those to choose from."""

    outcome: Outcome
    offer: Offer | None = None
    choices: Sequence[Offer] = ()


async def take(work: Work, replies: Sequence[Reply]) -> int:
    """Take in what came over a channel, in the order in which it was written; gives how many were not known yet."""
    fresh = 0
    for one in sorted(replies, key=lambda reply: (reply.at, reply.provider_id)):
        phone, address = sender_of(one.sender)
        found = await store.senders(work.session, phone, address) if one.verified and (phone or address) else []
        fresh += await _take(work, one, found) is not None
    return fresh


async def enter(work: Work, owner_id: UUID, channel: str, text: str, at: datetime) -> UUID:
    """Take in what an owner told somebody of the office, who enters it; raises Absent (404)."""
    found = await store.senders(work.session, owner_id=owner_id)
    if not found or not work.caller.sees(found[0].region):
        raise Absent
    reply_id = work.new_id()
    reply = Reply(channel, str(reply_id), "", text, at)
    await _take(work, reply, found, entered_by=work.caller.subject, reply_id=reply_id)
    return reply_id


async def _take(
    work: Work,
    reply: Reply,
    found: Sequence[Sender],
    *,
    entered_by: str | None = None,
    reply_id: UUID | None = None,
) -> UUID | None:
    said = read(reply.text)
    owners = [one.owner_id for one in found]
    row = ReplyRow(
        id=reply_id or work.new_id(),
        channel=reply.channel,
        provider_id=reply.provider_id,
        sender=reply.sender.strip()[:ADDRESS_LENGTH_MAX],
        text=kept(reply.text),
        meaning=said.meaning.value,
        outcome=(Outcome.PASSED_ON if found else Outcome.UNKNOWN_SENDER).value,
        owner_ids=owners,
        region=found[0].region if found else None,
        entered_by=entered_by,
        written_at=min(reply.at, work.now),
        received_at=work.now,
    )
    # Whoever comes second waits here for the first, and then finds the reply taken.
    if not await store.add(work.session, row):
        return None
    if not found:
        return row.id
    decided = await _decide(work, said, owners, row.written_at)
    await store.settle(
        work.session,
        row.id,
        decided.outcome,
        decided.offer.enrolment_id if decided.offer else None,
        [one.enrolment_id for one in decided.choices],
    )
    await _carry_out(work, row, said.meaning, decided, found)
    return row.id


async def _decide(work: Work, said: Read, owners: Sequence[UUID], at: datetime) -> Decided:
    match said.meaning:
        case Meaning.STOP:
            return Decided(Outcome.STOPPED)
        case Meaning.START:
            return Decided(Outcome.STARTED)
        case Meaning.OTHER:
            return Decided(Outcome.PASSED_ON)
    waiting = [one for one in await store.offers(work.session, owners) if one.answered is None]
    if said.choice is not None and len(waiting) > 1:
        asked = await store.choices(work.session, owners, work.now)
        named = asked[said.choice - 1] if said.choice <= len(asked) else None
        waiting = [one for one in waiting if one.enrolment_id == named] or waiting
    in_time = [one for one in waiting if at < one.answer_by]  # as registration has it: at the deadline it is too late
    match in_time:
        case [only]:
            return Decided(Outcome.ANSWERED, only)
        case []:
            return Decided(Outcome.TOO_LATE, waiting[0]) if waiting else Decided(Outcome.NO_OFFER)
        case several:
            return Decided(Outcome.ASKED_WHICH, choices=several[:CHOICES_SHOWN_MAX])


async def _carry_out(work: Work, row: ReplyRow, meaning: Meaning, decided: Decided, found: Sequence[Sender]) -> None:
    offer = decided.offer
    if decided.outcome is Outcome.ANSWERED and offer is not None:
        await store.answer(work.session, offer.enrolment_id, meaning)
        event = ReplyReceived(
            reply_id=row.id,
            owner_id=offer.owner_id,
            enrolment_id=offer.enrolment_id,
            answer="yes" if meaning is Meaning.YES else "no",
            channel=row.channel,
            region=offer.region,
            at=row.written_at,
        )
        work.record(event, region=offer.region)
    for one in found:
        match decided.outcome:
            case Outcome.STOPPED:
                await contacts.stop(work, owner_key(one.owner_id), row.written_at)
            case Outcome.STARTED:
                await contacts.start(work, owner_key(one.owner_id), row.written_at)
    if decided.outcome is Outcome.PASSED_ON:
        await _tell_office(work, row, found)
    if await store.recent(work.session, row.owner_ids, work.now - timedelta(hours=1)) <= ANSWERS_PER_HOUR_MAX:
        await _answer_back(work, row, meaning, decided, found)


async def _answer_back(work: Work, row: ReplyRow, meaning: Meaning, decided: Decided, found: Sequence[Sender]) -> None:
    # Who shares a telephone is answered once, and about an offer the one whose it is.
    owner_id = decided.offer.owner_id if decided.offer else found[0].owner_id
    person = (await contacts.known(work, [owner_key(owner_id)])).get(owner_key(owner_id))
    if person is None:
        return
    purpose = TEXT_OF.get(decided.outcome) or ("reply_yes" if meaning is Meaning.YES else "reply_no")
    words = TEXTS[purpose][person.language]
    numbered = [
        shortened(f"{number}. {one.title} ({one.business})", CHOICE_LENGTH_MAX)
        for number, one in enumerate(decided.choices, 1)
    ]
    offer = shortened(decided.offer.title, NAME_LENGTH_MAX) if decided.offer else ""
    answer = Outgoing(
        person=person,
        fact=f"reply/{row.id}",
        purpose=purpose,
        urgency=Urgency.INVITATION,
        region=row.region or "",
        title=words.title,
        body=words.body.format(offer=offer, choices="; ".join(numbered)),
        why=WHY[person.language],
    )
    await send(work, [answer])


async def _tell_office(work: Work, row: ReplyRow, found: Sequence[Sender]) -> None:
    regions = list(dict.fromkeys(one.region for one in found))
    offices = await contacts.offices_of(work, regions)
    people = {
        person.key: (person, region) for region, office in zip(regions, offices, strict=True) for person in office
    }
    names = shortened(", ".join(one.name for one in found), NAME_LENGTH_MAX)
    businesses = shortened(", ".join(one.business for one in found), NAME_LENGTH_MAX)
    quote = shortened(row.text, QUOTE_LENGTH_MAX).replace('"', "'") or "-"
    letters = [
        Outgoing(
            person=person,
            fact=f"reply/{row.id}",
            purpose="owner_wrote",
            urgency=Urgency.REQUIRED,
            region=region,
            title=OWNER_WROTE[person.language].title,
            body=OWNER_WROTE[person.language].body.format(owner=names, business=businesses, quote=quote),
            why=WHY_OFFICE[person.language],
        )
        for person, region in people.values()
    ]
    await send(work, letters)


async def forget(work: Work, owner_id: UUID) -> None:
    """Take away the words of an owner, here and in the messages to the office that quote them."""
    await store.forget_quotes(work.session, owner_id)
    await store.forget(work.session, owner_id)


async def forget_old(work: Work) -> bool:
    """Take away the words that are older than they are kept for; tells whether there may be more."""
    return await store.forget_old(work.session, work.now - KEPT, SWEPT_MAX) == SWEPT_MAX
