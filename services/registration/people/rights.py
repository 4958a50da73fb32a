"""What a person may ask for beside a copy: that their data are only stored, or that they are erased.

Erasure is one transaction: keys are destroyed, so that every sealed value is unreadable in each backup too; names and
ways to reach them give way to a neutral text; the events that told of them become tombstones, which consumers pass
over and which stand for whatever they meet in a stream (BACKBONE). The other services hear of it by event. What was
received, made and paid stays, without the person; of the erasure itself only counts are kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.engine import CursorResult
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses.domain import check_open
from services.registration.businesses.store import OwnerRow, lock_owner_alone, owner_seen
from services.registration.people.domain import LegalHold, NotRestricted, bears_name
from services.registration.people.store import PersonActRow
from shared import operator_acts
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    CertificateRevoked,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
    SeatWithdrawn,
    SurveyOpened,
    TrainingAttendanceTakenBack,
)
from shared.database import Work
from shared.idempotency import forget_answers
from shared.problems import Absent
from shared.stream import LOST

ERASED_NAME = "(dihapus)"
ERASED_REASON = "Data pemilik dihapus"
HOLDS_TOLD_MAX = 20

BUSINESSES = text("SELECT id, name, region, sector FROM business WHERE owner_id = :owner_id ORDER BY id FOR UPDATE")
# What was delivered and accepted, and is not paid yet: the papers of a payment must be kept until it is made.
HOLDS = text(
    """
    SELECT order_id, sum(CASE WHEN kind = 'delivery' THEN amount_rupiah ELSE -amount_rupiah END)::bigint AS due
    FROM income WHERE business_id = ANY(CAST(:businesses AS uuid[]))
    GROUP BY order_id HAVING sum(CASE WHEN kind = 'delivery' THEN amount_rupiah ELSE -amount_rupiah END) > 0
    ORDER BY order_id LIMIT :rows
    """
)


ERASES = text("SELECT set_config('serumpun.erases', :owner_id, true)")
"""Lets this transaction change what journals say of one person; of anybody else they stay append-only (a trigger)."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is taken away of a person in one table; the statement knows `:owner_id` and what `erase` binds besides."""

    table: str
    statement: TextClause


TOLD_FIELDS = ("name", "document", "state_reason", "state_document")
"""Fields of the history of a business that are written in somebody's own words."""
OF_BUSINESSES = (BusinessRegistered, BusinessChanged, BusinessClosed, BusinessMerged)
TO_BUSINESSES = (SeatWithdrawn, CertificateRevoked, SurveyOpened, TrainingAttendanceTakenBack)
"""Events that tell the name of a business, a reason in somebody's own words, or a link that answers for it.

The first are found by their subject: that another business was merged into one of theirs goes on being told.
"""

