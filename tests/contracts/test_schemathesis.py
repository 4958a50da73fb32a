"""What the OpenAPI documents promise is what the services do: Schemathesis tries every route and finds nothing.

The whole system runs as a process with the demo province; the requests come from the documents alone, well-formed
and malformed. They are the same on every run, so that what is found once is found again.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from shared.caller import Role
from tests.processes import LOOPBACK, Process, bearer, free_port, inherited, new_home

HERE = Path(__file__).parent
PREFIXES = ("registration", "aid", "notifications")
OWNERS_OWN = {
    "registration": (
        *("/registration/my/businesses", "/registration/my/survey-answers"),
        *("/registration/my/enrolments", "/registration/my/trainings", "/registration/my/consents"),
        *("/registration/my/surveys", "/registration/my/certificates"),
    ),
    "aid": ("/aid/my/production-orders",),
}
BY_LINE = ("/aid/bulk", "/registration/survey-answers/bulk")
"""The tool makes no lines of JSON; tests/aid_distribution/test_bulk.py and tests/registration/test_surveys.py do."""
FILES = ("/registration/imports", "/registration/surveys/{survey_id}/imports")
"""Nor does it make workbooks; tests/registration/test_imports.py and test_answer_imports.py send them."""

EXAMPLES_MAX = "15"
HOOKS = {"SCHEMATHESIS_HOOKS": str(HERE / "tried.py")}
SECONDS_MAX = 600


BY_FIELD = "/registration/owners/{owner_id}/reveal"
"""No role may reveal every field; tests/registration/test_people.py holds the route against its document."""

OTHERS_OWN = (
    ("/registration/owners/{owner_id}/kk", Role.PROVINCE_STAFF),
    ("/registration/owners/{owner_id}/restriction", Role.PROVINCE_STAFF),
    ("/registration/owners/{owner_id}/release", Role.PROVINCE_STAFF),
    ("/registration/owners/{owner_id}/erasure", Role.PROVINCE_STAFF),
    ("/registration/reveals", Role.AUDITOR),
    ("/registration/my/reveals", Role.OWNER),
    ("/registration/nik-lookups", Role.AUDITOR),
    ("/registration/my/nik-lookups", Role.OWNER),
    ("/notifications/subscriptions", Role.PROVINCE_STAFF),
    ("/notifications/broadcasts", Role.PROVINCE_STAFF),
    ("/notifications/broadcasts/{broadcast_id}/submission", Role.PROVINCE_STAFF),
    ("/notifications/broadcasts/{broadcast_id}/approval", Role.PROVINCE_STAFF),
    ("/notifications/broadcasts/{broadcast_id}/rejection", Role.PROVINCE_STAFF),
)
"""What is for those who work with people, for the auditor, the person, or whom the rules tell; not for an operator."""


@dataclass(frozen=True)
class Running:
    """A system that answers."""

    url: str
    home: Path


@pytest_asyncio.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    with new_home() as home:
        port = free_port()
        log = tmp_path_factory.mktemp("schemathesis") / "up.log"
        up = Process(home, "up", "--port", str(port), log=log)
        up.start()
        try:
            url = f"http://{LOOPBACK}:{port}"
            await up.answers_ready(url)
            yield Running(url, home)
        finally:
            await up.stop()


async def tried(running: Running, prefix: str, caller: dict[str, str], *selection: str) -> tuple[int, str]:
    """Let Schemathesis try the routes of a service; gives its exit code and what it says."""
    # Out of this process: its own servers and its own event loop stay out of the way.
    command: Sequence[str] = (
        *("-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{running.url}/{prefix}/openapi.json"),
        *("-H", f"Authorization: {caller['Authorization']}"),
        *("--max-examples", EXAMPLES_MAX, "--request-timeout", "60", "--no-color"),
        *selection,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=running.home,
        env=inherited(**HOOKS),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode()


def options(name: str, *paths: str) -> list[str]:
    return [argument for path in paths for argument in (name, path)]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_every_route_does_what_its_document_says(running: Running, prefix: str) -> None:
    operator = bearer(running.home, Role.OPERATOR, "operator", "19")
    owners = (path for paths in OWNERS_OWN.values() for path in paths)
    others = options("--exclude-path", *owners, *(path for path, _ in OTHERS_OWN), BY_FIELD, *FILES, *BY_LINE)
    code, said = await tried(running, prefix, operator, *others)
    assert code == 0, said[-6000:]
    assert "generated" in said


@pytest.mark.parametrize("prefix", OWNERS_OWN)
async def test_what_an_owner_alone_may_ask_does_what_its_document_says(running: Running, prefix: str) -> None:
    owner = bearer(running.home, Role.OWNER, "0174472d-8680-7000-8000-000000000001")
    code, said = await tried(running, prefix, owner, *options("--include-path", *OWNERS_OWN[prefix]))
    assert code == 0, said[-6000:]
    assert "generated" in said


@pytest.mark.parametrize(("path", "role"), OTHERS_OWN)
async def test_what_is_not_for_an_operator_does_what_its_document_says(running: Running, path: str, role: Role) -> None:
    owner = "0174472d-8680-7000-8000-000000000001"
    caller = bearer(running.home, role, owner, *(() if role is Role.OWNER else ("19",)))
    code, said = await tried(running, path.split("/")[1], caller, "--include-path", path)
    assert code == 0, said[-6000:]
    assert "generated" in said


async def test_a_document_that_does_not_tell_the_truth_is_found_out(running: Running) -> None:
    """The control: an owner may call almost nothing, which the checks must notice."""
    owner = bearer(running.home, Role.OWNER, "0174472d-8680-7000-8000-000000000001")
    code, said = await tried(running, "registration", owner, *options("--exclude-path", *OWNERS_OWN["registration"]))
    assert code == 1, said[-6000:]
