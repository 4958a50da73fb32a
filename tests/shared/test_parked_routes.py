"""What is parked, over HTTP: by number, kind and reason, in the order of running, and nothing of what it tells."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from shared import cursor, parking
from shared.api_keys import lookup_in
from shared.caller import Role
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.keys import KeyStore
from shared.parked_routes import parked_routes
from shared.security import Authenticator
from shared.settings import Settings
from shared.tokens import issue_token
from shared.web import Edge, assemble
from tests.shared.backbone import OFFICER, commit, fact, partition, recorded

PATH = "/notes/parked-events"
HERE = partition("siti")


@pytest_asyncio.fixture
async def operator(source: Database, keys: KeyStore) -> AsyncIterator[httpx.AsyncClient]:
    authenticator = Authenticator(Settings.from_env({}), keys, lookup_in(source.engine), ended_in(source.engine))
    app = assemble("notes", Edge(source, authenticator), parked_routes("/notes").declared, ())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        client.headers["Authorization"] = f"Bearer {issue_token(keys, Role.OPERATOR, ('19',), 'operator', 1)}"
        yield client


async def park(source: Database, count: int) -> None:
    """Let the first of so many events of one subject fail, and the others wait behind it."""
    await commit(source, *(fact("siti", number) for number in range(1, count + 1)))
    async with source.work(OFFICER) as work:
        for envelope in await recorded(source, HERE):
            error = ArithmeticError("of somebody") if envelope.seq == 1 else None
            work.session.add(parking.parked(envelope, work.now, error))


async def test_what_is_parked_is_listed_with_its_reason_and_nothing_that_it_tells(
    source: Database, operator: httpx.AsyncClient
) -> None:
    assert (await operator.get(PATH)).json() == {"items": [], "next": None}
    await park(source, 2)
    answer = await operator.get(PATH)
    first, second = answer.json()["items"]
    assert (first["at"], first["reason"], first["attempts"]) == (f"registration/{HERE}/1", "poison", 1)
    assert (first["type"], first["error"]) == ("serumpun.owner.changed.v1", "ArithmeticError")
    assert first["due_at"].endswith("+07:00")
    assert (second["at"], second["reason"], second["due_at"]) == (f"registration/{HERE}/2", "behind", None)
    assert first["subject"] == second["subject"]
    assert (
        set(first)
        == set(second)
        == {*("at", "id", "type", "subject", "time", "reason", "attempts", "due_at", "error", "parked_at")}
    )


async def test_what_could_not_be_read_has_a_number_and_a_reason(source: Database, operator: httpx.AsyncClient) -> None:
    async with source.work(OFFICER) as work:
        work.session.add(parking.unreadable("registration", HERE, 7, b"\xc1", "no event", work.now))
    (one,) = (await operator.get(PATH)).json()["items"]
    assert (one["at"], one["type"], one["id"], one["time"]) == (f"registration/{HERE}/7", "", None, None)
    assert one["error"] == "Unreadable: no event"


async def test_a_long_list_comes_in_pages_and_a_made_up_cursor_is_refused(
    source: Database, operator: httpx.AsyncClient
) -> None:
    await park(source, 5)
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = (await operator.get(PATH, params=query)).json()
        seen += [one["at"] for one in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == [f"registration/{HERE}/{number}" for number in range(1, 6)]
    for key in (("registration", 2**40, 1), ("registration", -1, 1), ("registration",), (1, 2, 3)):
        refused = await operator.get(PATH, params={"cursor": cursor.encode(*key)})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "bad_cursor"), key


@pytest.mark.parametrize(
    ("role", "region"), [(Role.REGENCY_OFFICER, "19.71"), (Role.AUDITOR, "19"), (Role.SERVICE, "00")]
)
async def test_nobody_else_is_shown_it(
    source: Database, operator: httpx.AsyncClient, keys: KeyStore, role: Role, region: str
) -> None:
    token = issue_token(keys, role, (region,), "somebody", 1)
    answer = await operator.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
