"""The OpenAPI document says what the edge does, and its page needs nobody else."""

import re
from html.parser import HTMLParser
from importlib import import_module
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis

from shared.docs import document_handlers
from shared.openapi import document, refusals_of
from shared.routes import Route
from shared.service import Service, backbone_routes
from shared.settings import SERVICES
from shared.validation import read_json
from shared.web import assemble
from tests.shared import notes
from tests.shared.conftest import Door

Json = dict[str, Any]
DECLARED: list[Service] = [import_module(f"services.{name}.main").SERVICE for name in SERVICES]


def routes_of(service: Service) -> list[Route]:
    return [*service.declared, *backbone_routes(service)]


def document_of(service: Service) -> Json:
    """Give the document as a client reads it."""
    return dict(msgspec.json.decode(msgspec.json.encode(document(service.title, "1", routes_of(service)))))


NOTES = document_of(notes.SERVICE)
ROUTES = [pytest.param(service, route, id=route.name) for service in DECLARED for route in routes_of(service)]
BODIES = [
    pytest.param(service, route, id=route.name) for service in DECLARED for route in service.declared if route.body
]


def operation(path: str, method: str) -> Json:
    return dict(NOTES["paths"][path][method])


def parameters(path: str, method: str) -> dict[str, Json]:
    return {parameter["name"]: parameter for parameter in operation(path, method)["parameters"]}


def every(part: str, value: object) -> list[Any]:
    """Give every value that stands under a name, however deep."""
    if isinstance(value, list):
        return [found for item in value for found in every(part, item)]
    if not isinstance(value, dict):
        return []
    own = [value[part]] if part in value else []
    return own + [found for item in value.values() for found in every(part, item)]


def is_valid(found: Json) -> bool:
    try:
        schemathesis.openapi.from_dict(found).validate()
    except jsonschema_rs.ValidationError:
        return False
    return True


@pytest.mark.parametrize("service", [notes.SERVICE, *DECLARED], ids=lambda service: service.title)
def test_the_document_is_openapi_3_1_and_refers_to_nothing_that_it_has_not(service: Service) -> None:
    found = document_of(service)
    assert found["openapi"] == "3.1.0"
    assert is_valid(found)
    references = every("$ref", found)
    assert references
    for reference in references:
        part: Any = found
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_the_check_of_validity_finds_what_it_should() -> None:
    assert not is_valid({**NOTES, "paths": {"/notes": {"get": {"responses": 7}}}})
    assert not is_valid({**NOTES, "info": {}})


