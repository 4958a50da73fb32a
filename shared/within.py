"""How a question keeps to regions: those that a caller sees are theirs and all that lies inside them."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, false, or_
from sqlalchemy.orm import Mapped


def within(column: Mapped[str], regions: Iterable[str]) -> ColumnElement[bool]:
    """Keep to these regions and all that lies inside them; without any, nothing is left."""
    return or_(false(), *(or_(column == code, column.startswith(f"{code}.", autoescape=True)) for code in regions))
