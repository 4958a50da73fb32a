"""Who may call what, asked of every route of every service: 403 exactly where the matrix says so, 401 for nobody."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest_asyncio

from services.registration.people.domain import NEEDS
from services.suite import SERVICES
from shared.caller import Role, default_regions
from shared.clock import Clock
from shared.keys import KeyStore
from shared.roles import MATRIX, allowed
from shared.routes import Route
from shared.service import Application, Service, backbone_routes, build
from shared.settings import Settings
from shared.tokens import issue_token
from tests.conftest import Databases, Servers

ROUTES = [(service, route) for service in SERVICES for route in (*service.declared, *backbone_routes(service))]
REGIONS = {Role.REGENCY_OFFICER: ("19.71",)}


def each_route_and_role() -> Iterator[tuple[Service, Route, Role]]:
    for service, route in ROUTES:
        for role in set(Role) - {Role.PUBLIC}:
            yield service, route, role


@pytest_asyncio.fixture
async def doors(servers: Servers, databases: Databases, tmp_path: Path) -> AsyncIterator[dict[str, Application]]:
    settings = replace(Settings.from_env({}), home=tmp_path, redis_url=servers.redis_url)
    urls = {service.name: (await databases(service.name, migrated=True)).url for service in SERVICES}
    ready = replace(settings, database_urls=urls)
    apps = {service.name: build(service, ready, {"api"}) for service in SERVICES}
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(app.lifespan())
        yield apps


def address(route: Route) -> str:
    return route.path.format(**{name: 0 if name == "partition" else UUID(int=7) for name in route.path_parameters})


async def status(app: Application, route: Route, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Serumpun-Page": "1"} if route.session else {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
        ends = {"wait_seconds": 0} if route.shows or route.watches else None  # a live feed would not end by itself
        answer = await client.request(route.method, address(route), json={} if route.body else None, params=ends)
    return answer.status_code


async def test_a_route_refuses_exactly_the_roles_that_the_matrix_does_not_name(
    doors: dict[str, Application], tmp_path: Path
) -> None:
    keys = KeyStore(tmp_path)
    wrong = []
    for service, route, role in each_route_and_role():
        regions = REGIONS.get(role, default_regions(role, "19"))
        subject = str(UUID(int=7)) if role is Role.OWNER else f"{role}-test"
        token = issue_token(keys, role, regions, subject, 1, clock=Clock())
        refused = await status(doors[service.name], route, token) == httpx.codes.FORBIDDEN
        if refused == allowed(route.action, role):
            wrong.append((route.method, route.path, role.value))
    assert wrong == []


async def test_without_a_token_only_what_is_open_to_the_public_answers(doors: dict[str, Application]) -> None:
    open_to_all = {
        route.path
        for service, route in ROUTES
        if await status(doors[service.name], route, None) != httpx.codes.UNAUTHORIZED
    }
    assert open_to_all == {route.path for _, route in ROUTES if allowed(route.action, Role.PUBLIC)}


def test_every_action_is_asked_by_a_route_or_by_what_a_route_is_asked_for() -> None:
    assert {route.action for _, route in ROUTES} | set(NEEDS.values()) == set(MATRIX)
