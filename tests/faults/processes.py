"""An installation of real processes that can be killed one by one: the servers, and each service for itself.

A server that was killed is started again by `serumpun servers`; a service by whoever looks after services, here the
test. At the end of the `with` block everything is ended by its process id, whatever has happened in between.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from redis.exceptions import RedisError

from shared.embedded import Running, find_running
from shared.embedded.processes import alive
from shared.settings import SERVICES
from shared.stream import connect
from tests.faults import oracle
from tests.processes import LOOPBACK, Process, free_port, lines_of, new_home, works
from tests.waiting import wait_until

HEAL_SECONDS_MAX = 60
SERVERS = {"postgres": "postgres_pid", "valkey": "redis_pid"}


@dataclass(slots=True)
class Installation:
    """Two servers and three services on one home folder, and any number of copies beside them."""

    home: Path
    servers: Process
    services: dict[str, Process]
    urls: dict[str, str]
    copies: list[Process] = field(default_factory=list)

    @property
    def running(self) -> Running:
        """Give the servers as they are noted for everyone who looks for them."""
        found = find_running(self.home)
        assert found is not None, f"no servers run:\n{self.servers.output[-4000:]}"
        return found

    @property
    def processes(self) -> list[Process]:
        return [*self.services.values(), *self.copies]

    async def start(self) -> None:
        self.servers.start()
        await self.servers.says("ready: start services")
        await asyncio.gather(*(self.start_service(service) for service in SERVICES))

    async def start_service(self, service: str) -> None:
        """Start a service, or start it again, and wait until it says that everything in it works."""
        process = self.services[service]
        process.start()
        await process.answers_ready(self.urls[service])

    @asynccontextmanager
    async def copy(self, service: str, *parts: str) -> AsyncIterator[Process]:
        """Run one more copy of some parts of a service, on a port of its own, until the end of the block."""
        port = free_port()
        process = Process(
            self.home, "serve", service, "--port", str(port), "--only", ",".join(parts),
            log=self.home.parent / f"{service}-copy-{len(self.copies)}.log", **_peers(self.urls),
        )  # fmt: skip
        self.copies.append(process)
        process.start()
        try:
            await process.answers_ready(f"http://{LOOPBACK}:{port}")
            yield process
        finally:
            await process.stop()

    async def kill(self, name: str) -> None:
        """End a service or a server as `kill -9` does."""
        if name in self.services:
            self.services[name].kill()
            return
        before = getattr(self.running, SERVERS[name])
        os.kill(before, signal.SIGKILL)
        await wait_until(lambda: not works(before), description=f"the end of {name}")

    async def bring_back(self, name: str) -> None:
        """Start a service that was killed; see that `serumpun servers` has started a server that was killed."""
        if name in self.services:
            await self.start_service(name)
        else:
            answers = {"postgres": self._postgres_answers, "valkey": self._valkey_answers}[name]
            await wait_until(answers, HEAL_SECONDS_MAX, f"{name} to answer again")

    async def _postgres_answers(self) -> bool:
        try:
            store = await asyncpg.connect(oracle.address(self.running.database_url, "postgres"), timeout=5)
        except (asyncpg.PostgresError, OSError):
            return False
        await store.close()
        return True

    async def _valkey_answers(self) -> bool:
        redis = connect(self.running.redis_url)
        try:
            return await redis.ping()
        except RedisError:
            return False
        finally:
            await redis.aclose()

    async def flush_redis(self) -> int:
        """Wipe Redis altogether, as a hand that slips does; gives how many keys it had."""
        redis = connect(self.running.redis_url)
        keys: int = await redis.dbsize()
        await redis.flushall()
        await redis.aclose()
        return keys

    async def is_at_rest(self) -> None:
        """Wait until the oracle finds nothing wrong; fails with what it found when it keeps finding something."""
        running = self.running
        async with oracle.opened(running.database_url, running.redis_url) as found:
            wrong: list[str] = []

            async def nothing_is_wrong() -> bool:
                wrong[:] = await oracle.violations(found)
                return not wrong

            try:
                await wait_until(nothing_is_wrong, HEAL_SECONDS_MAX, "the oracle to find nothing")
            except AssertionError as error:
                raise AssertionError("\n".join([str(error), *wrong[:20], *self.last_lines()])) from None

    def lines(self) -> list[dict[str, object]]:
        """Give every line that any service or copy has left in its log."""
        return [line for process in self.processes for line in lines_of(process.output)]

    def last_lines(self) -> list[str]:
        """Give what was written last, for a person who looks for the reason of a failure."""
        return [
            f"{process.arguments}: {line}" for process in self.processes for line in process.output.splitlines()[-5:]
        ]

    async def stop(self) -> None:
        """End everything by its process id: services first, then the servers, and by force what is still there."""
        family = [
            member for process in [*self.processes, self.servers] if process.running for member in process.family()
        ]
        await asyncio.gather(*(process.stop() for process in self.processes))
        await self.servers.stop()
        for member in family:
            if alive(member):
                member.kill()


@asynccontextmanager
async def installed(**environment: str) -> AsyncIterator[Installation]:
    """Give an installation that is ready for the first request; the environment is that of every service."""
    with new_home() as home:
        ports = {service: free_port() for service in SERVICES}
        urls = {service: f"http://{LOOPBACK}:{port}" for service, port in ports.items()}
        log = home.parent
        whole = Installation(
            home,
            Process(home, "servers", log=log / "servers.log"),
            {
                service: Process(
                    home,
                    "serve",
                    service,
                    "--port",
                    str(port),
                    log=log / f"{service}.log",
                    **_peers(urls),
                    **environment,
                )
                for service, port in ports.items()
            },
            urls,
        )
        try:
            await whole.start()
            yield whole
        finally:
            await whole.stop()


def _peers(urls: dict[str, str]) -> dict[str, str]:
    return {f"{service.upper()}_URL": url for service, url in urls.items()}
