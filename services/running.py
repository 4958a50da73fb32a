"""What the commands that run something do, from the first line on the terminal to the last process ended."""

import asyncio
import time
from collections.abc import Collection
from http import HTTPStatus
from importlib import import_module

import msgspec
import typer

from services import pages, serving, startup, stopping
from shared.clock import shown
from shared.province import PROVINCES, read_province
from shared.service import PARTS, build
from shared.settings import SettingInvalid, Settings
from shared.telemetry import AsgiApp, configure_logging

MEND_SECONDS = 0.5
READY_SECONDS_MAX = 15
READY_POLL_SECONDS = 0.1


def up(settings: Settings, host: str, *, as_json: bool = False) -> None:
    """Run everything on one port until stopped."""
    serving.check_port(host, settings.port)
    report = reporter(as_json=as_json)
    with startup.servers(settings, report) as prepared:
        ready = stopping.run(startup.prepare(prepared.settings, report))
        log = settings.home / "log" / "serumpun.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        configure_logging(settings.log_level, log)
        report("starting the three services" if pages.are_there() else f"starting without pages: {pages.MISSING}")
        app: AsgiApp = import_module("services.suite").build(ready)

        async def started() -> None:
            await _until_ready(f"http://{host}:{settings.port}/readyz", report)
            report(f"what happens is written to {log}")
            if not as_json:
                from services.welcome import welcome  # noqa: PLC0415 - it knows notifications; a service by itself does not

                typer.echo(welcome(ready, host))

        serving.run(app, host, settings.port, started, lambda: _mend(prepared, report))
    report("everything is stopped; the data is kept")


def hold_servers(settings: Settings, *, as_json: bool = False) -> None:
    """Run only the servers, ready for services that are started one by one."""
    report = reporter(as_json=as_json)
    with startup.servers(settings, report) as prepared:
        stopping.run(startup.prepare(prepared.settings, report))
        report("ready: start services with `serumpun serve NAME --port PORT`; Ctrl-C ends the servers")
        while True:
            stopping.leave_if_wished()
            time.sleep(MEND_SECONDS)
            _mend(prepared, report)


def serve(settings: Settings, service: str, host: str, only: Collection[str], *, as_json: bool = False) -> None:
    """Run one service, or some of its parts, on servers that are there already."""
    if unknown := sorted(set(only) - PARTS):
        raise SettingInvalid(f"--only {unknown[0]} is not a part; the parts are {', '.join(sorted(PARTS))}")
    serving.check_port(host, settings.port)
    configure_logging(settings.log_level)
    ready = stopping.run(startup.provisioned(startup.found(settings, [service]), [service]))
    app: AsgiApp = build(import_module(f"services.{service}.main").SERVICE, ready, only or PARTS)
    if not only or "api" in only:
        app = pages.Pages(app)
    report = reporter(as_json=as_json)

    async def started() -> None:
        report(f"{service} serves http://{host}:{settings.port}")

    serving.run(app, host, settings.port, started)


def migrate(settings: Settings, direction: str, services: Collection[str], *, as_json: bool = False) -> None:
    """Bring databases up to today's schema or down to nothing, on servers that run or are started for it."""
    from shared import migrations  # noqa: PLC0415 - see startup.prepare

    report = reporter(as_json=as_json)
    act = migrations.upgrade if direction == "up" else migrations.downgrade

    async def carry_out(there: Settings) -> None:
        there = await startup.provisioned(there, services)
        for service in services:
            await act(service, there.database_urls[service])
            report(f"{service} is migrated {direction}")

    with startup.servers_anywhere(settings, report, services) as there:
        stopping.run(carry_out(there))


def load_province(settings: Settings, *, as_json: bool = False) -> None:
    """Load the province that the settings name into migrated databases, unless it is there already."""
    report = reporter(as_json=as_json)

    async def carry_out(there: Settings) -> None:
        await import_module("services.demo").load(await startup.provisioned(there), report)

    with startup.servers_anywhere(settings, report) as there:
        stopping.run(carry_out(there))


def load_history(settings: Settings, movements: int, *, as_json: bool = False) -> None:
    """Load a long history into the demo province, on servers that run or are started for it."""
    report = reporter(as_json=as_json)

    async def carry_out(there: Settings) -> None:
        from services import history  # noqa: PLC0415 - see startup.prepare

        ready = await startup.prepare(there, report)
        loaded = await history.load_demo(ready, read_province(PROVINCES / ready.province), movements, report)
        report(
            f"{loaded.movements:,} movements on {loaded.cards:,} cards from {shown(loaded.begins):%d %b %Y} to"
            f" {shown(loaded.ends):%d %b %Y}; see `serumpun verify`"
        )

    with startup.servers_anywhere(settings, report) as there:
        stopping.run(carry_out(there))


def reporter(*, as_json: bool = False) -> startup.Report:
    """Give something that prints one line of progress, with the seconds since the start; as JSON for a machine."""
    begun = time.monotonic()

    def report(text: str) -> None:
        seconds = time.monotonic() - begun
        said = {"seconds": round(seconds, 1), "says": text}
        typer.echo(msgspec.json.encode(said).decode() if as_json else f"{seconds:6.1f} s  {text}")

    return report


async def _until_ready(url: str, report: startup.Report) -> None:
    """Wait until relay and consumers run too, so that the first event is followed to its end at once."""
    import httpx  # noqa: PLC0415 - a service by itself does not ask, and is 6 MB smaller without it

    deadline = time.monotonic() + READY_SECONDS_MAX
    async with httpx.AsyncClient(timeout=READY_SECONDS_MAX, trust_env=False) as client:
        while (answer := await client.get(url)).status_code != HTTPStatus.OK:
            if time.monotonic() > deadline:
                report(f"not everything is ready yet, see {url}: {answer.text[:200]}")
                return
            await asyncio.sleep(READY_POLL_SECONDS)
    report("ready")


def _mend(prepared: startup.Prepared, report: startup.Report) -> None:
    for name in prepared.mend():
        report(f"{name} had died and was started again")
