"""Orders about trainings: seats, sessions, attendance, certificates and kits."""

from typing import Any
from uuid import uuid4

from tests.faults.orders.businesses import register_another
from tests.faults.orders.giving import PROVINCE, REGION, TAILOR, Json, Office, Order, day, goods, moment, numbers, post
from tests.faults.orders.stock import a_shelf, add_item, add_place, stocked_item


def _training(**more: Any) -> Order:
    usual = {"seats": 20, "sessions": [day(9)], "sector": "garment"}
    return post(
        "registration", "/registration/trainings",
        programme=f"TR-{next(numbers)}", title="Bimtek konveksi", region=REGION, venue="Aula Camat",
        **(usual | more),
    )  # fmt: skip


async def announce_training(office: Office) -> Order:
    return _training(kits={"place": await a_shelf(office), "lines": goods(1)})


async def announce_training_for_nothing_there(office: Office) -> Order:
    """Ask for kits that there are not."""
    item = await office.done(await add_item(office))
    return _training(kits={"place": PROVINCE, "lines": [{"item": item["code"], "quantity": 1}]})


async def cancel_training(office: Office) -> Order:
    training = await office.done(await announce_training(office))
    await office.rests()
    return _of_training(training, "cancellation", reason="Sakit")


async def cancel_training_with_a_participant(office: Office) -> Order:
    training, _ = await _participant(office)
    return _of_training(training, "cancellation", reason="Sakit")


def _of_training(training: Json, step: str, **body: object) -> Order:
    return post("registration", f"/registration/trainings/{training['id']}/{step}", **body)


def _of_enrolment(enrolment: Json, step: str, **body: object) -> Order:
    return post("registration", f"/registration/enrolments/{enrolment['id']}/{step}", **body)


async def change_seats(office: Office) -> Order:
    training = await office.done(_training())
    path = f"/registration/trainings/{training['id']}"
    return Order("registration", "PATCH", path, {"seats": 21}, {"If-Match": f'"{training["version"]}"'})


async def apply_for_training(office: Office) -> Order:
    return _applying(await office.done(_training()), TAILOR)


def _applying(training: Json, business: str) -> Order:
    return _of_training(training, "enrolments", business_id=business, how="paper")


async def _applied(office: Office, business: str = TAILOR, **more: Any) -> tuple[Json, Json]:
    training = await office.done(_training(**more))
    return training, await office.done(_applying(training, business))


async def offered(office: Office, business: str = TAILOR, **more: Any) -> tuple[Json, Json]:
    training, enrolment = await _applied(office, business, **more)
    await office.done(_of_training(training, "offers"))
    return training, enrolment


async def _participant(office: Office, **more: Any) -> tuple[Json, Json]:
    training, enrolment = await offered(office, **more)
    await office.done(_of_enrolment(enrolment, "answer", answer="accept", how="phone"))
    return training, enrolment


async def _held(office: Office) -> tuple[Json, Json]:
    """Give a training whose only session is today, and who takes part in it."""
    training, enrolment = await _participant(office)
    await office.done(_of_training(training, "sessions/1/move", held_on=day(0), reason="Dimajukan"))
    return training, enrolment


async def _attended(office: Office) -> tuple[Json, Json]:
    training, enrolment = await _held(office)
    await office.done(_marking(training, enrolment))
    return training, enrolment


def _marking(training: Json, enrolment: Json) -> Order:
    return _of_training(training, "sessions/1/attendance", enrolment_id=enrolment["id"], reason="HP tertinggal")


async def let_walk_in(office: Office) -> Order:
    return _of_training(
        await office.done(_training(sessions=[day(0)])), "walk-ins", business_id=TAILOR, reason="Datang sendiri"
    )


async def offer_seats(office: Office) -> Order:
    training, _ = await _applied(office)
    return _of_training(training, "offers")


