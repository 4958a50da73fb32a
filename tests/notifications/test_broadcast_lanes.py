"""A broadcast never holds up what is for one person, over a real gateway that takes only so many a second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import text

from services.notifications.broadcasts import expanding
from services.notifications.main import sender
from shared.clock import Clock
from shared.contracts.registration import SeatOffered
from shared.database import Database
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.service import Runtime
from shared.settings import Settings
from shared.stream import connect
from tests.conftest import Databases, Servers
from tests.notifications.broadcast_story import ANOTHER, drafted, let_go, people
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.notifications.story import OFFICE, SITI, TAILOR, Door, business, happened, owner
from tests.waiting import wait_until

PER_SECOND = 30
PEOPLE = 600
INVITATIONS = 6
LATE_SECONDS_MAX = 2.0
SECOND = replace(OFFICE, subject=ANOTHER)
HER_PHONE = "+6283400009999"


class Heard(GatewayServer):
    """A gateway that notes when it was told what."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}
        self.broadcast = 0
        self.decide = self._note

    def _note(self) -> Answer:
        told = str(self.posted[-1].body)
        if "Jahit" in told:
            self.at[told.partition("Jahit ")[2].split(maxsplit=1)[0].strip("',.\\n")] = monotonic()
        self.broadcast += "pendaftaran untuk Usaha" in told
        return Answer()


@pytest.fixture
async def database(databases: Databases) -> Database:
    """A store whose time goes on by itself."""
    return await databases("notifications", migrated=True, clock=Clock(), vault=Vault(b"m" * 32))


@pytest.fixture
async def gateway() -> AsyncIterator[Heard]:
    async with Heard().serving() as server:
        assert isinstance(server, Heard)
        yield server


@asynccontextmanager
async def working(
    database: Database, gateway: Heard, keys: KeyStore, servers: Servers, *, whatsapp: bool = True
) -> AsyncIterator[None]:
    """Let the senders and whoever tells people of broadcasts run as the service runs them."""
    settings = replace(
        Settings.from_env({}),
        whatsapp_url=gateway.url if whatsapp else None,
        whatsapp_token="x",
        sms_url=gateway.url,
        sms_token="x",
        sends_per_second=PER_SECOND,
    )
    redis = connect(servers.redis_url)
    runtime = Runtime(
        name="notifications", settings=settings, clock=database.clock, keys=keys, database=database,
        redis=redis, redis_url=servers.redis_url,
    )  # fmt: skip
    tasks = [asyncio.create_task(part(runtime)) for part in (sender, expanding.broadcaster)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await redis.aclose()


def invitation(number: int, now: Clock) -> SeatOffered:
    day = now.now().date()
    return SeatOffered(
        enrolment_id=UUID(int=number), training_id=UUID(int=1), business_id=TAILOR, programme="masks",
        title=f"Jahit {number}", region="19.71", venue="Aula", starts_on=day, ends_on=day, step=1,
        answer_by=now.now() + timedelta(days=1),
    )  # fmt: skip


async def broadcast(door: Door, database: Database) -> None:
    await people(database, PEOPLE)
    await happened(database, owner(phone=HER_PHONE, email=None), business())
    path = await drafted(door, expires_at=(database.clock.now() + timedelta(days=1)).isoformat())
    await let_go(door, path)
    await door(SECOND).post(f"{path}/approval")


@pytest.mark.parametrize("whatsapp", [True, False], ids=["first way", "next way"])
async def test_an_invitation_reaches_the_gateway_within_two_seconds_whatever_a_broadcast_has_queued(
    door: Door, database: Database, gateway: Heard, keys: KeyStore, servers: Servers, *, whatsapp: bool
) -> None:
    await broadcast(door, database)
    async with working(database, gateway, keys, servers, whatsapp=whatsapp):
        await wait_until(lambda: gateway.broadcast >= PER_SECOND, description="the broadcast to be on its way")
        late = []
        for number in range(1, INVITATIONS + 1):
            began = monotonic()
            await happened(database, invitation(number, database.clock))
            await wait_until(partial(gateway.at.get, str(number)), description="the invitation")
            late.append(gateway.at[str(number)] - began)
        assert gateway.broadcast < PEOPLE, "the broadcast was over too soon to show anything"
        assert max(late) <= LATE_SECONDS_MAX, late


async def test_in_the_lane_of_broadcasts_an_invitation_waits_for_all_that_came_before(
    door: Door, database: Database, gateway: Heard, keys: KeyStore, servers: Servers
) -> None:
    """The control: what keeps invitations from waiting is the lane, and nothing else."""
    await broadcast(door, database)
    await expanding.once(database)
    await happened(database, invitation(1, database.clock))
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE delivery SET lane = 3 WHERE person = :her"), {"her": f"owner/{SITI}"})
    began = monotonic()
    async with working(database, gateway, keys, servers):
        await wait_until(lambda: gateway.at.get("1"), description="the invitation")
    assert gateway.at["1"] - began > LATE_SECONDS_MAX
