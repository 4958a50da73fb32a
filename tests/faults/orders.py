"""An order for every writing route, and what brings about every event that somebody reacts to.

A route or a reaction that is added later has to be added here: `test_crash_points.py` does not let it be forgotten.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol
from uuid import uuid4

from shared.clock import wib_day
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    PRODUCTION_LOT,
    AlertRaised,
    DistributionPosted,
    DistributionVoided,
    ExceptionChanged,
    ExceptionOpened,
    ExceptionOverdue,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    MarketSold,
    PriceAlert,
    ProductionAccepted,
    ProductionDeclined,
    ProductionDelivered,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    ReturnVoided,
    StationBroken,
    StationDry,
    StationReported,
    StockExpiring,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    StockReturned,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.notifications import PhoneUnreachable, ReplyReceived
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    CertificateIssued,
    CertificateRevoked,
    ConsentChanged,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    PersonReleased,
    PersonRestricted,
    SeatAccepted,
    SeatDeclined,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    SurveyAnswered,
    SurveyOpened,
    TrainingAnnounced,
    TrainingCancelled,
    TrainingMoved,
)

REGION = "19.71"
WAREHOUSE, PROVINCE = f"WH-{REGION}", "WH-PROV"
MASKS = "MASK-CLOTH"
SMS_HOOK_SECRET = "for-the-trial"
STATION, SOAP = "HANDWASH-STATION", "SOAP-5L"
SITE = "CC-19.71-01"
BROADCASTS = "/notifications/broadcasts"
END = "2099-12-31"
TAILOR, HER_OWNER = "0174472d-8680-7001-8000-000000000018", "0174472d-8680-7000-8000-000000000018"
"""A business of the province, and its owner, who has an address."""

Json = dict[str, Any]
# Of more than one figure from the first on: a word of one letter gives a name no key by which its twin is found.
_numbers = count(10)
_regions = count(72)


@dataclass(frozen=True, slots=True)
class Order:
    """One order, with the key under which it is sent, however often; by an owner where only they may give it."""

    service: str
    method: str
    path: str
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid4()))
    owner: str | None = None
    content: bytes | None = None
    """A file that is sent instead of a body."""


class Office(Protocol):
    """Where orders are given while nothing is broken."""

    async def done(self, order: Order) -> Json:
        """Give an order and return what it was answered."""

    async def is_refused(self, order: Order) -> None:
        """Give an order that is refused."""

    async def asked(self, service: str, path: str) -> Json:
        """Ask a question."""

    async def settles(self) -> None:
        """Wait until everything has arrived, without asking whether it is right."""

    async def rests(self) -> None:
        """Wait until every effect of everything has arrived."""

    async def sent_by_text(self, owner_id: str) -> str:
        """Leave a text message to an owner in doubt, and give by which name the gateway knows it."""

    async def newest_code(self) -> str:
        """Give the code that was made last for somebody who signs in."""

    async def let_time_to_answer_pass(self, training_id: str) -> None:
        """Let the offers of a training be over that nobody has answered."""

    async def is_of_a_colleague(self, broadcast_id: str) -> None:
        """Let a broadcast be one to many that a colleague has written and submitted."""


Recipe = Callable[[Office], Awaitable[Order]]


FROM_A_PAGE = {"Serumpun-Page": "1"}


def _post(service: str, path: str, **body: object) -> Order:
    return Order(service, "POST", path, body)


def _in_days(days: int) -> str:
    return (wib_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


def _moment() -> str:
    return datetime.now(UTC).isoformat()


def _goods(quantity: int) -> list[Json]:
    return [{"item": MASKS, "quantity": quantity}]


async def register_business(_office: Office) -> Order:
    number = next(_numbers)
    owner = {"name": f"Pemilik {number}", "email": f"pemilik-{number}@contoh.example"}
    return _post(
        "registration", "/registration/businesses",
        name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
    )  # fmt: skip


async def register_another(_office: Office) -> Order:
    """Register a business of an owner who is known everywhere, so that nothing has to wait for another event."""
    return _post(
        "registration", "/registration/businesses",
        name=f"Cabang {next(_numbers)}", sector="garment", region=REGION, owner_id=HER_OWNER,
    )  # fmt: skip


async def change_business(office: Office) -> Order:
    return await _change(office, {"name": f"Konveksi {next(_numbers)}"})


async def change_owner(office: Office) -> Order:
    return await _change(office, {"owner": {"name": f"Hartini {next(_numbers)}"}})


async def _change(office: Office, news: Json) -> Order:
    path = f"/registration/businesses/{TAILOR}"
    business = await office.asked("registration", path)
    return Order("registration", "PATCH", path, news, {"If-Match": f'"{business["version"]}"'})


async def close_business(office: Office) -> Order:
    business = await office.done(await register_another(office))
    return _post("registration", f"/registration/businesses/{business['id']}/closure", reason="Tidak ada pesanan")


async def _pair(office: Office) -> Json:
    """Register two businesses that may be one, and give their case."""
    twin = _post(
        "registration", "/registration/businesses",
        name=f"Bordir Melati {next(_numbers)}", sector="garment", region=REGION, owner_id=HER_OWNER,
    )  # fmt: skip
    await office.done(twin)
    business = await office.done(replace(twin, key=str(uuid4())))
    found = await office.asked("registration", f"/registration/duplicates?business={business['id']}")
    (case,) = found["items"]
    return dict(case)


async def scan_duplicates(office: Office) -> Order:
    sides = (await _pair(office))["businesses"]
    return _post("registration", "/registration/duplicates/scan", businesses=[one["business_id"] for one in sides])


async def decide_duplicate(office: Office) -> Order:
    case = await _pair(office)
    path = f"/registration/duplicates/{case['id']}/decision"
    return _post("registration", path, decision="different", reason="Dua saudara")


async def merge_businesses(office: Office) -> Order:
    case = await _pair(office)
    survivor = case["businesses"][0]["business_id"]
    path = f"/registration/duplicates/{case['id']}/merge"
    return _post("registration", path, survivor=survivor, take=["workers"], reason="Usaha yang sama")


async def undo_merge(office: Office) -> Order:
    merging = await merge_businesses(office)
    await office.done(merging)
    return _post("registration", merging.path.replace("/merge", "/undoing"), reason="Ternyata dua usaha")


async def search_businesses(_office: Office) -> Order:
    return _post("registration", "/registration/businesses/search", q="konveksi")


async def record_consent(office: Office) -> Order:
    owner_id = (await office.done(await register_business(office)))["owner_id"]
    return _post(
        "registration", f"/registration/owners/{owner_id}/consents",
        kind="contact_by_phone", given=True, how="signature", happened_at=_moment(), proof="Map 1",
        text={"id": "contact-by-phone", "version": 1},
    )  # fmt: skip


async def withdraw_consent(office: Office) -> Order:
    giving = await record_consent(office)
    await office.done(giving)
    return _post("registration", giving.path, kind="contact_by_phone", given=False, how="spoken", happened_at=_moment())


async def give_consent(office: Office) -> Order:
    owner_id = (await office.done(await register_business(office)))["owner_id"]
    giving = _post(
        "registration", "/registration/my/consents",
        kind="publish_story", given=True, text={"id": "publish-story", "version": 1},
    )  # fmt: skip
    return replace(giving, owner=owner_id)


async def reveal(office: Office) -> Order:
    business = await office.done(await register_known(office))
    path = f"/registration/owners/{business['owner_id']}/reveal"
    return _post("registration", path, field="nik", reason="Pembayaran")


async def change_kk(office: Office) -> Order:
    business = await office.done(await register_known(office))
    return _post("registration", f"/registration/owners/{business['owner_id']}/kk", kk="1971010109200001")


async def restrict_person(office: Office) -> Order:
    business = await office.done(await register_known(office))
    await office.rests()  # or the welcome would be withheld, or not
    path = f"/registration/owners/{business['owner_id']}/restriction"
    return _post("registration", path, reason="Diminta dengan surat")


async def release_person(office: Office) -> Order:
    restriction = await restrict_person(office)
    await office.done(restriction)
    await office.rests()
    path = restriction.path.replace("/restriction", "/release")
    return _post("registration", path, reason="Diminta dengan surat")


async def erase_person(office: Office) -> Order:
    business = await office.done(await register_known(office))
    await office.rests()
    path = f"/registration/owners/{business['owner_id']}/erasure"
    return _post("registration", path, reason="Diminta dengan surat")


async def register_known(_office: Office) -> Order:
    """Register a business of a new owner who has told their NIK."""
    number = next(_numbers)
    owner = {"name": f"Pemilik {number}", "nik": f"197101520378{number % 9999 + 1:04}"}
    return _post(
        "registration", "/registration/businesses",
        name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
    )  # fmt: skip


async def close_refused_registration(office: Office) -> Order:
    known = await register_known(office)
    await office.done(known)
    another = {**known.body, "owner": known.body["owner"] | {"name": "Wahyu"}}
    await office.is_refused(replace(known, body=another, key=str(uuid4())))
    found = await office.asked("registration", "/registration/refused-registrations?state=open&limit=1")
    path = f"/registration/refused-registrations/{found['items'][0]['id']}/closing"
    return _post("registration", path, reason="Salah baca KTP")


def _file(*lines: str) -> Order:
    content = "\r\n".join(lines).encode()
    return Order("registration", "POST", "/registration/imports", headers={"Content-Type": "text/csv"}, content=content)


async def upload_businesses(office: Office) -> Order:
    """Send a file in which nothing is new."""
    name = (await office.asked("registration", f"/registration/businesses/{TAILOR}"))["name"]
    return _file("ID;Nama usaha", f"{TAILOR};{name}")


async def upload_survey_answers(office: Office) -> Order:
    survey = await office.done(_survey())
    file = _file("ID;Keadaan;Omzet sebelum;Omzet sekarang", f"{TAILOR};berjalan;1.000.000;400.000")
    return replace(file, path=f"/registration/surveys/{survey['id']}/imports")


async def start_import(office: Office) -> Order:
    return await _start(office, await upload_businesses(office))


REFUSED_ROWS = 499


async def import_new_businesses(office: Office) -> Order:
    """Let a file be carried out of which the first batch and the second hold one new business each."""
    first = next(_numbers)
    begin, end = (f"Warung {first}-{place};{first}/{place};food;{REGION};Pemilik {first}" for place in (1, 2))
    refused = (f"Warung {first}-x{number};;food;99.99;Ali" for number in range(REFUSED_ROWS))
    return await _start(office, _file("Nama usaha;No dokumen;Sektor;Wilayah;Pemilik", begin, *refused, end))


async def _start(office: Office, file: Order) -> Order:
    sent = await office.done(file)
    await office.settles()
    return _post("registration", f"/registration/imports/{sent['id']}/start", mode="good_rows")


async def cancel_import(office: Office) -> Order:
    sent = await office.done(await upload_businesses(office))
    await office.settles()
    return _post("registration", f"/registration/imports/{sent['id']}/cancellation", reason="Berkas salah")


async def add_item(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", "/aid/items", code=f"I-{number}", name="Sarung", unit="piece", category="other")


async def add_pack(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", f"/aid/items/{MASKS}/packs", code=f"BOX-{number}", name="Dus", quantity=number + 1)


async def add_place(_office: Office) -> Order:
    number = next(_numbers)
    return _post("aid_distribution", "/aid/places", code=f"P-{number}", name="Pasar", kind="warehouse", region=REGION)


async def add_region(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/regions",
        code=f"19.{next(_regions)}", name="Bangka Utara", kind="regency", population=100_000,
    )  # fmt: skip


async def change_region(office: Office) -> Order:
    path = f"/aid/regions/{REGION}"
    region = await office.asked("aid_distribution", path)
    return Order(
        "aid_distribution", "PATCH", path, {"population": region["population"] + 1},
        {"If-Match": f'"{region["version"]}"'},
    )  # fmt: skip


async def receive_stock(_office: Office, place: str = WAREHOUSE) -> Order:
    return _post(
        "aid_distribution", "/aid/receipts",
        place=place, source="supplier", occurred_at=_moment(), lines=_goods(10),
    )  # fmt: skip


async def issue_stock(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/issues",
        place=WAREHOUSE, reason="damaged", occurred_at=_moment(), lines=_goods(1),
    )  # fmt: skip


async def post_in_bulk(_office: Office) -> Order:
    order = {"place": WAREHOUSE, "source": "supplier", "occurred_at": _moment(), "lines": _goods(10)}
    line: Json = {"key": str(uuid4()), "receipt": order}
    return Order("aid_distribution", "POST", "/aid/bulk", line, {"Content-Type": "application/x-ndjson"})


async def dispatch_transfer(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/transfers",
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=_moment(), lines=_goods(5),
    )  # fmt: skip


async def receive_transfer(office: Office) -> Order:
    transfer = await office.done(await dispatch_transfer(office))
    lines = [{"item": MASKS, "accepted": 4, "rejected": 1, "reason": "damaged"}]
    return _post("aid_distribution", f"/aid/transfers/{transfer['id']}/receipt", occurred_at=_moment(), lines=lines)


async def void_transfer(office: Office) -> Order:
    transfer = await office.done(await dispatch_transfer(office))
    return _post("aid_distribution", f"/aid/transfers/{transfer['id']}/void", reason="Salah tujuan")


async def _shelf(office: Office) -> str:
    """Give a place of which nothing was ever reserved, with masks in it."""
    place: str = (await office.done(await add_place(office)))["code"]
    await office.done(await receive_stock(office, place))
    return place


async def reserve_stock(office: Office) -> Order:
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    return _post(
        "aid_distribution", "/aid/reservations",
        place=await _shelf(office), purpose="Pelatihan", expires_at=until, lines=_goods(1),
    )  # fmt: skip


async def release_reservation(office: Office) -> Order:
    made = await office.done(await reserve_stock(office))
    return _post("aid_distribution", f"/aid/reservations/{made['id']}/release", reason="Batal")


async def define_kit(office: Office) -> Order:
    kit = await office.done(await add_item(office))
    return _post("aid_distribution", "/aid/kits", kit=kit["code"], components=_goods(2))


async def assemble_kits(office: Office) -> Order:
    kit = await office.done(await define_kit(office))
    path = f"/aid/kits/{kit['kit']}/assemblies"
    return _post("aid_distribution", path, place=PROVINCE, quantity=2, occurred_at=_moment())


async def unpack_kits(office: Office) -> Order:
    made = await assemble_kits(office)
    await office.done(made)
    path = made.path.replace("/assemblies", "/unpackings")
    return _post("aid_distribution", path, place=PROVINCE, quantity=1, occurred_at=_moment())


def _training(**more: Any) -> Order:
    usual = {"seats": 20, "sessions": [_day(9)], "sector": "garment"}
    return _post(
        "registration", "/registration/trainings",
        programme=f"TR-{next(_numbers)}", title="Bimtek konveksi", region=REGION, venue="Aula Camat",
        **(usual | more),
    )  # fmt: skip


def _day(ahead: int) -> str:
    return wib_day(datetime.now(UTC) + timedelta(days=ahead)).isoformat()


async def announce_training(office: Office) -> Order:
    return _training(kits={"place": await _shelf(office), "lines": _goods(1)})


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
    return _post("registration", f"/registration/trainings/{training['id']}/{step}", **body)


def _of_enrolment(enrolment: Json, step: str, **body: object) -> Order:
    return _post("registration", f"/registration/enrolments/{enrolment['id']}/{step}", **body)


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


async def _offered(office: Office, business: str = TAILOR, **more: Any) -> tuple[Json, Json]:
    training, enrolment = await _applied(office, business, **more)
    await office.done(_of_training(training, "offers"))
    return training, enrolment


async def _participant(office: Office, **more: Any) -> tuple[Json, Json]:
    training, enrolment = await _offered(office, **more)
    await office.done(_of_enrolment(enrolment, "answer", answer="accept", how="phone"))
    return training, enrolment


async def _held(office: Office) -> tuple[Json, Json]:
    """Give a training whose only session is today, and who takes part in it."""
    training, enrolment = await _participant(office)
    await office.done(_of_training(training, "sessions/1/move", held_on=_day(0), reason="Dimajukan"))
    return training, enrolment


async def _attended(office: Office) -> tuple[Json, Json]:
    training, enrolment = await _held(office)
    await office.done(_marking(training, enrolment))
    return training, enrolment


def _marking(training: Json, enrolment: Json) -> Order:
    return _of_training(training, "sessions/1/attendance", enrolment_id=enrolment["id"], reason="HP tertinggal")


async def let_walk_in(office: Office) -> Order:
    return _of_training(
        await office.done(_training(sessions=[_day(0)])), "walk-ins", business_id=TAILOR, reason="Datang sendiri"
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
    _, enrolment = await _offered(office)
    return _of_enrolment(enrolment, "answer", answer="accept", how="phone")


async def withdraw_enrolment(office: Office) -> Order:
    _, enrolment = await _participant(office)
    return _of_enrolment(enrolment, "withdrawal", how="phone", reason="Pesanan besar")


async def move_session(office: Office) -> Order:
    training, _ = await _participant(office)
    return _of_training(training, "sessions/1/move", held_on=_day(12), reason="Aula dipakai")


async def move_training_with_kits(office: Office) -> Order:
    """Move the only session of a training that has a participant and kits: both are told, and keep for longer."""
    training, _ = await _participant(office, kits={"place": await _shelf(office), "lines": _goods(1)})
    await office.rests()
    return _of_training(training, "sessions/1/move", held_on=_day(12), reason="Aula dipakai")


async def move_training_past_the_expiry_of_its_kits(office: Office) -> Order:
    """Move a training to after the day until which its promised goods keep: their keepers are told."""
    place = (await office.done(await add_place(office)))["code"]
    item = await _watched(office, 10, place, lot="L1", expires_on=_day(11))
    kits = {"place": place, "lines": [{"item": item, "quantity": 1}]}
    training, _ = await _participant(office, kits=kits)
    await office.rests()
    return _of_training(training, "sessions/1/move", held_on=_day(12), reason="Aula dipakai")


async def cancel_session(office: Office) -> Order:
    training, _ = await _participant(office, sessions=[_day(9), _day(10)])
    return _of_training(training, "sessions/1/cancellation", reason="Pemateri sakit")


async def record_scans(office: Office) -> Order:
    training, enrolment = await _held(office)
    code = (await office.asked("registration", f"/registration/enrolments/{enrolment['id']}/code"))["code"]
    scan = {"id": str(uuid4()), "code": code, "session": 1, "scanned_at": _moment()}
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
    return _post("registration", path, reason="Tanda tangan palsu")


def _survey() -> Order:
    today = datetime.now(UTC)
    return _post(
        "registration", "/registration/surveys",
        title=f"Survei {next(_numbers)}", region=REGION, opens_on=f"{today - timedelta(days=3):%Y-%m-%d}",
        closes_on=f"{today + timedelta(days=30):%Y-%m-%d}", before_month="2020-02", now_month="2020-04",
    )  # fmt: skip


async def plan_survey(_office: Office) -> Order:
    return _survey()


async def close_survey(office: Office) -> Order:
    survey = await office.done(_survey())
    return _post("registration", f"/registration/surveys/{survey['id']}/closing", reason="Lengkap")


async def invite_to_survey(office: Office) -> Order:
    """Invite one business, which is the only one of its sector."""
    sector = f"survey-{next(_numbers)}"
    registering = await register_another(office)
    await office.done(replace(registering, body={**registering.body, "sector": sector}))
    survey = await office.done(_survey())
    return _post("registration", f"/registration/surveys/{survey['id']}/invitations", sector=sector)


ANSWER = {"status": "running", "turnover_before_rupiah": 9_000_000, "turnover_now_rupiah": 3_000_000}


async def record_survey_answer(office: Office) -> Order:
    survey = await office.done(_survey())
    return _post("registration", f"/registration/surveys/{survey['id']}/answers", business_id=TAILOR, **ANSWER)


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
    return _post("registration", f"/registration/survey-links/{link['code']}", **ANSWER)


async def release_kits(office: Office) -> Order:
    """Release by hand what was reserved for a training."""
    training = await office.done(await announce_training(office))
    await office.rests()
    shown = await office.asked("registration", f"/registration/trainings/{training['id']}")
    path = f"/aid/reservations/{shown['kits']['reservation_id']}/release"
    return _post("aid_distribution", path, reason="Batal")


async def reverse_posting(office: Office) -> Order:
    posting = await office.done(await receive_stock(office))
    return _post("aid_distribution", f"/aid/postings/{posting['id']}/reversal", reason="Salah ketik")


async def take_snapshot(_office: Office) -> Order:
    return _post("aid_distribution", "/aid/snapshots", place=WAREHOUSE, items=[MASKS])


async def count_stock(office: Office) -> Order:
    """Count one more of an item that lies nowhere else, so that nothing else is touched."""
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 7}]
    return _post("aid_distribution", "/aid/counts", place=WAREHOUSE, occurred_at=_moment(), lines=lines)


async def hold_lot(office: Office) -> Order:
    lot = f"L-{next(_numbers)}"
    lines = [{"item": MASKS, "quantity": 1, "lot": lot}]
    received = await receive_stock(office)
    await office.done(replace(received, body={**received.body, "lines": lines}))
    return _post("aid_distribution", "/aid/lots/hold", item=MASKS, lot=lot, reason="Bau bensin")


async def release_lot(office: Office) -> Order:
    held = await hold_lot(office)
    await office.done(held)
    return _post("aid_distribution", "/aid/lots/release", item=MASKS, lot=held.body["lot"])


async def receive_late(office: Office) -> Order:
    """Receive goods of an item of which something came in later already."""
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 5}]
    received = await receive_stock(office)
    await office.done(replace(received, body={**received.body, "lines": lines}))
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    return replace(received, body={**received.body, "lines": lines, "occurred_at": before}, key=str(uuid4()))


async def post_distribution(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/distributions",
        programme="free-masks", place=WAREHOUSE, occurred_at=_moment(), lines=_goods(1),
        recipients={"public": 1, "businesses": [TAILOR]},
    )  # fmt: skip


async def void_distribution(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    return _post("aid_distribution", f"/aid/distributions/{posted['id']}/void", reason="Salah tempat")


async def plan_allocation(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/allocation-plans",
        item=MASKS, from_place=PROVINCE, quantity=3,
        needs=[{"region": REGION, "place": WAREHOUSE, "need_quantity": 5}],
    )  # fmt: skip


async def override_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    path = f"/aid/allocation-plans/{plan['id']}/lines/{REGION}"
    return Order("aid_distribution", "PATCH", path, {"quantity": 2, "reason": "Ombak"}, {"If-Match": '"1"'})


async def confirm_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    return _post("aid_distribution", f"/aid/allocation-plans/{plan['id']}/confirmation", document="SK-7")


async def discard_allocation(office: Office) -> Order:
    plan = await office.done(await plan_allocation(office))
    return _post("aid_distribution", f"/aid/allocation-plans/{plan['id']}/discard", reason="Batal")


async def place_station(office: Office) -> Order:
    code = await _stationed(office)
    return _post(
        "aid_distribution", "/aid/stations",
        code=code, name="Pintu timur", site=SITE, crowd_level="high", from_place=WAREHOUSE, occurred_at=_moment(),
        capacity_water_millilitre=100_000, capacity_soap_millilitre=1_000,
    )  # fmt: skip


async def _stationed(office: Office) -> str:
    """See that there is a station in stock; gives a code that no station bears yet."""
    goods = [{"item": item, "quantity": 1} for item in (STATION, SOAP)]
    received = _post(
        "aid_distribution", "/aid/receipts",
        place=WAREHOUSE, source="supplier", occurred_at=_moment(), lines=goods,
    )  # fmt: skip
    await office.done(received)
    return f"CT-{next(_numbers)}"


async def visit_station(office: Office, state: str = "broken") -> Order:
    """Visit a station that was just put up, and find it out of use."""
    station = await office.done(await place_station(office))
    water = 0 if state == "dry" else 100
    refill = {"from_place": WAREHOUSE, "lines": [{"item": SOAP, "quantity": 1}]} if state == "broken" else {}
    return _post(
        "aid_distribution", f"/aid/stations/{station['id']}/visits",
        occurred_at=_moment(), state=state, water_before_millilitre=water, soap_before_millilitre=10, refill=refill,
    )  # fmt: skip


async def find_station_dry(office: Office) -> Order:
    return await visit_station(office, "dry")


async def remove_station(office: Office) -> Order:
    station = await office.done(await place_station(office))
    return _post(
        "aid_distribution", f"/aid/stations/{station['id']}/removal",
        occurred_at=_moment(), outcome="returned", to_place=WAREHOUSE,
    )  # fmt: skip


async def report_station(office: Office) -> Order:
    """Report a station as a member of staff, who is believed at once."""
    station = await office.done(await place_station(office))
    code = await office.asked("aid_distribution", f"/aid/stations/{station['id']}/code")
    return _post("aid_distribution", f"/aid/station-reports/{code['code']}", problem="dry")


async def add_evidence(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    path = f"/aid/distributions/{posted['id']}/evidence"
    return _post("aid_distribution", path, photo_reference=f"foto-{next(_numbers)}", signature_name="Sulastri")


async def post_distribution_batch(_office: Office) -> Order:
    entry = {
        "id": str(uuid4()), "programme": "free-masks", "place": WAREHOUSE, "occurred_at": _moment(),
        "lines": _goods(1), "recipients": {"public": 1, "businesses": [TAILOR]},
    }  # fmt: skip
    return _post(
        "aid_distribution", "/aid/distributions/batch", device="HP-1", sent_at=_moment(), entries=[entry, entry]
    )


async def park_distribution(office: Office) -> Order:
    """Park the hand-out of an item of which there is nothing."""
    return await _parked(office, "distributions", programme="free-masks", recipients={"public": 1})


async def park_stock_issue(office: Office) -> Order:
    return await _parked(office, "issues", reason="damaged")


async def open_coupon_round(_office: Office) -> Order:
    return _post("aid_distribution", "/aid/coupon-rounds", programme="free-masks", place=WAREHOUSE, coupons_max=5)


async def issue_household_coupons(office: Office) -> Order:
    opened = await office.done(await open_coupon_round(office))
    household = f"keluarga-{next(_numbers):012d}"
    return _post("aid_distribution", f"/aid/coupon-rounds/{opened['id']}/coupons", households=[household])


async def close_coupon_round(office: Office) -> Order:
    """Close a round of which a coupon was given and not used."""
    issuing = await issue_household_coupons(office)
    await office.done(issuing)
    return _post("aid_distribution", issuing.path.replace("/coupons", "/closing"))


async def park_transfer(office: Office) -> Order:
    """Park a transfer of an item of which there is nothing."""
    item = await office.done(await add_item(office))
    return _post(
        "aid_distribution", "/aid/exceptions/transfers",
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=_moment(), lines=[{"item": item["code"], "quantity": 3}],
    )  # fmt: skip


async def park_visit(office: Office) -> Order:
    """Park a visit that took an item of which there is nothing."""
    station = await office.done(await place_station(office))
    item = await office.done(await add_item(office))
    refill = {"from_place": WAREHOUSE, "lines": [{"item": item["code"], "quantity": 3}]}
    return _post(
        "aid_distribution", "/aid/exceptions/visits", station=station["id"],
        occurred_at=_moment(), state="broken", water_before_millilitre=10, soap_before_millilitre=10, refill=refill,
    )  # fmt: skip


async def park_delivery(office: Office) -> Order:
    """Park a delivery of more than was ordered."""
    order = await office.done(await accept_production_order(office))
    more = order["quantity"] + 1
    return _post(
        "aid_distribution", "/aid/exceptions/deliveries", order=order["id"],
        occurred_at=_moment(), quantity=more, inspection={"layers": 2, "accepted": more, "rejected": 0},
    )  # fmt: skip


async def _parked(office: Office, what: str, **more: object) -> Order:
    item = await office.done(await add_item(office))
    lines = [{"item": item["code"], "quantity": 3}]
    return _post(
        "aid_distribution", f"/aid/exceptions/{what}", place=WAREHOUSE, occurred_at=_moment(), lines=lines, **more
    )


async def change_exception(office: Office) -> Order:
    """Give what was parked to somebody else, who is told of it."""
    return await _changed(office, owner=f"officer-{REGION}")


async def be_late(office: Office) -> Order:
    """Say of what was parked that it is to be settled at once, so that its time is over when somebody looks."""
    return await _changed(office, due_at=_moment())


async def _changed(office: Office, **change: str) -> Order:
    parked = await office.done(await park_stock_issue(office))
    body = change | {"reason": "Pemilik berkas pindah tugas"}
    return Order("aid_distribution", "PATCH", f"/aid/exceptions/{parked['id']}", body, {"If-Match": '"1"'})


async def apply_exception(office: Office) -> Order:
    parking = await park_distribution(office)
    parked = await office.done(parking)
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await office.done(
        _post(
            "aid_distribution", "/aid/receipts",
            place=WAREHOUSE, source="supplier", occurred_at=before, lines=parking.body["lines"],
        )
    )  # fmt: skip
    return _post("aid_distribution", f"/aid/exceptions/{parked['id']}/application", document="BA-7")


async def drop_exception(office: Office) -> Order:
    parked = await office.done(await park_stock_issue(office))
    return _post("aid_distribution", f"/aid/exceptions/{parked['id']}/drop", reason="Dicatat dua kali")


async def return_stock(office: Office) -> Order:
    posted = await office.done(await post_distribution(office))
    return _post(
        "aid_distribution", "/aid/returns",
        direction="from_public", place=WAREHOUSE, occurred_at=_moment(), reason="Kekecilan", lines=_goods(1),
        posting=posted["posting_id"],
    )  # fmt: skip


async def void_return(office: Office) -> Order:
    made = await office.done(await return_stock(office))
    return _post("aid_distribution", f"/aid/returns/{made['id']}/void", reason="Salah catat")


async def lend_assets(office: Office) -> Order:
    await _stationed(office)
    return _post(
        "aid_distribution", "/aid/loans",
        place=WAREHOUSE, borrower={"name": "Posko RT 04"}, due_on=END, occurred_at=_moment(),
        lines=[{"item": STATION}],
    )  # fmt: skip


async def return_loan(office: Office) -> Order:
    loan = await office.done(await lend_assets(office))
    lines = [{"item": STATION, "returned": 1}]
    return _post("aid_distribution", f"/aid/loans/{loan['id']}/returns", occurred_at=_moment(), lines=lines)


async def void_loan(office: Office) -> Order:
    loan = await office.done(await lend_assets(office))
    return _post("aid_distribution", f"/aid/loans/{loan['id']}/void", reason="Salah catat")


async def void_loan_return(office: Office) -> Order:
    loan = await office.done(await return_loan(office))
    path = f"/aid/loans/{loan['id']}/returns/{loan['returns'][0]['id']}/void"
    return _post("aid_distribution", path, reason="Salah catat")


async def set_limit(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/limits",
        region=REGION, programme="handwashing", item=MASKS, quantity_max=1_000, valid_to=END,
    )  # fmt: skip


async def end_limit(office: Office) -> Order:
    limit = await office.done(await set_limit(office))
    return Order("aid_distribution", "PATCH", f"/aid/limits/{limit['id']}", {"valid_to": END}, {"If-Match": '"1"'})


async def observe_price(_office: Office) -> Order:
    return _price("OIL-1L", 11_000)


async def price_above_its_ceiling(office: Office) -> Order:
    number = next(_numbers)
    item = await office.done(
        _post("aid_distribution", "/aid/items", code=f"S-{number}", name="Gula", unit="kg", category="staple")
    )
    await office.done(
        _post(
            "aid_distribution", "/aid/ceilings",
            item=item["code"], region="19", price_rupiah=12_500, valid_from="2020-01-01", source="Permendag",
        )
    )  # fmt: skip
    return _price(item["code"], 13_000)


def _price(item: str, price_rupiah: int) -> Order:
    return _post(
        "aid_distribution", "/aid/prices",
        place=WAREHOUSE, item=item, observed_at=_moment(), price_rupiah=price_rupiah,
    )  # fmt: skip


async def set_ceiling(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/ceilings",
        item="RICE-5KG", region="19", price_rupiah=49_750, valid_from="2020-01-01", source="Permendag 57/2017",
    )  # fmt: skip


async def set_level(office: Office) -> Order:
    """Set the level of a shelf that is well, so that nothing comes of it."""
    item = await _watched(office, 10)
    return _post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=1, ok_at=2)


async def change_level(office: Office) -> Order:
    level = await office.done(await set_level(office))
    return Order("aid_distribution", "PATCH", f"/aid/levels/{level['id']}", {"low_at": 0}, {"If-Match": '"1"'})


async def _watched(office: Office, quantity: int, place: str = PROVINCE, **lot: str) -> str:
    """Make an item known of which there is stock, and give its code."""
    item: str = (await office.done(await add_item(office)))["code"]
    lines = [{"item": item, "quantity": quantity, **lot}]
    await office.done(
        _post(
            "aid_distribution", "/aid/receipts",
            place=place, source="supplier", occurred_at=_moment(), lines=lines,
        )
    )  # fmt: skip
    return item


async def _made_to_order(office: Office) -> Json:
    """Give a line of goods that lie in stock under the lot of an order."""
    lot = f"{PRODUCTION_LOT}{next(_numbers):012X}"
    return {"item": await _watched(office, 10, WAREHOUSE, lot=lot), "quantity": 1, "lot": lot}


async def fall_to(office: Office, left: int) -> Order:
    """Give out so much of a new item that this is left, of a level of 5."""
    item = await _watched(office, 10)
    await office.done(_post("aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=5, ok_at=6))
    return _post(
        "aid_distribution", "/aid/issues",
        place=PROVINCE, reason="damaged", occurred_at=_moment(), lines=[{"item": item, "quantity": 10 - left}],
    )  # fmt: skip


async def run_low(office: Office) -> Order:
    return await fall_to(office, 5)


async def run_out(office: Office) -> Order:
    return await fall_to(office, 0)


async def come_close_to_expiry(office: Office) -> Order:
    soon = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    item = await _watched(office, 10, lot="L1", expires_on=soon)
    return _post(
        "aid_distribution", "/aid/levels", place=PROVINCE, item=item, low_at=1, ok_at=2, expires_within_days=30
    )


def _production(order: Json, step: str, **body: object) -> Order:
    return _post("aid_distribution", f"/aid/production-orders/{order['id']}/{step}", **body)


async def set_producer_profile(_office: Office) -> Order:
    return _post(
        "aid_distribution", f"/aid/producers/{TAILOR}/profile",
        capacity_per_week=400, decline_permille=500, as_of=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
        source="Kunjungan",
    )  # fmt: skip


async def call_for_production(_office: Office) -> Order:
    return _post(
        "aid_distribution", "/aid/production-calls",
        item=MASKS, quantity=100, price_rupiah=5_000, due_on=f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}",
        regions=[REGION], place=WAREHOUSE, sector="garment", cap_per_business=50,
    )  # fmt: skip


async def offer_production_order(office: Office) -> Order:
    call = await office.done(await call_for_production(office))
    return _post(
        "aid_distribution", "/aid/production-orders", call=call["id"], business=TAILOR, quantity=7, reason="Kunjungan"
    )


async def accept_production_order(office: Office) -> Order:
    return _production(await office.done(await offer_production_order(office)), "acceptance")


async def decline_production_order(office: Office) -> Order:
    return _production(await office.done(await offer_production_order(office)), "decline", reason="Mesin rusak")


async def record_production_delivery(office: Office) -> Order:
    order = await office.done(await accept_production_order(office))
    found = {"layers": 2, "accepted": 4, "rejected": 1, "reasons": [{"reason": "seams", "quantity": 1}]}
    return _production(order, "deliveries", occurred_at=_moment(), quantity=5, inspection=found)


async def record_production_payment(office: Office) -> Order:
    order = await office.done(await record_production_delivery(office))
    return _production(order, "payments", amount_rupiah=15_000, paid_at=_moment(), reference=f"SP2D-{next(_numbers)}")


async def take_back_production_order(office: Office) -> Order:
    return _production(await office.done(await accept_production_order(office)), "taking-back", reason="Terlambat")


async def announce_market(_office: Office) -> Order:
    rice = {
        "item": "RICE-5KG",
        "price_rupiah": 45_000,
        "market_price_rupiah": 52_000,
        "allotment": 100,
        "limit_per_family": 1,
    }
    return _post(
        "aid_distribution", "/aid/markets",
        place=WAREHOUSE, model="subsidised_package", opens_at="2030-01-01T08:00:00+07:00",
        closes_at="2030-01-01T12:00:00+07:00", items=[rice],
    )  # fmt: skip


async def open_market(office: Office) -> Order:
    market = await office.done(await announce_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/opening")


async def close_market(office: Office) -> Order:
    market = await office.done(await open_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/closing")


async def cancel_market(office: Office) -> Order:
    market = await office.done(await announce_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/cancellation", reason="Banjir")


async def issue_coupons(office: Office) -> Order:
    market = await office.done(await open_market(office))
    family = f"keluarga-{next(_numbers):016d}"
    return _post("aid_distribution", f"/aid/markets/{market['id']}/coupons", coupons=[{"family": family}])


async def record_sales(office: Office) -> Order:
    giving = await issue_coupons(office)
    given = await office.done(giving)
    sold = {
        "id": str(uuid4()),
        "sold_at": _moment(),
        "coupon": given["coupons"][0]["token"],
        "lines": [{"item": "RICE-5KG", "quantity": 1}],
    }
    path = giving.path.replace("/coupons", "/sales")
    return _post("aid_distribution", path, counter="Loket 1", entries=[sold])


async def sell_what_was_ordered(office: Office) -> Order:
    line = await _made_to_order(office)
    announcing = await announce_market(office)
    announcing.body["items"][0]["item"] = line["item"]
    announcing.body["items"][0]["allotment"] = 5
    path = f"/aid/markets/{(await office.done(announcing))['id']}"
    await office.done(_post("aid_distribution", f"{path}/opening"))
    family = {"family": f"keluarga-{next(_numbers):016d}"}
    given = await office.done(_post("aid_distribution", f"{path}/coupons", coupons=[family]))
    sold = {
        "id": str(uuid4()),
        "sold_at": _moment(),
        "coupon": given["coupons"][0]["token"],
        "lines": [{"item": line["item"], "quantity": 1}],
    }
    return _post("aid_distribution", f"{path}/sales", counter="Loket 1", entries=[sold])


async def return_what_was_ordered(office: Office) -> Order:
    line = await _made_to_order(office)
    posting = await post_distribution(office)
    posting.body["lines"] = [line]
    posted = await office.done(posting)
    return _post(
        "aid_distribution", "/aid/returns",
        direction="from_public", place=WAREHOUSE, occurred_at=_moment(), reason="Kekecilan", lines=[line],
        posting=posted["posting_id"],
    )  # fmt: skip


async def void_what_was_returned(office: Office) -> Order:
    made = await office.done(await return_what_was_ordered(office))
    return _post("aid_distribution", f"/aid/returns/{made['id']}/void", reason="Salah catat")


async def settle_market(office: Office) -> Order:
    market = await office.done(await close_market(office))
    return _post("aid_distribution", f"/aid/markets/{market['id']}/settlement")


async def submit_claim(office: Office) -> Order:
    announcing = await announce_market(office)
    announcing.body["seller"] = TAILOR
    path = f"/aid/markets/{(await office.done(announcing))['id']}"
    for step in ("opening", "closing"):
        await office.done(_post("aid_distribution", f"{path}/{step}"))
    return _post("aid_distribution", f"{path}/claims")


async def decide_claim(office: Office) -> Order:
    submitting = await submit_claim(office)
    claim = await office.done(submitting)
    lines = [{"item": "RICE-5KG", "approved": True}]
    return _post("aid_distribution", f"{submitting.path}/{claim['id']}/decision", lines=lines)


async def pay_claim(office: Office) -> Order:
    deciding = await decide_claim(office)
    await office.done(deciding)
    path = deciding.path.replace("/decision", "/payment")
    return _post("aid_distribution", path, paid_at=_moment(), reference="SP2D-1")


async def register_staff(_office: Office) -> Order:
    # An auditor, to whom no rule tells anything: what the others were told before stays complete.
    subject = f"auditor-{next(_numbers)}"
    return _post(
        "notifications", "/notifications/staff", subject=subject, name="Bambang", role="auditor", regions=["19"]
    )


async def take_hook(_office: Office) -> Order:
    return _hook({"event_id": str(uuid4()), "id": "id-1", "kind": "delivered", "at": _moment()})


def _hook(event: Json) -> Order:
    content = json.dumps({"events": [event]}).encode()
    signature = hmac.digest(SMS_HOOK_SECRET.encode(), content, "sha256").hex()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    return Order("notifications", "POST", "/notifications/hooks/sms", headers=headers, content=content)


async def find_number_bad(office: Office) -> Order:
    """Let the text gateway tell that nobody has the number to which an owner's welcome was sent."""
    number = next(_numbers)
    owner = {"name": f"Pemilik {number}", "email": f"pemilik-{number}@contoh.example", "phone": f"08340030{number:04}"}
    business = {"name": f"Usaha {number}", "sector": "garment", "region": REGION, "owner": owner}
    made = await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    provider_id = await office.sent_by_text(made["owner_id"])
    event = {"event_id": str(uuid4()), "id": provider_id, "kind": "failed", "code": "unknown_subscriber"}
    return _hook(event | {"at": _moment()})