STEPS: Sequence[Step] = (
    Step("person_key", text("DELETE FROM person_key WHERE owner_id = :owner_id")),
    Step("contact_task", text("DELETE FROM contact_task WHERE owner_id = :owner_id")),
    Step("refused_registration", text("DELETE FROM refused_registration WHERE owner_id = :owner_id")),
    Step("owner_kk", text("DELETE FROM owner_kk WHERE owner_id = :owner_id")),
    Step(
        "business",
        text(
            "UPDATE business SET name = CASE WHEN id = ANY(CAST(:bearing AS uuid[])) THEN :name ELSE name END,"
            " document = NULL, state_document = NULL,"
            " address = NULL, annual_sales_sealed = NULL, annual_sales_on = NULL,"
            " business_scale = NULL, business_scale_rule = NULL, business_scale_since = NULL, version = version + 1,"
            " state_reason = CAST(:reason AS text),"
            " state = CASE WHEN state = 'merged' THEN state ELSE 'closed' END, changed_at = CAST(:now AS timestamptz)"
            " WHERE owner_id = :owner_id"
        ),
    ),
    Step(
        "record_change",
        text(
            """
            UPDATE record_change SET reason = NULL, document = NULL,
                before = CASE WHEN field = ANY(CAST(:told_fields AS text[])) AND before_sealed IS NULL
                              AND after_sealed IS NULL THEN NULL ELSE before END,
                after = CASE WHEN field = ANY(CAST(:told_fields AS text[])) AND before_sealed IS NULL
                             AND after_sealed IS NULL THEN CAST(:name AS text) ELSE after END
            WHERE owner_id = :owner_id
            """
        ),
    ),
    Step(
        "consent_act",
        text(
            """
            UPDATE consent_act SET proof = CASE WHEN proof IS NOT NULL THEN CAST(:name AS text) END,
                witness = CASE WHEN witness IS NOT NULL THEN CAST(:name AS text) END
            WHERE owner_id = :owner_id AND coalesce(proof, witness) IS NOT NULL
            """
        ),
    ),
    Step(
        "enrolment_step",
        text(
            "UPDATE enrolment_step SET reason = NULL WHERE reason IS NOT NULL AND enrolment_id IN"
            " (SELECT id FROM enrolment WHERE business_id = ANY(CAST(:businesses AS uuid[])))"
        ),
    ),
    Step(
        "enrolment",
        text(
            "UPDATE enrolment SET override_reason = NULL"
            " WHERE override_reason IS NOT NULL AND business_id = ANY(CAST(:businesses AS uuid[]))"
        ),
    ),
    Step(
        "attendance",
        text(
            "UPDATE attendance SET reason = :name WHERE reason IS NOT NULL AND enrolment_id IN"
            " (SELECT id FROM enrolment WHERE business_id = ANY(CAST(:businesses AS uuid[])))"
        ),
    ),
    Step(
        "attendance_taken_back",
        text(
            "UPDATE attendance_taken_back SET taken_back_reason = :name,"
            " reason = CASE WHEN reason IS NOT NULL THEN CAST(:name AS text) END WHERE enrolment_id IN"
            " (SELECT id FROM enrolment WHERE business_id = ANY(CAST(:businesses AS uuid[])))"
        ),
    ),
    Step(
        "certificate",
        text(
            "UPDATE certificate SET revoke_reason = :name WHERE revoke_reason IS NOT NULL AND enrolment_id IN"
            " (SELECT id FROM enrolment WHERE business_id = ANY(CAST(:businesses AS uuid[])))"
        ),
    ),
    Step(
        "business_merge",
        text(
            """
            UPDATE business_merge SET reason = :name,
                undone_reason = CASE WHEN undone_reason IS NOT NULL THEN CAST(:name AS text) END
            WHERE survivor_id = ANY(CAST(:businesses AS uuid[])) OR merged_id = ANY(CAST(:businesses AS uuid[]))
            """
        ),
    ),
    Step(
        "duplicate_case",
        text(
            """
            UPDATE duplicate_case SET reason = :name WHERE reason IS NOT NULL
                AND (low_id = ANY(CAST(:businesses AS uuid[])) OR high_id = ANY(CAST(:businesses AS uuid[])))
            """
        ),
    ),
    Step("reveal", text("UPDATE reveal SET reason = :name WHERE owner_id = :owner_id")),
    Step("person_act", text("UPDATE person_act SET reason = :name WHERE owner_id = :owner_id")),
    Step(
        "survey_answer",
        text("UPDATE survey_answer SET document = NULL WHERE owner_id = :owner_id AND document IS NOT NULL"),
    ),
    # The hash of no code: the link that was given out opens nothing any more.
    Step(
        "survey_participant",
        text(
            "UPDATE survey_participant SET code_hash = sha256(convert_to(gen_random_uuid()::text, 'UTF8'))"
            " WHERE code_hash IS NOT NULL AND business_id = ANY(CAST(:businesses AS uuid[]))"
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
    # Whose the subject is stays: it names a business or an enrolment, by which what it brought about is accounted for.
    Step(
        "outbox",
        text(
            "UPDATE outbox SET type = :lost, actor = 'erasure', region = '', traceparent = '', data = :nothing"
            " WHERE type = ANY(CAST(:of_businesses AS text[])) AND subject = ANY(CAST(:subjects AS text[]))"
        ),
    ),
    Step(
        "outbox",
        text(
            "UPDATE outbox SET type = :lost, actor = 'erasure', region = '', traceparent = '', data = :nothing"
            " WHERE type = ANY(CAST(:to_businesses AS text[])) AND EXISTS (SELECT FROM"
            " unnest(CAST(:businesses AS uuid[])) AS ours WHERE position(convert_to(ours::text, 'UTF8') IN data) > 0)"
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
    region, bearing = person.region, {row.id for row in rows if bears_name(row.name, person.name)}
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
        "told_fields": list(TOLD_FIELDS),
        "of_businesses": [event.type for event in OF_BUSINESSES],
        "to_businesses": [event.type for event in TO_BUSINESSES],
        "subjects": [f"business/{business_id}" for business_id in businesses],
        "businesses": businesses,
        "bearing": list(bearing),
    }
    await work.session.execute(ERASES, {"owner_id": str(owner_id)})
    counts: Counter[str] = Counter()
    for step in STEPS:
        counts[step.table] += await _taken(work.session, step, bound)
    await operator_acts.forget(work.session, f"owner/{owner_id}")
    for business_id in businesses:
        await operator_acts.forget(work.session, f"business/{business_id}")
    named = [str(one) for one in (owner_id, *businesses)]
    counts["idempotency"] = await forget_answers(work.session, named, work.vault)
    act = await note(work, "erase", reason, counts)
    for row in rows:
        # Whoever knows it learns its name as it is now, and that it is closed: what told of it before is a tombstone.
        name = ERASED_NAME if row.id in bearing else row.name
        known = BusinessChanged(business_id=row.id, owner_id=owner_id, name=name, sector=row.sector, region=row.region)
        closed = BusinessClosed(business_id=row.id, owner_id=owner_id, region=row.region, reason=ERASED_REASON)
        work.record(known, region=row.region)
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
