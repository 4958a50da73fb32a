"""What may be asked of surveys; what is answered stands in `shapes.py`."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.surveys.domain import (
    CAPACITY_MAX,
    TURNOVER_MAX,
    WORKERS_MAX,
    AnswerData,
    Measure,
    Status,
)
from shared.routes import PAGE_ITEMS_DEFAULT, Cursor, Limit, RegionCode, Text

Sector = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)", examples=["garment"])]
Month = Annotated[str, Meta(max_length=7, pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$(?!\n)", examples=["2020-04"])]
Turnover = Annotated[int, Meta(ge=0, le=TURNOVER_MAX, examples=[12_000_000])]
Capacity = Annotated[int, Meta(ge=0, le=CAPACITY_MAX, examples=[300])]
Workers = Annotated[int, Meta(ge=0, le=WORKERS_MAX, examples=[4])]
WaveRegion = Annotated[str, Meta(max_length=5, pattern=r"^[0-9]{2}(\.[0-9]{2})?$(?!\n)", examples=["19"])]
LineKey = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[!-~]+$(?!\n)", examples=["2020-04/17"])]
LinkCode = Annotated[str, Meta(min_length=26, max_length=26, pattern=r"^[A-Z2-7]{26}$(?!\n)")]
"""What a link carries: 128 bits in base 32, which nobody guesses and which say nothing of anybody."""


class Grouping(StrEnum):
    """By what a summary is made."""

    SECTOR = "sector"
    REGION = "region"
    SECTOR_REGION = "sector_region"


class PlanSurvey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wave: asked in a province or one region, from one local day to another, about two months.

    Shape:  `before_month` is the one to compare with, `now_month` the one that the answers are about; `follows` names
            an earlier wave that this one asks again, of the same `before_month`
    """

    title: Annotated[Text, Meta(examples=["Survei dampak COVID-19, April 2020"])]
    region: WaveRegion
    opens_on: date
    closes_on: date
    before_month: Annotated[Month, Meta(examples=["2020-02"])]
    now_month: Month
    follows: UUID | None = None
    document: Text | None = None


class CloseSurvey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wave is closed before its last day, or for good after it."""

    reason: Annotated[Text, Meta(examples=["All forms are in"])]


class InviteToSurvey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to invite: the active businesses of the wave's region, or of a sector and region in it."""

    sector: Sector | None = None
    region: WaveRegion | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a business answers.

    Shape:  figures come in pairs: before and now
    Units:  turnover in rupiah a month, capacity in what the business can make in a week, workers in persons
    """

    status: Status
    turnover_before_rupiah: Turnover | None = None
    turnover_now_rupiah: Turnover | None = None
    capacity_before: Capacity | None = None
    capacity_now: Capacity | None = None
    workers_before: Workers | None = None
    workers_now: Workers | None = None

    @property
    def data(self) -> AnswerData:
        """Give the answer as the rules know it."""
        values: dict[str, Any] = {name: getattr(self, name, None) for name in DATA}
        return AnswerData(**values)


DATA = (*Told.__struct_fields__, "answered_on", "document")


class AnswerByLink(Told, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer of whoever has the link."""


class AnswerSurvey(Told, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that a member of staff writes down; `answered_on` is the day of the paper, today if none is given."""

    business_id: UUID
    answered_on: date | None = None
    document: Text | None = None


class AnswerLine(AnswerSurvey, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer of many, of whichever wave; its key makes sending it again free."""

    key: LineKey
    survey_id: UUID


class SurveyPageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of a list is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class AnswerQuery(SurveyPageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which answers to list: those that count, or with `business_id` every one of that business."""

    business_id: UUID | None = None


class NeedQuery(SurveyPageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose needs to list, the greatest first."""

    sector: Sector | None = None
    region: RegionCode | None = None


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what to summarise, and which decline."""

    by: Grouping = Grouping.SECTOR
    measure: Measure = Measure.TURNOVER


class SeriesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which cell a line is drawn, and of which decline."""

    sector: Sector | None = None
    region: RegionCode | None = None
    measure: Measure = Measure.TURNOVER


class EffectQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Since which wave; the one that is followed when none is given."""

    base: UUID | None = None
