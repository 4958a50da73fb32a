"""Two copies of the consumers and of the relay at once: they need no coordination, and nothing is doubled."""

from collections import Counter

from tests.faults import oracle
from tests.faults.phones import Phones
from tests.faults.processes import Installation
from tests.processes import Process, lines_of
from tests.waiting import wait_until


async def test_two_copies_of_consumers_and_relay_share_the_work_and_double_nothing(
    installation: Installation, phones: Phones
) -> None:
    before = await phones.stock()
    first = installation.services["notifications"]
    had = handled(first)

    async def both_have_worked() -> bool:
        await phones.hand_out(50)
        return handled(first) > had and handled(second) > 0

    async with (
        installation.copy("notifications", "consumer", "worker") as second,
        installation.copy("aid_distribution", "relay"),
    ):
        await wait_until(both_have_worked, description="both copies to have handled events")
        await installation.is_at_rest()

    assert await phones.stock() == before - phones.answered
    assert oracle.handled_twice(installation.lines()) == []


async def test_one_copy_carries_on_while_the_other_is_killed(installation: Installation, phones: Phones) -> None:
    async with installation.copy("notifications", "consumer") as copy:
        await phones.hand_out(20)

        await installation.kill("notifications")
        await phones.hand_out(20)
        await installation.is_at_rest()
        copy.kill()
        await installation.bring_back("notifications")
        await phones.hand_out(20)

    await installation.is_at_rest()
    assert oracle.handled_twice(installation.lines()) == []


def handled(process: Process) -> int:
    """Count the events whose effects a process has committed, by its log."""
    return Counter(line.get("outcome") for line in lines_of(process.output))["handled"]
