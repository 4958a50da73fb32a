"""The rules of duplicates: how alike two businesses are, point by point, and what may be decided about a pair.

Source: DOMAIN section 3: the same NIK is certain, a similar name with place and telephone is possible and scored
Shape:  names are folded as `search_folded` folds them (see businesses/searching.py)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from uuid import UUID

from shared.problems import Refusal

RULE = "duplicates-1"
LEGAL_FORMS = frozenset({"cv", "ud", "pt", "pd", "fa", "tb", "toko", "usaha"})
"""What stands before a name and says nothing of whose it is; the keys (`duplicate_key`) are made without these too."""

NAME_POINTS, OWNER_POINTS, PHONE_POINTS, PLACE_POINTS, SECTOR_POINTS = 45, 20, 20, 10, 5
OTHER_NIK_POINTS = -40
"""Two persons are two, however alike their names are; a father's business may bear his son's name."""

POSSIBLE_AT = 62
CERTAIN_NAME = 0.75
ALIKE_AT = 0.35
"""Below this two names have no more in common than any two have."""


class Kind(StrEnum):
    """How sure a pair is."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


class State(StrEnum):
    """What was decided about a pair."""

    OPEN = "open"
    SAME = "same"
    DIFFERENT = "different"
    MERGED = "merged"
    UNDONE = "undone"


FOLLOWS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.OPEN: frozenset({State.SAME, State.DIFFERENT, State.MERGED}),
        State.SAME: frozenset({State.DIFFERENT, State.MERGED}),
        State.DIFFERENT: frozenset({State.SAME}),
        State.MERGED: frozenset({State.UNDONE}),
        State.UNDONE: frozenset({State.SAME, State.DIFFERENT, State.MERGED}),
    }
)
"""What may be decided next; whoever erred about `different` says `same` first, and merges then."""


class CaseDecided(Refusal):
    """What was decided about a pair does not lead to this."""

    code = "duplicate_case_decided"
    title = "Something else was decided about this pair"


class Spelled:
    """A folded name, ready to be compared with many: its words without legal forms, figures, and threes of letters."""

    __slots__ = ("figures", "threes", "words")

    def __init__(self, name: str) -> None:
        words = name.split()
        self.words = sorted([word for word in words if word not in LEGAL_FORMS] or words)
        self.figures = {word for word in self.words if word.isdigit()}
        self.threes = {
            padded[first : first + 3]
            for word in self.words
            for padded in [f"  {word} "]
            for first in range(len(word) + 1)
        }


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a business is compared by; `nik` is the keyed index of its owner's, never the number."""

    id: UUID
    owner_id: UUID
    name: str
    owner: str
    phone: str | None
    region: str
    sector: str
    nik: bytes | None

    @cached_property
    def spelled(self) -> tuple[Spelled, Spelled]:
        """Give both names as they are compared, worked out once for all the pairs that a business is in."""
        return Spelled(self.name), Spelled(self.owner)


@dataclass(frozen=True, slots=True)
class Score:
    """How alike two businesses are: 0 to 100, and the points that it comes of, by what they are for."""

    kind: Kind
    total: int
    points: Mapping[str, int]


def compare(one: Known, other: Known) -> Score | None:
    """Score a pair; None where nobody need look at it."""
    (mine, my_owner), (theirs, their_owner) = one.spelled, other.spelled
    name = alike(mine, theirs)
    if name < ALIKE_AT:  # most pairs; whatever else they share, they are two
        return None
    same_owner = one.owner_id == other.owner_id
    points = {
        "name": _share(NAME_POINTS, name),
        "owner": OWNER_POINTS if same_owner else _share(OWNER_POINTS, alike(my_owner, their_owner)),
        "phone": PHONE_POINTS if one.phone and one.phone == other.phone else 0,
        "place": PLACE_POINTS if one.region == other.region else 0,
        "sector": SECTOR_POINTS if one.sector == other.sector else 0,
        "other_nik": OTHER_NIK_POINTS if not same_owner and one.nik and other.nik else 0,
    }
    total = max(0, sum(points.values()))
    if same_owner and name >= CERTAIN_NAME:
        return Score(Kind.CERTAIN, total, points)
    return Score(Kind.POSSIBLE, total, points) if total >= POSSIBLE_AT else None


def alike(one: Spelled, other: Spelled) -> float:
    """Tell how alike two names are, from 0 to 1, by the threes of letters that they share.

    The order of words does not matter, a letter that is wrong costs three of the threes, and legal forms are left
    out. Other figures make other names: `Cabang 1` is not `Cabang 2`.
    """
    if one.figures != other.figures:
        return 0.0
    if one.words == other.words:
        return 1.0
    return 2 * len(one.threes & other.threes) / (len(one.threes) + len(other.threes))


def _share(most: int, alikeness: float) -> int:
    return round(most * alikeness) if alikeness >= ALIKE_AT else 0


def follow(state: State, wanted: State) -> State:
    """Give what is decided now; raises CaseDecided (409) where what was decided before does not lead to it."""
    if wanted not in FOLLOWS[state]:
        raise CaseDecided(f"It is {state}.", state=state.value)
    return wanted
