"""Yesterday's events, frozen as bytes: today's code must read every one of them, and may only add to them."""

import re
from pathlib import Path

import msgspec
import pytest

from shared.contracts import EVENTS, SUBSCRIPTIONS
from shared.settings import SERVICES

SAMPLES = Path(__file__).parent / "samples"


class Sample(msgspec.Struct, frozen=True):
    """An event as it once went over the wire, in hexadecimal, and what it said."""

    subject: str
    data: str
    reads: dict[str, object]


def sample(event_type: str) -> Sample:
    return msgspec.json.decode((SAMPLES / f"{event_type}.json").read_bytes(), type=Sample)


def test_every_event_has_a_frozen_sample_and_no_sample_is_without_its_event() -> None:
    assert {path.name.removesuffix(".json") for path in SAMPLES.glob("*.json")} == set(EVENTS)


@pytest.mark.parametrize("event_type", EVENTS)
def test_todays_code_reads_yesterdays_bytes_and_finds_in_them_what_they_said(event_type: str) -> None:
    frozen = sample(event_type)
    event = msgspec.msgpack.decode(bytes.fromhex(frozen.data), type=EVENTS[event_type])
    assert msgspec.to_builtins(event).items() >= frozen.reads.items()
    assert event.subject == frozen.subject


@pytest.mark.parametrize("event_type", EVENTS)
def test_what_a_consumer_of_yesterday_needs_is_still_sent(event_type: str) -> None:
    frozen = sample(event_type)
    event = msgspec.msgpack.decode(bytes.fromhex(frozen.data), type=EVENTS[event_type])
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(event))
    assert sent.keys() >= frozen.reads.keys()


@pytest.mark.parametrize("event_type", EVENTS)
def test_a_field_that_yesterday_did_not_send_is_optional_today(event_type: str) -> None:
    required = {field.name for field in msgspec.structs.fields(EVENTS[event_type]) if field.required}
    assert required <= sample(event_type).reads.keys()


@pytest.mark.parametrize("event_type", EVENTS)
def test_a_type_names_a_past_fact_and_its_version(event_type: str) -> None:
    assert re.fullmatch(r"serumpun\.[a-z_]+\.[a-z_]+\.v[1-9]", event_type)
    assert EVENTS[event_type].source in SERVICES


def test_a_struct_that_lost_a_field_is_noticed() -> None:
    """The control: without it the tests above would pass whatever is done to a struct."""
    frozen = sample("serumpun.business.closed.v1")
    shorter = msgspec.defstruct("BusinessClosed", [("business_id", str)], frozen=True)
    event = msgspec.msgpack.decode(bytes.fromhex(frozen.data), type=shorter)
    assert not msgspec.to_builtins(event).keys() >= frozen.reads.keys()


def test_nobody_subscribes_to_a_service_that_publishes_nothing() -> None:
    publishing = {event.source for event in EVENTS.values()}
    assert {source for sources in SUBSCRIPTIONS.values() for source in sources} <= publishing
