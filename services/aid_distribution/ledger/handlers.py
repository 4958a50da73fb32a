"""What the ledger does: take in, give out, undo; and make items and places known.

Orders come in batches that share one transaction, and each has its own outcome; a single order is a batch of one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.aid_distribution.ledger import deciding, domain, lateness, lot_notes, packs, returned, store, writing
from services.aid_distribution.ledger.catalogue import CodeTaken, ItemRow, PlaceRow
from services.aid_distribution.ledger.domain import (
    ISSUE_PLACES,
    SOURCE_PLACES,
    CountedSince,
    Draft,
    Kind,
    Line,
    Packed,
    Reason,
    when_mistakes,
)
from services.aid_distribution.ledger.known import Known, Told, dated_lots, known, known_by_code
from services.aid_distribution.ledger.loading import lock_cards, recorded_at
from services.aid_distribution.ledger.mistakes import issue_mistakes, lot_mistakes, place_mistakes, receipt_mistakes
from services.aid_distribution.ledger.orders import (
    AddItem,
    AddPlace,
    IssueStock,
    ItemView,
    PlaceView,
    PostingView,
    ReceiveStock,
    ReversePosting,
    item_view,
    place_view,
    posting_view,
)
from services.aid_distribution.ledger.returned import GoodsReturned
from services.aid_distribution.ledger.store import Posted, PostingLineRow, PostingRow
from shared.caller import Caller
from shared.clock import WIB
from shared.contracts.aid_distribution import StockIssued, StockReceived, StockReversed
from shared.database import Work
from shared.leaves import Leaves, leaves_of
from shared.problems import Absent, Invalid, Refusal
from shared.routes import Asked


class AlreadyReversed(Refusal):
    """A posting can be undone once."""

    code = "already_reversed"
    title = "Already reversed"


class NotReversible(Refusal):
    """A posting of this kind is undone by other means, or not at all."""

    code = "not_reversible"
    title = "This posting cannot be reversed"


REVERSIBLE = (Kind.RECEIPT, Kind.ISSUE, Kind.COUNT, Kind.ASSEMBLY, Kind.UNPACKING)
"""What is undone by reversing its posting; everything else is undone by its document."""


async def post(work: Work, plans: Sequence[Draft | Refusal]) -> list[Posted | Refusal]:
    """Post drafts to the ledger, each with its own outcome; what is refused already stays refused.

    Shape:  outcomes in the order of the plans; ShortOfStock (409) names each card and its first short day, and
            TooMuch (409) the card that cannot count so much
    """
    drafts = [plan for plan in plans if isinstance(plan, Draft)]
    outcomes = iter(await _post(work, drafts) if drafts else ())
    return [next(outcomes) if isinstance(plan, Draft) else plan for plan in plans]


async def _post(work: Work, drafts: Sequence[Draft]) -> list[Posted | Refusal]:
    cards = await lock_cards(work.session, drafts, work.now)
    decided = [(draft, recorded_at(draft, work.now)) for draft in drafts]
    entered = [deciding.post(draft, cards, at) for draft, at in decided]
    accepted = [draft for draft, one in zip(drafts, entered, strict=True) if not isinstance(one, Refusal)]
    if not accepted:
        return [one for one in entered if isinstance(one, Refusal)]
    series = [_series(draft) for draft in accepted]
    wanted = Counter(series)
    raised = await writing.raise_counters(work.session, wanted)
    numbers = _numbers(accepted, series, {key: raised.last[key] - wanted[key] for key in wanted})
    outcomes: list[Posted | Refusal] = [
        one if isinstance(one, Refusal) else Posted(draft, one.lines, numbers[draft.id], at, one)
        for (draft, at), one in zip(decided, entered, strict=True)
    ]
    posted = [one for one in outcomes if isinstance(one, Posted)]
    await writing.write(work.session, posted, raised.heads, cards)
    await lateness.note(work, posted)
    await lot_notes.keep(work.session, posted)
    await packs.keep(work.session, posted)
    return outcomes


def _numbers(
    drafts: Sequence[Draft], series: Sequence[writing.Series], given: dict[writing.Series, int]
) -> dict[UUID, str]:
    """Give the number of each document, in the order of the drafts, after those of its series that are given."""
    numbers: dict[UUID, str] = {}
    for draft, one in zip(drafts, series, strict=True):
        given[one] += 1
        numbers[draft.id] = domain.document_number(*one, given[one])
    return numbers


def _series(draft: Draft) -> writing.Series:
    return draft.region, draft.occurred_at.astimezone(WIB).date().replace(day=1), draft.kind


async def receive(work: Work, asked: Sequence[Asked[ReceiveStock]]) -> list[PostingView | Refusal]:
    """Take goods into places, and remember the expiry of their lots."""
    leaves = [leaves_of(one.body) for one in asked]
    here = await known(work, leaves)
    plans = []
    for one, order in zip(asked, leaves, strict=True):
        plans.append(plan := receipt_draft(work, one, order, here))
        if isinstance(plan, Draft):
            here.expiries.update({lot: expires_on for _, lot, expires_on in dated_lots(order)})
    outcomes = await post(work, plans)
    done = [(one, posted) for one, posted in zip(asked, outcomes, strict=True) if isinstance(posted, Posted)]
    await remember_lots(work, [one.body for one, _ in done])
    for one, posted in done:
        event = StockReceived(**posting_fact(posted, here), place=one.body.place, origin=one.body.source)
        work.record(event, region=posted.draft.region, caller=one.caller)
    return [posting_view(posted) if isinstance(posted, Posted) else posted for posted in outcomes]


def receipt_draft(work: Work, one: Asked[ReceiveStock], leaves: Leaves, here: Known) -> Draft | Refusal:
    """Give the posting that a receipt asks for, or say everything that is wrong with it."""
    order = one.body
    if errors := receipt_mistakes(leaves, here, one.caller, work.now):
        return Invalid(errors)
    place, origin = here.places[order.place], SOURCE_PLACES[order.source]
    lines = tuple(Line(line.item, here.base(line), origin, order.place, line.lot) for line in order.lines)
    return _draft(work, one, Kind.RECEIPT, place.region, order.source, lines, here.packed(order.lines))


async def remember_lots(work: Work, orders: Sequence[ReceiveStock]) -> None:
    """Keep the lots that have come in; raises Invalid (422) when another transaction told another expiry just now."""
    lots = [((line.item, line.lot), line.expires_on) for order in orders for line in order.lines if line.lot]
    if not lots:
        return
    await store.remember_lots(work.session, lots)
    expiries = await store.expiries(work.session, {lot for lot, _ in lots})
    if errors := [error for order in orders for error in lot_mistakes(leaves_of(order), expiries)]:
        raise Invalid(errors)


async def issue(work: Work, asked: Sequence[Asked[IssueStock]]) -> list[PostingView | Refusal]:
    """Take goods off places for a reason other than handing them out."""
    leaves = [leaves_of(one.body) for one in asked]
    here = await known(work, leaves)
    plans = [issue_draft(work, one, order, here) for one, order in zip(asked, leaves, strict=True)]
    outcomes = await post(work, plans)
    for one, posted in zip(asked, outcomes, strict=True):
        if isinstance(posted, Posted):
            event = StockIssued(**posting_fact(posted, here), place=one.body.place, reason=one.body.reason)
            work.record(event, region=posted.draft.region, caller=one.caller)
    return [posting_view(posted) if isinstance(posted, Posted) else posted for posted in outcomes]


def issue_draft(work: Work, one: Asked[IssueStock], leaves: Leaves, here: Known) -> Draft | Refusal:
    """Give the posting that an issue asks for, or say everything that is wrong with it."""
    order = one.body
    if errors := issue_mistakes(leaves, here, one.caller, work.now):
        return Invalid(errors)
    place = here.places[order.place]
    lines = leaving(order.lines, order.place, ISSUE_PLACES[order.reason], here)
    return _draft(work, one, Kind.ISSUE, place.region, order.reason, lines, here.packed(order.lines))


def _draft(
    work: Work,
    one: Asked[ReceiveStock] | Asked[IssueStock],
    kind: Kind,
    region: str,
    reason: str,
    lines: tuple[Line, ...],
    packs: tuple[Packed, ...],
) -> Draft:
    return Draft(
        id=work.new_id(),
        kind=kind,
        region=region,
        occurred_at=one.body.occurred_at,
        caller=one.caller,
        document=one.body.document,
        reason=reason,
        lines=lines,
        packs=packs,
    )


def posting_fact(posted: Posted, here: Known) -> dict[str, Any]:
    """Give what every event about a posting tells."""
    return {
        "posting_id": posted.draft.id,
        "number": posted.number,
        "region": posted.draft.region,
        "occurred_at": posted.draft.occurred_at,
        "lines": here.goods(posted.lines),
    }


def leaving(lines: Sequence[Told], place: str, to_place: str, here: Known) -> tuple[Line, ...]:
    """Make the ledger's lines, in base units, for goods that leave a place."""
    return tuple(Line(line.item, here.base(line), place, to_place, line.lot) for line in lines)


