"""What a person may ask for beside a copy: that their data are only stored, or that they are erased.

Erasure is one transaction: keys are destroyed, so that every sealed value is unreadable in each backup too; names and
ways to reach them give way to a neutral text; the events that told of them become tombstones, which consumers pass
over and which stand for whatever they meet in a stream (BACKBONE). The other services hear of it by event. What was
received, made and paid stays, without the person; of the erasure itself only counts are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.engine import CursorResult
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.domain import State, check_open
from services.registration.businesses.store import OwnerRow, lock_owner_alone, owner_seen
from services.registration.people.domain import LegalHold, NotRestricted
from services.registration.people.store import PersonActRow
from shared import operator_acts
from shared.contracts.registration import (
    BusinessClosed,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
)
from shared.database import Work
from shared.idempotency import forget_answers
from shared.problems import Absent
from shared.stream import LOST

ERASED_NAME = "(dihapus)"
ERASED_REASON = "Data pemilik dihapus"
HOLDS_TOLD_MAX = 20

BUSINESSES = text("SELECT id, region, state FROM business WHERE owner_id = :owner_id ORDER BY id FOR UPDATE")
# What was delivered and accepted, and is not paid yet: the papers of a payment must be kept until it is made.
HOLDS = text(
    """
    SELECT order_id, sum(CASE WHEN kind = 'delivery' THEN amount_rupiah ELSE -amount_rupiah END)::bigint AS due
    FROM income WHERE business_id = ANY(CAST(:businesses AS uuid[]))
    GROUP BY order_id HAVING sum(CASE WHEN kind = 'delivery' THEN amount_rupiah ELSE -amount_rupiah END) > 0
    ORDER BY order_id LIMIT :rows
    """
)


@dataclass(frozen=True, slots=True)
class Step:
    """What is taken away of a person in one table; the statement knows `:owner_id` and what `erase` binds besides."""

    table: str
    statement: TextClause


STEPS: Sequence[Step] = (
    Step("person_key", text("DELETE FROM person_key WHERE owner_id = :owner_id")),
    Step("contact_task", text("DELETE FROM contact_task WHERE owner_id = :owner_id")),
    Step("owner_kk", text("DELETE FROM owner_kk WHERE owner_id = :owner_id")),
    Step(
        "business",
        text(
            "UPDATE business SET address = NULL, annual_sales_sealed = NULL, annual_sales_on = NULL,"
            " business_scale = NULL, business_scale_rule = NULL, business_scale_since = NULL, version = version + 1,"
            " state_reason = CASE WHEN state IN ('closed', 'merged') THEN state_reason ELSE CAST(:reason AS text) END,"
            " state = CASE WHEN state = 'merged' THEN state ELSE 'closed' END, changed_at = CAST(:now AS timestamptz)"
            " WHERE owner_id = :owner_id"
        ),
    ),
    Step(
        "owner",
        text(
            "UPDATE owner SET name = :name, nik_sealed = NULL, nik_index = NULL, phone = NULL, email = NULL,"
            " language = 'id', restricted_at = NULL, erased_at = CAST(:now AS timestamptz) WHERE id = :owner_id"
        ),
    ),
    Step(
        "outbox",
        text(
            "UPDATE outbox SET type = :lost, subject = 'lost/' || seq, actor = 'erasure', region = '',"
            " traceparent = '', data = :nothing"
            " WHERE subject = :subject AND type = ANY(CAST(:told AS text[]))"
        ),
    ),
)
"""Everything that registration holds of a person; a capability that holds more adds its step."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took away: rows by table, kept without the person."""

    act: PersonActRow
    region: str


async def restrict(work: Work, owner_id: UUID, reason: str) -> OwnerRow:
    """Let a person's data only be stored from now on.

    Raises: Absent (404), OwnerErased and OwnerRestricted (409)
    """
    person = await _locked(work, owner_id)
    check_open(person.restricted_at, person.erased_at)
    person.restricted_at = work.now
    await work.session.flush()
    await note(work, "restrict", reason, {}, owner_id)
    work.record(PersonRestricted(owner_id=owner_id, region=person.region), region=person.region)
    return person


async def release(work: Work, owner_id: UUID, reason: str) -> OwnerRow:
    """Lift the restriction of a person's data.

    Raises: Absent (404), OwnerErased and NotRestricted (409)
    """
    person = await _locked(work, owner_id)
    check_open(None, person.erased_at)
    if person.restricted_at is None:
        raise NotRestricted
    person.restricted_at = None
    await work.session.flush()
    await note(work, "release", reason, {}, owner_id)
    work.record(PersonReleased(owner_id=owner_id, region=person.region), region=person.region)
    return person


async def erase(work: Work, owner_id: UUID, reason: str) -> Erased:
    """Erase a person: destroy their keys, take away what names them, and tell the other services.

    Raises: Absent (404), OwnerErased (409), LegalHold (409) with the orders that are not paid yet
    """
    person = await _locked(work, owner_id)
    check_open(None, person.erased_at)
    rows = (await work.session.execute(BUSINESSES, {"owner_id": owner_id})).all()
    businesses = [row.id for row in rows]
    await _check_holds(work.session, businesses)
    region = person.region
    work.session.expunge(person)  # what is written below is not read back into it
    bound: dict[str, object] = {
        "owner_id": owner_id,
        "subject": f"owner/{owner_id}",
        "now": work.now,
        "name": ERASED_NAME,
        "reason": ERASED_REASON,
        "lost": LOST,
        "nothing": msgspec.msgpack.encode({}),
        "told": [OwnerRegistered.type, OwnerChanged.type],
    }
    counts = {step.table: await _taken(work.session, step, bound) for step in STEPS}
    await operator_acts.forget(work.session, f"owner/{owner_id}")
    counts["idempotency"] = await forget_answers(work.session, str(owner_id))
    act = await note(work, "erase", reason, counts)
    for row in rows:
        if row.state not in (State.CLOSED, State.MERGED):
            closed = BusinessClosed(business_id=row.id, owner_id=owner_id, region=row.region, reason=ERASED_REASON)
            work.record(closed, region=row.region)
    work.record(PersonErased(owner_id=owner_id, region=region, businesses=businesses), region=region)
    return Erased(act, region)


async def _taken(session: AsyncSession, step: Step, bound: Mapping[str, object]) -> int:
    names = step.statement._bindparams  # noqa: SLF001  SQLAlchemy gives no other list of them
    done = await session.execute(step.statement, {name: value for name, value in bound.items() if name in names})
    return cast("CursorResult[object]", done).rowcount


async def _check_holds(session: AsyncSession, businesses: Sequence[UUID]) -> None:
    rows = (await session.execute(HOLDS, {"businesses": list(businesses), "rows": HOLDS_TOLD_MAX})).all()
    if rows:
        holds = [{"order_id": str(row.order_id), "unpaid_rupiah": row.due} for row in rows]
        raise LegalHold(f"{len(rows)} orders are delivered and not paid yet.", holds=holds)


async def _locked(work: Work, owner_id: UUID) -> OwnerRow:
    if await owner_seen(work.session, owner_id, work.caller.regions) is None:
        raise Absent
    return await lock_owner_alone(work.session, owner_id)


async def note(
    work: Work, act: str, reason: str, counts: Mapping[str, int], owner_id: UUID | None = None
) -> PersonActRow:
    """Leave the record of an act with personal data, in its own transaction."""
    row = PersonActRow(
        id=work.new_id(),
        at=work.now,
        actor=work.caller.subject,
        act=act,
        owner_id=owner_id,
        reason=reason,
        counts=dict(counts),
    )
    work.session.add(row)
    await work.session.flush()
    return row
