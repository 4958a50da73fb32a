"""The AsyncAPI document says what really travels, and its page can be read with no script and no other host."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET
from zlib import crc32

import httpx
import jsonschema_rs
import msgspec
import pytest
from faststream.redis import RedisBroker, StreamSub
from faststream.specification import AsyncAPI
from pydantic.errors import PydanticSchemaGenerationError

from services.suite import SERVICES, build
from shared import asyncapi
from shared.asyncapi_page import page
from shared.contracts import EVENTS, SUBSCRIPTIONS, Event
from shared.contracts.envelope import Envelope
from shared.contracts.registration import BusinessClosed
from shared.outbox import EVENT_BYTES_MAX, partition_of
from shared.settings import Settings
from shared.stream import flat, stream_name
from shared.who_tells_whom import picture

Json = dict[str, Any]
PARTITIONS = 4
DOCUMENT = asyncapi.document("0.1.0", partitions=PARTITIONS, outbox_days=30)
KINDS = pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)


def message(kind: type[Event]) -> Json:
    return dict[str, Any](DOCUMENT["components"]["messages"][kind.type])


def fits(value: object, schema: Json) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


def marked(schema: Json, value: object, where: str = "") -> Iterator[tuple[str, bool, bool]]:
    """Give every place of a value with whether it is a moment there, and whether the schema says so."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        for name, part in value.items():
            yield from marked(schema["properties"][name], part, f"{where}/{name}")
    elif isinstance(value, list):
        for part in value:
            yield from marked(schema["items"], part, f"{where}/0")
    else:
        yield where, isinstance(value, datetime), schema.get("x-messagepack") == "timestamp"


# The document


@KINDS
def test_every_event_is_described_in_the_words_of_its_contract_and_shown_by_its_frozen_sample(
    kind: type[Event],
) -> None:
    told = message(kind)
    assert kind.__doc__
    assert told["summary"] == kind.__doc__.split("\n")[0]
    assert told["examples"][0]["payload"] == asyncapi.samples()[kind.type]["reads"]
    assert kind.type in DOCUMENT["channels"][kind.source]["messages"]


@KINDS
def test_every_example_fits_what_the_document_says_of_it(kind: type[Event]) -> None:
    told = message(kind)
    (example,) = told["examples"]
    assert fits(example["payload"], told["payload"])
    assert fits(example["headers"], told["headers"])
    assert not fits({}, told["payload"])
    assert not fits({**example["headers"], "type": "serumpun.other.v1"}, told["headers"])
    assert not fits({**example["headers"], "time": "yesterday"}, told["headers"])


@KINDS
def test_what_travels_as_a_timestamp_is_marked_and_nothing_else(kind: type[Event]) -> None:
    sent = msgspec.msgpack.decode(bytes.fromhex(asyncapi.samples()[kind.type]["data"]))
    places = list(marked(message(kind)["payload"], sent))
    assert places
    assert [where for where, is_moment, is_marked in places if is_moment != is_marked] == []


@KINDS
def test_the_subject_is_made_of_the_field_that_the_document_names(kind: type[Event]) -> None:
    event = msgspec.msgpack.decode(bytes.fromhex(asyncapi.samples()[kind.type]["data"]), type=kind)
    assert message(kind)["x-subject"].format(**msgspec.structs.asdict(event)) == event.subject


def test_an_event_that_has_no_sample_yet_is_described_without() -> None:
    kind = next(iter(EVENTS.values()))
    told = asyncapi._message(kind, {"type": "object"}, None)
    assert "examples" not in told
    assert told["name"] == kind.type


def test_the_headers_are_the_fields_that_stand_in_a_stream_beside_the_data() -> None:
    now = datetime(2020, 9, 14, 2, 0, tzinfo=UTC)
    texts = dict.fromkeys(("source", "type", "subject", "actor", "region", "traceparent"), "x")
    entry = flat(Envelope(partition=0, seq=1, id=UUID(int=7), time=now, data=b"", **texts))
    names = [str(name) for name in entry[::2] if name != "data"]
    headers = DOCUMENT["components"]["schemas"]["Headers"]
    assert sorted(headers["properties"]) == sorted(headers["required"]) == sorted(names)


def test_addresses_and_partitions_are_those_that_the_relay_writes_to() -> None:
    for source, channel in DOCUMENT["channels"].items():
        values = channel["parameters"]["partition"]["enum"]
        addresses = [channel["address"].replace("{partition}", value) for value in values]
        assert addresses == [stream_name(source, partition) for partition in range(PARTITIONS)]
    assert DOCUMENT["channels"]["registration"]["x-partitions"] == {"count": 4, "of": "crc32(subject) % count"}
    assert partition_of("owner/1", PARTITIONS) == crc32(b"owner/1") % PARTITIONS


def test_every_service_sends_its_own_and_receives_what_it_subscribes_to() -> None:
    found = {(one["action"], one["tags"][0]["name"], one["channel"]["$ref"]) for one in DOCUMENT["operations"].values()}
    sent = {("send", kind.source, f"#/channels/{kind.source}") for kind in EVENTS.values()}
    received = {
        ("receive", name, f"#/channels/{source}") for name, sources in SUBSCRIPTIONS.items() for source in sources
    }
    assert found == sent | received


