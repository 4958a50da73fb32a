"""What prices does: keep what was seen and what is allowed, and warn once when a price passes its ceiling."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import when_mistakes
from services.aid_distribution.ledger.known import Known, known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.orders import Moment, Order
from services.aid_distribution.prices import store
from services.aid_distribution.prices.domain import PRICE_RUPIAH_MAX, is_above, is_crossing
from services.aid_distribution.prices.store import PriceCeilingRow, PriceObservationRow, PriceWatchRow
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.contracts.aid_distribution import PriceAlert, PriceObserved
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import FieldError, Invalid
from shared.routes import Code, RegionCode, Text

Rupiah = Annotated[int, msgspec.Meta(ge=1, le=PRICE_RUPIAH_MAX, examples=[52_000])]
StapleCode = Annotated[Code, msgspec.Meta(examples=["RICE-5KG"])]


class ObservePrice(Order, frozen=True, kw_only=True):
    """Somebody has seen what one unit of an item costs at a market place."""

    place: Annotated[Code, msgspec.Meta(examples=["MV-19.71-01"])]
    item: StapleCode
    observed_at: Moment
    price_rupiah: Rupiah
    unit_note: Text | None = None


class SetCeiling(Order, frozen=True, kw_only=True):
    """From a day on one unit of an item may cost at most this in a region."""

    item: StapleCode
    region: Annotated[RegionCode, msgspec.Meta(examples=["19"])]
    price_rupiah: Rupiah
    valid_from: date
    source: Annotated[Text, msgspec.Meta(examples=["Permendag 57/2017"])]


class ObservationView(msgspec.Struct, frozen=True, kw_only=True):
    """A price as it was seen; `superseded_at` says that another one counts for that place, item and day."""

    id: UUID
    place: str
    region: str
    item: str
    observed_at: datetime
    observed_on: date
    price_rupiah: int
    unit_note: str | None
    ceiling_rupiah: int | None
    above_ceiling: bool
    document: str | None
    recorded_at: datetime
    supersedes: UUID | None
    superseded_at: datetime | None


class CeilingView(msgspec.Struct, frozen=True, kw_only=True):
    """A ceiling; the one that counts for a region and a day is of the nearest region, and there of the latest day."""

    id: UUID
    item: str
    region: str
    price_rupiah: int
    valid_from: date
    source: str
    document: str | None
    recorded_at: datetime
    supersedes: UUID | None
    superseded_at: datetime | None


def observation_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with an observation beside its shape."""
    errors = order_mistakes(leaves, here, caller, now)
    if isinstance(at := leaves.get("/observed_at"), datetime):
        errors += when_mistakes(at, now, caller.role, here.back_days, "/observed_at")
    return errors


def ceiling_mistakes(leaves: Leaves, here: Known, caller: Caller, now: datetime) -> list[FieldError]:
    """Say what is wrong with a ceiling beside its shape."""
    errors = order_mistakes(leaves, here, caller, now)
    region = leaves.get("/region")
    if isinstance(region, str) and not caller.sees(region):
        errors.append(FieldError("/region", "unknown_region", f"There is no region {region}."))
    return errors


async def observe(work: Work, caller: Caller, order: ObservePrice) -> ObservationView:
    """Keep a price; a second one for the same place, item and day counts instead of the first, which is kept too."""
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    if errors := observation_mistakes(leaves, here, caller, work.now):
        raise Invalid(errors)
    watch = await store.watched(work.session, order.place, order.item)
    day, region = wib_day(order.observed_at), here.places[order.place].region
    ceiling = (await store.ceilings(work.session, order.item, [region], day)).get(region)
    before = await store.observed(work.session, order.place, order.item, day)
    row = PriceObservationRow(
        id=work.new_id(),
        place=order.place,
        region=region,
        item=order.item,
        observed_at=order.observed_at,
        observed_on=day,
        price_rupiah=order.price_rupiah,
        unit_note=order.unit_note,
        ceiling_rupiah=ceiling.price_rupiah if ceiling else None,
        actor=caller.subject,
        document=order.document,
        recorded_at=work.now,
        supersedes=before.id if before else None,
    )
    await _put(work, row, before)
    _tell(work, row, watch, here)
    await work.session.flush()
    return observation_view(row)


