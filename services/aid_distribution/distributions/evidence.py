"""Evidence of a hand-out: a photo, where it was, who signed. Told once, apart from the distribution itself.

These are data about persons: they stand in a table of their own and in no event, no log and no list. A photo is a
reference that means something to whoever keeps the photos; nothing is fetched from it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Integer, Text, Uuid, literal, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.distributions.orders import AddEvidence, Evidence, Position
from services.aid_distribution.distributions.store import DistributionRow
from shared import operator_acts
from shared.caller import Caller
from shared.clock import shown
from shared.contracts.registration import PersonErased
from shared.database import Work
from shared.effect_audit import Seen, Told, seen_in
from shared.idempotency import forget_answers
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.roles import Action, allowed

PARTS = ("photo_reference", "position", "signature_name")


class EvidenceExists(Refusal):
    """Evidence is told once: what was shown to somebody stays what it was."""

    code = "evidence_exists"
    title = "There is evidence already"


class EvidenceRow(SQLModel, table=True):
    """The evidence of a distribution."""

    __tablename__ = "distribution_evidence"
    __table_args__ = (
        CheckConstraint(
            "photo_reference IS NOT NULL OR latitude_microdegrees IS NOT NULL OR signature_name IS NOT NULL",
            name="distribution_evidence_says_something",
        ),
        CheckConstraint(
            "length(photo_reference) <= 200 AND length(signature_name) <= 200", name="distribution_evidence_short"
        ),
        CheckConstraint(
            "latitude_microdegrees BETWEEN -90000000 AND 90000000"
            " AND longitude_microdegrees BETWEEN -180000000 AND 180000000 AND accuracy_metres >= 0",
            name="distribution_evidence_on_earth",
        ),
        CheckConstraint(
            "(latitude_microdegrees IS NULL) = (longitude_microdegrees IS NULL)"
            " AND (accuracy_metres IS NULL OR latitude_microdegrees IS NOT NULL)",
            name="distribution_evidence_whole_position",
        ),
    )

    distribution_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("distribution.id"), primary_key=True))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    photo_reference: str | None = Field(default=None, sa_column=Column(Text))
    latitude_microdegrees: int | None = Field(default=None, sa_column=Column(Integer))
    longitude_microdegrees: int | None = Field(default=None, sa_column=Column(Integer))
    accuracy_metres: int | None = Field(default=None, sa_column=Column(Integer))
    signature_name: str | None = Field(default=None, sa_column=Column(Text))
    actor: str
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))

    def __repr__(self) -> str:
        return f"EvidenceRow(distribution_id={self.distribution_id})"  # a row that ends in a log shows no person


class EvidenceAdded(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence was taken in; what it says is not repeated, because answers are kept for retries."""

    id: UUID
    distribution_id: UUID
    recorded_at: datetime


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of a distribution; the name is there only for those who may add evidence."""

    id: UUID
    distribution_id: UUID
    photo_reference: str | None
    position: Position | None
    signed: bool
    signature_name: str | None
    recorded_at: datetime


def evidence_mistakes(leaves: Mapping[str, object], pointer: str = "") -> list[FieldError]:
    """Say what is wrong with evidence beside its shape: it says nothing."""
    told = any(leaf.startswith(f"{pointer}/{part}") for leaf in leaves for part in PARTS)
    return [] if told else [FieldError(pointer or "/photo_reference", "missing", "Give a photo, a position or a name.")]


async def mistakes(_work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Say what is wrong with evidence that is added later."""
    return evidence_mistakes(leaves)


async def write(work: Work, told: Sequence[tuple[UUID, str, Evidence]]) -> None:
    """Keep evidence that came with distributions: whose, from whom, and what."""
    if told:
        values = [_values(work, *one) for one in told]
        await work.session.execute(insert(EvidenceRow.__table__), values)  # type: ignore[attr-defined]  # it has one


