"""Before and after: how the decline of those who were trained or had orders changed, beside that of comparable others.

Comparable is who had neither, in the same sector, of the same scale and hit about as hard at the start. Only the
treated who have such others count, and only the others who are comparable to one of them. It shows a difference and no
cause.

Units:  changes in per mille of what there was before the crisis; positive where some of it came back
Source: docs/decisions/0045
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.registration.surveys.cells import CELL_MIN, Quartiles, quartiles

BAND_PERMILLE = 250
"""How far apart two declines at the start may be at most to lie in one band."""

NO_CAUSE = (
    "Ini menunjukkan perbedaan, bukan sebab: siapa yang dilatih atau diberi pesanan dipilih, dan usaha lain berbeda "
    "dalam hal yang tidak ditanyakan."
)
NO_CAUSE_ENGLISH = (
    "This shows a difference and not its cause: who is trained or given orders is chosen, and the others differ in "
    "ways that nobody asked about."
)


class Group(StrEnum):
    """What a business had between two waves; each is in one group."""

    TRAINED = "trained"
    ORDERS = "orders"
    BOTH = "both"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A business that answered both waves, with what it had between them."""

    sector: str
    scale: str | None
    base_permille: int
    now_permille: int
    trained: bool
    orders: bool

    @property
    def change_permille(self) -> int:
        """Give how much came back."""
        return self.base_permille - self.now_permille

    @property
    def group(self) -> Group:
        """Give what it had."""
        if self.trained:
            return Group.BOTH if self.orders else Group.TRAINED
        return Group.ORDERS if self.orders else Group.NEITHER

    @property
    def likeness(self) -> tuple[str, str, int]:
        """Give what comparable businesses have in common; those that had not fallen are one band."""
        return self.sector, self.scale or "", max(-1, self.base_permille // BAND_PERMILLE)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many cases there are, and how much of what there was came back; all None below CELL_MIN cases."""

    cases: int | None
    change: Quartiles | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A group beside its comparable others; `unmatched` of the group have none and are not counted."""

    group: Group
    treated: Spread
    others: Spread
    unmatched: int | None

    @property
    def difference_permille(self) -> int | None:
        """Give the difference of the two medians, or None while either is not shown."""
        if self.treated.change is None or self.others.change is None:
            return None
        return self.treated.change.median - self.others.change.median


def compare(cases: Iterable[Case]) -> list[Compared]:
    """Set each group beside those who had neither and are comparable to it."""
    of: dict[Group, list[Case]] = {group: [] for group in Group}
    for case in cases:
        of[case.group].append(case)
    idle = of.pop(Group.NEITHER)
    return [_compared(group, treated, idle) for group, treated in of.items()]


def _compared(group: Group, treated: Sequence[Case], idle: Sequence[Case]) -> Compared:
    likenesses = {case.likeness for case in idle}
    matched = [case for case in treated if case.likeness in likenesses]
    theirs = {case.likeness for case in matched}
    others = [case for case in idle if case.likeness in theirs]
    unmatched = len(treated) - len(matched)
    told = unmatched if not 0 < unmatched < CELL_MIN else None
    return Compared(group, _spread(matched), _spread(others), told)


def _spread(cases: Sequence[Case]) -> Spread:
    if len(cases) < CELL_MIN:
        return Spread(None, None)
    return Spread(len(cases), quartiles([case.change_permille for case in cases]))
