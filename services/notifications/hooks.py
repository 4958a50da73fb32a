"""The HTTP face of providers: what they tell of our messages, and what people answer; signed, or not heard."""

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.delivery import handlers
from services.notifications.delivery.receipts import CODE_LENGTH_MAX, Receipt
from services.notifications.giving_up import could_not_be_told
from services.notifications.replies import handlers as replies_taken
from services.notifications.replies.domain import Reply, own_words
from shared.answers import Content
from shared.incoming import JSON
from shared.problems import Absent, Refusal
from shared.roles import Action
from shared.routes import Call, Routes, Takes, Upload
from shared.settings import Settings
from shared.validation import read_json

HOOK_BYTES_MAX = 1_000_000
ITEMS_MAX = 1_000
TEXT_LENGTH_MAX = 4_096
MAIL_LENGTH_MAX = 100_000
"""A letter has what it answers below it, and that again; only its beginning is read."""

PLAIN = "text/plain"

routes = Routes("/notifications", tag="Providers")
HookChannel = Literal["whatsapp", "sms", "email"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Given = Annotated[str, msgspec.Meta(max_length=512)]
"""What was given along with a letter: our delivery's id, or the word of another system that has the same account."""

Challenge = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_\-]+$(?!\n)")]


class SignatureRefused(Refusal):
    """The signature is missing, or does not fit what was sent."""

    status = 401
    code = "signature_refused"
    title = "This is not signed by the provider"


class HookQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a provider asks whether this address is ours."""

    mode: Literal["subscribe"] = msgspec.field(name="hub.mode")
    challenge: Challenge = msgspec.field(name="hub.challenge")
    verify_token: Name = msgspec.field(name="hub.verify_token")


class HookReceipt(msgspec.Struct, frozen=True):
    """How much of what was told is taken; what was told before counts too."""

    receipts: int
    replies: int


class SmsNews(msgspec.Struct, frozen=True):
    """What the SMS gateway tells of one message, or which one has come in."""

    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    id: Name
    kind: Literal["delivered", "failed", "received"]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    code: Annotated[str, msgspec.Meta(max_length=CODE_LENGTH_MAX)] = ""
    cost_rupiah: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    reference: Given = ""
    sender: Annotated[str, msgspec.Meta(max_length=40)] = ""
    text: Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)] = ""


class SmsHook(msgspec.Struct, frozen=True):
    """What the SMS gateway posts."""

    events: Annotated[list[SmsNews], msgspec.Meta(max_length=ITEMS_MAX)]


class MailNews(msgspec.Struct, frozen=True):
    """What the mail gateway tells of one letter of ours, or which one has come in.

    Shape: `message_id` is that of our letter, or of the one that came in; `code` is the enhanced status (RFC 3463);
           `verified` says that the address of the sender is theirs (DMARC), `automatic` that no person wrote it
    """

    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    message_id: Name
    kind: Literal["delivered", "failed", "received"]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    code: Annotated[str, msgspec.Meta(max_length=CODE_LENGTH_MAX)] = ""
    sender: Annotated[str, msgspec.Meta(max_length=254)] = ""
    text: Annotated[str, msgspec.Meta(max_length=MAIL_LENGTH_MAX)] = ""
    verified: bool = False
    automatic: bool = False


class MailHook(msgspec.Struct, frozen=True):
    """What the mail gateway posts."""

    events: Annotated[list[MailNews], msgspec.Meta(max_length=ITEMS_MAX)]


class CloudError(msgspec.Struct, frozen=True):
    """Why a message could not be delivered."""

    code: int = 0


class CloudStatus(msgspec.Struct, frozen=True):
    """How far a message has come."""

    id: Name
    status: str
    errors: list[CloudError] = []
    biz_opaque_callback_data: Given = ""


class CloudText(msgspec.Struct, frozen=True):
    """The words of a message."""

    body: str


class CloudMessage(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A message that has come in; what is no text has no words for us."""

    id: Name
    sender: Annotated[str, msgspec.Meta(max_length=40)]
    timestamp: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,11}$(?!\n)")]
    text: CloudText | None = None


class CloudValue(msgspec.Struct, frozen=True):
    """What has changed."""

    statuses: list[CloudStatus] = []
    messages: list[CloudMessage] = []


class CloudChange(msgspec.Struct, frozen=True):
    """A change."""

    value: CloudValue


