"""What owners are told of trainings: offers, waiting, changes and certificates, each once and in their language."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from shared.contracts import Event
from shared.contracts.registration import (
    BusinessRegistered,
    CertificateIssued,
    CertificateRevoked,
    OwnerRegistered,
    SeatAccepted,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    TrainingCancelled,
    TrainingMoved,
)
from shared.database import Database
from tests.notifications.story import NOON, happened, messages, rows

SITI, JOHN = UUID(int=71), UUID(int=72)
TAILOR, WORKSHOP = UUID(int=73), UUID(int=74)
TRAINING: dict[str, Any] = {
    "training_id": UUID(int=61),
    "programme": "TR-2020-03",
    "title": "Bimtek konveksi",
    "region": "19.71",
    "starts_on": date(2020, 9, 21),
    "ends_on": date(2020, 9, 24),
}
MOVE: dict[str, Any] = {
    **TRAINING,
    "change": 4,
    "session": 2,
    "was_on": date(2020, 9, 22),
    "venue": "Balai Latihan",
    "reason": "Aula dipakai",
    "sessions": [date(2020, 9, 21)],
    "businesses": [TAILOR, WORKSHOP],
}
ABOUT: dict[str, Any] = {**TRAINING, "enrolment_id": UUID(int=75), "business_id": TAILOR, "venue": "Aula Camat"}
PAPER: dict[str, Any] = {
    "certificate_id": UUID(int=76),
    "number": "2020-19.71-CT-0001",
    "enrolment_id": UUID(int=75),
    "training_id": UUID(int=61),
    "business_id": TAILOR,
    "programme": "TR-2020-03",
    "title": "Bimtek konveksi",
    "region": "19.71",
}


async def owners_are_known(database: Database) -> None:
    for owner, name, language, business in ((SITI, "Siti", "id", TAILOR), (JOHN, "John", "en", WORKSHOP)):
        await happened(
            database, OwnerRegistered(owner_id=owner, name=name, region="19.71", language=language, email=None)
        )
        await happened(
            database,
            BusinessRegistered(
                business_id=business, owner_id=owner, name=f"Usaha {name}", sector="garment", region="19.71"
            ),
        )


TOLD: list[tuple[Event, str, str]] = [
    (
        SeatOffered(**ABOUT, step=3, answer_by=NOON),
        "seat_offered",
        "Usaha Siti ditawari tempat: Bimtek konveksi, mulai 21 Sep 2020 di Aula Camat.",
    ),
    (SeatAccepted(**ABOUT, step=4, how="phone"), "seat_accepted", "Tunjukkan kode peserta di pintu."),
    (SeatExpired(**ABOUT, step=4, answer_by=NOON), "seat_expired", "tidak dijawab tepat waktu"),
    (SeatWaitlisted(**ABOUT, step=3), "seat_waitlisted", "Usaha Siti ada di daftar tunggu Bimtek konveksi"),
    (SeatWithdrawn(**ABOUT, step=5, how="phone", reason="Sakit"), "seat_withdrawn", "Alasan: Sakit."),
    (CertificateIssued(**PAPER, attended=4, held=4), "certificate_issued", "sertifikat No. 2020-19.71-CT-0001"),
    (CertificateRevoked(**PAPER, reason="Palsu"), "certificate_revoked", "dicabut. Alasan: Palsu."),
]


@pytest.mark.parametrize(("event", "purpose", "words"), TOLD, ids=lambda one: one if isinstance(one, str) else None)
async def test_an_owner_is_told_of_their_own_seat_once(
    database: Database, event: Event, purpose: str, words: str
) -> None:
    await owners_are_known(database)
    await happened(database, event)
    await happened(database, event, event)
    told = {key: row for key, row in (await messages(database)).items() if key[1] != "welcome"}
    assert set(told) == {(f"owner/{SITI}", purpose)}
    assert words in str(told[f"owner/{SITI}", purpose]["body"])


@pytest.mark.parametrize(
    ("held_on", "indonesian", "english"),
    [
        (date(2020, 10, 5), "22 Sep 2020 pindah ke 5 Okt 2020", "22 Sep 2020 moves to 5 Oct 2020"),
        (date(2020, 9, 22), "tetap 22 Sep 2020, di Balai Latihan", "still on 22 Sep 2020, at Balai Latihan"),
        (None, "22 Sep 2020 tidak diadakan", "22 Sep 2020 is not held"),
    ],
)
async def test_everybody_concerned_is_told_of_a_session_in_their_language(
    database: Database, held_on: date | None, indonesian: str, english: str
) -> None:
    await owners_are_known(database)
    await happened(database, TrainingMoved(**MOVE, held_on=held_on))
    told = await messages(database)
    assert indonesian in str(told[f"owner/{SITI}", "training_moved"]["body"])
    assert english in str(told[f"owner/{JOHN}", "training_moved"]["body"])


async def test_each_change_of_a_training_is_told_and_its_end_too(database: Database) -> None:
    await owners_are_known(database)
    await happened(database, TrainingMoved(**MOVE, held_on=date(2020, 9, 28)))
    await happened(database, TrainingMoved(**(MOVE | {"change": 5}), held_on=date(2020, 9, 29)))
    await happened(database, TrainingCancelled(**TRAINING, reason="Wabah", businesses=[TAILOR]))
    told = await rows(database, "SELECT person, purpose FROM message WHERE purpose <> 'welcome'")
    assert len([row for row in told if row["purpose"] == "training_moved"]) == 4
    assert [row["person"] for row in told if row["purpose"] == "training_cancelled"] == [f"owner/{SITI}"]


async def test_a_training_that_was_called_off_before_anybody_applied_is_told_to_nobody(database: Database) -> None:
    await owners_are_known(database)
    await happened(database, TrainingCancelled(**TRAINING, reason="Wabah"))
    assert {purpose for _, purpose in await messages(database)} == {"welcome"}