async def close_contact_task(office: Office) -> Order:
    await office.done(await find_number_bad(office))
    await office.rests()
    found = await office.asked("registration", "/registration/contact-tasks?state=open&limit=1")
    return _post(
        "registration", f"/registration/contact-tasks/{found['items'][0]['id']}/closure", reason="Tidak punya telepon"
    )


async def resolve_delivery(office: Office) -> Order:
    number = next(_numbers)
    owner = {
        "name": f"Pemilik {number}",
        "email": f"hilang-{number}@contoh.example",
    }
    await office.done(
        _post(
            "registration", "/registration/businesses",
            name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
        )
    )  # fmt: skip
    await office.rests()
    found = await office.asked("notifications", "/notifications/deliveries?state=unknown")
    path = f"/notifications/deliveries/{found['items'][0]['id']}/resolution"
    return _post("notifications", path, outcome="not_delivered", reason="Ia belum menerimanya")


async def read_message(office: Office) -> Order:
    await office.done(await receive_stock(office, PROVINCE))
    await office.rests()
    newest = (await office.asked("notifications", "/notifications/inbox?limit=1"))["items"][0]
    assert newest["read_at"] is None
    return _post("notifications", f"/notifications/inbox/{newest['id']}/read")


async def change_preferences(office: Office) -> Order:
    """Choose as an owner to whom nothing else is told meanwhile."""
    business = await office.done(await register_business(office))
    await office.rests()
    path = "/notifications/preferences"
    order = Order("notifications", "PATCH", path, {"digest": True}, {"If-Match": '"1"'})
    return replace(order, owner=business["owner_id"])


