"""The webhook channel: another system of the office is told, signed, and may count on our key."""

import hmac
from typing import Final

import msgspec

from services.notifications.delivery.channels.gateway import Gateway
from services.notifications.delivery.domain import Letter
from shared.clock import Clock


class Webhook(Gateway):
    """Posts `{id, to, title, body, language, written_at}` with `Idempotency-Key` and `X-Hub-Signature-256`."""

    name: Final = "webhook"
    takes_key = True

    def __init__(self, url: str, secret: str, clock: Clock, *, timeout_seconds: float = 10.0) -> None:
        """Prepare the channel."""
        super().__init__(url, clock, {}, timeout_seconds=timeout_seconds)
        self._secret = secret.encode()

    def posted(self, letter: Letter) -> bytes:
        """Give the message with whom it is for."""
        return msgspec.json.encode(
            {
                "id": letter.key,
                "to": letter.to,
                "title": letter.title,
                "body": letter.body,
                "language": letter.language,
                "written_at": letter.written_at,
            }
        )

    def headers_of(self, letter: Letter, body: bytes) -> dict[str, str]:
        """Give the key, and the signature over the very bytes."""
        signature = hmac.digest(self._secret, body, "sha256").hex()
        return {"Idempotency-Key": str(letter.key), "X-Hub-Signature-256": f"sha256={signature}"}
