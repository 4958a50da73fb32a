"""The installation that the nemesis works on: services in parts, behind wires that can break, kept alive by a keeper.

Clients reach the APIs, and services reach PostgreSQL and Redis, only over wires of ours. A part that ends is started
again by the keeper, as a service manager does; servers are started again by `serumpun servers`.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from shared.embedded import provision
from shared.settings import SERVICES, Settings
from tests.faults.nemesis.databases import Databases
from tests.faults.processes import Installation
from tests.processes import LOOPBACK, Process, free_port, new_home
from tests.shared.wire import Wire, postgres_wire, redis_wire
from tests.waiting import wait_until

KEEPER_SECONDS = 0.3
UP_SECONDS_MAX = 8
API = {"registration": "registration-api", "aid_distribution": "aid-api"}


@dataclass(frozen=True, slots=True)
class Part:
    """One process: which parts of which service it runs, and whether it runs from the beginning."""

    service: str
    parts: str
    always: bool = True


PARTS: Mapping[str, Part] = {
    "registration-api": Part("registration", "api,relay"),
    "registration-consumer": Part("registration", "consumer"),
    "aid-api": Part("aid_distribution", "api"),
    "aid-relay": Part("aid_distribution", "relay"),
    "aid-consumer": Part("aid_distribution", "consumer"),
    "notifications-consumer": Part("notifications", "consumer"),
    "notifier": Part("notifications", "worker,relay"),
    "aid-relay-twin": Part("aid_distribution", "relay", always=False),
    "notifications-consumer-twin": Part("notifications", "consumer", always=False),
}


@dataclass(slots=True)
class Plant:
    """Everything that the nemesis can break, and everything that it needs to mend it."""

    whole: Installation
    databases: Databases
    environment: dict[str, str]
    to_api: dict[str, Wire]
    to_postgres: dict[str, Wire]
    to_redis: Wire
    wanted: set[str] = field(default_factory=set)
    restarts: int = 0

    @property
    def home(self) -> Path:
        return self.whole.home

    @property
    def wires(self) -> list[Wire]:
        return [*self.to_api.values(), *self.to_postgres.values(), self.to_redis]

    def address(self, service: str) -> str:
        """Give where clients reach a service: this end of the wire."""
        return f"http://{LOOPBACK}:{self.to_api[service].number}"

    def define(self, name: str, process: Process, url: str = "") -> None:
        """Make a process known as a part; without an address it is not asked how it is."""
        self.whole.services[name], self.whole.urls[name] = process, url

    async def start(self, names: set[str]) -> None:
        """Start some parts and return when each says that it is ready."""
        self.wanted = set(names)
        for name in names:
            self.whole.services[name].start()
        urls = self.whole.urls
        await asyncio.gather(*(self.whole.services[name].answers_ready(urls[name]) for name in names if urls[name]))

    async def is_up(self, name: str) -> None:
        """Wait for a while until a part lives again; while other things are broken it may not get up at all."""
        if not self.whole.urls[name]:
            return
        with suppress(AssertionError):
            async with httpx.AsyncClient(timeout=1) as http:
                await wait_until(lambda: self._says_ok(http, name, "livez"), UP_SECONDS_MAX, f"{name} to be up")

    async def _says_ok(self, http: httpx.AsyncClient, name: str, path: str) -> bool:
        try:
            return (await http.get(f"{self.whole.urls[name]}/{path}")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def keep(self) -> None:
        """Start again whatever has ended and is wanted, until cancelled."""
        while True:
            for name in sorted(self.wanted):
                process = self.whole.services[name]
                if not process.running:
                    process.start()
                    self.restarts += 1
            await asyncio.sleep(KEEPER_SECONDS)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep what is wanted alive during a block."""
        keeper = asyncio.create_task(self.keep())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def stop_parts(self) -> None:
        """End every part, at once and by force: what comes next begins from a copy of the databases anyway."""
        self.wanted.clear()
        for process in self.whole.services.values():
            if process.running:
                os.kill(process.pid, signal.SIGCONT)
                process.kill()

    @asynccontextmanager
    async def servers_held(self) -> AsyncIterator[None]:
        """Let nobody start a server again during a block, as long as somebody is at its files."""
        keeper = self.whole.servers.pid
        os.kill(keeper, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(keeper, signal.SIGCONT)

    async def empty_redis(self) -> None:
        """Let Redis begin with nothing, on disk too: a file that is cut must not bring back an earlier run."""
        async with self.servers_held():
            await self.whole.kill("valkey")
            shutil.rmtree(self.home / "valkey")
        await self.whole.bring_back("valkey")

    async def all_mended(self) -> None:
        """Join every wire again and let everything run on that was stopped."""
        for process in [*self.whole.services.values(), self.whole.servers]:
            if process.running:
                os.kill(process.pid, signal.SIGCONT)
        for wire in self.wires:
            wire.listener = lambda _said: None
            wire.release()


@asynccontextmanager
async def planted() -> AsyncIterator[Plant]:
    """Give servers with the demo province, and parts that are defined and not started yet."""
    with new_home() as home:
        whole = Installation(home, Process(home, "servers", log=home.parent / "servers.log"), {}, {})
        try:
            whole.servers.start()
            await whole.servers.says("ready: start services")
            async with AsyncExitStack() as stack:
                yield await _wired(stack, whole)
        finally:
            await whole.stop()


async def _wired(stack: AsyncExitStack, whole: Installation) -> Plant:
    running = whole.running
    settings = Settings.from_env({"SERUMPUN_HOME": str(whole.home)})
    urls = await provision(running.database_url, settings)
    ports = {service: free_port() for service in SERVICES}
    to_redis, redis_url = await stack.enter_async_context(redis_wire(running.redis_url))
    environment = {"REDIS_URL": redis_url}
    to_postgres: dict[str, Wire] = {}
    to_api: dict[str, Wire] = {}
    for service in SERVICES:
        wire, url = await stack.enter_async_context(postgres_wire(urls[service]))
        to_postgres[service] = wire
        environment[f"{service.upper()}_DATABASE_URL"] = url
        environment[f"{service.upper()}_URL"] = f"http://{LOOPBACK}:{ports[service]}"
    for service in API:
        to_api[service] = Wire(LOOPBACK, ports[service])
        await to_api[service].join()
        stack.push_async_callback(to_api[service].cut)
    plant = Plant(whole, Databases(running.database_url), environment, to_api, to_postgres, to_redis)
    for name, part in PARTS.items():
        port = ports[part.service] if name in API.values() else free_port()
        process = Process(
            whole.home, "serve", part.service, "--port", str(port), "--only", part.parts,
            log=whole.home.parent / f"{name}.log", **environment,
        )  # fmt: skip
        plant.define(name, process, f"http://{LOOPBACK}:{port}")
    return plant