async def say_stop(office: Office) -> Order:
    business = await office.done(await register_business(office))
    await office.rests()
    return _post("notifications", f"/notifications/owners/{business['owner_id']}/stop", stopped=True)


async def read_messages(office: Office) -> Order:
    await office.done(await receive_stock(office, PROVINCE))
    await office.rests()
    return _post("notifications", "/notifications/inbox/read", until=_moment())


async def preview_template(_office: Office) -> Order:
    return _post("notifications", "/notifications/templates/aid/preview")


async def subscribe(office: Office) -> Order:
    """Subscribe to all that the role tells of anyway, as a member of staff who is known."""
    path = "/notifications/subscriptions"
    found = await office.asked("notifications", path)
    return Order("notifications", "PATCH", path, {"kinds": found["kinds"]}, {"If-Match": f'"{found["version"]}"'})


async def enter_reply(office: Office) -> Order:
    """Let an owner say YES to the only seat that they are offered, by telephone to the office."""
    business = await office.done(await register_business(office))
    await _offered(office, business["id"])
    await office.rests()
    return _post(
        "notifications", "/notifications/replies",
        owner_id=business["owner_id"], channel="phone", text="ya", told_at=_moment(),
    )  # fmt: skip


async def ask_for_code(_office: Office) -> Order:
    """Let somebody ask for a code whose telephone nobody has, and who therefore gets none."""
    return _post("notifications", "/notifications/sign-in/codes", phone=f"08340020{next(_numbers):04}")


