"""What is done with kits: say what goes into one, put them together, take them apart.

Both ways are one posting: the components leave the place for the kits, and the kits come from there, or the other way
round. So every item still sums up to zero over all places, and a kit is stock like any other.
"""

from collections import Counter
from collections.abc import Collection
from datetime import date

from services.aid_distribution.kits import store
from services.aid_distribution.kits.domain import KitDefined, KitInItself, short_of_components, way_to_itself
from services.aid_distribution.kits.orders import (
    AssembleKits,
    ComponentView,
    DefineKit,
    KitQuery,
    KitView,
    UnpackKits,
)
from services.aid_distribution.kits.store import KitComponentRow, KitRow
from services.aid_distribution.ledger import store as ledger
from services.aid_distribution.ledger.catalogue import Item
from services.aid_distribution.ledger.domain import Draft, Kind, Line, ShortOfStock, Virtual
from services.aid_distribution.ledger.handlers import post, posting_fact
from services.aid_distribution.ledger.known import field_of, known, known_by_code
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.ledger.orders import PostingView, posting_view
from services.aid_distribution.ledger.store import Posted
from shared import cursor
from shared.caller import Caller
from shared.clock import shown, wib_day
from shared.contracts.aid_distribution import KitsAssembled, KitsUnpacked
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, FieldError, Invalid, Refusal
from shared.routes import Page


