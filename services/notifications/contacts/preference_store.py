"""What people chose of how they are told, and whether they said STOP; a person without a row chose nothing."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.people import Language
from services.notifications.plans import PERSONAL

CHANNELS = [channel.value for channel in PERSONAL]
CHANNELS_SQL = f"ARRAY[{', '.join(repr(name) for name in CHANNELS)}]"
LANGUAGES_SQL = ", ".join(repr(language.value) for language in Language)
STOPPED_SQL = "coalesce(p.stopped_at > coalesce(p.started_at, '-infinity'), false)"
"""Whoever said STOP last, and not MULAI, is written to over no channel; in whatever order the two are heard."""


class PreferenceRow(SQLModel, table=True):
    """What one person chose; `stopped_at` and `started_at` are when they last said either."""

    __tablename__ = "preference"
    __table_args__ = (
        CheckConstraint("person ~ '^(owner|staff)/.{1,200}$'", name="preference_person_well_formed"),
        CheckConstraint(f"required <@ {CHANNELS_SQL} AND cardinality(required) BETWEEN 1 AND 3", name="required_stays"),
        CheckConstraint(f"invitation <@ {CHANNELS_SQL} AND cardinality(invitation) <= 3", name="invitation_known"),
        CheckConstraint(f"information <@ {CHANNELS_SQL} AND cardinality(information) <= 3", name="information_known"),
        CheckConstraint(f"language IN ({LANGUAGES_SQL})", name="preference_language_known"),
        CheckConstraint("version >= 2", name="preference_version_counts"),
    )

    person: str = Field(sa_column=Column(Text, primary_key=True))
    required: list[str] = Field(default_factory=lambda: CHANNELS, sa_column=Column(ARRAY(Text), nullable=False))
    invitation: list[str] = Field(default_factory=lambda: CHANNELS, sa_column=Column(ARRAY(Text), nullable=False))
    information: list[str] = Field(default_factory=lambda: CHANNELS, sa_column=Column(ARRAY(Text), nullable=False))
    digest: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    language: str | None = Field(default=None, sa_column=Column(Text))
    stopped_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    started_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    changed_by: str = Field(sa_column=Column(Text, nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False))

    @property
    def stopped(self) -> bool:
        """Tell whether they said STOP last."""
        return self.stopped_at is not None and (self.started_at is None or self.stopped_at > self.started_at)


async def find(session: AsyncSession, person: str) -> PreferenceRow | None:
    """Find what a person chose."""
    return await session.get(PreferenceRow, person, populate_existing=True)


SAVE = text(
    """
    INSERT INTO preference AS p
        (person, required, invitation, information, digest, language, stopped_at, started_at,
         changed_by, changed_at, version)
    VALUES (:person, :required, :invitation, :information, :digest, :language, :stopped_at, :started_at,
            :changed_by, :changed_at, :version + 1)
    ON CONFLICT (person) DO UPDATE SET required = excluded.required, invitation = excluded.invitation,
        information = excluded.information, digest = excluded.digest, language = excluded.language,
        stopped_at = excluded.stopped_at, started_at = excluded.started_at,
        changed_by = excluded.changed_by, changed_at = excluded.changed_at, version = excluded.version
    WHERE p.version = :version
    RETURNING p.version
    """
)


async def save(session: AsyncSession, row: PreferenceRow) -> bool:
    """Store what a person chose over the version that it was read at; False when somebody was faster."""
    found = (await session.execute(SAVE, row.model_dump())).scalar_one_or_none()
    if found is None:
        return False
    row.version = found
    return True


SAY = text(
    f"""
    INSERT INTO preference AS p (person, required, invitation, information, digest, changed_by, changed_at, version,
                                 stopped_at, started_at)
    VALUES (:person, {CHANNELS_SQL}, {CHANNELS_SQL}, {CHANNELS_SQL}, false, :by, :now, 2, :stopped_at, :started_at)
    ON CONFLICT (person) DO UPDATE SET stopped_at = greatest(p.stopped_at, excluded.stopped_at),
        started_at = greatest(p.started_at, excluded.started_at),
        changed_by = excluded.changed_by, changed_at = excluded.changed_at, version = p.version + 1
    WHERE p.stopped_at IS DISTINCT FROM greatest(p.stopped_at, excluded.stopped_at)
       OR p.started_at IS DISTINCT FROM greatest(p.started_at, excluded.started_at)
    """  # noqa: S608  ours
)


async def say(
    session: AsyncSession, person: str, by: str, now: datetime, *, stopped_at: datetime | None = None,
    started_at: datetime | None = None,
) -> None:  # fmt: skip
    """Note that a person said STOP, or MULAI; of several the one that was said last counts."""
    asked = {"person": person, "by": by, "now": now, "stopped_at": stopped_at, "started_at": started_at}
    await session.execute(SAY, asked)


async def forget(session: AsyncSession, person: str) -> None:
    """Take away what a person chose."""
    await session.execute(text("DELETE FROM preference WHERE person = :person"), {"person": person})
