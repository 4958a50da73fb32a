"""What a request leaves behind: one line and one measurement, and nothing that belongs to a person."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest
from sqlalchemy import text

from services.registration.main import SERVICE as REGISTRATION
from shared.caller import Caller, Role
from shared.privacy import Vault
from shared.security import KeyStore
from shared.telemetry import Receive, RequestLog, Scope, Send, configure_logging, log, trace_id, traceparent
from tests.conftest import Databases
from tests.door import Client, open_door
from tests.shared.conftest import Door

TRACE = "0af7651916cd43dd8448eb211c80319c"
NIK = "1971014509809901"
PHONE = "+6283499990101"
CANARY = "canary-kenari"
OFFICER = Caller("officer-19.71", Role.REGENCY_OFFICER, ("19.71",))
NOTE = {"text": "Rice"}


@dataclass(slots=True)
class Log:
    """The file that lines go to, from a moment on."""

    file: Path
    begun: int = 0

    @property
    def text(self) -> str:
        return self.file.read_bytes()[self.begun :].decode()

    @property
    def lines(self) -> list[dict[str, object]]:
        return [msgspec.json.decode(line) for line in self.text.splitlines()]

    @property
    def requests(self) -> list[dict[str, object]]:
        return [line for line in self.lines if line["event"] == "request"]


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("log") / "serumpun.log"
    before = structlog.get_config()
    configure_logging("info", file)
    sink = structlog.get_config()["logger_factory"]._file
    yield file
    structlog.configure(**before)
    vars(log).pop("bind", None)  # it keeps the first configuration that it was used with
    sink.close()


@pytest.fixture
def written(log_file: Path) -> Log:
    """The lines that a test leaves behind."""
    return Log(log_file, log_file.stat().st_size)


async def test_a_request_leaves_one_line_that_says_who_what_and_how_it_ended(door: Door, written: Log) -> None:
    answer = await door.officer.post("/notes", json=NOTE, headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    (line,) = written.lines
    assert line.pop("timestamp")
    assert isinstance(line["duration_ms"], float)
    assert 0 < line.pop("duration_ms") < 10_000  # type: ignore[operator]
    assert line == {
        "level": "info",
        "event": "request",
        "service": "registration",
        "method": "POST",
        "route": "/notes",
        "status": 201,
        "code": None,
        "request_id": answer.headers["x-request-id"],
        "trace_id": TRACE,
        "actor": "officer-19.71",
        "region": "19.71",
    }


async def test_a_line_names_the_route_and_never_the_path(door: Door, written: Log) -> None:
    path = (await door.officer.post("/notes", json=NOTE)).headers["location"]
    await door.officer.get(path)
    await door.officer.get(f"/nowhere/{CANARY}")
    await door.officer.delete("/notes")
    await door.officer.head("/notes?part=x")
    await door.officer.options("/notes")
    assert [(line["method"], line["route"], line["status"], line["code"]) for line in written.requests] == [
        ("POST", "/notes", 201, None),
        ("GET", "/notes/{note_id}", 200, None),
        ("GET", "unmatched", 404, "not_found"),
        ("DELETE", "unmatched", 405, "method_not_allowed"),
        ("HEAD", "/notes", 200, None),
        ("OPTIONS", "/notes", 204, None),
    ]


async def test_what_machines_ask_all_day_is_in_the_log_only_when_the_answer_is_no_good(written: Log) -> None:
    answers = {"/livez": 200, "/readyz": 503, "/metrics": 200, "/notes": 200}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_template"] = scope["path"]
        await send({"type": "http.response.start", "status": answers[scope["path"]], "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(RequestLog(app, "probed"))  # type: ignore[arg-type]  # httpx spells it otherwise
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as prober:
        for path in answers:
            await prober.get(path)

    assert [line["route"] for line in written.requests] == ["/readyz", "/notes"]


async def test_a_refused_request_leaves_its_code(door: Door, written: Log) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://test") as stranger:
        await stranger.get("/notes")
    await door.auditor.post("/notes", json=NOTE)
    await door.officer.post("/notes", json={})
    await door.officer.post("/notes", json={"text": "refuse"})
    assert [(line["status"], line["code"], line["actor"]) for line in written.requests] == [
        (401, "unauthenticated", None),
        (403, "forbidden", "auditor"),
        (422, "invalid", "officer-19.71"),
        (409, "note_refused", "officer-19.71"),
    ]


async def test_a_defect_is_logged_with_its_traceback_under_the_id_that_the_client_was_told(
    door: Door, written: Log
) -> None:
    answer = await door.officer.post("/notes", json={"text": "break"})
    defect, request = written.lines
    assert (defect["event"], defect["level"], request["status"]) == ("defect", "error", 500)
    assert "ArithmeticError" in str(defect["exception"])
    assert defect["request_id"] == request["request_id"] == answer.json()["request_id"]


Try = Callable[[Client], Awaitable[httpx.Response]]
TRIES: dict[str, Try] = {
    "in the body": lambda client: client.post("/notes", json={"text": f"{CANARY} {NIK} {PHONE}"}),
    "in a wrong body": lambda client: client.post("/notes", json={CANARY: NIK, "text": PHONE * 90}),
    "in a broken body": lambda client: client.post("/notes", content=f'{{"text": "{CANARY} {NIK}'),
    "in the query": lambda client: client.get("/notes", params={"part": f"{CANARY} {NIK} {PHONE}"}),
    "in a wrong query": lambda client: client.get("/notes", params={CANARY: NIK, "number": PHONE}),
    "in a path that is none": lambda client: client.get(f"/{CANARY}/{NIK}"),
    "in the name of an object": lambda client: client.get(f"/notes/{CANARY}{NIK}"),
    "in a method": lambda client: client.request(f"{CANARY.upper()}", "/notes"),
    "in the key": lambda client: client.post("/notes", json=NOTE, headers={"Idempotency-Key": f"{CANARY}{NIK}"}),
    "in a wrong key": lambda client: client.post("/notes", json=NOTE, headers={"Idempotency-Key": f"{CANARY} {NIK}"}),
    "in the request id": lambda client: client.get("/notes", headers={"X-Request-Id": f"{CANARY} {NIK}"}),
    "in the trace": lambda client: client.get("/notes", headers={"traceparent": f"00-{CANARY}-{NIK}-01"}),
    "in a token": lambda client: client.get("/notes", headers={"Authorization": f"Bearer {CANARY}{NIK}"}),
    "in a header of no meaning": lambda client: client.get("/notes", headers={"Referer": f"/{CANARY}?nik={NIK}"}),
    "in the media type": lambda client: client.post("/notes", content="{}", headers={"Content-Type": CANARY + NIK}),
    "in a version": lambda client: client.patch("/notes/x", json=NOTE, headers={"If-Match": f'"{CANARY}{NIK}"'}),
    "in a refusal of the store": lambda client: client.post(
        "/notes/together", json={"text": f"{CANARY} {NIK} {PHONE}", "quantity": 666}
    ),
}


@pytest.mark.parametrize("where", TRIES)
async def test_what_a_client_sends_is_not_in_the_log(door: Door, written: Log, where: str) -> None:
    await TRIES[where](door.officer)
    assert len(written.requests) == 1
    for secret in (CANARY, CANARY.upper(), NIK, PHONE, PHONE[1:]):
        assert secret not in written.text


async def test_a_number_in_the_words_of_a_defect_is_not_in_the_log(door: Door, written: Log) -> None:
    await door.officer.post("/notes", json={"text": f"break {NIK} {PHONE}"})
    assert "it broke over" in written.text
    assert NIK not in written.text
    assert PHONE[1:] not in written.text


async def test_a_registration_leaves_neither_nik_nor_phone_nor_name(
    databases: Databases, keys: KeyStore, written: Log
) -> None:
    database = await databases("registration", migrated=True, vault=Vault(b"m" * 32))
    owner = {"name": CANARY, "nik": NIK, "phone": PHONE, "email": f"{CANARY}@contoh.example"}
    business = {"name": CANARY, "sector": "food", "region": "19.71", "address": CANARY, "owner": owner}
    async with Client(open_door(REGISTRATION, database, keys), keys, OFFICER) as client:
        unknown_region = await client.post("/registration/businesses", json=business)
        async with database.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO region (code, code_system, name, kind, population)"
                    " VALUES ('19.71', 'kemendagri', 'Pangkalpinang', 'city', 1)"
                )
            )
        made = await client.post("/registration/businesses", json=business)
        await client.get("/registration/businesses", params={"q": CANARY})
        async with database.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE business ADD CONSTRAINT broken CHECK (workers IS NULL)"))
        broken = await client.post("/registration/businesses", json={**business, "workers": 3})
    assert (unknown_region.status_code, made.status_code, broken.status_code) == (422, 201, 500)
    assert len(written.requests) == 4
    for secret in (CANARY, NIK, PHONE[1:]):
        assert secret not in written.text


def test_what_a_library_says_is_a_line_of_the_same_form(written: Log) -> None:
    logging.getLogger("some.library").warning("it happened to %s", NIK)
    (line,) = written.lines
    assert (line["event"], line["logger"], line["message"]) == ("library", "some.library", "it happened to (number)")


async def test_an_error_in_a_task_that_nobody_awaits_is_a_line_without_numbers(written: Log) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": ValueError(f"NIK {NIK}")})
    (line,) = written.lines
    assert (line["event"], line["logger"]) == ("library", "asyncio")
    assert "ValueError" in str(line["exception"])
    assert NIK not in written.text


def test_a_level_below_the_configured_one_is_not_written(written: Log) -> None:
    log.debug("quiet")
    assert written.lines == []


# Measurements


def measured(**labels: str) -> float:
    return REGISTRY.get_sample_value("http_server_request_duration_seconds_count", labels) or 0.0


async def test_a_request_is_measured_by_route_and_outcome(door: Door) -> None:
    labels = {"service": "registration", "method": "GET", "route": "/notes/{note_id}", "status": "404"}
    before = measured(**labels)
    for name in ("a", "b", "c"):
        await door.officer.get(f"/notes/{name}")
    assert measured(**labels) == before + 3


async def test_what_strangers_make_up_does_not_grow_the_figures(door: Door) -> None:
    for number in range(30):
        await door.officer.request(f"M{number}", f"/made/up/{number}")
        await door.officer.get(f"/notes/{number}?part={number}")
    figures = generate_latest(REGISTRY).decode()
    assert not re.search(r'method="M\d', figures)
    assert "/made/up" not in figures
    assert measured(service="registration", method="other", route="unmatched", status="405") >= 0


# Traces


def test_a_trace_goes_on_with_a_step_of_our_own() -> None:
    parent = traceparent(f"00-{TRACE}-b7ad6b7169203331-01")
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", parent)
    assert "b7ad6b7169203331" not in parent
    assert trace_id(parent) == TRACE


@pytest.mark.parametrize(
    "incoming",
    [None, "", "x", f"00-{TRACE}-b7ad6b7169203331", f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE}-{'0' * 16}-01",
     f"ff-{TRACE}-b7ad6b7169203331-01", f"00-{TRACE.upper()}-b7ad6b7169203331-01", f"00-{TRACE}-b7ad6b7169203331-01\n"],
)  # fmt: skip
def test_whatever_is_no_trace_begins_a_new_one(incoming: str | None) -> None:
    parent = traceparent(incoming)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", parent)
    assert trace_id(parent) not in (TRACE, "0" * 32, "")


def test_two_new_traces_differ() -> None:
    assert len({trace_id(traceparent(None)) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("parent", ["", "x", "00--01"])
def test_the_trace_id_of_nothing_is_nothing(parent: str) -> None:
    assert trace_id(parent) == ""
