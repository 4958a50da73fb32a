"""Composing a message, and the proof at start-up that every message can be composed and fits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from services.notifications.messages.facts import LENGTH_MAX, Reading, values
from services.notifications.messages.rules import RULES, Audience, Rule
from services.notifications.messages.samples import longest
from services.notifications.messages.texts import TEXTS, Words
from services.notifications.people import Language
from shared.contracts import Event

BODY_LENGTH_MAX = 320
TITLE_LENGTH_MAX = 80
WHY_LENGTH_MAX = 160

Texts = Mapping[str, Mapping[Language, Words]]


class BrokenTexts(Exception):
    """The rules and the texts do not fit together; every fault is one line of the message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its reader sees it."""

    title: str
    body: str
    why: str


def compose(purpose: str, event: Event, reading: Reading) -> Message:
    """Put a fact into words for one reader."""
    return _filled(TEXTS[purpose][reading.language], values(event, reading))


def _filled(words: Words, told: Mapping[str, str]) -> Message:
    return Message(words.title.format_map(told), words.body.format_map(told), words.why.format_map(told))


def check(rules: Sequence[Rule] = RULES, texts: Texts = TEXTS) -> None:
    """Prove that every rule can be told in every language within its length, whatever the fact says.

    Raises: BrokenTexts with every fault at once
    """
    faults = [*_rule_faults(rules), *(fault for rule in rules for fault in _text_faults(rule, texts))]
    unused = texts.keys() - {rule.purpose for rule in rules}
    faults += [f"{purpose}: no rule tells this" for purpose in sorted(unused)]
    if faults:
        raise BrokenTexts("\n".join(faults))


def _rule_faults(rules: Sequence[Rule]) -> Iterator[str]:
    purposes = [rule.purpose for rule in rules]
    repeated = {purpose for purpose in purposes if purposes.count(purpose) > 1}
    yield from (f"{purpose}: two rules share this purpose" for purpose in sorted(repeated))
    for rule in rules:
        fields = set(rule.event.__struct_fields__)
        if rule.region not in fields:
            yield f"{rule.purpose}: {rule.event.type} has no field {rule.region}"
        if (rule.tells is Audience.TOLD) != (rule.after is not None):
            yield f"{rule.purpose}: `after` goes with the audience of those told before, and only with it"
        if rule.after is not None and rule.after not in purposes:
            yield f"{rule.purpose}: nobody is told {rule.after}"


def _text_faults(rule: Rule, texts: Texts) -> Iterator[str]:
    for language in Language:
        where = f"{rule.purpose} ({language})"
        words = texts.get(rule.purpose, {}).get(language)
        if words is None:
            yield f"{where}: there is no text"
            continue
        businesses = ("W" * 200, "W" * 200) if rule.tells is Audience.OWNERS else ()
        sample = longest(rule.event)
        told = values(sample, Reading(language, "W" * 200, businesses)) if sample else {}
        yield from (f"{where}: nothing is known of {{{name}}}" for name in sorted(_placeholders(words) - told.keys()))
        # Every value is taken at its greatest length, so what passes here fits whatever the fact may say.
        widest = _filled(words, {name: "W" * length for name, length in LENGTH_MAX.items()} | _unknown(words))
        for part, limit in (("title", TITLE_LENGTH_MAX), ("body", BODY_LENGTH_MAX), ("why", WHY_LENGTH_MAX)):
            length = len(getattr(widest, part))
            if not 0 < length <= limit:
                yield f"{where}: the {part} can have {length} characters, {limit} are allowed"


def _placeholders(words: Words) -> set[str]:
    parts = (words.title, words.body, words.why)
    return {name for part in parts for _, name, _, _ in Formatter().parse(part) if name is not None}


def _unknown(words: Words) -> dict[str, str]:
    return dict.fromkeys(_placeholders(words) - LENGTH_MAX.keys(), "")
