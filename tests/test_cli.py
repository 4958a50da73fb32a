"""The command line as a person meets it: what it prints, its exit codes, and one line for what goes wrong."""

import re
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from shared.caller import Role
from shared.clock import Clock
from shared.embedded import EmbeddedServers, find_running
from shared.embedded.processes import alive
from tests.processes import ROOT, STOP_SECONDS_MAX, Process, bearer, free_port, inherited, new_home
from tests.waiting import wait_until

STARTS_SECONDS = 120
READY_SECONDS_MAX = 15
WRONG, AWAY = 1, 3


@pytest.fixture
def home() -> Iterator[Path]:
    with new_home() as home:
        yield home


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", *arguments]


def run(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=inherited(SERUMPUN_HOME=str(home), **extra),
        capture_output=True,
        text=True,
        timeout=STARTS_SECONDS,
        check=False,
    )


def one_line(finished: subprocess.CompletedProcess[str], code: int = WRONG) -> str:
    """Give the only line on standard error of a command that failed as expected."""
    assert finished.returncode == code, finished
    (line,) = finished.stderr.splitlines()
    assert line.startswith("serumpun: ")
    return line


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


@pytest.mark.parametrize("url", ["mail.test:25", "smtp://me:pw@mail.test:x"])
def test_a_mail_server_that_is_none_is_one_line_before_anything_starts(home: Path, url: str) -> None:
    line = one_line(run(home, "up", "--port", str(free_port()), SMTP_URL=url))
    assert "SMTP_URL must be smtp://" in line
    assert "pw" not in line
    assert not (home / "postgres").exists()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"DATABASE_URL": "postgresql://x@127.0.0.1/postgres"}, "REDIS_URL is not"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "DATABASE_URL is not"),
        (
            {"REDIS_URL": "redis://127.0.0.1:1/0", "REGISTRATION_DATABASE_URL": "postgresql://x@127.0.0.1/r"},
            "AID_DISTRIBUTION_DATABASE_URL and NOTIFICATIONS_DATABASE_URL are not",
        ),
    ],
    ids=["no Redis", "no database", "one database of three"],
)
def test_half_a_configuration_starts_no_servers(home: Path, given: dict[str, str], missing: str) -> None:
    assert missing in one_line(run(home, "up", "--port", str(free_port()), **given))
    assert not (home / "postgres").exists()


def test_help_is_there_at_once(home: Path) -> None:
    heavy = "import sys, services.cli; print({'sqlalchemy', 'redis', 'litestar', 'httpx', 'rich'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", heavy], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout == "set()\n"


def test_a_service_without_servers_says_how_to_get_them(home: Path) -> None:
    assert "serumpun servers" in one_line(run(home, "serve", "registration", "--port", str(free_port())), AWAY)


def test_a_part_that_does_not_exist_is_named(home: Path) -> None:
    assert "--only cook" in one_line(run(home, "serve", "registration", "--only", "api,cook"))


def test_a_database_that_does_not_answer_is_told_without_its_password(home: Path) -> None:
    url = f"postgresql://admin:hush@127.0.0.1:{free_port()}/postgres"
    line = one_line(run(home, "migrate", DATABASE_URL=url, REDIS_URL="redis://127.0.0.1:1/0"), AWAY)
    assert "cannot be used" in line
    assert "hush" not in line


@pytest.fixture
def started(home: Path) -> Iterator[Callable[..., Process]]:
    """Start a command that runs until it is stopped; whatever still runs at the end is killed."""
    processes: list[Process] = []

    def start(*arguments: str, **own: str) -> Process:
        processes.append(Process(home, *arguments, log=home.parent / f"output-{len(processes)}", **own))
        processes[-1].start()
        return processes[-1]

    yield start
    for process in processes:
        if process.running:
            process.kill()


async def test_up_serves_everything_and_sigterm_leaves_no_process(home: Path, started: Callable[..., Process]) -> None:
    port = free_port()
    whole = started("up", "--port", str(port))
    await whole.says("Another token")
    await whole.answers_ready(f"http://127.0.0.1:{port}")
    running = find_running(home)
    assert running is not None
    family = whole.family()
    assert {running.postgres_pid, running.redis_pid} <= {process.pid for process in family}
    assert await whole.stop() < STOP_SECONDS_MAX
    assert whole.exit_code == 0
    assert not [process for process in family if alive(process)]


