"""The AsyncAPI document as a page to read: no script, no other file, nothing from elsewhere.

Its one style stands in it, and its policy names that style by its hash and forbids all else.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from re import sub
from typing import Any

import msgspec

from shared.asyncapi import words
from shared.who_tells_whom import picture

Json = dict[str, Any]
STYLE = Path(__file__).with_name("asyncapi.css").read_text()
STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{style}</style></head>
<body><h1>{title}</h1>
<nav>{links}</nav>
<p>{first}</p>
{picture}
<nav>{contents}</nav>
{channels}
<h2 id="entry">What stands beside the payload</h2>
{headers}
<h2 id="rules">How to read a stream</h2>
<ul>{rules}</ul>
</body></html>
"""
FORMATS = {"uuid": "uuid", "date-time": "moment", "date": "date"}
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no", "null": "null"}


def page(document: Json, links: Mapping[str, str]) -> str:
    """Write the page of a document, with links to other pages: what they are called, and their addresses."""
    first, _, rules = document["info"]["description"].partition("\n\n")
    channels = document["channels"]
    contents = {channel["title"]: f"#{name}" for name, channel in channels.items()}
    return PAGE.format(
        title=escape(document["info"]["title"]),
        style=STYLE,
        links=_links(links),
        first=_spelled(first),
        picture=picture(_flows(document)),
        contents=_links(contents | {"Beside the payload": "#entry", "How to read": "#rules"}),
        channels="".join(_channel(document, name) for name in channels),
        headers=_table(document["components"]["schemas"]["Headers"], document),
        rules="".join(f"<li>{_spelled(rule)}</li>" for rule in rules.removeprefix("* ").split("\n* ")),
    )


def _flows(document: Json) -> dict[str, tuple[int, list[str]]]:
    """Give for each source how many types it tells, and who listens."""
    return {
        name: (len(channel["messages"]), _services(document, name, "receive"))
        for name, channel in document["channels"].items()
    }


def _services(document: Json, source: str, action: str) -> list[str]:
    return [
        operation["tags"][0]["name"]
        for operation in document["operations"].values()
        if operation["action"] == action and operation["channel"]["$ref"] == f"#/channels/{source}"
    ]


def _links(links: Mapping[str, str]) -> str:
    return "".join(f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in links.items())


def _spelled(text: str) -> str:
    """Write a text, with what it has between backquotes as code."""
    return sub(r"`([^`]*)`", r"<code>\1</code>", escape(text.strip(), quote=False))


def _channel(document: Json, source: str) -> str:
    channel = document["channels"][source]
    partitions, retention = channel["x-partitions"], channel["x-retention"]
    receivers = [words(name) for name in _services(document, source, "receive")]
    facts = {
        "Stream": f"`{channel['address']}`",
        "Sent by": ", ".join(words(name) for name in _services(document, source, "send")),
        "Received by": ", ".join(receivers) or "nobody yet",
        "Partitions": f"{partitions['count']}, by `{partitions['of']}`",
        "Kept": f"{retention['stream_days_min']} days in the stream, {retention['outbox_days_min']} in the outbox, "
        "and until every receiver has passed",
        "An event": f"at most {channel['x-data-bytes-max'] // 1000} kB",
    }
    told = "".join(f"<dt>{name}</dt><dd>{_spelled(fact)}</dd>" for name, fact in facts.items())
    messages = "".join(_message(document, name) for name in channel["messages"])
    return f'<h2 id="{source}" class="{source}">{channel["title"]}</h2><dl class="facts">{told}</dl>{messages}'


def _message(document: Json, name: str) -> str:
    message = document["components"]["messages"][name]
    subject = f"<p>About <code>{escape(message['x-subject'])}</code></p>" if "x-subject" in message else ""
    return (
        f'<details id="{name}"><summary><b>{escape(message["title"])}</b> <code class="soft">{name}</code>'
        f"<span>{_spelled(message['summary'])}</span></summary>"
        f'<div class="inside">{subject}{_table(message["payload"], document)}{_examples(message)}</div></details>'
    )


def _examples(message: Json) -> str:
    shown = ((part, example[part]) for example in message.get("examples", ()) for part in ("payload", "headers"))
    return "".join(
        f"<h3>Example: {part}</h3><pre>{escape(msgspec.json.format(msgspec.json.encode(value)).decode())}</pre>"
        for part, value in shown
    )


def _table(schema: Json, document: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td>"
        f'<td>{_kind(part, document)} <span class="soft">{_note(part, always=always)}</span></td></tr>'
        for field, part, always in _fields(schema, document)
    )
    return f'<div class="wide"><table><tr><th>Field</th><th>Type</th></tr>{rows}</table></div>'


def _fields(schema: Json, document: Json, before: str = "") -> Iterator[tuple[str, Json, bool]]:
    """Give the fields of an object and, below a list, those of its items."""
    shape = _resolved(schema, document)
    for name, part in shape["properties"].items():
        yield before + name, part, name in shape["required"]
        items = _resolved(part.get("items", {}), document)
        if "properties" in items:
            yield from _fields(items, document, f"{before}{name}[].")


def _resolved(schema: Json, document: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Json = document["components"]["schemas"][name] if name else schema
    return found


def _kind(schema: Json, document: Json) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(option, document) for option in schema["anyOf"])
    shape = _resolved(schema, document)
    if shape.get("type") == "array":
        return f"list of {_kind(shape['items'], document)}"
    return escape(shape.get("title") or FORMATS.get(shape.get("format", ""), TYPES.get(shape.get("type", ""), "any")))


def _note(schema: Json, *, always: bool) -> str:
    told = ["", schema["description"]] if "description" in schema else [""]
    if "x-messagepack" in schema:
        told.append(f"MessagePack {schema['x-messagepack']}")
    if not always:
        told.append(f"when absent: {msgspec.json.encode(schema.get('default')).decode()}")
    return _spelled(" · ".join(told))
