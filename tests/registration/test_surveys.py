"""Surveys over HTTP: waves, invitations with their links, answers, and what may be said about them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services import demo
from services.registration.businesses.domain import BusinessData, OwnerData
from services.registration.businesses.handlers import register_business
from services.registration.surveys import audit, figures, handlers, links, questions, sealing, store
from services.registration.surveys.cells import quartiles
from services.registration.surveys.domain import Status, decline_permille
from services.registration.surveys.need import Facts, need
from services.registration.surveys.orders import SeriesQuery, SummaryQuery
from services.registration.trainings.enrolment_store import AttendanceRow, EnrolmentRow
from services.registration.trainings.store import TrainingRow, TrainingSessionRow
from shared.clock import wib_day
from shared.contracts.registration import SurveyAnswered, SurveyOpened
from shared.database import Database
from shared.effect_audit import Told
from shared.privacy import Unreadable, Vault
from shared.province import Province
from shared.security import KeyStore
from shared.telemetry import AsgiApp
from tests.conftest import Databases
from tests.door import Client, Recorded, told
from tests.registration.people import OFFICE, owner

Door = Mapping[str, Client]
SURVEYS = "/registration/surveys"
BEFORE, NOW = 87_654_321, 21_913_579


def today() -> date:
    """Give the day as it is now: a run may go on past midnight."""
    return wib_day(datetime.now(UTC))


def near(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


def plan(**changes: object) -> dict[str, object]:
    """Give the body of a plan that is right in everything."""
    return {
        "title": "Survei dampak April 2020",
        "region": "19",
        "opens_on": near(-3),
        "closes_on": near(20),
        "before_month": "2020-02",
        "now_month": "2020-04",
    } | changes


async def planned(door: Door, **changes: object) -> dict[str, Any]:
    answer = await door["office"].post(SURVEYS, json=plan(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def firms(database: Database, count: int = 1, sector: str = "garment", region: str = "19.71") -> list[UUID]:
    """Register businesses, each with an owner of its own."""
    async with database.work(OFFICE) as work:
        made = [
            await register_business(
                work,
                BusinessData(name=f"Usaha {number}", sector=sector, region=region),
                owner=OwnerData(name=f"Pemilik {number}"),
            )
            for number in range(count)
        ]
        return [one.business.id for one in made]


def told_by(business: UUID, before: int | None = 100, now: int | None = 50, **more: object) -> dict[str, object]:
    figures = {} if before is None else {"turnover_before_rupiah": before, "turnover_now_rupiah": now}
    return {"business_id": str(business), "status": "running", **figures, **more}


async def answered(door: Door, survey: dict[str, Any], business: UUID, **more: Any) -> dict[str, Any]:
    answer = await door["office"].post(f"{SURVEYS}/{survey['id']}/answers", json=told_by(business, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def over(door: Door, survey: Mapping[str, Any]) -> None:
    """Close a wave by hand: all that was answered counts in its figures."""
    answer = await door["office"].post(f"{SURVEYS}/{survey['id']}/closing", json={"reason": "Lengkap"})
    assert answer.status_code == 201, answer.text


async def sent(door: Door, lines: Sequence[Mapping[str, object]], who: str = "office") -> list[dict[str, Any]]:
    body = b"\n".join(msgspec.json.encode(line) for line in lines)
    answer = await door[who].post(
        "/registration/survey-answers/bulk", content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    return [msgspec.json.decode(line) for line in answer.content.splitlines()]


def line(key: str, survey: dict[str, Any], business: UUID, *figures: int, **more: object) -> dict[str, object]:
    return {"key": key, "survey_id": survey["id"], **told_by(business, *figures, **more)}


async def rows(database: Database, question: str) -> list[Any]:
    async with database.reading(OFFICE) as work:
        return list((await work.session.execute(text(question))).all())


@pytest.fixture
async def public(app: AsgiApp) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


# Waves


async def test_a_wave_is_planned_and_shown_to_those_whom_it_asks(door: Door) -> None:
    whole, own = await planned(door), await planned(door, region="19.71", opens_on=near(1))
    assert (whole["state"], own["state"], whole["invited"], whole["answered"]) == ("open", "planned", 0, 0)
    listed = (await door["pangkalpinang"].get(SURVEYS)).json()["items"]
    assert [one["id"] for one in listed] == [own["id"], whole["id"]]
    assert [one["id"] for one in (await door["belitung"].get(SURVEYS)).json()["items"]] == [whole["id"]]
    assert (await door["belitung"].get(f"{SURVEYS}/{own['id']}")).status_code == 404
    assert (await door["auditor"].get(f"{SURVEYS}/{whole['id']}")).json() == whole
    assert (await door["pangkalpinang"].post(SURVEYS, json=plan(region="19.71"))).status_code == 403
    page = (await door["office"].get(SURVEYS, params={"limit": 1})).json()
    rest = (await door["office"].get(SURVEYS, params={"limit": 1, "cursor": page["next"]})).json()
    assert [one["items"][0]["id"] for one in (page, rest)] == [own["id"], whole["id"]]
    assert rest["next"] is None


async def test_all_that_is_wrong_with_a_plan_is_told_at_once(door: Door) -> None:
    base = await planned(door, region="19.71")
    wrong = plan(region="18", closes_on=near(-9), before_month="2020-01", now_month="2020-04", follows=base["id"])
    answer = await door["office"].post(SURVEYS, json=wrong)
    assert (answer.status_code, told(answer)) == (
        422,
        {
            ("/region", "unknown_region"),
            ("/region", "outside_wave"),
            ("/closes_on", "before_opening"),
            ("/before_month", "another_month"),
            ("/now_month", "not_later"),
        },
    )
    answer = await door["office"].post(SURVEYS, json=plan(follows=str(uuid4()), now_month="2020-13"))
    assert told(answer) == {("/follows", "unknown_survey"), ("/now_month", "bad_format")}


async def test_a_wave_is_closed_once_and_takes_nothing_more(door: Door, database: Database) -> None:
    survey, (firm,) = await planned(door), await firms(database)
    closing = f"{SURVEYS}/{survey['id']}/closing"
    answer = await door["office"].post(closing, json={"reason": "Lengkap"})
    assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (201, "closed", 2)
    again = await door["office"].post(closing, json={"reason": "Lengkap"})
    late = await door["office"].post(f"{SURVEYS}/{survey['id']}/answers", json=told_by(firm, answered_on=near(-1)))
    invited = await door["office"].post(f"{SURVEYS}/{survey['id']}/invitations", json={})
    assert {(one.status_code, one.json()["code"]) for one in (again, late, invited)} == {(409, "survey_closed")}


# Invitations and links


async def test_active_businesses_are_invited_once_each_by_a_link_of_their_own(
    door: Door, database: Database, recorded: Recorded
) -> None:
    survey = await planned(door)
    tailors, cooks = await firms(database, 3), await firms(database, 2, "food", "19.02")
    await door["office"].post(f"/registration/businesses/{tailors[0]}/closure", json={"reason": "Tutup"})
    path = f"{SURVEYS}/{survey['id']}/invitations"
    first = (await door["office"].post(path, json={"sector": "garment"})).json()
    rest = (await door["office"].post(path, json={})).json()
    again = (await door["office"].post(path, json={})).json()
    assert [(one["invited"], one["remaining"]) for one in (first, rest, again)] == [(2, 0), (2, 0), (0, 0)]
    opened = [event for event in await recorded() if isinstance(event, SurveyOpened)]
    assert {event.business_id for event in opened} == {*tailors[1:], *cooks}
    assert len({event.link for event in opened}) == len({event.subject for event in opened}) == 4
    assert (await door["auditor"].get(f"{SURVEYS}/{survey['id']}")).json()["invited"] == 4
    kept = await rows(database, "SELECT code_hash FROM survey_participant")
    codes = [event.link.rpartition("/")[2] for event in opened]
    assert {row.code_hash for row in kept} == {links.digest(code) for code in codes}
    shown = (await door["belitung"].get(f"{SURVEYS}/{survey['id']}/businesses/{cooks[0]}/link")).json()
    assert shown["address"] in {event.link for event in opened}
    unseen = await door["pangkalpinang"].get(f"{SURVEYS}/{survey['id']}/businesses/{cooks[0]}/link")
    assert unseen.status_code == 404
    outside = await door["office"].post(path, json={"region": "18"})
    assert told(outside) == {("/region", "outside_wave")}


async def test_nobody_is_invited_to_a_wave_that_is_not_open(door: Door) -> None:
    survey = await planned(door, opens_on=near(1))
    answer = await door["office"].post(f"{SURVEYS}/{survey['id']}/invitations", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "survey_not_open")


async def linked(door: Door, database: Database, **changes: object) -> tuple[dict[str, Any], UUID, str]:
    """Give a wave, a business that was invited, and the path of its link."""
    survey, (firm,) = await planned(door, **changes), await firms(database)
    await door["office"].post(f"{SURVEYS}/{survey['id']}/invitations", json={})
    shown = (await door["office"].get(f"{SURVEYS}/{survey['id']}/businesses/{firm}/link")).json()
    return survey, firm, "/registration/survey-links/" + shown["code"]


BY_LINK = {"status": "suspended", "turnover_before_rupiah": BEFORE, "turnover_now_rupiah": NOW}


async def test_an_owner_answers_by_link_without_signing_in(
    door: Door, database: Database, public: httpx.AsyncClient
) -> None:
    survey, firm, path = await linked(door, database)
    asked = await public.get(path, headers={"Accept": "application/json"})
    assert asked.json() == {
        "title": survey["title"],
        "business_name": "Usaha 0",
        "before_month": "2020-02",
        "now_month": "2020-04",
        "closes_on": survey["closes_on"],
        "open": True,
        "used": False,
    }
    page = await public.get(path, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert all(
        word in page.text for word in ("<form novalidate>", "Omzet", "Turnover", "turnover_before_rupiah", 'lang="en"')
    )
    assert "Pemilik" not in page.text
    answer = await public.post(path, json=BY_LINK)
    assert (answer.status_code, "Terima kasih" in answer.json()["thanks"]) == (201, True)
    (kept,) = (await door["office"].get(f"{SURVEYS}/{survey['id']}/answers")).json()["items"]
    assert (kept["business_id"], kept["channel"], kept["recorded_by"]) == (str(firm), "link", "public")
    assert kept["turnover_decline_permille"] == 750
    again = await public.post(path, json=BY_LINK)
    assert (again.status_code, again.json()["code"]) == (409, "link_used")
    assert "Sudah dijawab" in (await public.get(path, headers={"Accept": "text/html"})).text


async def test_an_owner_lists_the_waves_that_ask_them_each_with_the_code_to_answer_by(
    door: Door, database: Database, public: httpx.AsyncClient, app: AsgiApp, keys: KeyStore
) -> None:
    survey, firm, path = await linked(door, database)
    later = await planned(door, title="Survei Juni", now_month="2020-06", follows=survey["id"])
    await door["office"].post(f"{SURVEYS}/{later['id']}/invitations", json={})
    (person,) = await rows(database, "SELECT owner_id FROM business")
    mine = "/registration/my/surveys"
    async with Client(app, keys, owner(person[0])) as client:
        page = (await client.get(mine, params={"limit": 1})).json()
        rest = (await client.get(mine, params={"limit": 1, "cursor": page["next"]})).json()
        assert [one["title"] for one in page["items"] + rest["items"]] == ["Survei Juni", survey["title"]]
        (first,) = rest["items"]
        assert first == {
            "survey_id": survey["id"],
            "title": survey["title"],
            "business_id": str(firm),
            "business_name": "Usaha 0",
            "before_month": "2020-02",
            "now_month": "2020-04",
            "closes_on": survey["closes_on"],
            "state": "open",
            "answered_at": None,
            "code": path.rpartition("/")[2],
        }
        # Told on paper, it may still be said otherwise by the link; answered by the link, it is answered.
        await answered(door, survey, firm)
        on_paper = (await client.get(mine)).json()["items"][1]
        assert (on_paper["answered_at"] is None, on_paper["code"]) == (False, first["code"])
        assert (await public.post(path, json=BY_LINK)).status_code == 201
        by_link = (await client.get(mine)).json()["items"][1]
        assert (by_link["answered_at"] is None, by_link["code"]) == (False, None)
        await over(door, later)
        closed = (await client.get(mine)).json()["items"][0]
        assert (closed["state"], closed["code"]) == ("closed", None)
    async with Client(app, keys, owner(uuid4())) as stranger:
        assert (await stranger.get(mine)).json() == {"items": [], "next": None}
    assert (await door["office"].get(mine)).status_code == 403


async def test_nobody_is_given_a_code_whose_data_are_restricted(
    door: Door, database: Database, app: AsgiApp, keys: KeyStore
) -> None:
    await linked(door, database)
    (person,) = await rows(database, "SELECT owner_id FROM business")
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE owner SET restricted_at = now()"))
    async with Client(app, keys, owner(person[0])) as client:
        (one,) = (await client.get("/registration/my/surveys")).json()["items"]
        assert (one["state"], one["code"]) == ("open", None)


async def test_a_link_that_nobody_was_given_is_not_known(
    door: Door, database: Database, public: httpx.AsyncClient
) -> None:
    _, _, path = await linked(door, database)
    wrong = path[:-1] + ("A" if path[-1] != "A" else "B")
    assert (await public.get(wrong, headers={"Accept": "application/json"})).status_code == 404
    page = await public.get(wrong, headers={"Accept": "text/html"})
    assert (page.status_code, "Tautan tidak dikenal" in page.text) == (404, True)
    assert (await public.post(wrong, json=BY_LINK)).status_code == 404
    assert (await public.post("/registration/survey-links/short", json=BY_LINK)).status_code == 404


async def test_what_is_wrong_with_an_answer_does_not_use_up_its_link(
    door: Door, database: Database, public: httpx.AsyncClient
) -> None:
    _, _, path = await linked(door, database)
    answer = await public.post(path, json={"status": "gone", "turnover_now_rupiah": -1, "workers_now": 3})
    assert told(answer) == {
        ("/status", "unknown_value"),
        ("/turnover_now_rupiah", "too_small"),
        ("/workers_before", "missing"),
    }
    answer = await public.post(path, json={"status": "running", "workers_now": 3})
    assert told(answer) == {("/workers_before", "missing")}
    assert (await public.post(path, json=BY_LINK)).status_code == 201


async def test_a_link_ends_with_its_wave(door: Door, database: Database, public: httpx.AsyncClient) -> None:
    survey, firm, path = await linked(door, database)
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE survey SET opens_on = '2020-04-10', closes_on = '2020-05-09'"))
    answer = await public.post(path, json=BY_LINK)
    assert (answer.status_code, answer.json()["code"]) == (409, "survey_closed")
    assert "tidak dibuka" in (await public.get(path, headers={"Accept": "text/html"})).text
    paper = told_by(firm, answered_on="2020-04-20")
    assert (await door["office"].post(f"{SURVEYS}/{survey['id']}/answers", json=paper)).status_code == 201


async def test_of_twenty_who_use_a_link_at_once_one_is_heard(
    door: Door, database: Database, public: httpx.AsyncClient, recorded: Recorded
) -> None:
    _, _, path = await linked(door, database)
    answers = await asyncio.gather(*(public.post(path, json=BY_LINK) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 19]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"link_used"}
    assert sum(isinstance(event, SurveyAnswered) for event in await recorded()) == 1
    assert (await rows(database, "SELECT count(*) FROM survey_answer"))[0][0] == 1


async def test_a_wave_takes_so_many_answers_by_link_in_a_minute(
    door: Door, database: Database, public: httpx.AsyncClient
) -> None:
    survey, firm, path = await linked(door, database)
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text(
                "INSERT INTO survey_answer (id, survey_id, business_id, owner_id, sector, region, status, answered_on,"
                " channel, recorded_at, recorded_by, superseded_at) SELECT gen_random_uuid(), CAST(:survey AS uuid),"
                " b.id, b.owner_id, 'garment', '19.71', 'running', current_date, 'link', now(), 'public', now()"
                " FROM business b, generate_series(1, :most)"
            ),
            {"survey": survey["id"], "most": links.ANSWERS_PER_MINUTE_MAX},
        )
    answer = await public.post(path, json=BY_LINK)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert firm


# Answers


async def test_the_last_answer_counts_and_those_before_it_are_kept(
    door: Door, database: Database, recorded: Recorded
) -> None:
    survey, (firm,) = await planned(door), await firms(database)
    first = await answered(door, survey, firm, before=100, now=80, workers_before=4, workers_now=3)
    answer = await door["pangkalpinang"].post(f"{SURVEYS}/{survey['id']}/answers", json=told_by(firm, 100, 20))
    second = answer.json()
    assert (first["turnover_decline_permille"], first["workers_decline_permille"]) == (200, 250)
    assert second["turnover_decline_permille"] == 800
    (counts,) = (await door["office"].get(f"{SURVEYS}/{survey['id']}/answers")).json()["items"]
    assert counts == second | {"warnings": []}
    params = {"business_id": str(firm)}
    both = (await door["office"].get(f"{SURVEYS}/{survey['id']}/answers", params=params)).json()["items"]
    assert [one["recorded_by"] for one in both] == ["officer-19.71", "staff-1"]
    assert [one["superseded_at"] is None for one in both] == [True, False]
    events = [event for event in await recorded() if isinstance(event, SurveyAnswered)]
    assert [event.need for event in events] == ["low", "medium"]
    assert len({event.subject for event in events}) == 1
    assert (await door["office"].get(f"{SURVEYS}/{survey['id']}")).json()["answered"] == 1


async def test_racing_answers_leave_one_that_counts(door: Door, database: Database) -> None:
    survey, (firm,) = await planned(door), await firms(database)
    path = f"{SURVEYS}/{survey['id']}/answers"
    done = await asyncio.gather(*(door["office"].post(path, json=told_by(firm, 100, now)) for now in range(12)))
    assert {answer.status_code for answer in done} == {201}
    counted = await rows(database, "SELECT count(*), count(*) FILTER (WHERE superseded_at IS NULL) FROM survey_answer")
    assert tuple(counted[0]) == (12, 1)


async def test_an_answer_from_elsewhere_is_refused_with_every_mistake(door: Door, database: Database) -> None:
    survey = await planned(door, region="19.71")
    (far,) = await firms(database, region="19.02")
    path = f"{SURVEYS}/{survey['id']}/answers"
    answer = await door["office"].post(path, json=told_by(far, answered_on=near(2), capacity_now=3))
    assert (answer.status_code, told(answer)) == (
        422,
        {
            ("/business_id", "outside_wave"),
            ("/answered_on", "in_the_future"),
            ("/capacity_before", "missing"),
        },
    )
    answer = await door["pangkalpinang"].post(path, json=told_by(far))
    assert told(answer) == {("/business_id", "unknown_business")}
    answer = await door["office"].post(path, json=told_by(uuid4(), status="gone", answered_on=near(2)))
    assert told(answer) == {
        ("/status", "unknown_value"),
        ("/business_id", "unknown_business"),
        ("/answered_on", "in_the_future"),
    }
    assert (await door["belitung"].post(path, json=told_by(far))).status_code == 404
    assert (await door["auditor"].post(path, json=told_by(far))).status_code == 403
    assert await rows(database, "SELECT 1 FROM survey_answer") == []


async def test_lines_are_answered_one_by_one_and_sending_them_again_changes_nothing(
    door: Door, database: Database
) -> None:
    survey, (one, two) = await planned(door), await firms(database, 2)
    lines = [
        line("1", survey, one, 100, 90),
        line("2", survey, uuid4(), 100, 90, workers_now=2),
        line("3", survey, two, 100, 60, status="closed"),
        line("4", survey, one, 100, 10),
        line("5", {"id": str(uuid4())}, one, 100, 10),
        line("6", survey, one, 100, 10, status="gone", answered_on=near(-9)),
    ]
    found = await sent(door, lines)
    assert [answer["status"] for answer in found] == [201, 422, 201, 201, 422, 422]
    assert {(error["pointer"], error["code"]) for error in found[1]["errors"]} == {
        ("/business_id", "unknown_business"),
        ("/workers_before", "missing"),
    }
    assert [error["pointer"] for error in found[4]["errors"]] == ["/survey_id"]
    assert {error["pointer"] for error in found[5]["errors"]} == {"/status", "/answered_on"}
    assert found[2]["answer"]["warnings"][0]["code"] == "said_closed"
    assert await sent(door, lines) == found
    kept = await rows(
        database, "SELECT business_id, turnover_decline_permille FROM survey_answer WHERE superseded_at IS NULL"
    )
    assert {tuple(row) for row in kept} == {(one, 900), (two, 400)}
    assert (await rows(database, "SELECT count(*) FROM survey_answer"))[0][0] == 3


async def test_who_said_closed_is_listed_until_the_register_says_so_too(door: Door, database: Database) -> None:
    survey, (firm, other) = await planned(door), await firms(database, 2)
    shown = await answered(door, survey, firm, status="closed")
    await answered(door, survey, other)
    assert [one["code"] for one in shown["warnings"]] == ["said_closed"]
    path = f"{SURVEYS}/{survey['id']}/said-closed"
    assert [one["business_id"] for one in (await door["pangkalpinang"].get(path)).json()["items"]] == [str(firm)]
    assert (await door["belitung"].get(path)).json()["items"] == []
    business = await door["office"].get(f"/registration/businesses/{firm}")
    assert business.json()["state"] == "active"
    await door["office"].post(f"/registration/businesses/{firm}/closure", json={"reason": "Sesuai survei"})
    assert (await door["pangkalpinang"].get(path)).json()["items"] == []


# Privacy


async def test_turnover_stands_nowhere_but_sealed_and_only_its_owner_reads_it(
    door: Door, database: Database, app: AsgiApp, keys: KeyStore, recorded: Recorded
) -> None:
    survey, (firm,) = await planned(door), await firms(database)
    shown = await answered(door, survey, firm, before=BEFORE, now=NOW)
    for table in ("survey_answer", "survey_participant", "outbox", "idempotency"):
        for row in await rows(database, f"SELECT t::text FROM {table} t"):  # noqa: S608 - ours
            assert not any(figure in row[0] for figure in (str(BEFORE), str(NOW))), table
    packed = [msgspec.msgpack.encode(figure) for figure in (BEFORE, NOW)]
    assert all(figure not in row.data for row in await recorded.rows() for figure in packed)
    assert "turnover_now" not in msgspec.json.encode(shown).decode()
    person = (await rows(database, "SELECT owner_id FROM business"))[0][0]
    async with Client(app, keys, owner(person)) as client:
        (own,) = (await client.get("/registration/my/survey-answers")).json()["items"]
        assert (own["turnover_before_rupiah"], own["turnover_now_rupiah"]) == (BEFORE, NOW)
        assert (await client.get(f"{SURVEYS}/{survey['id']}/answers")).status_code == 403
        async with database.work(OFFICE) as work:
            await work.session.execute(text("DELETE FROM person_key"))
        (own,) = (await client.get("/registration/my/survey-answers")).json()["items"]
        assert own["turnover_before_rupiah"] is None
    async with Client(app, keys, owner(uuid4())) as stranger:
        assert (await stranger.get("/registration/my/survey-answers")).json()["items"] == []


async def test_a_sealed_figure_opens_in_its_own_row_only_and_gives_its_decline_again(
    door: Door, database: Database
) -> None:
    survey, (one, two) = await planned(door), await firms(database, 2)
    for firm, now in ((one, 13), (two, 77)):
        await answered(door, survey, firm, before=100, now=now)
    async with database.reading(OFFICE) as work:
        kept = await store.answers(work.session, UUID(survey["id"]), None, ["19"], None, 9)
        opened = await sealing.turnovers(work.session, work.vault, kept)
        assert {row.business_id: opened[row.id] for row in kept} == {one: (100, 13), two: (100, 77)}
        assert all(decline_permille(*opened[row.id]) == row.turnover_decline_permille for row in kept)
        kept[0].turnover_now_sealed = kept[0].turnover_before_sealed
        with work.session.no_autoflush, pytest.raises(Unreadable):
            await sealing.turnovers(work.session, work.vault, kept)


# What the answers say


async def surveyed(
    door: Door, database: Database, survey: dict[str, Any], cells: Mapping[tuple[str, str], Sequence[int]]
) -> dict[tuple[str, str], list[UUID]]:
    """Answer for businesses of sectors and regions with these declines in per mille."""
    made: dict[tuple[str, str], list[UUID]] = {}
    lines: list[dict[str, object]] = []
    for (sector, region), declines in cells.items():
        made[sector, region] = await firms(database, len(declines), sector, region)
        lines += [
            line(f"{sector}/{region}/{number}", survey, firm, 1000, 1000 - decline)
            for number, (firm, decline) in enumerate(zip(made[sector, region], declines, strict=True))
        ]
    assert {answer["status"] for answer in await sent(door, lines)} == {201}
    return made


TAILORS, COOKS, FEW = [100, 250, 400, 415, 900, 999], [0, 0, 10, 20, 30, 31], [500, 600]


async def test_a_summary_gives_quartiles_and_hides_small_cells_with_others_beside_them(
    door: Door, database: Database
) -> None:
    survey = await planned(door)
    cells = {("garment", "19.71"): TAILORS, ("food", "19.71"): COOKS, ("food", "19.02"): COOKS}
    await surveyed(door, database, survey, {**cells, ("garment", "19.02"): FEW})
    await over(door, survey)
    path = f"{SURVEYS}/{survey['id']}/summary"
    whole = (await door["office"].get(path)).json()
    assert (whole["unit"], whole["cell_min"], whole["formula"].startswith("percentile_cont")) == ("permille", 5, True)
    assert [(one["sector"], one["answers"], one["suppressed"]) for one in whole["items"]] == [
        ("food", 12, False),
        ("garment", 8, False),
    ]
    garment = whole["items"][1]
    due = quartiles([*TAILORS, *FEW])
    assert (garment["lower_quartile"], garment["median"], garment["upper_quartile"]) == due
    assert (whole["total"]["answers"], whole["total"]["cases"]) == (20, 20)
    both = (await door["office"].get(path, params={"by": "sector_region"})).json()["items"]
    # Two answers of garment in 19.02 are few, and the three cells around them would give them away.
    assert {(one["sector"], one["region"], one["suppressed"]) for one in both} == {
        (sector, region, True) for sector in ("food", "garment") for region in ("19.02", "19.71")
    }
    assert {value for one in both for name, value in one.items() if name not in {"sector", "region", "suppressed"}} == {
        None
    }


async def test_a_regency_sees_its_own_cells_hidden_as_for_everybody(door: Door, database: Database) -> None:
    survey = await planned(door)
    await surveyed(door, database, survey, {("garment", "19.71"): TAILORS, ("food", "19.02"): COOKS})
    await over(door, survey)
    path = f"{SURVEYS}/{survey['id']}/summary"
    own = (await door["pangkalpinang"].get(path)).json()
    assert own["total"] is None
    assert [(one["sector"], one["region"], one["answers"]) for one in own["items"]] == [("garment", "19.71", 6)]
    mine = (await door["pangkalpinang"].get(path, params={"by": "region"})).json()["items"]
    assert [(one["sector"], one["region"]) for one in mine] == [(None, "19.71")]
    assert (await door["pangkalpinang"].get(path, params={"by": "moon"})).status_code == 422


async def test_shares_count_who_is_closed_and_who_is_suspended(door: Door, database: Database) -> None:
    survey, made = await planned(door), await firms(database, 6)
    states = ["closed", "closed", "suspended", "running", "running", "running"]
    for firm, state in zip(made, states, strict=True):
        await answered(door, survey, firm, before=None, status=state, workers_before=4, workers_now=1)
    await over(door, survey)
    path = f"{SURVEYS}/{survey['id']}/summary"
    total = (await door["auditor"].get(path)).json()["total"]
    assert (total["closed_share"], total["suspended_share"], total["answers"]) == (333, 167, 6)
    assert (total["cases"], total["median"]) == (None, None)
    workers = (await door["auditor"].get(path, params={"measure": "workers"})).json()["total"]
    assert (workers["cases"], workers["median"]) == (6, 750)


async def test_a_line_goes_through_a_wave_and_those_it_follows(door: Door, database: Database) -> None:
    april = await planned(door)
    autumn = await planned(door, title="November", now_month="2020-11", follows=april["id"])
    made = await surveyed(door, database, april, {("garment", "19.71"): [800] * 6})
    again = [
        line(f"again/{number}", autumn, firm, 1000, 700) for number, firm in enumerate(made["garment", "19.71"][:5])
    ]
    await sent(door, again)
    shown = (await door["office"].get(f"{SURVEYS}/{autumn['id']}/series", params={"sector": "garment"})).json()
    assert (shown["unit"], shown["sector"], shown["region"]) == ("permille", "garment", None)
    assert [(one["x"], one["label"], one["values"]["median"]) for one in shown["points"]] == [
        ("2020-04-01", april["title"], 800),
        ("2020-11-01", "November", 300),
    ]
    empty = (await door["office"].get(f"{SURVEYS}/{autumn['id']}/series", params={"sector": "food"})).json()
    assert [one["values"]["median"] for one in empty["points"]] == [None, None]
    path = f"{SURVEYS}/{autumn['id']}/series"
    assert (await door["belitung"].get(path, params={"region": "19.71"})).status_code == 404
    assert (await door["belitung"].get(path)).status_code == 404
    assert (await door["belitung"].get(path, params={"region": "19.02"})).status_code == 200


async def test_a_need_is_explained_and_the_greatest_comes_first(door: Door, database: Database) -> None:
    survey, made = await planned(door), await firms(database, 4)
    for firm, now in zip(made[:3], (90, 10, 50), strict=True):
        await answered(door, survey, firm, before=100, now=now)
    shown = (await door["pangkalpinang"].get(f"/registration/businesses/{made[1]}/need")).json()
    assert (shown["score"], shown["band"], shown["rule"]) == (36 + 5 + 5, "medium", "need-1")
    assert shown["parts"][0] == {
        "part": "turnover",
        "points": 36,
        "of": 40,
        "because": "Omzet turun 90,0%",
        "because_english": "Turnover is down 90.0%",
    }
    first = (await door["office"].get("/registration/needs", params={"limit": 2, "sector": "garment"})).json()
    rest = (await door["office"].get("/registration/needs", params={"limit": 2, "cursor": first["next"]})).json()
    order = [one["business_id"] for one in [*first["items"], *rest["items"]]]
    assert (order, rest["next"]) == ([str(made[1]), str(made[2]), str(made[0])], None)
    never = (await door["office"].get(f"/registration/businesses/{made[3]}/need")).json()
    assert (never["score"], never["parts"]) == (None, [])
    assert (await door["belitung"].get(f"/registration/businesses/{made[1]}/need")).status_code == 404
    assert (await door["belitung"].get("/registration/needs")).json()["items"] == []
    assert (await door["auditor"].get("/registration/needs")).status_code == 403
    async with database.reading(OFFICE) as work:
        needs = await questions.need_of(work.session, made)
    assert {firm: found.score for firm, found in needs.items()} == {made[0]: 14, made[1]: 46, made[2]: 30}


async def test_need_comes_from_the_latest_month_and_counts_support(door: Door, database: Database) -> None:
    april, (firm,) = await planned(door), await firms(database)
    autumn = await planned(door, now_month="2020-11", follows=april["id"])
    await answered(door, autumn, firm, before=100, now=50)
    await answered(door, april, firm, before=100, now=0)
    await support(database, [firm], "free-masks", today())
    shown = (await door["office"].get(f"/registration/businesses/{firm}/need")).json()
    assert (shown["score"], shown["survey_id"]) == (20 + 5, autumn["id"])
    assert shown["parts"][-1]["because_english"] == "supported 1 times"


async def support(database: Database, firms: Sequence[UUID], programme: str, day: date) -> None:
    async with database.work(OFFICE) as work:
        for firm in firms:
            await work.session.execute(
                text(
                    "INSERT INTO support (distribution_id, business_id, number, programme, place, place_name, region,"
                    " occurred_at, lines, public_heads, businesses_count)"
                    " VALUES (gen_random_uuid(), :firm, 'DO', :what, 'P', 'P', '19.71', :at, '[]', 0, 1)"
                ),
                {"firm": firm, "what": programme, "at": datetime(day.year, day.month, day.day, 5, tzinfo=UTC)},
            )


async def train(database: Database, firms: Sequence[UUID], day: date) -> None:
    """Have these at a training of one day."""
    at, training = datetime(day.year, day.month, day.day, 5, tzinfo=UTC), uuid4()
    about = {"kits_state": "none", "announced_at": at, "announced_by": "staff-1", "starts_on": day, "ends_on": day}
    async with database.work(OFFICE) as work:
        work.session.add(
            TrainingRow(
                id=training, programme="T", title="T", sector="garment", region="19.71", venue="Aula",
                seats=20, seats_taken=len(firms), state="announced", **about,
            )
        )  # fmt: skip
        await work.session.flush()
        work.session.add(TrainingSessionRow(training_id=training, no=1, held_on=day))
        enrolled = [
            EnrolmentRow(
                id=uuid4(), training_id=training, business_id=one, state="accepted", applied_at=at, ticket=uuid4()
            )
            for one in firms
        ]
        work.session.add_all(enrolled)
        await work.session.flush()
        there = {"training_id": training, "session_no": 1, "reason": "HP tertinggal", "recorded_at": at, "actor": "a"}
        work.session.add_all(AttendanceRow(enrolment_id=one.id, **there) for one in enrolled)


async def earn(database: Database, firms: Sequence[UUID], day: date) -> None:
    async with database.work(OFFICE) as work:
        for firm in firms:
            await work.session.execute(
                text(
                    "INSERT INTO income (order_id, kind, no, business_id, region, occurred_at, item, item_name, unit,"
                    " amount_rupiah)"
                    " VALUES (gen_random_uuid(), 'payment', 1, :firm, '19.71', :at, 'M', 'M', 'piece', 5)"
                ),
                {"firm": firm, "at": datetime(day.year, day.month, day.day, 5, tzinfo=UTC)},
            )


async def test_before_and_after_stand_beside_comparable_others(door: Door, database: Database) -> None:
    past = {"opens_on": "2020-04-10", "closes_on": "2020-05-09"}
    april = await planned(door, **past)
    later = {"opens_on": "2020-11-10", "closes_on": "2020-12-09", "now_month": "2020-11"}
    autumn = await planned(door, **later, follows=april["id"])
    made = await firms(database, 16)
    lines = [line(f"a/{number}", april, firm, 1000, 400, answered_on="2020-04-20") for number, firm in enumerate(made)]
    lines += [
        line(f"b/{number}", autumn, firm, 1000, 800 if number < 6 else 500, answered_on="2020-11-20")
        for number, firm in enumerate(made)
    ]
    await sent(door, lines)
    await train(database, made[:6], date(2020, 9, 22))
    await train(database, made[6:8], date(2020, 12, 1))  # after their answer
    await earn(database, made[8:10], date(2020, 10, 1))
    found = (await door["auditor"].get(f"{SURVEYS}/{autumn['id']}/effect")).json()
    assert (found["base"], "bukan sebab" in found["note"], "not its cause" in found["note_english"]) == (
        april["id"], True, True,
    )  # fmt: skip
    trained, orders, both = found["items"]
    assert (trained["group"], trained["treated"]["cases"], trained["treated"]["median"]) == ("trained", 6, 400)
    assert (trained["others"]["cases"], trained["others"]["median"], trained["difference"]) == (8, 100, 300)
    assert (orders["treated"]["cases"], orders["difference"], both["treated"]["cases"]) == (None, None, None)
    assert (await door["belitung"].get(f"{SURVEYS}/{autumn['id']}/effect")).json()["items"][0]["others"][
        "cases"
    ] is None
    answer = await door["office"].get(f"{SURVEYS}/{april['id']}/effect")
    assert (answer.status_code, told(answer)) == (422, {("/query/base", "not_followed")})
    answer = await door["office"].get(f"{SURVEYS}/{autumn['id']}/effect", params={"base": autumn["id"]})
    assert answer.status_code == 422


async def merge(database: Database, survivor: UUID, *others: UUID) -> None:
    """Let businesses be one, each merged into the one before it."""
    async with database.work(OFFICE) as work:
        for into, one in pairwise((survivor, *others)):
            await work.session.execute(
                text(
                    "UPDATE business SET state = 'merged', state_reason = 'One and the same', merged_into = :into"
                    " WHERE id = :one"
                ),
                {"into": into, "one": one},
            )


async def test_businesses_that_are_one_by_now_count_once_by_what_was_said_last(door: Door, database: Database) -> None:
    survey, made = await planned(door), await firms(database, 7)
    for number, firm in enumerate(made):
        day = near(-1 if number == 6 else -2)
        await answered(door, survey, firm, status="closed" if number == 6 else "running", answered_on=day)
    await over(door, survey)
    path = f"{SURVEYS}/{survey['id']}/summary"
    total = (await door["auditor"].get(path)).json()["total"]
    assert (total["answers"], total["closed_share"]) == (7, 143)
    await merge(database, made[0], made[5], made[6])  # by way of another
    total = (await door["auditor"].get(path)).json()["total"]
    assert (total["answers"], total["closed_share"], total["cases"]) == (5, 200, 5)


async def test_before_and_after_take_those_that_are_one_as_one_case(door: Door, database: Database) -> None:
    april = await planned(door, opens_on="2020-04-10", closes_on="2020-05-09")
    later = {"opens_on": "2020-11-10", "closes_on": "2020-12-09", "now_month": "2020-11"}
    autumn = await planned(door, **later, follows=april["id"])
    made = await firms(database, 12)
    # The first told April as one business and autumn as another, which was there at the training.
    lines = [line(f"a/{n}", april, one, 1000, 400, answered_on="2020-04-20") for n, one in enumerate(made[:11])]
    lines += [line(f"b/{n}", autumn, one, 1000, 500, answered_on="2020-11-20") for n, one in enumerate(made[1:])]
    await sent(door, lines)
    await train(database, [*made[1:5], made[11]], date(2020, 9, 22))
    path = f"{SURVEYS}/{autumn['id']}/effect"
    trained = (await door["auditor"].get(path)).json()["items"][0]
    assert (trained["treated"]["cases"], trained["others"]["cases"]) == (None, 6)  # four: too few to be shown
    await merge(database, made[0], made[11])
    trained = (await door["auditor"].get(path)).json()["items"][0]
    assert (trained["treated"]["cases"], trained["others"]["cases"]) == (5, 6)


GUARDED = (
    "UPDATE survey SET closes_on = opens_on - 1",
    "UPDATE survey SET now_month = before_month",
    "UPDATE survey SET before_month = '2020-02-02'",
    "UPDATE survey SET closed_at = now()",
    "UPDATE survey SET follows = id",
    "UPDATE survey_participant SET used_at = now(), code_hash = NULL, invited_at = NULL, invited_by = NULL",
    "UPDATE survey_answer SET superseded_at = NULL",
    "UPDATE survey_answer SET status = 'gone'",
    "UPDATE survey_answer SET turnover_now_sealed = NULL",
    "UPDATE survey_answer SET turnover_decline_permille = 1001",
    "UPDATE survey_answer SET workers_decline_permille = 1",
    "UPDATE survey_answer SET workers_now = workers_now + 1",
    "UPDATE survey_answer SET capacity_now = 5",
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(door: Door, database: Database, order: str) -> None:
    survey, firm, _ = await linked(door, database)
    for now in (3, 2):
        await answered(door, survey, firm, workers_before=4, workers_now=now)
    with pytest.raises(IntegrityError):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(order))


async def test_the_surveys_of_the_demo_province_say_who_was_hit(databases: Databases, province: Province) -> None:
    database = await databases("registration", migrated=True, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        assert await demo._people(work, province)
    async with database.reading(OFFICE) as work:
        december, april = (await handlers.page(work, None, 9)).items
        assert (april.answered, december.wave.follows) == (len(province.businesses), april.wave.id)
        found = await questions.summary(work, april.wave.id, SummaryQuery())
        garment = next(one for one in found.items if one.sector == "garment")
        assert (garment.answers, garment.median) == (15, 550)
        line = await questions.series(work, december.wave.id, SeriesQuery())
        was, came_back = (one.values.median for one in line.points)
        assert was is not None
        assert came_back is not None
        assert came_back < was
        effect = await questions.effect_of(work, december.wave.id, None)
        assert all(one.treated.cases is None for one in effect.items)  # in these months nobody was trained yet


BROKEN = (
    ("DELETE FROM survey_answer", "answer", "there is no such row"),
    ("UPDATE survey_answer SET status = 'closed'", "answer", "the row differs in status"),
    ("UPDATE survey_answer SET superseded_at = now()", "answer", "the row differs in last_counts"),
    (
        "UPDATE survey_participant SET code_hash = NULL, invited_at = NULL, invited_by = NULL",
        "invitation",
        "the row differs in linked",
    ),
)


@pytest.mark.parametrize(("order", "aspect", "wrong"), BROKEN, ids=[one[0].rpartition(" SET ")[2] for one in BROKEN])
async def test_what_was_changed_past_the_service_is_found(
    door: Door, database: Database, recorded: Recorded, order: str, aspect: str, wrong: str
) -> None:
    survey, firm, _ = await linked(door, database)
    for now in (40, 30):
        await answered(door, survey, firm, before=100, now=now)
    told_of = [
        Told("registration", 0, number, datetime.now(UTC), event)
        for number, event in enumerate(await recorded())
        if isinstance(event, SurveyOpened | SurveyAnswered)
    ]

    async def faults() -> set[tuple[str, str]]:
        async with database.reading(OFFICE) as work:
            seen = await audit.look(work.session, told_of)
            return {(one.aspect.partition(" ")[0], one.wrong) for one in seen if one.wrong}

    assert await faults() == set()
    async with database.work(OFFICE) as work:
        await work.session.execute(text(order))
    assert await faults() == {(aspect, wrong)}


DECLINES = (None, -300, 0, 1, 24, 25, 333, 999, 1000)


async def test_the_list_is_put_in_order_by_the_score_that_is_explained(database: Database) -> None:
    asked = [
        Facts(
            status=status,
            turnover_decline_permille=turnover,
            capacity_decline_permille=capacity,
            workers_decline_permille=workers,
            scale=scale,
            supports=supports,
        )
        for status in Status
        for scale in (None, "micro", "small", "medium", "large")
        for supports in (0, 2)
        for turnover, capacity, workers in zip(DECLINES, DECLINES[3:] + DECLINES[:3], DECLINES[::-1], strict=True)
    ]
    columns = {
        "status": ("text", [one.status.value for one in asked]),
        "turnover_decline_permille": ("int", [one.turnover_decline_permille for one in asked]),
        "capacity_decline_permille": ("int", [one.capacity_decline_permille for one in asked]),
        "workers_decline_permille": ("int", [one.workers_decline_permille for one in asked]),
        "business_scale": ("text", [one.scale for one in asked]),
        "industry_scale": ("text", [one.scale for one in asked]),
        "supports": ("int", [one.supports for one in asked]),
    }
    given = ", ".join(f"CAST(:{name} AS {kind}[])" for name, (kind, _) in columns.items())
    names = ", ".join(columns)
    question = f"SELECT {figures.SCORE} FROM unnest({given}) WITH ORDINALITY AS t({names}, n) ORDER BY n"  # noqa: S608
    async with database.reading(OFFICE) as work:
        bound = {name: values for name, (_, values) in columns.items()}
        found = (await work.session.execute(text(question), bound)).scalars().all()
    assert list(found) == [need(one).score for one in asked]


async def test_needs_are_listed_page_by_page_and_no_more_are_read_than_a_page_holds(
    door: Door, database: Database
) -> None:
    survey, made = await planned(door), await firms(database, 7)
    for firm, now in zip(made, (50, 50, 50, 10, 90, 50, 0), strict=True):
        await answered(door, survey, firm, before=100, now=now)
    seen, after = [], None
    for _ in range(3):
        params = {"limit": 3} | ({"cursor": after} if after else {})
        page = (await door["office"].get("/registration/needs", params=params)).json()
        seen += [(-one["score"], one["business_id"]) for one in page["items"]]
        after = page["next"]
    assert after is None
    assert len(seen) == 7
    assert seen == sorted(seen)
    async with database.reading(OFFICE) as work:
        assert len(await figures.hit_in(work.session, None, None, ("19",), None, 2)) == 2


async def test_figures_of_an_open_wave_come_in_by_fives_so_that_no_two_looks_differ_by_one(
    door: Door, database: Database
) -> None:
    survey, made = await planned(door), await firms(database, 12)
    path = f"{SURVEYS}/{survey['id']}/summary"
    looks: list[tuple[int, int | None]] = []
    for number, firm in enumerate(made[:11]):
        await answered(door, survey, firm, before=100, now=90 - number)
        total = (await door["office"].get(path)).json()["total"]
        looks.append((total["answers"], total["median"]) if total else (0, None))
    assert [answers for answers, _ in looks] == [0] * 4 + [5] * 5 + [10] * 2
    assert len(set(looks)) == 3, "between two steps nothing moves"
    # What is corrected waits for the next step too.
    await answered(door, survey, made[0], before=100, now=0)
    shown = (await door["office"].get(path)).json()
    assert (shown["steps_of"], shown["total"]["answers"], shown["total"]["median"]) == (5, *looks[-1])
    line = (await door["office"].get(f"{SURVEYS}/{survey['id']}/series")).json()["points"][-1]["values"]
    assert (line["answers"], line["median"]) == looks[-1]
    await answered(door, survey, made[11], before=100, now=1)
    assert (await door["office"].get(path)).json()["total"]["answers"] == 10
    assert (await door["office"].get(f"{SURVEYS}/{survey['id']}")).json()["answered"] == 12
    await over(door, survey)
    whole = (await door["office"].get(path)).json()
    assert (whole["steps_of"], whole["total"]["answers"]) == (None, 12)


async def test_each_sector_of_a_region_has_steps_of_its_own_and_totals_are_of_what_is_in(
    door: Door, database: Database
) -> None:
    survey = await planned(door)
    garment, food = await firms(database, 6), await firms(database, 5, sector="food")
    path = f"{SURVEYS}/{survey['id']}/summary"
    for firm in (*garment, *food[:4]):
        await answered(door, survey, firm, before=100, now=50)
    found = (await door["office"].get(path)).json()
    assert [(one["sector"], one["answers"]) for one in found["items"]] == [("garment", 5)]
    assert found["total"]["answers"] == 5
    await answered(door, survey, food[4], before=100, now=50)
    found = (await door["office"].get(path)).json()
    assert [(one["sector"], one["answers"]) for one in found["items"]] == [("food", 5), ("garment", 5)]
    assert found["total"]["answers"] == 10


async def test_a_correction_comes_in_with_the_step_after_it(door: Door, database: Database) -> None:
    survey, made = await planned(door), await firms(database, 10)
    for firm in made[:5]:
        await answered(door, survey, firm, before=100, now=50)
    await answered(door, survey, made[0], before=100, now=50, status="suspended")
    path = f"{SURVEYS}/{survey['id']}/summary"
    assert (await door["office"].get(path)).json()["total"]["suspended_share"] == 0
    for firm in made[5:]:
        await answered(door, survey, firm, before=100, now=50)
    total = (await door["office"].get(path)).json()["total"]
    assert (total["answers"], total["suspended_share"]) == (10, 100)
