"""What is published stays: today's documents hold what the frozen ones promise, and the check sees what would not."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from tests.contracts.compatibility import OF_ROUTES, what_breaks
from tests.contracts.fitting import Incomparable
from tests.contracts.freeze import published, renew
from tests.contracts.yesterday import (
    ASKED,
    EVENTS,
    FROZEN,
    GOODS,
    ITEMS,
    OPTIONAL,
    REMOVED,
    ROUTES,
    SCHEMAS,
    Json,
    changed,
    put,
    read,
)

TODAY = published()
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


# Beyond the tables: every field of every schema, and what the check cannot judge


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
    put(document, pointer, {"type": "null"})


def breaks_of(before: Json, name: str, change: Callable[[Json, str], None], *pointers: str) -> str:
    """Say what breaks when these fields of a document are changed."""
    after = read(FROZEN[name])
    for pointer in pointers:
        change(after, pointer)
    return "\n".join(what_breaks(before, after))


@pytest.mark.parametrize(("name", "change"), [*((name, without) for name in TODAY), (EVENTS, retyped)])
def test_no_field_can_go_or_become_something_else_unnoticed(name: str, change: Callable[[Json, str], None]) -> None:
    before = read(FROZEN[name])
    # One field of each schema at a time: what is not told of by its own name is tried once more, by itself.
    rounds: dict[int, list[str]] = {}
    for _, members in groupby(fields(before), key=lambda pointer: pointer.rpartition("/properties/")[0]):
        for number, pointer in enumerate(members):
            rounds.setdefault(number, []).append(pointer)
    unnoticed = []
    for together in rounds.values():
        told = breaks_of(before, name, change, *together)
        for pointer in together:
            place = f"/properties/{pointer.rpartition('/')[2]} "  # of a conjunction it is told where that is used
            if f"#{pointer} " not in told and place not in breaks_of(before, name, change, pointer):
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