async def add(work: Work, caller: Caller, distribution_id: UUID, evidence: AddEvidence) -> EvidenceAdded:
    """Add evidence to a distribution that has none; raises Absent (404), EvidenceExists (409), Invalid (422)."""
    await _visible(work, caller, distribution_id)
    leaves = {f"/{part}": value for part in PARTS if (value := getattr(evidence, part)) is not None}
    if errors := evidence_mistakes(leaves):
        raise Invalid(errors)
    values = _values(work, distribution_id, caller.subject, evidence)
    order = insert(EvidenceRow).values(values).on_conflict_do_nothing(index_elements=["distribution_id"])
    if (await work.session.execute(order.returning(literal(1)))).first() is None:
        raise EvidenceExists("What was told first stays.")
    return EvidenceAdded(id=values["id"], distribution_id=distribution_id, recorded_at=shown(work.now))


async def show(work: Work, caller: Caller, distribution_id: UUID) -> EvidenceView:
    """Show the evidence of a distribution of the caller's regions; raises Absent (404), also when there is none."""
    await _visible(work, caller, distribution_id)
    row = await work.session.get(EvidenceRow, distribution_id)
    if row is None:
        raise Absent
    return EvidenceView(
        id=row.id,
        distribution_id=distribution_id,
        photo_reference=row.photo_reference,
        position=_position(row),
        signed=row.signature_name is not None,
        signature_name=row.signature_name if allowed(Action.ADD_EVIDENCE, caller.role) else None,
        recorded_at=shown(row.recorded_at),
    )


async def _visible(work: Work, caller: Caller, distribution_id: UUID) -> None:
    question = select(DistributionRow.region).where(DistributionRow.id == distribution_id)
    region = (await work.session.exec(question)).one_or_none()
    if region is None or not caller.sees(region):
        raise Absent


def _values(work: Work, distribution_id: UUID, actor: str, evidence: Evidence) -> dict[str, Any]:
    position = evidence.position
    return {
        "distribution_id": distribution_id,
        "id": work.new_id(),
        "photo_reference": evidence.photo_reference,
        "latitude_microdegrees": position.latitude_microdegrees if position else None,
        "longitude_microdegrees": position.longitude_microdegrees if position else None,
        "accuracy_metres": position.accuracy_metres if position else None,
        "signature_name": evidence.signature_name,
        "actor": actor,
        "recorded_at": work.now,
    }


def _position(row: EvidenceRow) -> Position | None:
    if row.latitude_microdegrees is None or row.longitude_microdegrees is None:
        return None
    return Position(
        latitude_microdegrees=row.latitude_microdegrees,
        longitude_microdegrees=row.longitude_microdegrees,
        accuracy_metres=row.accuracy_metres,
    )


ERASED_NAME = "(dihapus)"
# Who signed for a hand-out to one person's businesses and to nobody else was that person, or somebody for them.
THEIRS = """
    SELECT d.id FROM distribution d JOIN distribution_business b ON b.distribution_id = d.id
    WHERE d.public_heads = 0 AND d.id IN (
        SELECT distribution_id FROM distribution_business WHERE business_id = ANY(CAST(:businesses AS uuid[]))
    )
    GROUP BY d.id HAVING bool_and(b.business_id = ANY(CAST(:businesses AS uuid[])))
"""
FORGET = text(
    f"UPDATE distribution_evidence SET signature_name = '{ERASED_NAME}'"  # noqa: S608  texts of ours
    f" WHERE signature_name IS NOT NULL AND distribution_id IN ({THEIRS})"
)
STILL_SIGNED = text(
    f"SELECT count(*) FROM distribution_evidence WHERE signature_name <> '{ERASED_NAME}'"  # noqa: S608  texts of ours
    f" AND distribution_id IN ({THEIRS})"
)


async def forget(work: Work, event: PersonErased) -> None:
    """Take away who signed where only the businesses of somebody who was erased received; what they received stays."""
    await work.session.execute(FORGET, {"businesses": event.businesses})
    await forget_answers(work.session, [str(one) for one in (event.owner_id, *event.businesses)], work.vault)
    await operator_acts.forget(work.session, event.subject)


async def look(session: AsyncSession, told: Sequence[Told]) -> Iterable[Seen]:
    """See that nobody who was erased is named as who signed."""
    seen = []
    for one in told:
        if isinstance(one.event, PersonErased):
            left = (await session.execute(STILL_SIGNED, {"businesses": one.event.businesses})).scalar_one()
            seen.append(Seen(one, "signatures", f"{left} signatures are still there" if left else ""))
    return seen


FORGOTTEN = seen_in(look, PersonErased)