async def _put(
    work: Work, row: PriceObservationRow | PriceCeilingRow, before: PriceObservationRow | PriceCeilingRow | None
) -> None:
    if before is not None:
        # First the old row, then the new one: of the two only one may count at any moment.
        before.superseded_at = max(work.now, before.recorded_at)
        await work.session.flush()
    work.session.add(row)
    await work.session.flush()


def _tell(work: Work, row: PriceObservationRow, watch: PriceWatchRow, here: Known) -> None:
    """Record what was seen, and a warning when the newest price of the place has just passed its ceiling."""
    item = here.items[row.item]
    fact: dict[str, Any] = {
        "observation_id": row.id,
        "place": row.place,
        "place_name": here.places[row.place].name,
        "region": row.region,
        "item": row.item,
        "item_name": item.name,
        "unit": item.unit,
        "observed_at": row.observed_at,
        "price_rupiah": row.price_rupiah,
    }
    seen = PriceObserved(**fact, ceiling_rupiah=row.ceiling_rupiah, supersedes=row.supersedes)
    work.record(seen, region=row.region)
    if watch.observed_on is not None and row.observed_on < watch.observed_on:
        return  # a newer price is known: what was seen before it warns of nothing any more
    above = is_above(row.price_rupiah, row.ceiling_rupiah)
    if row.ceiling_rupiah is not None and is_crossing(was_above=watch.above, is_now_above=above):
        work.record(PriceAlert(**fact, ceiling_rupiah=row.ceiling_rupiah), region=row.region)
    watch.observed_on, watch.price_rupiah, watch.ceiling_rupiah = row.observed_on, row.price_rupiah, row.ceiling_rupiah
    watch.above = above


async def set_ceiling(work: Work, caller: Caller, order: SetCeiling) -> CeilingView:
    """Keep a ceiling; one for the same item, region and day counts instead of the earlier one, which is kept too."""
    leaves = leaves_of(order)
    if errors := ceiling_mistakes(leaves, await known(work, [leaves]), caller, work.now):
        raise Invalid(errors)
    before = await store.ceiling_for_update(work.session, order.item, order.region, order.valid_from)
    row = PriceCeilingRow(
        id=work.new_id(),
        item=order.item,
        region=order.region,
        valid_from=order.valid_from,
        price_rupiah=order.price_rupiah,
        source=order.source,
        actor=caller.subject,
        document=order.document,
        recorded_at=work.now,
        supersedes=before.id if before else None,
    )
    await _put(work, row, before)
    return ceiling_view(row)


def observation_view(row: PriceObservationRow) -> ObservationView:
    """Show an observation."""
    return ObservationView(
        id=row.id,
        place=row.place,
        region=row.region,
        item=row.item,
        observed_at=shown(row.observed_at),
        observed_on=row.observed_on,
        price_rupiah=row.price_rupiah,
        unit_note=row.unit_note,
        ceiling_rupiah=row.ceiling_rupiah,
        above_ceiling=is_above(row.price_rupiah, row.ceiling_rupiah),
        document=row.document,
        recorded_at=shown(row.recorded_at),
        supersedes=row.supersedes,
        superseded_at=shown(row.superseded_at) if row.superseded_at else None,
    )


def ceiling_view(row: PriceCeilingRow) -> CeilingView:
    """Show a ceiling."""
    return CeilingView(
        id=row.id,
        item=row.item,
        region=row.region,
        price_rupiah=row.price_rupiah,
        valid_from=row.valid_from,
        source=row.source,
        document=row.document,
        recorded_at=shown(row.recorded_at),
        supersedes=row.supersedes,
        superseded_at=shown(row.superseded_at) if row.superseded_at else None,
    )
