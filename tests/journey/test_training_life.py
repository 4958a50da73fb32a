"""A training from its announcement to the certificate: who applies, is asked, comes, and can show it to everybody.

Told of the whole system, once in one process and once in three; the owner hears of every step in her inbox.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from shared.clock import wib_day
from tests.journey.people import Json, Office, Owner, Refused, World, now

TRAININGS = "/registration/trainings"


def day(ahead: int) -> str:
    return wib_day(datetime.now(UTC) + timedelta(days=ahead)).isoformat()


async def announced(office: Office, seats: int) -> Json:
    body = {
        "programme": f"TR-{uuid4().hex[:8].upper()}",
        "title": "Bimtek konveksi",
        "sector": "garment",
        "region": "19.71",
        "venue": "Aula Kantor Camat Gerunggang",
        "seats": seats,
        "sessions": [day(9), day(10)],
    }
    shown: Json = (await office.asks(TRAININGS, body)).json()
    return shown


async def applies(owner: Owner, training: Json, world: World, business: str) -> Json:
    body = {"business_id": str(world.business(business))}
    shown: Json = (await owner.asks(f"{TRAININGS}/{training['id']}/enrolments", body)).json()
    return shown


async def told_of(owner: Owner, enrolment: Json, purpose: str) -> str:
    """Wait for the message about the latest step of an enrolment."""
    step = (await owner.sees(f"/registration/enrolments/{enrolment['id']}"))["history"][-1]["no"]
    return (await owner.hears_of(f"enrolment/{enrolment['id']}#step-{step}", purpose)).body


async def test_a_training_from_its_announcement_to_the_certificate(world: World) -> None:
    province, city = world.office("19"), world.office("19.71")
    hartini, mei_lan = world.owner("Hartini Suryadi"), world.owner("Tjhin Mei Lan")
    training = await announced(province, seats=1)
    first = await applies(hartini, training, world, "Konveksi Hartini")
    second = await applies(mei_lan, training, world, "Mei Lan Garmen")

    # The seat goes to whoever was first, the other waits, and gets it when the first one cannot come.
    done = (await province.asks(f"{TRAININGS}/{training['id']}/offers", {})).json()
    assert (done["offered"], done["waitlisted"]) == ([first["id"]], 1)
    assert "ditawari tempat: Bimtek konveksi" in await told_of(hartini, first, "seat_offered")
    assert "waiting list" in await told_of(mei_lan, second, "seat_waitlisted")
    await hartini.asks(f"/registration/enrolments/{first['id']}/answer", {"answer": "decline"})
    assert "is offered a seat" in await told_of(mei_lan, second, "seat_offered")
    await mei_lan.asks(f"/registration/enrolments/{second['id']}/answer", {"answer": "accept"})
    assert "Show your entry code" in await told_of(mei_lan, second, "seat_accepted")
    with pytest.raises(Refused, match="step_not_possible"):
        await hartini.asks(f"/registration/enrolments/{first['id']}/answer", {"answer": "accept"})

    # The first session is held earlier, the second one not at all.
    path = f"{TRAININGS}/{training['id']}/sessions"
    for change, body in (("1/move", {"held_on": day(0)}), ("2/cancellation", {})):
        changed = (await province.asks(f"{path}/{change}", {**body, "reason": "Aula dipakai"})).json()
        fact = f"training/{training['id']}#change-{changed['version']}"
        assert "Reason: Aula dipakai" in (await mei_lan.hears_of(fact, "training_moved")).body
        assert await hartini.messages_about(fact, "training_moved") == []

    # Her code is scanned at the door, perhaps twice, by a telephone that was offline.
    code = (await mei_lan.sees(f"/registration/enrolments/{second['id']}/code"))["code"]
    scan = {"id": str(uuid4()), "code": code, "session": 1, "scanned_at": now()}
    scanned = await city.asks(f"{TRAININGS}/{training['id']}/scans", {"scans": [scan, scan]})
    assert [one["outcome"] for one in scanned.json()["scans"]] == ["recorded", "repeated"]

    finished = (await province.asks(f"{TRAININGS}/{training['id']}/finish", {})).json()
    assert (finished["participants"], finished["certificates"]) == (1, 1)
    (certificate,) = (await city.sees(f"{TRAININGS}/{training['id']}/certificates"))["items"]
    told = await mei_lan.hears_of(f"certificate/{certificate['id']}", "certificate_issued")
    assert certificate["number"] in told.body

    # Everybody may ask whether it is true, and learns no name.
    page = world.address(f"/registration/certificate-pages/{certificate['code']}")
    async with httpx.AsyncClient() as public:
        shown = await public.get(page, headers={"Accept": "text/html"})
    assert (shown.status_code, "Asli dan berlaku" in shown.text) == (200, True)
    assert certificate["holder"] not in shown.text
