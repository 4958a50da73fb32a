"""Answers to a wave, by staff, by link or many at once: taken together, each with an outcome of its own.

Of a business and a wave one answer counts, the last that was recorded; those before it are kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registration.businesses.domain import BusinessIsMerged, OwnerErased, OwnerRestricted, State, check_open
from services.registration.businesses.store import BusinessRow
from services.registration.surveys import domain, figures, sealing, store
from services.registration.surveys.domain import AnswerData, Channel, LinkUsed, Measure, Status, Wave
from services.registration.surveys.need import Facts, need
from services.registration.surveys.store import SurveyAnswerRow, SurveyParticipantRow, SurveyRow
from shared.caller import Caller
from shared.clock import wib_day
from shared.contracts.registration import SurveyAnswered
from shared.database import Work
from shared.privacy import PersonKey
from shared.problems import FieldError, Invalid, Refusal

Standing = tuple[datetime | None, datetime | None]
"""Since when the data of somebody are restricted, and since when erased."""
KEPT_OUT = (BusinessIsMerged, OwnerErased, OwnerRestricted)
"""Why an answer is not taken, whatever it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer that is to be taken; without a caller of its own it is the one of the transaction."""

    survey_id: UUID
    business_id: UUID
    data: AnswerData
    channel: Channel
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that was taken; `said_closed` where the register still has the business as something else."""

    row: SurveyAnswerRow
    said_closed: bool


def wave_of(row: SurveyRow) -> Wave:
    """Give a wave as the rules know it."""
    return Wave(
        region=row.region, opens_on=row.opens_on, closes_on=row.closes_on, closed_by_hand=row.closed_at is not None
    )


def concerns(caller: Caller, region: str) -> bool:
    """Tell whether a wave of a region is known to a caller: it asks in their region, around it, or inside it."""
    return caller.sees(region) or any(domain.within(own, region) for own in caller.regions)


async def take(work: Work, given: Sequence[Given]) -> list[Taken | Refusal]:
    """Take answers, in their order; one that is refused does not take others along.

    Shape: refusals are Invalid (422), WaveClosed, WaveNotOpen and LinkUsed (409)
    """
    firms, refused = await _checked(work, given, held=True)
    outcomes: list[Taken | Refusal | None] = [*refused]
    pairs = [(one.survey_id, one.business_id) for one, no in zip(given, outcomes, strict=True) if no is None]
    people = await store.take_part(work.session, {pair: work.new_id() for pair in pairs})
    for place, one in enumerate(given):
        person = people.get((one.survey_id, one.business_id))
        if outcomes[place] is None and person is not None and one.channel is Channel.LINK:
            outcomes[place] = _used_up(work, person)
    fine = [(place, one) for place, one in enumerate(given) if outcomes[place] is None]
    keys = await _keys(work, [one for _, one in fine], firms)
    latest: dict[store.Pair, SurveyAnswerRow] = {}
    rows: list[SurveyAnswerRow] = []
    for place, one in fine:
        firm = firms[one.business_id]
        row = _row(work, one, firm, keys.get(firm.owner_id))
        if before := latest.get((one.survey_id, one.business_id)):
            before.superseded_at = work.now
        latest[one.survey_id, one.business_id] = row
        rows.append(row)
        outcomes[place] = Taken(row, row.status == Status.CLOSED and firm.state != "closed")
    await work.session.flush()
    await store.add_answers(work.session, rows, work.now)
    await _tell(work, [(one, row) for (_, one), row in zip(fine, rows, strict=True)], people, firms)
    return [outcome for outcome in outcomes if outcome is not None]


async def refusals(work: Work, given: Sequence[Given]) -> list[Refusal | None]:
    """Say why each of these answers would not be taken, None where it would; nothing is written or held."""
    return (await _checked(work, given, held=False))[1]


async def _checked(
    work: Work, given: Sequence[Given], *, held: bool
) -> tuple[dict[UUID, BusinessRow], list[Refusal | None]]:
    waves = await store.waves(work.session, {one.survey_id for one in given}, held=held)
    firms = await store.businesses(work.session, {one.business_id for one in given})
    standings = await store.standings(work.session, {firm.owner_id for firm in firms.values()}, held=held)
    refused = [_refusal(work, one, waves, firms) or _kept_out(firms[one.business_id], standings) for one in given]
    return firms, refused


