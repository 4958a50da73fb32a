"""What the rows of each kind of file are: its columns, what becomes of them, and how that is written."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from services.registration.businesses.told import Kind, Sees
from services.registration.imports.answer_columns import ANSWERS
from services.registration.imports.answer_rows import AnswerRows
from services.registration.imports.business_rows import BusinessRows
from services.registration.imports.columns import BUSINESSES, Layout, Sheet
from services.registration.imports.domain import About, ReadRow
from services.registration.imports.store import ImportRow
from shared.database import Work


class Decided(Protocol):
    """What is to be done about one row."""

    @property
    def kind(self) -> Kind:
        """Tell what becomes of it."""


class Rows(Protocol):
    """Decides about the rows of one file, from its first to its last, and writes what was decided."""

    def begin(self) -> None:
        """Forget the rows so far: the file is gone through from its first row once more."""

    async def decide(self, work: Work, read: Sequence[ReadRow], *, lock: bool) -> Sequence[Decided]:
        """Decide about the next rows, with everything found wrong put to them; with `lock` it is to be written."""

    async def write(self, work: Work, decisions: Sequence[Any], batch: UUID) -> int:
        """Write what `decide` gave, with its events; gives how many businesses are to be compared later.

        Raises: bulk.Overtaken (503) when somebody else was first with one of them; nothing may then be committed
        """


def sheet_of(job: ImportRow) -> Sheet:
    """Give the columns of a file."""
    match About(job.about):
        case About.BUSINESSES:
            return BUSINESSES
        case About.SURVEY_ANSWERS:
            return ANSWERS


def rows_of(job: ImportRow, layout: Layout, sees: Sees) -> Rows:
    """Make ready to decide about the rows of a file."""
    return BusinessRows(layout, sees) if job.survey_id is None else AnswerRows(job.survey_id, layout, sees)
