"""What is answered about surveys; what may be asked stands in `orders.py`."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from services.registration.surveys.domain import Channel, Measure, Status, WaveState
from services.registration.surveys.effect import Group
from services.registration.surveys.need import Band, Part
from services.registration.surveys.orders import LinkCode


class SurveyView(msgspec.Struct, frozen=True, kw_only=True):
    """A wave with its state of today; `invited` and `answered` count businesses."""

    id: UUID
    title: str
    region: str
    opens_on: date
    closes_on: date
    before_month: str
    now_month: str
    follows: UUID | None
    document: str | None
    state: WaveState
    planned_at: datetime
    closed_at: datetime | None
    reason: str | None
    invited: int
    answered: int
    version: int


class InvitationsView(msgspec.Struct, frozen=True, kw_only=True):
    """How many were invited now, and how many of those asked for are still waiting: ask again until there are none."""

    survey_id: UUID
    invited: int
    remaining: int


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """The link of a business, to be handed on to whom no message reaches."""

    code: LinkCode
    address: str
    used_at: datetime | None


class AnswerNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth a second look that refused nothing."""

    pointer: str
    code: str
    detail: str


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer without its turnover, of which only the decline is shown; declines are in per mille."""

    id: UUID
    survey_id: UUID
    business_id: UUID
    sector: str
    region: str
    status: Status
    turnover_decline_permille: int | None
    capacity_before: int | None
    capacity_now: int | None
    capacity_decline_permille: int | None
    workers_before: int | None
    workers_now: int | None
    workers_decline_permille: int | None
    answered_on: date
    document: str | None
    channel: Channel
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    warnings: list[AnswerNotice]


class AnswerLineDone(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of many that was taken."""

    answer: AnswerView


class OwnAnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as its owner sees it, with the turnover that was told; null where it is not known any more."""

    id: UUID
    survey_id: UUID
    business_id: UUID
    status: Status
    turnover_before_rupiah: int | None
    turnover_now_rupiah: int | None
    capacity_before: int | None
    capacity_now: int | None
    workers_before: int | None
    workers_now: int | None
    answered_on: date
    channel: Channel
    recorded_at: datetime
    superseded_at: datetime | None


class LinkedSurveyView(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever has a link is asked."""

    title: str
    business_name: str
    before_month: str
    now_month: str
    closes_on: date
    open: bool
    used: bool


class OwnSurveyView(msgspec.Struct, frozen=True, kw_only=True):
    """A wave that a business of the owner who asks was invited to.

    Shape: with `code` it is answered, at `/registration/survey-links/{code}`; it is null when that is not possible any
           more, or not yet
    """

    survey_id: UUID
    title: str
    business_id: UUID
    business_name: str
    before_month: str
    now_month: str
    closes_on: date
    state: WaveState
    answered_at: datetime | None
    code: LinkCode | None


class LinkReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Thanks for an answer."""

    id: UUID
    recorded_at: datetime
    thanks: str


class CellView(msgspec.Struct, frozen=True, kw_only=True):
    """What the answers of a sector, a region, or one in the other say; null stands for all.

    Shape:  every figure is null where `suppressed`; the quartiles also where fewer than five told both figures
    Units:  declines and shares in per mille
    """

    sector: str | None
    region: str | None
    suppressed: bool
    answers: int | None
    cases: int | None
    lower_quartile: int | None
    median: int | None
    upper_quartile: int | None
    closed_share: int | None
    suspended_share: int | None


class SummaryView(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of a wave; `formula` says how the quartiles are worked out, `total` is for who sees all of it.

    Shape: while the wave is open, answers of a sector in a region come in only so many together, `steps_of`; it is null
           once all are in
    """

    survey_id: UUID
    title: str
    measure: Measure
    unit: str
    formula: str
    cell_min: int
    steps_of: int | None
    total: CellView | None
    items: list[CellView]


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    """A wave on a line: its month, its title, and the figures, null where they are suppressed or nobody answered."""

    x: date
    label: str
    survey_id: UUID
    values: CellView


class SeriesView(msgspec.Struct, frozen=True, kw_only=True):
    """A line through the waves up to one, ready to be drawn."""

    measure: Measure
    unit: str
    sector: str | None
    region: str | None
    points: list[PointView]


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """The points of one part of a need, and why, in Indonesian and in English."""

    part: Part
    points: int
    of: int
    because: str
    because_english: str


class NeedView(msgspec.Struct, frozen=True, kw_only=True):
    """The need of a business; score, rule and parts are null or empty while it has never answered.

    It orders a list and decides nothing.
    """

    business_id: UUID
    name: str
    sector: str
    region: str
    score: int | None
    band: Band | None
    rule: str | None
    parts: list[PartView]
    survey_id: UUID | None
    survey_title: str | None
    answered_on: date | None


class SaidClosedView(msgspec.Struct, frozen=True, kw_only=True):
    """A business that said that it is closed, and is not so in the register."""

    business_id: UUID
    name: str
    sector: str
    region: str
    answer_id: UUID
    answered_on: date
    recorded_at: datetime


class SpreadView(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases there are, and how much came back, in per mille; all null below five cases."""

    cases: int | None
    lower_quartile: int | None
    median: int | None
    upper_quartile: int | None


class ComparedView(msgspec.Struct, frozen=True, kw_only=True):
    """Those who had something between two waves beside comparable others who had nothing."""

    group: Group
    treated: SpreadView
    others: SpreadView
    unmatched: int | None
    difference: int | None


class EffectView(msgspec.Struct, frozen=True, kw_only=True):
    """What changed between two waves; `matching` says who is comparable, `note` what this does not show."""

    base: UUID
    survey_id: UUID
    unit: str
    cell_min: int
    matching: str
    note: str
    note_english: str
    items: list[ComparedView]
