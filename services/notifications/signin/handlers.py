"""What is done about signing in: make and send a code, and give a token for it once."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.notifications.contacts import handlers as contacts
from services.notifications.outgoing import EVERY_CHANNEL, Outgoing, send
from services.notifications.people import Language, e164, owner_key
from services.notifications.plans import Channel, Urgency
from services.notifications.signin import store
from services.notifications.signin.domain import (
    ADDRESS_LIMITS,
    CODE_DIGITS,
    CODE_LIFE,
    KEPT,
    PHONE_LIMITS,
    TRIES_MAX,
    CodeRefused,
    OwnerNotChosen,
    counts,
    wait_seconds,
)
from services.notifications.signin.store import SignInAskRow, SignInCodeRow
from services.notifications.signin.texts import CODE, NOTICE, WHY
from shared.crashpoints import reach
from shared.database import Work
from shared.privacy import Vault
from shared.problems import FieldError, Invalid, TooMany

PURPOSE: Final = "sign_in_code"
FACT: Final = "sign-in/"
PHONES: Final = frozenset({Channel.WHATSAPP, Channel.SMS})
SWEPT_MAX: Final = 1_000
SENT_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Known:
    """A telephone as it is written everywhere, and its mark, by which it is found without being stored."""

    e164: str
    mark: bytes


def _known(vault: Vault, phone: str) -> Known:
    number = e164(phone)
    if number is None:
        raise Invalid([FieldError("/phone", "invalid_phone", "This is not a telephone number.")])
    return Known(number, vault.code(number, "sign-in phone"))


async def ask(work: Work, phone: str, address: str) -> None:
    """Make a code for a telephone, to be sent by `send_codes`; nothing here depends on whether anybody has it.

    Shape: nor does the time that it takes: who has the telephone is looked for after the answer
    Raises: Invalid (422), TooMany (429)
    """
    number = _known(work.vault, phone)
    address_mark = work.vault.code(address, "sign-in address")
    # Telephones before addresses: nobody waits for a telephone while others wait for their address.
    await store.lock(work.session, work.vault.lock(number.e164, "sign-in phone"))
    await store.lock(work.session, work.vault.lock(address, "sign-in address"))
    rows = max(limit.asks_max for limit in (*PHONE_LIMITS, *ADDRESS_LIMITS))
    asked = await store.asked(work.session, number.mark, address_mark, rows)
    waits = [wait_seconds(asked.phone, limit, work.now) for limit in PHONE_LIMITS]
    waits += [wait_seconds(asked.address, limit, work.now) for limit in ADDRESS_LIMITS]
    if seconds := max(waits):
        raise TooMany("Codes were asked for too often.", headers={"Retry-After": str(seconds)})
    work.session.add(
        SignInAskRow(id=work.new_id(), phone_mark=number.mark, address_mark=address_mark, asked_at=work.now)
    )
    code_id = work.new_id()
    work.session.add(
        SignInCodeRow(
            id=code_id,
            phone_mark=number.mark,
            code_mark=_mark(work.vault, code_id, code_of(work.vault, code_id)),
            sent_at=work.now,
            phone_held=work.vault.hold(PURPOSE, str(code_id), number.e164),
        )
    )
    await work.session.flush()


async def send_codes(work: Work) -> int:
    """Send the codes that were asked for to whoever has the telephone; gives how many, `SENT_MAX` at once."""
    rows = await store.unsent(work.session, SENT_MAX)
    for row in rows:
        assert row.phone_held is not None  # noqa: S101  by this it was found
        if counts(row.sent_at, row.used_at, row.tries, work.now):
            phone = work.vault.held(PURPOSE, str(row.id), row.phone_held)
            await _send(work, row.id, phone, row.sent_at + CODE_LIFE)
        row.phone_held = None
    await work.session.flush()
    if rows:
        reach("codes.before_commit")
    return len(rows)


async def _send(work: Work, code_id: UUID, phone: str, until: datetime) -> None:
    owners = await contacts.owners_with_phone(work, phone)
    if not owners:
        return
    # Who shares a telephone shares the code; an address of one of them would let that one in as another.
    over = EVERY_CHANNEL if len(owners) == 1 else PHONES
    first = owners[0]
    person = (await contacts.known(work, [owner_key(first.owner_id)]))[owner_key(first.owner_id)]
    notice = NOTICE[person.language]
    letter = Outgoing(
        person=person,
        fact=f"{FACT}{code_id}",
        purpose=PURPOSE,
        urgency=Urgency.REQUIRED,
        region=first.region,
        title=notice.title,
        body=notice.body,
        why=WHY[person.language],
        over=over,
        asked_for_until=until,
    )
    await send(work, [letter])


def code_of(vault: Vault, code_id: UUID) -> str:
    """Give the digits of a code; they follow from its id and the master key, and so are stored nowhere."""
    digits = int.from_bytes(vault.code(str(code_id), "sign-in code"))
    return str(digits % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def _mark(vault: Vault, code_id: UUID, code: str) -> bytes:
    return vault.code(f"{code_id}:{code}", "sign-in try")


async def take_in(work: Work, phone: str, code: str, owner_id: UUID | None) -> UUID | CodeRefused:
    """Give the owner whom a code lets in, and use it up; one that is refused is given, so that the try counts.

    Raises: Invalid (422), OwnerNotChosen (409), after which the code still counts
    """
    number = _known(work.vault, phone)
    row = await store.newest(work.session, number.mark)
    if row is None or not counts(row.sent_at, row.used_at, row.tries, work.now):
        return CodeRefused("Ask for another code.")
    if not hmac.compare_digest(_mark(work.vault, row.id, code), row.code_mark):
        row.tries += 1
        await work.session.flush()
        return CodeRefused(f"A code can be tried {TRIES_MAX} times." if row.tries < TRIES_MAX else "Ask for another.")
    owners = await contacts.owners_with_phone(work, number.e164)
    chosen = [one.owner_id for one in owners if owner_id is None or one.owner_id == owner_id]
    if len(chosen) > 1:
        named = [{"id": str(one.owner_id), "name": one.name} for one in owners]
        raise OwnerNotChosen("Say which of them you are.", owners=named)
    if not chosen:
        return CodeRefused("Ask for another code.")
    row.used_at = work.now
    await work.session.flush()
    return chosen[0]


def words(vault: Vault, fact: str, language: str, written_at: datetime, now: datetime) -> str | None:
    """Give what is sent in place of the notice that the inbox shows; None when the code counts no more."""
    if now >= written_at + CODE_LIFE:
        return None
    return CODE[Language(language)].format(code=code_of(vault, UUID(fact.removeprefix(FACT))))


async def forget_old(work: Work) -> bool:
    """Take away what the limits do not need any more; tells whether there may be more."""
    return await store.forget_old(work.session, work.now - KEPT, SWEPT_MAX) == SWEPT_MAX
