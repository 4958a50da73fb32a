"""The HTTP face: everybody reads their own inbox, the office registers its staff, and a no has a code."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from shared.caller import Caller, Role
from shared.database import Database
from shared.roles import MATRIX, Action
from tests.notifications.story import (
    AUDITOR,
    BELITUNG,
    HASAN,
    KITCHEN,
    OFFICE,
    PANGKALPINANG,
    SITI,
    TAILOR,
    Door,
    StoppedClock,
    business,
    happened,
    owner,
    posted,
    staff,
)

FITRI = {
    "subject": "officer-19.71",
    "name": "Fitri Handayani",
    "role": "regency_officer",
    "regions": ["19.71"],
    "email": "fitri@contoh.example",
}
OWNER = Caller(str(SITI), Role.OWNER, ())
OTHER_OWNER = Caller(str(HASAN), Role.OWNER, ())


@pytest.fixture
async def told(database: Database, clock: StoppedClock) -> None:
    """Siti was welcomed, and told of a distribution an hour later."""
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    await happened(database, owner(), business())
    clock.advance(timedelta(hours=1))
    await happened(database, posted(TAILOR))


async def test_an_owner_finds_the_messages_newest_first_with_local_time_and_the_trace(told: None, door: Door) -> None:
    answer = await door(OWNER).get("/notifications/inbox")
    assert answer.status_code == 200
    aid, welcome = answer.json()["items"]
    assert answer.json()["next"] is None
    assert aid == {
        "id": aid["id"],
        "title": "Bantuan untuk usaha Anda",
        "body": "Konveksi Siti tercatat menerima bantuan masker gratis. Isi penyaluran: 500 buah Masker kain dua "
        "lapis. Tempat: Gudang Kota Pangkalpinang, 21 Sep 2020 12.00 WIB. Dari: Officer-19.71 (19.71). "
        "No. 2020-09-19.71-DO-0001.",
        "why": "Anda menerima pesan ini karena usaha Anda tercatat sebagai penerima.",
        "purpose": "aid",
        "urgency": "required",
        "language": "id",
        "region": "19.71",
        "fact": posted().subject,
        "created_at": "2020-09-21T13:00:00+07:00",
        "read_at": None,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
    assert welcome["created_at"] == "2020-09-21T12:00:00+07:00"


async def test_nobody_sees_the_inbox_of_anybody_else(told: None, door: Door) -> None:
    for caller in (OTHER_OWNER, OFFICE, AUDITOR, BELITUNG, Caller(str(SITI), Role.OPERATOR, ("19",))):
        assert (await door(caller).get("/notifications/inbox")).json() == {"items": [], "next": None}
    (item,) = (await door(PANGKALPINANG).get("/notifications/inbox")).json()["items"]
    assert item["purpose"] == "aid_office"


async def test_pages_follow_one_another_without_a_gap_or_a_repetition(
    database: Database, clock: StoppedClock, door: Door
) -> None:
    await happened(database, owner())
    for number in range(7):
        clock.advance(timedelta(seconds=number % 3))  # some at the very same moment
        await happened(database, business(uuid4(), SITI, f"Usaha {number}"))
    seen: list[str] = []
    address = "/notifications/inbox?limit=2"
    client = door(OWNER)
    for _ in range(4):
        answer = await client.get(address)
        seen += [item["body"].split(" sudah")[0] for item in answer.json()["items"]]
        if cursor := answer.json()["next"]:
            address = f"/notifications/inbox?limit=2&cursor={cursor}"
            assert f"cursor={cursor}" in answer.headers["link"]
    assert cursor is None
    assert seen == [f"Usaha {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("cursor=AAAA", "/query/cursor", "bad_cursor"),
        ("cursor=!", "/query/cursor", "bad_format"),
        ("limit=0", "/query/limit", "too_small"),
        ("limit=501", "/query/limit", "too_large"),
        ("sort=id", "/query/sort", "unknown_field"),
    ],
)
async def test_a_query_that_means_nothing_is_told_so(door: Door, query: str, pointer: str, code: str) -> None:
    for path in ("/notifications/inbox", "/notifications/staff", "/notifications/deliveries"):
        answer = await door(OFFICE).get(f"{path}?{query}")
        assert answer.status_code == 422
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


async def test_reading_is_noted_once(told: None, clock: StoppedClock, door: Door) -> None:
    client = door(OWNER)
    newest = (await client.get("/notifications/inbox")).json()["items"][0]
    clock.advance(timedelta(minutes=5))
    first = await client.post(f"/notifications/inbox/{newest['id']}/read")
    clock.advance(timedelta(minutes=5))
    second = await client.post(f"/notifications/inbox/{newest['id']}/read")
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json() == newest | {"read_at": "2020-09-21T13:05:00+07:00"}
    assert (await client.get("/notifications/inbox")).json()["items"][0] == first.json()


async def test_somebody_elses_message_is_like_one_that_does_not_exist(told: None, door: Door) -> None:
    mine = (await door(OWNER).get("/notifications/inbox")).json()["items"][0]
    answers = [
        await door(caller).post(f"/notifications/inbox/{message_id}/read")
        for caller, message_id in ((OTHER_OWNER, mine["id"]), (OFFICE, mine["id"]), (OWNER, uuid4()), (OWNER, "x"))
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 4
    assert (await door(OWNER).get("/notifications/inbox")).json()["items"][0]["read_at"] is None


async def test_staff_are_registered_once_and_listed(door: Door) -> None:
    client = door(OFFICE)
    first = await client.post("/notifications/staff", json=FITRI)
    again = await client.post("/notifications/staff", json=FITRI)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.json() == FITRI | {"id": "officer-19.71", "language": "id", "apprise": False, "webhook": False}
    assert (await client.get("/notifications/staff")).json()["items"] == [first.json()]


async def test_everybody_sees_the_staff_of_their_own_regions(database: Database, door: Door) -> None:
    await staff(
        database,
        ("officer-19.02", "regency_officer", "19.02"),
        ("officer-19.71", "regency_officer", "19.71"),
        ("staff-provinsi", "province_staff", "19"),
    )

    async def seen(caller: Caller) -> list[str]:
        return [item["subject"] for item in (await door(caller).get("/notifications/staff")).json()["items"]]

    assert await seen(OFFICE) == ["officer-19.02", "officer-19.71", "staff-provinsi"]
    assert await seen(PANGKALPINANG) == ["officer-19.71"]
    assert await seen(Caller("x", Role.REGENCY_OFFICER, ("19.70",))) == []
    page = (await door(OFFICE).get("/notifications/staff?limit=2")).json()
    following = (await door(OFFICE).get(f"/notifications/staff?limit=2&cursor={page['next']}")).json()
    assert [item["subject"] for item in page["items"] + following["items"]] == await seen(OFFICE)


async def test_every_mistake_of_a_registration_is_told_at_once(door: Door) -> None:
    body = {"subject": " ", "role": "owner", "regions": [], "email": "a\r\nBcc: b@c", "language": "fr", "nik": 1}
    answer = await door(OFFICE).post("/notifications/staff", json=body)
    assert answer.status_code == 422
    assert {(error["pointer"], error["code"]) for error in answer.json()["errors"]} == {
        ("/subject", "bad_format"),
        ("/name", "missing"),
        ("/role", "unknown_value"),
        ("/regions", "too_few"),
        ("/email", "bad_format"),
        ("/language", "unknown_value"),
        ("/nik", "unknown_field"),
    }
    assert (await door(OFFICE).get("/notifications/staff")).json()["items"] == []


@pytest.mark.parametrize(
    "email", ["a@b@c", "a b@c.example", "a@c.example\n", "a@", "@b", "<a@b.example>", "ä@b.example", "a@b.example\x00"]
)
async def test_an_address_that_no_server_would_take_is_refused(door: Door, email: str) -> None:
    answer = await door(OFFICE).post("/notifications/staff", json=FITRI | {"email": email})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/email"]


async def test_the_ledger_shows_each_office_who_was_sent_what(database: Database, door: Door) -> None:
    await happened(database, owner(), owner(HASAN, "Hasan"), business(), business(KITCHEN, HASAN, "Dapur"))
    client = door(PANGKALPINANG)
    page = (await client.get("/notifications/deliveries?limit=1")).json()
    rest = (await client.get(f"/notifications/deliveries?cursor={page['next']}")).json()
    seen = page["items"] + rest["items"]
    assert [item["person"] for item in seen] == [f"owner/{HASAN}", f"owner/{SITI}"]
    assert {(item["state"], item["channel"], item["attempts"], item["accepted_at"]) for item in seen} == {
        ("queued", "email", 0, None)
    }
    assert datetime.fromisoformat(seen[0]["created_at"]).utcoffset() == timedelta(hours=7)
    for caller, state, count in ((AUDITOR, "queued", 2), (AUDITOR, "failed", 0), (BELITUNG, "queued", 0)):
        answer = await door(caller).get(f"/notifications/deliveries?state={state}")
        assert len(answer.json()["items"]) == count


CALLERS = {
    Role.OWNER: OWNER,
    Role.REGENCY_OFFICER: PANGKALPINANG,
    Role.PROVINCE_STAFF: OFFICE,
    Role.AUDITOR: AUDITOR,
    Role.OPERATOR: Caller("operator", Role.OPERATOR, ("19",)),
    Role.SERVICE: Caller("service", Role.SERVICE, ("19",)),
}


@pytest.mark.parametrize("role", list(CALLERS))
@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "/notifications/inbox", Action.READ_INBOX),
        ("POST", "/notifications/inbox/0198f3a0-7c1e-7000-8000-000000000000/read", Action.READ_INBOX),
        ("POST", "/notifications/staff", Action.REGISTER_STAFF),
        ("GET", "/notifications/staff", Action.SEE_CONTACTS),
        ("GET", "/notifications/deliveries", Action.SEE_MESSAGES),
    ],
)
async def test_the_role_matrix_holds_on_every_route(
    door: Door, role: Role, method: str, path: str, action: Action
) -> None:
    answer = await door(CALLERS[role]).request(method, path, json=FITRI if method == "POST" else None)
    assert (answer.status_code == 403) == (role not in MATRIX[action])
    assert answer.status_code < 500


async def test_without_a_token_nothing_is_shown(door: Door) -> None:
    client = door(OWNER)
    answer = await client.get("/notifications/inbox", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
