"""`serumpun doctor` says what is not well with an installation, and what helps."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from services.operations import servers
from services.operations.findings import Finding
from services.operations.machine import _disk, _keys
from services.operations.running_services import ServiceReadiness, _report
from tests.operations.conftest import Installation, invoke
from tests.operations.planted import AT

AID_0 = "ev:aid_distribution:{0}"


async def findings(there: Installation, code: int) -> dict[tuple[str, str], tuple[str, str]]:
    """Give the severity and the cure of every finding, by its check and its place."""
    answered = await there.command("doctor", "--json")
    assert answered.code == code, answered
    found = msgspec.convert(answered.read(dict[str, object])["findings"], list[Finding])
    return {(one.check, one.where): (one.severity, one.cure) for one in found}


async def test_an_installation_that_is_well_has_no_fault(unbroken: Installation) -> None:
    found = await findings(unbroken, 0)
    assert "fault" not in {severity for severity, _ in found.values()}
    for service in unbroken.urls:
        assert found["database_answers", service][0] == found["migrated", service][0] == "ok"


async def test_what_holds_up_the_flow_of_events_is_named_with_its_cure(there: Installation) -> None:
    await there.redis.delete(AID_0)
    await there.redis.hdel("pos:registration:{0}", "notifications")
    await there.sql("aid_distribution", "DELETE FROM outbox WHERE partition = 3 AND seq < 3")
    await there.sql(
        "aid_distribution", "UPDATE outbox SET time = time - interval '1 minute' WHERE partition = 0 AND seq = 1"
    )
    await there.sql(
        "notifications",
        AT.format("last_seq + 1", 1),
        AT.format("last_seq - 1", 2),
        AT.format(1, 3),
        "INSERT INTO parked VALUES"
        " ('registration', 0, 1, NULL, '', 'unreadable/1', NULL, '', '', '', '', 'poison', 1, now(), 'planted', now())",
    )
    found = await findings(there, 1)

    def at(partition: int) -> tuple[str, str]:
        return found["consumer_position", f"notifications in aid_distribution/{partition}"]

    assert found["outbox_sent", "aid_distribution"][0] == "fault"
    assert at(1) == ("fault", "serumpun events position notifications aid_distribution/1 --to head")
    assert at(2)[0] == "warning"
    assert at(3) == ("fault", "serumpun events position notifications aid_distribution/3 --to oldest")
    assert "unregister notifications" in found["consumer_position", "notifications in registration/0"][1]
    assert found["parked", "notifications"] == ("fault", "serumpun parked list --service notifications")


async def test_a_store_that_does_not_fit_is_named_with_its_cure(there: Installation) -> None:
    await there.sql("registration", "UPDATE alembic_version SET version_num = '0001'")
    there.environment["PARTITIONS"] = "16"
    found = await findings(there, 1)
    assert found["migrated", "registration"] == ("fault", "serumpun migrate")
    assert found["partitions", "notifications"] == ("fault", "set PARTITIONS=4")


async def test_a_server_that_does_not_answer_ends_with_3(unbroken: Installation) -> None:
    environment = {**unbroken.environment}
    unbroken.environment["REDIS_URL"] = "redis://:hush@127.0.0.1:1/0"
    assert (await findings(unbroken, 3))["redis_answers", "Redis"][0] == "fault"
    unbroken.environment |= {**environment, "REGISTRATION_DATABASE_URL": "postgresql://x:hush@127.0.0.1:1/x"}
    assert (await findings(unbroken, 3))["database_answers", "registration"][0] == "fault"
    assert "hush" not in (await unbroken.command("doctor")).output


def test_everything_that_is_wrong_with_the_settings_is_told_at_once(tmp_path: Path) -> None:
    wrong = {
        "SMTP_URL": "mail.test",
        "PARTITIONS": "many",
        "LOG_LEVEL": "loud",
        "DATABASE_URL": "mysql://x",
        "PUBLIC_URL": "x/(y)",
    }
    answered = invoke({**wrong, "SERUMPUN_HOME": str(tmp_path)}, "doctor", "--json")
    assert answered.code == 1
    found = msgspec.convert(answered.read(dict[str, object])["findings"], list[Finding])
    assert {one.where for one in found if one.severity == "fault"} == wrong.keys()


@pytest.mark.parametrize(("mode", "severity"), [(0o600, "ok"), (0o640, "ok"), (0o644, "fault"), (0o602, "fault")])
def test_a_key_is_closed_to_others(tmp_path: Path, mode: int, severity: str) -> None:
    for name in ("master.key", "token.jwk"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    assert {finding.severity for finding in _keys(tmp_path)} == {severity}


def test_the_disk_is_looked_at_although_the_home_folder_is_not_there_yet(tmp_path: Path) -> None:
    assert _disk(tmp_path / "deep" / "home").where == str(tmp_path)


@pytest.mark.parametrize(
    ("facts", "check", "severity"),
    [
        ({"redis_version": "7.0.15"}, "redis_version", "ok"),
        ({"redis_version": "6.2.1"}, "redis_version", "fault"),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.0"}, "redis_version", "ok"),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "7.2.5"}, "redis_version", "fault"),
        ({"redis_version": "7.0.0", "aof_enabled": 1}, "redis_keeps", "ok"),
        ({"redis_version": "7.0.0", "aof_enabled": 0}, "redis_keeps", "warning"),
        ({"redis_version": "7.0.0", "maxmemory_policy": "noeviction", "maxmemory": 9}, "redis_evicts", "ok"),
        ({"redis_version": "7.0.0", "maxmemory_policy": "allkeys-lru", "maxmemory": 0}, "redis_evicts", "warning"),
        ({"redis_version": "7.0.0", "maxmemory_policy": "allkeys-lru", "maxmemory": 9}, "redis_evicts", "fault"),
        ({"redis_version": "7.0.0", "maxmemory_policy": "volatile-ttl", "maxmemory": 9}, "redis_evicts", "fault"),
    ],
)
def test_redis_is_judged_by_what_it_says_of_itself(facts: Mapping[str, object], check: str, severity: str) -> None:
    assert {one.check: one.severity for one in servers._redis(facts)}[check] == severity


@pytest.mark.parametrize(("seconds", "severity"), [(0.2, "ok"), (-2, "warning"), (-31, "fault"), (31, "fault")])
def test_clocks_that_differ_are_told(seconds: float, severity: str) -> None:
    assert servers._skew("PostgreSQL", seconds).severity == severity


def test_a_service_that_is_not_ready_says_why_and_the_fence_has_its_command() -> None:
    refused = "ev:aid_distribution:{2} is ahead by 9000000 numbers: delete it"
    ready = ServiceReadiness("aid_distribution", ready=False, checks={"database": "ok", "relay": refused})
    (finding,) = _report(ready, "http://here")
    assert (finding.severity, finding.cure) == ("fault", "serumpun events refill aid_distribution --partition 2")
