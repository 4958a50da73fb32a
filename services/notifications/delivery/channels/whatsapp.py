"""The WhatsApp channel: the Cloud API, which takes no key, so that an answer that was lost is a doubt."""

from typing import Final

import msgspec

from services.notifications.delivery.channels.exchange import Answer
from services.notifications.delivery.channels.gateway import Gateway, named, provider_id
from services.notifications.delivery.domain import Accepted, Letter
from shared.clock import Clock


class Named(msgspec.Struct, frozen=True):
    """A message as the provider knows it."""

    id: str


class Taken(msgspec.Struct, frozen=True):
    """What the Cloud API says of a message that it has taken."""

    messages: list[Named]


class WhatsApp(Gateway):
    """Posts to `/{phone number id}/messages` with a bearer token: as a template where one is set, otherwise as text.

    Source: Cloud API, messages; whoever has not written within 24 hours can be sent an approved template only
    """

    name: Final = "whatsapp"

    def __init__(self, url: str, token: str, template: str | None, clock: Clock, *, timeout_seconds: float = 10.0):
        """Prepare the channel; `template` has one parameter in its body, which is the whole message."""
        super().__init__(url, clock, {"Authorization": f"Bearer {token}"}, timeout_seconds=timeout_seconds)
        self._template = template

    def posted(self, letter: Letter) -> bytes:
        """Give the message."""
        told = {
            "messaging_product": "whatsapp",
            "to": letter.to.removeprefix("+"),
            "biz_opaque_callback_data": str(letter.key),  # comes back with its receipts, also when no answer did
        }
        if self._template is None:
            return msgspec.json.encode(told | {"type": "text", "text": {"body": letter.body}})
        # A parameter of a template bears no line break.
        words = [{"type": "text", "text": " ".join(letter.body.split())}]
        template = {
            "name": self._template,
            "language": {"code": letter.language},
            "components": [{"type": "body", "parameters": words}],
        }
        return msgspec.json.encode(told | {"type": "template", "template": template})

    def accepted(self, answer: Answer) -> Accepted:
        """Keep under which id the receipts will speak of it."""
        taken = named(answer.body, Taken)
        first = taken.messages[0].id if isinstance(taken, Taken) and taken.messages else ""
        return Accepted(str(answer.status), provider_id(first))
