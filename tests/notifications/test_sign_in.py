"""Signing in by a code: sent once, counted for ten minutes, tried five times, used once, and shown to nobody else."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.domain import Letter
from services.notifications.main import SERVICE, letters
from services.notifications.signin import handlers
from services.notifications.signin.domain import AskLimit, wait_seconds
from shared import api_keys
from shared.database import Database
from shared.ended_sessions import ended_in
from shared.keys import KeyStore
from shared.security import Authenticator
from shared.settings import Settings
from shared.telemetry import AsgiApp
from shared.web import Edge, assemble
from tests.notifications.story import HASAN, NOON, OFFICE, SITI, StoppedClock, happened, messages, owner, rows

PHONE, E164 = "083400000101", "+6283400000101"
CODES, TOKENS = "/notifications/sign-in/codes", "/notifications/sign-in/tokens"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
def app(database: Database, keys: KeyStore) -> AsgiApp:
    authenticator = Authenticator(
        Settings.from_env({}),
        keys,
        api_keys.lookup_in(database.engine),
        ended_in(database.engine),
        clock=database.clock,
    )
    return assemble("notifications", Edge(database, authenticator), SERVICE.declared, ())


class Door:
    """Whoever asks, without a token, from some address."""

    def __init__(self, app: AsgiApp, address: str = "36.66.13.7") -> None:
        self._app, self._address = app, address

    async def post(self, path: str, **body: object) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        headers = {"X-Forwarded-For": self._address}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            return await client.post(path, json=body)

    async def refused(self, path: str, **body: object) -> tuple[int, str]:
        answer = await self.post(path, **body)
        return answer.status_code, answer.json()["code"]


@pytest.fixture
async def anybody(app: AsgiApp, database: Database) -> Door:
    await happened(database, owner(phone=E164))
    return Door(app)


async def sent(database: Database, channel: str = "whatsapp") -> list[str]:
    """Let the codes be sent, and give the letters as a channel would hand them over."""
    async with database.work(OFFICE) as work:
        await handlers.send_codes(work)
    async with database.work(OFFICE) as work:
        leased = await delivery.lease(work, UUID(int=1), channel)
        found = await letters(work, leased)
    return [letter.body for letter in found.values() if isinstance(letter, Letter)]


async def code(database: Database) -> str:
    (body,) = await sent(database)
    return body.partition("masuk Serumpun: ")[2][:6]


async def test_a_code_lets_its_owner_in_once(
    anybody: Door, database: Database, app: AsgiApp, clock: StoppedClock
) -> None:
    asked = await anybody.post(CODES, phone=PHONE)
    assert (asked.status_code, asked.json()) == (202, {"expires_in_seconds": 600})
    digits = await code(database)
    answer = await anybody.post(TOKENS, phone="+62 834 0000 0101", code=digits)
    assert answer.status_code == 201, answer.text
    token = answer.json()
    assert (token["owner_id"], token["token_type"]) == (str(SITI), "Bearer")
    assert token["expires_at"].startswith("2020-09-22T00:00:00")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        inbox = await client.get("/notifications/inbox", headers=headers)
        assert inbox.status_code == 200
        assert digits not in inbox.text
        assert inbox.json()["items"][0]["purpose"] == "sign_in_code"
        clock.advance(timedelta(hours=13))
        assert (await client.get("/notifications/inbox", headers=headers)).status_code == 401
    clock.at = NOON
    assert await anybody.refused(TOKENS, phone=PHONE, code=digits) == (409, "code_refused")


async def test_nothing_shows_whether_a_telephone_is_known(anybody: Door, database: Database) -> None:
    answers = [await anybody.post(CODES, phone=phone) for phone in (PHONE, "081234567890")]
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].content == answers[1].content
    for phone in (PHONE, "081234567890"):
        wrong = await anybody.post(TOKENS, phone=phone, code="000000")
        assert (wrong.status_code, wrong.json()["detail"]) == (409, "A code can be tried 5 times.")
    assert len(await sent(database)) == 1


WRITTEN = (
    "SELECT (SELECT count(*) FROM sign_in_ask) AS asks, (SELECT count(*) FROM sign_in_code) AS codes,"
    " (SELECT count(*) FROM message) AS messages, (SELECT count(*) FROM delivery) AS deliveries,"
    " (SELECT count(*) FROM outbox) AS events, (SELECT sum(length(phone_held)) FROM sign_in_code) AS held,"
    " (SELECT count(*) FROM sign_in_code WHERE used_at IS NULL AND tries = 0) AS fresh"
)


async def test_until_the_answer_the_same_is_written_whether_or_not_a_telephone_is_known(
    anybody: Door, database: Database
) -> None:
    written = [(await rows(database, WRITTEN))[0]]
    for phone in (PHONE, "083400000102"):
        await anybody.post(CODES, phone=phone)
        written.append((await rows(database, WRITTEN))[0])
    before, known, unknown = ({name: int(str(count or 0)) for name, count in one.items()} for one in written)
    added = [
        {name: after[name] - first[name] for name in first} for first, after in ((before, known), (known, unknown))
    ]
    assert added[0] == added[1]
    assert (added[0]["asks"], added[0]["codes"], added[0]["messages"], added[0]["deliveries"]) == (1, 1, 0, 0)
    assert len(await sent(database)) == 1
    assert await rows(database, "SELECT id FROM sign_in_code WHERE phone_held IS NOT NULL") == []
    async with database.work(OFFICE) as work:
        assert await handlers.send_codes(work) == 0
    assert len(await rows(database, "SELECT id FROM message WHERE purpose = 'sign_in_code'")) == 1


async def test_of_two_who_send_codes_at_the_same_time_each_code_is_sent_once(
    anybody: Door, database: Database, clock: StoppedClock
) -> None:
    for _ in range(3):
        await anybody.post(CODES, phone=PHONE)
        clock.advance(timedelta(seconds=1))

    async def send() -> None:
        async with database.work(OFFICE) as work:
            await handlers.send_codes(work)

    await asyncio.gather(*(send() for _ in range(4)))
    assert len(await rows(database, "SELECT id FROM message WHERE purpose = 'sign_in_code'")) == 3
    assert await rows(database, "SELECT id FROM sign_in_code WHERE phone_held IS NOT NULL") == []


async def test_a_code_that_counts_no_more_is_not_sent_and_its_telephone_is_forgotten(
    anybody: Door, database: Database, clock: StoppedClock
) -> None:
    await anybody.post(CODES, phone=PHONE)
    clock.advance(timedelta(minutes=10))
    assert await sent(database) == []
    assert await rows(database, "SELECT id FROM message") == []
    assert await rows(database, "SELECT id FROM sign_in_code WHERE phone_held IS NOT NULL") == []


async def test_of_many_who_show_the_same_code_at_once_one_is_let_in(anybody: Door, database: Database) -> None:
    await anybody.post(CODES, phone=PHONE)
    digits = await code(database)
    answers = await asyncio.gather(*(anybody.post(TOKENS, phone=PHONE, code=digits) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


async def test_the_fifth_wrong_try_ends_a_code(anybody: Door, database: Database) -> None:
    await anybody.post(CODES, phone=PHONE)
    digits = await code(database)
    wrong = f"{(int(digits) + 1) % 1_000_000:06}"
    for _ in range(4):
        assert await anybody.refused(TOKENS, phone=PHONE, code=wrong) == (409, "code_refused")
    assert await rows(database, "SELECT tries FROM sign_in_code") == [{"tries": 4}]
    await anybody.refused(TOKENS, phone=PHONE, code=wrong)
    assert await anybody.refused(TOKENS, phone=PHONE, code=digits) == (409, "code_refused")


async def test_many_wrong_tries_at_once_are_all_counted(anybody: Door, database: Database) -> None:
    await anybody.post(CODES, phone=PHONE)
    wrong = f"{(int(await code(database)) + 1) % 1_000_000:06}"
    await asyncio.gather(*(anybody.post(TOKENS, phone=PHONE, code=wrong) for _ in range(8)))
    assert await rows(database, "SELECT tries FROM sign_in_code") == [{"tries": 5}]


async def test_a_code_ends_after_ten_minutes_and_is_then_not_even_sent(
    anybody: Door, database: Database, clock: StoppedClock
) -> None:
    await anybody.post(CODES, phone=PHONE)
    async with database.work(OFFICE) as work:
        (row,) = await rows(database, "SELECT id FROM sign_in_code")
        digits = handlers.code_of(work.vault, row["id"])  # type: ignore[arg-type]  # it is an id
    clock.advance(timedelta(minutes=10))
    assert await anybody.refused(TOKENS, phone=PHONE, code=digits) == (409, "code_refused")
    assert await sent(database) == []


async def test_only_the_newest_code_counts(anybody: Door, database: Database, clock: StoppedClock) -> None:
    await anybody.post(CODES, phone=PHONE)
    first = await code(database)
    clock.advance(timedelta(seconds=1))
    await anybody.post(CODES, phone=PHONE)
    second = await code(database)
    assert await anybody.refused(TOKENS, phone=PHONE, code=first) == (409, "code_refused")
    assert (await anybody.post(TOKENS, phone=PHONE, code=second)).status_code == 201
    assert await anybody.refused(TOKENS, phone=PHONE, code=first) == (409, "code_refused")


async def test_who_shares_a_telephone_says_who_they_are_and_no_address_gets_the_code(
    anybody: Door, database: Database
) -> None:
    await happened(database, owner(HASAN, "Hasan", phone=E164))
    await anybody.post(CODES, phone=PHONE)
    assert await sent(database, "email") == []  # by mail one of them could sign in as the other
    async with database.work(OFFICE) as work:
        (row,) = await rows(database, "SELECT id FROM sign_in_code")
        digits = handlers.code_of(work.vault, row["id"])  # type: ignore[arg-type]  # it is an id
    answer = await anybody.post(TOKENS, phone=PHONE, code=digits)
    assert (answer.status_code, answer.json()["code"]) == (409, "owner_not_chosen")
    assert {one["name"] for one in answer.json()["owners"]} == {"Siti Rohani", "Hasan"}
    token = await anybody.post(TOKENS, phone=PHONE, code=digits, owner_id=str(HASAN))
    assert token.json()["owner_id"] == str(HASAN)


async def test_a_telephone_is_sent_three_codes_in_a_quarter_of_an_hour_known_or_not(
    anybody: Door, app: AsgiApp, clock: StoppedClock
) -> None:
    for phone in (PHONE, "081234567890"):
        answers = [await Door(app, f"36.66.13.{number}").post(CODES, phone=phone) for number in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        assert answers[3].headers["Retry-After"] == "900"
    clock.advance(timedelta(minutes=15))
    assert (await anybody.post(CODES, phone=PHONE)).status_code == 202


async def test_who_asks_at_once_is_counted_too(anybody: Door) -> None:
    answers = await asyncio.gather(*(anybody.post(CODES, phone=PHONE) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5


async def test_an_address_is_limited_and_cannot_be_made_up(anybody: Door, app: AsgiApp) -> None:
    made_up = [Door(app, f"36.66.{number // 250}.{number % 250}, 36.66.13.9") for number in range(301)]
    statuses = [
        (await door.post(CODES, phone=f"0812345{number:05}")).status_code for number, door in enumerate(made_up)
    ]
    assert statuses == [202] * 300 + [429]
    assert (await anybody.post(CODES, phone="081299999999")).status_code == 202


async def test_neither_telephone_nor_address_nor_code_is_stored(anybody: Door, database: Database) -> None:
    await anybody.post(CODES, phone=PHONE)
    digits = await code(database)
    for table in ("sign_in_code", "sign_in_ask", "message", "delivery", "outbox"):
        (found,) = await rows(database, f"SELECT coalesce(string_agg(t::text, '|'), '') AS all FROM {table} t")  # noqa: S608
        assert "83400000101" not in str(found["all"])
        assert "36.66.13.7" not in str(found["all"])
        assert f"Serumpun: {digits}" not in str(found["all"])
    assert digits not in str((await messages(database))[f"owner/{SITI}", "sign_in_code"]["body"])


async def test_who_asked_is_forgotten_after_a_day(anybody: Door, database: Database, clock: StoppedClock) -> None:
    await anybody.post(CODES, phone=PHONE)
    for left in (1, 0):
        clock.advance(timedelta(hours=13))
        async with database.work(OFFICE) as work:
            assert not await handlers.forget_old(work)
        counts = "SELECT (SELECT count(*) FROM sign_in_ask) AS asks, (SELECT count(*) FROM sign_in_code) AS codes"
        assert await rows(database, counts) == [{"asks": left, "codes": left}]


async def test_what_is_no_telephone_is_refused(anybody: Door) -> None:
    assert await anybody.refused(CODES, phone="+99912345") == (422, "invalid")


def test_how_long_one_waits_follows_from_the_asks_within_the_time() -> None:
    limit = AskLimit(2, timedelta(minutes=10))
    ago = [NOON - timedelta(minutes=minutes) for minutes in (1, 4, 9)]
    assert wait_seconds(ago[:1], limit, NOON) == 0
    assert wait_seconds(ago, limit, NOON) == 360
    assert wait_seconds(ago, limit, NOON + timedelta(minutes=6)) == 0
