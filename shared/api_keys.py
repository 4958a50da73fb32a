"""Keys for machines: a bearer token that lives until it is revoked, of which only a hash is stored."""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import CheckConstraint, Column, DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import Field, SQLModel

from shared.caller import Caller, Role, caller_fault
from shared.problems import Absent, FieldError, Invalid

PREFIX = "srp"
ID_BYTES = 8
SECRET_BYTES = 32
TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{16}})_([A-Za-z0-9_-]{{43}})", re.ASCII)

ROLES = tuple(role for role in Role if role not in (Role.OWNER, Role.PUBLIC, Role.TURNOVER_READER))
"""A machine may have any role but that of a person with a business, or of who looks at one's sales for a reason."""

_ROLES_SQL = ", ".join(f"'{role}'" for role in ROLES)


class ApiKeyRow(SQLModel, table=True):
    """One key of a machine; revoked keys stay, so that it can be said who had one and until when."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="api_key_id_well_formed"),
        CheckConstraint("length(secret_hash) = 32", name="api_key_secret_is_hashed"),
        CheckConstraint("subject <> ''", name="api_key_subject_present"),
        CheckConstraint(f"role IN ({_ROLES_SQL})", name="api_key_role_known"),
        CheckConstraint("cardinality(regions) > 0", name="api_key_regions_present"),
        CheckConstraint("expires_at > created_at", name="api_key_expires_later"),
        CheckConstraint("revoked_at >= created_at", name="api_key_revoked_later"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    secret_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    regions: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key: whom it stands for, and until when."""

    id: str
    secret_hash: bytes
    caller: Caller
    expires_at: datetime | None
    revoked_at: datetime | None

    def opens(self, secret: str, now: datetime) -> bool:
        """Tell whether this secret, at this moment, is good for the caller."""
        ended = self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)
        return hmac.compare_digest(self.secret_hash, _hashed(secret)) and not ended


Lookup = Callable[[str], Awaitable[ApiKey | None]]
"""How an authenticator asks for a key by its id."""


async def create(
    session: AsyncSession,
    *,
    subject: str,
    role: Role,
    regions: Sequence[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """Store a new key and give the token, which nobody can read again.

    Raises: Invalid (422) for a role and regions that cannot go together, or an end before the beginning
    """
    errors = []
    if role not in ROLES:
        errors.append(FieldError("/role", "invalid", f"a machine cannot be {role}"))
    elif fault := caller_fault(subject, role, regions):
        errors.append(FieldError("", "invalid_caller", fault))
    if expires_at is not None and expires_at <= now:
        errors.append(FieldError("/expires_at", "in_the_past", "a key must live for a while"))
    if errors:
        raise Invalid(errors)
    # The secret is 256 random bits, so one round of a plain hash cannot be guessed back: slow hashes are for passwords.
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        ApiKeyRow(
            id=key_id,
            secret_hash=_hashed(secret),
            subject=subject,
            role=role.value,
            regions=list(regions),
            created_at=now,
            expires_at=expires_at,
        )
    )
    await session.flush()
    return f"{PREFIX}_{key_id}_{secret}"


async def lookup(session: AsyncSession, key_id: str) -> ApiKey | None:
    """Find a key by its id, revoked ones too."""
    row = await session.get(ApiKeyRow, key_id)
    if row is None:
        return None
    caller = Caller(row.subject, Role(row.role), tuple(row.regions))
    return ApiKey(row.id, row.secret_hash, caller, row.expires_at, row.revoked_at)


async def revoke(session: AsyncSession, key_id: str, now: datetime) -> None:
    """End a key; ending it again keeps the first moment. Raises Absent (404) for an id that was never given."""
    row = await session.get(ApiKeyRow, key_id, with_for_update=True)
    if row is None:
        raise Absent(f"There is no key {key_id}.")
    if row.revoked_at is None:
        row.revoked_at = now
        await session.flush()


def lookup_in(engine: AsyncEngine) -> Lookup:
    """Give the look-up in one service's database, a short transaction of its own each time."""

    async def find(key_id: str) -> ApiKey | None:
        async with AsyncSession(engine) as session:
            return await lookup(session, key_id)

    return find


def parts(token: str) -> tuple[str, str] | None:
    """Take a token apart into id and secret, or give None when no key can look like this."""
    match = TOKEN.fullmatch(token)
    return (match[1], match[2]) if match else None


def _hashed(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