async def define_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with what goes into a kit: items that there are not, or that are named twice."""
    kit = leaves.get("/kit")
    items = await known_by_code(work, [str(value) for pointer, value in leaves.items() if _names_item(pointer)])
    errors = []
    named: set[object] = set()
    for pointer, value in leaves.items():
        if not _names_item(pointer):
            continue
        if value not in items.items:
            errors.append(FieldError(pointer, "unknown_item", f"There is no item {value}."))
        elif pointer != "/kit" and value == kit:
            errors.append(FieldError(pointer, "kit_in_itself", "A kit cannot be part of itself."))
        elif value in named:
            errors.append(FieldError(pointer, "duplicate", f"{value}: one line for each component."))
        named.add(value)
    return errors


def _names_item(pointer: str) -> bool:
    return field_of(pointer) in ("item", "kit")


async def define(work: Work, caller: Caller, order: DefineKit) -> KitView:
    """Say what goes into a kit. Raises: Invalid (422), KitDefined and KitInItself (409)."""
    if errors := await define_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    await store.alone(work.session)
    components = [one.item for one in order.components]
    if way := way_to_itself(order.kit, components, await store.all_components(work.session)):
        raise KitInItself(" > ".join(way), way=[*way])
    if await work.session.get(KitRow, order.kit) is not None:
        raise KitDefined(f"{order.kit} is defined already; another kit needs another code.")
    row = KitRow(item=order.kit, id=work.new_id(), document=order.document, actor=caller.subject, defined_at=work.now)
    work.session.add(row)
    await work.session.flush()
    lines = [KitComponentRow(kit=order.kit, item=one.item, quantity=one.quantity) for one in order.components]
    work.session.add_all(lines)
    await work.session.flush()
    return (await _views(work, [row]))[0]


async def assemble(work: Work, caller: Caller, kit: str, order: AssembleKits) -> PostingView:
    """Put kits together from what is available at a place.

    Raises: Absent (404) for no kit, Invalid (422), ShortOfStock (409) with how many can be made
    """
    per_kit = await _components(work, kit)
    lines = [Line(item, each * order.quantity, order.place, Virtual.KITS) for item, each in per_kit.items()]
    lines.append(Line(kit, order.quantity, Virtual.KITS, order.place, order.lot))
    posted = await _post(work, caller, Kind.ASSEMBLY, order, lines)
    if isinstance(posted, ShortOfStock):
        raise short_of_components(posted, kit, order.quantity, per_kit)
    if isinstance(posted, Refusal):
        raise posted
    if order.lot:
        await _date(work, kit, order.lot, posted)
    here = await known_by_code(work, [kit, *per_kit], [order.place])
    event = KitsAssembled(
        **posting_fact(posted, here),
        place=order.place,
        kit=kit,
        kit_name=here.items[kit].name,
        quantity=order.quantity,
    )
    work.record(event, region=posted.draft.region)
    return posting_view(posted)


async def _date(work: Work, kit: str, lot: str, posted: Posted) -> None:
    """Remember that a lot of kits expires with the first of its components; one that expires otherwise is another."""
    used = {(line.item, line.lot) for line in posted.lines if line.lot and line.to_place == Virtual.KITS}
    expires_on: date | None = min((await ledger.expiries(work.session, used)).values(), default=None)
    before = await ledger.expiries(work.session, [(kit, lot)])
    if before and before.get((kit, lot)) != expires_on:
        raise Invalid([FieldError("/lot", "differs", f"Lot {lot} expires on {before[kit, lot]}.")])
    await ledger.remember_lots(work.session, [((kit, lot), expires_on)])
    kept = await ledger.expiries(work.session, [(kit, lot)])  # another transaction may have dated it just now
    if kept.get((kit, lot)) != expires_on:
        raise Invalid([FieldError("/lot", "differs", f"Lot {lot} expires on {kept.get((kit, lot))}.")])


async def _not_expired(work: Work, kit: str, order: UnpackKits) -> None:
    """Refuse to take apart a lot that has expired: its components would lie there without their last day."""
    if order.lot is None:
        return
    expires_on = (await ledger.expiries(work.session, [(kit, order.lot)])).get((kit, order.lot))
    if expires_on is not None and expires_on < wib_day(order.occurred_at):
        raise Invalid([FieldError("/lot", "expired", f"Lot {order.lot} expired on {expires_on}; issue it as expired.")])


async def unpack(work: Work, caller: Caller, kit: str, order: UnpackKits) -> PostingView:
    """Take kits apart into what went into them.

    Raises: Absent (404) for no kit, Invalid (422), ShortOfStock (409), TooMuch (409)
    """
    per_kit = await _components(work, kit)
    lines = [Line(kit, order.quantity, order.place, Virtual.KITS, order.lot)]
    lines += [Line(item, each * order.quantity, Virtual.KITS, order.place) for item, each in per_kit.items()]
    await _not_expired(work, kit, order)
    posted = await _post(work, caller, Kind.UNPACKING, order, lines)
    if isinstance(posted, Refusal):
        raise posted
    here = await known_by_code(work, [kit, *per_kit], [order.place])
    event = KitsUnpacked(
        **posting_fact(posted, here),
        place=order.place,
        kit=kit,
        kit_name=here.items[kit].name,
        quantity=order.quantity,
    )
    work.record(event, region=posted.draft.region)
    return posting_view(posted)


async def _components(work: Work, kit: str) -> dict[str, int]:
    lines = (await store.components_of(work.session, [kit]))[kit]
    if not lines:
        raise Absent
    return {line.item: line.quantity for line in lines}


async def _post(
    work: Work, caller: Caller, kind: Kind, order: AssembleKits | UnpackKits, lines: Collection[Line]
) -> Posted | Refusal:
    leaves = leaves_of(order)
    here = await known(work, [leaves])
    if errors := order_mistakes(leaves, here, caller, work.now):
        raise Invalid(errors)
    draft = Draft(
        id=work.new_id(),
        kind=kind,
        region=here.places[order.place].region,
        occurred_at=order.occurred_at,
        caller=caller,
        document=order.document,
        lines=tuple(lines),
        usable_only=True,  # what has expired or is on hold is made good neither by packing nor by unpacking
    )
    (posted,) = await post(work, [draft])
    return posted


async def show(work: Work, kit: str) -> KitView:
    """Show a kit; raises Absent (404)."""
    row = await work.session.get(KitRow, kit)
    if row is None:
        raise Absent
    return (await _views(work, [row]))[0]


async def page(work: Work, query: KitQuery) -> Page[KitView]:
    """List the kits by code."""
    (after,) = cursor.decode(query.cursor, tuple[str]) if query.cursor else ("",)
    rows = await store.after(work.session, after, query.limit + 1)
    views = {view.kit: view for view in await _views(work, rows)}
    return cursor.page(rows, query.limit, lambda row: views[row.item], lambda row: (row.item,))


async def _views(work: Work, rows: Collection[KitRow]) -> list[KitView]:
    components = await store.components_of(work.session, [row.item for row in rows])
    named = Counter(line.item for lines in components.values() for line in lines)
    items = (await known_by_code(work, [*named, *components])).items
    return [
        KitView(
            id=row.id,
            kit=row.item,
            name=items[row.item].name,
            document=row.document,
            defined_at=shown(row.defined_at),
            components=[_component(line, items[line.item]) for line in components[row.item]],
        )
        for row in rows
    ]


def _component(line: KitComponentRow, item: Item) -> ComponentView:
    return ComponentView(item=line.item, name=item.name, unit=item.unit, quantity=line.quantity)
