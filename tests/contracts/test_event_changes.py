"""The table of changes to events: what is allowed, and what is refused with its place in the message."""

import pytest

from tests.contracts.compatibility import OF_EVENTS, what_breaks
from tests.contracts.yesterday import EVENTS, GOODS, OPTIONAL, REMOVED, SCHEMAS, changed

CLOSED = f"{SCHEMAS}/BusinessClosed"
MESSAGES = "/components/messages"
CLOSED_V1 = f"{MESSAGES}/serumpun.business.closed.v1"
CHANNEL = "/channels/registration"
NEXT = {
    "name": "serumpun.business.closed.v2",
    "contentType": "application/msgpack",
    "headers": {"type": "object"},
    "payload": {"type": "object"},
}

ALLOWED_EVENTS: dict[str, dict[str, object]] = {
    "a field that may be absent": {f"{CLOSED}/properties/note": OPTIONAL},
    "such a field deep inside": {f"{GOODS}/properties/grade": OPTIONAL},
    "the next version of a type beside it": {
        f"{MESSAGES}/serumpun.business.closed.v2": NEXT,
        f"{CHANNEL}/messages/serumpun.business.closed.v2": {"$ref": f"#{MESSAGES}/serumpun.business.closed.v2"},
    },
    "another receiver": {"/operations/registration_receives_from_notifications": {"action": "receive"}},
    "a receiver that no longer listens": {"/operations/registration_receives_from_aid_distribution": REMOVED},
    "another description": {f"{CLOSED}/description": "Said better."},
    "more partitions and a longer retention, which are settings": {
        f"{CHANNEL}/x-partitions/count": 16,
        f"{CHANNEL}/parameters/partition/enum": ["{0}"],
        f"{CHANNEL}/x-retention/outbox_days_min": 90,
    },
}
FORBIDDEN_EVENTS: dict[str, tuple[dict[str, object], str]] = {
    "a field that is gone": (
        {f"{CLOSED}/properties/reason": REMOVED, f"{CLOSED}/required/3": REMOVED},
        "#/components/schemas/BusinessClosed/properties/reason is gone",
    ),
    "a field that may be absent and is gone": (
        {f"{GOODS}/properties/lot": REMOVED},
        "#/components/schemas/Goods/properties/lot is gone",
    ),
    "a field of another name": (
        {
            f"{CLOSED}/properties/reason": REMOVED,
            f"{CLOSED}/properties/why": {"type": "string"},
            f"{CLOSED}/required/3": "why",
        },
        "#/components/schemas/BusinessClosed/properties/why may be left out by an event of yesterday",
    ),
    "a new field that must be there": (
        {f"{GOODS}/properties/grade": {"type": "string"}, f"{GOODS}/required/4": "grade"},
        "Goods/properties/grade may be left out by an event of yesterday, a consumer of today needs it",
    ),
    "a field that was always there and may now be absent": (
        {f"{CLOSED}/required/3": REMOVED, f"{CLOSED}/properties/reason": OPTIONAL},
        "may be left out by an event of today, a consumer of yesterday needs it",
    ),
    "another type": (
        {f"{GOODS}/properties/quantity": {"type": "string"}},
        "an event of today may write string, a consumer of yesterday reads integer",
    ),
    "a type that takes more": (
        {f"{GOODS}/properties/quantity": {"type": "number"}},
        "an event of today may write number, a consumer of yesterday reads integer",
    ),
    "null where it never was": (
        {f"{GOODS}/properties/unit": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "an event of today may write null, a consumer of yesterday reads string",
    ),
    "null no longer": (
        {f"{GOODS}/properties/lot": {"type": "string", "default": ""}},
        "an event of yesterday may write null, a consumer of today reads string",
    ),
    "a moment as text": (
        {f"{SCHEMAS}/StockIssued/properties/occurred_at": {"type": "string", "format": "date-time"}},
        "#/components/schemas/StockIssued/properties/occurred_at an event of today writes without `x-messagepack`",
    ),
    "tighter bounds": (
        {f"{GOODS}/properties/quantity/minimum": 1},
        "an event of yesterday writes without `minimum`, a consumer of today reads `minimum` 1",
    ),
    "values from a list where any were": (
        {f"{CLOSED}/properties/reason/enum": ["moved", "ended"]},
        "an event of yesterday may write any string, a consumer of today knows only 'moved' or 'ended'",
    ),
    "another default": (
        {f"{GOODS}/properties/lot/default": "none"},
        "#/components/schemas/Goods/properties/lot means 'none' when left out, and meant None",
    ),
    "unknown fields refused from now on": (
        {f"{GOODS}/additionalProperties": False},
        "#/components/schemas/Goods refuses fields that it does not know from now on",
    ),
    "a header that is gone": ({f"{SCHEMAS}/Headers/properties/actor": REMOVED}, "headers/properties/actor is gone"),
    "a shorter header": ({f"{SCHEMAS}/Headers/properties/subject/maxLength": 40}, "reads `maxLength` 40"),
    "a type that is gone": (
        {CLOSED_V1: REMOVED, f"{CHANNEL}/messages/serumpun.business.closed.v1": REMOVED},
        "#/components/messages/serumpun.business.closed.v1 is gone: what was published once is read for ever",
    ),
    "a type in another stream": (
        {f"{CHANNEL}/messages/serumpun.business.closed.v1": REMOVED},
        "#/channels/registration/messages/serumpun.business.closed.v1 is gone from this stream",
    ),
    "another subject": ({f"{CLOSED_V1}/x-subject": "owner/{owner_id}"}, "/x-subject was 'business/{business_id}'"),
    "another encoding": ({f"{CLOSED_V1}/contentType": "application/json"}, "/contentType was 'application/msgpack'"),
    "another address": ({f"{CHANNEL}/address": "events:{partition}"}, "#/channels/registration/address is another"),
    "another way to find the partition": (
        {f"{CHANNEL}/x-partitions/of": "adler32(subject) % count"},
        "#/channels/registration/x-partitions/of is another",
    ),
    "a stream that is gone": ({CHANNEL: REMOVED}, "#/channels/registration is gone"),
    "a service that no longer tells": ({"/operations/notifications_sends": REMOVED}, "notifications_sends is gone"),
}


@pytest.mark.parametrize("name", ALLOWED_EVENTS)
def test_what_only_adds_to_the_events_is_allowed(name: str) -> None:
    assert what_breaks(*changed(EVENTS, ALLOWED_EVENTS[name])) == []


@pytest.mark.parametrize("name", FORBIDDEN_EVENTS)
def test_what_would_break_an_event_or_a_consumer_of_yesterday_is_refused(name: str) -> None:
    changes, says = FORBIDDEN_EVENTS[name]
    *found, cure = what_breaks(*changed(EVENTS, changes))
    assert [line for line in found if says in line], found
    assert cure == OF_EVENTS