async def reverse(work: Work, caller: Caller, posting_id: UUID, order: ReversePosting) -> PostingView:
    """Undo a receipt, an issue, a count, or kits that were put together or taken apart; an adjustment is counted anew.

    A document that holds a posting is undone as a whole, by its own means.
    """
    row = await posting_for_update(work, caller, posting_id)
    if row.kind == Kind.REVERSAL:
        raise NotReversible("A reversal is not reversed; post the movement anew.")
    if row.kind not in REVERSIBLE:
        raise NotReversible(f"This posting belongs to a document ({row.kind}); undo the document.", kind=row.kind)
    if row.kind == Kind.ISSUE and row.reason == Reason.RECOUNT:
        raise NotReversible("An adjustment is not reversed; count what is there.", kind="adjustment")
    posted, here = await undo(work, caller, row, order.reason, order.document)
    work.record(StockReversed(**posting_fact(posted, here), reverses=row.id, reason=order.reason), region=row.region)
    return posting_view(posted)


async def posting_for_update(work: Work, caller: Caller, posting_id: UUID) -> PostingRow:
    """Lock a posting against being undone twice at once; raises Absent (404) also for another region's."""
    row = await work.session.get(PostingRow, posting_id, with_for_update=True)
    if row is None or not caller.sees(row.region):
        raise Absent
    return row


