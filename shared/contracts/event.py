"""The shape of every event: a past fact, typed, versioned, and addressed to one aggregate."""

from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that a service has recorded and others may react to.

    Shape:  `type` ends in its version (`.v1`); `source` is the service that publishes it;
            `subject` names the aggregate, within which order is kept (`distribution/<id>`)
    """

    type: ClassVar[str]
    source: ClassVar[str]

    @property
    def subject(self) -> str:
        """Name the aggregate that this fact is about."""
        raise NotImplementedError
