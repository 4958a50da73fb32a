"""A small service of the tests' own: notes that are written, read, changed and listed through the real edge."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared import cursor
from shared.caller import Caller, Role
from shared.contracts.registration import OwnerChanged
from shared.database import Database, Work
from shared.live.happened import Happened
from shared.problems import Absent, FieldError, Refusal, Stale
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Asked, Call, Code, Cursor, Limit, Page, Routes, Text
from shared.service import Service

OFFICER = Caller("officer-19.71", Role.REGENCY_OFFICER, ("19.71",))
COLLEAGUE = Caller("officer-19.02", Role.REGENCY_OFFICER, ("19.02",))
AUDITOR = Caller("auditor", Role.AUDITOR, ("19",))

HELD_BY = 7_364_290
"""The advisory lock that a test takes to hold a request open in the middle of its transaction."""

NOTE_TABLE = """
    CREATE TABLE note (id uuid PRIMARY KEY, text text NOT NULL, quantity bigint NOT NULL CHECK (quantity < 666),
                       author text NOT NULL, version int NOT NULL DEFAULT 1)
"""

notes = Routes("/notes", tag="Notes")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of a note."""

    item: Code
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class WriteNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note to be written."""

    text: Text
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)] = 1
    written_at: Moment | None = None
    kind: Literal["plain", "urgent"] = "plain"
    owner_id: UUID | None = None
    weight: float | None = None
    lines: Annotated[list[Line], msgspec.Meta(max_length=200)] = []


class ChangeNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is new about a note."""

    text: Text


class NoteQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which notes to list."""

    number: Annotated[int, msgspec.Meta(ge=-10, le=10)] | None = None
    since: Moment | None = None
    from_: Moment | None = msgspec.field(default=None, name="from")
    owner: UUID | None = None
    urgent: bool | None = None
    kind: Literal["plain", "urgent"] | None = None
    part: Text | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A note."""

    id: UUID
    text: str
    quantity: int
    author: str
    version: int


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a question was understood as."""

    number: int | None
    since: datetime | None
    urgent: bool | None


class NoteRefused(Refusal):
    """A rule says no."""

    code = "note_refused"
    title = "This note is not wanted"


async def rules(work: Work, leaves: Mapping[str, object]) -> Sequence[FieldError]:
    """Find a text that the rules would refuse."""
    wrong = (await work.session.execute(text("SELECT :text = 'refuse'"), {"text": leaves.get("/text")})).scalar_one()
    return [FieldError("/text", "not_wanted", "A rule says no.")] if wrong else []


async def _insert(work: Work, body: WriteNote, caller: Caller) -> NoteView:
    note = NoteView(id=work.new_id(), text=body.text, quantity=body.quantity, author=caller.subject, version=1)
    await work.session.execute(
        text("INSERT INTO note (id, text, quantity, author) VALUES (:id, :text, :quantity, :author)"),
        {"id": note.id, "text": note.text, "quantity": note.quantity, "author": note.author},
    )
    work.record(
        OwnerChanged(owner_id=note.id, name=note.text, region="19.71", language="id"), region="19.71", caller=caller
    )
    return note


@notes.post("", Action.RECEIVE_STOCK, location="/notes/{id}", refusals=[NoteRefused], rules=rules)
async def write_note(call: Call, body: WriteNote) -> NoteView:
    """Write a note."""
    if body.text == "refuse":
        await _insert(call.work, body, call.caller)
        raise NoteRefused("Not this one.", place="WH-19.71")
    if body.text.startswith("break"):
        raise ArithmeticError(f"it broke over {body.text}")
    return await _insert(call.work, body, call.caller)


@notes.post("/held", Action.RECEIVE_STOCK, location="/notes/{id}")
async def write_held_note(call: Call, body: WriteNote) -> NoteView:
    """Write a note as soon as nobody else holds the lock."""
    await call.work.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": HELD_BY})
    return await _insert(call.work, body, call.caller)


@notes.post("/together", Action.RECEIVE_STOCK, together=True, location="/notes/{id}", refusals=[NoteRefused])
async def write_together(work: Work, asked: Sequence[Asked[WriteNote]]) -> Sequence[NoteView | Refusal]:
    """Write notes that wait at the same moment in one transaction; a quantity of 666 is poison to the store."""
    await work.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": HELD_BY})
    return [
        NoteRefused("Not this one.") if one.body.text == "refuse" else await _insert(work, one.body, one.caller)
        for one in asked
    ]


@notes.get("", Action.SEE_STOCK)
async def list_notes(call: Call, query: NoteQuery) -> Page[NoteView]:
    """List the notes."""
    after = cursor.decode(query.cursor, tuple[UUID])[0] if query.cursor else UUID(int=0)
    rows = await call.work.session.execute(
        text("SELECT * FROM note WHERE id > :after ORDER BY id LIMIT :limit"),
        {"after": after, "limit": query.limit + 1},
    )
    return cursor.page(
        rows.all(), query.limit, lambda row: msgspec.convert(dict(row._mapping), NoteView), lambda row: (row.id,)
    )


@notes.get("/heard", Action.SEE_CATALOGUE)
async def hear(call: Call, query: NoteQuery) -> Heard:
    """Say what was understood."""
    return Heard(number=query.number, since=query.since or query.from_, urgent=query.urgent)


@notes.get("/numbered/{number}", Action.SEE_CATALOGUE)
async def numbered(call: Call, number: Annotated[int, msgspec.Meta(ge=0, le=9)]) -> Heard:
    """Say which number was understood."""
    return Heard(number=number, since=None, urgent=None)


@notes.live("/live", Action.SEE_STOCK)
def follow_notes(caller: Caller, event: Happened) -> bool:
    """Follow what is written in your regions."""
    return caller.sees(event.region)


@notes.get("/{note_id}", Action.SEE_STOCK)
async def show_note(call: Call, note_id: UUID) -> NoteView:
    """Show a note."""
    return await _found(call.work, note_id)


@notes.patch("/{note_id}", Action.RECEIVE_STOCK)
async def change_note(call: Call, note_id: UUID, body: ChangeNote) -> NoteView:
    """Change a note."""
    found = await _found(call.work, note_id)
    if found.version != call.expected_version:
        raise Stale(f"It is version {found.version} now.")
    await call.work.session.execute(
        text("UPDATE note SET text = :text, version = version + 1 WHERE id = :id"), {"id": note_id, "text": body.text}
    )
    return await _found(call.work, note_id)


@notes.post("/{note_id}/bell", Action.RECEIVE_STOCK, status=200)
async def ring(call: Call, note_id: UUID) -> NoteView:
    """Ring for a note; there is nothing to say with it."""
    return await _found(call.work, note_id)


async def _found(work: Work, note_id: UUID) -> NoteView:
    rows = await work.session.execute(text("SELECT * FROM note WHERE id = :id"), {"id": note_id})
    row = rows.one_or_none()
    if row is None:
        raise Absent
    return msgspec.convert(dict(row._mapping), NoteView)


SERVICE = Service(name="registration", title="Notes", prefix="/notes", routes=(notes,))


async def count(database: Database) -> int:
    """Give the number of notes that are in effect."""
    async with database.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM note"))).scalar_one())


async def kept_answers(database: Database) -> int:
    """Give the number of answers that are kept for retries."""
    async with database.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM idempotency"))).scalar_one())
