"""The closed loop: a tailor is hit, trained and ordered to sew, her masks are handed out, and she is asked once more.

Told of the whole system, once in one process and once in three, and walked both ways: from her to those who got her
masks, and from a hand-out back to her.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from shared.clock import wib_day
from tests.journey.people import MASKS, SECONDS_TO_HEAR, Json, Office, Refused, World, now
from tests.waiting import wait_until

BUSINESSES, TRAININGS, SURVEYS = "/registration/businesses", "/registration/trainings", "/registration/surveys"


def day(ahead: int) -> str:
    return wib_day(datetime.now(UTC) + timedelta(days=ahead)).isoformat()


async def surveyed(office: Office, now_month: str, follows: str | None = None) -> Json:
    body = {
        "title": f"Survei {now_month}", "region": "19", "opens_on": day(-3), "closes_on": day(30),
        "before_month": "2020-02", "now_month": now_month, "follows": follows,
    }  # fmt: skip
    wave: Json = (await office.asks(SURVEYS, body)).json()
    return wave


async def answers(office: Office, wave: Json, business: str, turnover_now: int) -> None:
    body = {"business_id": business, "status": "running"}
    turnover = {"turnover_before_rupiah": 10_000_000, "turnover_now_rupiah": turnover_now}
    await office.asks(f"{SURVEYS}/{wave['id']}/answers", body | turnover)


async def is_trained(province: Office, city: Office, business: str) -> None:
    body = {
        "programme": f"TR-{uuid4().hex[:8].upper()}", "title": "Bimtek konveksi", "sector": "garment",
        "region": "19.71", "venue": "Aula", "seats": 1, "sessions": [day(9)],
    }  # fmt: skip
    training = (await province.asks(TRAININGS, body)).json()
    path = f"{TRAININGS}/{training['id']}"
    enrolment = (await city.asks(f"{path}/enrolments", {"business_id": business, "how": "paper"})).json()
    offered = (await province.asks(f"{path}/offers", {})).json()
    assert offered["offered"] == [enrolment["id"]]
    shown = await city.sees(f"/registration/enrolments/{enrolment['id']}")
    assert (shown["need_points"] > 0, "Omzet turun 60" in shown["need_explained"]) == (True, True)
    answer = {"answer": "accept", "how": "phone"}
    await city.asks(f"/registration/enrolments/{enrolment['id']}/answer", answer)
    await province.asks(f"{path}/sessions/1/move", {"held_on": day(0), "reason": "Dimajukan"})
    marked = {"enrolment_id": enrolment["id"], "reason": "HP tertinggal"}
    await city.asks(f"{path}/sessions/1/attendance", marked)
    await province.asks(f"{path}/finish", {})


async def sews(province: Office, city: Office, business: str) -> Json:
    """Order ten masks of her, take in nine, and pay for them."""
    call = {
        "item": MASKS, "quantity": 10, "price_rupiah": 5_000, "due_on": day(9), "regions": ["19.71"],
        "place": city.warehouse, "sector": "garment", "cap_per_business": 10,
    }  # fmt: skip
    called = (await province.asks("/aid/production-calls", call)).json()
    wanted = {"call": called["id"], "business": business, "quantity": 10, "reason": "Kunjungan"}

    async def ordered() -> Json | None:
        try:
            order: Json = (await province.asks("/aid/production-orders", wanted)).json()
        except Refused as refused:
            if refused.errors == {"unknown_business"}:
                return None
            raise
        return order

    order = await wait_until(ordered, SECONDS_TO_HEAR, "aid to know the business")
    path = f"/aid/production-orders/{order['id']}"
    await province.asks(f"{path}/acceptance", {})
    found = {"layers": 2, "accepted": 9, "rejected": 1, "reasons": [{"reason": "seams", "quantity": 1}]}
    await province.asks(f"{path}/deliveries", {"occurred_at": now(), "quantity": 10, "inspection": found})
    paid = {"amount_rupiah": 45_000, "paid_at": now(), "reference": "SP2D-1"}
    shown: Json = (await province.asks(f"{path}/payments", paid)).json()
    return shown


async def test_the_loop_is_walked_from_the_survey_to_the_hand_out_and_back(world: World) -> None:
    province, city = world.office("19"), world.office("19.71")
    spring = await surveyed(province, "2020-04")
    autumn = await surveyed(province, "2020-11", spring["id"])
    name = f"Jahit {uuid4().hex[:12]}"
    business = (await city.registers(name, {"name": f"Pemilik {name}"}))["id"]

    await answers(city, spring, business, 4_000_000)
    assert (await city.sees(f"{BUSINESSES}/{business}/need"))["score"] > 0
    await is_trained(province, city, business)
    order = await sews(province, city, business)
    given = {
        "programme": "free-masks", "place": city.warehouse, "occurred_at": now(),
        "lines": [{"item": MASKS, "quantity": 7, "lot": order["lot"]}], "recipients": {"public": 7},
    }  # fmt: skip
    handed_out = (await city.asks("/aid/distributions", given)).json()
    await answers(city, autumn, business, 7_000_000)

    async def closed() -> Json | None:
        loop = await city.sees(f"{BUSINESSES}/{business}/loop")
        return loop if loop["orders"] and loop["orders"][0]["given"] and loop["orders"][0]["paid_rupiah"] else None

    loop = await wait_until(closed, SECONDS_TO_HEAR, "the loop to close")
    assert [(one["month"], one["turnover_decline_permille"]) for one in loop["surveys"]] == [
        ("2020-11-01", 300),
        ("2020-04-01", 600),
    ]
    (training,) = loop["trainings"]
    assert (training["state"], training["attended"], training["sessions"]) == ("accepted", 1, 1)
    assert training["certificate"]
    (line,) = loop["orders"]
    assert (line["quantity"], line["accepted"], line["rejected"]) == (10, 9, 1)
    assert (line["due_rupiah"], line["paid_rupiah"], line["given"], line["occasions"]) == (45_000, 45_000, 7, 1)
    assert loop["came_back_permille"] == 300

    back = await city.sees(f"/registration/occasions/{handed_out['id']}/makers")
    (maker,) = back["makers"]
    assert (maker["business_id"], maker["name"], maker["quantity"], maker["paid_rupiah"]) == (business, name, 7, 45_000)
    assert (maker["came_back_permille"], back["elsewhere"]) == (300, [])
