"""What a change would break for those who rely on a document: yesterday's clients, consumers and events.

Pure functions over two documents, `before` and `after`. Allowed is whatever only adds: a route, a type, a field that
may be left out, an answer's field, a refusal. Summaries, descriptions and examples are not looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from tests.contracts.fitting import Break, Direction, Json, Part, escaped, misfits

PROBLEM = "application/problem+json"
OF_EVENTS = (
    "Keep it as it was and add a field with a default, or make the next version, `.v2`, beside it with an upcaster."
)
OF_ROUTES = "Keep it as it was and add a field that may be left out, or make a new route beside it."


def what_breaks(before: Json, after: Json) -> list[str]:
    """Say line by line what the newer of two documents breaks, and what to do instead; nothing when it only adds."""
    events = "asyncapi" in before
    found = broken_events(before, after) if events else broken_routes(before, after)
    return [*map(str, found), OF_EVENTS if events else OF_ROUTES] if found else []


REFERENCE = re.compile(rb'"\$ref":"([^"]+)"')


class Changes:
    """Which parts of two documents differ, in themselves or in what they refer to: the others need no comparing."""

    def __init__(self, before: Json, after: Json) -> None:
        old, new = _components(before), _components(after)
        self._different = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        refers = {name: _references(value) for name, value in (old | new).items()}
        while more := {name for name, to in refers.items() if to & self._different} - self._different:
            self._different |= more

    def touch(self, old: Json, new: Json) -> bool:
        """Tell whether anything differs here or below."""
        written = msgspec.json.encode(old)
        return written != msgspec.json.encode(new) or bool(_references(written) & self._different)


def _components(document: Json) -> dict[bytes, bytes]:
    """Give each component as it is written, by the reference that leads to it."""
    return {
        f"#/components/{section}/{escaped(name)}".encode(): msgspec.json.encode(value)
        for section, members in document["components"].items()
        for name, value in members.items()
    }


def _references(written: bytes) -> set[bytes]:
    return set(REFERENCE.findall(written))


def broken_events(before: Json, after: Json) -> list[Break]:
    """Compare two AsyncAPI documents: both what lies in streams and who reads them are of yesterday and of today."""
    old, new = Part(before, before, "#"), Part(after, after, "#")
    found = [*_channels(old["channels"], new["channels"]), *_senders(old["operations"], new["operations"])]
    messages, changes = old["components"]["messages"], Changes(before, after)
    for name in messages.value:
        if name in new["components"]["messages"]:
            if not changes.touch(messages.value[name], new["components"]["messages"].value[name]):
                continue
            found += _message(name, messages[name], new["components"]["messages"][name])
        else:
            found.append(Break(name, messages[name].pointer, "is gone: what was published once is read for ever"))
    return list(dict.fromkeys(found))


def _channels(old: Part, new: Part) -> Iterator[Break]:
    for source in old.value:
        if source not in new:
            yield Break(source, old[source].pointer, "is gone")
            continue
        for name in ("address", "x-partitions/of"):
            if _at(old[source].value, name) != _at(new[source].value, name):
                yield Break(source, f"{new[source].pointer}/{name}", "is another: nobody would find the events")
        for name in old[source]["messages"].value:
            if name not in new[source]["messages"]:
                yield Break(source, f"{old[source].pointer}/messages/{name}", "is gone from this stream")


def _at(value: Json, path: str) -> object:
    found: object = value
    for step in path.split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _senders(old: Part, new: Part) -> Iterator[Break]:
    """A receiver may stop listening; a sender may not stop sending."""
    for name in old.value:
        if old[name].value["action"] == "send" and name not in new:
            yield Break(name, old[name].pointer, "is gone")


def _message(name: str, old: Part, new: Part) -> Iterator[Break]:
    for part in ("contentType", "x-subject"):
        if old.value.get(part) != new.value.get(part):
            says = f"was {old.value.get(part)!r} and is {new.value.get(part)!r}"
            yield Break(name, f"{new.pointer}/{part}", says)
    later = Direction(where=name, writer="an event of yesterday", reader="a consumer of today", reader_is_newer=True)
    sooner = Direction(where=name, writer="an event of today", reader="a consumer of yesterday", reader_is_newer=False)
    for part in ("headers", "payload"):
        yield from misfits(old[part], new[part], later)
        yield from misfits(new[part], old[part], sooner)


def broken_routes(before: Json, after: Json) -> list[Break]:
    """Compare two OpenAPI documents: clients of yesterday ask a service of today."""
    old, new = Part(before, before, "#")["paths"], Part(after, after, "#")["paths"]
    renamed, changes = {_nameless(path): path for path in new.value}, Changes(before, after)
    found: list[Break] = []
    for path in old.value:
        now = new[renamed.get(_nameless(path), path)]
        for method in old[path].value:
            where = f"{method.upper()} {path}"
            if method in now and not changes.touch(old.value[path][method], now.value[method]):
                continue
            if method in now:
                found += _route(where, old[path][method], now[method])
            else:
                found.append(Break(where, old[path][method].pointer, "is gone"))
    if before.get("security") != after.get("security"):
        found.append(Break("every route", "#/security", "is another: who could call may no longer"))
    return list(dict.fromkeys(found))


def _nameless(path: str) -> str:
    """Leave the names of a path's parts out: they are not sent."""
    return re.sub(r"{\w+}", "{}", path)


