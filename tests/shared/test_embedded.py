"""The embedded servers: they keep their data, leave nobody behind, and say in one line what is wrong."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.embedded import EmbeddedServers, StartFailed, find_running, provision
from shared.embedded.postgres import Postgres
from shared.embedded.servers import derived_password
from shared.settings import SERVICES, Settings
from tests.processes import works
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from shared.embedded import EmbeddedServers
with EmbeddedServers.start(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="serumpun-test-") as folder:
        yield Path(folder) / "home"


def silent(_: str) -> None: ...


def settings_of(home: Path) -> Settings:
    return replace(Settings.from_env({}), home=home)


async def ask(url: str, *statements: str) -> object:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            answer: object = None
            for statement in statements:
                result = await connection.execute(text(statement))
                answer = result.scalar() if result.returns_rows else None
            return answer
    finally:
        await engine.dispose()


async def test_both_servers_keep_what_was_written_across_a_stop(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        await ask(servers.database_url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('masks')")
        async with redis.asyncio.from_url(servers.redis_url) as client:
            await client.xadd("stream", {"word": "soap"}, id="7-0")
    with EmbeddedServers.start(home, silent) as servers:
        assert await ask(servers.database_url, "SELECT word FROM kept") == "masks"
        async with redis.asyncio.from_url(servers.redis_url) as client:
            assert await client.xrange("stream") == [(b"7-0", {b"word": b"soap"})]


async def test_stopping_leaves_no_process_and_no_note_of_one(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        pids = servers.postgres_pid, servers.redis_pid
        assert find_running(home) is not None
    assert not [pid for pid in pids if works(pid)]
    assert find_running(home) is None


async def test_a_service_owns_its_database_and_may_not_enter_another(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        urls = await provision(servers.database_url, settings_of(home))
        for service in SERVICES:
            await ask(urls[service], "CREATE TABLE own (id int)")
        for service in SERVICES:
            for other in set(SERVICES) - {service}:
                with pytest.raises(Exception, match="permission denied for database"):
                    await ask(urls[service].replace(f"/serumpun_{service}?", f"/serumpun_{other}?"), "SELECT 1")


async def test_a_wrong_password_is_refused(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        password = derived_password(home, "postgres")
        with pytest.raises(Exception, match="password authentication failed"):
            await ask(servers.database_url.replace(password, "guessed"), "SELECT 1")
        with pytest.raises(redis.ConnectionError, match="invalid username-password"):
            async with redis.asyncio.from_url(servers.redis_url.replace("://:", "://:x")) as client:
                await client.ping()


async def test_provisioning_again_changes_nothing_and_addresses_of_the_environment_win(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        urls = await provision(servers.database_url, settings_of(home))
        await ask(urls["registration"], "CREATE TABLE own (id int)")
        assert await provision(servers.database_url, settings_of(home)) == urls
        assert await ask(urls["registration"], "SELECT count(*) FROM own") == 0
        given = replace(settings_of(home), database_urls={"registration": "postgresql+asyncpg://elsewhere/r"})
        assert (await provision(servers.database_url, given))["registration"] == "postgresql+asyncpg://elsewhere/r"


async def test_an_administrator_who_is_no_superuser_can_provision(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        await ask(servers.database_url, "CREATE ROLE clerk LOGIN CREATEDB CREATEROLE PASSWORD 'clerk'")
        admin = make_url(servers.database_url).set(username="clerk", password="clerk")
        urls = await provision(admin.render_as_string(hide_password=False), settings_of(home))
        for service in SERVICES:
            assert await ask(urls[service], "CREATE TABLE own (id int)", "SELECT count(*) FROM own") == 0


async def test_a_second_owner_of_the_same_folder_is_refused_by_name(home: Path) -> None:
    with (
        EmbeddedServers.start(home, silent),
        pytest.raises(StartFailed, match=rf"process {os.getpid()}.*SERUMPUN_HOME"),
    ):
        EmbeddedServers.start(home, silent)


async def test_servers_end_with_an_owner_that_was_killed_and_start_again_with_their_data(home: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        running = await wait_until(lambda: find_running(home), description="the other process to hold its servers")
        await ask(running.database_url, "CREATE TABLE kept (word text)")
    finally:
        holder.kill()
        holder.communicate()
    assert find_running(home) is None
    with EmbeddedServers.start(home, silent) as servers:
        assert await ask(servers.database_url, "SELECT count(*) FROM kept") == 0
    assert not [pid for pid in (running.postgres_pid, running.redis_pid) if works(pid)]


async def test_a_server_left_behind_by_an_earlier_run_is_replaced(home: Path) -> None:
    with EmbeddedServers.start(home, silent):
        pass
    left_behind = Postgres(home, home / "sockets", derived_password(home, "postgres"), silent)
    left_behind.start()
    said: list[str] = []
    with EmbeddedServers.start(home, said.append) as servers:
        assert await ask(servers.database_url, "SELECT 1") == 1
        assert left_behind.process is not None
        assert left_behind.process.poll() is not None
    assert "ended a PostgreSQL that an earlier run had left behind" in said


async def test_a_stale_pid_file_that_names_a_living_stranger_does_not_hinder(home: Path) -> None:
    with EmbeddedServers.start(home, silent):
        pass
    stranger = subprocess.Popen(["/bin/sleep", "600"])
    try:
        (home / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n{home}/postgres\n1700000000\n5432\n\n\n\n")
        with EmbeddedServers.start(home, silent) as servers:
            assert await ask(servers.database_url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_server_that_dies_is_started_again(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        await ask(servers.database_url, "CREATE TABLE kept (word text)")
        old = servers.postgres_pid, servers.redis_pid
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        mended: list[str] = []

        def both_mended() -> bool:
            mended.extend(servers.mend())
            return len(mended) >= 2

        await wait_until(both_mended, description="the deaths to be noticed")
        assert sorted(mended) == ["Postgres", "Valkey"]
        assert find_running(home) is not None
        assert set(old).isdisjoint((servers.postgres_pid, servers.redis_pid))

        async def answers() -> bool:
            try:
                return await ask(servers.database_url, "SELECT count(*) FROM kept") == 0
            except (OSError, DBAPIError):
                return False

        await wait_until(answers, description="PostgreSQL to recover")


@pytest.mark.parametrize("harm", ["control file", "version"])
async def test_a_broken_data_folder_gives_one_line_with_the_cure(home: Path, harm: str) -> None:
    with EmbeddedServers.start(home, silent):
        pass
    if harm == "control file":
        (home / "postgres" / "global" / "pg_control").write_bytes(b"")
    else:
        (home / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(StartFailed) as failure:
        EmbeddedServers.start(home, silent)
    assert "\n" not in str(failure.value)
    assert f"mv {home}/postgres {home}/postgres.old" in str(failure.value)


async def test_unreadable_stream_data_is_put_aside_for_it_can_be_refilled(home: Path) -> None:
    with EmbeddedServers.start(home, silent) as servers:
        async with redis.asyncio.from_url(servers.redis_url) as client:
            await client.set("key", "value" * 100)
    for file in (home / "valkey").rglob("*.aof"):
        file.write_bytes(b"this is no command\r\n" * 50)
    said: list[str] = []
    with EmbeddedServers.start(home, said.append) as servers:
        async with redis.asyncio.from_url(servers.redis_url) as client:
            assert await client.dbsize() == 0
    assert any("begun empty" in line for line in said)
    assert list(home.glob("valkey-unreadable-*"))


async def test_a_folder_too_deep_for_a_socket_works_all_the_same(home: Path) -> None:
    deep = home.joinpath(*["a-rather-long-name-of-a-folder"] * 5)
    with EmbeddedServers.start(deep, silent) as servers:
        assert await ask(servers.database_url, "SELECT 1") == 1
        async with redis.asyncio.from_url(servers.redis_url) as client:
            assert await client.ping()
        sockets = Path(make_url(servers.database_url).query["host"])  # type: ignore[arg-type]  # given once
        assert not sockets.is_relative_to(deep)
    assert not sockets.exists()


async def test_only_the_owner_can_read_what_holds_secrets(home: Path) -> None:
    with EmbeddedServers.start(home, silent):
        for name in ("run.json", "valkey.conf", "keys", "sockets", "postgres", "valkey"):
            assert (home / name).stat().st_mode & 0o077 == 0, name
