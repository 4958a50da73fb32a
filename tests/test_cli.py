"""The command line as a person meets it: what it prints, its exit codes, and one line for what goes wrong."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from shared.clock import Clock
from shared.embedded import EmbeddedServers, find_running
from shared.settings import SERVICES
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
STARTS_SECONDS = 60


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="serumpun-test-") as folder:
        yield Path(folder) / "home"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", *arguments]


def environment(home: Path, **extra: str) -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "PORT")
    return {**{k: v for k, v in os.environ.items() if not k.endswith(ours)}, "SERUMPUN_HOME": str(home), **extra}


def run(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(home, **extra),
        capture_output=True,
        text=True,
        timeout=STARTS_SECONDS,
        check=False,
    )


def one_line(finished: subprocess.CompletedProcess[str]) -> str:
    """Give the only line on standard error of a command that failed as expected."""
    assert finished.returncode == 1, finished
    (line,) = finished.stderr.splitlines()
    assert line.startswith("serumpun: ")
    return line


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.mark.parametrize("of", ["", "up", "servers", "serve", "migrate", "token", "api-key", "api-key create"])
def test_every_command_explains_itself(home: Path, of: str) -> None:
    finished = run(home, *of.split(), "--help")
    assert finished.returncode == 0
    assert "Usage:" in finished.stdout
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "subject", "regions"),
    [
        (("--role", "regency_officer", "--region", "19.71"), "officer-19.71", ["19.71"]),
        (("--role", "province_staff"), "staff-19", ["19"]),
        (("--role", "auditor"), "auditor-19", ["19"]),
        (("--role", "operator"), "operator", ["19"]),
        (("--role", "owner", "--subject", "owner-7"), "owner-7", []),
    ],
)
def test_a_token_is_all_that_is_printed(
    home: Path, arguments: tuple[str, ...], subject: str, regions: list[str]
) -> None:
    finished = run(home, "token", *arguments)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", finished.stdout)
    claims = finished.stdout.split(".")[1]
    said = msgspec.json.decode(_unpadded(claims), type=dict[str, object])
    assert (said["sub"], said["role"], said["regions"]) == (subject, arguments[1], regions)


@pytest.mark.parametrize(
    "arguments",
    [
        ("token",),
        ("token", "--role", "king"),
        ("token", "--role", "owner"),
        ("token", "--role", "regency_officer"),
        ("token", "--role", "regency_officer", "--region", "Pangkalpinang"),
        ("token", "--role", "operator", "--hours", "0"),
        ("up", "--port", "70000"),
        ("serve", "weather"),
        ("migrate", "down"),
        ("dance",),
    ],
)
def test_a_command_that_is_used_wrongly_says_so_and_ends_with_2(home: Path, arguments: tuple[str, ...]) -> None:
    finished = run(home, *arguments)
    assert finished.returncode == 2
    assert "Usage:" in finished.stderr
    assert not (home / "postgres").exists()


def test_a_taken_port_is_told_before_anything_starts(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is not free" in one_line(run(home, "up", "--port", str(port)))
    assert not home.exists()


def test_a_broken_data_folder_is_told_in_one_line_with_the_cure(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("12\n")
    line = one_line(run(home, "servers"))
    assert f"{home}/postgres holds 12, not PostgreSQL 18" in line
    assert f"mv {home}/postgres {home}/postgres.old" in line


def test_a_home_that_cannot_be_made_is_told_in_one_line(home: Path) -> None:
    home.parent.joinpath("file").write_text("")
    assert "SERUMPUN_HOME" in one_line(run(home.parent / "file" / "home", "servers"))


def test_a_setting_that_cannot_be_used_is_named(home: Path) -> None:
    assert "PARTITIONS='many'" in one_line(run(home, "token", "--role", "operator", PARTITIONS="many"))


def test_a_service_without_servers_says_how_to_get_them(home: Path) -> None:
    assert "serumpun servers" in one_line(run(home, "serve", "registration", "--port", str(free_port())))


def test_a_part_that_does_not_exist_is_named(home: Path) -> None:
    assert "--only cook" in one_line(run(home, "serve", "registration", "--only", "api,cook"))


def test_a_database_that_does_not_answer_is_told_without_its_password(home: Path) -> None:
    url = f"postgresql://admin:hush@127.0.0.1:{free_port()}/postgres"
    line = one_line(run(home, "migrate", DATABASE_URL=url, REDIS_URL="redis://127.0.0.1:1/0"))
    assert "cannot be used" in line
    assert "hush" not in line


@dataclass(slots=True)
class Started:
    """Commands that run until they are stopped, each writing to a file of its own."""

    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def __call__(self, *arguments: str, says: str, **extra: str) -> subprocess.Popen[bytes]:
        """Start a command and return when it has said so."""
        output = self.home.parent / f"output-{len(self.processes)}"
        with output.open("w") as file:
            process = subprocess.Popen(
                command(*arguments), cwd=ROOT, env=environment(self.home, **extra), stdout=file, stderr=file
            )
        self.processes.append(process)

        def said() -> bool:
            assert process.poll() is None, output.read_text()
            return says in output.read_text()

        await wait_until(said, STARTS_SECONDS, f"{' '.join(arguments)} to say {says!r}")
        return process

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def started(home: Path) -> Iterator[Started]:
    commands = Started(home)
    yield commands
    commands.end()


async def test_up_serves_everything_and_sigterm_leaves_no_process(home: Path, started: Started) -> None:
    port = free_port()
    whole = await started("up", "--port", str(port), says="Serumpun is running on")
    assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200
    running = find_running(home)
    assert running is not None
    family = psutil.Process(whole.pid).children(recursive=True)
    assert {running.postgres_pid, running.redis_pid} <= {process.pid for process in family}
    asked = time.monotonic()
    whole.send_signal(signal.SIGTERM)
    assert whole.wait(20) == 0
    assert time.monotonic() - asked < 20
    assert not [process for process in family if process.is_running()]


async def test_the_printed_lines_walk_the_main_job_and_a_second_start_keeps_what_they_did(
    home: Path, started: Started
) -> None:
    port = str(free_port())
    whole = await started("up", "--port", port, says="Another token")
    printed = (home.parent / "output-0").read_text()
    lines = "\n".join(line for line in printed.splitlines() if re.match("TOKEN=|curl |sleep ", line))
    posted, stock, inbox = (msgspec.json.decode(answer) for answer in shell(lines))
    assert posted["number"] in inbox["items"][0]["body"]
    again = [msgspec.json.decode(answer) for answer in shell(lines)]
    assert again == [posted, stock, inbox]
    whole.send_signal(signal.SIGINT)
    assert whole.wait(20) == 0
    begun = time.monotonic()
    await started("up", "--port", port, says="Another token")
    assert time.monotonic() - begun < 15
    assert [msgspec.json.decode(answer) for answer in shell(lines)] == [posted, stock, inbox]


async def test_given_servers_are_used_and_none_are_started(home: Path, started: Started) -> None:
    with EmbeddedServers.start(home.parent / "given", lambda _: None) as given:
        plain = given.database_url.replace("postgresql+asyncpg", "postgresql")
        port = str(free_port())
        whole = await started("up", "--port", port, says="Another token", DATABASE_URL=plain, REDIS_URL=given.redis_url)
        assert not psutil.Process(whole.pid).children()
        assert not (home / "postgres").exists()
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200
        whole.send_signal(signal.SIGTERM)
        assert whole.wait(20) == 0
        assert psutil.pid_exists(given.postgres_pid)


async def test_three_services_as_three_processes_do_the_same_job(home: Path, started: Started) -> None:
    await started("servers", says="ready: start services")
    ports = {service: str(free_port()) for service in SERVICES}
    peers = {f"{service.upper()}_URL": f"http://127.0.0.1:{port}" for service, port in ports.items()}
    for service, port in ports.items():
        await started("serve", service, "--port", port, says=f"{service} serves", **peers)
    token = run(home, "token", "--role", "regency_officer", "--region", "19.71").stdout.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    body = {
        "programme": "free-masks",
        "place": "WH-19.71",
        "occurred_at": Clock().now().isoformat(),
        "lines": [{"item": "MASK-CLOTH", "quantity": 3}],
        "recipients": {"public": 3},
    }
    async with httpx.AsyncClient(headers=bearer, timeout=10, trust_env=False) as client:
        aid, inbox = (f"http://127.0.0.1:{ports[service]}" for service in ("aid_distribution", "notifications"))
        posted = await client.post(
            f"{aid}/aid/distributions", json=body, headers={"Idempotency-Key": "three-processes"}
        )
        assert posted.status_code == 201, posted.text

        async def arrived() -> bool:
            found = await client.get(f"{inbox}/notifications/inbox")
            return posted.json()["number"] in found.text

        await wait_until(arrived, 20, "the message in the inbox of another process")
        for service in SERVICES:
            answer = await client.get(f"http://127.0.0.1:{ports[service]}/readyz")
            assert answer.status_code == 200, answer.text
    for process in reversed(started.processes):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert find_running(home) is None


def shell(lines: str) -> list[str]:
    """Do what a person does who copies the lines into a shell; give what was printed, line by line."""
    done = subprocess.run(["/bin/sh", "-c", lines], capture_output=True, text=True, timeout=60, check=True)
    return [line for line in done.stdout.splitlines() if line]


def _unpadded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
