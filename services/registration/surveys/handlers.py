"""What is done about waves: plan them, invite to them, close them, and write down answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.registration.surveys import answers, domain, links, store
from services.registration.surveys.answers import Given, Taken, concerns, wave_of
from services.registration.surveys.domain import Channel, WaveClosed, WaveNotOpen, WaveState, month_day
from services.registration.surveys.orders import AnswerLine, AnswerSurvey, InviteToSurvey, PlanSurvey
from services.registration.surveys.shapes import InvitationsView, LinkView
from services.registration.surveys.store import SurveyRow
from shared import cursor
from shared.clock import shown, wib_day
from shared.contracts.registration import SurveyOpened
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.routes import Asked, Page

INVITED_MAX = 2_000
"""So many are invited by one request, each by a fact of its own; whoever has more asks again."""


@dataclass(frozen=True, slots=True)
class Found:
    """A wave with its state of today, and how many were invited to it and have answered."""

    wave: SurveyRow
    state: WaveState
    invited: int
    answered: int


async def mistakes(work: Work, leaves: Mapping[str, object]) -> list[FieldError]:
    """Find everything wrong with a plan beside its shape."""
    errors = domain.wave_mistakes(leaves)
    region = leaves.get("/region")
    if isinstance(region, str) and not (work.caller.sees(region) and await store.region_known(work.session, region)):
        errors.append(FieldError("/region", "unknown_region", "There is no province, regency or city of this code."))
    follows = leaves.get("/follows")
    if isinstance(follows, UUID):
        base = (await store.waves(work.session, [follows])).get(follows)
        if base is None or not concerns(work.caller, base.region):
            errors.append(FieldError("/follows", "unknown_survey", "There is no survey of this id."))
        else:
            errors += domain.follow_mistakes(leaves, wave_of(base), base.before_month, base.now_month)
    return errors


async def plan(work: Work, order: PlanSurvey) -> Found:
    """Plan a wave; raises Invalid (422) with every mistake."""
    if errors := await mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    row = SurveyRow(
        id=work.new_id(),
        title=order.title,
        region=order.region,
        opens_on=order.opens_on,
        closes_on=order.closes_on,
        before_month=month_day(order.before_month),
        now_month=month_day(order.now_month),
        follows=order.follows,
        document=order.document,
        planned_at=work.now,
        planned_by=work.caller.subject,
    )
    work.session.add(row)
    await work.session.flush()
    return (await _found(work, [row]))[0]


async def close(work: Work, survey_id: UUID, reason: str) -> Found:
    """Close a wave for good: nothing is recorded any more, on paper or not.

    Raises: Absent (404), WaveClosed (409) when somebody has done so already
    """
    row = await store.locked(work.session, survey_id)
    if row is None or not work.caller.sees(row.region):
        raise Absent
    if row.closed_at is not None:
        raise WaveClosed("It was closed before.")
    row.closed_at, row.closed_by, row.reason = work.now, work.caller.subject, reason
    row.version += 1
    await work.session.flush()
    return (await _found(work, [row]))[0]


async def invite(work: Work, survey_id: UUID, order: InviteToSurvey, public_url: str) -> InvitationsView:
    """Invite those active businesses that were not invited yet, each by a link of its own.

    Raises: Absent (404), Invalid (422), WaveClosed and WaveNotOpen (409)
    """
    wave = (await store.waves(work.session, [survey_id], held=True)).get(survey_id)
    if wave is None or not work.caller.sees(wave.region):
        raise Absent
    if order.region is not None and not domain.within(order.region, wave.region):
        raise Invalid([FieldError("/region", "outside_wave", f"This survey asks in {wave.region}.")])
    _demand_open(wave, wib_day(work.now))
    region = order.region or wave.region
    asked = await store.not_invited(work.session, survey_id, region, order.sector, INVITED_MAX)
    people = await store.take_part(work.session, {(survey_id, row.id): work.new_id() for row in asked})
    fresh = 0
    for row in asked:
        person = people[survey_id, row.id]
        if person.invited_at is not None:
            continue  # somebody else was first, while we waited for the row
        code = links.code_of(work.vault, survey_id, row.id)
        person.invited_at, person.invited_by, person.code_hash = work.now, work.caller.subject, links.digest(code)
        event = SurveyOpened(
            participant_id=person.id,
            survey_id=survey_id,
            business_id=row.id,
            region=row.region,
            title=wave.title,
            closes_on=wave.closes_on,
            link=links.address(public_url, code),
        )
        work.record(event, region=row.region)
        fresh += 1
    await work.session.flush()
    remaining = asked[0].waiting - len(asked) if asked else 0
    return InvitationsView(survey_id=survey_id, invited=fresh, remaining=remaining)


def _demand_open(wave: SurveyRow, today: date) -> None:
    match wave_of(wave).state(today):
        case WaveState.PLANNED:
            raise WaveNotOpen(f"It opens on {wave.opens_on}.", opens_on=wave.opens_on.isoformat())
        case WaveState.CLOSED:
            raise WaveClosed(f"It was open until {wave.closes_on}.", closes_on=wave.closes_on.isoformat())
        case WaveState.OPEN:
            return


async def link(work: Work, survey_id: UUID, business_id: UUID, public_url: str) -> LinkView:
    """Give the link of a business of the caller's regions that was invited; raises Absent (404)."""
    person = await store.participant(work.session, survey_id, business_id)
    firm = (await store.businesses(work.session, [business_id])).get(business_id)
    if person is None or person.invited_at is None or firm is None or not work.caller.sees(firm.region):
        raise Absent
    code = links.code_of(work.vault, survey_id, business_id)
    return LinkView(
        code=code, address=links.address(public_url, code), used_at=shown(person.used_at) if person.used_at else None
    )


