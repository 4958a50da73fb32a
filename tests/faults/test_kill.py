"""`kill -9` of every process in turn while an office hands out masks: each hand-out takes effect exactly once."""

import asyncio

from tests.faults import oracle
from tests.faults.phones import Phones
from tests.faults.processes import Installation
from tests.waiting import wait_until

VICTIMS = ("aid_distribution", "registration", "notifications", "valkey", "postgres")
ORDERS_EACH = 100


async def test_500_hand_outs_take_effect_exactly_once_though_every_process_is_killed_in_turn(
    installation: Installation, phones: Phones
) -> None:
    before = await phones.stock()

    for victim in VICTIMS:
        sending = asyncio.create_task(phones.hand_out(ORDERS_EACH))
        enough = phones.answered + ORDERS_EACH // 4
        await wait_until(lambda enough=enough: phones.answered >= enough, 30, "hand-outs under way")
        await installation.kill(victim)
        await installation.bring_back(victim)
        await sending

    await installation.is_at_rest()
    assert await phones.stock() == before - ORDERS_EACH * len(VICTIMS)
    assert len({answer for order in phones.orders for answer in order.answers}) == ORDERS_EACH * len(VICTIMS)
    assert phones.attempts > len(phones.orders), "nobody ever had to try again: nothing was killed in the middle"
    assert oracle.handled_twice(installation.lines()) == []

    await phones.send_all(phones.orders)  # as phones do that were told nothing of all this

    assert all(len(order.answers) == 2 and order.answers[0] == order.answers[1] for order in phones.orders)
    assert await phones.stock() == before - ORDERS_EACH * len(VICTIMS)
