"""Clearing what was kept long enough, field by field as the schedule says, in small transactions."""

from datetime import date
from typing import cast

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import CursorResult
from sqlmodel import col, select

from services.operations.findings import Steps
from services.operations.installation import Installation
from services.operations.people import caller, registration
from services.operations.schedule import SCHEDULE, Field
from services.registration.businesses.owners import record_change
from services.registration.businesses.store import OwnerRow
from services.registration.people import rights
from shared.clock import wib_day
from shared.operator_acts import Operator

BATCH_ROWS = 500


class FieldDue(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the schedule, and how many rows of it are, or were, due."""

    field: str
    purpose: str
    months: int
    basis: str
    due: int


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """What the schedule says of the installation as of a day."""

    day: date
    fields: list[FieldDue]
    done: bool


async def apply(there: Installation, steps: Steps, operator: Operator | None, today: date | None = None) -> Cleared:
    """Clear what is due, and leave a record of how much it was; without an operator it is only counted."""
    day = today or wib_day(there.clock.now())
    fields = []
    for field in SCHEDULE:
        due = await _counted(there, field, day)
        advance = steps.begin(field.field, due)
        if operator is not None:
            due, left = 0, due
            while left and (cleared := await _cleared(there, field, day, operator)):
                due, left = due + cleared, left - cleared
                advance(cleared)
        fields.append(
            FieldDue(field=field.field, purpose=field.purpose, months=field.months, basis=field.basis, due=due)
        )
    if operator is not None:
        async with registration(there) as database, database.work(caller(operator.name)) as work:
            await rights.note(work, "retention", operator.reason, {one.field: one.due for one in fields})
    return Cleared(day=day, fields=fields, done=operator is not None)


async def _counted(there: Installation, field: Field, day: date) -> int:
    question = f"SELECT count(*) FROM {field.table} t WHERE {field.due}"  # noqa: S608  the schedule's own
    async with there.reading(field.service) as session:
        return int((await session.execute(text(question), {"months": field.months, "today": day})).scalar_one())


async def _cleared(there: Installation, field: Field, day: date, operator: Operator) -> int:
    chosen = f"SELECT t.ctid FROM {field.table} t WHERE {field.due} LIMIT {BATCH_ROWS} FOR UPDATE"  # noqa: S608  see above
    bound = {"months": field.months, "today": day}
    if field.tells:
        return await _told(there, field, bound, operator)
    change = f"DELETE FROM {field.table}" if field.clear is None else f"UPDATE {field.table} SET {field.clear}"  # noqa: S608
    async with there.writing(field.service) as session:
        done = await session.execute(text(f"{change} WHERE ctid = ANY(ARRAY({chosen}))"), bound)
        return cast("CursorResult[object]", done).rowcount


async def _told(there: Installation, field: Field, bound: dict[str, object], operator: Operator) -> int:
    """Clear the ways to reach some owners, and tell whoever follows them."""
    chosen = text(f"SELECT t.id FROM {field.table} t WHERE {field.due} ORDER BY t.id LIMIT {BATCH_ROWS}")  # noqa: S608
    async with registration(there) as database, database.work(caller(operator.name)) as work:
        ids = list((await work.session.execute(chosen, bound)).scalars())
        found = select(OwnerRow).where(col(OwnerRow.id).in_(ids)).order_by(col(OwnerRow.id)).with_for_update()
        people = (await work.session.exec(found)).all()
        for person in people:
            person.phone = person.email = None
            record_change(work, person)
        await work.session.flush()
    return len(people)
