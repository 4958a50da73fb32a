"""What members of staff want to be told of, region by region; without a word the role decides."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from services.notifications.plans import Kind
from shared.caller import Caller
from shared.database import Work
from shared.problems import FieldError, Invalid, Stale

KINDS = [kind.value for kind in Kind]
KINDS_SQL = f"ARRAY[{', '.join(repr(kind) for kind in KINDS)}]"


class SubscriptionRow(SQLModel, table=True):
    """The kinds and the regions that one member of staff named."""

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint(
            f"kinds <@ {KINDS_SQL} AND cardinality(kinds) <= {len(KINDS)}", name="subscription_kinds_known"
        ),
        CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="subscription_regions_present"),
        CheckConstraint("version >= 2", name="subscription_version_counts"),
    )

    subject: str = Field(sa_column=Column(Text, primary_key=True))
    kinds: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    regions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False))


async def of(work: Work, caller: Caller) -> SubscriptionRow:
    """Give what a member of staff subscribed to; for who never did every kind of their regions, as version 1."""
    row = await work.session.get(SubscriptionRow, caller.subject, populate_existing=True)
    return row or SubscriptionRow(
        subject=caller.subject, kinds=list(KINDS), regions=list(caller.regions), changed_at=work.now
    )


SAVE = text(
    """
    INSERT INTO subscription AS s (subject, kinds, regions, changed_at, version)
    VALUES (:subject, :kinds, :regions, :changed_at, :version + 1)
    ON CONFLICT (subject) DO UPDATE SET kinds = excluded.kinds, regions = excluded.regions,
        changed_at = excluded.changed_at, version = excluded.version WHERE s.version = :version
    RETURNING s.version
    """
)


async def change(
    work: Work, caller: Caller, version: int, kinds: list[str] | None, regions: list[str] | None
) -> SubscriptionRow:
    """Subscribe to some kinds in some of the caller's regions; None leaves what was named before.

    Raises: Stale (412); Invalid (422) for regions that are not the caller's
    """
    row = await of(work, caller)
    if row.version != version:
        raise Stale(f"It is at version {row.version} by now.")
    if kinds is not None:
        row.kinds = sorted(set(kinds), key=KINDS.index)
    if regions is not None:
        foreign = [index for index, region in enumerate(regions) if not caller.sees(region)]
        if foreign:
            raise Invalid([FieldError(f"/regions/{index}", "unknown_region", "No such region.") for index in foreign])
        row.regions = sorted(set(regions))
    row.changed_at = work.now
    found = (await work.session.execute(SAVE, row.model_dump())).scalar_one_or_none()
    if found is None:
        raise Stale("Somebody has changed it just now.")
    row.version = found
    return row
