"""A refusal is a value with a stable code; nothing in it can contradict the problem that it becomes."""

import pytest

from shared import problems
from shared.problems import FieldError, Invalid, Refusal

CODES = {
    "Absent": (404, "not_found"),
    "Forbidden": (403, "forbidden"),
    "Unauthenticated": (401, "unauthenticated"),
    "Stale": (412, "stale"),
    "PreconditionMissing": (428, "precondition_required"),
    "Invalid": (422, "invalid"),
    "StillRunning": (409, "request_in_progress"),
    "KeyReused": (422, "idempotency_key_reused"),
    "TooLarge": (413, "body_too_large"),
    "TooMany": (429, "too_many_requests"),
    "Unavailable": (503, "unavailable"),
}
"""Clients act on these: a change here is a change of the interface."""


def test_the_codes_that_exist_everywhere_are_these() -> None:
    found = {
        name: (kind.status, kind.code)
        for name, kind in vars(problems).items()
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
    }
    assert found == CODES


class ShortOfStock(Refusal):
    code = "short_of_stock"
    title = "Not enough on hand"


def test_a_rule_refuses_with_a_code_of_its_own_and_what_it_knows() -> None:
    refusal = ShortOfStock("WH-19.71 has 3 of MASK-CLOTH.", place="WH-19.71", on_hand=3)
    assert (refusal.status, refusal.code, refusal.title) == (409, "short_of_stock", "Not enough on hand")
    assert refusal.members == {"place": "WH-19.71", "on_hand": 3}
    assert str(refusal) == refusal.detail == "WH-19.71 has 3 of MASK-CLOTH."


def test_without_words_of_its_own_a_refusal_says_its_title() -> None:
    assert ShortOfStock().detail == "Not enough on hand"


@pytest.mark.parametrize("member", sorted(problems.RESERVED - {"detail"}))
def test_an_extra_member_cannot_stand_in_for_one_that_every_problem_has(member: str) -> None:
    with pytest.raises(TypeError, match=member):
        ShortOfStock("no", **{member: "other"})  # type: ignore[arg-type]


def test_all_mistakes_of_a_body_are_told_with_their_places() -> None:
    errors = [FieldError("/lines/0/quantity", "not_positive", "must be above 0"), FieldError("/place", "missing", "?")]
    refusal = Invalid(errors)
    assert refusal.errors == tuple(errors)
    assert refusal.members["errors"] == [
        {"pointer": "/lines/0/quantity", "code": "not_positive", "detail": "must be above 0"},
        {"pointer": "/place", "code": "missing", "detail": "?"},
    ]


def test_headers_of_one_answer_do_not_reach_the_next() -> None:
    first = problems.Unavailable(headers={"Retry-After": "60"})
    first.headers["X-Other"] = "1"
    assert problems.Unavailable().headers == {"Retry-After": "5"}
    assert problems.Unauthenticated().headers == {"WWW-Authenticate": "Bearer"}
    assert problems.StillRunning().headers == {"Retry-After": "1"}
