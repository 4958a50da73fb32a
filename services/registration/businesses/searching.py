"""What a clerk types to find a business, and how it is found: part of a name, a telephone number, a NIB.

Names are compared folded: case, accents, dots and apostrophes do not matter, words stand in any order. The folding
is done in one place, the function `search_folded` of the database, for what is stored and for what is asked.
The letters of a name are indexed by threes, which every PostgreSQL can do without an extension.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Text,
    Uuid,
    and_,
    case,
    func,
    literal,
    or_,
    true,
    union,
)
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.registration.businesses import domain
from services.registration.businesses.store import BusinessRow, Wanted, narrowed
from shared.within import within

GRAM = 3
"""Letters in one entry of the index; a shorter word is looked for where a word begins."""

DIGITS_MIN = 4
"""The last digits of a number that are enough to ask for it."""

NIB_DIGITS = 13
NIK_DIGITS = 16
WRITTEN = re.compile(r"\+?[0-9][0-9 ().-]*", re.ASCII)
"""A number as people write it down."""

EXACT, BEGINS, WORDS, WITHIN = 3, 2, 1, 0
"""How well a business answers the question: by its whole name, its beginning, the beginnings of words, or inside."""


class BusinessSearchRow(SQLModel, table=True):
    """What a business is found by; kept by triggers whenever its name, its owner's name or telephone changes."""

    __tablename__ = "business_search"
    __table_args__ = (
        CheckConstraint("phone_reversed = reverse(phone)", name="business_search_phone_reversed"),
        CheckConstraint("(phone IS NULL) = (phone_reversed IS NULL)", name="business_search_phone_both_ways"),
        Index("business_search_grams", "grams", postgresql_using="gin"),
        Index("business_search_phone", "phone", postgresql_ops={"phone": "text_pattern_ops"}),
        Index("business_search_phone_tail", "phone_reversed", postgresql_ops={"phone_reversed": "text_pattern_ops"}),
    )

    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("business.id", ondelete="CASCADE"), primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    phone: str | None = Field(default=None, sa_column=Column(Text))
    phone_reversed: str | None = Field(default=None, sa_column=Column(Text))
    grams: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


@dataclass(frozen=True, slots=True)
class Question:
    """What was typed, as it can be asked for.

    Shape:  `words` are folded; `phone_begins` is E.164 as far as it goes, `phone_ends` digits from the last to the
            first; what is None or empty is not asked for
    """

    words: tuple[str, ...] = ()
    phone_begins: str | None = None
    phone_ends: str | None = None
    nib: str | None = None

    @property
    def empty(self) -> bool:
        """Tell that nothing which could be found was typed."""
        return not (self.words or self.phone_ends or self.nib)


def is_nik(typed: str) -> bool:
    """Tell what may be a NIK, which has no place in an address."""
    return WRITTEN.fullmatch(typed.strip()) is not None and len(_digits(typed)) == NIK_DIGITS


def question(typed: str, folded: str, *, phones: bool) -> Question:
    """Read what was typed; telephone numbers are looked up only for those who may see them."""
    words = tuple(dict.fromkeys(folded.split()))
    digits = _digits(typed)
    if not WRITTEN.fullmatch(typed.strip()) or len(digits) < DIGITS_MIN:
        return Question(words=words)
    return Question(
        words=words,
        phone_begins=_from_the_beginning(typed, digits) if phones else None,
        phone_ends=digits[::-1] if phones else None,
        nib=digits if len(digits) == NIB_DIGITS else None,
    )


def _digits(typed: str) -> str:
    return re.sub(r"[^0-9]", "", typed)


def _from_the_beginning(typed: str, digits: str) -> str | None:
    """Give E.164, as far as it goes, of a number that is written from its beginning, with 0, 62 or +62."""
    if typed.strip().startswith("+"):
        return f"+{digits}"
    if digits.startswith("62"):  # before it could be read as a local number that begins so
        return f"+{digits}"
    if whole := domain.e164(typed):
        return whole
    return f"+62{digits[1:]}" if digits.startswith("0") else None


def grams(words: Sequence[str]) -> list[str]:
    """Give the entries of the index that every name with these words has."""
    found = [word[start : start + GRAM] for word in words for start in range(len(word) - GRAM + 1)] + [
        f"  {word}"[-GRAM:] for word in words if len(word) < GRAM
    ]
    return list(dict.fromkeys(found))


async def folded(session: AsyncSession, typed: str) -> str:
    """Fold what was typed as the names are folded that it is compared with."""
    return str((await session.execute(select_columns(func.search_folded(typed)))).scalar_one())


async def matching(
    session: AsyncSession,
    asked: Question,
    wanted: Wanted,
    own: Sequence[str],
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[tuple[BusinessRow, int]]:
    """Give the businesses that answer a question, the best first and then the oldest, each with how well it does."""
    rank = ranked(asked)
    rows = answers(asked, wanted, own, rank)
    if after is not None:
        least, last = after
        rows = rows.where(or_(rank < least, and_(rank == least, col(BusinessRow.id) > last)))
    best = rows.order_by(rank.desc(), col(BusinessRow.id)).limit(limit)
    return [(row, int(value)) for row, value in await session.execute(best)]


def answers(asked: Question, wanted: Wanted, own: Sequence[str], rank: ColumnElement[int]) -> Any:
    """Ask for the businesses that answer a question, each with how well it does."""
    found = union(*_candidates(asked)).subquery()
    return (
        narrowed(select(BusinessRow), wanted)
        .add_columns(rank)
        .join(found, found.c.business_id == col(BusinessRow.id))
        .join(BusinessSearchRow, col(BusinessSearchRow.business_id) == col(BusinessRow.id))
        .where(within(col(BusinessRow.region), own))
    )


def _candidates(asked: Question) -> list[Any]:
    business_id: Any = col(BusinessSearchRow.business_id).label("business_id")
    found: list[Any] = []
    if asked.words:
        names = col(BusinessSearchRow.grams).contains(grams(asked.words))
        found.append(select_columns(business_id).where(names, *(_has(word) for word in asked.words)))
    if asked.phone_begins:
        begins = col(BusinessSearchRow.phone).startswith(asked.phone_begins, autoescape=True)
        found.append(select_columns(business_id).where(begins))
    if asked.phone_ends:
        ends = col(BusinessSearchRow.phone_reversed).startswith(asked.phone_ends, autoescape=True)
        found.append(select_columns(business_id).where(ends))
    if asked.nib:
        found.append(select_columns(col(BusinessRow.id).label("business_id")).where(col(BusinessRow.nib) == asked.nib))
    return found


def _names() -> ColumnElement[str]:
    return literal(" ").concat(col(BusinessSearchRow.name)).concat(" ").concat(col(BusinessSearchRow.owner))


def _has(word: str) -> ColumnElement[bool]:
    # Folded words hold letters and figures alone, so nothing in them means more than itself.
    return _names().like(f"%{word}%" if len(word) >= GRAM else f"% {word}%")


def ranked(asked: Question) -> ColumnElement[int]:
    """Say how well a business answers a question."""
    name, whole = col(BusinessSearchRow.name), " ".join(asked.words)
    exact = [name == whole]
    if asked.nib:
        exact.append(col(BusinessRow.nib) == asked.nib)
    if asked.phone_begins:
        exact.append(col(BusinessSearchRow.phone) == asked.phone_begins)
    return case(
        (or_(*exact), EXACT),
        (name.startswith(whole, autoescape=True), BEGINS),
        (and_(true(), *(_names().like(f"% {word}%") for word in asked.words)), WORDS),
        else_=WITHIN,
    )