class CloudEntry(msgspec.Struct, frozen=True):
    """Changes of one account."""

    changes: list[CloudChange] = []


class CloudHook(msgspec.Struct, frozen=True):
    """What the Cloud API posts."""

    entry: Annotated[list[CloudEntry], msgspec.Meta(max_length=ITEMS_MAX)]


@routes.get("/hooks/{channel}", Action.TAKE_RECEIPTS, media={PLAIN: None})
async def verify_hook(call: Call, channel: HookChannel, query: HookQuery) -> Content:
    """Answer a provider that asks whether this address is ours: the challenge, if the token is the one agreed on."""
    token = _settings(call).whatsapp_verify_token if channel == "whatsapp" else ""
    if not token or not hmac.compare_digest(token.encode(), query.verify_token.encode()):
        raise Absent
    return Content(query.challenge.encode(), PLAIN)


@routes.post_file(
    "/hooks/{channel}", Action.TAKE_RECEIPTS, Takes((JSON,), HOOK_BYTES_MAX), status=200, refusals=[SignatureRefused]
)
async def take_hook(call: Call, channel: HookChannel, upload: Upload) -> HookReceipt:
    """Take what a provider tells of our messages, in any order and however often, and what people answer."""
    settings = _settings(call)
    secret, news = {
        "whatsapp": (settings.whatsapp_app_secret, _from_cloud),
        "sms": (settings.sms_hook_secret, _from_sms),
        "email": (settings.mail_hook_secret, _from_mail),
    }[channel]
    if not secret:
        raise Absent
    expected = "sha256=" + hmac.digest(secret.encode(), upload.content, "sha256").hex()
    if not hmac.compare_digest(expected.encode(), call.signature.encode()):
        raise SignatureRefused
    receipts, replies = news(upload.content)
    await handlers.take_receipts(call.work, channel, receipts, could_not_be_told)
    await replies_taken.take(call.work, replies)
    return HookReceipt(len(receipts), len(replies))


def _settings(call: Call) -> Settings:
    if call.settings is None:
        raise Absent
    return call.settings


def _from_sms(body: bytes) -> tuple[list[Receipt], list[Reply]]:
    events = read_json(body, SmsHook).events
    ends = [one for one in events if one.kind != "received"]
    told = [Receipt(one.event_id, one.id, one.kind, one.code, one.cost_rupiah, _ours(one.reference)) for one in ends]
    replies = [Reply("sms", one.id, one.sender, one.text, one.at) for one in events if one.kind == "received"]
    return told, replies


def _from_mail(body: bytes) -> tuple[list[Receipt], list[Reply]]:
    events = read_json(body, MailHook).events
    ends = [one for one in events if one.kind != "received"]
    told = [
        Receipt(one.event_id, one.message_id, one.kind, one.code, delivery_id=_sent(one.message_id)) for one in ends
    ]
    replies = [
        Reply("email", one.message_id, one.sender, own_words(one.text[:TEXT_LENGTH_MAX]), one.at, verified=one.verified)
        for one in events
        if one.kind == "received" and not one.automatic
    ]
    return told, replies


def _sent(message_id: str) -> UUID | None:
    """Give which delivery a letter of ours was, by the id that we gave it."""
    return _ours(message_id.strip("<> ").partition("@")[0])


def _from_cloud(body: bytes) -> tuple[list[Receipt], list[Reply]]:
    values = [change.value for entry in read_json(body, CloudHook).entry for change in entry.changes]
    return (
        [receipt for value in values for one in value.statuses for receipt in _cloud_receipt(one)],
        [
            Reply("whatsapp", one.id, f"+{one.sender}", one.text.body[:TEXT_LENGTH_MAX], _moment(one.timestamp))
            for value in values
            for one in value.messages
            if one.text is not None
        ],
    )


def _cloud_receipt(one: CloudStatus) -> Iterator[Receipt]:
    """Give what is an end; that it was sent we know, and read it can only be after it was delivered."""
    state = {"delivered": "delivered", "read": "delivered", "failed": "failed"}.get(one.status)
    if state is not None:
        code = str(one.errors[0].code) if one.errors else ""
        yield Receipt(f"{one.id} {one.status}", one.id, state, code, delivery_id=_ours(one.biz_opaque_callback_data))


def _ours(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(min(int(seconds), 32_503_680_000), UTC)