async def ask_for_known_code(office: Office) -> Order:
    """Let an owner ask for a code whom their mail reaches too."""
    number = next(_numbers)
    owner = {"name": f"Pemilik {number}", "phone": f"08340040{number:04}", "email": f"kode-{number}@contoh.example"}
    business = {"name": f"Usaha {number}", "sector": "garment", "region": REGION, "owner": owner}
    await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    return _post("notifications", "/notifications/sign-in/codes", phone=owner["phone"])


async def show_code(office: Office) -> Order:
    """Let an owner show the code that was sent to their telephone."""
    number = next(_numbers)
    phone = f"08340010{number:04}"
    owner = {"name": f"Pemilik {number}", "phone": phone}
    business = {"name": f"Usaha {number}", "sector": "garment", "region": REGION, "owner": owner}
    await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    await office.done(_post("notifications", "/notifications/sign-in/codes", phone=phone))
    code = await office.newest_code()
    return _post("notifications", "/notifications/sign-in/tokens", phone=phone, code=code)


async def begin_session(office: Office) -> Order:
    """Let an owner show their code on a page, for a session there."""
    shown = await show_code(office)
    return replace(shown, path="/notifications/sign-in/sessions", headers=FROM_A_PAGE)


async def begin_office_session(_office: Office) -> Order:
    """Let the office sign in on a page by the token that every order of it carries."""
    return Order("notifications", "POST", "/notifications/sign-in/sessions/office", headers=FROM_A_PAGE)


