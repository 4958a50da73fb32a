"""What `registration` tells the others: owners and their businesses, trainings, and surveys.

A phone number and an address travel because notifications must reach the person; NIK, KK and turnover never do.
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from shared.contracts.event import Event


class RegistrationEvent(Event, frozen=True, kw_only=True):
    """Any fact that registration publishes."""

    source: ClassVar[str] = "registration"


class OwnerRegistered(RegistrationEvent, frozen=True, kw_only=True):
    """A person has been registered as the owner of a business and can be reached like this."""

    type: ClassVar[str] = "serumpun.owner.registered.v1"

    owner_id: UUID
    name: str
    region: str
    language: str
    phone: str | None = None
    email: str | None = None

    @property
    def subject(self) -> str:
        """Give `owner/<id>`."""
        return f"owner/{self.owner_id}"


class OwnerChanged(RegistrationEvent, frozen=True, kw_only=True):
    """An owner's name or the ways to reach them are now these."""

    type: ClassVar[str] = "serumpun.owner.changed.v1"

    owner_id: UUID
    name: str
    region: str
    language: str
    phone: str | None = None
    email: str | None = None

    @property
    def subject(self) -> str:
        """Give `owner/<id>`."""
        return f"owner/{self.owner_id}"


class ConsentChanged(RegistrationEvent, frozen=True, kw_only=True):
    """An owner has agreed to a text, or has taken that back; the last word about a kind is what holds.

    Shape: `kind` is `contact_by_phone`, `publish_story` or `share_with_partner`; a withdrawal names no text
    """

    type: ClassVar[str] = "serumpun.consent.changed.v1"

    owner_id: UUID
    region: str
    kind: str
    given: bool
    text_id: str | None
    text_version: int | None
    happened_at: datetime

    @property
    def subject(self) -> str:
        """Give `owner/<id>`: nobody is asked before they are known."""
        return f"owner/{self.owner_id}"


class BusinessRegistered(RegistrationEvent, frozen=True, kw_only=True):
    """A business is known from now on."""

    type: ClassVar[str] = "serumpun.business.registered.v1"

    business_id: UUID
    owner_id: UUID
    name: str
    sector: str
    region: str

    @property
    def subject(self) -> str:
        """Give `business/<id>`."""
        return f"business/{self.business_id}"


class BusinessChanged(RegistrationEvent, frozen=True, kw_only=True):
    """A business's name, sector or region are now these."""

    type: ClassVar[str] = "serumpun.business.changed.v1"

    business_id: UUID
    owner_id: UUID
    name: str
    sector: str
    region: str

    @property
    def subject(self) -> str:
        """Give `business/<id>`."""
        return f"business/{self.business_id}"


class BusinessClosed(RegistrationEvent, frozen=True, kw_only=True):
    """A business has closed; nothing is handed to it or ordered from it any more."""

    type: ClassVar[str] = "serumpun.business.closed.v1"

    business_id: UUID
    owner_id: UUID
    region: str
    reason: str

    @property
    def subject(self) -> str:
        """Give `business/<id>`."""
        return f"business/{self.business_id}"


class BusinessMerged(RegistrationEvent, frozen=True, kw_only=True):
    """A business has turned out to be another one, `into`, and is one with it from now on.

    Nothing is handed to it or ordered from it any more. A merge that is undone is told as `BusinessChanged`, after
    which the business is there again.
    """

    type: ClassVar[str] = "serumpun.business.merged.v1"

    business_id: UUID
    into: UUID
    owner_id: UUID
    name: str
    region: str

    @property
    def subject(self) -> str:
        """Give `business/<id>` of the one that is no more."""
        return f"business/{self.business_id}"


class PersonEvent(RegistrationEvent, frozen=True, kw_only=True):
    """What every fact about a person's rights tells: who, and where they belong; never why, nor anything of them."""

    owner_id: UUID
    region: str

    @property
    def subject(self) -> str:
        """Give `owner/<id>`."""
        return f"owner/{self.owner_id}"


