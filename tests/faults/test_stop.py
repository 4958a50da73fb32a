"""SIGTERM: what runs is answered, nothing new is taken in, and within twenty seconds no process is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import asyncpg
import httpx

from shared.embedded.processes import alive
from tests.faults import oracle
from tests.faults.phones import MASKS, REGION, Phones
from tests.faults.processes import Installation
from tests.processes import STOP_SECONDS_MAX
from tests.waiting import wait_until

WAITING_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def test_a_request_under_way_is_answered_and_new_ones_are_refused(
    installation: Installation, phones: Phones
) -> None:
    service = installation.services["aid_distribution"]
    before = await phones.stock()
    order = phones.order()
    async with the_card_held(installation) as store:
        sending = asyncio.create_task(phones.send(order))
        await wait_until(lambda: store.fetchval(WAITING_FOR_A_LOCK), description="the request to be under way")
        asked = monotonic()
        service.ask_to_stop()
        await wait_until(lambda: is_refused(installation, "aid_distribution"), description="new requests to be refused")

    assert await sending, "the request under way was not answered"
    await wait_until(lambda: service.exit_code is not None, STOP_SECONDS_MAX, "the end of the process")
    assert (service.exit_code, monotonic() - asked < STOP_SECONDS_MAX) == (0, True)
    await installation.bring_back("aid_distribution")
    assert await phones.stock() == before - 1
    await installation.is_at_rest()


async def test_a_request_that_cannot_end_does_not_hold_up_the_stop_and_is_told_to_come_again(
    installation: Installation, phones: Phones
) -> None:
    service = installation.services["aid_distribution"]
    before = await phones.stock()
    order = phones.order()
    async with the_card_held(installation) as store:
        sending = asyncio.create_task(phones.send(order))
        await wait_until(lambda: store.fetchval(WAITING_FOR_A_LOCK), description="the request to be under way")
        asked = monotonic()
        service.ask_to_stop()
        await wait_until(lambda: service.exit_code is not None, STOP_SECONDS_MAX, "the end of the process")
        assert (service.exit_code, monotonic() - asked < STOP_SECONDS_MAX) == (0, True)
        assert not await sending
        assert phones.told == {503: 1}

    await installation.bring_back("aid_distribution")
    await phones.send_all([order])
    assert await phones.stock() == before - 1
    await installation.is_at_rest()


async def test_when_everything_is_asked_to_stop_at_once_no_process_is_left_and_nothing_is_lost(
    installation: Installation, phones: Phones
) -> None:
    before = await phones.stock()
    processes = [*installation.services.values(), installation.servers]
    family = [member for process in processes for member in process.family()]
    sending = asyncio.create_task(phones.hand_out(300))
    await wait_until(lambda: phones.answered >= 50, description="hand-outs under way")

    asked = monotonic()
    for process in processes:
        process.ask_to_stop()
    await wait_until(lambda: all(p.exit_code is not None for p in processes), STOP_SECONDS_MAX, "the end of all")

    assert monotonic() - asked < STOP_SECONDS_MAX
    assert [process.exit_code for process in processes] == [0, 0, 0, 0]
    assert [member for member in family if alive(member)] == []
    await installation.start()
    await sending
    await installation.is_at_rest()
    assert await phones.stock() == before - 300


@asynccontextmanager
async def the_card_held(installation: Installation) -> AsyncIterator[asyncpg.Connection]:
    """Hold the card of the masks, so that whoever hands some out must wait."""
    running = installation.running
    async with oracle.opened(running.database_url, running.redis_url) as found:
        store = found.stores["aid_distribution"]
        async with store.transaction():
            await store.execute("SELECT FROM card WHERE (place, item) = ($1, $2) FOR UPDATE", f"WH-{REGION}", MASKS)
            yield store


async def is_refused(installation: Installation, service: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            await client.get(f"{installation.urls[service]}/livez", timeout=2)
        except httpx.TransportError:
            return True
        return False
