"""Trainings: announced with their days and kits, called off once, and answered about their kits."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registration.trainings import handlers
from services.registration.trainings.domain import BEFORE, KitsState, kit_mistakes, session_mistakes
from shared.clock import wib_day
from shared.contracts import Event
from shared.contracts.aid_distribution import KitShortage, KitsRefused, KitsReleased, KitsReserved
from shared.contracts.registration import KitWanted, TrainingAnnounced, TrainingCancelled
from shared.database import Database
from tests.door import Client, Recorded, told
from tests.registration.people import OFFICE

Door = Mapping[str, Client]
RESERVATION = UUID(int=51)
HEARERS: dict[type[Event], Any] = {
    KitsReserved: handlers.hear_reserved,
    KitsRefused: handlers.hear_refused,
    KitsReleased: handlers.hear_released,
}


def today() -> date:
    """Give the day as it is now: a run may go on past midnight."""
    return wib_day(datetime.now(UTC))


def soon(days: int = 7) -> str:
    return (today() + timedelta(days=days)).isoformat()


def announcement(**changes: object) -> dict[str, object]:
    """Give the body of an announcement that is right in everything."""
    return {
        "programme": "TR-2020-03",
        "title": "Bimtek konveksi",
        "sector": "garment",
        "region": "19.71",
        "venue": "Aula Kantor Camat Gerunggang",
        "seats": 20,
        "sessions": [soon(8), soon(7)],
        "kits": {"place": "WH-19.71", "lines": [{"item": "SEWING-KIT", "quantity": 20}]},
    } | changes


async def announced(door: Door, **changes: object) -> dict[str, Any]:
    answer = await door["office"].post("/registration/trainings", json=announcement(**changes))
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def kits_event(kind: type[Event], training: str, **more: object) -> Event:
    about: dict[str, Any] = {
        "training_id": UUID(training),
        "programme": "TR-2020-03",
        "title": "Bimtek konveksi",
        "region": "19.71",
        "starts_on": today(),
        "place": "WH-19.71",
        "place_name": "Gudang",
        "place_region": "19.71",
    }
    rest: dict[type[Event], dict[str, Any]] = {
        KitsReserved: {
            "reservation_id": RESERVATION,
            "number": "RS-1",
            "expires_at": datetime.now(UTC),
            "lines": [],
        },
        KitsRefused: {
            "because": "short",
            "shortages": [
                KitShortage(item="SEWING-KIT", item_name="Paket", unit="piece", asked=20, available=3, elsewhere=[])
            ],
        },
        KitsReleased: {"reservation_id": RESERVATION, "number": "RS-1", "because": "released", "reason": "Batal"},
    }
    return kind(**(about | rest[kind] | more))


async def hear(database: Database, kind: type[Event], training: str) -> None:
    async with database.work(OFFICE) as work:
        await HEARERS[kind](work, kits_event(kind, training))


async def test_a_training_is_announced_with_its_days_and_asks_for_its_kits(door: Door, recorded: Recorded) -> None:
    shown = await announced(door)
    held = {"venue": "Aula Kantor Camat Gerunggang", "cancelled_at": None, "cancel_reason": None}
    assert shown["sessions"] == [{"no": 1, "held_on": soon(7), **held}, {"no": 2, "held_on": soon(8), **held}]
    assert shown["kits"] == {
        "state": "asked",
        "place": "WH-19.71",
        "lines": [{"item": "SEWING-KIT", "quantity": 20}],
        "reservation_id": None,
        "number": None,
        "because": None,
        "shortages": [],
    }
    (event,) = await recorded()
    assert event == TrainingAnnounced(
        training_id=UUID(shown["id"]),
        programme="TR-2020-03",
        title="Bimtek konveksi",
        region="19.71",
        starts_on=today() + timedelta(days=7),
        ends_on=today() + timedelta(days=8),
        sector="garment",
        venue="Aula Kantor Camat Gerunggang",
        sessions=[today() + timedelta(days=7), today() + timedelta(days=8)],
        seats=20,
        kits_place="WH-19.71",
        kits=[KitWanted(item="SEWING-KIT", quantity=20)],
    )
    assert event.subject == f"training/{shown['id']}"
    assert (await door["pangkalpinang"].get(f"/registration/trainings/{shown['id']}")).json() == shown


async def test_all_that_is_wrong_is_told_at_once(door: Door, recorded: Recorded) -> None:
    line = {"item": "SEWING-KIT", "quantity": 1}
    wrong = announcement(
        region="19.99",
        seats=0,
        sessions=[soon(-1), soon(1), soon(1), soon(400)],
        kits={"place": "WH-19.71", "lines": [line, line]},
    )
    answer = await door["office"].post("/registration/trainings", json=wrong)
    expected = {
        ("/region", "unknown_region"),
        ("/sessions/0", "in_the_past"),
        ("/sessions/2", "duplicate"),
        ("/sessions/3", "too_far_ahead"),
        ("/kits/lines/1/item", "duplicate"),
    }
    assert (answer.status_code, told(answer)) == (422, {*expected, ("/seats", "too_small")})
    answer = await door["office"].post("/registration/trainings", json={**wrong, "seats": 20})
    assert (answer.status_code, told(answer)) == (422, expected)
    assert await recorded() == []


async def test_the_province_announces_and_the_regency_sees_its_own(door: Door) -> None:
    assert (await door["pangkalpinang"].post("/registration/trainings", json=announcement())).status_code == 403
    first = await announced(door)
    second = await announced(door, region="19.02", sessions=[soon(3)], kits=None)
    assert second["kits"] is None
    listed = (await door["auditor"].get("/registration/trainings")).json()["items"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    assert [one["id"] for one in (await door["belitung"].get("/registration/trainings")).json()["items"]] == [
        second["id"]
    ]
    assert (await door["belitung"].get(f"/registration/trainings/{first['id']}")).status_code == 404
    assert (await door["office"].get(f"/registration/trainings/{uuid4()}")).status_code == 404


async def test_pages_of_trainings_are_whole(door: Door) -> None:
    made = [(await announced(door, sessions=[soon(days)]))["id"] for days in (3, 5, 5, 9)]
    seen: list[str] = []
    after: str | None = None
    for _ in range(4):
        params: dict[str, Any] = {"limit": 1} | ({"cursor": after} if after else {})
        page = (await door["office"].get("/registration/trainings", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert (seen, after) == (made[::-1], None)


async def test_a_training_is_called_off_once(door: Door, recorded: Recorded) -> None:
    shown = await announced(door)
    path = f"/registration/trainings/{shown['id']}/cancellation"
    assert (await door["pangkalpinang"].post(path, json={"reason": "Sakit"})).status_code == 403
    answer = await door["office"].post(path, json={"reason": "Sakit"})
    assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (201, "cancelled", 2)
    assert isinstance((await recorded())[-1], TrainingCancelled)
    answer = await door["office"].post(path, json={"reason": "Sakit"})
    assert (answer.status_code, answer.json()["code"]) == (409, "training_cancelled")
    listed = (await door["office"].get("/registration/trainings", params={"state": "announced"})).json()
    assert listed["items"] == []
    assert len(await recorded()) == 2


async def test_a_training_that_was_held_is_not_called_off(door: Door, database: Database) -> None:
    shown = await announced(door)
    async with database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE training SET starts_on = '2020-09-21', ends_on = '2020-09-22'"))
    path = f"/registration/trainings/{shown['id']}/cancellation"
    answer = await door["office"].post(path, json={"reason": "Sakit"})
    assert (answer.status_code, answer.json()["code"]) == (409, "training_over")


async def test_what_became_of_the_kits_is_shown_with_the_training(door: Door, database: Database) -> None:
    refused, held = await announced(door), await announced(door)
    await hear(database, KitsRefused, refused["id"])
    await hear(database, KitsReserved, held["id"])
    kits = (await door["office"].get(f"/registration/trainings/{refused['id']}")).json()["kits"]
    assert (kits["state"], kits["because"], kits["shortages"][0]["available"]) == ("refused", "short", 3)
    shown = (await door["office"].get(f"/registration/trainings/{held['id']}")).json()
    assert (shown["kits"]["state"], shown["kits"]["number"], shown["version"]) == ("reserved", "RS-1", 2)


HEARD: list[tuple[list[type[Event]], str]] = [
    ([KitsReserved], "reserved"),
    ([KitsReserved, KitsReserved], "reserved"),
    ([KitsReserved, KitsRefused], "reserved"),
    ([KitsReserved, KitsReleased], "released"),
    ([KitsReserved, KitsReleased, KitsReserved], "released"),
    ([KitsReleased, KitsReserved], "released"),
    ([KitsRefused, KitsReserved], "refused"),
    ([KitsRefused, KitsReleased], "refused"),
]


@pytest.mark.parametrize(
    ("heard", "state"),
    HEARD,
    ids=lambda value: value if isinstance(value, str) else "-".join(k.__name__ for k in value),
)
async def test_an_answer_counts_only_where_it_leads_on(
    door: Door, database: Database, heard: list[type[Event]], state: str
) -> None:
    shown = await announced(door)
    for kind in heard:
        await hear(database, kind, shown["id"])
    assert (await door["office"].get(f"/registration/trainings/{shown['id']}")).json()["kits"]["state"] == state


async def test_answers_about_a_training_that_is_not_known_change_nothing(door: Door, database: Database) -> None:
    shown = await announced(door, kits=None)
    for kind in HEARERS:
        await hear(database, kind, str(uuid4()))
        await hear(database, kind, shown["id"])
    assert (await door["office"].get(f"/registration/trainings/{shown['id']}")).json() == shown


GUARDED = (
    "UPDATE training SET seats = 0",
    "UPDATE training SET state = 'cancelled'",
    "UPDATE training SET kits_state = 'reserved'",
    "UPDATE training SET kits_state = 'refused'",
    "UPDATE training SET kits_state = 'none'",
    "UPDATE training SET starts_on = ends_on + 1",
    "UPDATE training SET seats_taken = seats + 1",
    "UPDATE training SET seats_taken = -1",
    "UPDATE training SET applications = 5001",
    "UPDATE training SET attendance_percent = 0",
    "UPDATE training SET state = 'finished'",
    "UPDATE training_session SET held_on = '2020-09-21'",
    "UPDATE training_kit SET quantity = 0",
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(door: Door, database: Database, order: str) -> None:
    await announced(door)
    with pytest.raises(IntegrityError):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(order))


def test_the_rules_of_days_and_kits_as_a_table() -> None:
    today = date(2020, 9, 1)
    days = {"/sessions/0": today, "/sessions/1": date(2020, 8, 31), "/sessions/2": today, "/seats": 3}
    assert [(one.pointer, one.code) for one in session_mistakes(days, today)] == [
        ("/sessions/1", "in_the_past"),
        ("/sessions/2", "duplicate"),
    ]
    kits = {"/kits/lines/0/item": "A", "/kits/lines/1/item": "B", "/kits/lines/2/item": "A", "/kits/place": "A"}
    assert [(one.pointer, one.code) for one in kit_mistakes(kits)] == [("/kits/lines/2/item", "duplicate")]
    assert KitsState.NONE not in {state for before in BEFORE.values() for state in before}
