"""Handwashing stations are put up, visited and refilled, and taken away; the goods move with it or nothing happens."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import literal
from sqlalchemy.dialects.postgresql import insert

from services.aid_distribution.ledger.catalogue import CodeTaken
from services.aid_distribution.ledger.domain import NO_LOT, Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.handlers import post
from services.aid_distribution.ledger.known import known_by_code
from services.aid_distribution.ledger.orders import LooseLine
from services.aid_distribution.ledger.store import Posted
from services.aid_distribution.stations import store
from services.aid_distribution.stations.codes import digest, report_code
from services.aid_distribution.stations.domain import (
    AlreadyVisited,
    History,
    Levels,
    Outcome,
    Standing,
    State,
    StationRemoved,
    history,
    level_mistakes,
)
from services.aid_distribution.stations.mistakes import place_mistakes, removal_mistakes, visit_mistakes_of
from services.aid_distribution.stations.orders import (
    PlaceStation,
    Refill,
    RemoveStation,
    StationView,
    VisitReceipt,
    VisitStation,
)
from services.aid_distribution.stations.questions import viewed
from services.aid_distribution.stations.settling import facts, following, out_of_use, settle
from services.aid_distribution.stations.store import StationRow, StationVisitRow
from services.aid_distribution.stations.use import WASHING_PER_DAY
from services.aid_distribution.stations.views import visit_receipt
from shared.caller import Caller
from shared.contracts.aid_distribution import Goods, StationDry, StationPlaced, StationServiced
from shared.contracts.aid_distribution import StationRemoved as StationRemovedEvent
from shared.database import Work
from shared.leaves import leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal

Moving = PlaceStation | VisitStation | RemoveStation


async def place(work: Work, caller: Caller, order: PlaceStation) -> StationView:
    """Put a station up: it leaves the warehouse through the ledger, with whatever is filled in on the spot.

    Raises: Invalid (422), CodeTaken (409), ShortOfStock (409)
    """
    if errors := await place_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    site = await store.site(work.session, order.site)
    assert site is not None, "the mistakes have said so"  # noqa: S101 - for the types
    if await store.code_taken(work.session, site.region, order.code):
        raise CodeTaken(f"{order.code} is in use.")
    asset = Line(order.item, 1, order.from_place, Virtual.STATIONS, None)
    goods = _leaving(order.lines, order.from_place)
    posted = await _post(work, caller, order, order.from_place, "placed", (asset, *goods))
    row, known = _station(work, caller, order, site.region, posted)
    await _insert(work, row)
    about = await facts(work, row)
    placed = StationPlaced(
        **about,
        occurred_at=order.occurred_at,
        from_place=order.from_place,
        posting_id=posted.draft.id,
        number=posted.number,
        lines=await _goods(work, posted),
        next_visit_at=row.next_visit_at,
    )
    work.record(placed, region=row.region)
    if known.outages:
        await store.write_outages(work.session, row.id, known.outages)
        work.record(StationDry(**about, **out_of_use(row, known)), region=row.region)
    return await viewed(work, row)


def _station(
    work: Work, caller: Caller, order: PlaceStation, region: str, posted: Posted
) -> tuple[StationRow, History]:
    capacity = Levels(order.capacity_water_millilitre, order.capacity_soap_millilitre)
    first = Levels(
        capacity.water_millilitre if order.water_millilitre is None else order.water_millilitre,
        capacity.soap_millilitre if order.soap_millilitre is None else order.soap_millilitre,
    )
    people_per_day = WASHING_PER_DAY[order.crowd_level] if order.crowd_level else order.people_per_day or 0
    standing, station_id = Standing(order.occurred_at, first), work.new_id()
    known = history(standing, [], [])
    row = StationRow(
        id=station_id,
        code=order.code,
        name=order.name,
        item=order.item,
        lot=posted.lines[0].lot or NO_LOT,
        site=order.site,
        region=region,
        crowd_level=order.crowd_level,
        people_per_day=people_per_day,
        water_capacity_millilitre=capacity.water_millilitre,
        soap_capacity_millilitre=capacity.soap_millilitre,
        water_first_millilitre=first.water_millilitre,
        soap_first_millilitre=first.soap_millilitre,
        placed_at=order.occurred_at,
        recorded_at=work.now,
        actor=caller.subject,
        document=order.document,
        posting_id=posted.draft.id,
        report_code_hash=digest(report_code(work.vault, station_id)),
        version=1,
        **following(standing, [], known, people_per_day, capacity),
    )
    return row, known


def _leaving(lines: Sequence[LooseLine], place: str) -> tuple[Line, ...]:
    return tuple(Line(line.item, line.quantity, place, Virtual.STATIONS, line.lot) for line in lines)


async def _insert(work: Work, row: StationRow) -> None:
    order = insert(StationRow).values(**row.model_dump())
    unless_taken = order.on_conflict_do_nothing(index_elements=["region", "code"]).returning(literal(1))
    if (await work.session.execute(unless_taken)).first() is None:
        raise CodeTaken(f"{row.code} is in use.")


async def visit(work: Work, caller: Caller, station_id: UUID, order: VisitStation) -> VisitReceipt:
    """Keep a visit, with the goods that were taken for it; it may come in late and in any order.

    Raises: Absent (404), Invalid (422), AlreadyVisited, StationRemoved or ShortOfStock (409)
    """
    row = await locked(work, caller, station_id)
    await _check_visit(work, caller, row, order)
    refill = order.refill or Refill()
    posted = None
    if refill.lines and refill.from_place:
        lines = _leaving(refill.lines, refill.from_place)
        posted = await _post(work, caller, order, refill.from_place, "refilled", lines)
    done = _visit(work, caller, row, order, refill, posted)
    work.session.add(done)
    await work.session.flush()
    news = await settle(work, row)
    serviced = StationServiced(
        **await facts(work, row),
        occurred_at=order.occurred_at,
        visit_id=done.id,
        seen=done.seen,
        left_as=done.visit.left_as,
        lines=await _goods(work, posted) if posted else [],
        next_visit_at=row.next_visit_at,
        posting_id=done.posting_id,
        number=done.number,
    )
    for event in (serviced, *news):
        work.record(event, region=row.region)
    await work.session.flush()
    return visit_receipt(done, posted, await viewed(work, row))


async def _check_visit(work: Work, caller: Caller, row: StationRow, order: VisitStation) -> None:
    errors = await visit_mistakes_of(work, caller, leaves_of(order))
    if order.occurred_at < row.placed_at:
        errors.append(FieldError("/occurred_at", "before_placement", "The station did not stand there yet."))
    refill = order.refill or Refill()
    found = Levels(order.water_before_millilitre, order.soap_before_millilitre)
    errors += level_mistakes(found, Levels(refill.water_millilitre, refill.soap_millilitre), row.capacity)
    if errors:
        raise Invalid(errors)
    if row.removed_at is not None and order.occurred_at > row.removed_at:
        raise StationRemoved(f"{row.code} was removed before.", removed_at=row.removed_at.isoformat())
    for known in await store.visits(work.session, row.id):
        if known.occurred_at == order.occurred_at:
            raise AlreadyVisited("A visit at this very moment is known.", visit_id=str(known.id))


def _visit(
    work: Work, caller: Caller, row: StationRow, order: VisitStation, refill: Refill, posted: Posted | None
) -> StationVisitRow:
    return StationVisitRow(
        id=work.new_id(),
        station_id=row.id,
        occurred_at=order.occurred_at,
        recorded_at=work.now,
        actor=caller.subject,
        document=order.document,
        note=order.note,
        seen=order.state,
        repaired=order.repaired,
        water_before_millilitre=order.water_before_millilitre,
        soap_before_millilitre=order.soap_before_millilitre,
        water_added_millilitre=refill.water_millilitre,
        soap_added_millilitre=refill.soap_millilitre,
        posting_id=posted.draft.id if posted else None,
        number=posted.number if posted else None,
    )


async def remove(work: Work, caller: Caller, station_id: UUID, order: RemoveStation) -> StationView:
    """Take a station away: it is in stock again, or written off.

    Raises: Absent (404), Invalid (422), StationRemoved (409) for one that was removed before, TooMuch (409)
    """
    row = await locked(work, caller, station_id)
    errors = await removal_mistakes(work, leaves_of(order))
    if row.removed_at is not None and not errors:
        raise StationRemoved(f"{row.code} was removed already.", removed_at=row.removed_at.isoformat())
    if order.occurred_at < max(row.placed_at, row.last_visit_at or row.placed_at):
        detail = "It stood there still: see when it was placed and last visited."
        errors.append(FieldError("/occurred_at", "before_last_visit", detail))
    if errors:
        raise Invalid(errors)
    target = order.to_place if order.outcome is Outcome.RETURNED and order.to_place else Virtual.LOSS
    line = Line(row.item, 1, Virtual.STATIONS, target, row.lot)
    posted = await _post(work, caller, order, order.to_place or row.site, order.outcome, (line,))
    row.removed_at, row.outcome, row.removal_posting_id = order.occurred_at, order.outcome, posted.draft.id
    row.state = State.REMOVED  # at once with its moment: the database knows no station that is half gone
    await settle(work, row)
    event = StationRemovedEvent(
        **await facts(work, row),
        occurred_at=order.occurred_at,
        outcome=order.outcome,
        posting_id=posted.draft.id,
        number=posted.number,
        lines=await _goods(work, posted),
        to_place=order.to_place,
    )
    work.record(event, region=row.region)
    await work.session.flush()
    return await viewed(work, row)


async def locked(work: Work, caller: Caller, station_id: UUID) -> StationRow:
    """Lock a station, so that its history grows by one at a time; raises Absent (404), also for another region's."""
    row = await work.session.get(StationRow, station_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    return row


async def _post(work: Work, caller: Caller, order: Moving, office: str, reason: str, lines: Sequence[Line]) -> Posted:
    """Move goods between a place and the stations; the number is of the office that keeps the place."""
    here = await known_by_code(work, (), [office])
    draft = Draft(
        id=work.new_id(),
        kind=Kind.REFILL,
        region=here.places[office].region,
        occurred_at=order.occurred_at,
        caller=caller,
        document=order.document,
        reason=reason,
        lines=tuple(lines),
        usable_only=True,
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, Refusal):
        raise posted
    return posted


async def _goods(work: Work, posted: Posted) -> list[Goods]:
    here = await known_by_code(work, (line.item for line in posted.lines))
    return here.goods(posted.lines)
