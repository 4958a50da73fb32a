"""Secrets come as files where a platform mounts them so, and a service is content with the secrets that are its own."""

from pathlib import Path

import pytest

from services.startup import found
from shared.embedded import StartFailed
from shared.settings import SettingInvalid, Settings


def test_the_address_of_a_database_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "address"
    secret.write_text("postgresql://registration:pass@postgres/registration\n")

    settings = Settings.from_env({"REGISTRATION_DATABASE_URL_FILE": str(secret)})

    assert settings.database_urls == {"registration": "postgresql+asyncpg://registration:pass@postgres/registration"}


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SMTP_URL", "NOTIFICATIONS_DATABASE_URL"])
def test_a_file_that_is_not_there_is_named_together_with_its_setting(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=rf"{name}_FILE=.*gone cannot be read: No such file"):
        Settings.from_env({f"{name}_FILE": str(tmp_path / "gone")})


def test_an_empty_file_is_a_setting_left_out_as_an_empty_variable_is(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")

    assert Settings.from_env({"SMTP_URL_FILE": str(tmp_path / "empty")}).smtp_url is None


def test_a_setting_is_given_in_one_way_only(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("redis://redis")

    with pytest.raises(SettingInvalid, match="REDIS_URL and REDIS_URL_FILE are both set"):
        Settings.from_env({"REDIS_URL": "redis://redis", "REDIS_URL_FILE": str(tmp_path / "address")})


def test_a_service_needs_no_address_but_its_own(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {
            "SERUMPUN_HOME": str(tmp_path),
            "REDIS_URL": "redis://redis",
            "AID_DISTRIBUTION_DATABASE_URL": "postgres://p/a",
        }
    )

    assert found(settings, ["aid_distribution"]) is settings
    with pytest.raises(StartFailed, match="no servers run"):
        found(settings, ["registration"])
