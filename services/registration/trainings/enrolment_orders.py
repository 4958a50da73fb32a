"""The shapes of orders and answers about who takes part in a training."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.trainings.attendance import Fault, Outcome
from services.registration.trainings.domain import SEATS_MAX
from services.registration.trainings.enrolment_rules import How, State
from services.registration.trainings.entry_codes import CODE_LENGTH
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, Text

SCANS_MAX = 500
Told = Literal["phone", "paper"]
"""How an office was told what an owner wants."""

Moment = Annotated[datetime, Meta(tz=True)]
SessionNo = Annotated[int, Meta(ge=1, le=60, examples=[1])]


class Apply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application of a business; the office may say how it came, and when."""

    business_id: UUID
    how: Told | None = None
    applied_at: Moment | None = None


class WalkIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who stands at the door without an offer."""

    business_id: UUID
    reason: Annotated[Text, Meta(examples=["Two seats stayed empty"])]


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done that needs a reason."""

    reason: Annotated[Text, Meta(examples=["Moved here last month; the papers are on their way"])]


class OfferSeats(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Offer the free seats; without `answer_by` there are 24 hours to answer, quiet hours of its region not counted."""

    answer_by: Annotated[Moment, Meta(examples=["2020-09-21T16:00:00+07:00"])] | None = None


class AnswerOffer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says to the seat that is offered; the office says how it was told."""

    answer: Literal["accept", "decline"]
    how: Told | None = None
    reason: Text | None = None


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody takes part no more, or waits no more."""

    reason: Annotated[Text, Meta(examples=["A large order came in"])]
    how: Told | None = None


class ChangeSeats(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another number of seats."""

    seats: Annotated[int, Meta(ge=1, le=SEATS_MAX, examples=[24])]


class MoveSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another day, another venue, or both."""

    held_on: date | None = None
    venue: Annotated[Text, Meta(examples=["Balai Latihan Kerja, Pangkalpinang"])] | None = None
    reason: Annotated[Text, Meta(examples=["The hall is needed for vaccinations"])]


class EnrolmentQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which enrolments to list."""

    state: State | None = None
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class TrainingListQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a list."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class WhyView(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for which somebody may not take part, in both languages."""

    code: str
    indonesian: str
    english: str


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an enrolment: whereto, when, by whom and how, and why."""

    no: int
    state: State
    at: datetime
    actor: str
    how: How
    reason: str | None


class EnrolmentView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a business has come on its way to a seat.

    Shape:  `need_points` is what its place in the order was fixed by, null before seats were offered; `history` holds
            the last steps where one enrolment is shown, and is empty in lists
    """

    id: UUID
    training_id: UUID
    programme: str
    title: str
    starts_on: date
    business_id: UUID
    business_name: str
    state: State
    reasons: list[WhyView]
    override_reason: str | None
    need_points: int | None
    need_explained: str | None
    applied_at: datetime
    answer_by: datetime | None
    history: list[StepView]
    version: int


class OfferedView(msgspec.Struct, frozen=True, kw_only=True):
    """What an allocation has done; all who are offered a seat have until `answer_by`."""

    training_id: UUID
    seats: int
    seats_taken: int
    offered: list[UUID]
    answer_by: datetime | None
    waitlisted: int
    expired: int


class OpenTrainingView(msgspec.Struct, frozen=True, kw_only=True):
    """A training for which an owner may apply."""

    id: UUID
    programme: str
    title: str
    sector: str
    region: str
    venue: str
    starts_on: date
    ends_on: date
    seats: int


class EntryCodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The code that a participant shows at the door; `qr` is an image in an address of its own."""

    enrolment_id: UUID
    training_id: UUID
    code: str
    qr: str


class EntryKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The key with which a telephone checks codes when it has no network, as a JWK."""

    kty: str
    crv: str
    alg: str
    x: str


class ScanEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code that was scanned: `id` is made by the telephone for this scan, and told again with it."""

    id: UUID
    code: Annotated[str, Meta(min_length=1, max_length=2 * CODE_LENGTH, examples=["AQF0iz9tAHAAgAAAAAAAAKE"])]
    session: SessionNo
    scanned_at: Moment


class RecordScans(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a telephone has scanned, in any order."""

    scans: Annotated[list[ScanEntry], Meta(min_length=1, max_length=SCANS_MAX)]


class ScanView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a scan; `code` says why it was refused."""

    id: UUID
    outcome: Outcome
    code: Fault | None
    enrolment_id: UUID | None


class ScansView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each scan, in the order in which they were told."""

    scans: list[ScanView]


class MarkAttendance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A participant who was there and whose code was not scanned."""

    enrolment_id: UUID
    reason: Annotated[Text, Meta(examples=["The telephone was left at home; known to the instructor"])]


class AttendanceView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was there; `scanned_at` is what the telephone's clock said, null where marked by hand."""

    enrolment_id: UUID
    session: int
    scanned_at: datetime | None
    reason: str | None
    recorded_at: datetime


class TakeBackAttendance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A participant who was not there and stands in the list by mistake."""

    enrolment_id: UUID
    reason: Annotated[Text, Meta(examples=["Her neighbour's code was scanned; she came the week after"])]


class AttendanceTakenBackView(msgspec.Struct, frozen=True, kw_only=True):
    """An attendance that was taken back: as it was, who took it back, when and why."""

    id: UUID
    enrolment_id: UUID
    session: int
    scanned_at: datetime | None
    reason: str | None
    recorded_at: datetime
    recorded_by: str
    taken_back_at: datetime
    taken_back_by: str
    taken_back_reason: str


class FinishedView(msgspec.Struct, frozen=True, kw_only=True):
    """A training that was held: `sessions_needed` of `sessions_held` are needed for a certificate."""

    training_id: UUID
    finished_at: datetime
    participants: int
    sessions_held: int
    sessions_needed: int
    certificates: int


class CertificateView(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate; `code` leads to its public page, `/registration/certificate-pages/{code}`."""

    id: UUID
    number: str
    training_id: UUID
    enrolment_id: UUID
    business_id: UUID
    business_name: str
    holder: str
    attended: int
    held: int
    issued_at: datetime
    revoked_at: datetime | None
    revoke_reason: str | None
    code: str
    version: int


class CertificateState(StrEnum):
    """Whether a certificate counts."""

    VALID = "valid"
    REVOKED = "revoked"


class OwnCertificateView(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate as its owner sees it; `code` leads to its public page."""

    id: UUID
    number: str
    programme: str
    title: str
    starts_on: date
    ends_on: date
    business_id: UUID
    business_name: str
    attended: int
    held: int
    issued_at: datetime
    state: CertificateState
    revoked_at: datetime | None
    revoke_reason: str | None
    code: str