async def end_session(_office: Office) -> Order:
    """Let somebody be signed out on a page."""
    return Order("notifications", "POST", "/notifications/sign-in/sessions/end", headers=FROM_A_PAGE)


async def end_registration_session(_office: Office) -> Order:
    return Order("registration", "POST", "/registration/sessions/end", headers=FROM_A_PAGE)


async def end_aid_session(_office: Office) -> Order:
    return Order("aid_distribution", "POST", "/aid/sessions/end", headers=FROM_A_PAGE)


async def draft_broadcast(office: Office) -> Order:
    """Draft a broadcast to the one owner who has a business of some sector, told not before the day after next."""
    for state in ("running", "paused"):  # only so many may be on their way, and these would be for two days
        for one in (await office.asked("notifications", f"{BROADCASTS}?state={state}"))["items"]:
            await office.done(_post("notifications", f"{BROADCASTS}/{one['id']}/cancellation", reason="Selesai"))
    number = next(_numbers)
    sector = f"kabar-{number}"
    owner = {"name": f"Pemilik {number}", "email": f"kabar-{number}@contoh.example"}
    business = {"name": f"Usaha {number}", "sector": sector, "region": REGION, "owner": owner}
    await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    return _post(
        "notifications", BROADCASTS,
        urgency="invitation", title_id="Kabar", body_id="{owner}: {business}", title_en="News", body_en="{owner}",
        audience={"regions": [REGION], "sectors": [sector]}, expires_at=f"{_in_days(3)}T00:00:00Z",
        starts_at=f"{_in_days(2)}T00:00:00Z",
    )  # fmt: skip


