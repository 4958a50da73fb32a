"""What befalls our own processes: killed, stopped and continued, two of a kind at once."""

import os
import signal

from tests.faults.nemesis.nemesis import Fault, Nemesis


def kill(name: str) -> Fault:
    """Make a fault that ends a part as `kill -9` does; the keeper starts it again."""

    async def fault(nemesis: Nemesis) -> None:
        process = nemesis.plant.whole.services[name]
        if process.running:
            nemesis.note("kill -9", name)
            process.kill()
        await nemesis.moment(0.5, 2)
        if nemesis.rng.random() < 0.7:  # else the next fault comes while it is still getting up
            await nemesis.plant.is_up(name)

    return fault


async def freeze(nemesis: Nemesis) -> None:
    """Stop a part in the middle of whatever it does, and let it go on later as if nothing had happened."""
    name = nemesis.rng.choice(sorted(nemesis.plant.wanted))
    process = nemesis.plant.whole.services[name]
    if not process.running:
        return
    nemesis.note("SIGSTOP, SIGCONT", name)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        await nemesis.moment(1, 4)
    finally:
        if process.running:
            os.kill(process.pid, signal.SIGCONT)


def twins(name: str) -> Fault:
    """Make a fault that runs a second copy of a part beside the first for a while, and kills it."""

    async def fault(nemesis: Nemesis) -> None:
        nemesis.note("two at once", name)
        nemesis.plant.wanted.add(f"{name}-twin")
        await nemesis.plant.is_up(f"{name}-twin")
        await nemesis.moment(2, 5)
        nemesis.plant.wanted.discard(f"{name}-twin")
        process = nemesis.plant.whole.services[f"{name}-twin"]
        if process.running:
            process.kill()

    return fault


TO_PARTS: list[Fault] = [
    kill("aid-api"), kill("aid-relay"), kill("notifications-consumer"), kill("aid-consumer"), kill("notifier"),
    kill("registration-api"), kill("registration-consumer"), freeze, freeze, twins("aid-relay"),
    twins("notifications-consumer"),
]  # fmt: skip
