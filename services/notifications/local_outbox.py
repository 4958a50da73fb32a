"""The local outbox: where no channel is set up, what would have been sent can be looked at, by staff or as a page.

Where any channel is set up it is not there at all. The page opens at an address that `serumpun up` prints and that
is another one each day; it shows codes for signing in too, which reach nobody else on such a machine.
"""

import hmac
from base64 import b32encode
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import store
from services.notifications.delivery.channels.local import LOCAL, nothing_is_sent
from services.notifications.letters import address_of, body_of
from services.notifications.messages import handlers as messages
from shared import cursor
from shared.answers import Content
from shared.clock import shown, wib_day
from shared.database import Work
from shared.privacy import Vault
from shared.problems import Absent
from shared.public_page import CHANGED, public_page
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes
from shared.settings import Settings

PATH: Final = "/notifications/local-outbox/{code}"
CODE_BYTES: Final = 16
SHOWN_MAX: Final = 50
HTML: Final = "text/html"
TITLE: Final = ("Yang akan dikirim", "What would have been sent")
NOTHING: Final = '<p>Belum ada apa-apa.</p><p lang="en">Nothing yet.</p>'
FOOT: Final = (
    "Tidak ada saluran yang dipasang: tidak ada yang meninggalkan mesin ini.",
    "No channel is set up: nothing leaves this machine.",
)

routes = Routes("/notifications", tag="Deliveries")

OutboxCode = Annotated[str, msgspec.Meta(min_length=26, max_length=26, pattern=r"^[A-Z2-7]{26}$(?!\n)")]


class LocalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stretch of the local outbox."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class LocalLetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that would have been sent: over which channel, to where, and what it says; `id` is its delivery's."""

    id: UUID
    channel: Literal["whatsapp", "sms", "email", "webhook", "apprise"]
    to: str | None
    title: str
    body: str
    language: Literal["id", "en"]
    at: datetime


@routes.get("/local-outbox", Action.SEE_LOCAL_OUTBOX, refusals=[Absent])
async def show_local_outbox(call: Call, query: LocalQuery) -> Page[LocalLetterView]:
    """Show what would have been sent to the people of the caller's regions, newest first; codes are not shown."""
    _demand_local(call)
    (after,) = cursor.decode(query.cursor, tuple[UUID]) if query.cursor else (None,)
    found = await store.page(call.work.session, call.caller.regions, None, after, query.limit, reply=LOCAL)
    letters = {one.id: one for one in await _letters(call.work, found, codes=False)}
    return cursor.page(found, query.limit, lambda row: letters[row.id], lambda row: (row.id,))


@routes.get("/local-outbox/{code}", Action.OPEN_LOCAL_OUTBOX, refusals=[Absent], media={HTML: None})
async def open_local_outbox(call: Call, code: OutboxCode) -> Content:
    """Show the page of what would have been sent, to whoever has the address of today or of yesterday."""
    settings = _demand_local(call)
    today = wib_day(call.work.now)
    codes = [code_of(call.work.vault, day) for day in (today, today - timedelta(days=1))]
    if not any(hmac.compare_digest(one.encode(), code.encode()) for one in codes):
        raise Absent
    province = settings.province.split("-")[0]  # all of it: whoever runs this machine has its keys
    rows = await store.page(call.work.session, [province], None, None, SHOWN_MAX, reply=LOCAL)
    return _page(await _letters(call.work, rows[:SHOWN_MAX], codes=True))


def code_of(vault: Vault, day: date) -> str:
    """Give the code of the page on a WIB day: 26 letters and digits, which nobody guesses."""
    return b32encode(vault.code(day.isoformat(), "local outbox")[:CODE_BYTES]).decode().rstrip("=")


def _demand_local(call: Call) -> Settings:
    if call.settings is None or not nothing_is_sent(call.settings):
        raise Absent
    return call.settings


async def _letters(work: Work, rows: Sequence[store.DeliveryRow], *, codes: bool) -> list[LocalLetterView]:
    written = await messages.written(work, [row.message_id for row in rows])
    people = await contacts.known(work, {row.person for row in rows})
    found = []
    for row in rows:
        message, person = written[row.message_id], people.get(row.person)
        body = (body_of(work, message) if codes else None) or message.body
        letter = LocalLetterView(
            id=row.id,
            channel=msgspec.convert(row.channel, Literal["whatsapp", "sms", "email", "webhook", "apprise"]),
            to=address_of(work, person, row.channel) if person and row.channel != "apprise" else None,
            title=message.title,
            body=f"{body}\n\n{message.why}",
            language=msgspec.convert(message.language, Literal["id", "en"]),
            at=shown(row.accepted_at or row.changed_at),
        )
        found.append(letter)
    return found


def _page(letters: Sequence[LocalLetterView]) -> Content:
    told = "".join(
        f'<h2 lang="{one.language}">{escape(one.title)}</h2>'
        f"<p><small>{escape(one.channel)} \u2192 {escape(one.to or '')} \u00b7 {one.at:%d.%m.%Y %H:%M:%S}</small></p>"
        + "".join(f'<p lang="{one.language}">{escape(line)}</p>' for line in one.body.splitlines() if line)
        for one in letters
    )
    return public_page(CHANGED, TITLE, told or NOTHING, FOOT)
