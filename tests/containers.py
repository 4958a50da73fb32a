"""PostgreSQL and Redis in containers, for the same suite that otherwise runs on the embedded servers.

SERUMPUN_TEST_SERVERS=containers chooses them; POSTGRES_IMAGE and REDIS_IMAGE name other images than the public ones, as
docker-compose.yml takes them. Without an engine the tests then fail: who asks for containers is not given less.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"
PASSWORD = "only-for-this-run"


@contextmanager
def servers_in_containers() -> Iterator[tuple[str, str]]:
    """Give the addresses of an administrator's PostgreSQL and of a Redis, which end with the block."""
    # Its reaper is an image of a registry; our containers end with the block, or with the engine of the rehearsal.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415  it reads that variable when imported
    from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy  # noqa: PLC0415

    postgres = DockerContainer(
        os.environ.get("POSTGRES_IMAGE", "postgres:17"),
        command="postgres -c fsync=off -c max_connections=200",
        env={"POSTGRES_PASSWORD": PASSWORD},
        _wait_strategy=ExecWaitStrategy(["pg_isready", "--host=127.0.0.1", "--username=postgres"]),
    )
    redis = DockerContainer(
        os.environ.get("REDIS_IMAGE", "redis:8"), _wait_strategy=LogMessageWaitStrategy("eady to accept connections")
    )
    for container, port in (postgres, 5432), (redis, 6379):
        container.ports[f"{port}/tcp"] = (LOOPBACK, None)  # type: ignore[assignment]  # else on every address
    with postgres, redis:
        yield (
            f"postgresql+asyncpg://postgres:{PASSWORD}@{LOOPBACK}:{postgres.get_exposed_port(5432)}/postgres",
            f"redis://{LOOPBACK}:{redis.get_exposed_port(6379)}/0",
        )