async def _of_broadcast(office: Office, *steps: str, **body: object) -> Order:
    """Let a broadcast go through some steps, and give the order of the last."""
    path = f"{BROADCASTS}/{(await office.done(await draft_broadcast(office)))['id']}"
    for step in steps[:-1]:
        await office.done(_post("notifications", f"{path}/{step}"))
    return _post("notifications", f"{path}/{steps[-1]}", **body)


async def submit_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission")


async def broadcast_at_once(office: Office) -> Order:
    """Submit a broadcast of which its one reader is told at once."""
    drafting = await draft_broadcast(office)
    del drafting.body["starts_at"]
    drafted = await office.done(drafting)
    return _post("notifications", f"{BROADCASTS}/{drafted['id']}/submission")


async def approve_broadcast(office: Office) -> Order:
    path = await _of_a_colleague(office)
    return _post("notifications", f"{path}/approval")


async def reject_broadcast(office: Office) -> Order:
    path = await _of_a_colleague(office)
    return _post("notifications", f"{path}/rejection", reason="Salah tanggal")


async def _of_a_colleague(office: Office) -> str:
    """Let a broadcast wait that somebody else has submitted, as one to many; the audience is one all the same."""
    drafted = await office.done(await draft_broadcast(office))
    await office.is_of_a_colleague(drafted["id"])
    return f"{BROADCASTS}/{drafted['id']}"


