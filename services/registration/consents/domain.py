"""The rules of consent: which texts there are, what an act needs to be one, and what may follow what.

Source: Law 27/2022 (DOMAIN section 6): the text with its version, the time and the proof are kept; taking consent back
        is as easy as giving it, so a withdrawal needs neither paper nor witness
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from shared.problems import FieldError, Refusal

TEXTS_FILE = "texts.toml"
LANGUAGES = ("id", "en")


class Kind(StrEnum):
    """What is agreed to; each has texts of its own, and nothing follows from one for another."""

    CONTACT_BY_PHONE = "contact_by_phone"
    PUBLISH_STORY = "publish_story"
    SHARE_WITH_PARTNER = "share_with_partner"


class How(StrEnum):
    """How somebody said so."""

    SIGNATURE = "signature"
    THUMBPRINT = "thumbprint"
    SPOKEN = "spoken"
    ONLINE = "online"


PAPER = frozenset({How.SIGNATURE, How.THUMBPRINT})


@dataclass(frozen=True, slots=True)
class ConsentText:
    """A text in one version, in every language that it is shown in."""

    id: str
    kind: Kind
    version: int
    words: Mapping[str, str]

    def digest(self, language: str) -> bytes:
        """Give the SHA-256 of what is shown in one language, by which it is known again for ever."""
        return sha256(self.words[language].encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Somebody agrees to a text, or takes back what they agreed to; withdrawals name no text."""

    kind: Kind
    given: bool
    how: How
    happened_at: datetime
    text_id: str | None = None
    text_version: int | None = None
    language: str | None = None
    proof: str | None = None
    witness: str | None = None


class TextChanged(Exception):
    """A text that was agreed to has been edited; it must be put back, and the new wording be a new version."""


class ConsentNotGiven(Refusal):
    """What was never given, or is taken back already, cannot be taken back."""

    code = "consent_not_given"
    title = "There is no consent of this kind to take back"


class ConsentOvertaken(Refusal):
    """The owner has said something later about the same."""

    code = "consent_overtaken"
    title = "The owner has said something later"


@cache
def texts() -> Mapping[tuple[str, int], ConsentText]:
    """Give all texts by id and version; raises TextChanged for one that is not what it was published as."""
    told = tomllib.loads((files(__package__) / TEXTS_FILE).read_text("utf-8"))
    return {(one.id, one.version): one for one in map(_text, told["text"])}


def _text(told: Mapping[str, Any]) -> ConsentText:
    words = {language: told["shown"][language]["words"] for language in LANGUAGES}
    text = ConsentText(told["id"], Kind(told["kind"]), told["version"], words)
    for language in LANGUAGES:
        if text.digest(language).hex() != told["shown"][language]["sha256"]:
            raise TextChanged(f"{text.id}, version {text.version}, in {language}")
    return text


def mistakes(act: Act, now: datetime) -> list[FieldError]:
    """Find everything wrong with an act by itself, by JSON Pointers into the order that tells it."""
    errors = list(_of_text(act)) if act.given else []
    if not act.given and act.text_id is not None:
        errors.append(FieldError("/text", "not_for_withdrawal", "A withdrawal names no text."))
    if act.given and act.how in PAPER and act.proof is None:
        errors.append(FieldError("/proof", "missing", "Say where the signed paper is kept."))
    if act.given and act.how is How.SPOKEN and act.witness is None:
        errors.append(FieldError("/witness", "missing", "Spoken consent needs a witness."))
    if act.happened_at > now:
        errors.append(FieldError("/happened_at", "in_the_future", f"It is {now.isoformat()}."))
    return errors


def _of_text(act: Act) -> list[FieldError]:
    if act.text_id is None or act.text_version is None:
        return [FieldError("/text", "missing", "Consent is given to a text.")]
    known = texts().get((act.text_id, act.text_version))
    if known is None or known.kind is not act.kind:
        return [FieldError("/text/id", "unknown_text", "There is no text of this id and version for this kind.")]
    return []


def follow(before: tuple[bool, datetime] | None, act: Act) -> None:
    """Let an act follow what was said last, whether given and when.

    Raises: ConsentNotGiven, ConsentOvertaken (409)
    """
    if before is not None and act.happened_at < before[1]:
        raise ConsentOvertaken(f"What was said last is of {before[1].isoformat()}.")
    if not act.given and not (before and before[0]):
        raise ConsentNotGiven