def test_the_framework_still_cannot_describe_our_events_by_itself() -> None:
    """When this fails, look again at whether shared/asyncapi.py is needed."""
    broker = RedisBroker()

    @broker.subscriber(stream=StreamSub("ev:registration:{0}", last_id="0-0"))
    async def read(event: BusinessClosed) -> None: ...

    with pytest.raises(PydanticSchemaGenerationError, match="BusinessClosed"):
        AsyncAPI(broker).to_specification()


def test_an_installation_tells_its_own_partitions_and_retention() -> None:
    told = asyncapi.document("0.1.0", partitions=16, outbox_days=90)["channels"]["notifications"]
    assert told["x-partitions"]["count"] == len(told["parameters"]["partition"]["enum"]) == 16
    assert told["x-retention"]["outbox_days_min"] == 90
    assert told["x-data-bytes-max"] == EVENT_BYTES_MAX


# The page


class Seen(HTMLParser):
    """What a page holds that a browser would load, run or follow, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.runs: list[str] = []
        self.style = self.text = ""
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        for name, value in attrs:
            if name in ("src", "href"):
                (self.links if tag == "a" else self.loads).append(str(value))
            elif name == "id":
                self.ids.add(str(value))
            elif name == "style" or name.startswith("on"):
                self.runs.append(name)
        if tag in ("script", "iframe", "object", "form"):
            self.runs.append(tag)

    def handle_data(self, data: str) -> None:
        if self._tag == "style":
            self.style += data
            self._tag = ""
        else:
            self.text += data


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the one port of all services, which need no database to show their documents."""
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    settings = replace(
        Settings.from_env({}),
        home=tmp_path,
        redis_url="redis://127.0.0.1:1",
        database_urls={service.name: nowhere for service in SERVICES},
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(settings)), base_url="http://test") as client:
        yield client


PREFIXES = ["", *(service.prefix for service in SERVICES)]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_document_and_page_are_on_the_front_and_on_every_service(front: httpx.AsyncClient, prefix: str) -> None:
    answer = await front.get(f"{prefix}/asyncapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == msgspec.json.decode(msgspec.json.encode(DOCUMENT))
    shown = await front.get(f"{prefix}/asyncapi")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shown.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_page_loads_nothing_and_runs_nothing(front: httpx.AsyncClient, prefix: str) -> None:
    answer = await front.get(f"{prefix}/asyncapi")
    seen = Seen(answer.text)
    assert (seen.loads, seen.runs) == (["data:,"], [])
    assert not re.search(r"url\(|@import", seen.style)
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    style = b64encode(sha256(seen.style.encode()).digest()).decode()
    assert rules.pop("style-src") == f"'sha256-{style}'", "the browser would refuse the page's own style"
    assert rules.pop("img-src") == "data:"
    assert set(rules) == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert set(rules.values()) == {"'none'"}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_every_link_of_a_page_leads_somewhere_and_the_pages_lead_to_one_another(
    front: httpx.AsyncClient, prefix: str
) -> None:
    seen = Seen((await front.get(f"{prefix}/asyncapi")).text)
    outside = [address for address in seen.links if not address.startswith("#")]
    assert f"{prefix}/asyncapi.json" in outside
    assert {f"{service.prefix}/docs" for service in SERVICES if prefix in ("", service.prefix)} <= set(outside)
    for address in outside:
        assert (await front.get(address)).status_code == 200
    assert {address.removeprefix("#") for address in seen.links if address.startswith("#")} <= seen.ids
    if prefix:
        assert f"{prefix}/asyncapi" in Seen((await front.get(f"{prefix}/docs")).text).links


def test_the_page_shows_every_event_with_its_fields_and_who_receives_it() -> None:
    seen = Seen(page(DOCUMENT, {}))
    for kind in EVENTS.values():
        assert kind.type in seen.ids
        assert message(kind)["summary"].replace("`", "") in seen.text  # names of fields are set as such
        for field in msgspec.structs.fields(kind):
            assert field.encode_name in seen.text
    assert "lines[].quantity" in seen.text
    assert "MessagePack timestamp" in seen.text
    assert "when absent: null" in seen.text


def test_what_a_document_says_is_text_on_its_page() -> None:
    told = msgspec.json.decode(msgspec.json.encode(DOCUMENT))
    shown = told["components"]["messages"]["serumpun.business.closed.v1"]
    shown |= {"summary": "<script>1</script> & `<b>`", "title": "<i>"}
    shown["examples"][0]["payload"]["reason"] = "</pre><script>"
    seen = Seen(page(told, {'"><script>': 'javascript:"'}))
    assert seen.runs == []
    assert "<script>1</script> & <b>" in seen.text


def test_the_picture_has_an_arrow_for_each_who_listens_to_another() -> None:
    drawn = ET.fromstring(picture({"a": (2, ["b", "c"]), "b": (1, ["a"]), "quiet": (1, [])}))  # noqa: S314
    assert len(list(drawn.iter("path"))) == 3
    assert len(list(drawn.iter("rect"))) == 3 + 3
    assert drawn.attrib["aria-label"] == "Who tells whom: a to b, c; b to a; quiet to nobody"
    height = float(drawn.attrib["viewBox"].split()[3])
    assert all(float(box.attrib["y"]) + float(box.attrib["height"]) < height for box in drawn.iter("rect"))