class PersonRestricted(PersonEvent, frozen=True, kw_only=True):
    """The data of a person may only be stored from now on: nobody writes to them, and nothing of them changes."""

    type: ClassVar[str] = "serumpun.person.restricted.v1"


class PersonReleased(PersonEvent, frozen=True, kw_only=True):
    """The restriction of a person's data is lifted."""

    type: ClassVar[str] = "serumpun.person.released.v1"


class PersonErased(PersonEvent, frozen=True, kw_only=True):
    """A person's data were erased; whoever keeps any takes them away. What they received stays, without them."""

    type: ClassVar[str] = "serumpun.person.erased.v1"

    businesses: list[UUID]


class KitWanted(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an item a training needs."""

    item: str
    quantity: int


class TrainingEvent(RegistrationEvent, frozen=True, kw_only=True):
    """What every fact about a training tells: which it is, where, and on which local days."""

    training_id: UUID
    programme: str
    title: str
    region: str
    starts_on: date
    ends_on: date

    @property
    def subject(self) -> str:
        """Give `training/<id>`."""
        return f"training/{self.training_id}"


class TrainingAnnounced(TrainingEvent, frozen=True, kw_only=True):
    """A training will be held; its kits are asked of the stock of a place, where it needs any."""

    type: ClassVar[str] = "serumpun.training.announced.v1"

    sector: str
    venue: str
    sessions: list[date]
    seats: int
    kits_place: str | None
    kits: list[KitWanted]


class TrainingCancelled(TrainingEvent, frozen=True, kw_only=True):
    """A training that was announced will not be held."""

    type: ClassVar[str] = "serumpun.training.cancelled.v1"

    reason: str
    businesses: list[UUID] = msgspec.field(default_factory=list)


class TrainingMoved(TrainingEvent, frozen=True, kw_only=True):
    """A session is held on another day or elsewhere, or not at all, which is when `held_on` is null.

    Shape: `starts_on`, `ends_on` and `sessions` are what holds from now on; `change` counts the changes of a training;
           `businesses` are those that have or await a seat
    """

    type: ClassVar[str] = "serumpun.training.moved.v1"

    change: int
    session: int
    was_on: date
    held_on: date | None
    venue: str
    reason: str
    sessions: list[date]
    businesses: list[UUID]

    @property
    def matter(self) -> str:
        """Tell one change of a training from another."""
        return f"{self.subject}#change-{self.change}"


class TrainingFinished(TrainingEvent, frozen=True, kw_only=True):
    """A training has been held: so many took part, and so many attended enough for a certificate."""

    type: ClassVar[str] = "serumpun.training.finished.v1"

    participants: int
    certificates: int

    @property
    def matter(self) -> str:
        """Tell the end of a training from its announcement."""
        return f"{self.subject}#finished"


class SeatEvent(RegistrationEvent, frozen=True, kw_only=True):
    """What every step of a business on its way to a seat in a training tells; `step` counts the steps."""

    enrolment_id: UUID
    training_id: UUID
    business_id: UUID
    programme: str
    title: str
    region: str
    venue: str
    starts_on: date
    ends_on: date
    step: int

    @property
    def subject(self) -> str:
        """Give `enrolment/<id>`."""
        return f"enrolment/{self.enrolment_id}"

    @property
    def matter(self) -> str:
        """Tell one step from another."""
        return f"{self.subject}#step-{self.step}"


class SeatOffered(SeatEvent, frozen=True, kw_only=True):
    """A business may have a seat, if it says so before a moment."""

    type: ClassVar[str] = "serumpun.seat.offered.v1"

    answer_by: datetime


class SeatAccepted(SeatEvent, frozen=True, kw_only=True):
    """A business takes its seat; `how` it said so is `online`, `phone`, `paper`, `reply` or `walk_in`."""

    type: ClassVar[str] = "serumpun.seat.accepted.v1"

    how: str


class SeatDeclined(SeatEvent, frozen=True, kw_only=True):
    """A business does not want the seat that it was offered."""

    type: ClassVar[str] = "serumpun.seat.declined.v1"

    how: str


class SeatExpired(SeatEvent, frozen=True, kw_only=True):
    """Nobody answered an offer in time; the seat goes to the next."""

    type: ClassVar[str] = "serumpun.seat.expired.v1"

    answer_by: datetime


class SeatWaitlisted(SeatEvent, frozen=True, kw_only=True):
    """All seats are given for now; this business is asked when one becomes free."""

    type: ClassVar[str] = "serumpun.seat.waitlisted.v1"


class SeatWithdrawn(SeatEvent, frozen=True, kw_only=True):
    """A business takes part no more, or waits no more."""

    type: ClassVar[str] = "serumpun.seat.withdrawn.v1"

    how: str
    reason: str


class TrainingAttended(RegistrationEvent, frozen=True, kw_only=True):
    """Somebody of a business was there at a session of a training, on a local day."""

    type: ClassVar[str] = "serumpun.training.attended.v1"

    enrolment_id: UUID
    training_id: UUID
    business_id: UUID
    programme: str
    region: str
    session: int
    held_on: date

    @property
    def subject(self) -> str:
        """Give `enrolment/<id>`."""
        return f"enrolment/{self.enrolment_id}"

    @property
    def matter(self) -> str:
        """Tell one session from another."""
        return f"{self.subject}#session-{self.session}"


class TrainingAttendanceTakenBack(RegistrationEvent, frozen=True, kw_only=True):
    """That somebody of a business was there at a session had been written down by mistake."""

    type: ClassVar[str] = "serumpun.attendance.retracted.v1"

    taken_back_id: UUID
    enrolment_id: UUID
    training_id: UUID
    business_id: UUID
    programme: str
    region: str
    session: int
    reason: str

    @property
    def subject(self) -> str:
        """Give `enrolment/<id>`."""
        return f"enrolment/{self.enrolment_id}"

    @property
    def matter(self) -> str:
        """Tell one taking back from another, of the same session too."""
        return f"{self.subject}#taken-back-{self.taken_back_id}"


class CertificateEvent(RegistrationEvent, frozen=True, kw_only=True):
    """What every fact about a certificate tells: its number, whose it is, and for what."""

    certificate_id: UUID
    number: str
    enrolment_id: UUID
    training_id: UUID
    business_id: UUID
    programme: str
    title: str
    region: str

    @property
    def subject(self) -> str:
        """Give `certificate/<id>`."""
        return f"certificate/{self.certificate_id}"


class CertificateIssued(CertificateEvent, frozen=True, kw_only=True):
    """A business attended enough sessions of those that were held, and has a certificate."""

    type: ClassVar[str] = "serumpun.certificate.issued.v1"

    attended: int
    held: int


class CertificateRevoked(CertificateEvent, frozen=True, kw_only=True):
    """A certificate does not count any more."""

    type: ClassVar[str] = "serumpun.certificate.revoked.v1"

    reason: str

    @property
    def matter(self) -> str:
        """Tell the end of a certificate from its beginning."""
        return f"{self.subject}#revoked"


class SurveyEvent(RegistrationEvent, frozen=True, kw_only=True):
    """What every fact about a business in a survey tells: who takes part in which, and where."""

    participant_id: UUID
    survey_id: UUID
    business_id: UUID
    region: str

    @property
    def subject(self) -> str:
        """Give `survey_participant/<id>`."""
        return f"survey_participant/{self.participant_id}"


class SurveyOpened(SurveyEvent, frozen=True, kw_only=True):
    """A business is asked to answer a survey, by a link that is its own and takes one answer."""

    type: ClassVar[str] = "serumpun.survey.opened.v1"

    title: str
    closes_on: date
    link: str


class SurveyAnswered(SurveyEvent, frozen=True, kw_only=True):
    """A business has answered a survey, for the first time or anew; of what it told only the need, in one word."""

    type: ClassVar[str] = "serumpun.survey.answered.v1"

    answer_id: UUID
    sector: str
    status: str
    channel: str
    answered_on: date
    need: str

    @property
    def matter(self) -> str:
        """Give the answer: a business may answer a survey more than once."""
        return f"{self.subject}#{self.answer_id}"
