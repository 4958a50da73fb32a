"""A broadcast to 50,000 over a gateway that takes so many a second, and invitations that come in the midst of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median
from time import perf_counter
from uuid import UUID

from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage, database
from services.notifications.broadcasts import expanding, handlers
from services.notifications.broadcasts.audience import Audience
from services.notifications.broadcasts.domain import State, Texts
from services.notifications.broadcasts.handlers import Draft
from services.notifications.broadcasts.store import find
from services.notifications.main import sender
from services.notifications.plans import Urgency
from shared.database import Database
from shared.keys import KeyStore
from shared.service import Runtime
from shared.stream import connect
from tests.notifications.broadcast_story import people
from tests.notifications.gateway_server import Answer, GatewayServer
from tests.notifications.story import OFFICE, SITI, TAILOR, business, happened, owner
from tests.notifications.test_broadcast_lanes import invitation
from tests.waiting import wait_until

PEOPLE = 50_000
PER_SECOND = 200
APART_SECONDS = 1.0
SECONDS_MAX = 1_800
PAUSED_SECONDS = 3.0
SECOND = replace(OFFICE, subject="staff-second")


class Gateway(GatewayServer):
    """A gateway that counts the broadcast's messages, and notes when it was told an invitation."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}
        self.broadcast = 0
        self.decide = self._note

    def _note(self) -> Answer:
        told = str(self.posted.pop().body)
        self.taken.clear()  # who has it is not what is measured
        if "Jahit" in told:
            self.at.setdefault(told.partition("Jahit ")[2].split(maxsplit=1)[0].strip("',.\\"), perf_counter())
        else:
            self.broadcast += 1
        return Answer()


async def rows(stage: Stage) -> list[Row]:
    """Let a broadcast go, and meanwhile an invitation each second; then pause it, and let it go on to its end."""
    count = stage.scaled(PEOPLE)
    async with database(stage, "broadcasts", migrated="notifications") as store, Gateway().serving() as server:
        assert isinstance(server, Gateway)  # noqa: S101  what was begun is what serves
        await people(store, count)
        await happened(store, owner(SITI, phone="+6283400009999", email=None), business(TAILOR, SITI))
        broadcast_id = await _let_go(store)
        async with _working(stage, store, server):
            began = perf_counter()
            late = await _invited(stage, store, server, count)
            paused = await _paused(store, server, broadcast_id)
            await wait_until(lambda: server.broadcast >= count, SECONDS_MAX, "everybody to be reached")
            seconds = perf_counter() - began
            await wait_until(partial(_is_done, store, broadcast_id), SECONDS_MAX, "the broadcast to be done")
    stage.say(f"  {count:,} reached in {seconds:.0f} s; {len(late)} invitations, the median {median(late):.3f} s")
    return [
        Row(what=f"Invitation → gateway amid a broadcast to {count:,} at {PER_SECOND}/s, the latest of {len(late)}",
            unit="s", figures=[max(late)], budgets=(Budget(2, most=True),)),
        Row(what="The same, the median", unit="s", figures=[median(late)]),
        Row(what="Broadcast, messages reaching the gateway", unit="/s", figures=[count / (seconds - PAUSED_SECONDS)]),
        Row(what="Pause asked for → it stands, and what was in hand has gone", unit="s", figures=[paused]),
    ]  # fmt: skip


async def _let_go(store: Database) -> UUID:
    now = store.clock.now()
    words = "{owner}, pendaftaran untuk {business} dibuka sampai {until}."
    wanted = Draft(
        Urgency.INVITATION, Texts("Kabar", words, "News", words), Audience(["19.71"]), now + timedelta(days=2)
    )
    async with store.work(OFFICE) as work:
        row = await handlers.draft(work, wanted, {})
    async with store.work(OFFICE) as work:
        submitted = await handlers.submit(work, row.id)
    if submitted.state == State.SUBMITTED:
        async with store.work(SECOND) as work:
            await handlers.approve(work, row.id)
    return row.id


@asynccontextmanager
async def _working(stage: Stage, store: Database, server: Gateway) -> AsyncIterator[None]:
    redis = connect(stage.redis_url)
    settings = replace(
        stage.settings,
        whatsapp_url=server.url,
        whatsapp_token="x",  # noqa: S106  the gateway is ours
        sms_url=server.url,
        sms_token="x",  # noqa: S106
        sends_per_second=PER_SECOND,
    )
    runtime = Runtime(
        name="notifications",
        settings=settings,
        clock=store.clock,
        keys=KeyStore(settings.home),
        database=store,
        redis=redis,
        redis_url=stage.redis_url,
    )
    tasks = [asyncio.create_task(part(runtime)) for part in (sender, expanding.broadcaster)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await redis.aclose()


async def _invited(stage: Stage, store: Database, server: Gateway, count: int) -> Sequence[float]:
    """Invite somebody each second until nine tenths of the broadcast are out; gives how long each took."""
    late: list[float] = []
    while server.broadcast < count * 0.9:
        began, number = perf_counter(), len(late) + 1
        await happened(store, invitation(number, store.clock))
        await wait_until(partial(server.at.get, str(number)), SECONDS_MAX, "the invitation")
        late.append(server.at[str(number)] - began)
        if number % 60 == 0:
            stage.say(f"  {server.broadcast:,} of {count:,}, the latest invitation {max(late):.3f} s")
        await asyncio.sleep(APART_SECONDS if not stage.quick else 0.1)
    return late


async def _paused(store: Database, server: Gateway, broadcast_id: UUID) -> float:
    """Pause the broadcast for a while; gives after how long it stands, and the last message in hand has gone."""
    began = perf_counter()
    async with store.work(OFFICE) as work:
        await handlers.pause(work, broadcast_id)
    before, last = server.broadcast, perf_counter()
    while perf_counter() - began < PAUSED_SECONDS:
        await asyncio.sleep(0.01)
        if server.broadcast > before:
            before, last = server.broadcast, perf_counter()
    async with store.work(OFFICE) as work:
        await handlers.resume(work, broadcast_id)
    return last - began


async def _is_done(store: Database, broadcast_id: UUID) -> bool:
    async with store.reading(OFFICE) as work:
        row = await find(work.session, broadcast_id)
    return row is not None and row.state == State.DONE
