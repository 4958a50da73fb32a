"""The session of a page: begun by a code, carried by a cookie, used by nobody but pages of this site, and ended."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from services.notifications.main import SERVICE
from shared import api_keys
from shared.caller import Role
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.keys import KeyStore
from shared.security import Authenticator
from shared.settings import Settings
from shared.telemetry import AsgiApp
from shared.tokens import issue_token
from shared.web import Edge, assemble
from tests.notifications.story import OFFICE, SITI, happened, owner
from tests.notifications.test_sign_in import CODES, E164, PHONE, code

SESSIONS, END = "/notifications/sign-in/sessions", "/notifications/sign-in/sessions/end"
OFFICE_SESSIONS = f"{SESSIONS}/office"
PAGE = {"Serumpun-Page": "1", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


def app_at(database: Database, keys: KeyStore, public_url: str) -> AsgiApp:
    authenticator = Authenticator(
        Settings.from_env({}),
        keys,
        api_keys.lookup_in(database.engine),
        ended_in(database.engine),
        clock=database.clock,
    )
    return assemble("notifications", Edge(database, authenticator, public_url=public_url), SERVICE.declared, ())


@pytest.fixture
async def browser(database: Database, keys: KeyStore) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who keeps cookies, at a page of an installation without TLS."""
    await happened(database, owner(phone=E164))
    transport = httpx.ASGITransport(app_at(database, keys, "http://127.0.0.1:8000"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=PAGE) as client:
        yield client


async def begun(browser: httpx.AsyncClient, database: Database, **headers: str) -> httpx.Response:
    await browser.post(CODES, json={"phone": PHONE})
    body = {"phone": PHONE, "code": await code(database)}
    return await browser.post(SESSIONS, json=body, headers=headers)


async def test_the_token_is_in_a_cookie_that_no_script_reads_and_in_no_body(
    browser: httpx.AsyncClient, database: Database
) -> None:
    answer = await begun(browser, database)
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"owner_id", "expires_in_seconds", "expires_at"}
    assert answer.json()["owner_id"] == str(SITI)
    assert answer.headers["cache-control"] == "no-store"
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith("serumpun=ey")
    assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
    inbox = await browser.get("/notifications/inbox")
    assert (inbox.status_code, inbox.headers["cache-control"]) == (200, "no-store")
    assert inbox.json()["items"][0]["purpose"] == "sign_in_code"


async def test_behind_tls_no_other_host_of_the_site_can_set_the_cookie(database: Database, keys: KeyStore) -> None:
    await happened(database, owner(phone=E164))
    transport = httpx.ASGITransport(app_at(database, keys, "https://bantuan.example"))
    async with httpx.AsyncClient(transport=transport, base_url="https://test", headers=PAGE) as client:
        answer = await begun(client, database)
        cookie, *attributes = answer.headers["set-cookie"].split("; ")
        assert cookie.startswith("__Host-serumpun=ey")
        assert attributes[-1] == "Secure"
        assert (await client.get("/notifications/inbox")).status_code == 200
        token = cookie.partition("=")[2]
        client.cookies.clear()
        planted = await client.get("/notifications/inbox", headers={"Cookie": f"serumpun={token}"})
        assert planted.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Serumpun-Page": "1", "Sec-Fetch-Site": "cross-site"},
        {"Serumpun-Page": "1", "Sec-Fetch-Site": "same-site"},
        {"Serumpun-Page": "1", "Sec-Fetch-Site": "none"},
        {"Serumpun-Page": "", "Sec-Fetch-Site": "same-origin"},
        {"Serumpun-Page": "0"},
    ],
)
async def test_an_order_that_another_site_makes_a_browser_send_is_refused(
    browser: httpx.AsyncClient, database: Database, headers: dict[str, str]
) -> None:
    await begun(browser, database)
    for path, body in (
        ("/notifications/inbox/read", {"until": "2020-09-21T12:00:00+07:00"}),
        (SESSIONS, {"phone": PHONE, "code": "000000"}),
        (END, {}),
    ):
        answer = await browser.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert (await browser.get("/notifications/inbox/unread")).json()["total"] == 1


