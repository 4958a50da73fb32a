"""What the words of an owner mean: yes, no, stop, start, or something that only a person can answer."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.notifications.people import e164

TEXT_LENGTH_MAX: Final = 1_000
"""What is kept of a reply; six messages of a telephone together, and nobody types more into one."""

KEPT: Final = timedelta(days=365)
"""After so long the words of a reply and its sender's number are taken away (DOMAIN personal data)."""

CHOICE_KEPT: Final = timedelta(days=7)
"""So long "YA 2" is understood after the question which; no offer is open for longer without a new one."""

ANSWERS_PER_HOUR_MAX: Final = 10
"""So many answers to one number in an hour: two machines that answer each other come to rest."""


class Meaning(StrEnum):
    """What a reply says."""

    YES = "yes"
    NO = "no"
    STOP = "stop"
    START = "start"
    OTHER = "other"


class Outcome(StrEnum):
    """What became of a reply."""

    ANSWERED = "answered"
    ASKED_WHICH = "asked_which"
    NO_OFFER = "no_offer"
    TOO_LATE = "too_late"
    STOPPED = "stopped"
    STARTED = "started"
    PASSED_ON = "passed_on"
    UNKNOWN_SENDER = "unknown_sender"


WORDS: Mapping[str, Meaning] = MappingProxyType(
    {
        **dict.fromkeys(("YA", "IYA", "YAA", "IYAA", "Y", "YES", "SETUJU", "TERIMA", "IKUT"), Meaning.YES),
        **dict.fromkeys(("TIDAK", "TDK", "TIDA", "TAK", "NO", "N", "GAK", "NGGAK", "ENGGAK", "TOLAK"), Meaning.NO),
        **dict.fromkeys(("STOP", "BERHENTI", "HENTI", "UNSUBSCRIBE"), Meaning.STOP),
        **dict.fromkeys(("MULAI", "START"), Meaning.START),
    }
)
"""Every word that is understood, as people write it to such services; anything longer is for a person to read."""

COURTESY: Final = frozenset({"PAK", "BU", "BAPAK", "IBU", "MIN", "KAK", "MAS", "MBAK", "TERIMAKASIH", "MAKASIH"})
WORD: Final = re.compile(r"[A-Z]+|[0-9]+")
CHOICES_MAX: Final = 9
ANSWERED: Final = re.compile(
    r"(on|pada)\b.{1,300}\b(wrote|menulis) ?:?|-{2,40}.{0,40}-{2,40}|_{5,99}"
    r"|(from|dari): .{1,200}|(sent|dikirim) (from|dari) .{1,99}",
    re.IGNORECASE,
)
"""The line under which mail programs put what is answered, or by which they praise themselves."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came in over a channel: `sender` is a telephone number or an address, `at` when it was written.

    Shape: (`channel`, `provider_id`) is the reply, however often it is told; where it is not `verified` that it came
           from that sender, as anybody may write any address over a letter, nobody is answered and nothing is changed
    """

    channel: str
    provider_id: str
    sender: str
    text: str
    at: datetime
    verified: bool = True

    def __repr__(self) -> str:
        return f"Reply({self.channel!r}, {self.provider_id!r})"  # a value that ends in a log shows no words


@dataclass(frozen=True, slots=True)
class Read:
    """A reply as it is understood; `choice` is the number of an offer, counted from 1."""

    meaning: Meaning
    choice: int | None = None


def read(text: str) -> Read:
    """Understand a reply: "Ya pak!" is yes, "YA 2" yes to the second; "ya tapi besok" is for a person."""
    folded = unicodedata.normalize("NFKD", text).upper()
    words = WORD.findall("".join(one for one in folded if not unicodedata.combining(one)))
    spoken = [word for word in words if word not in COURTESY]
    if not spoken or _says_more(folded, words):
        return Read(Meaning.OTHER)
    first, rest = WORDS.get(spoken[0], Meaning.OTHER), spoken[1:]
    if all(WORDS.get(word) is first for word in rest):
        return Read(first)
    number = rest[0] if len(rest) == 1 and rest[0].isdecimal() else ""
    if first in (Meaning.YES, Meaning.NO) and number and 1 <= int(number[:2]) <= CHOICES_MAX and len(number) == 1:
        return Read(first, int(number))
    return Read(Meaning.OTHER)


def own_words(letter: str) -> str:
    """Give what somebody wrote themselves into a letter: what it answers, and the signature, are left out."""
    lines = [line.strip() for line in letter.splitlines()]
    for index, line in enumerate(lines):
        over_two = f"{line} {lines[index + 1]}" if index + 1 < len(lines) else line  # programs break such a line
        if line == "--" or line.startswith(">") or ANSWERED.fullmatch(line) or ANSWERED.fullmatch(over_two):
            return "\n".join(lines[:index]).strip()
    return "\n".join(lines).strip()


def _says_more(folded: str, words: list[str]) -> bool:
    """Tell whether there is writing that is none of these words: another script, or a word broken by it."""
    return sum(map(len, words)) < sum(1 for one in folded if one.isalnum())


def sender_of(sender: str) -> tuple[str | None, str | None]:
    """Give a sender as (telephone in E.164, None), as (None, address in small letters), or as (None, None)."""
    told = sender.strip()
    if "@" in told:
        return None, told.lower()
    return e164(told), None


def kept(text: str) -> str:
    """Give the words of a reply as they are kept: one line of visible characters, and no longer than the limit."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line[:TEXT_LENGTH_MAX]