async def counting(work: Work, survey_id: UUID, business_ids: Collection[UUID]) -> dict[UUID, AnswerData]:
    """Give what these businesses have answered to a wave, as far as it counts, with the turnover opened."""
    rows = await store.counting(work.session, survey_id, business_ids)
    turnovers = await sealing.turnovers(work.session, work.vault, rows)
    found = {}
    for row in rows:
        before, now = turnovers.get(row.id, (None, None))
        found[row.business_id] = AnswerData(
            status=Status(row.status),
            turnover_before_rupiah=before,
            turnover_now_rupiah=now,
            capacity_before=row.capacity_before,
            capacity_now=row.capacity_now,
            workers_before=row.workers_before,
            workers_now=row.workers_now,
            answered_on=row.answered_on,
            document=row.document,
        )
    return found


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find what is wrong with an answer whose shape is wrong besides, as far as its values say."""
    survey_id, business_id = leaves.get("/survey_id"), leaves.get("/business_id")
    waves = await store.waves(work.session, [survey_id]) if isinstance(survey_id, UUID) else {}
    firms = await store.businesses(work.session, [business_id]) if isinstance(business_id, UUID) else {}
    wave, firm = next(iter(waves.values()), None), next(iter(firms.values()), None)
    return _mistakes(work.caller, leaves, wave, firm, wib_day(work.now))


def _mistakes(
    caller: Caller, leaves: Mapping[str, object], wave: SurveyRow | None, firm: BusinessRow | None, today: date
) -> list[FieldError]:
    """Find everything wrong with an answer of staff; what a caller does not see is told like what does not exist."""
    errors: list[FieldError] = []
    if wave and not concerns(caller, wave.region):
        wave = None
    if "/survey_id" in leaves and wave is None:
        errors.append(FieldError("/survey_id", "unknown_survey", "There is no survey of this id."))
    if "/business_id" in leaves and (firm is None or not caller.sees(firm.region)):
        errors.append(FieldError("/business_id", "unknown_business", "There is no business of this id."))
    elif wave and firm and not domain.within(firm.region, wave.region):
        errors.append(FieldError("/business_id", "outside_wave", f"This survey asks in {wave.region}."))
    return [*errors, *domain.answer_mistakes(leaves, wave_of(wave) if wave else None, today)]


def _refusal(
    work: Work, given: Given, waves: Mapping[UUID, SurveyRow], firms: Mapping[UUID, BusinessRow]
) -> Refusal | None:
    wave, firm, today = waves.get(given.survey_id), firms.get(given.business_id), wib_day(work.now)
    leaves = given.data.leaves()
    if given.channel is Channel.LINK:  # who has the link was invited, whatever they may see
        errors = domain.answer_mistakes(leaves, wave_of(wave) if wave else None, today)
    else:
        named = {"/survey_id": given.survey_id, "/business_id": given.business_id}
        errors = _mistakes(given.caller or work.caller, leaves | named, wave, firm, today)
    if errors:
        return Invalid(errors)
    return domain.refuse(wave_of(wave), given.data, given.channel, today) if wave else None


def _kept_out(firm: BusinessRow, standings: Mapping[UUID, Standing]) -> Refusal | None:
    """Say why nothing is written down about a business, or about its owner, any more."""
    try:
        if firm.state == State.MERGED:
            raise BusinessIsMerged
        check_open(*standings[firm.owner_id])
    except Refusal as refusal:
        return refusal
    return None


def _used_up(work: Work, person: SurveyParticipantRow) -> Refusal | None:
    """Use up the link of somebody whose row is locked; a refusal where another was first."""
    if person.used_at is not None:
        return LinkUsed("It takes one answer. Whoever wants to change it asks the office.")
    person.used_at = work.now
    return None


async def _keys(work: Work, given: Sequence[Given], firms: Mapping[UUID, BusinessRow]) -> dict[UUID, PersonKey]:
    owners = {firms[one.business_id].owner_id for one in given if one.data.turnover_before_rupiah is not None}
    return await sealing.keys(work.session, work.vault, owners)


def _row(work: Work, given: Given, firm: BusinessRow, key: PersonKey | None) -> SurveyAnswerRow:
    data, caller = given.data, given.caller or work.caller
    row = SurveyAnswerRow(
        id=work.new_id(),
        survey_id=given.survey_id,
        business_id=firm.id,
        owner_id=firm.owner_id,
        sector=firm.sector,
        region=firm.region,
        scale=firm.business_scale or firm.industry_scale,
        status=data.status,
        turnover_decline_permille=data.decline(Measure.TURNOVER),
        capacity_before=data.capacity_before,
        capacity_now=data.capacity_now,
        capacity_decline_permille=data.decline(Measure.CAPACITY),
        workers_before=data.workers_before,
        workers_now=data.workers_now,
        workers_decline_permille=data.decline(Measure.WORKERS),
        answered_on=data.answered_on or wib_day(work.now),
        document=data.document,
        channel=given.channel,
        recorded_at=work.now,
        recorded_by=caller.subject,
    )
    if key and data.turnover_before_rupiah is not None and data.turnover_now_rupiah is not None:
        sealing.seal(key, row, data.turnover_before_rupiah, data.turnover_now_rupiah)
    return row


async def _tell(
    work: Work,
    taken: Sequence[tuple[Given, SurveyAnswerRow]],
    people: Mapping[store.Pair, SurveyParticipantRow],
    firms: Mapping[UUID, BusinessRow],
) -> None:
    """Record the answers as facts: how urgent the need is in one word, and no figure that was told."""
    served = await figures.supports_of(work.session, {row.business_id for _, row in taken}) if taken else {}
    for given, row in taken:
        facts = Facts(
            status=Status(row.status),
            turnover_decline_permille=row.turnover_decline_permille,
            capacity_decline_permille=row.capacity_decline_permille,
            workers_decline_permille=row.workers_decline_permille,
            scale=row.scale,
            supports=served.get(row.business_id, 0),
        )
        event = SurveyAnswered(
            participant_id=people[row.survey_id, row.business_id].id,
            survey_id=row.survey_id,
            business_id=row.business_id,
            region=row.region,
            answer_id=row.id,
            sector=firms[row.business_id].sector,
            status=row.status,
            channel=row.channel,
            answered_on=row.answered_on,
            need=need(facts).band.value,
        )
        work.record(event, region=row.region, caller=given.caller)
