"""Every setting of the system, read once from the environment into one frozen value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import environ
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from shared.caller import DATING_BACK_DAYS, Role

SERVICES = ("registration", "aid_distribution", "notifications")
SECRETS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SMTP_URL",
    "WHATSAPP_TOKEN",
    "SMS_TOKEN",
    "WEBHOOK_SECRET",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
    "SMS_HOOK_SECRET",
    "MAIL_HOOK_SECRET",
    *(f"{service.upper()}_DATABASE_URL" for service in SERVICES),
)
"""What may hold a password, and so may also be given as a file, named by the same name with _FILE."""

DATING_ROLES = (Role.REGENCY_OFFICER, Role.PROVINCE_STAFF, Role.OPERATOR)
"""Who posts what happened at a moment that they tell."""

PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~\-]+)*", re.ASCII)


class SettingInvalid(Exception):
    """A setting of the environment cannot be used; the message is one line and names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process.

    Shape:  `database_urls` and `peer_urls` are keyed by the names in SERVICES; a service without an entry in
            `database_urls` takes its address from `shared.embedded.provision`, on the servers of `home`
    Source: environment variables, so that a container and a shell are configured in the same way; SECRETS also as files
    """

    home: Path
    port: int
    database_url: str | None
    redis_url: str | None
    database_urls: Mapping[str, str]
    peer_urls: Mapping[str, str]
    public_url: str
    smtp_url: str | None
    mail_from: str
    whatsapp_url: str | None
    whatsapp_token: str
    whatsapp_template: str | None
    whatsapp_app_secret: str
    whatsapp_verify_token: str
    sms_hook_secret: str
    mail_hook_secret: str
    sms_url: str | None
    sms_token: str
    webhook_url: str | None
    webhook_secret: str
    apprise_services: tuple[str, ...]
    sends_per_second: int
    oidc_issuer: str | None
    oidc_audience: str | None
    partitions: int
    log_level: str
    outbox_retention_days: int
    idempotency_retention_days: int
    chain_sign_minutes: int
    province: str
    audit_hour: int
    quiet_hours: bool
    dating_back_days: Mapping[Role, int]

    @classmethod
    def from_env(cls, env: Mapping[str, str] = environ) -> "Settings":
        """Read the settings; raises SettingInvalid, which names the first one that cannot be used."""
        env = {**env, **_from_files(env)}
        port = _whole(env, "PORT", 8000, lowest=1, highest=65_535)
        return cls(
            home=Path(env.get("SERUMPUN_HOME") or ".serumpun").expanduser().absolute(),
            port=port,
            database_url=_postgres_url(env, "DATABASE_URL"),
            redis_url=_redis_url(env),
            database_urls={
                service: url for service in SERVICES if (url := _postgres_url(env, f"{service.upper()}_DATABASE_URL"))
            },
            peer_urls={
                service: (env.get(f"{service.upper()}_URL") or f"http://127.0.0.1:{port}").rstrip("/")
                for service in SERVICES
            },
            public_url=_public_url(env, port),
            smtp_url=_smtp_url(env),
            mail_from=env.get("MAIL_FROM") or "Serumpun <serumpun@localhost>",
            whatsapp_url=_gateway_url(env, "WHATSAPP_URL", "WHATSAPP_TOKEN"),
            whatsapp_token=env.get("WHATSAPP_TOKEN") or "",
            whatsapp_template=env.get("WHATSAPP_TEMPLATE") or None,
            whatsapp_app_secret=env.get("WHATSAPP_APP_SECRET") or "",
            whatsapp_verify_token=env.get("WHATSAPP_VERIFY_TOKEN") or "",
            sms_hook_secret=env.get("SMS_HOOK_SECRET") or "",
            mail_hook_secret=env.get("MAIL_HOOK_SECRET") or "",
            sms_url=_gateway_url(env, "SMS_URL", "SMS_TOKEN"),
            sms_token=env.get("SMS_TOKEN") or "",
            webhook_url=_gateway_url(env, "WEBHOOK_URL", "WEBHOOK_SECRET"),
            webhook_secret=env.get("WEBHOOK_SECRET") or "",
            apprise_services=_words(env, "APPRISE_SERVICES"),
            sends_per_second=_whole(env, "SENDS_PER_SECOND", 50, lowest=1, highest=10_000),
            oidc_issuer=env.get("OIDC_ISSUER") or None,
            oidc_audience=env.get("OIDC_AUDIENCE") or None,
            partitions=_whole(env, "PARTITIONS", 4, lowest=1, highest=256),
            log_level=_log_level(env),
            outbox_retention_days=_whole(env, "OUTBOX_RETENTION_DAYS", 30, lowest=1, highest=3_650),
            idempotency_retention_days=_whole(env, "IDEMPOTENCY_RETENTION_DAYS", 30, lowest=1, highest=3_650),
            chain_sign_minutes=_whole(env, "CHAIN_SIGN_MINUTES", 10, lowest=1, highest=1_440),
            audit_hour=_whole(env, "AUDIT_HOUR", 2, lowest=0, highest=23),
            quiet_hours=_switch(env, "QUIET_HOURS", on=True),
            dating_back_days=_dating_back_days(env),
            province=env.get("PROVINCE") or "19-kepulauan-bangka-belitung",
        )


def _words(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in (env.get(name) or "").split(",") if word.strip())
    if not all(re.fullmatch(r"[a-z0-9]{2,40}", word) for word in words):
        raise SettingInvalid(f"{name} must be names with commas between them, such as tgram,slack")
    return words


def _dating_back_days(env: Mapping[str, str]) -> dict[Role, int]:
    """Give how far back each role may date: a setting for each, and without one the rule of the house."""
    days = {
        role: _whole(env, f"{role.upper()}_DATING_BACK_DAYS", DATING_BACK_DAYS.get(role, 0), lowest=1, highest=36_500)
        for role in DATING_ROLES
    }
    return {role: limit for role, limit in days.items() if limit}


def _switch(env: Mapping[str, str], name: str, *, on: bool) -> bool:
    text = (env.get(name) or "").strip().lower() or ("on" if on else "off")
    if text not in ("on", "off"):
        raise SettingInvalid(f"{name} must be on or off")
    return text == "on"


def _from_files(env: Mapping[str, str]) -> dict[str, str]:
    """Read the secrets that are given as files; an empty one is not set, as an empty variable is not."""
    found = {}
    for name in SECRETS:
        if not (path := env.get(f"{name}_FILE")):
            continue
        if env.get(name):
            raise SettingInvalid(f"{name} and {name}_FILE are both set: leave one of them out")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SettingInvalid(f"{name}_FILE={path} cannot be read: {reason}") from error
    return found


def _postgres_url(env: Mapping[str, str], name: str) -> str | None:
    """Take an address in any of its usual spellings and give it in SQLAlchemy's, for the asyncpg driver."""
    text = (env.get(name) or "").strip()
    if not text:
        return None
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+asyncpg"):
        raise SettingInvalid(f"{name} must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}".replace("sslmode=", "ssl=")


def _redis_url(env: Mapping[str, str]) -> str | None:
    text = (env.get("REDIS_URL") or "").strip()
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise SettingInvalid("REDIS_URL must begin with redis://, rediss:// or unix://")
    return text or None


def _public_url(env: Mapping[str, str], port: int) -> str:
    """Take the address that is printed on papers: without an end of its own, as paths follow it."""
    text = (env.get("PUBLIC_URL") or "").strip().rstrip("/") or f"http://127.0.0.1:{port}"
    if not PUBLIC_URL.fullmatch(text):
        raise SettingInvalid("PUBLIC_URL must be https://host or http://host:port, with a path at most")
    return text


def _gateway_url(env: Mapping[str, str], name: str, secret: str) -> str | None:
    """Take the address of a provider, which nobody uses without its secret; in the clear only on this machine."""
    text = (env.get(name) or "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        valid = parts.hostname and parts.port != 0 and not parts.username
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))
    except ValueError:
        valid = safe = False
    if not (valid and safe):
        raise SettingInvalid(f"{name} must be https://host/path, without a password in it")
    if not env.get(secret):
        raise SettingInvalid(f"{name} needs {secret}: set it, or its file as {secret}_FILE")
    return text