async def pause_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission", "pause")


async def resume_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission", "pause", "resumption")


async def cancel_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission", "cancellation", reason="Salah tanggal")


async def decline_seat(office: Office) -> Order:
    _, enrolment = await _offered(office)
    return _of_enrolment(enrolment, "answer", answer="decline", how="phone")


ORDERS: Mapping[str, Recipe] = {
    "register_business": register_business,
    "change_business": change_business,
    "close_business": close_business,
    "search_businesses": search_businesses,
    "scan_duplicates": scan_duplicates,
    "decide_duplicate": decide_duplicate,
    "merge_businesses": merge_businesses,
    "undo_merge": undo_merge,
    "record_consent": record_consent,
    "give_consent": give_consent,
    "reveal": reveal,
    "change_kk": change_kk,
    "restrict_person": restrict_person,
    "release_person": release_person,
    "erase_person": erase_person,
    "announce_training": announce_training,
    "upload_businesses": upload_businesses,
    "start_import": start_import,
    "cancel_import": cancel_import,
    "cancel_training": cancel_training,
    "plan_survey": plan_survey,
    "close_survey": close_survey,
    "invite_to_survey": invite_to_survey,
    "record_survey_answer": record_survey_answer,
    "import_survey_answers": import_survey_answers,
    "answer_by_link": answer_by_link,
    "change_seats": change_seats,
    "move_session": move_session,
    "cancel_session": cancel_session,
    "apply_for_training": apply_for_training,
    "let_walk_in": let_walk_in,
    "offer_seats": offer_seats,
    "override_eligibility": override_eligibility,
    "answer_offer": answer_offer,
    "withdraw_enrolment": withdraw_enrolment,
    "record_scans": record_scans,
    "mark_attendance": mark_attendance,
    "close_refused_registration": close_refused_registration,
    "upload_survey_answers": upload_survey_answers,
    "take_back_attendance": take_back_attendance,
    "finish_training": finish_training,
    "revoke_certificate": revoke_certificate,
    "add_item": add_item,
    "add_pack": add_pack,
    "add_place": add_place,
    "add_region": add_region,
    "change_region": change_region,
    "receive_stock": receive_stock,
    "issue_stock": issue_stock,
    "post_in_bulk": post_in_bulk,
    "dispatch_transfer": dispatch_transfer,
    "receive_transfer": receive_transfer,
    "void_transfer": void_transfer,
    "reserve_stock": reserve_stock,
    "release_reservation": release_reservation,
    "define_kit": define_kit,
    "assemble_kits": assemble_kits,
    "unpack_kits": unpack_kits,
    "reverse_posting": reverse_posting,
    "take_snapshot": take_snapshot,
    "count_stock": count_stock,
    "hold_lot": hold_lot,
    "release_lot": release_lot,
    "post_distribution": post_distribution,
    "void_distribution": void_distribution,
    "plan_allocation": plan_allocation,
    "override_allocation": override_allocation,
    "confirm_allocation": confirm_allocation,
    "discard_allocation": discard_allocation,
    "place_station": place_station,
    "visit_station": visit_station,
    "remove_station": remove_station,
    "report_station": report_station,
    "post_distribution_batch": post_distribution_batch,
    "add_evidence": add_evidence,
    "park_distribution": park_distribution,
    "park_transfer": park_transfer,
    "open_coupon_round": open_coupon_round,
    "issue_household_coupons": issue_household_coupons,
    "close_coupon_round": close_coupon_round,
    "park_visit": park_visit,
    "park_delivery": park_delivery,
    "park_stock_issue": park_stock_issue,
    "apply_exception": apply_exception,
    "drop_exception": drop_exception,
    "change_exception": change_exception,
    "return_stock": return_stock,
    "void_return": void_return,
    "lend_assets": lend_assets,
    "return_loan": return_loan,
    "void_loan": void_loan,
    "void_loan_return": void_loan_return,
    "set_limit": set_limit,
    "end_limit": end_limit,
    "observe_price": observe_price,
    "set_ceiling": set_ceiling,
    "set_level": set_level,
    "change_level": change_level,
    "set_producer_profile": set_producer_profile,
    "call_for_production": call_for_production,
    "offer_production_order": offer_production_order,
    "accept_production_order": accept_production_order,
    "decline_production_order": decline_production_order,
    "record_production_delivery": record_production_delivery,
    "record_production_payment": record_production_payment,
    "take_back_production_order": take_back_production_order,
    "announce_market": announce_market,
    "open_market": open_market,
    "close_market": close_market,
    "cancel_market": cancel_market,
    "issue_coupons": issue_coupons,
    "record_sales": record_sales,
    "submit_claim": submit_claim,
    "decide_claim": decide_claim,
    "pay_claim": pay_claim,
    "settle_market": settle_market,
    "register_staff": register_staff,
    "read_message": read_message,
    "take_hook": take_hook,
    "resolve_delivery": resolve_delivery,
    "close_contact_task": close_contact_task,
    "read_messages": read_messages,
    "preview_template": preview_template,
    "subscribe": subscribe,
    "change_preferences": change_preferences,
    "say_stop": say_stop,
    "enter_reply": enter_reply,
    "ask_for_code": ask_for_code,
    "show_code": show_code,
    "begin_session": begin_session,
    "begin_office_session": begin_office_session,
    "end_session": end_session,
    "end_registration_session": end_registration_session,
    "end_aid_session": end_aid_session,
    "draft_broadcast": draft_broadcast,
    "submit_broadcast": submit_broadcast,
    "approve_broadcast": approve_broadcast,
    "reject_broadcast": reject_broadcast,
    "pause_broadcast": pause_broadcast,
    "resume_broadcast": resume_broadcast,
    "cancel_broadcast": cancel_broadcast,
}
"""By the name of the route."""

