"""What is stored of people and businesses; the tables are projections, so none refers to another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Row,
    Text,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.contacts.domain import OFFICE_ROLES, STAFF_ROLES, circles
from services.notifications.contacts.preference_store import STOPPED_SQL
from services.notifications.people import Choices, Language, Person, owner_key, staff_key
from shared.caller import sees

NAME_LENGTH_MAX = 200
EMAIL_LENGTH_MAX = 254
"""The longest address that SMTP can carry (RFC 5321, path limit of 256 with its brackets)."""

HELD_BYTES_MAX = 600
"""An address of Apprise, sealed."""

PHONE_LENGTH_MAX = 16
"""E.164: a plus sign and at most 15 digits."""

REGION_SQL = r"~ '^[0-9]{2}(\.[0-9]{2}){0,2}(\.[0-9]{4})?$'"
LANGUAGE_SQL = f"language IN ({', '.join(repr(language.value) for language in Language)})"
ROLES_SQL = ", ".join(repr(role.value) for role in STAFF_ROLES)


class ContactRow(SQLModel, table=True):
    """How an owner can be reached, as registration last said."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_LENGTH_MAX}", name="contact_name_length"),
        CheckConstraint(f"length(phone) BETWEEN 1 AND {PHONE_LENGTH_MAX}", name="contact_phone_length"),
        CheckConstraint(f"length(email) BETWEEN 3 AND {EMAIL_LENGTH_MAX}", name="contact_email_length"),
        CheckConstraint(LANGUAGE_SQL, name="contact_language_known"),
        CheckConstraint(f"region {REGION_SQL}", name="contact_region_well_formed"),
        Index("contact_phone", "phone", postgresql_where=text("phone IS NOT NULL")),
        Index("contact_email", text("lower(email)"), postgresql_where=text("email IS NOT NULL")),
    )

    owner_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    phone: str | None = Field(default=None, sa_column=Column(Text))
    email: str | None = Field(default=None, sa_column=Column(Text))
    language: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class ContactBusinessRow(SQLModel, table=True):
    """Whose a business is; no foreign key, because its owner's own event may arrive later.

    Shape: `sector` is null for what was heard before sectors were kept
    """

    __tablename__ = "contact_business"
    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_LENGTH_MAX}", name="contact_business_name_length"),
        CheckConstraint(f"region {REGION_SQL}", name="contact_business_region_well_formed"),
        CheckConstraint("length(sector) BETWEEN 1 AND 40", name="contact_business_sector_length"),
        Index("contact_business_owner", "owner_id"),
    )

    business_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    sector: str | None = Field(default=None, sa_column=Column(Text))
    trading: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default=true()))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class ContactConsentRow(SQLModel, table=True):
    """What an owner said last of being contacted; without a row nothing was ever said."""

    __tablename__ = "contact_consent"

    owner_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    given: bool = Field(sa_column=Column(Boolean, nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class ContactHoldRow(SQLModel, table=True):
    """An owner to whom nobody writes: for now, as their data may only be stored, or any more, as they were erased."""

    __tablename__ = "contact_hold"
    __table_args__ = (CheckConstraint("kind IN ('restricted', 'erased')", name="contact_hold_kind_known"),)

    owner_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    since: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class StaffMemberRow(SQLModel, table=True):
    """A member of staff, by the subject that the token names.

    Shape: `apprise_held` is the sealed address of Apprise, which holds a token; `webhook` says that the office's own
           system is told what concerns them
    """

    __tablename__ = "staff_member"
    __table_args__ = (
        CheckConstraint("length(subject) BETWEEN 1 AND 200", name="staff_member_subject_length"),
        CheckConstraint(f"length(name) BETWEEN 1 AND {NAME_LENGTH_MAX}", name="staff_member_name_length"),
        CheckConstraint(f"role IN ({ROLES_SQL})", name="staff_member_role_known"),
        CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="staff_member_regions_present"),
        CheckConstraint(f"length(email) BETWEEN 3 AND {EMAIL_LENGTH_MAX}", name="staff_member_email_length"),
        CheckConstraint(f"length(apprise_held) BETWEEN 1 AND {HELD_BYTES_MAX}", name="staff_member_apprise_length"),
        CheckConstraint(LANGUAGE_SQL, name="staff_member_language_known"),
        Index("staff_member_regions", "regions", postgresql_using="gin"),
    )

    subject: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    regions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    email: str | None = Field(default=None, sa_column=Column(Text))
    language: str = Field(sa_column=Column(Text, nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    apprise_held: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    webhook: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


@dataclass(frozen=True, slots=True)
class Named:
    """A business that a fact names, whose it is, and that person where they are known."""

    business_id: UUID
    name: str
    owner_id: UUID
    owner: Person | None


@dataclass(frozen=True, slots=True)
class Clerk:
    """A member of staff, and the regions that they serve, or of which they subscribed to a kind of news."""

    person: Person
    regions: frozenset[str]
    subscribed: bool = False


def _upsert(row: type[SQLModel], key: str) -> Insert:
    """Give the statement that stores rows, each over the one of its key."""
    news = insert(table := row.__table__)  # type: ignore[attr-defined]  # every table row has one
    return news.on_conflict_do_update(index_elements=[key], set_={one.name: news.excluded[one.name] for one in table.c})


SAVE_CONTACTS = _upsert(ContactRow, "owner_id")
SAVE_BUSINESSES = _upsert(ContactBusinessRow, "business_id")
SAVE_CONSENTS = _upsert(ContactConsentRow, "owner_id")
SAVE_STAFF = _upsert(StaffMemberRow, "subject")


async def save_contacts(session: AsyncSession, rows: Sequence[ContactRow]) -> None:
    """Store how owners, each of them once, can be reached now."""
    await session.execute(SAVE_CONTACTS, [row.model_dump() for row in rows])


async def save_businesses(session: AsyncSession, rows: Sequence[ContactBusinessRow]) -> None:
    """Store whose businesses, each of them once, are now."""
    await session.execute(SAVE_BUSINESSES, [row.model_dump() for row in rows])


async def save_consents(session: AsyncSession, rows: Sequence[ContactConsentRow]) -> None:
    """Store what owners said last of being contacted."""
    await session.execute(SAVE_CONSENTS, [row.model_dump() for row in rows])


END = text(
    "UPDATE contact_business SET trading = false, changed_at = CAST(:now AS timestamptz)"
    " WHERE business_id = ANY(CAST(:ids AS uuid[]))"
)


async def end_businesses(session: AsyncSession, ids: Iterable[UUID], now: datetime) -> None:
    """Note that businesses have closed; what was handed to them before is still told."""
    await session.execute(END, {"ids": list(ids), "now": now})


CHOSEN_SQL = f"p.required, p.invitation, p.information, p.digest, {STOPPED_SQL} AS stopped"
OWNER_SQL = (
    "coalesce(p.language, c.language) AS language, c.language IS NOT NULL AS is_known, email, phone,"
    f" c.region AS home, coalesce(given, true) AS consents, h.owner_id IS NOT NULL AS held, {CHOSEN_SQL}"
)
BUSINESSES = text(
    f"SELECT business_id, b.name, owner_id, {OWNER_SQL} FROM contact_business b LEFT JOIN contact c USING (owner_id)"  # noqa: S608  ours
    " LEFT JOIN contact_consent USING (owner_id) LEFT JOIN contact_hold h USING (owner_id)"
    " LEFT JOIN preference p ON p.person = 'owner/' || owner_id"
    " WHERE business_id = ANY(CAST(:ids AS uuid[]))"
)


async def businesses(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Named]:
    """Find businesses by id; those that are not known are left out."""
    rows = await session.execute(BUSINESSES, {"ids": list(ids)})
    return {row.business_id: Named(row.business_id, row.name, row.owner_id, _owner(row)) for row in rows}


OWNERS = text(
    f"SELECT owner_id, {OWNER_SQL} FROM contact c"  # noqa: S608  ours
    " LEFT JOIN contact_consent USING (owner_id) LEFT JOIN contact_hold h USING (owner_id)"
    " LEFT JOIN preference p ON p.person = 'owner/' || owner_id"
    " WHERE owner_id = ANY(CAST(:ids AS uuid[]))"
)


async def owners(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Find owners by id; those that are not known are left out."""
    rows = await session.execute(OWNERS, {"ids": list(ids)})
    return {row.owner_id: person for row in rows if (person := _owner(row))}


def _owner(row: Row[Any]) -> Person | None:
    if not row.is_known:
        return None
    return Person(
        owner_key(row.owner_id),
        Language(row.language),
        row.email,
        consents=row.consents,
        held=row.held,
        phone=row.phone,
        home=row.home,
        choices=_choices(row),
        stopped=row.stopped,
    )


def _choices(row: Row[Any]) -> Choices | None:
    if row.required is None:
        return None
    return Choices(tuple(row.required), tuple(row.invitation), tuple(row.information), row.digest)


async def contact(session: AsyncSession, owner_id: UUID) -> ContactRow | None:
    """Find how an owner can be reached."""
    return await session.get(ContactRow, owner_id, populate_existing=True)


class Reached(NamedTuple):
    """An owner whom a telephone reaches."""

    owner_id: UUID
    name: str
    region: str


WITH_PHONE = text("SELECT owner_id, name, region FROM contact WHERE phone = :phone ORDER BY owner_id LIMIT :rows")
WITH_PHONE_MAX = 20


async def with_phone(session: AsyncSession, phone: str) -> list[Reached]:
    """Find the owners who have a telephone number in E.164, in a lasting order."""
    rows = await session.execute(WITH_PHONE, {"phone": phone, "rows": WITH_PHONE_MAX})
    return [Reached(*row) for row in rows]


class Called(NamedTuple):
    """What an owner is called, and a business of theirs: the first that trades, or none."""

    owner_id: UUID
    name: str
    business: str


# Held until the transaction that quotes a name ends: an erasure waits for it, and then takes the quotation away too.
# Whom an erasure has in hand at this moment has no name here.
CALLED = text(
    """
    SELECT owner_id, c.name, coalesce(
        (SELECT b.name FROM contact_business b WHERE b.owner_id = c.owner_id ORDER BY NOT trading, name LIMIT 1), ''
    ) AS business
    FROM contact c WHERE owner_id = ANY(CAST(:ids AS uuid[])) ORDER BY owner_id FOR SHARE OF c SKIP LOCKED
    """
)


async def called(session: AsyncSession, ids: Iterable[UUID]) -> list[Called]:
    """Give what owners are called; those that are not known are left out."""
    return [Called(*row) for row in await session.execute(CALLED, {"ids": list(ids)})]


HOLD = text(
    "INSERT INTO contact_hold (owner_id, kind, since) VALUES (:owner_id, :kind, :now)"
    " ON CONFLICT (owner_id) DO UPDATE SET kind = excluded.kind WHERE contact_hold.kind <> 'erased'"
)
LET_GO = text("DELETE FROM contact_hold WHERE owner_id = :owner_id AND kind = 'restricted'")


async def hold(session: AsyncSession, owner_id: UUID, kind: str, now: datetime) -> None:
    """Note that nobody writes to an owner; who was erased stays so."""
    await session.execute(HOLD, {"owner_id": owner_id, "kind": kind, "now": now})


async def let_go(session: AsyncSession, owner_id: UUID) -> None:
    """Note that an owner is written to again."""
    await session.execute(LET_GO, {"owner_id": owner_id})


STAFF_SQL = (
    "SELECT subject, s.regions, coalesce(p.language, s.language) AS language, email, apprise_held, webhook,"  # noqa: S608  ours
    f" {CHOSEN_SQL}"
    " FROM staff_member s LEFT JOIN preference p ON p.person = 'staff/' || subject"
)
# Whoever subscribed is told of the kinds and regions that they named, and by role alone of what has no kind.
OFFICE = text(
    STAFF_SQL.replace("FROM staff_member", ", k.regions AS followed FROM staff_member")
    + " LEFT JOIN subscription k USING (subject) WHERE role = ANY(CAST(:roles AS text[])) AND CASE"
    " WHEN CAST(:kind AS text) IS NULL OR k.subject IS NULL THEN s.regions && CAST(:regions AS text[])"
    " ELSE CAST(:kind AS text) = ANY(k.kinds) AND k.regions && CAST(:around AS text[]) END ORDER BY subject"
)


async def office(session: AsyncSession, regions: Iterable[str], kind: str | None = None) -> list[Clerk]:
    """Find the staff of the offices that serve any of these very regions, neither inside nor around them.

    Shape: of a `kind` those who subscribed are found by what they named, also for what lies in a region they named
    """
    wanted = list(regions)
    around = {circle for region in wanted for circle in circles(region)}
    asked = {"roles": [role.value for role in OFFICE_ROLES], "regions": wanted, "around": list(around), "kind": kind}
    return [_served(row, kind) for row in await session.execute(OFFICE, asked)]


def _served(row: Row[Any], kind: str | None) -> Clerk:
    if kind is None or row.followed is None:
        return Clerk(_clerk(row), frozenset(row.regions))
    # What was taken from them since is not theirs any more, whatever they once subscribed to.
    theirs = [region for region in row.followed if sees(row.regions, region)]
    return Clerk(_clerk(row), frozenset(theirs), subscribed=True)


STAFF = text(f"{STAFF_SQL} WHERE subject = ANY(CAST(:subjects AS text[]))")


async def staff(session: AsyncSession, subjects: Iterable[str]) -> dict[str, Person]:
    """Find staff by subject, whatever their role; those that are not known are left out."""
    rows = await session.execute(STAFF, {"subjects": list(subjects)})
    return {row.subject: _clerk(row) for row in rows}


def _clerk(row: Row[Any]) -> Person:
    regions = tuple(sorted(row.regions))
    return Person(
        staff_key(row.subject),
        Language(row.language),
        row.email,
        regions=regions,
        home=regions[0],
        choices=_choices(row),
        stopped=row.stopped,
        apprise_held=row.apprise_held,
        webhook=row.webhook,
    )


NAMES = text("SELECT subject, name FROM staff_member WHERE subject = ANY(CAST(:subjects AS text[]))")


async def staff_names(session: AsyncSession, subjects: Iterable[str]) -> dict[str, str]:
    """Find the names of staff by subject; those that are not known are left out."""
    rows = await session.execute(NAMES, {"subjects": list(subjects)})
    return {row.subject: row.name for row in rows}


async def staff_member(session: AsyncSession, subject: str) -> StaffMemberRow | None:
    """Find all that is known of one member of staff."""
    return await session.get(StaffMemberRow, subject, populate_existing=True)


async def save_staff(session: AsyncSession, row: StaffMemberRow) -> None:
    """Store what is known of a member of staff now."""
    await session.execute(SAVE_STAFF, row.model_dump())


STAFF_PAGE = text(
    "SELECT subject, name, role, regions, email, language, apprise_held, webhook FROM staff_member"
    " WHERE subject > :after AND EXISTS (SELECT FROM unnest(regions) AS theirs, unnest(CAST(:regions AS text[])) AS own"
    " WHERE theirs = own OR starts_with(theirs, own || '.')) ORDER BY subject LIMIT :rows"
)


async def staff_page(session: AsyncSession, regions: Sequence[str], after: str, limit: int) -> list[StaffMemberRow]:
    """List the staff who have one of some regions or one inside them, by subject, and one row more than the limit."""
    rows = await session.execute(STAFF_PAGE, {"after": after, "regions": list(regions), "rows": limit + 1})
    return [StaffMemberRow(**row._mapping) for row in rows]  # noqa: SLF001  a row has no other public face by name
