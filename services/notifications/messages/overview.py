"""Which fact tells whom, in which class and over which channels, as a page that people read; and what it would say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.notifications.messages.domain import Message, compose
from services.notifications.messages.facts import Reading
from services.notifications.messages.rules import RULES, Audience, Rule
from services.notifications.messages.samples import longest
from services.notifications.people import Language
from services.notifications.plans import PERSONAL
from shared.problems import FieldError, Invalid

ALWAYS = ("inbox",)
AUDIENCES: Mapping[Audience, str] = {
    Audience.OWNERS: "owners of the businesses named",
    Audience.OFFICE: "officers of the region, staff of the province",
    Audience.KEEPERS: "the office whose stock or station it is",
    Audience.NAMED: "the member of staff named, where they serve the region",
    Audience.TOLD: "whoever was told before",
}
HEAD = """# Which event tells whom

This page is made from the table of rules (`services/notifications/messages/rules.py`); a test keeps it true. It is
made anew with `python -m services.notifications.messages.overview > docs/messages.md`.

The inbox always has everything. *Outside* means WhatsApp, then SMS, then e-mail, and for staff before these the system
of their office and Apprise: the first that the reader has, has not switched off for the class, and that works. Nothing
leaves between 20:00 and 07:00 of the reader's zone, and nothing after STOP; only a code that somebody has just asked
for comes at any hour. *Until* is the field of the event after which a message is of no use; without it a week. *Kind*
is what staff subscribe to. One person gets one message per fact and purpose, ever. `digest` is the one message a day
of all information, for whoever chose it; `not_told` tells an office of a required message or an invitation that
reached its reader over no channel.

| Event | Tells | Purpose | Class | Channels | Until | Kind |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Preview:
    """A message in one language as its reader would see it."""

    language: Language
    message: Message


def channels_of(rule: Rule) -> tuple[str, ...]:
    """Name the channels that a rule may use, in the order of trying; the inbox is always one."""
    return (*ALWAYS, *(channel.value for channel in PERSONAL)) if rule.outside else ALWAYS


def rule_of(purpose: str) -> Rule | None:
    """Find the rule of a purpose."""
    return next((rule for rule in RULES if rule.purpose == purpose), None)


def previews(rule: Rule, fields: Mapping[str, Any]) -> list[Preview]:
    """Put an event into the words of a rule in every language; what `fields` leaves out is at its longest.

    Raises: Invalid (422) for fields that the event does not have or that are of another shape
    """
    sample = longest(rule.event)
    known = {name: msgspec.to_builtins(getattr(sample, name)) for name in rule.event.__struct_fields__}
    if unknown := fields.keys() - known.keys():
        raise Invalid(
            [FieldError(f"/event/{name}", "unknown_event_field", "No such field.") for name in sorted(unknown)]
        )
    try:
        event = msgspec.convert({**known, **fields}, rule.event)
    except msgspec.ValidationError as fault:
        raise Invalid([FieldError(_pointer(str(fault)), "wrong_shape", str(fault).split(" - at ")[0])]) from None
    businesses = ("Usaha Contoh",) if rule.tells is Audience.OWNERS else ()
    readings = [Reading(language, None, businesses, (str(getattr(event, rule.region)),)) for language in Language]
    return [Preview(reading.language, compose(rule.purpose, event, reading)) for reading in readings]


def _pointer(told: str) -> str:
    """Turn the place that msgspec names, such as `$.lines[0].unit`, into a pointer."""
    _, _, place = told.partition(" - at `$")
    return "/event" + re.sub(r"[.\[]", "/", place.rstrip("`").replace("]", ""))


def page() -> str:
    """Give the table of all rules in Markdown."""
    return HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for rule in RULES:
        told = AUDIENCES[rule.tells] + (f" (`{rule.after}`)" if rule.after else "")
        way = "inbox, outside" if rule.outside else "inbox"
        until = f"`{rule.until}`" if rule.until else ""
        kind = rule.kind.value if rule.kind else ""
        event = rule.event.__name__
        yield f"| {event} | {told} | `{rule.purpose}` | {rule.urgency.value} | {way} | {until} | {kind} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  this is what it is for
