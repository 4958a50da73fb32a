"""The table of changes to routes: what is allowed, and what is refused with its place in the message."""

import pytest

from tests.contracts.compatibility import OF_ROUTES, what_breaks
from tests.contracts.yesterday import ASKED, ITEMS, OPTIONAL, REMOVED, ROUTES, SCHEMAS, changed, put

MAKE = f"{ITEMS}/post"
LIST = f"{ITEMS}/get"
GIVEN = f"{SCHEMAS}/ItemView"
LINE = f"{SCHEMAS}/GoodsLine"
ISSUE = f"{SCHEMAS}/IssueStock"
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
        {"/components/headers/Idempotency-Replayed/schema": {"enum": ["true", "false"]}},
        "this service may write 'false', a client of yesterday knows only 'true'",
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
