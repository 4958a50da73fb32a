"""The SMS channel: a JSON gateway that takes our key, so that an answer that was lost is no doubt."""

from typing import Final

import msgspec

from services.notifications.delivery.channels.exchange import Answer
from services.notifications.delivery.channels.gateway import Gateway, named, provider_id
from services.notifications.delivery.domain import COST_RUPIAH_MAX, Accepted, Letter


class Taken(msgspec.Struct, frozen=True):
    """What the gateway says of a message that it has taken."""

    id: str
    cost_rupiah: int | None = None


class Sms(Gateway):
    """Posts `{to, text, reference}` with the delivery's id as `Idempotency-Key`; the answer has an `id` of its own."""

    name: Final = "sms"
    takes_key = True

    def posted(self, letter: Letter) -> bytes:
        """Give the message; without its title, of which a text message has none."""
        return msgspec.json.encode({"to": letter.to, "text": letter.body, "reference": str(letter.key)})

    def headers_of(self, letter: Letter, _body: bytes) -> dict[str, str]:
        """Give the key."""
        return {"Idempotency-Key": str(letter.key)}

    def accepted(self, answer: Answer) -> Accepted:
        """Keep under which id the receipts will speak of it, and what it cost."""
        taken = named(answer.body, Taken)
        if not isinstance(taken, Taken):
            return Accepted(str(answer.status))
        cost = taken.cost_rupiah if taken.cost_rupiah and 0 <= taken.cost_rupiah <= COST_RUPIAH_MAX else None
        return Accepted(str(answer.status), provider_id(taken.id), cost)
