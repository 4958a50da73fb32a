"""`kill -9` of every process in turn while an office hands out masks: each hand-out takes effect exactly once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults import oracle
from tests.faults.phones import Phones
from tests.faults.processes import Installation
from tests.waiting import wait_until

THE_OFFICE_NEEDS = ("aid_distribution", "postgres")
ALL_GOES_ON_WITHOUT = ("registration", "notifications", "valkey")
ORDERS_EACH = 100
ORDERS = ORDERS_EACH * len(THE_OFFICE_NEEDS + ALL_GOES_ON_WITHOUT)


async def test_500_hand_outs_take_effect_exactly_once_though_every_process_is_killed_in_turn(
    installation: Installation, phones: Phones
) -> None:
    before = await phones.stock()

    for victim in THE_OFFICE_NEEDS:
        async with in_the_middle(phones):
            await installation.kill(victim)
            await installation.bring_back(victim)
    assert phones.attempts > len(phones.orders), "nobody had to try again: nothing was killed in the middle"

    told = phones.told.copy()
    for victim in ALL_GOES_ON_WITHOUT:
        async with in_the_middle(phones):
            await installation.kill(victim)
            await installation.bring_back(victim)
    assert phones.told - told == {201: ORDERS_EACH * len(ALL_GOES_ON_WITHOUT)}, "the office noticed"

    await installation.is_at_rest()
    assert await phones.stock() == before - ORDERS
    assert len({answer for order in phones.orders for answer in order.answers}) == ORDERS
    assert oracle.handled_twice(installation.lines()) == []

    await phones.send_all(phones.orders)  # as phones do that were told nothing of all this

    assert all(len(order.answers) == 2 and order.answers[0] == order.answers[1] for order in phones.orders)
    assert await phones.stock() == before - ORDERS


async def test_services_outlive_the_end_of_both_servers_and_of_what_looks_after_them(
    installation: Installation, phones: Phones
) -> None:
    before = await phones.stock()
    services = [process.pid for process in installation.services.values()]

    async with in_the_middle(phones):
        installation.servers.kill()
        installation.servers.start()
        await installation.servers.says("ready: start services")

    await installation.is_at_rest()
    assert await phones.stock() == before - ORDERS_EACH
    assert [process.pid for process in installation.services.values() if process.running] == services
    assert oracle.handled_twice(installation.lines()) == []


@asynccontextmanager
async def in_the_middle(phones: Phones) -> AsyncIterator[None]:
    """Run a block after the first quarter of the hand-outs, and end when all of them are answered."""
    sending = asyncio.create_task(phones.hand_out(ORDERS_EACH))
    enough = phones.answered + ORDERS_EACH // 4
    await wait_until(lambda: phones.answered >= enough, description="hand-outs under way")
    yield
    await sending
