"""What becomes of the rows of a file of answers to a wave: each new, in place of another, said already, or refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.registration.businesses import bulk, told
from services.registration.businesses.bulk import Overtaken
from services.registration.businesses.told import Fault, Kind, Known, Sees, Several
from services.registration.imports.answer_columns import ANSWERS
from services.registration.imports.columns import Layout
from services.registration.imports.domain import ReadRow, note
from services.registration.surveys import answers, domain, store
from services.registration.surveys.answers import Given
from services.registration.surveys.domain import AnswerData, Channel
from services.registration.surveys.orders import DATA
from shared.clock import wib_day
from shared.database import Work
from shared.problems import Invalid, Refusal

TURNOVER = ("turnover_before_rupiah", "turnover_now_rupiah")
NAMES_IT = frozenset({"id", "nib", "nik", "name", "region", "owner_name"})
FIELDS: Mapping[str, str] = {"document": "answer_document", "business_id": "name", "survey_id": "name"}
"""Columns that bear another name than the field of an answer; the others bear the same."""

# Of a wave one file after the other is written: what the first has said the second finds said already.
ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended('survey_answers_import/' || :survey_id, 0))")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDecision:
    """What is to be done about one row; `given` is to be taken where it is new or changed."""

    kind: Kind
    given: Given | None = None


class AnswerRows:
    """Decides about answers as writing them down one by one does."""

    def __init__(self, survey_id: UUID, layout: Layout, sees: Sees) -> None:
        """Take the wave, where the columns stand, and what the sender sees."""
        self._survey_id = survey_id
        self._layout = layout
        self._sees = sees
        self._rows: dict[UUID, int] = {}

    def begin(self) -> None:
        """Forget the rows so far."""
        self._rows.clear()

    async def decide(self, work: Work, read: Sequence[ReadRow], *, lock: bool) -> Sequence[AnswerDecision]:
        """Decide about the next rows; with `lock` no other file is written to the wave until the end."""
        if lock:
            await work.session.execute(ONE_BY_ONE, {"survey_id": str(self._survey_id)})
        known = await bulk.known_of(work, [one.told for one in read], lock=False)
        meant = [self._meant(one, known) for one in read]
        counting = await answers.counting(work, self._survey_id, {one for one, _ in meant if one})
        faults = [list(found) for _, found in meant]
        told_before = [counting.get(business) if business else None for business, _ in meant]
        for one, wrong, before in zip(read, faults, told_before, strict=True):
            wrong.extend(_masked(one, before))
        fine = [
            (place, Given(survey_id=self._survey_id, business_id=business, data=data, channel=Channel.IMPORT))
            for place, (business, _) in enumerate(meant)
            if business and (data := _data(read[place], told_before[place]))
        ]
        refused = await answers.refusals(work, [given for _, given in fine])
        for (place, _), refusal in zip(fine, refused, strict=True):
            faults[place].extend(_of_refusal(refusal) if refusal else ())
        given_at = dict(fine)
        await self._others(work, read, faults, set(given_at))
        decisions = []
        for place, one in enumerate(read):
            refuses = bool(one.findings or faults[place])
            note(one, self._layout, faults[place], ANSWERS.by_field)
            decisions.append(
                AnswerDecision(kind=Kind.REFUSED) if refuses else _decision(given_at[place], told_before[place])
            )
        return decisions

    async def write(self, work: Work, decisions: Sequence[AnswerDecision], batch: UUID) -> int:  # noqa: ARG002  as all do
        """Take the answers that were decided to be taken, with their events."""
        given = [one.given for one in decisions if one.given]
        if any(isinstance(one, Refusal) for one in await answers.take(work, given)):
            raise Overtaken("What was answered was decided otherwise at this moment.")
        return 0

    def _meant(self, one: ReadRow, known: Known) -> tuple[UUID | None, list[Fault]]:
        try:
            business = told.matched(one.told, known, self._sees)
        except Several:
            return None, [Fault("name", "ambiguous_match", "More than one business is meant; name its id.")]
        except LookupError:
            return None, [Fault("id", "unknown_business", "There is no business of this id.")]
        if business is None and any(found.column in NAMES_IT for found in one.findings):
            return None, []  # what would have named it could not be read, and that is told
        if business is None or not self._sees(known.businesses[business]["region"]):
            detail = "No business was found; give its id, its NIB, its NIK and name, or region, name and owner."
            return None, [Fault(_looked_by(one), "unknown_business", detail)]
        before = self._rows.setdefault(business, one.number)
        if before != one.number:
            return business, [Fault("name", "twice_in_file", f"Row {before} is about the same business.")]
        return business, []

    async def _others(
        self, work: Work, read: Sequence[ReadRow], faults: Sequence[list[Fault]], looked_at: set[int]
    ) -> None:
        """Say what else is wrong with the rows of which no answer could be made."""
        wave = (await store.waves(work.session, [self._survey_id])).get(self._survey_id)
        for place, one in enumerate(read):
            if place in looked_at:
                continue
            values = one.told.values
            if values.get("status") is None:
                faults[place].append(Fault("status", "missing", "Say what the business is doing."))
            leaves = {f"/{name}": values[name] for name in DATA if values.get(name) is not None}
            errors = domain.answer_mistakes(leaves, answers.wave_of(wave) if wave else None, wib_day(work.now))
            told_masked = {f"/{name}" for name in one.told.masked}
            faults[place] += [_fault(error.pointer, error) for error in errors if error.pointer not in told_masked]


def _looked_by(one: ReadRow) -> str:
    return next((name for name in ("nib", "nik") if one.told.values.get(name)), "name")


def _masked(one: ReadRow, before: AnswerData | None) -> list[Fault]:
    """Say which masked figures stand for nothing that is known."""
    detail = "It is masked, and no turnover is known that it could stand for."
    return [
        Fault(name, "masked", detail)
        for name in TURNOVER
        if name in one.told.masked and (before is None or getattr(before, name) is None)
    ]


def _data(one: ReadRow, before: AnswerData | None) -> AnswerData | None:
    """Give the answer of a row, what is masked as it is known; None where it does not say what it must."""
    values: dict[str, Any] = {name: one.told.values.get(FIELDS.get(name, name)) for name in DATA}
    if values["status"] is None:
        return None
    if before is not None:
        values |= {name: getattr(before, name) for name in TURNOVER if name in one.told.masked}
    return AnswerData(**values)


def _decision(given: Given, before: AnswerData | None) -> AnswerDecision:
    if before is None:
        return AnswerDecision(kind=Kind.NEW, given=given)
    # A row that names no day says again what was said on whichever day.
    said = given.data if given.data.answered_on else replace(given.data, answered_on=before.answered_on)
    return AnswerDecision(kind=Kind.UNCHANGED) if said == before else AnswerDecision(kind=Kind.CHANGED, given=given)


def _of_refusal(refusal: Refusal) -> list[Fault]:
    if isinstance(refusal, Invalid):
        return [_fault(error.pointer, error) for error in refusal.errors]
    column = "answered_on" if isinstance(refusal, domain.WaveClosed | domain.WaveNotOpen) else "name"
    return [Fault(column, refusal.code, refusal.detail)]


def _fault(pointer: str, error: Any) -> Fault:
    name = pointer.removeprefix("/")
    return Fault(FIELDS.get(name, name), error.code, error.detail)