async def test_a_question_may_be_typed_and_not_be_asked_from_another_site(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await begun(browser, database)
    for site, status in (("none", 200), ("same-origin", 200), ("same-site", 403), ("cross-site", 403)):
        answer = await browser.get("/notifications/inbox", headers={"Sec-Fetch-Site": site, "Serumpun-Page": ""})
        assert answer.status_code == status, site


async def test_a_token_in_the_header_counts_before_the_cookie_and_needs_no_page(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await begun(browser, database)
    wrong = await browser.get("/notifications/inbox", headers={"Authorization": "Bearer not-a-token"})
    assert wrong.status_code == 401
    token = browser.cookies["serumpun"]
    machine = {"Authorization": f"Bearer {token}", "Serumpun-Page": "", "Sec-Fetch-Site": "cross-site"}
    assert (await browser.get("/notifications/inbox", headers=machine)).status_code == 200


async def test_signing_out_takes_the_cookie_away_whether_or_not_it_still_counts(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await begun(browser, database)
    assert "serumpun" in browser.cookies
    for _ in range(2):
        answer = await browser.post(END, json={})
        assert (answer.status_code, answer.json()) == (200, {"ended": True})
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert "serumpun" not in browser.cookies
    assert (await browser.get("/notifications/inbox")).status_code == 401
    broken = await browser.post(END, json={}, headers={"Cookie": "serumpun=worn-out"})
    assert broken.status_code == 200


async def test_a_session_that_was_ended_is_refused_from_then_on_also_in_the_header_and_another_goes_on(
    browser: httpx.AsyncClient, database: Database, keys: KeyStore
) -> None:
    await begun(browser, database)
    ended = {"Authorization": f"Bearer {browser.cookies['serumpun']}"}
    shown = bearer(database, keys, 1)
    await browser.post(OFFICE_SESSIONS, headers=shown)
    other = {"Authorization": f"Bearer {browser.cookies['serumpun']}"}
    for headers in (ended, other):  # and with it it is known as good for a while
        assert (await browser.get("/notifications/inbox", headers=headers)).status_code == 200
    for _ in range(2):
        await browser.post(
            END, json={}, headers={"Cookie": f"serumpun={ended['Authorization'].removeprefix('Bearer ')}"}
        )
    browser.cookies.clear()
    refused = await browser.get("/notifications/inbox", headers=ended)
    assert (refused.status_code, refused.json()["detail"]) == (401, "This session was ended.")
    for headers in (other, shown):
        assert (await browser.get("/notifications/inbox", headers=headers)).status_code == 200
    assert await marks(database) == 1


async def test_only_what_was_signed_for_a_page_leaves_a_mark_and_a_token_of_a_machine_cannot_be_ended(
    browser: httpx.AsyncClient, database: Database, keys: KeyStore
) -> None:
    shown = bearer(database, keys, 1)
    for cookie in ("worn-out", "", shown["Authorization"].removeprefix("Bearer ")):
        answer = await browser.post(END, json={}, headers={"Cookie": f"serumpun={cookie}"})
        assert (answer.status_code, answer.json()) == (200, {"ended": True})
    assert await marks(database) == 0
    assert (await browser.get("/notifications/inbox", headers=shown)).status_code == 200


async def marks(database: Database) -> int:
    async with database.work(OFFICE) as work:
        return (await work.session.execute(text("SELECT count(*) FROM ended_session"))).scalar_one()


async def test_a_retry_gives_the_same_session_and_the_token_is_stored_sealed(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await browser.post(CODES, json={"phone": PHONE})
    body, key = {"phone": PHONE, "code": await code(database)}, {"Idempotency-Key": "once"}
    first, again = [await browser.post(SESSIONS, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.content == again.content
    assert first.headers["set-cookie"] == again.headers["set-cookie"]
    assert again.headers["Idempotency-Replayed"] == "true"
    token = first.headers["set-cookie"].partition("=")[2].partition(";")[0]
    async with database.work(OFFICE) as work:
        rows = (await work.session.execute(text("SELECT headers, body FROM idempotency"))).all()
    assert rows
    assert all(token.encode() not in bytes(row.headers) + bytes(row.body) for row in rows)


async def test_a_wrong_code_begins_nothing(browser: httpx.AsyncClient, database: Database) -> None:
    await browser.post(CODES, json={"phone": PHONE})
    wrong = f"{(int(await code(database)) + 1) % 1_000_000:06}"
    answer = await browser.post(SESSIONS, json={"phone": PHONE, "code": wrong})
    assert (answer.status_code, answer.json()["code"]) == (409, "code_refused")
    assert "set-cookie" not in answer.headers


def bearer(database: Database, keys: KeyStore, hours: float) -> dict[str, str]:
    """Give the token of a member of staff of the province, as a header."""
    token = issue_token(keys, Role.PROVINCE_STAFF, ("19",), "staff-19", hours, clock=database.clock)
    return {"Authorization": f"Bearer {token}"}


async def test_the_office_signs_in_by_a_token_and_its_session_counts_no_longer_than_that(
    browser: httpx.AsyncClient, database: Database, keys: KeyStore
) -> None:
    for hours, seconds in ((24.0, range(43_200, 43_201)), (2.0, range(7_000, 7_201))):
        shown = bearer(database, keys, hours)
        answer = await browser.post(OFFICE_SESSIONS, headers=shown)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert (told["subject"], told["role"], told["regions"]) == ("staff-19", "province_staff", ["19"])
        assert told["expires_in_seconds"] in seconds
        assert "access_token" not in told
        assert f"Max-Age={told['expires_in_seconds']}" in answer.headers["set-cookie"]
        assert browser.cookies["serumpun"] not in shown["Authorization"]  # a token of its own, which can be ended alone
        assert (await browser.get("/notifications/staff")).status_code == 200


async def test_the_office_cannot_sign_in_without_a_token_from_elsewhere_or_by_a_machines_key(
    browser: httpx.AsyncClient, database: Database, keys: KeyStore
) -> None:
    async with database.work(OFFICE) as work:
        key = await api_keys.create(
            work.session, subject="kiosk", role=Role.PROVINCE_STAFF, regions=("19",), now=work.now
        )
    good = bearer(database, keys, 1)
    for headers, expected in (
        ({}, 401),
        ({"Authorization": "Bearer worn-out"}, 401),
        ({"Authorization": f"Bearer {key}"}, 403),
        ({**good, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**good, "Serumpun-Page": ""}, 403),
        ({"Authorization": f"Bearer {issue_token(keys, Role.OWNER, (), str(SITI), 1, clock=database.clock)}"}, 403),
    ):
        answer = await browser.post(OFFICE_SESSIONS, headers=headers)
        assert answer.status_code == expected, headers
        assert "set-cookie" not in answer.headers
    await begun(browser, database)  # and a cookie is no token to sign in with
    assert (await browser.post(OFFICE_SESSIONS)).status_code == 401
