"""Tokens for people and keys for machines, given out on the command line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import typer
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from services import startup
from services.welcome import province_code
from shared import api_keys
from shared.caller import Role, caller_fault, default_regions
from shared.clock import Clock
from shared.keys import KeyStore
from shared.settings import Settings
from shared.tokens import issue_token

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 10


def token(settings: Settings, role: Role, regions: Sequence[str], subject: str | None, hours: float) -> str:
    """Give a bearer token; who is not named is the demo's own officer or member of staff."""
    regions = regions or default_regions(role, province_code(settings))
    subject = subject or _subject(role, regions, province_code(settings))
    if fault := caller_fault(subject, role, regions):
        raise typer.BadParameter(fault)
    return issue_token(KeyStore(settings.home), role, regions, subject, hours)


def create_key(
    settings: Settings, service: str, role: Role, regions: Sequence[str], subject: str, days: int | None
) -> str:
    """Store a new key for a machine and give it."""
    regions = regions or default_regions(role, province_code(settings))

    async def create(session: AsyncSession, now: datetime) -> str:
        ends = now + timedelta(days=days) if days else None
        return await api_keys.create(session, subject=subject, role=role, regions=regions, now=now, expires_at=ends)

    return asyncio.run(_in_database(settings, service, create))


def revoke_key(settings: Settings, service: str, key: str) -> str:
    """End a key, named by itself or by its id, and say so."""
    parts = api_keys.parts(key)
    key_id = parts[0] if parts else key

    async def revoke(session: AsyncSession, now: datetime) -> str:
        await api_keys.revoke(session, key_id, now)
        return f"{key_id} is revoked"

    return asyncio.run(_in_database(settings, service, revoke))


def _subject(role: Role, regions: Sequence[str], province: str) -> str:
    match role:
        case Role.REGENCY_OFFICER if regions:
            return f"officer-{regions[0]}"
        case Role.REGENCY_OFFICER:
            raise typer.BadParameter("a regency officer needs --region, such as --region 19.71", param_hint="--region")
        case Role.OWNER:
            raise typer.BadParameter("an owner must be named with --subject", param_hint="--subject")
        case Role.PROVINCE_STAFF:
            return f"staff-{province}"
        case Role.AUDITOR:
            return f"auditor-{province}"
        case Role.TURNOVER_READER:
            return f"turnover-{province}"
        case _:
            return str(role)


async def _in_database(settings: Settings, service: str, task: Callable[[AsyncSession, datetime], Awaitable[T]]) -> T:
    there = await startup.provisioned(startup.found(settings, [service]), [service])
    engine = create_async_engine(
        there.database_urls[service], poolclass=pool.NullPool, connect_args={"timeout": CONNECT_TIMEOUT_SECONDS}
    )
    try:
        async with AsyncSession(engine) as session:
            answer = await task(session, Clock().now())
            await session.commit()
            return answer
    finally:
        await engine.dispose()