def _route(where: str, old: Part, new: Part) -> Iterator[Break]:
    asked = Direction(where=where, writer="a client of yesterday", reader="this service", reader_is_newer=True)
    if old.value.get("security") != new.value.get("security"):
        yield Break(where, f"{new.pointer}/security", "is another: who could call may no longer")
    yield from _parameters(old, new, asked)
    yield from _body(old, new, asked)
    yield from _answers(old["responses"], new["responses"], where)


def _parameters(old: Part, new: Part, way: Direction) -> Iterator[Break]:
    before, after = _by_place(old), _by_place(new)
    for key, parameter in before.items():
        if key not in after:
            yield Break(way.where, parameter.pointer, f"is gone: `{parameter.value['name']}`")
            continue
        now = after[key]
        if now.value.get("required") and not parameter.value.get("required"):
            yield Break(way.where, now.pointer, f"is required from now on: `{now.value['name']}`")
        yield from misfits(parameter["schema"], now["schema"], way)
    for key, parameter in after.items():
        if key not in before and parameter.value.get("required"):
            yield Break(way.where, parameter.pointer, f"is new and required: `{parameter.value['name']}`")


def _by_place(route: Part) -> dict[tuple[str, str | int], Part]:
    """Give the parameters of a route by how they are sent: those of the path by their order, others by name."""
    found: dict[tuple[str, str | int], Part] = {}
    in_path = 0
    for number, value in enumerate(route.value.get("parameters", ())):
        part = Part(value, route.document, f"{route.pointer}/parameters/{number}").resolved()
        key: str | int = part.value["name"]
        if part.value["in"] == "path":
            key = in_path
            in_path += 1
        found[part.value["in"], key] = part
    return found


def _body(old: Part, new: Part, way: Direction) -> Iterator[Break]:
    before, after = old["requestBody"], new["requestBody"]
    if after.value.get("required") and not before.value.get("required"):
        yield Break(way.where, after.pointer, "is required from now on")
    for media in before["content"].value:
        if media in after["content"]:
            yield from misfits(before["content"][media]["schema"], after["content"][media]["schema"], way)
        else:
            yield Break(way.where, before["content"][media].pointer, "is gone")


def _answers(old: Part, new: Part, where: str) -> Iterator[Break]:
    way = Direction(
        where=where,
        writer="this service",
        reader="a client of yesterday",
        reader_is_newer=False,
        tolerant=True,
    )
    for status in old.value:
        if status not in new:
            yield Break(where, old[status].pointer, "is gone")
            continue
        yield from _told_headers(old[status], new[status], way)
        for media in old[status]["content"].value:
            if media not in new[status]["content"]:
                yield Break(where, old[status]["content"][media].pointer, "is gone")
                continue
            before, after = (answer[status]["content"][media]["schema"] for answer in (old, new))
            yield from misfits(after, before, replace(way, open_values=media == PROBLEM))
            if media == PROBLEM:
                yield from _codes(before, after, where)


def _codes(old: Part, new: Part, where: str) -> Iterator[Break]:
    """A refusal may be added; one that is known keeps its code."""
    before, after = (
        [code for shape in part.alternatives() for code in shape["properties"]["code"].value.get("enum", ())]
        for part in (old, new)
    )
    for code in before:
        if code not in after:
            yield Break(where, f"{old.pointer}/allOf/1/properties/code", f"no longer tells `{code}`")


def _told_headers(old: Part, new: Part, way: Direction) -> Iterator[Break]:
    for name in old["headers"].value:
        before, after = old["headers"][name], new["headers"][name]
        if name not in new["headers"] or (before.value.get("required") and not after.value.get("required")):
            yield Break(way.where, f"{old.pointer}/headers/{escaped(name)}", "is no longer always there")
        else:
            yield from misfits(after["schema"], before["schema"], way)
