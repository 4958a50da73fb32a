"""The rules about personal data: what may be revealed and how often, and how the numbers of family cards follow.

Units:  days are days in WIB
Source: DOMAIN section 6 (Law 27/2022); KK numbers change, and their history is kept
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from shared.person_numbers import kk_fault
from shared.problems import FieldError, Refusal, TooMany
from shared.roles import Action

WORD_LETTERS_MIN = 3
"""Shorter words of a name (H., Hj.) name nobody."""

REVEALS_PER_DAY = 50
"""How often one caller may look in a day of WIB: more than a day of casework needs, too few to copy a list."""

SAME_CARD_MAX = 20


class Secret(StrEnum):
    """What stands masked, or is not shown at all, until somebody says why they need it."""

    NIK = "nik"
    KK = "kk"
    ANNUAL_SALES = "annual_sales"


NEEDS: Mapping[Secret, Action] = {
    Secret.NIK: Action.REVEAL_IDENTITY,
    Secret.KK: Action.REVEAL_IDENTITY,
    Secret.ANNUAL_SALES: Action.REVEAL_TURNOVER,
}
"""The right that each takes: turnover is specific personal data, and has one of its own."""


class RevealsUsedUp(TooMany):
    """The caller has looked as often as one may in a day."""

    code = "reveals_used_up"
    title = "No more can be revealed to you today"


class NothingToReveal(Refusal):
    """Nothing of the kind is known of this person."""

    code = "nothing_to_reveal"
    title = "This is not known of the person"


class KkUnchanged(Refusal):
    """The family card is the one that is known already."""

    code = "kk_unchanged"
    title = "This is the family card that is known already"


class LegalHold(Refusal):
    """The law demands that the data are kept for now; `holds` says what for."""

    code = "legal_hold"
    title = "These data must be kept for now"


class NotRestricted(Refusal):
    """There is no restriction to be lifted."""

    code = "not_restricted"
    title = "Processing of this person's data is not restricted"


def kk_mistakes(leaves: Mapping[str, object], today: date) -> list[FieldError]:
    """Find what is wrong with the number of a family card and the day since when it holds."""
    errors = []
    kk, since = leaves.get("/kk"), leaves.get("/since")
    if isinstance(kk, str) and (detail := kk_fault(kk)):
        errors.append(FieldError("/kk", "invalid_kk", detail))
    if isinstance(since, date) and since > today:
        errors.append(FieldError("/since", "in_the_future", f"Today is {today}."))
    return errors


def follows(since: date, current: date | None) -> list[FieldError]:
    """Find what is wrong with the day of a new card beside the one that holds now: it must come after it."""
    if current is None or since > current:
        return []
    detail = f"The card that is known holds since {current}; a new one begins later."
    return [FieldError("/since", "not_after_the_one_before", detail)]


def bears_name(trade_name: str, owner_name: str) -> bool:
    """Tell whether a trade name bears the name of its owner: any word of that of three letters or more."""
    words = {word for word in _words(owner_name) if len(word) >= WORD_LETTERS_MIN}
    return not words.isdisjoint(_words(trade_name))


def _words(name: str) -> set[str]:
    return set("".join(letter if letter.isalnum() else " " for letter in name.casefold()).split())
