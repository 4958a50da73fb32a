"""What running services say of themselves, and what the databases and Redis say of the flow of events."""

from datetime import timedelta

import httpx
import msgspec
from sqlmodel import text

from services.operations import lanes
from services.operations.findings import Finding, fault, fine, warning
from services.operations.installation import Installation, opened
from services.operations.refusals import NotPossible, ServerAway
from shared import parking
from shared.contracts import SUBSCRIPTIONS
from shared.parking import ParkedBecause
from shared.settings import SERVICES, Settings

ANSWER_SECONDS = 5
UNSENT_MAX = timedelta(seconds=15)

OLDEST_UNSENT = text(
    """
    SELECT min(o.time) FROM unnest(CAST(:partitions AS smallint[]), CAST(:lasts AS bigint[])) AS sent (partition, last)
    JOIN outbox o ON o.partition = sent.partition AND o.seq = sent.last + 1
    """
)


class ServiceReadiness(msgspec.Struct, frozen=True):
    """What `/readyz` says of one service, as far as it is judged here."""

    service: str
    ready: bool
    checks: dict[str, str]


class Readiness(msgspec.Struct, frozen=True):
    """What `/readyz` answers."""

    services: list[ServiceReadiness]


async def readiness(url: str) -> Readiness | None:
    """Ask an address how its services are; None when no service of ours answers there."""
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            return msgspec.json.decode((await client.get(f"{url}/readyz")).content, type=Readiness)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError):
        return None


async def running(settings: Settings) -> list[Finding]:
    """Judge the services that run, by their own readiness."""
    found: list[Finding] = []
    seen: set[str] = set()
    addresses = dict.fromkeys([*settings.peer_urls.values(), *ALONE])
    for url in addresses:
        said = await readiness(url)
        for report in said.services if said else ():
            if report.service not in seen:
                seen.add(report.service)
                found += _report(report, url)
    silent = [service for service in SERVICES if service not in seen]
    return [
        *found,
        *(
            warning("service_ready", one, "it does not answer", f"serumpun up, or serumpun serve {one}")
            for one in silent
        ),
    ]


ALONE = tuple(f"http://127.0.0.1:{8001 + number}" for number in range(len(SERVICES)))
"""Where services listen that run as processes of their own, unless told otherwise."""


def _report(report: ServiceReadiness, url: str) -> list[Finding]:
    wrong = {check: said for check, said in report.checks.items() if said != "ok"}
    if not wrong:
        return [fine("service_ready", report.service, f"{url} is ready")]
    return [
        fault("service_ready", report.service, f"{check} is {said}", _cure(report.service, check, said))
        for check, said in wrong.items()
    ]


def _cure(service: str, check: str, said: str) -> str:
    match check:
        case "relay" if "is ahead by" in said:
            name = said.rsplit("ev:", maxsplit=1)[-1].split(" ", maxsplit=1)[0]  # ev:source:{partition}
            source, _, partition = name.partition(":")
            return f"serumpun events refill {source} --partition {partition.strip('{}')}"
        case "consumers":
            return f"serumpun events consumers; the log of {service} names the error"
        case "database" | "redis":
            return f"bring {check} back; nobody has to do more"
        case _:
            return f"the log of {service} names the error"


async def flow(settings: Settings) -> list[Finding]:
    """Judge how far events have come: lag, the oldest that is not sent, what is parked, who holds up pruning."""
    try:
        async with opened(settings) as there:
            found = [one for source in SERVICES for one in await _unsent(there, source)]
            found += await _lanes(there)
            for consumer in SUBSCRIPTIONS:
                found.append(await _parked(there, consumer))
            return found
    except (ServerAway, NotPossible):
        return []  # said already by those who looked at the servers


async def _unsent(there: Installation, source: str) -> list[Finding]:
    outbox = await lanes.kept(there, source)
    asked = {"partitions": list(outbox), "lasts": [one.last for one in outbox.values()]}
    async with there.reading(source) as session:
        oldest = (await session.execute(OLDEST_UNSENT, asked)).scalar_one()
    if oldest is None:
        return [fine("outbox_sent", source, "every event is in its stream")]
    age = there.clock.now() - oldest
    says = f"the oldest event that is not in its stream is {age.total_seconds():.0f} s old"
    if age > UNSENT_MAX:
        return [fault("outbox_sent", source, says, f"start its relay: serumpun serve {source}; see its log")]
    return [fine("outbox_sent", source, says)]


async def _lanes(there: Installation) -> list[Finding]:
    every, found = await lanes.lanes(there), []
    for lane in every:
        where = f"{lane.consumer} in {lane.at}"
        set_it = f"serumpun events position {lane.consumer} {lane.at}"
        match lane.state:
            case "ahead":
                what = f"it is at {lane.position}, above the head {lane.head}"
                found.append(fault("consumer_position", where, what, f"{set_it} --to head"))
            case "history gone":
                what = f"it is at {lane.position}, and only events from {lane.oldest_kept} on are kept"
                found.append(fault("consumer_position", where, what, f"{set_it} --to oldest"))
            case "silent" if lane.head:
                what = "it left no word of its position, so nothing is pruned"
                cure = f"start it, or serumpun events unregister {lane.consumer}"
                found.append(warning("consumer_position", where, what, cure))
            case "behind":
                what = f"{lane.lag} events are still to come"
                found.append(warning("consumer_position", where, what, "wait, or start it"))
            case _:
                pass
    return found or [fine("consumer_position", "all consumers", f"{len(every)} lanes, none is behind")]


async def _parked(there: Installation, consumer: str) -> Finding:
    async with there.reading(consumer) as session:
        counts = await parking.counts(session)
    says = ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)
    cure = f"serumpun parked list --service {consumer}"
    if counts[ParkedBecause.POISON]:
        return fault("parked", consumer, says, cure)
    return warning("parked", consumer, says, cure) if says else fine("parked", consumer, "nothing is parked")