@pytest.mark.parametrize("service", DECLARED, ids=lambda service: service.name)
def test_every_operation_has_a_name_of_its_own_and_says_in_words_what_it_does(service: Service) -> None:
    operations = [operation for path in document_of(service)["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(len(operation["summary"].split()) >= 2 for operation in operations)


@pytest.mark.parametrize(("service", "route"), ROUTES)
def test_every_refusal_that_a_route_can_meet_is_documented_with_its_code(service: Service, route: Route) -> None:
    responses = document_of(service)["paths"][route.path][route.method.lower()]["responses"]
    for refusal in refusals_of(route):
        content = responses[str(refusal.status)]["content"]
        assert next(iter(content)) == "application/problem+json"
        assert refusal.code in every("enum", content)[0]
    expected = {401, 403, 503} | ({413, 415, 422} if route.body else set())
    assert expected <= {int(status) for status in responses}


@pytest.mark.parametrize(("service", "route"), BODIES)
def test_every_body_shows_an_example_that_is_read_as_it_stands(service: Service, route: Route) -> None:
    content = document_of(service)["paths"][route.path][route.method.lower()]["requestBody"]["content"]
    ((_, told),) = content.items()
    example = told["example"]
    assert route.body
    assert example
    assert read_json(msgspec.json.encode(example), route.body)


@pytest.mark.parametrize("service", DECLARED, ids=lambda service: service.name)
def test_a_pattern_is_one_that_every_reader_of_json_schema_knows(service: Service) -> None:
    patterns = every("pattern", document_of(service))
    assert patterns
    for pattern in patterns:
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        assert r"\n)" not in pattern


def test_a_body_takes_no_unknown_field_and_says_so() -> None:
    for name in ("WriteNote", "Line", "ChangeNote"):
        assert NOTES["components"]["schemas"][name]["additionalProperties"] is False
    body = operation("/notes", "post")["requestBody"]
    assert body["required"] is True
    assert NOTES["components"]["schemas"]["WriteNote"]["required"] == ["text"]


def test_what_may_be_null_and_what_has_a_format_is_said() -> None:
    fields = NOTES["components"]["schemas"]["WriteNote"]["properties"]
    assert fields["owner_id"]["anyOf"] == [{"type": "string", "format": "uuid"}, {"type": "null"}]
    assert {"type": "string", "format": "date-time"} in fields["written_at"]["anyOf"]
    assert fields["quantity"] == {"type": "integer", "minimum": 1, "maximum": 2**53, "default": 1}
    assert fields["lines"]["maxItems"] == 200


def test_a_query_is_described_parameter_by_parameter_without_null() -> None:
    found = parameters("/notes", "get")
    assert found["number"]["schema"]["type"] == "integer"
    assert found["from"]["schema"] == {"type": "string", "format": "date-time"}
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    assert not any(parameter["required"] for parameter in found.values())
    assert "NoteQuery" not in NOTES["components"]["schemas"]


def test_a_part_of_a_path_is_described() -> None:
    assert parameters("/notes/{note_id}", "get")["note_id"]["schema"] == {"type": "string", "format": "uuid"}
    number = parameters("/notes/numbered/{number}", "get")["number"]
    assert (number["required"], number["schema"]) == (True, {"type": "integer", "minimum": 0, "maximum": 9})


def test_the_headers_that_count_are_described_where_they_count() -> None:
    assert parameters("/notes/{note_id}", "patch")["If-Match"]["required"] is True
    assert parameters("/notes", "post")["Idempotency-Key"]["required"] is False
    assert "If-None-Match" in parameters("/notes/{note_id}", "get")
    assert "Idempotency-Key" not in parameters("/notes/{note_id}", "patch")
    made = operation("/notes", "post")["responses"]["201"]["headers"]
    assert set(made) == {"X-Request-Id", "Location", "Idempotency-Replayed", "ETag"}
    assert set(operation("/notes/{note_id}", "get")["responses"]["304"]["headers"]) == {"X-Request-Id", "ETag"}
    assert "Link" in operation("/notes", "get")["responses"]["200"]["headers"]
    assert "WWW-Authenticate" in operation("/notes", "get")["responses"]["401"]["headers"]
    assert "Retry-After" in operation("/notes", "post")["responses"]["409"]["headers"]


def test_a_problem_may_carry_more_than_it_must() -> None:
    problem = NOTES["components"]["schemas"]["Problem"]
    assert problem["additionalProperties"] is True
    assert set(problem["required"]) == {"type", "title", "status", "code", "detail", "instance", "request_id"}


# The page


class Sources(HTMLParser):
    """Collects what a page loads and what it would run."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline = ""
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag != "a":
            self.loaded += [address for name in ("src", "href") if (address := given.get(name))]
        self.inline += "".join(name for name in given if name.startswith("on"))
        self._in_script = tag == "script"

    def handle_data(self, data: str) -> None:
        self.inline += data.strip() if self._in_script else ""


@pytest.fixture
async def reader(door: Door) -> httpx.AsyncClient:
    """A browser before the documents of the service, without a token."""
    handlers = document_handlers(notes.SERVICE.title, "/notes", "1", notes.SERVICE.declared)
    app = assemble("registration", door.edge, [], handlers)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_the_page_loads_what_is_here_and_nothing_else(reader: httpx.AsyncClient) -> None:
    page = await reader.get("/notes/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    sources = Sources()
    sources.feed(page.text)
    assert "//" not in page.text.replace("<!doctype", "")
    assert sources.inline == "", "the policy would not run it"
    loaded = [address for address in sources.loaded if not address.startswith("data:")]
    assert len(loaded) == 3
    for address in loaded:
        answer = await reader.get(address)
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
        assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))
        assert len(answer.content) > 50
    script = (await reader.get("/notes/docs/page.js")).text
    assert "'/notes/openapi.json'" in script
    assert "validatorUrl: null" in script, "the page would ask a foreign host whether the document is valid"


async def test_the_policy_of_the_page_forbids_whatever_is_foreign(reader: httpx.AsyncClient) -> None:
    policy = (await reader.get("/notes/docs")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert not re.search(r"https?:|\*|unsafe-eval", policy)
    assert "unsafe-inline" not in rules["script-src"]


async def test_the_style_of_the_page_asks_nobody(reader: httpx.AsyncClient) -> None:
    style = (await reader.get("/notes/docs/assets/swagger-ui.css")).text
    assert not [
        address for address in re.findall(r"url\(([^)]*)\)", style) if not address.strip("\"'").startswith("data:")
    ]
    assert "@import" not in style


@pytest.mark.parametrize(
    "name", ["LICENSE", "index.css", "oauth2-redirect.html", "..%2fcore.py", "../core.py", "nothing"]
)
async def test_only_what_the_page_needs_is_served(reader: httpx.AsyncClient, name: str) -> None:
    assert (await reader.get(f"/notes/docs/assets/{name}")).status_code == 404


async def test_the_document_is_served_to_whoever_asks(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/notes/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == msgspec.json.decode(
        msgspec.json.encode(document(notes.SERVICE.title, "1", notes.SERVICE.declared))
    )
    assert (await reader.head("/notes/openapi.json")).content == b""
