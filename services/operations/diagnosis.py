"""The machine and the installation, looked at from outside: what is well, what is not, and what helps."""

from collections.abc import Awaitable, Callable, Iterable

import msgspec

from services.operations.findings import Finding, whole
from services.operations.machine import machine, settings_of
from services.operations.running_services import flow, running
from services.operations.servers import databases, redis
from shared.settings import Settings


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at; `well` when nothing is a fault, `servers_away` when a server did not answer."""

    well: bool
    servers_away: bool
    findings: list[Finding]


AWAY = ("database_answers", "redis_answers")
"""The checks that fail when a server is away."""


async def diagnose(settings: Settings | None, faults: Iterable[str]) -> Diagnosis:
    """Look at everything that can be looked at; without usable settings, only at the machine."""
    found = [*settings_of(settings, faults)]
    if settings is not None:
        looks: tuple[Callable[[Settings], Awaitable[list[Finding]]], ...] = (machine, databases, redis, running, flow)
        for look in looks:
            found += await look(settings)
    away = any(one.check in AWAY and one.severity == "fault" for one in found)
    return Diagnosis(well=whole(found), servers_away=away, findings=found)
