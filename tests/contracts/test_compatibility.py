"""What is published stays: today's documents hold what the frozen ones promise, and the check sees what would not."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contracts.compatibility import OF_EVENTS, OF_ROUTES, what_breaks
from tests.contracts.fitting import Incomparable
from tests.contracts.freeze import DOCUMENTS, published, renew

Json = dict[str, Any]
FROZEN = {path.name: path.read_bytes() for path in sorted(DOCUMENTS.glob("*.json"))}
TODAY = published()
EVENTS = "asyncapi.json"
ROUTES = "openapi-aid_distribution.json"
REMOVED = ...
RENEW = "run: python -m tests.contracts.freeze"


def test_every_document_is_frozen_and_none_has_gone() -> None:
    assert set(FROZEN) == set(TODAY), RENEW


@pytest.mark.parametrize("name", TODAY)
def test_nothing_that_was_published_is_broken(name: str) -> None:
    breaks = what_breaks(read(FROZEN[name]), read(TODAY[name]))
    assert not breaks, "\n".join(breaks)


@pytest.mark.parametrize("name", TODAY)
def test_what_is_published_today_is_frozen_so_that_it_is_kept_tomorrow(name: str) -> None:
    assert FROZEN[name] == TODAY[name], RENEW


def test_a_document_is_the_same_however_often_it_is_made() -> None:
    assert published() == TODAY


def test_freezing_writes_what_is_new_and_what_only_adds_and_leaves_what_would_break(tmp_path: Path) -> None:
    assert renew(tmp_path, {EVENTS: FROZEN[EVENTS], ROUTES: FROZEN[ROUTES]}) == ([EVENTS, ROUTES], [])
    added = msgspec.json.encode(changed(EVENTS, {f"{GOODS}/properties/grade": OPTIONAL})[1])
    broken = msgspec.json.encode(changed(ROUTES, {ITEMS: REMOVED})[1])
    renewed, says = renew(tmp_path, {EVENTS: added, ROUTES: broken})
    assert renewed == [EVENTS]
    assert says[0] == f"{ROUTES} would break what is published:"
    assert says[-1] == OF_ROUTES
    assert (tmp_path / EVENTS).read_bytes() == added
    assert (tmp_path / ROUTES).read_bytes() == FROZEN[ROUTES]
    assert renew(tmp_path, {EVENTS: added}) == ([], [])


# The table of changes: what is allowed, and what is refused with the place in its message


def read(document: bytes) -> Json:
    return dict[str, Any](msgspec.json.decode(document))


def put(document: Json, pointer: str, value: object) -> None:
    """Write a value at a place, which may be new, or take it away."""
    *steps, last = (step.replace("~1", "/") for step in pointer.split("/")[1:])
    at: Any = document
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at[int(last) : int(last) + 1] = [] if value is REMOVED else [value]
    elif value is REMOVED:
        at.pop(last)
    else:
        at[last] = value


def changed(name: str, changes: dict[str, object]) -> tuple[Json, Json]:
    before, after = read(FROZEN[name]), read(FROZEN[name])
    for pointer, value in changes.items():
        put(after, pointer, copy.deepcopy(value))
    return before, after


SCHEMAS = "/components/schemas"
CLOSED = f"{SCHEMAS}/BusinessClosed"
GOODS = f"{SCHEMAS}/Goods"
MESSAGES = "/components/messages"
CLOSED_V1 = f"{MESSAGES}/serumpun.business.closed.v1"
CHANNEL = "/channels/registration"
OPTIONAL = {"type": "string", "default": ""}
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


ITEMS = "/paths/~1aid~1items"
MAKE = f"{ITEMS}/post"
LIST = f"{ITEMS}/get"
ASKED = f"{SCHEMAS}/AddItem"
GIVEN = f"{SCHEMAS}/ItemView"
LINE = f"{SCHEMAS}/GoodsLine"
ISSUE = f"{SCHEMAS}/IssueStock"
CARD = "/paths/~1aid~1cards~1{place}~1{item}"
TRANSFER = "/paths/~1aid~1transfers~1{transfer_id}"
BODY = "content/application~1json"
NEW_FILTER = {"name": "category", "in": "query", "required": False, "schema": {"type": "string"}}
REFUSED = f"{MAKE}/responses/409/content/application~1problem+json/schema/allOf/1/properties/code"
SAME_ROUTE = "/paths/~1aid~1transfers~1{id}"

ALLOWED_ROUTES: dict[str, dict[str, object]] = {
    "a new route": {"/paths/~1aid~1new": {"get": {"responses": {}}}},
    "another method of a route": {f"{ITEMS}/patch": {"responses": {}}},
    "a field that may be left out": {f"{ASKED}/properties/note": OPTIONAL},
    "a field that must no longer be there": {f"{ASKED}/required/3": REMOVED, f"{ASKED}/properties/category": OPTIONAL},
    "wider bounds of what is asked": {
        f"{LINE}/properties/quantity/maximum": 2**53,
        f"{LINE}/properties/item/maxLength": 80,
        f"{ISSUE}/properties/lines/minItems": 0,
    },
    "another value that may be asked": {f"{SCHEMAS}/Unit/enum": ["kg", "litre", "pack", "piece", "metre"]},
    "a value that is no longer excluded": {f"{ISSUE}/properties/reason": {"$ref": "#/components/schemas/Reason"}},
    "null where it was refused": {f"{LINE}/properties/quantity": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    "a pattern that is no longer asked for": {f"{ASKED}/properties/code/pattern": REMOVED},
    "another field in an answer": {f"{GIVEN}/properties/note": {"type": "string"}, f"{GIVEN}/required/6": "note"},
    "tighter bounds of an answer": {f"{GIVEN}/properties/version/minimum": 1},
    "null no longer in an answer": {f"{SCHEMAS}/PostedLine/properties/lot": {"type": "string"}},
    "a filter more": {f"{LIST}/parameters/2": NEW_FILTER},
    "a part of a path under another name": {SAME_ROUTE: {}},
    "a refusal more": {f"{REFUSED}/enum": ["code_taken", "request_in_progress", "too_many_items"]},
    "another status of refusal": {f"{LIST}/responses/429": {"description": "Later."}},
    "a header more": {f"{LIST}/responses/200/headers/X-More": {"required": True, "schema": {"type": "string"}}},
    "other words": {f"{MAKE}/summary": "Say it better", f"{MAKE}/operationId": "make_item", f"{ASKED}/title": "Item"},
}
FORBIDDEN_ROUTES: dict[str, tuple[dict[str, object], str]] = {
    "a route that is gone": ({ITEMS: REMOVED}, "POST /aid/items: #/paths/~1aid~1items/post is gone"),
    "a method that is gone": ({LIST: REMOVED}, "GET /aid/items: #/paths/~1aid~1items/get is gone"),
    "a field that is gone": (
        {f"{ASKED}/properties/document": REMOVED},
        "POST /aid/items: #/components/schemas/AddItem/properties/document is gone",
    ),
    "a new field that must be there": (
        {f"{ASKED}/properties/note": {"type": "string"}, f"{ASKED}/required/4": "note"},
        "AddItem/properties/note may be left out by a client of yesterday, this service needs it",
    ),
    "a field that must be there from now on": (
        {f"{ASKED}/required/4": "document"},
        "AddItem/properties/document may be left out by a client of yesterday, this service needs it",
    ),
    "another type": (
        {f"{LINE}/properties/quantity/type": "string"},
        "GoodsLine/properties/quantity a client of yesterday may write integer, this service reads string",
    ),
    "tighter bounds of what is asked": (
        {f"{LINE}/properties/quantity/maximum": 1000},
        "a client of yesterday writes `maximum` 1000000000000, this service reads `maximum` 1000",
    ),
    "a shorter list": ({f"{ISSUE}/properties/lines/maxItems": 100}, "this service reads `maxItems` 100"),
    "another pattern": ({f"{ASKED}/properties/code/pattern": "^[A-Z]+$"}, "this service reads `pattern` '^[A-Z]+$'"),
    "a pattern where there was none": (
        {f"{SCHEMAS}/Recipients/properties/businesses/items/pattern": "^0"},
        "a client of yesterday writes without `pattern`",
    ),
    "a value that may no longer be asked": (
        {f"{SCHEMAS}/Unit/enum": ["kg", "litre", "piece"]},
        "a client of yesterday may write 'pack', this service knows only 'kg' or 'litre' or 'piece'",
    ),
    "a value that is excluded from now on": (
        {f"{ISSUE}/properties/reason/not/const": "lost"},
        "POST /aid/issues: #/components/schemas/IssueStock/properties/reason a client of yesterday may write 'lost'",
    ),
    "null refused from now on": (
        {f"{LINE}/properties/lot": {"type": "string"}},
        "a client of yesterday may write null, this service reads string",
    ),
    "another default": (
        {f"{SCHEMAS}/Recipients/properties/public/default": 1},
        "Recipients/properties/public means 1 when left out, and meant 0",
    ),
    "a field of an answer that is gone": (
        {f"{GIVEN}/properties/version": REMOVED, f"{GIVEN}/required/5": REMOVED},
        "#/components/schemas/ItemView/properties/version is gone",
    ),
    "a field of an answer that may be absent from now on": (
        {f"{GIVEN}/required/5": REMOVED},
        "ItemView/properties/version may be left out by this service, a client of yesterday needs it",
    ),
    "another type in an answer": (
        {f"{GIVEN}/properties/version": {"type": "string"}},
        "this service may write string, a client of yesterday reads integer",
    ),
    "null in an answer": (
        {f"{GIVEN}/properties/name": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "this service may write null, a client of yesterday reads string",
    ),
    "another value in an answer": (
        {f"{SCHEMAS}/Kind/enum": ["distribution", "gift", "issue", "receipt", "reversal"]},
        "this service may write 'gift', a client of yesterday knows only",
    ),
    "an answer in another shape": (
        {f"{LIST}/responses/200/{BODY}/schema": {"type": "array", "items": {}}},
        "this service may write array, a client of yesterday reads object",
    ),
    "another status": (
        {f"{MAKE}/responses/201": REMOVED, f"{MAKE}/responses/200": {"description": "Made."}},
        "POST /aid/items: #/paths/~1aid~1items/post/responses/201 is gone",
    ),
    "another media type of an answer": (
        {f"{MAKE}/responses/201/{BODY}": REMOVED},
        "#/paths/~1aid~1items/post/responses/201/content/application~1json is gone",
    ),
    "another media type of what is asked": (
        {f"{MAKE}/requestBody/{BODY}": REMOVED},
        "#/paths/~1aid~1items/post/requestBody/content/application~1json is gone",
    ),
    "a body where there was none": ({f"{LIST}/requestBody": {"required": True}}, "requestBody is required from now on"),
    "a refusal of another code": (
        {f"{REFUSED}/enum": ["taken", "request_in_progress"]},
        "no longer tells `code_taken`",
    ),
    "a refusal that is gone": ({f"{MAKE}/responses/409": REMOVED}, "post/responses/409 is gone"),
    "a filter that is gone": ({f"{LIST}/parameters/0": REMOVED}, "get/parameters/0 is gone: `cursor`"),
    "a filter that must be there": (
        {f"{LIST}/parameters/2": {**NEW_FILTER, "required": True}},
        "is new and required: `category`",
    ),
    "a header that must be there": (
        {f"{MAKE}/parameters/0/required": True},
        "is required from now on: `Idempotency-Key`",
    ),
    "a filter with tighter bounds": ({f"{LIST}/parameters/1/schema/maximum": 50}, "this service reads `maximum` 50"),
    "another shape of a part of a path": (
        {f"{TRANSFER}/get/parameters/0/schema": {"type": "integer"}},
        "GET /aid/transfers/{transfer_id}: #/paths/~1aid~1transfers~1{transfer_id}/get/parameters/0/schema",
    ),
    "a header of an answer that is gone": (
        {f"{MAKE}/responses/201/headers/ETag": REMOVED},
        "responses/201/headers/ETag is no longer always there",
    ),
    "a header of every answer that may be absent": (
        {"/components/headers/X-Request-Id/required": False},
        "headers/X-Request-Id is no longer always there",
    ),
    "another way to say who calls": ({"/security": [{"key": []}]}, "every route: #/security is another"),
}


@pytest.mark.parametrize("name", ALLOWED_ROUTES)
def test_what_only_adds_to_the_routes_is_allowed(name: str) -> None:
    before, after = changed(ROUTES, ALLOWED_ROUTES[name])
    if SAME_ROUTE in ALLOWED_ROUTES[name]:
        after["paths"]["/aid/transfers/{id}"] = after["paths"].pop("/aid/transfers/{transfer_id}")
        put(after, f"{SAME_ROUTE}/get/parameters/0/name", "id")
    assert what_breaks(before, after) == []


@pytest.mark.parametrize("name", FORBIDDEN_ROUTES)
def test_what_would_break_a_client_of_yesterday_is_refused(name: str) -> None:
    changes, says = FORBIDDEN_ROUTES[name]
    *found, cure = what_breaks(*changed(ROUTES, changes))
    assert [line for line in found if says in line], found
    assert cure == OF_ROUTES


# Beyond the table: every field of every schema, and what the check cannot judge


def fields(document: Json) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield from (f"{SCHEMAS}/{name}/properties/{field}" for field in schema.get("properties", ()))


# Whoever uses these schemas says of these fields again what they hold, so they are still there.
NARROWED = {
    f"{SCHEMAS}/{field}"
    for field in (
        "Headers/properties/source",
        "Headers/properties/type",
        "Problem/properties/status",
        "Problem/properties/code",
    )
}


def without(document: Json, pointer: str) -> None:
    put(document, pointer, REMOVED)


def retyped(document: Json, pointer: str) -> None:
    put(document, pointer, {"type": "boolean"})


@pytest.mark.parametrize(("name", "change"), [*((name, without) for name in TODAY), (EVENTS, retyped)])
def test_no_field_can_go_or_become_something_else_unnoticed(name: str, change: Callable[[Json, str], None]) -> None:
    before = read(FROZEN[name])
    unnoticed = []
    for pointer in fields(before):
        after = read(FROZEN[name])
        change(after, pointer)
        place = f"/properties/{pointer.rpartition('/')[2]} "  # what is told of a conjunction stands where it is used
        if not any(place in line for line in what_breaks(before, after)):
            unnoticed.append(pointer)
    assert len(list(fields(before))) > 20
    assert [pointer for pointer in unnoticed if pointer not in NARROWED] == []


@pytest.mark.parametrize("word", ["oneOf", "if", "patternProperties", "$dynamicRef", "exclusiveMinimums"])
def test_a_schema_with_a_word_that_nothing_compares_is_not_let_pass(word: str) -> None:
    with pytest.raises(Incomparable, match=f"AddItem.*`{word.replace('$', '.')}`"):
        what_breaks(*changed(ROUTES, {f"{ASKED}/{word}": []}))


def test_a_schema_that_holds_itself_is_compared() -> None:
    tree = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": f"#{SCHEMAS}/Goods"}}}}
    before, after = changed(EVENTS, {f"{GOODS}": {**tree, "required": []}})
    _, before = changed(EVENTS, {f"{GOODS}": {**tree, "required": []}})
    assert what_breaks(before, after) == []
    put(after, f"{GOODS}/properties/below/maxItems", 3)
    assert what_breaks(before, after)
