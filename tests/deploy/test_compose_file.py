"""The compose file agrees with the code that it runs, and nobody is given more than is theirs; needs no engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.rehearsal.images import TARGETS
from services import serving, stopping
from shared.database import STATEMENT_TIMEOUT_SECONDS
from shared.incoming import BODY_BYTES_MAX
from shared.service import PREFIXES
from shared.settings import SECRETS, SERVICES

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
PROXY = (ROOT / "deploy/proxy/haproxy.cfg").read_text()


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_held_in_the_same_bounds(name: str) -> None:
    container = CONTAINERS[name]

    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", container["mem_limit"])
    assert container["pids_limit"] <= 256
    assert container["logging"]["options"]["max-size"] == "10m"
    assert "healthcheck" in container or name in SERVICES  # theirs is in the image
    assert not {"privileged", "cap_add", "network_mode", "devices", "pid"} & container.keys()


def test_ports_are_open_on_loopback_only() -> None:
    ports = [port for container in CONTAINERS.values() for port in container.get("ports", ())]

    assert ports == ["127.0.0.1:${SERUMPUN_PORT:-8000}:8000"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_its_own_secrets_only_and_reads_them_as_files(name: str) -> None:
    container = CONTAINERS[name]
    settings = {setting.removesuffix("_FILE"): value for setting, value in container["environment"].items()}
    read = {settings[setting].removeprefix("/run/secrets/") for setting in SECRETS if setting in settings}

    assert {f"{name}_database_url", f"{name}_redis_url"} == read - {"smtp_url"}
    assert set(container["secrets"]) == read
    assert not set(SECRETS) & container["environment"].keys()


def test_every_secret_is_made_by_the_script_and_used() -> None:
    made = set(re.findall(r"^ *keep (\w+) ", (ROOT / "deploy/secrets.sh").read_text(), re.MULTILINE))
    made |= {f"{service}_{kind}_url" for service in SERVICES for kind in ("database", "redis")}

    assert set(COMPOSE["secrets"]) == made == {name for one in CONTAINERS.values() for name in one.get("secrets", ())}


def test_services_wait_for_the_migrations_and_those_for_the_database() -> None:
    assert CONTAINERS["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in SERVICES:
        assert CONTAINERS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_a_container_is_given_longer_to_stop_than_it_takes() -> None:
    takes = stopping.STOP_SECONDS_MAX

    assert takes > serving.DRAIN_SECONDS_MAX
    assert all(int(container["stop_grace_period"].removesuffix("s")) > takes for container in CONTAINERS.values())


def test_every_base_image_that_the_rehearsal_makes_is_one_that_the_files_ask_for() -> None:
    asked = set(re.findall(r"\$\{(\w+_IMAGE):-", (ROOT / "docker-compose.yml").read_text()))

    assert asked == {*TARGETS, "SERUMPUN_IMAGE"}


def test_the_front_door_knows_every_prefix_and_keeps_the_limits_of_the_services() -> None:
    for service, prefix in PREFIXES.items():
        name = prefix.removeprefix("/")
        assert re.search(rf"^backend {name}\n    server-template {name} \d+ {service}:8000$", PROXY, re.MULTILINE)
        assert re.search(rf"^backend ready_{name}\n    option httpchk GET /readyz$", PROXY, re.MULTILINE)
    assert f"gt {BODY_BYTES_MAX} }}" in PROXY
    (patience,) = re.findall(r"timeout server (\d+)s", PROXY)
    assert int(patience) > STATEMENT_TIMEOUT_SECONDS + 10  # a lock or a free connection may be waited for as well


def test_the_front_door_takes_away_what_callers_say_of_their_own_address() -> None:
    front = PROXY.partition("\nfrontend front\n")[2].partition("\nbackend ")[0]

    assert re.search(r"^    option forwardfor$", PROXY.partition("\nfrontend")[0], re.MULTILINE)
    assert front.index("http-request del-header X-Forwarded-For\n") < front.index("http-request return")