async def undo(
    work: Work, caller: Caller, row: PostingRow, reason: str, document: str | None = None
) -> tuple[Posted, Known]:
    """Post the opposite of a posting, at its own moment: it changes what a posting of that day would.

    Raises: NotReversible (409) where the role might not date so far back, AlreadyReversed (409), GoodsReturned (409),
            ShortOfStock (409), CountedSince (409) naming the later counts
    """
    happened_at = min(row.occurred_at, work.now)  # a clock may have been ahead
    if wrong := when_mistakes(happened_at, work.now, caller.role, work.dating_back_days):
        raise NotReversible(wrong[0].detail, reason=wrong[0].code)
    done = (await work.session.exec(select(PostingRow).where(PostingRow.reverses == row.id))).first()
    if done is not None:
        raise AlreadyReversed(f"It was reversed by {done.number}.", reversed_by=str(done.id), number=done.number)
    if await returned.any_of(work.session, row.id):
        raise GoodsReturned("Some of its goods are back already; return the rest instead.")
    question = select(PostingLineRow).where(PostingLineRow.posting_id == row.id)
    lines = (await work.session.exec(question.order_by(col(PostingLineRow.line_no)))).all()
    draft = Draft(
        id=work.new_id(),
        kind=Kind.REVERSAL,
        region=row.region,
        occurred_at=row.occurred_at,
        caller=caller,
        document=document,
        reason=reason,
        reverses=row.id,
        lines=tuple(Line(line.item, line.quantity, line.to_place, line.from_place, line.lot) for line in lines),
        uncounted=await store.counted_in(work.session, row.id) if row.kind == Kind.COUNT else (),
    )
    (posted,) = await post(work, [draft])
    if isinstance(posted, CountedSince):
        raise await _named(work, posted)
    if isinstance(posted, Refusal):
        raise posted
    return posted, await known_by_code(work, (line.item for line in lines))


async def _named(work: Work, refusal: CountedSince) -> CountedSince:
    """Name the counts by their numbers, as people do."""
    ids = [UUID(one) for one in refusal.counts]
    question = select(PostingRow.number).where(col(PostingRow.id).in_(ids)).order_by(col(PostingRow.occurred_at))
    numbers = list((await work.session.exec(question)).all())
    return CountedSince(f"It was counted since: {', '.join(numbers)}.", counts=[*refusal.counts], numbers=numbers)


async def add_item(work: Work, order: AddItem) -> ItemView:
    """Make an item known; raises CodeTaken (409)."""
    row = ItemRow(
        id=work.new_id(),
        code=order.code,
        name=order.name,
        unit=order.unit,
        category=order.category,
        created_at=work.now,
    )
    await _insert(work, row, row.code)
    return item_view(row)


async def add_place(work: Work, order: AddPlace) -> PlaceView:
    """Make a place known; raises CodeTaken (409), or Invalid (422) for a region that is not the caller's."""
    if errors := await place_mistakes(work, leaves_of(order)):
        raise Invalid(errors)
    row = PlaceRow(
        id=work.new_id(),
        code=order.code,
        name=order.name,
        kind=order.kind,
        region=order.region,
        created_at=work.now,
    )
    await _insert(work, row, row.code)
    return place_view(row)


async def _insert(work: Work, row: ItemRow | PlaceRow, code: str) -> None:
    order = insert(type(row)).values(**row.model_dump()).on_conflict_do_nothing().returning(literal(1))
    if (await work.session.execute(order)).first() is None:
        raise CodeTaken(f"{code} is in use.")
