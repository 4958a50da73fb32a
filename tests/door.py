"""A service's door in a test: its real edge on a real store, a client for each caller, and what it recorded."""

from collections.abc import Sequence

import httpx
import msgspec
from sqlmodel import col, select

from shared import api_keys
from shared.caller import Caller, Role
from shared.contracts import EVENTS, Event
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.outbox import OutboxRow
from shared.security import Authenticator, KeyStore, issue_token
from shared.service import Service
from shared.settings import Settings
from shared.telemetry import AsgiApp
from shared.web import Edge, assemble

OPERATOR = Caller("operator", Role.OPERATOR, ("19",))


def open_door(service: Service, database: Database, keys: KeyStore) -> AsgiApp:
    """Give the HTTP face of a service, as it stands behind every address of its own."""
    authenticator = Authenticator(
        Settings.from_env({}), keys, api_keys.lookup_in(database.engine), ended_in(database.engine)
    )
    return assemble(service.name, Edge(database, authenticator), service.declared, ())


class Client(httpx.AsyncClient):
    """One caller at the door."""

    def __init__(self, app: AsgiApp, keys: KeyStore, caller: Caller) -> None:
        token = issue_token(keys, caller.role, caller.regions, caller.subject, 1)
        super().__init__(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {token}"}
        )


class Recorded:
    """What was recorded, read from the real outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self) -> list[Event]:
        return [msgspec.msgpack.decode(row.data, type=EVENTS[row.type]) for row in await self.rows()]

    async def rows(self) -> Sequence[OutboxRow]:
        async with self._database.reading(OPERATOR) as work:
            return (await work.session.exec(select(OutboxRow).order_by(col(OutboxRow.id)))).all()


def told(answer: httpx.Response) -> set[tuple[str, str]]:
    """Give the mistakes of an answer: where, and which."""
    return {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


async def nothing_ended(_mark: bytes) -> bool:
    """Say of every session that it goes on."""
    return False
