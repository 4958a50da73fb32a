"""What a service that is served does not have in memory, because it may never need it."""

import subprocess
import sys

import msgspec
import pytest

from shared.settings import SERVICES

HEAVY = {
    "httpx", "aiohttp", "apprise", "requests", "rich", "pygments", "alembic", "calamine", "scipy", "fpdf", "PIL",
    "segno", "xlsxwriter",
}  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_starts_draws_in_nothing_heavy_that_it_may_never_need(service: str) -> None:
    told = (
        f"import json, sys, services.cli, services.running, services.{service}.main; print(json.dumps([*sys.modules]))"
    )
    process = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
    loaded = set(msgspec.json.decode(process.stdout, type=list[str]))
    assert {"services.running", "structlog", "sqlalchemy", "faststream"} <= loaded
    assert loaded & HEAVY == set()
    others = tuple(f"services.{other}" for other in SERVICES if other != service)
    assert [one for one in loaded if one.startswith(others)] == []
