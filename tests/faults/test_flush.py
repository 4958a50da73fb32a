"""Redis is wiped while an office hands out masks: it is filled again without help, and nobody is told twice."""

import asyncio
from time import monotonic

from tests.faults import oracle
from tests.faults.phones import Phones
from tests.faults.processes import Installation
from tests.waiting import wait_until

ORDERS = 500
SECONDS_TO_HEAL = 30


async def test_flushall_in_the_middle_of_500_hand_outs_is_healed_within_seconds(
    installation: Installation, phones: Phones
) -> None:
    before = await phones.stock()
    sending = asyncio.create_task(phones.hand_out(ORDERS))
    await wait_until(lambda: phones.answered >= ORDERS // 2, description="half of the hand-outs")

    wiped = await installation.flush_redis()

    assert wiped > 0
    assert phones.answered < ORDERS, "all was handed out before the wipe"
    await sending
    all_sent_at = monotonic()
    await installation.is_at_rest()
    assert monotonic() - all_sent_at < SECONDS_TO_HEAL
    assert await phones.stock() == before - ORDERS
    assert phones.told.keys() == {201}, "the office noticed that Redis was wiped"
    assert oracle.handled_twice(installation.lines()) == []


async def test_flushall_of_a_system_at_rest_is_healed_by_itself(installation: Installation, phones: Phones) -> None:
    await phones.hand_out(1)
    await installation.is_at_rest()

    await installation.flush_redis()

    await installation.is_at_rest()  # nobody has posted anything since: the wipe itself is noticed
