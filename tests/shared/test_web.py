"""What every route of every service does before and after its handler."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.answers import as_refusal
from shared.database import Database, sqlstate
from shared.incoming import BODY_BYTES_MAX
from shared.telemetry import AsgiApp
from tests.door import told
from tests.shared.conftest import Door
from tests.shared.notes import count

JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"
NOTE = {"text": "Rice for the crowd centre"}


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Check what every problem has, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem = dict(answer.json())
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:serumpun:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == httpx.URL(str(answer.request.url)).path
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    return problem


async def test_an_order_answers_with_what_was_made_and_where_it_is(door: Door) -> None:
    answer = await door.officer.post("/notes", json=NOTE)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/notes/{answer.json()['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await door.officer.get(answer.headers["location"])).content == answer.content


async def test_an_address_answers_alike_by_its_shortest_way_and_through_the_framework(door: Door) -> None:
    for body in (NOTE, {"text": "refuse"}, {"text": "break it"}, {"quantity": "3"}):
        by_heart, around = [await door.officer.post(path, json=body) for path in ("/notes", "/notes/")]
        assert around.status_code == by_heart.status_code
        assert set(around.headers) == set(by_heart.headers)
        assert set(around.json()) == set(by_heart.json())


async def test_all_mistakes_of_address_key_and_body_are_told_in_one_answer(door: Door, store: Database) -> None:
    body = {
        "text": "a\x00b",
        "quantity": "3",
        "written_at": "2020-09-14T09:00:00",
        "kind": "secret",
        "owner_id": "nobody",
        "weight": [],
        "lines": [{"item": "soap", "quantity": 0}, {"item": "SOAP", "quantity": 1, "colour": "red"}, 3],
        "a/b~c": 1,
    }
    answer = await door.officer.post("/notes?colour=red", json=body, headers={"Idempotency-Key": "with space"})
    is_problem(answer, 422, "invalid")
    assert told(answer) == {
        ("/header/Idempotency-Key", "bad_format"),
        ("/query/colour", "unknown_field"),
        ("/text", "bad_format"),
        ("/quantity", "wrong_type"),
        ("/written_at", "offset_missing"),
        ("/kind", "unknown_value"),
        ("/owner_id", "bad_format"),
        ("/weight", "wrong_type"),
        ("/lines/0/item", "bad_format"),
        ("/lines/0/quantity", "too_small"),
        ("/lines/1/colour", "unknown_field"),
        ("/lines/2", "wrong_type"),
        ("/a~1b~0c", "unknown_field"),
    }
    assert await count(store) == 0


async def test_what_the_rules_refuse_is_told_beside_what_the_shape_refuses(door: Door) -> None:
    answer = await door.officer.post("/notes", json={"text": "refuse", "quantity": 0})
    assert told(answer) == {("/quantity", "too_small"), ("/text", "not_wanted")}


async def test_a_refusal_by_a_rule_has_its_code_and_what_it_says_beside_it(door: Door, store: Database) -> None:
    answer = await door.officer.post("/notes", json={"text": "refuse"})
    problem = is_problem(answer, 409, "note_refused")
    assert problem["detail"] == "Not this one."
    assert problem["place"] == "WH-19.71"
    assert await count(store) == 0, "what the handler wrote before it refused is gone"


async def test_a_defect_is_a_problem_that_tells_nothing_of_itself(door: Door) -> None:
    answer = await door.officer.post("/notes", json={"text": "break 1971010101019901"})
    problem = is_problem(answer, 500, "internal")
    assert "1971010101019901" not in answer.text
    assert "Arithmetic" not in json.dumps(problem)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"text": "a"} x', b"\xff\xfe", b"\xef\xbb\xbf{}", b"NaN", b'{"text": "\\ud800"}', b"[" * 200_000],
    ids=["empty", "open", "trailing", "no utf-8", "byte order mark", "no json", "lone surrogate", "deep"],
)
async def test_a_body_that_is_not_json_is_told_so(door: Door, body: bytes) -> None:
    answer = await door.officer.post("/notes", content=body, headers=JSON)
    is_problem(answer, 422, "invalid")
    assert told(answer) == {("", "malformed_json")}


async def test_a_deep_value_in_a_field_of_another_type_is_no_defect(door: Door) -> None:
    for value in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        answer = await door.officer.post("/notes", content=b'{"text": ' + value + b"}", headers=JSON)
        is_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/xml", 415),
        ("", 415),
    ],
)
async def test_a_body_is_read_only_when_it_is_announced_as_json(door: Door, media_type: str, status: int) -> None:
    answer = await door.officer.post("/notes", content=json.dumps(NOTE), headers={"Content-Type": media_type})
    assert answer.status_code == status
    if status == 415:
        is_problem(answer, 415, "unsupported_media_type")


async def test_a_body_of_a_million_bytes_is_read_and_one_more_is_not(door: Door, store: Database) -> None:
    note = json.dumps(NOTE).encode()
    fits = await door.officer.post("/notes", content=note.ljust(BODY_BYTES_MAX), headers=JSON)
    assert fits.status_code == 201
    answer = await door.officer.post("/notes", content=note.ljust(BODY_BYTES_MAX + 1), headers=JSON)
    assert is_problem(answer, 413, "body_too_large")["limit_bytes"] == BODY_BYTES_MAX
    assert await count(store) == 1


async def test_a_body_that_comes_in_pieces_is_cut_off_at_the_limit(door: Door) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    answer = await door.officer.post("/notes", content=endless(), headers=JSON)
    is_problem(answer, 413, "body_too_large")
    assert sent <= BODY_BYTES_MAX + 200_000


async def test_a_client_that_hangs_up_in_the_middle_writes_nothing(door: Door, store: Database) -> None:
    answers = await _spoken_to(door.app, door.officer, [{"type": "http.request", "body": b'{"te', "more_body": True}])
    assert [message["status"] for message in answers if message["type"] == "http.response.start"] == [499]
    assert await count(store) == 0


async def test_two_thousand_mistakes_are_not_all_told(door: Door) -> None:
    body = {"text": "a", **{f"field{number}": 1 for number in range(2_000)}}
    answer = await door.officer.post("/notes", json=body)
    assert len(answer.json()["errors"]) == 200


async def test_ten_thousand_lines_are_one_mistake_and_cost_no_more_than_that(door: Door) -> None:
    lines = [{"item": "SOAP", "quantity": 1}] * 10_000
    answer = await door.officer.post("/notes", json={"text": "a", "lines": lines})
    is_problem(answer, 422, "invalid")
    assert told(answer) == {("/lines", "too_many")}


async def test_what_was_sent_is_not_given_back_at_length(door: Door) -> None:
    long = "x" * 300_000
    answer = await door.officer.post("/notes", json={"text": "a", "kind": long, long: 1})
    assert {code for _, code in told(answer)} == {"unknown_value", "unknown_field"}
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    ("number", "code"),
    [("9007199254740993", "too_large"), ("1e400", "too_large"), ("9" * 10_000, "too_large"), ("1.0", "wrong_type"),
     ("1.5", "wrong_type"), ("-1", "too_small"), ("-0", "too_small"), ("true", "wrong_type"), ("null", "wrong_type")],
)  # fmt: skip
async def test_a_number_that_is_no_quantity_is_refused_where_it_stands(door: Door, number: str, code: str) -> None:
    body = f'{{"text": "a", "lines": [{{"item": "SOAP", "quantity": 1}}, {{"item": "SOAP", "quantity": {number}}}]}}'
    answer = await door.officer.post("/notes", content=body, headers=JSON)
    is_problem(answer, 422, "invalid")
    assert {pointer for pointer, _ in told(answer)} == {"/lines/1/quantity"}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"])
async def test_a_moment_that_another_time_zone_cannot_express_is_refused(door: Door, moment: str) -> None:
    answer = await door.officer.post("/notes", json={"text": "a", "written_at": moment})
    assert told(answer) == {("/written_at", "out_of_calendar")}


async def test_a_name_that_stands_twice_is_refused_because_nobody_knows_which_value_counts(
    door: Door, store: Database
) -> None:
    body = '{"text": "a", "text": "b", "lines": [{"item": "SOAP", "quantity": 1, "quantity": 100}]}'
    answer = await door.officer.post("/notes", content=body, headers=JSON)
    assert told(answer) == {("/text", "given_twice"), ("/lines/0/quantity", "given_twice")}
    assert await count(store) == 0


# Who is asking, and whether they may


async def test_without_a_token_nobody_is_told_anything_but_that(door: Door) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://test") as stranger:
        answer = await stranger.post("/notes", json={"text": 1})
    is_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_role_that_may_not_is_refused_before_its_body_is_read(door: Door) -> None:
    assert (
        is_problem(await door.auditor.post("/notes", json={"text": 1}), 403, "forbidden")["action"] == "receive_stock"
    )


# Paths and methods


@pytest.mark.parametrize("path", ["/", "/note", "/notes/a/b", "/notes/heard/x", "/%ff", "/notes%00", "/..%2f.."])
async def test_a_path_that_leads_nowhere_is_a_problem(door: Door, path: str) -> None:
    answer = await door.officer.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "name", ["nonsense", "0198f3a0-7c1e-7000-8000-000000000000", "00000000", "%00", "a b", "é", "{note_id}"]
)
async def test_a_name_that_nothing_bears_answers_the_same_whatever_it_looks_like(door: Door, name: str) -> None:
    answers = [await door.officer.get(f"/notes/{name}"), await door.officer.get(f"/notes/{uuid4()}")]
    assert [answer.status_code for answer in answers] == [404, 404]
    first, second = ({**answer.json(), "instance": "", "request_id": ""} for answer in answers)
    assert first == second


@pytest.mark.parametrize("number", ["1.000", "1e0", "+1", " 1", "1 ", "01", "-0", "10", "٣", "1_0", "0x1"])
async def test_a_number_in_a_path_is_written_in_digits(door: Door, number: str) -> None:
    assert (await door.officer.get("/notes/numbered/7")).json()["number"] == 7
    assert (await door.officer.get(f"/notes/numbered/{number}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, "/notes") for method in ("DELETE", "PUT", "PATCH", "TRACE", "BREW")] + [("POST", "/notes/heard")],
)
async def test_a_method_that_a_path_has_not_names_those_that_it_has(door: Door, method: str, path: str) -> None:
    answer = await door.officer.request(method, path)
    is_problem(answer, 405, "method_not_allowed")
    expected = {"GET", "HEAD", "OPTIONS"} | ({"POST"} if path == "/notes" else set())
    assert {word.strip() for word in answer.headers["allow"].split(",")} == expected


async def test_options_names_every_method_of_a_path_and_needs_no_token(door: Door) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://test") as stranger:
        answers = {path: await stranger.options(path) for path in ("/notes", f"/notes/{uuid4()}", "/notes/held")}
    assert {answer.status_code for answer in answers.values()} == {204}
    allowed = [{word.strip() for word in answer.headers["allow"].split(",")} for answer in answers.values()]
    assert allowed == [
        {"GET", "HEAD", "POST", "OPTIONS"},
        {"GET", "HEAD", "PATCH", "OPTIONS"},
        {"POST", "OPTIONS"},
    ]


async def test_head_is_get_without_the_body(door: Door) -> None:
    await door.officer.post("/notes", json=NOTE)
    shown, asked = await door.officer.get("/notes"), await door.officer.head("/notes")
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == str(len(shown.content))
    assert (await door.officer.head("/notes/held")).status_code == 405
    assert (await door.officer.head(f"/notes/{uuid4()}")).status_code == 404


# Versions


async def test_a_version_that_is_known_already_is_not_sent_again(door: Door) -> None:
    path = (await door.officer.post("/notes", json=NOTE)).headers["location"]
    for tag in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = await door.officer.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    for tag in ('"2"', "1", '"11"', ""):
        assert (await door.officer.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_a_change_names_the_version_that_it_changes(door: Door) -> None:
    path = (await door.officer.post("/notes", json=NOTE)).headers["location"]
    is_problem(await door.officer.patch(path, json=NOTE), 428, "precondition_required")
    for tag in ('"2"', "1", "*", '"x"', "", '"99999999999999999999"'):
        is_problem(await door.officer.patch(path, json=NOTE, headers={"If-Match": tag}), 412, "stale")
    changed = await door.officer.patch(path, json={"text": "Soap"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["text"]) == (200, '"2"', "Soap")
    assert changed.content == (await door.officer.get(path)).content


# Pages


async def test_pages_follow_one_another_by_body_and_by_header(door: Door) -> None:
    made = [(await door.officer.post("/notes", json={"text": f"note {n}"})).json()["id"] for n in range(5)]
    seen, path, pages = [], "/notes?limit=2&part=a%26b", 0
    while path:
        page = await door.officer.get(path)
        seen += [item["id"] for item in page.json()["items"]]
        path = page.headers.get("link", "").partition("<")[2].partition(">")[0]
        assert ("cursor=" + str(page.json()["next"]) in path) == bool(path)
        assert ("part=a%26b" in path) == bool(path)
        assert bool(path) == (page.json()["next"] is not None) == ('rel="next"' in page.headers.get("link", ""))
        pages += 1
    assert (seen, pages) == (made, 3)


# What comes back on every answer


@pytest.mark.parametrize("given", ["a1b2c3d4", "A" * 64, "2020-09-14.note_7"])
async def test_the_request_id_of_the_client_is_kept(door: Door, given: str) -> None:
    answer = await door.officer.get("/notes", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "A" * 65, "with space here", "-starts-badly", "a\tb\tc\td\te", "1" * 5_000])
async def test_a_request_id_that_does_not_belong_in_a_log_is_replaced(door: Door, given: str) -> None:
    answer = await door.officer.get("/notes", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("caller", ["officer", "auditor"])
async def test_problems_of_every_kind_bear_the_request_id(door: Door, caller: str) -> None:
    client: httpx.AsyncClient = getattr(door, caller)
    for answer in (await client.post("/notes", json={}), await client.get("/nowhere"), await client.delete("/notes")):
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_the_trace_of_a_request_goes_into_its_event(door: Door, store: Database) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    await door.officer.post("/notes", json=NOTE, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    async with store.engine.connect() as connection:
        (kept,) = (await connection.execute(text("SELECT traceparent FROM outbox"))).scalars()
    assert kept.split("-")[1] == trace
    assert kept.split("-")[2] != "b7ad6b7169203331", "the step is our own"


# The store


@pytest.mark.parametrize(
    ("beforehand", "statement", "state"),
    [
        ("SET LOCAL lock_timeout = 1", "LOCK TABLE note", "55P03"),
        ("SET LOCAL statement_timeout = 1", "SELECT pg_sleep(1)", "57014"),
        ("SET LOCAL transaction_read_only = on", "DELETE FROM outbox", "25006"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1", None),
    ],
    ids=["lock not given", "too slow", "a copy that only reads", "connection ended"],
)
async def test_what_passes_by_itself_is_an_outage_and_no_defect(
    store: Database, beforehand: str, statement: str, state: str | None
) -> None:
    async with store.engine.connect() as other:
        await other.execute(text("LOCK TABLE note"))
        with pytest.raises(DBAPIError) as raised:
            await _tried(store, beforehand, statement)
    assert state in (None, sqlstate(raised.value))
    refusal = as_refusal(raised.value)
    assert (refusal.status, refusal.code) == (503, "unavailable")
    assert int(refusal.headers["Retry-After"]) > 0


async def test_a_mistake_of_ours_in_a_statement_is_a_defect(store: Database) -> None:
    with pytest.raises(DBAPIError) as raised:
        await _tried(store, "SELECT 1 / 0")
    assert as_refusal(raised.value).status == 500


async def _tried(store: Database, *statements: str) -> None:
    async with store.engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def _spoken_to(
    app: AsgiApp, client: httpx.AsyncClient, messages: list[dict[str, object]]
) -> list[dict[str, object]]:
    """Speak ASGI to an application, hang up after the messages, and give what it sent."""
    sent: list[dict[str, object]] = []
    token = client.headers["authorization"].encode()
    scope = {
        "type": "http", "method": "POST", "path": "/notes", "raw_path": b"/notes", "query_string": b"",
        "headers": [(b"authorization", token), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1), "server": ("test", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    waiting = [*messages, {"type": "http.disconnect"}]

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    async def send(message: object) -> None:
        sent.append(dict(message))  # type: ignore[call-overload]

    await app(scope, receive, send)  # type: ignore[arg-type]
    return sent
