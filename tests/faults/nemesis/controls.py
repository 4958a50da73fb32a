"""The control runs: one promise left out each, and what the checker must then find."""

from dataclasses import dataclass

from tests.faults.nemesis.crippled import IN_THE_MIDDLE
from tests.faults.nemesis.nemesis import Fault, Nemesis
from tests.faults.nemesis.plant import Plant
from tests.faults.nemesis.postgres_faults import restore_backup
from tests.faults.nemesis.run import Plan, Size
from tests.processes import Process
from tests.waiting import wait_until

SIZE = Size(
    operations=60, scale=0.5, snapshot_age_seconds=0, fault_seconds_max=20, clerks=1, drain_seconds_max=8,
    fence_seconds_max=3,
)  # fmt: skip
SOUND = ("registration-api", "aid-api")


@dataclass(frozen=True, slots=True)
class Control:
    """One promise left out: the parts that run, what befalls them, and which kind of finding must come of it."""

    name: str
    beside: tuple[str, ...]
    to_parts: tuple[Fault, ...]
    to_servers: tuple[Fault, ...]
    finds: str

    @property
    def plan(self) -> Plan:
        parts = (*SOUND, *self.beside, self.name)
        return Plan(self.to_parts, self.to_servers, parts, resets=False, poison=False)

    def define(self, plant: Plant) -> None:
        """Make the crippled process known to the plant."""
        log = plant.home.parent / f"{self.name}.log"
        module = "tests.faults.nemesis.crippled"
        plant.define(self.name, Process(plant.home, self.name, log=log, module=module, **plant.environment))


def kill_in_the_middle(name: str) -> Fault:
    """Make a fault that kills a process when it says that it is between two things that belong together."""

    async def fault(nemesis: Nemesis) -> None:
        process = nemesis.plant.whole.services[name]
        await wait_until(lambda: process.running, description=f"{name} to be started again")
        await process.says(IN_THE_MIDDLE)
        process.kill()
        nemesis.note("kill -9 in the middle", name)

    return fault


CONTROLS = {
    one.name: one
    for one in (
        Control("position-apart", ("aid-relay",), (kill_in_the_middle("position-apart"),) * 3, (), "doubled"),
        Control("consumer-groups", ("aid-relay",), (kill_in_the_middle("consumer-groups"),) * 3, (), "lost"),
        Control("fence-off", ("notifications-consumer",), (), (restore_backup,), "lost"),
    )
}