async def offer_seats_that_nobody_answers(office: Office) -> Order:
    """Leave an offer that is over, to be written down by whoever offers seats next."""
    training, _ = await _applied(office)
    await office.done(_of_training(training, "offers"))
    await office.settles()  # else the sweeper, which was woken by the offer, could be first
    await office.let_time_to_answer_pass(training["id"])
    return _of_training(training, "offers")


async def offer_no_seat(office: Office) -> Order:
    """Let somebody apply for a training that is full, who then waits."""
    training, _ = await _participant(office, seats=1)
    another = await office.done(await register_another(office))
    await office.done(_applying(training, another["id"]))
    return _of_training(training, "offers")


async def override_eligibility(office: Office) -> Order:
    _, enrolment = await _applied(office, sector="spices")
    return _of_enrolment(enrolment, "eligibility", reason="Pindah bidang")


async def answer_offer(office: Office) -> Order:
    _, enrolment = await offered(office)
    return _of_enrolment(enrolment, "answer", answer="accept", how="phone")


async def withdraw_enrolment(office: Office) -> Order:
    _, enrolment = await _participant(office)
    return _of_enrolment(enrolment, "withdrawal", how="phone", reason="Pesanan besar")


async def move_session(office: Office) -> Order:
    training, _ = await _participant(office)
    return _of_training(training, "sessions/1/move", held_on=day(12), reason="Aula dipakai")


async def move_training_with_kits(office: Office) -> Order:
    """Move the only session of a training that has a participant and kits: both are told, and keep for longer."""
    training, _ = await _participant(office, kits={"place": await a_shelf(office), "lines": goods(1)})
    await office.rests()
    return _of_training(training, "sessions/1/move", held_on=day(12), reason="Aula dipakai")


async def move_training_past_the_expiry_of_its_kits(office: Office) -> Order:
    """Move a training to after the day until which its promised goods keep: their keepers are told."""
    place = (await office.done(await add_place(office)))["code"]
    item = await stocked_item(office, 10, place, lot="L1", expires_on=day(11))
    kits = {"place": place, "lines": [{"item": item, "quantity": 1}]}
    training, _ = await _participant(office, kits=kits)
    await office.rests()
    return _of_training(training, "sessions/1/move", held_on=day(12), reason="Aula dipakai")


async def cancel_session(office: Office) -> Order:
    training, _ = await _participant(office, sessions=[day(9), day(10)])
    return _of_training(training, "sessions/1/cancellation", reason="Pemateri sakit")


async def record_scans(office: Office) -> Order:
    training, enrolment = await _held(office)
    code = (await office.asked("registration", f"/registration/enrolments/{enrolment['id']}/code"))["code"]
    scan = {"id": str(uuid4()), "code": code, "session": 1, "scanned_at": moment()}
    return _of_training(training, "scans", scans=[scan])


async def mark_attendance(office: Office) -> Order:
    return _marking(*await _held(office))


async def take_back_attendance(office: Office) -> Order:
    training, enrolment = await _attended(office)
    path = "sessions/1/attendance/taking-back"
    return _of_training(training, path, enrolment_id=enrolment["id"], reason="Salah orang")


async def finish_training(office: Office) -> Order:
    training, _ = await _attended(office)
    return _of_training(training, "finish")


async def revoke_certificate(office: Office) -> Order:
    training, _ = await _attended(office)
    await office.done(_of_training(training, "finish"))
    found = await office.asked("registration", f"/registration/trainings/{training['id']}/certificates")
    path = f"/registration/certificates/{found['items'][0]['id']}/revocation"
    return post("registration", path, reason="Tanda tangan palsu")


async def release_kits(office: Office) -> Order:
    """Release by hand what was reserved for a training."""
    training = await office.done(await announce_training(office))
    await office.rests()
    shown = await office.asked("registration", f"/registration/trainings/{training['id']}")
    path = f"/aid/reservations/{shown['kits']['reservation_id']}/release"
    return post("aid_distribution", path, reason="Batal")


async def decline_seat(office: Office) -> Order:
    _, enrolment = await offered(office)
    return _of_enrolment(enrolment, "answer", answer="decline", how="phone")
