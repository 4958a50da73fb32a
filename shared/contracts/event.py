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

    @property
    def matter(self) -> str:
        """Name what people are told of once: the aggregate, and which of its like facts where it can have several.

        Shape: begins with the subject; what tells like facts apart follows after a `#`
        """
        return self.subject
