"""Handwashing stations over HTTP: by their offices, and by anybody who comes by."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

import httpx
import pytest

from services.aid_distribution.main import SERVICE
from services.aid_distribution.stations.domain import State, Trouble
from services.aid_distribution.stations.report_page import STATES
from shared.database import Database
from shared.security import KeyStore
from tests.aid_distribution.stations import SITE, SITE_ELSEWHERE, STATION, furnish_sites, minutes
from tests.aid_distribution.story import NOON, SOAP, WAREHOUSE, StoppedClock, ago, ask
from tests.aid_distribution.test_api import Body, Door, made
from tests.door import open_door, told


@pytest.fixture
async def sites(database: Database) -> Database:
    await furnish_sites(database)
    return database


@pytest.fixture
async def passer_by(database: Database, keys: KeyStore) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a phone and no token."""
    app = open_door(SERVICE, database, keys)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


AS_JSON = {"Accept": "application/json"}


def station(at: datetime = NOON, **changes: object) -> Body:
    return {
        "code": "CT-01",
        "name": "Pintu timur",
        "site": SITE,
        "crowd_level": "medium",
        "capacity_water_millilitre": 100_000,
        "capacity_soap_millilitre": 1_000,
        "from_place": WAREHOUSE,
        "occurred_at": at.isoformat(),
    } | changes


def visit(at: datetime = NOON, **changes: object) -> Body:
    return {
        "occurred_at": at.isoformat(),
        "state": "working",
        "water_before_millilitre": 50_000,
        "soap_before_millilitre": 500,
        "refill": {"soap_millilitre": 500, "from_place": WAREHOUSE, "lines": [{"item": SOAP, "quantity": 1}]},
    } | changes


async def code_of(door: Door, station_id: object) -> str:
    told = (await door["pangkalpinang"].get(f"/aid/stations/{station_id}/code")).json()
    assert told["address"] == f"http://127.0.0.1:8000/aid/station-reports/{told['code']}"
    return str(told["code"])


async def test_a_station_is_put_up_visited_shown_and_taken_away(sites: Database, door: Door) -> None:
    officer = door["pangkalpinang"]
    placed = await officer.post("/aid/stations", json=station(ago(2)), headers={"Idempotency-Key": "a"})
    assert placed.status_code == 201, placed.text
    path = f"/aid/stations/{placed.json()['id']}"
    assert (placed.headers["location"], placed.headers["etag"]) == (path, '"1"')
    again = await officer.post("/aid/stations", json=station(ago(2)), headers={"Idempotency-Key": "a"})
    assert (again.content, again.headers["idempotency-replayed"]) == (placed.content, "true")
    visited = await made(officer, f"{path}/visits", visit(ago(1)))
    assert visited["number"] == "2026-05-19.71-RF-0002"
    shown = await officer.get(path)
    assert shown.headers["etag"] == '"2"'
    assert shown.json() == visited["station"]
    assert shown.json()["placed_at"].endswith("+07:00")
    assert (await officer.get(path, headers={"If-None-Match": '"2"'})).status_code == 304
    removed = await made(officer, f"{path}/removal", {"occurred_at": NOON.isoformat(), "outcome": "damaged"})
    assert (removed["state"], removed["outcome"], removed["next_visit"]) == ("removed", "damaged", None)
    refused = await officer.post(f"{path}/removal", json={"occurred_at": NOON.isoformat(), "outcome": "damaged"})
    assert (refused.status_code, refused.json()["code"]) == (409, "station_removed")
    rows = await ask(sites, "SELECT item, on_hand FROM card WHERE place = :place ORDER BY 1", place=WAREHOUSE)
    assert rows == [(STATION, 29), (SOAP, 19)]


