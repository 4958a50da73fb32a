"""The kits of trainings: asked for by registration, reserved or refused here, and released when one is called off.

The two services meet only in events. Each training has one row here, whatever is told of it how often: what is known
already changes nothing, and one that was called off before it was heard of is never reserved for.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Text, Uuid, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger import reservations, reserved
from services.aid_distribution.ledger.catalogue import Item, Place
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.known import Known, known_by_code
from services.aid_distribution.ledger.orders import LooseLine
from services.aid_distribution.ledger.reservation_orders import KitsOf, ReserveStock
from services.aid_distribution.ledger.reserved import State as Reservation
from shared.clock import wib_day, wib_midnight
from shared.contracts.aid_distribution import Goods, KitElsewhere, KitShortage, KitsRefused, KitsReserved
from shared.contracts.registration import KitWanted, TrainingAnnounced, TrainingCancelled, TrainingMoved
from shared.database import Work
from shared.effect_audit import Effect, EffectPages, Seen, Told, seen_in
from shared.problems import Refusal

KEPT_DAYS = 7
"""So many days after its last session what a training did not use is available again."""

PURPOSE_LENGTH_MAX = 200
ELSEWHERE_MAX = 5


class State(StrEnum):
    """What became of the kits of a training here."""

    RESERVED = "reserved"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Because(StrEnum):
    """Why kits were refused."""

    SHORT = "short"
    UNKNOWN_PLACE = "unknown_place"
    UNKNOWN_ITEM = "unknown_item"
    OVER = "over"


STATES_SQL = ", ".join(f"'{state}'" for state in State)


class TrainingKitsRow(SQLModel, table=True):
    """What became of the kits of a training; its row is the lock under which an announcement and its end meet."""

    __tablename__ = "training_kits"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES_SQL})", name="training_kits_state_known"),
        CheckConstraint(
            "CASE state WHEN 'reserved' THEN reservation_id IS NOT NULL WHEN 'refused' THEN reservation_id IS NULL"
            " ELSE true END",
            name="training_kits_reserved_by_reservation",
        ),
    )

    training_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    state: str = Field(sa_column=Column(Text, nullable=False))
    reservation_id: UUID | None = Field(default=None, sa_column=Column(Uuid, ForeignKey("reservation.id"), unique=True))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


async def ask(work: Work, event: TrainingAnnounced) -> None:
    """Reserve the kits of a training, or refuse them saying what is short and where more of it lies."""
    if not event.kits or event.kits_place is None:
        return
    # Written before anything is decided: whoever is told the same meanwhile waits for this, and does nothing.
    row = TrainingKitsRow(training_id=event.training_id, state=State.REFUSED, changed_at=work.now)
    added = insert(TrainingKitsRow.__table__).values(**row.model_dump()).on_conflict_do_nothing()  # type: ignore[attr-defined]  # every table row has one
    if (await work.session.execute(added.returning(text("training_id")))).first() is None:
        return
    here = await known_by_code(work, (kit.item for kit in event.kits), [event.kits_place])
    place = here.places.get(event.kits_place)
    until = _kept_until(event)
    if place is None or not _same_province(place.region, event.region):
        _refuse(work, event, Because.UNKNOWN_PLACE, None)
    elif unknown := [kit for kit in event.kits if kit.item not in here.items]:
        told = [_short(kit.item, None, kit.quantity, 0, ()) for kit in unknown]
        _refuse(work, event, Because.UNKNOWN_ITEM, place, told)
    elif until <= work.now:
        _refuse(work, event, Because.OVER, place)
    else:
        await _reserve(work, event, here, place, until)


async def _reserve(work: Work, event: TrainingAnnounced, here: Known, place: Place, until: datetime) -> None:
    order = ReserveStock(
        place=str(event.kits_place),
        purpose=f"{event.programme} {event.title}"[:PURPOSE_LENGTH_MAX],
        expires_at=until,
        wanted_on=event.ends_on,
        lines=[LooseLine(item=kit.item, quantity=kit.quantity) for kit in event.kits],
    )
    made = await reservations.promise(work, work.caller, order, _kits_of(event, place))
    if isinstance(made, ShortOfStock):
        _refuse(work, event, Because.SHORT, place, await _shortages(work, event, here, made))
        return
    if isinstance(made, Refusal):
        raise made  # a count was posted by a clock ahead of ours: it is tried again, and then it is past
    await _set(work, event.training_id, State.RESERVED, made.id)
    answer = KitsReserved(
        **_about(event, place),
        reservation_id=made.id,
        number=made.number,
        expires_at=made.expires_at,
        lines=[_goods(kit, here.items[kit.item]) for kit in event.kits],
    )
    work.record(answer, region=event.region)


def _goods(kit: KitWanted, item: Item) -> Goods:
    return Goods(item=kit.item, item_name=item.name, unit=item.unit, quantity=kit.quantity)


def _kept_until(event: TrainingAnnounced | TrainingMoved) -> datetime:
    return wib_midnight(event.ends_on + timedelta(days=KEPT_DAYS + 1))


def _wanted_on(event: TrainingMoved, reserved_at: datetime) -> date:
    """Give the last day of a training, or the day of its promise where that was only made after it."""
    return max(event.ends_on, wib_day(reserved_at))


async def move(work: Work, event: TrainingMoved) -> None:
    """Keep the kits of a training as long after its last session as before, where that is on another day now."""
    question = select(TrainingKitsRow).where(col(TrainingKitsRow.training_id) == event.training_id).with_for_update()
    known = (await work.session.exec(question, execution_options={"populate_existing": True})).one_or_none()
    if known is None or known.reservation_id is None or known.state != State.RESERVED:
        return
    held = (await reserved.lock(work.session, [known.reservation_id]))[known.reservation_id]
    until = _kept_until(event)
    # One that is over, or would be at once, ends as it was told when it was made.
    if held.state != Reservation.OPEN or until <= work.now:
        return
    told = (held.kits_of or {}) | {"starts_on": event.starts_on.isoformat()}  # as its end will be told
    if until != held.expires_at or told != held.kits_of:
        held.expires_at, held.wanted_on, held.kits_of = until, _wanted_on(event, held.reserved_at), told
        held.version += 1
        await work.session.flush()


async def cancel(work: Work, event: TrainingCancelled) -> None:
    """Release what is left of the kits of a training that was called off; what was used stays used.

    Where such a hand-out is voided later, its kits are released then.
    """
    row = TrainingKitsRow(training_id=event.training_id, state=State.CANCELLED, changed_at=work.now)
    # One that was never heard of is remembered as called off: its announcement may come later, out of a parking place.
    added = insert(TrainingKitsRow.__table__).values(**row.model_dump()).on_conflict_do_nothing()  # type: ignore[attr-defined]  # as above
    await work.session.execute(added)
    question = select(TrainingKitsRow).where(col(TrainingKitsRow.training_id) == event.training_id).with_for_update()
    known = (await work.session.exec(question, execution_options={"populate_existing": True})).one()
    if known.state == State.CANCELLED:
        return
    if known.reservation_id is not None:
        await reservations.call_off(work, known.reservation_id, event.reason)
    await _set(work, event.training_id, State.CANCELLED, known.reservation_id)


SET = text(
    "UPDATE training_kits SET state = :state, reservation_id = CAST(:reservation AS uuid), changed_at = :now"
    " WHERE training_id = :training"
)


async def _set(work: Work, training_id: UUID, state: State, reservation_id: UUID | None) -> None:
    values = {"training": training_id, "state": state.value, "reservation": reservation_id, "now": work.now}
    await work.session.execute(SET, values)


def _same_province(region: str, other: str) -> bool:
    return region.partition(".")[0] == other.partition(".")[0]


def _kits_of(event: TrainingAnnounced, place: Place) -> KitsOf:
    return KitsOf(
        training_id=event.training_id,
        programme=event.programme,
        title=event.title,
        region=event.region,
        starts_on=event.starts_on,
        place_name=place.name,
    )


def _about(event: TrainingAnnounced, place: Place | None) -> dict[str, Any]:
    return {
        "training_id": event.training_id,
        "programme": event.programme,
        "title": event.title,
        "region": event.region,
        "starts_on": event.starts_on,
        "place": event.kits_place,
        "place_name": place.name if place else str(event.kits_place),
        "place_region": place.region if place else event.region,
    }


def _refuse(
    work: Work, event: TrainingAnnounced, because: Because, place: Place | None, shortages: Sequence[KitShortage] = ()
) -> None:
    answer = KitsRefused(**_about(event, place), because=because.value, shortages=[*shortages])
    work.record(answer, region=event.region)


def _short(item: str, known: Item | None, asked: int, available: int, elsewhere: Sequence[KitElsewhere]) -> KitShortage:
    return KitShortage(
        item=item,
        item_name=known.name if known else item,
        unit=known.unit if known else "",
        asked=asked,
        available=available,
        elsewhere=[*elsewhere],
    )


# What is still usable on the last day and not promised, at the places of a province other than the one that was asked.
ELSEWHERE = text(
    """
    SELECT item, place, name, region, available FROM (
        SELECT c.item, c.place, p.name, p.region, sum(c.on_hand)::bigint AS available,
               row_number() OVER (PARTITION BY c.item ORDER BY sum(c.on_hand) DESC, c.place) AS rank
        FROM place p JOIN card c ON c.place = p.code AND c.item = ANY(CAST(:items AS text[]))
        LEFT JOIN lot l ON (l.item, l.lot) = (c.item, c.lot)
        WHERE p.kind NOT IN ('virtual', 'reserved') AND split_part(p.region, '.', 1) = :province AND p.code <> :place
          AND c.on_hand > 0 AND NOT coalesce(l.held, false) AND (l.expires_on IS NULL OR l.expires_on >= :today)
        GROUP BY c.item, c.place, p.name, p.region
    ) there WHERE rank <= :rows ORDER BY item, rank
    """
)


async def _shortages(work: Work, event: TrainingAnnounced, here: Known, refusal: ShortOfStock) -> list[KitShortage]:
    cards: Any = refusal.members["cards"]
    elsewhere: defaultdict[str, list[KitElsewhere]] = defaultdict(list)
    for row in await work.session.execute(
        ELSEWHERE,
        {
            "items": [card["item"] for card in cards],
            "province": event.region.partition(".")[0],
            "place": event.kits_place,
            "today": max(event.ends_on, wib_day(work.now)),
            "rows": ELSEWHERE_MAX,
        },
    ):
        elsewhere[row.item].append(
            KitElsewhere(place=row.place, place_name=row.name, region=row.region, available=row.available)
        )
    return [
        _short(card["item"], here.items[card["item"]], card["asked"], card["available"], elsewhere[card["item"]])
        for card in cards
    ]


KNOWN = text(
    "SELECT k.training_id, k.state, r.state AS reservation, r.wanted_on, r.reserved_at FROM training_kits k"
    " LEFT JOIN reservation r ON r.id = k.reservation_id WHERE k.training_id = ANY(CAST(:ids AS uuid[]))"
)
PAGE = text(
    "SELECT training_id FROM training_kits WHERE training_id > CAST(:after AS uuid) ORDER BY training_id LIMIT :rows"
)
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
CAUSES = frozenset({TrainingAnnounced.type, TrainingCancelled.type})


async def look(session: AsyncSession, told: Sequence[Told]) -> list[Seen]:
    """Compare each training with what became of its kits."""
    heard = TrainingAnnounced | TrainingCancelled | TrainingMoved
    events = [(one, one.event) for one in told if isinstance(one.event, heard)]
    rows = await session.execute(KNOWN, {"ids": [event.training_id for _, event in events]})
    found = {row.training_id: row for row in rows}
    return [
        Seen(one, "kits_day", _kept_for_another_day(one, event, found.get(event.training_id)))
        if isinstance(event, TrainingMoved)
        else Seen(one, "kits", _wrong(event, row.state if (row := found.get(event.training_id)) else None))
        for one, event in events
    ]


def _kept_for_another_day(told: Told, event: TrainingMoved, row: Any) -> str:
    if row is None or row.reservation != Reservation.OPEN or _kept_until(event) <= told.time:
        return ""
    return "" if row.wanted_on == _wanted_on(event, row.reserved_at) else "its kits are kept for another day"


def _wrong(event: TrainingAnnounced | TrainingCancelled, state: str | None) -> str:
    if isinstance(event, TrainingCancelled):
        return "" if state == State.CANCELLED else "its kits are not released"
    return "its kits were neither reserved nor refused" if event.kits and state is None else ""


async def _page(session: AsyncSession, after: str, rows: int) -> Sequence[Effect]:
    found = await session.execute(PAGE, {"after": after or BEFORE_ALL, "rows": rows})
    return [Effect(str(key), f"training/{key}", CAUSES) for key in found.scalars()]


TRAINING_KITS = seen_in(look, TrainingAnnounced, TrainingCancelled, TrainingMoved)
ALL_TRAINING_KITS = EffectPages("training_kits", _page)
