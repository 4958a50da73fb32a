import asyncio
from collections.abc import Mapping
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from shared.contracts.registration import OwnerRegistered
from shared.database import Database
from shared.security import KeyStore
from shared.telemetry import AsgiApp
from tests.door import Client, Recorded, told
from tests.registration.people import NIK, OFFICE, owner, registration

Door = Mapping[str, Client]
BUSINESSES = "/registration/businesses"


async def registered(client: Client, **changes: object) -> dict[str, object]:
    answer = await client.post(BUSINESSES, json=registration(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def rows(database: Database, table: str) -> int:
    async with database.reading(OFFICE) as work:
        return int((await work.session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())  # noqa: S608  ours


async def test_a_registration_answers_with_what_was_stored(door: Door) -> None:
    answer = await door["pangkalpinang"].post(BUSINESSES, json=registration())
    assert answer.status_code == 201
    shown = answer.json()
    assert answer.headers["location"] == f"{BUSINESSES}/{shown['id']}"
    assert answer.headers["etag"] == '"1"'
    assert shown["owner"] == {
        "id": shown["owner_id"],
        "name": "Siti Aminah",
        "nik": "************9901",
        "phone": "+6283400000101",
        "email": "siti@contoh.example",
        "language": "id",
        "state": "active",
    }
    today = shown["registered_at"][:10]
    assert shown["state_since"] == today
    assert shown["business_scale"] == {"scale": "micro", "rule": "pp-7-2021", "since": today}
    assert shown["industry_scale"] == {"scale": "small", "rule": "permenperin-64-2016", "since": today}
    assert shown["kbli"] == {"code": "14111", "edition": 2020}
    assert (shown["state"], shown["version"], shown["warnings"]) == ("active", 1, [])
    assert shown["registered_at"].endswith("+07:00")
    assert "annual_sales_rupiah" not in shown
    assert NIK not in answer.text
    read = await door["pangkalpinang"].get(answer.headers["location"])
    assert (read.status_code, read.json()) == (200, shown)


async def test_the_least_that_is_needed_is_a_name_a_sector_a_region_and_an_owners_name(door: Door) -> None:
    body = {"name": "Warung", "sector": "food", "region": "19.71", "owner": {"name": "Amir"}}
    answer = await door["pangkalpinang"].post(BUSINESSES, json=body)
    assert answer.status_code == 201
    assert answer.json()["business_scale"] is None
    assert answer.json()["owner"]["nik"] is None


async def test_every_mistake_of_shape_and_of_meaning_is_told_in_one_answer(door: Door, database: Database) -> None:
    body = registration(
        name="",
        sector="Garment!",
        region="19.99",
        kbli={"code": "14", "edition": "2020"},
        nib="123",
        workers=-1,
        investment_rupiah=2**70,
        annual_sales_on="2999-01-01",
        shoe_size=42,
        owner_id=str(uuid4()),
        owner={"name": "Siti", "nik": "1971010000000000", "phone": "12", "email": "at home", "language": "fr"},
    )
    answer = await door["office"].post(BUSINESSES, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid"
    assert told(answer) == {
        ("/name", "too_short"),
        ("/sector", "bad_format"),
        ("/region", "unknown_region"),
        ("/kbli/code", "bad_format"),
        ("/kbli/edition", "wrong_type"),
        ("/nib", "bad_format"),
        ("/workers", "too_small"),
        ("/investment_rupiah", "too_large"),
        ("/annual_sales_on", "in_the_future"),
        ("/shoe_size", "unknown_field"),
        ("/owner_id", "both_given"),
        ("/owner_id", "unknown_owner"),
        ("/owner/nik", "invalid_nik"),
        ("/owner/phone", "invalid_phone"),
        ("/owner/email", "bad_format"),
        ("/owner/language", "unknown_value"),
    }
    assert NIK[:8] not in answer.text
    assert [await rows(database, table) for table in ("owner", "business", "outbox")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {("", "malformed_json")}),
        (b"{", {("", "malformed_json")}),
        (b"[]", {("", "wrong_type")}),
        (b"null", {("", "wrong_type")}),
        (b"{}", {("/name", "missing"), ("/sector", "missing"), ("/region", "missing"), ("/owner", "missing")}),
        (b"[" * 100_000, {("", "malformed_json")}),
        (b'{"name": "\\ud800"}', {("", "malformed_json")}),
        (b"\xff", {("", "malformed_json")}),
    ],
)
async def test_what_is_no_registration_at_all_is_told_so(
    door: Door, body: bytes, expected: set[tuple[str, str]]
) -> None:
    answer = await door["office"].post(BUSINESSES, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert told(answer) == expected


@pytest.mark.parametrize("field", ["name", "sector", "region", "nib", "address", "document"])
@pytest.mark.parametrize("text", ["a\0b", "\0", "a\nb", "a\n", " ", "\x7f"])
async def test_control_characters_are_refused_where_they_stand(door: Door, field: str, text: str) -> None:
    answer = await door["office"].post(BUSINESSES, json=registration(**{field: text}))
    assert answer.status_code == 422
    assert {pointer for pointer, _ in told(answer)} == {f"/{field}"}


@pytest.mark.parametrize("field", ["name", "nik", "phone", "email"])
@pytest.mark.parametrize("text", ["a\0b", "\0", "a@b.c\n", "0834-0000-0101\n\0"])
async def test_control_characters_are_refused_in_an_owner_too(door: Door, field: str, text: str) -> None:
    person = {"name": "Siti"} | {field: text}
    answer = await door["office"].post(BUSINESSES, json=registration(owner=person))
    assert answer.status_code == 422
    assert {pointer for pointer, _ in told(answer)} == {f"/owner/{field}"}


@pytest.mark.parametrize(
    "query",
    ["cursor=bad", "cursor=%00", "limit=0", "limit=501", "limit=x", "region=a", "state=open", "q=%00", "colour=red"],
)
async def test_a_question_that_is_wrong_is_refused_at_its_parameter(door: Door, query: str) -> None:
    answer = await door["office"].get(f"{BUSINESSES}?{query}")
    assert answer.status_code == 422
    assert {pointer for pointer, _ in told(answer)} == {f"/query/{query.split('=', maxsplit=1)[0]}"}


async def test_another_regions_business_answers_like_one_that_does_not_exist(door: Door) -> None:
    mine = str((await registered(door["pangkalpinang"]))["id"])
    for path in ("{}", "{}/support"):
        answers = [
            await door["belitung"].get(f"{BUSINESSES}/{path.format(name)}") for name in (mine, uuid4(), "nonsense")
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        bodies = [answer.json() | {"instance": "", "request_id": ""} for answer in answers]
        assert bodies[0] == bodies[1] == bodies[2]
    change = await door["belitung"].patch(f"{BUSINESSES}/{mine}", json={"workers": 1}, headers={"If-Match": '"1"'})
    closure = await door["belitung"].post(f"{BUSINESSES}/{mine}/closure", json={"reason": "Not mine"})
    assert (change.status_code, closure.status_code) == (404, 404)
    assert (await door["belitung"].get(f"{BUSINESSES}?region=19.71")).json()["items"] == []
    assert (await door["belitung"].get(BUSINESSES)).json()["items"] == []


async def test_another_regions_owner_answers_like_one_that_does_not_exist(door: Door) -> None:
    mine = await registered(door["pangkalpinang"])
    body = registration(region="19.02", nib=None, owner_id=mine["owner_id"])
    del body["owner"]
    answers = [
        await door["belitung"].post(BUSINESSES, json=body | {"owner_id": name})
        for name in (mine["owner_id"], str(uuid4()))
    ]
    assert told(answers[0]) == told(answers[1]) == {("/owner_id", "unknown_owner")}


async def test_a_made_up_cursor_shows_nothing_of_another_region(door: Door) -> None:
    for name in ("A", "B", "C"):
        await registered(door["pangkalpinang"], name=name, nib=None)
    theirs = (await door["pangkalpinang"].get(f"{BUSINESSES}?limit=1")).json()["next"]
    assert (await door["belitung"].get(f"{BUSINESSES}?cursor={theirs}")).json()["items"] == []


async def test_pages_name_the_next_one_in_body_and_header(door: Door) -> None:
    for name in ("A", "B", "C"):
        await registered(door["pangkalpinang"], name=name, nib=None)
    first = await door["pangkalpinang"].get(f"{BUSINESSES}?limit=2&sector=garment")
    assert [item["name"] for item in first.json()["items"]] == ["A", "B"]
    following = first.headers["link"].partition("<")[2].partition(">")[0]
    last = await door["pangkalpinang"].get(following)
    assert [item["name"] for item in last.json()["items"]] == ["C"]
    assert last.json()["next"] is None
    assert "link" not in last.headers


async def test_a_change_needs_the_version_that_was_read(door: Door, recorded: Recorded) -> None:
    client = door["pangkalpinang"]
    path = f"{BUSINESSES}/{(await registered(client))['id']}"
    missing = await client.patch(path, json={"workers": 5})
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    changed = await client.patch(path, json={"workers": 5}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["workers"]) == (200, '"2"', 5)
    stale = await client.patch(path, json={"workers": 6}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await client.get(path)).json()["workers"] == 5
    assert len(await recorded()) == 3


async def test_of_two_changes_of_one_version_one_wins(door: Door) -> None:
    client = door["pangkalpinang"]
    path = f"{BUSINESSES}/{(await registered(client))['id']}"
    answers = await asyncio.gather(
        *(client.patch(path, json={"workers": number}, headers={"If-Match": '"1"'}) for number in range(10, 15))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_every_mistake_of_a_change_is_told_in_one_answer(door: Door) -> None:
    client = door["pangkalpinang"]
    path = f"{BUSINESSES}/{(await registered(client))['id']}"
    body = {
        "name": None,
        "region": "19.02",
        "state": "closed",
        "owner": {"phone": "1", "nik": "2", "language": None, "shoe_size": 1},
    }
    answer = await client.patch(path, json=body, headers={"If-Match": '"1"'})
    assert told(answer) == {
        ("/name", "missing"),
        ("/region", "unknown_region"),
        ("/state", "unknown_value"),
        ("/owner/phone", "invalid_phone"),
        ("/owner/nik", "invalid_nik"),
        ("/owner/language", "missing"),
        ("/owner/shoe_size", "unknown_field"),
    }


async def test_a_closure_closes_once(door: Door) -> None:
    client = door["pangkalpinang"]
    path = f"{BUSINESSES}/{(await registered(client))['id']}"
    closed = await client.post(f"{path}/closure", json={"reason": "No orders", "document": "BA/4"})
    assert (closed.status_code, closed.json()["state"], closed.json()["state_reason"]) == (201, "closed", "No orders")
    again = await client.post(f"{path}/closure", json={"reason": "No orders"})
    assert (again.status_code, again.json()["code"]) == (409, "business_closed")
    change = await client.patch(path, json={"workers": 1}, headers={"If-Match": '"2"'})
    assert (change.status_code, change.json()["code"]) == (409, "business_closed")


async def test_a_retry_gives_the_first_answer_byte_for_byte(door: Door, recorded: Recorded) -> None:
    client = door["pangkalpinang"]
    key = {"Idempotency-Key": "phone-7-0001"}
    first = await client.post(BUSINESSES, json=registration(), headers=key)
    again = await client.post(BUSINESSES, json=registration(), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(await recorded()) == 2


async def test_a_key_is_not_used_for_two_requests(door: Door, database: Database) -> None:
    client = door["pangkalpinang"]
    key = {"Idempotency-Key": "phone-7-0001"}
    await client.post(BUSINESSES, json=registration(), headers=key)
    other = await client.post(BUSINESSES, json=registration(name="Another"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await rows(database, "business") == 1
    # Another caller's key of the same name is another key.
    elsewhere = await door["office"].post(BUSINESSES, json=registration(nib=None), headers=key)
    assert elsewhere.status_code == 201


async def test_a_refused_request_may_be_put_right_under_the_same_key(door: Door) -> None:
    key = {"Idempotency-Key": "phone-7-0002"}
    refused = await door["pangkalpinang"].post(BUSINESSES, json=registration(region="19.99"), headers=key)
    assert refused.status_code == 422
    assert (await door["pangkalpinang"].post(BUSINESSES, json=registration(), headers=key)).status_code == 201


async def test_racing_registrations_of_one_nik_make_one_owner(door: Door, recorded: Recorded) -> None:
    bodies = [registration(name=f"Usaha {number}", nib=None) for number in range(8)]
    answers = await asyncio.gather(*(door["pangkalpinang"].post(BUSINESSES, json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["owner_id"] for answer in answers}) == 1
    assert len([event for event in await recorded() if isinstance(event, OwnerRegistered)]) == 1


async def test_racing_registrations_of_one_nib_make_one_business(door: Door, database: Database) -> None:
    people = [{"name": f"Owner {number}"} for number in range(6)]
    answers = await asyncio.gather(
        *(door["pangkalpinang"].post(BUSINESSES, json=registration(owner=person)) for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"nib_taken"}
    assert await rows(database, "owner") == 1


async def test_of_racing_changes_to_one_nib_one_wins(door: Door) -> None:
    client = door["pangkalpinang"]
    made = [await registered(client, nib=None, owner={"name": f"Owner {number}"}) for number in range(4)]
    answers = await asyncio.gather(
        *(
            client.patch(f"{BUSINESSES}/{one['id']}", json={"nib": "0220000000077"}, headers={"If-Match": '"1"'})
            for one in made
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_nik_of_another_person_is_refused_without_a_word_about_them(door: Door) -> None:
    await registered(door["pangkalpinang"])
    body = registration(region="19.02", nib=None, owner={"name": "Rahmat", "nik": NIK})
    answer = await door["belitung"].post(BUSINESSES, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "nik_belongs_to_another")
    assert "errors" not in answer.json()
    for secret in (NIK, "Siti", "19.71"):
        assert secret not in answer.text


async def test_an_auditor_sees_figures_and_not_how_to_reach_people(door: Door) -> None:
    made = await registered(door["pangkalpinang"])
    shown = (await door["auditor"].get(f"{BUSINESSES}/{made['id']}")).json()["owner"]
    assert (shown["name"], shown["phone"], shown["email"]) == ("Siti Aminah", "+62********101", None)
    refused = await door["auditor"].post(BUSINESSES, json=registration())
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_owners_see_their_own_businesses_and_no_others(door: Door, app: AsgiApp, keys: KeyStore) -> None:
    made = await registered(door["pangkalpinang"])
    await registered(door["pangkalpinang"], nib=None, owner={"name": "Somebody else"})
    async with Client(app, keys, owner(msgspec.convert(made["owner_id"], type=type(uuid4())))) as client:
        (own,) = (await client.get("/registration/my/businesses")).json()["items"]
        assert (own["id"], own["annual_sales_rupiah"]) == (made["id"], 200_000_000)
        assert own["owner"]["nik"] == "************9901"
        assert (await client.get(f"{BUSINESSES}/{made['id']}")).status_code == 403
        assert (await client.get(BUSINESSES)).status_code == 403
    assert (await door["office"].get("/registration/my/businesses")).status_code == 403


async def test_regions_are_those_that_the_caller_sees(door: Door) -> None:
    everywhere = (await door["office"].get("/registration/regions")).json()["items"]
    assert [region["code"] for region in everywhere] == [f"19.0{number}" for number in range(1, 7)] + ["19.71"]
    assert sum(region["population"] for region in everywhere) == 1_549_562
    (own,) = (await door["pangkalpinang"].get("/registration/regions")).json()["items"]
    assert own == {
        "code": "19.71",
        "code_system": "kemendagri",
        "name": "Kota Pangkalpinang",
        "kind": "city",
        "population": 242_285,
    }


async def test_an_unchanged_business_is_not_sent_again(door: Door) -> None:
    client = door["pangkalpinang"]
    path = f"{BUSINESSES}/{(await registered(client))['id']}"
    read = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