async def test_misshapen_orders_are_told_what_breaks_rules_too(sites: Database, door: Door) -> None:
    officer = door["pangkalpinang"]
    body = station(code="", site=SITE_ELSEWHERE, people_per_day=3, capacity_water_millilitre=0, water_millilitre="x")
    assert told(await officer.post("/aid/stations", json=body)) == {
        ("/code", "too_short"),
        ("/capacity_water_millilitre", "too_small"),
        ("/water_millilitre", "wrong_type"),
        ("/site", "unknown_place"),
        ("/crowd_level", "given_twice"),
    }
    placed = await made(officer, "/aid/stations", station())
    path = f"/aid/stations/{placed['id']}"
    body = visit(state="dry", note="", refill={"lines": [{"item": "BUCKET", "quantity": 1}]})
    assert told(await officer.post(f"{path}/visits", json=body)) == {
        ("/note", "too_short"),
        ("/state", "differs"),
        ("/refill/lines/0/item", "unknown_item"),
        ("/refill/from_place", "missing"),
    }
    body = {"occurred_at": NOON.isoformat(), "outcome": "returned", "document": ""}
    assert told(await officer.post(f"{path}/removal", json=body)) == {
        ("/document", "too_short"),
        ("/to_place", "missing"),
    }
    body = {"occurred_at": NOON.isoformat(), "outcome": "lost", "to_place": WAREHOUSE}
    assert told(await officer.post(f"{path}/removal", json=body)) == {("/to_place", "not_returned")}
    assert told(await officer.get("/aid/station-record", params={"from": "2026-05-02", "to": "2026-05-02"})) == {
        ("/query/to", "bad_period")
    }


