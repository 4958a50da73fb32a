"""Keys for machines in a real database: the secret is shown once and stored never, and an end is an end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shared.api_keys import create, lookup, lookup_in, parts, revoke
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.ended_sessions import ended_in
from shared.problems import Absent, Invalid, Unauthenticated
from shared.security import API_KEY_SECONDS_MAX, Authenticator, KeyStore
from shared.settings import Settings
from tests.conftest import Databases

NOW = datetime(2020, 9, 14, 3, 0, tzinfo=UTC)


@dataclass
class SetClock(Clock):
    """A clock that stands until it is moved."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
async def engine(databases: Databases) -> AsyncEngine:
    return (await databases("registration")).engine


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session
        await session.rollback()


async def given_key(session: AsyncSession, expires_at: datetime | None = None) -> str:
    return await create(session, subject="dashboard", role=Role.AUDITOR, regions=["19"], now=NOW, expires_at=expires_at)


def id_and_secret(token: str) -> tuple[str, str]:
    pair = parts(token)
    assert pair is not None
    return pair


async def test_a_key_opens_for_its_caller_with_its_own_secret_only(session: AsyncSession) -> None:
    key_id, secret = id_and_secret(await given_key(session))
    key = await lookup(session, key_id)
    assert key is not None
    assert key.caller == Caller("dashboard", Role.AUDITOR, ("19",))
    assert key.opens(secret, NOW)
    assert not key.opens(secret[:-1], NOW)
    assert not key.opens("", NOW)
    assert not key.opens(id_and_secret(await given_key(session))[1], NOW)


async def test_the_database_holds_the_hash_and_not_the_secret(session: AsyncSession) -> None:
    token = await given_key(session)
    key_id, secret = id_and_secret(token)
    stored = (await session.execute(text("SELECT api_key::text FROM api_key WHERE id = :id"), {"id": key_id})).scalar()
    assert stored is not None
    assert sha256(secret.encode()).hexdigest() in stored
    assert secret not in stored
    assert secret.encode().hex() not in stored


async def test_a_key_ends_at_the_moment_it_was_given_for(session: AsyncSession) -> None:
    key_id, secret = id_and_secret(await given_key(session, expires_at=NOW + timedelta(days=1)))
    key = await lookup(session, key_id)
    assert key is not None
    assert key.opens(secret, NOW + timedelta(days=1, microseconds=-1))
    assert not key.opens(secret, NOW + timedelta(days=1))


async def test_a_revoked_key_stays_revoked_from_its_first_moment(session: AsyncSession) -> None:
    key_id, secret = id_and_secret(await given_key(session))
    await revoke(session, key_id, NOW + timedelta(hours=1))
    await revoke(session, key_id, NOW + timedelta(hours=2))
    key = await lookup(session, key_id)
    assert key is not None
    assert key.revoked_at == NOW + timedelta(hours=1)
    assert not key.opens(secret, NOW + timedelta(hours=3))


async def test_an_id_that_was_never_given_is_absent(session: AsyncSession) -> None:
    assert await lookup(session, "0" * 16) is None
    with pytest.raises(Absent):
        await revoke(session, "0" * 16, NOW)


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"role": Role.OWNER, "regions": []}, ["/role"]),
        ({"regions": []}, [""]),
        ({"regions": ["Bangka"]}, [""]),
        ({"role": Role.REGENCY_OFFICER}, [""]),
        ({"subject": ""}, [""]),
        ({"expires_at": NOW}, ["/expires_at"]),
        ({"subject": "", "expires_at": NOW}, ["", "/expires_at"]),
    ],
)
async def test_a_key_that_could_never_be_used_is_not_made(
    session: AsyncSession, changes: dict[str, object], pointers: list[str]
) -> None:
    order: dict[str, object] = {"subject": "x", "role": Role.AUDITOR, "regions": ["19"], "now": NOW, **changes}
    with pytest.raises(Invalid) as refusal:
        await create(session, **order)  # type: ignore[arg-type]
    assert [error.pointer for error in refusal.value.errors] == pointers


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("id", "'short'", "api_key_id_well_formed"),
        ("secret_hash", "'plain secret'", "api_key_secret_is_hashed"),
        ("subject", "''", "api_key_subject_present"),
        ("role", "'owner'", "api_key_role_known"),
        ("role", "'governor'", "api_key_role_known"),
        ("regions", "'{}'", "api_key_regions_present"),
        ("expires_at", "created_at", "api_key_expires_later"),
        ("revoked_at", "created_at - interval '1 second'", "api_key_revoked_later"),
    ],
)
async def test_the_database_itself_refuses_a_row_that_cannot_be(
    session: AsyncSession, column: str, value: str, constraint: str
) -> None:
    key_id, _ = id_and_secret(await given_key(session))
    with pytest.raises(IntegrityError, match=constraint):
        await session.execute(text(f"UPDATE api_key SET {column} = {value} WHERE id = :id"), {"id": key_id})  # noqa: S608


async def test_at_the_door_a_key_works_until_seconds_after_it_is_revoked(engine: AsyncEngine, tmp_path: Path) -> None:
    clock = SetClock()
    door = Authenticator(Settings.from_env({}), KeyStore(tmp_path), lookup_in(engine), ended_in(engine), clock=clock)
    async with AsyncSession(engine) as session, session.begin():
        token = await given_key(session)
    assert await door.authenticate(f"Bearer {token}") == Caller("dashboard", Role.AUDITOR, ("19",))
    async with AsyncSession(engine) as session, session.begin():
        await revoke(session, id_and_secret(token)[0], clock.moment)
    clock.moment += timedelta(seconds=API_KEY_SECONDS_MAX)
    with pytest.raises(Unauthenticated):
        await door.authenticate(f"Bearer {token}")
    await door.close()
