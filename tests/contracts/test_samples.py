"""Yesterday's events, frozen as bytes: today's code must read every one of them, and may only add to them."""

import json
import re
from typing import Any

import msgspec
import pytest

from shared.asyncapi import SAMPLES
from shared.contracts import EVENTS, SUBSCRIPTIONS, Event
from shared.contracts.registration import BusinessClosed
from shared.settings import SERVICES
from tests.contracts.freeze import frozen

NAME = re.compile(r"serumpun\.[a-z]+\.[a-z]+\.v[1-9]")


class Sample(msgspec.Struct, frozen=True):
    """An event as it once went over the wire, in hexadecimal, and what it said."""

    subject: str
    data: str
    reads: dict[str, Any]

    @property
    def raw(self) -> bytes:
        return bytes.fromhex(self.data)


SAMPLED = {path.stem: msgspec.json.decode(path.read_bytes(), type=Sample) for path in sorted(SAMPLES.glob("*.json"))}
KINDS = pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)


def missing(before: object, after: object, where: str = "") -> list[str]:
    """Name what was said before and is not said after, or is said otherwise; what was added is no matter."""
    if isinstance(before, dict) and isinstance(after, dict):
        gone = [f"{where}/{name}" for name in before if name not in after]
        kept = [name for name in before if name in after]
        return gone + [found for name in kept for found in missing(before[name], after[name], f"{where}/{name}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [found for number, pair in pairs for found in missing(*pair, f"{where}/{number}")]
    return [] if before == after else [where]


def test_every_event_has_a_frozen_sample_and_no_sample_is_without_its_event() -> None:
    assert set(EVENTS) - set(SAMPLED) == set(), "run: python -m tests.contracts.freeze"
    assert set(SAMPLED) - set(EVENTS) == set(), "what was published once must be read for ever"


@KINDS
def test_todays_code_reads_yesterdays_bytes_and_finds_in_them_what_they_said(kind: type[Event]) -> None:
    sample = SAMPLED[kind.type]
    event = msgspec.msgpack.decode(sample.raw, type=kind)
    assert missing(sample.reads, msgspec.to_builtins(event)) == []
    assert event.subject == sample.subject, "another subject may be another partition: the order would be lost"


@KINDS
def test_what_a_consumer_of_yesterday_needs_is_still_sent(kind: type[Event]) -> None:
    sample = SAMPLED[kind.type]
    sent = msgspec.msgpack.encode(msgspec.msgpack.decode(sample.raw, type=kind))
    assert missing(msgspec.msgpack.decode(sample.raw), msgspec.msgpack.decode(sent)) == []


@KINDS
def test_a_field_that_yesterday_did_not_send_is_optional_today(kind: type[Event]) -> None:
    required = {field.encode_name for field in msgspec.structs.fields(kind) if field.required}
    assert required <= SAMPLED[kind.type].reads.keys(), "a breaking change is a new version"


@KINDS
def test_an_event_travels_by_name_and_todays_code_reads_what_tomorrows_adds(kind: type[Event]) -> None:
    assert not kind.__struct_config__.array_like, "a new field would move the others"
    tomorrows = {**SAMPLED[kind.type].reads, "added_later": 1}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(tomorrows), type=kind)


@KINDS
def test_a_type_names_a_past_fact_its_version_and_its_publisher(kind: type[Event]) -> None:
    assert NAME.fullmatch(kind.type)
    assert kind.source in SERVICES
    assert kind.__module__ == f"shared.contracts.{kind.source}", "one module for each publisher"


@KINDS
def test_neither_nik_nor_family_card_travels(kind: type[Event]) -> None:
    assert not re.search(r'"(nik|kk|family_card)"|\d{16}', json.dumps(frozen(kind)["reads"]))


def test_services_listen_to_those_that_publish_and_never_to_themselves() -> None:
    publishing = {event.source for event in EVENTS.values()}
    assert set(SUBSCRIPTIONS) == set(SERVICES)
    for consumer, sources in SUBSCRIPTIONS.items():
        assert set(sources) <= publishing - {consumer}


# The controls: what the tests above find


def test_a_struct_that_lost_or_renamed_a_field_is_noticed() -> None:
    sample = SAMPLED[BusinessClosed.type]
    shorter = msgspec.defstruct("BusinessClosed", [("business_id", str)], frozen=True)
    event = msgspec.msgpack.decode(sample.raw, type=shorter)
    assert missing(sample.reads, msgspec.to_builtins(event)) == ["/owner_id", "/region", "/reason"]


def test_what_changes_deep_inside_is_noticed_and_what_is_added_there_is_not() -> None:
    before = {"lines": [{"item": "SOAP-5L", "quantity": 1}], "region": "19.71"}
    assert missing(before, {"lines": [{"item": "SOAP-5L", "quantity": 1, "lot": None}], "region": "19.71"}) == []
    assert missing(before, {"lines": [{"item": "SOAP-5L"}], "region": "19.71"}) == ["/lines/0/quantity"]
    assert missing(before, {"lines": [], "region": "19.71"}) == ["/lines"]


@pytest.mark.parametrize(
    "name", ["Owner.registered.v1", "serumpun.owner.v1", "serumpun.owner.registered", "serumpun.a.b.v10"]
)
def test_a_name_that_is_none_is_noticed(name: str) -> None:
    assert not NAME.fullmatch(name)
