"""A system in containers that runs already, as its operator meets it: docker-compose, docker and the front door."""

import os
import shlex
import signal
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import msgspec

from tests.waiting import wait_until

HEAL_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 120
SERVICES = ("registration", "aid_distribution", "notifications")
EVERYTHING = ("postgres", "redis", *SERVICES, "proxy")


@dataclass(frozen=True)
class Answer:
    """What a command said, and how it ended."""

    code: int
    said: str


class Containers:
    """The running system."""

    def __init__(self) -> None:
        self.url = os.environ["SERUMPUN_TEST_URL"]
        self._compose = shlex.split(os.environ["SERUMPUN_TEST_COMPOSE"])
        self._project = os.environ["SERUMPUN_TEST_PROJECT"]

    def compose(self, *words: str, code: int = 0) -> str:
        """Run docker-compose and give what it prints; the test fails when it ends in another way."""
        answer = _run([*self._compose, *words], None)
        assert answer.code == code, f"{words} ended with {answer.code}: {answer.said}"
        return answer.said

    def inside(self, service: str, *words: str, given: str | None = None) -> Answer:
        """Run something in a service's container, as that container's own account."""
        return _run(["docker", "exec", "--interactive", self.container(service), *words], given)

    def facts(self, service: str) -> dict[str, Any]:
        """Give what the engine knows of a service's container."""
        return msgspec.json.decode(docker("inspect", self.container(service)))[0]

    def container(self, service: str) -> str:
        """Give the id of the first container of a service."""
        labels = (f"project={self._project}", f"service={service}", "container-number=1")
        wanted = [word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}")]
        return docker("ps", "--all", "--quiet", *wanted).strip()

    def secret(self, name: str) -> str:
        """Give a secret as a container sees it."""
        return self.inside(
            "redis" if name.endswith("redis_url") else "postgres", "cat", f"/run/secrets/{name}"
        ).said.strip()

    @cached_property
    def officer(self) -> dict[str, str]:
        """Give the header of an officer of Pangkalpinang."""
        made = self.inside("registration", "serumpun", "token", "--role", "regency_officer", "--region", "19.71")
        return {"Authorization": f"Bearer {made.said.strip()}"}

    async def is_ready(self) -> None:
        """Wait until the front door says that every service is ready."""

        async def ready() -> bool:
            async with httpx.AsyncClient(timeout=5) as client:
                try:
                    return (await client.get(f"{self.url}/readyz")).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

        await wait_until(ready, HEAL_SECONDS_MAX, "everything to be ready")

    async def is_healthy(self, service: str) -> None:
        """Wait until the engine finds a service's container in good health."""

        def healthy() -> bool:
            return bool(self.facts(service)["State"]["Health"]["Status"] == "healthy")

        await wait_until(healthy, HEAL_SECONDS_MAX, f"{service} to be healthy")

    async def crashes(self, service: str) -> None:
        """End a service's first process as `kill -9` does, and wait until the engine has started another."""
        before = self.facts(service)["State"]["Pid"]
        os.kill(before, signal.SIGKILL)

        def back() -> bool:
            state = self.facts(service)["State"]
            return bool(state["Running"] and state["Pid"] not in (0, before))

        await wait_until(back, HEAL_SECONDS_MAX, f"{service} to be started again")


def docker(*words: str) -> str:
    answer = _run(["docker", *words], None)
    assert answer.code == 0, f"{words} ended with {answer.code}: {answer.said}"
    return answer.said


def _run(command: list[str], given: str | None) -> Answer:
    done = subprocess.run(
        command, input=given or "", capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False
    )
    return Answer(done.returncode, done.stdout + (done.stderr if done.returncode else ""))
