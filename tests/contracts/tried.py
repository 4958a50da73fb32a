"""What Schemathesis is told of this system: loaded by the tool itself, in its own process.

It makes well-formed requests reach further than their shape, and it adds a check of the tool's own answers: what a
document calls well-formed is never refused for its shape.
"""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

OF_SHAPE = frozenset(
    {"unknown_field", "malformed_json", "wrong_type", "bad_format", "unknown_value", "offset_missing"}
    | {"too_few", "too_many", "too_short", "too_long", "too_small", "too_large", "invalid_value", "given_twice"}
)
"""The codes that `shared.validation` gives, whose cause a schema can say.

`missing` is not among them: what only another field makes necessary is a rule.
"""

_sent = 0


def _is_positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def in_digits(value: Any) -> Any:
    """Write whole numbers in digits: JSON Schema takes 3.0 for an integer, and we do not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [in_digits(item) for item in value]
    return {name: in_digits(item) for name, item in value.items()} if isinstance(value, dict) else value


def _would_wait(query: dict[str, Any]) -> bool:
    """Tell whether a feed asked for so would go on, and not be refused for its `wait_seconds`."""
    seconds = str(query.get("wait_seconds", "1"))
    return seconds.isdecimal() and 0 < int(seconds) <= 3_600


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Give each order a key of its own, and leave out cursors that nobody gave: both would end it at the door.

    A live feed is asked only for what there is: it would go on for as long as the tool waits.
    """
    global _sent  # noqa: PLW0603 - the tool knows functions only
    if case.path.endswith("/live") and case.query is not None and _would_wait(case.query):
        case.query["wait_seconds"] = 0
    if not _is_positive(case):
        return
    _sent += 1
    case.body = in_digits(case.body)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:100]}-{_sent}"
    if case.query and _sent % 4:
        case.query.pop("cursor", None)


@schemathesis.check
def what_the_document_calls_well_formed_is_not_refused_for_its_shape(
    ctx: CheckContext, response: Response, case: Case
) -> bool | None:
    """Find a schema that promises too much."""
    if response.status_code == 422 and _is_positive(case):
        told = [(error["pointer"], error["code"]) for error in response.json().get("errors", ())]
        wrong = [where for where, code in told if code in OF_SHAPE]
        assert not wrong, f"well-formed by its document, and refused at {', '.join(wrong[:5])}"
    return None