def _smtp_url(env: Mapping[str, str]) -> str | None:
    text = (env.get("SMTP_URL") or "").strip()
    if text:
        smtp_parts(text)
    return text or None


def smtp_parts(url: str) -> SplitResult:
    """Read the address of a mail server; raises SettingInvalid, without the password."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0 and not parts.path.strip("/"):
            return parts
    except ValueError:
        pass  # a port that is no number, or brackets that do not close
    raise SettingInvalid("SMTP_URL must be smtp://user:password@host:port or smtps://user:password@host:port")


def faults(env: Mapping[str, str] = environ) -> list[str]:
    """Say everything that is wrong with the settings, one line each."""
    found: list[str] = []
    rest = dict(env)
    while True:
        try:
            Settings.from_env(rest)
        except SettingInvalid as fault:
            found.append(str(fault))
            name = re.match(r"[A-Z_]+", found[-1])
            if name is None or not {name[0], f"{name[0]}_FILE", name[0].removesuffix("_FILE")} & rest.keys():
                return found
            for cause in (name[0], f"{name[0]}_FILE", name[0].removesuffix("_FILE")):
                rest.pop(cause, None)
        else:
            return found


def _whole(env: Mapping[str, str], name: str, default: int, *, lowest: int, highest: int) -> int:
    text = (env.get(name) or "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingInvalid(f"{name}={text!r} must be a whole number from {lowest} to {highest}")
    return int(text)


def _log_level(env: Mapping[str, str]) -> str:
    level = (env.get("LOG_LEVEL") or "info").lower()
    if level not in ("debug", "info", "warning", "error"):
        raise SettingInvalid(f"LOG_LEVEL={level!r} must be debug, info, warning or error")
    return level
