"""What a benchmark finds: a row of the report, made of figures that were taken in turns."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median

Say = Callable[[str], None]
Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a row must come to.

    Shape: `ratio` says whether the limit is for the ratio or for the figure, `most` whether it is the highest or lowest
    """

    limit: float
    ratio: bool = False
    most: bool = False

    def met(self, found: float) -> bool:
        """Tell whether a figure keeps to the limit."""
        return found <= self.limit if self.most else found >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report.

    Shape: `figures` and `others` are of the same repetitions, in their order; `others` is what is compared `against`
    """

    what: str
    unit: str
    figures: list[float]
    against: str = ""
    others: list[float] = field(default_factory=list)
    budgets: tuple[Budget, ...] = ()

    @property
    def figure(self) -> float:
        """Give the median of the figures."""
        return median(self.figures)

    @property
    def ratios(self) -> list[float]:
        """Give the ratio of each repetition, in which noise hit both alike."""
        return [figure / other for figure, other in zip(self.figures, self.others, strict=False)]

    @property
    def ratio(self) -> float | None:
        """Give the median of the ratios, None where nothing is compared."""
        return median(self.ratios) if self.others else None

    @property
    def met(self) -> bool | None:
        """Tell whether every budget is met, None where there is none."""
        found = [(budget, self.ratio if budget.ratio else self.figure) for budget in self.budgets]
        return all(value is not None and budget.met(value) for budget, value in found) if found else None


def shown(value: float) -> str:
    """Give a figure with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