CAUSES: Mapping[type[Event], Recipe] = {
    OwnerRegistered: register_business,
    OwnerChanged: change_owner,
    BusinessRegistered: register_another,
    BusinessChanged: change_business,
    BusinessClosed: close_business,
    BusinessMerged: merge_businesses,
    ConsentChanged: withdraw_consent,
    PersonRestricted: restrict_person,
    PersonReleased: release_person,
    PersonErased: erase_person,
    TrainingAnnounced: announce_training,
    SurveyOpened: invite_to_survey,
    SurveyAnswered: record_survey_answer,
    TrainingCancelled: cancel_training_with_a_participant,
    TrainingMoved: move_training_with_kits,
    SeatOffered: offer_seats,
    SeatAccepted: answer_offer,
    SeatDeclined: decline_seat,
    ReplyReceived: enter_reply,
    PhoneUnreachable: find_number_bad,
    SeatExpired: offer_seats_that_nobody_answers,
    SeatWaitlisted: offer_no_seat,
    SeatWithdrawn: withdraw_enrolment,
    CertificateIssued: finish_training,
    CertificateRevoked: revoke_certificate,
    KitsReserved: announce_training,
    KitsRefused: announce_training_for_nothing_there,
    KitsReleased: release_kits,
    StockReceived: receive_stock,
    StockRestated: receive_late,
    TransferDispatched: dispatch_transfer,
    TransferReceived: receive_transfer,
    DistributionPosted: post_distribution,
    DistributionVoided: void_distribution,
    StationReported: report_station,
    StationDry: find_station_dry,
    StationBroken: visit_station,
    MarketAnnounced: announce_market,
    MarketCancelled: cancel_market,
    MarketSold: sell_what_was_ordered,
    StockReturned: return_what_was_ordered,
    ReturnVoided: void_what_was_returned,
    PriceAlert: price_above_its_ceiling,
    AlertRaised: move_training_past_the_expiry_of_its_kits,
    StockLow: run_low,
    StockOut: run_out,
    StockExpiring: come_close_to_expiry,
    ExceptionOpened: park_distribution,
    ExceptionChanged: change_exception,
    ExceptionOverdue: be_late,
    ProductionOffered: offer_production_order,
    ProductionAccepted: accept_production_order,
    ProductionDeclined: decline_production_order,
    ProductionDelivered: record_production_delivery,
    ProductionPaid: record_production_payment,
    ProductionTakenBack: take_back_production_order,
}
"""The order that brings an event about, and that event only once."""