async def test_the_operators_commands_work_beside_a_running_system(home: Path, started: Callable[..., Process]) -> None:
    port = str(free_port())
    whole = started("up", "--port", port)
    await whole.says("Another token")
    tail = started("events", "tail", "--type", "*distribution.posted*", "--json")
    verified = run(home, "verify", "--wait", "60")
    assert (verified.returncode, verified.stderr) == (0, ""), verified
    assert "whole: " in verified.stdout
    answer = httpx.post(
        f"http://127.0.0.1:{port}/aid/distributions",
        json={
            "programme": "free-masks",
            "place": "WH-19.71",
            "occurred_at": Clock().now().isoformat(),
            "lines": [{"item": "MASK-CLOTH", "quantity": 1}],
            "recipients": {"public": 1},
        },
        headers=bearer(home, Role.REGENCY_OFFICER, "officer-19.71", "19.71"),
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    await tail.says(f"distribution/{answer.json()['id']}")
    await tail.stop()
    assert tail.exit_code == 0
    assert "Traceback" not in tail.output
    seen = run(home, "doctor", "--json", PORT=port)
    assert seen.returncode == 0, seen.stdout
    found = msgspec.json.decode(seen.stdout, type=dict[str, object])["findings"]
    said = {(one["check"], one["severity"]) for one in msgspec.convert(found, list[dict[str, str]])}
    checks = ("python", "home", "keys", "port", "database_answers", "migrated", "clock", "redis_answers", "redis_keeps")
    assert {(check, "ok") for check in (*checks, "service_ready", "outbox_sent", "parked")} <= said
    (home / "keys" / "token.jwk").chmod(0o644)
    broken = run(home, "doctor", PORT=port)
    assert (broken.returncode, f"chmod 600 {home}/keys/token.jwk" in broken.stdout) == (1, True)
    (home / "keys" / "token.jwk").chmod(0o600)


async def test_a_key_for_a_machine_opens_one_service_until_it_is_revoked(
    home: Path, started: Callable[..., Process]
) -> None:
    port = free_port()
    await started("up", "--port", str(port)).says("Another token")
    made = run(home, "api-key", "create", "--service", "aid_distribution", "--role", "auditor", "--subject", "scales-7")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()

    def status(path: str) -> int:
        bearer = {"Authorization": f"Bearer {key}"}
        return httpx.get(f"http://127.0.0.1:{port}{path}", headers=bearer, timeout=30).status_code

    assert status("/aid/balances?place=WH-PROV") == 200
    assert status("/registration/businesses") == 401
    revoked = run(home, "api-key", "revoke", key, "--service", "aid_distribution")
    assert revoked.returncode == 0, revoked.stderr
    assert key not in revoked.stdout
    await wait_until(lambda: status("/aid/balances?place=WH-PROV") == 401, description="the key to be refused")
    assert "There is no key 0123456789abcdef" in one_line(
        run(home, "api-key", "revoke", "0123456789abcdef", "--service", "aid_distribution")
    )


async def test_a_second_start_keeps_the_data_and_is_ready_in_15_seconds(started: Callable[..., Process]) -> None:
    whole = started("up", "--port", str(free_port()))
    await whole.says("is loaded: ")
    await whole.says("Another token")
    await whole.stop()
    took: list[float] = []
    while not took or (min(took) >= READY_SECONDS_MAX and len(took) < 3):  # again if others had the machine meanwhile
        begun = time.monotonic()
        whole.start()
        await whole.says("was loaded before; its data is kept")
        await whole.says("Another token")
        took.append(time.monotonic() - begun)
        await whole.stop()
    assert min(took) < READY_SECONDS_MAX


@pytest.mark.parametrize("words", ["making the database folder", "PostgreSQL and Valkey are running", "are migrated"])
async def test_a_stop_during_the_start_is_heard_too(home: Path, started: Callable[..., Process], words: str) -> None:
    whole = started("up", "--port", str(free_port()))
    await whole.says(words)
    family = whole.family()
    assert await whole.stop() < STOP_SECONDS_MAX
    assert whole.exit_code == 0
    assert "Traceback" not in whole.output
    assert not [process for process in family if alive(process)]
    assert find_running(home) is None


async def test_given_servers_are_used_and_none_are_started(home: Path, started: Callable[..., Process]) -> None:
    with EmbeddedServers.start(home.parent / "given", lambda _: None) as given:
        plain = given.database_url.replace("postgresql+asyncpg", "postgresql")
        port = str(free_port())
        whole = started("up", "--port", port, DATABASE_URL=plain, REDIS_URL=given.redis_url)
        await whole.says("Another token")
        assert len(whole.family()) == 1
        assert not (home / "postgres").exists()
        await whole.answers_ready(f"http://127.0.0.1:{port}")
        await whole.stop()
        assert whole.exit_code == 0
        assert psutil.pid_exists(given.postgres_pid)


def _unpadded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