async def test_another_regions_station_is_as_absent_as_none(sites: Database, door: Door) -> None:
    placed = await made(door["pangkalpinang"], "/aid/stations", station(ago(1)))
    abroad = door["belitung"]
    for station_id in (placed["id"], uuid4()):
        for name in ("", "/visits", "/record", "/code", "/qr"):
            assert (await abroad.get(f"/aid/stations/{station_id}{name}")).status_code == 404
        removal = {"occurred_at": NOON.isoformat(), "outcome": "lost"}
        for name, body in (("visits", visit(refill=None)), ("removal", removal)):
            answer = await abroad.post(f"/aid/stations/{station_id}/{name}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await abroad.get("/aid/stations", params={"site": SITE})).json()["items"] == []
    assert (await abroad.get("/aid/station-record", params={"region": "19.71"})).json()["items"] == []
    assert told(await abroad.post("/aid/stations", json=station())) == {
        ("/site", "unknown_place"),
        ("/from_place", "unknown_place"),
    }


async def test_the_round_trip_is_read_page_by_page(sites: Database, door: Door) -> None:
    officer = door["pangkalpinang"]
    for number in range(5):
        await made(officer, "/aid/stations", station(ago(number), code=f"CT-{number}"))
    dry = await made(officer, "/aid/stations", station(ago(1), code="CT-DRY", water_millilitre=0))
    seen: list[str] = []
    following: str | None = "/aid/stations?limit=2&from=2026-05-19"
    while following:
        answer = (await officer.get(following)).json()
        seen += [one["code"] for one in answer["items"]]
        following = f"/aid/stations?limit=2&from=2026-05-19&cursor={answer['next']}" if answer["next"] else None
    assert seen == ["CT-DRY", "CT-4", "CT-3", "CT-2", "CT-1", "CT-0"]
    (first, *_) = (await officer.get("/aid/stations?state=dry&from=2026-05-20")).json()["items"]
    assert (first["id"], first["outage_minutes"], first["next_visit"]["overdue"]) == (dry["id"], 12 * 60, True)
    book = (await officer.get("/aid/station-record?from=2026-05-20&to=2026-05-21")).json()
    (region,) = book["items"]
    assert (book["from"], region["region"], region["stations"], region["outage_minutes"]) == (
        "2026-05-20", "19.71", 5, 12 * 60,
    )  # fmt: skip
    book = (await officer.get(f"/aid/stations/{dry['id']}/record")).json()
    assert [day["outage_minutes"] for day in book["days"]] == [12 * 60, 12 * 60]


async def test_anybody_sees_a_station_by_its_code_and_reports_it(
    sites: Database, door: Door, passer_by: httpx.AsyncClient, clock: StoppedClock
) -> None:
    placed = await made(door["pangkalpinang"], "/aid/stations", station(ago(1)))
    path = f"/aid/station-reports/{await code_of(door, placed['id'])}"
    shown = await passer_by.get(path, headers=AS_JSON)
    assert shown.status_code == 200
    assert shown.json() == {
        "name": "Pintu timur",
        "site_name": "Pasar 19.71",
        "state": "working",
        "state_since": "2026-05-19T12:00:00+07:00",
        "last_visit_at": None,
        "call": "Hubungi kantor dinas wilayah 19.71. / Call the office of region 19.71.",
    }
    first = await made(passer_by, path, {"problem": "dry"})  # type: ignore[arg-type]
    assert (first["problem"], first["counted"]) == ("dry", True)
    again = await made(passer_by, path, {"problem": "dry"})  # type: ignore[arg-type]
    assert (again["counted"], "sudah dilaporkan" in again["thanks"]) == (False, True)
    assert told(await passer_by.post(path, json={"problem": "wet", "name": "Budi"})) == {
        ("/problem", "unknown_value"),
        ("/name", "unknown_field"),
    }
    clock.advance(minutes(45))
    await made(passer_by, path, {"problem": "no_soap"})  # type: ignore[arg-type]
    assert (await passer_by.get(path, headers=AS_JSON)).json()["state"] == "reported_dry"
    assert "Dilaporkan kering" in (await passer_by.get(path)).text
    answer = await passer_by.get(f"/aid/stations/{placed['id']}")
    assert answer.status_code == 401


async def test_reports_are_limited_and_the_answer_says_when_to_come_again(
    sites: Database, door: Door, passer_by: httpx.AsyncClient
) -> None:
    placed = await made(door["pangkalpinang"], "/aid/stations", station())
    path = f"/aid/station-reports/{await code_of(door, placed['id'])}"
    answers = [await passer_by.post(path, json={"problem": "dry"}) for _ in range(14)]
    assert [answer.status_code for answer in answers] == [201] * 12 + [429] * 2
    assert (answers[-1].json()["code"], answers[-1].headers["retry-after"]) == ("too_many_requests", "3600")
    assert await ask(sites, "SELECT count(*), count(*) FILTER (WHERE counted) FROM station_report") == [(12, 1)]


async def test_whoever_scans_the_code_gets_a_page_with_buttons_that_report(
    sites: Database, door: Door, passer_by: httpx.AsyncClient
) -> None:
    placed = await made(door["pangkalpinang"], "/aid/stations", station(ago(1), name="Pintu <timur>"))
    path = f"/aid/station-reports/{await code_of(door, placed['id'])}"
    answer = await passer_by.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    page = answer.text
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Tempat cuci tangan ini berfungsi" in page
    assert "Pintu &lt;timur&gt;" in page
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    for problem in re.findall(r'<button type="button" value="(\w+)">', page):
        assert (await passer_by.post(path, json={"problem": problem})).status_code == 201
    assert await ask(sites, "SELECT count(DISTINCT problem) FROM station_report") == [(len(Trouble),)]
    assert set(STATES) == set(State) - {State.REMOVED}
    nowhere = await passer_by.get(f"/aid/station-reports/{'A' * 26}")
    assert (nowhere.status_code, "<script>" in nowhere.text) == (404, False)


async def test_a_code_that_no_station_bears_is_answered_alike_whatever_it_is(
    sites: Database, door: Door, passer_by: httpx.AsyncClient
) -> None:
    placed = await made(door["pangkalpinang"], "/aid/stations", station(ago(1)))
    gone = await code_of(door, placed["id"])
    removal = {"occurred_at": NOON.isoformat(), "outcome": "lost"}
    await made(door["pangkalpinang"], f"/aid/stations/{placed['id']}/removal", removal)
    answers = set()
    for code in (gone, "A" * 26, "x", str(placed["id"])):
        for answer in (
            await passer_by.get(f"/aid/station-reports/{code}", headers=AS_JSON),
            await passer_by.post(f"/aid/station-reports/{code}", json={"problem": "dry"}),
        ):
            body = answer.json()
            answers.add((answer.status_code, body["code"], body["detail"], body["title"]))
    assert len(answers) == 1
    assert answers.pop()[:2] == (404, "not_found")


async def test_the_qr_code_is_a_drawing_for_staff(sites: Database, door: Door) -> None:
    placed = await made(door["pangkalpinang"], "/aid/stations", station())
    path = f"/aid/stations/{placed['id']}"
    drawn = await door["pangkalpinang"].get(f"{path}/qr")
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.content.startswith(b"<svg ")
    assert drawn.content == (await door["office"].get(f"{path}/qr")).content
    # Beneath it stands what to do, and the code for whoever has no camera.
    words = re.findall(r"<text [^>]*>([^<]+)</text>", drawn.text)
    assert words[:3] == ["Airnya habis? Pindai kode ini", "No water? Scan this code", "127.0.0.1:8000/lapor"]
    assert words[3].replace("-", "") == await code_of(door, placed["id"])
    other = await made(door["pangkalpinang"], "/aid/stations", station(code="CT-02"))
    assert await code_of(door, placed["id"]) != await code_of(door, other["id"])
    assert (await door["auditor"].get(f"{path}/qr")).status_code == 403
    stored = await ask(sites, "SELECT encode(report_code_hash, 'hex') FROM station")
    assert (await code_of(door, placed["id"])).lower() not in str(stored)