async def record(work: Work, survey_id: UUID, order: AnswerSurvey) -> Taken:
    """Write down an answer.

    Raises: Absent (404) for a wave that is not the caller's, Invalid (422), WaveClosed and WaveNotOpen (409)
    """
    wave = (await store.waves(work.session, [survey_id])).get(survey_id)
    if wave is None or not concerns(work.caller, wave.region):
        raise Absent
    given = Given(survey_id=survey_id, business_id=order.business_id, data=order.data, channel=Channel.STAFF)
    (done,) = await answers.take(work, [given])
    if isinstance(done, Refusal):
        raise done
    return done


async def record_lines(work: Work, asked: Sequence[Asked[AnswerLine]]) -> list[Taken | Refusal]:
    """Write down many answers, each with an outcome of its own."""
    given = [
        Given(
            survey_id=one.body.survey_id,
            business_id=one.body.business_id,
            data=one.body.data,
            channel=Channel.IMPORT,
            caller=one.caller,
        )
        for one in asked
    ]
    return await answers.take(work, given)


async def show(work: Work, survey_id: UUID) -> Found:
    """Show a wave; raises Absent (404)."""
    return (await _found(work, [await wave(work, survey_id)]))[0]


async def wave(work: Work, survey_id: UUID) -> SurveyRow:
    """Give a wave that is known to the caller; raises Absent (404)."""
    row = (await store.waves(work.session, [survey_id])).get(survey_id)
    if row is None or not concerns(work.caller, row.region):
        raise Absent
    return row


async def page(work: Work, after: str | None, limit: int) -> Page[Found]:
    """List the waves that are known to the caller, the latest first."""
    beyond = cursor.decode(after, tuple[date, UUID]) if after else None
    rows = await store.page(work.session, work.caller.regions, beyond, limit + 1)
    found = {one.wave.id: one for one in await _found(work, rows)}
    return cursor.page(rows, limit, lambda row: found[row.id], lambda row: (row.opens_on, row.id))


async def _found(work: Work, rows: Sequence[SurveyRow]) -> list[Found]:
    counted = await store.counts(work.session, [row.id for row in rows])
    today = wib_day(work.now)
    return [Found(row, wave_of(row).state(today), *counted[row.id]) for row in rows]
