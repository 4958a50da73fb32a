"""What `registration` tells the others: owners and their businesses, and trainings.

A phone number and an address travel because notifications must reach the person; NIK and KK never do.
"""

from datetime import date
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
