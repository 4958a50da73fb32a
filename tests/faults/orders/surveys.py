"""Orders about surveys and their answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.faults.orders.businesses import a_file, register_another
from tests.faults.orders.giving import REGION, TAILOR, Json, Office, Order, numbers, post


async def upload_survey_answers(office: Office) -> Order:
    survey = await office.done(_survey())
    file = a_file("ID;Keadaan;Omzet sebelum;Omzet sekarang", f"{TAILOR};berjalan;1.000.000;400.000")
    return replace(file, path=f"/registration/surveys/{survey['id']}/imports")


def _survey() -> Order:
    today = datetime.now(UTC)
    return post(
        "registration", "/registration/surveys",
        title=f"Survei {next(numbers)}", region=REGION, opens_on=f"{today - timedelta(days=3):%Y-%m-%d}",
        closes_on=f"{today + timedelta(days=30):%Y-%m-%d}", before_month="2020-02", now_month="2020-04",
    )  # fmt: skip


async def plan_survey(_office: Office) -> Order:
    return _survey()


async def close_survey(office: Office) -> Order:
    survey = await office.done(_survey())
    return post("registration", f"/registration/surveys/{survey['id']}/closing", reason="Lengkap")


async def invite_to_survey(office: Office) -> Order:
    """Invite one business, which is the only one of its sector."""
    sector = f"survey-{next(numbers)}"
    registering = await register_another(office)
    await office.done(replace(registering, body={**registering.body, "sector": sector}))
    survey = await office.done(_survey())
    return post("registration", f"/registration/surveys/{survey['id']}/invitations", sector=sector)


ANSWER = {"status": "running", "turnover_before_rupiah": 9_000_000, "turnover_now_rupiah": 3_000_000}


async def record_survey_answer(office: Office) -> Order:
    survey = await office.done(_survey())
    return post("registration", f"/registration/surveys/{survey['id']}/answers", business_id=TAILOR, **ANSWER)


async def import_survey_answers(office: Office) -> Order:
    survey = await office.done(_survey())
    line: Json = {"key": str(uuid4()), "survey_id": survey["id"], "business_id": TAILOR, **ANSWER}
    media_type = {"Content-Type": "application/x-ndjson"}
    return Order("registration", "POST", "/registration/survey-answers/bulk", line, media_type)


async def answer_by_link(office: Office) -> Order:
    inviting = await invite_to_survey(office)
    await office.done(inviting)
    found = await office.asked("registration", "/registration/businesses?limit=1&sector=" + inviting.body["sector"])
    path = inviting.path.replace("/invitations", f"/businesses/{found['items'][0]['id']}/link")
    link = await office.asked("registration", path)
    return post("registration", f"/registration/survey-links/{link['code']}", **ANSWER)
