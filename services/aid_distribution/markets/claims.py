"""What a seller is owed for packages sold below their price: claimed, decided line by line, paid, settled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from sqlmodel import col, select

from services.aid_distribution.exceptions import store as exceptions
from services.aid_distribution.ledger.domain import when_mistakes
from services.aid_distribution.ledger.orders import Moment, Order
from services.aid_distribution.markets import claim_store, handlers
from services.aid_distribution.markets.claim_rules import (
    AlreadyClaimed,
    ClaimOutstanding,
    ClaimState,
    LineState,
    NothingToClaim,
    SalesParked,
    Sold,
    WrongClaimState,
    amount_rupiah,
    settled_rupiah,
)
from services.aid_distribution.markets.claim_store import MarketClaimLineRow, MarketClaimRow
from services.aid_distribution.markets.domain import ALLOTMENT_MAX, Model, State
from services.aid_distribution.markets.handlers import market_for_update, market_seen
from services.aid_distribution.markets.orders import ITEMS_MAX, MarketView, StapleCode
from services.aid_distribution.markets.store import MarketRow, MarketSaleLineRow, MarketSaleRow
from services.aid_distribution.markets.uploads import KIND
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.problems import Absent, FieldError, Invalid
from shared.routes import Text


class ClaimedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of an item is claimed, at most what was sold."""

    item: StapleCode
    quantity: Annotated[int, msgspec.Meta(ge=0, le=ALLOTMENT_MAX, examples=[1])]


class SubmitClaim(Order, frozen=True, kw_only=True):
    """The seller claims what was sold; an item that is not named is claimed whole."""

    lines: Annotated[list[ClaimedLine], msgspec.Meta(max_length=ITEMS_MAX)] = msgspec.field(default_factory=list)


class DecidedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item of the claim: approved, or refused with a reason."""

    item: StapleCode
    approved: bool
    reason: Text | None = None


class DecideClaim(Order, frozen=True, kw_only=True):
    """Every line of a claim is decided."""

    lines: Annotated[list[DecidedLine], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]


class PayClaim(Order, frozen=True, kw_only=True):
    """What was settled has been paid."""

    paid_at: Moment
    reference: Annotated[Text, msgspec.Meta(examples=["SP2D-0091/2020"])]


class SettleMarket(Order, frozen=True, kw_only=True):
    """The book of a market without a seller's claim is closed."""


class ClaimLineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a claim: what was sold, what is claimed, what came back since, and what was decided.

    Shape: `settled` is how much is paid, or was
    """

    item: str
    sold: int
    claimed: int
    returned: int
    settled: int | None
    subsidy_rupiah: int
    amount_rupiah: int
    state: str
    reason: str | None


class ExcludedView(msgspec.Struct, frozen=True, kw_only=True):
    """Goods that were handed out for a coupon that had been used: nobody is paid for them."""

    sale_id: UUID
    coupon_id: UUID
    counter: str
    item: str
    quantity: int


class ClaimView(msgspec.Struct, frozen=True, kw_only=True):
    """A claim: what was computed from the sales, claimed, settled; and what was left out.

    Shape: `recoverable_rupiah` is the worth of what came back after it was paid, which the seller owes
    """

    id: UUID
    market_id: UUID
    seller: UUID
    state: str
    computed_rupiah: int
    claimed_rupiah: int
    settled_rupiah: int | None
    recoverable_rupiah: int
    submitted_at: datetime
    decided_at: datetime | None
    paid_at: datetime | None
    payment_reference: str | None
    document: str | None
    lines: list[ClaimLineView]
    excluded: list[ExcludedView]
    version: int


async def submit(work: Work, caller: Caller, market_id: UUID, order: SubmitClaim) -> ClaimView:
    """Claim what a seller sold at a market that is closed.

    Raises: Absent (404), Invalid (422), and of 409 WrongMarketState, NothingToClaim, AlreadyClaimed,
            SalesParked
    """
    market = await market_for_update(work, caller, market_id, State.CLOSED)
    if market.seller is None or market.model != Model.SUBSIDISED_PACKAGE:
        raise NothingToClaim(f"{market.number} has no seller who is owed a subsidy.")
    if before := await claim_store.claim_of(work.session, market.id):
        raise AlreadyClaimed(f"{market.number} was claimed already.", claim_id=str(before.id))
    await _nothing_parked(work, market)
    sold = await claim_store.sold(work.session, market.id)
    if errors := _submission_mistakes(order, sold):
        raise Invalid(errors)
    claimed = {item: one.quantity for item, one in sold.items()} | {line.item: line.quantity for line in order.lines}
    row = MarketClaimRow(
        id=work.new_id(),
        market_id=market.id,
        seller=market.seller,
        state=ClaimState.SUBMITTED,
        computed_rupiah=amount_rupiah({item: one.quantity for item, one in sold.items()}, sold),
        claimed_rupiah=amount_rupiah(claimed, sold),
        submitted_at=work.now,
        submitted_by=caller.subject,
        document=order.document,
        version=1,
    )
    work.session.add(row)
    await work.session.flush()
    work.session.add_all(
        MarketClaimLineRow(
            claim_id=row.id,
            item=item,
            sold=one.quantity,
            claimed=claimed[item],
            subsidy_rupiah=one.subsidy_rupiah,
            state=LineState.PENDING,
        )
        for item, one in sold.items()
    )
    await work.session.flush()
    await claim_store.claim_sales(work.session, row)
    return await _view(work, row)


def _submission_mistakes(order: SubmitClaim, sold: dict[str, Sold]) -> list[FieldError]:
    errors = _item_mistakes([line.item for line in order.lines], list(sold))
    for index, line in enumerate(order.lines):
        if line.item in sold and line.quantity > sold[line.item].quantity:
            detail = f"{sold[line.item].quantity} were sold."
            errors.append(FieldError(f"/lines/{index}/quantity", "above_sold", detail))
    return errors


def _item_mistakes(named: Sequence[str], known: Sequence[str]) -> list[FieldError]:
    errors = []
    for index, item in enumerate(named):
        if item not in known:
            errors.append(FieldError(f"/lines/{index}/item", "unknown_item", f"{item} was not sold there."))
        elif item in named[:index]:
            errors.append(FieldError(f"/lines/{index}/item", "duplicate", f"{item}: one line for each item."))
    return errors


async def decide(work: Work, caller: Caller, market_id: UUID, claim_id: UUID, order: DecideClaim) -> ClaimView:
    """Approve or refuse every line. Raises: Absent (404), Invalid (422), WrongMarketState or WrongClaimState (409)."""
    row, _ = await _claim_for_update(work, caller, market_id, claim_id, ClaimState.SUBMITTED)
    lines = {line.item: line for line in await claim_store.lines_of(work.session, row.id)}
    if errors := _decision_mistakes(order, list(lines)):
        raise Invalid(errors)
    for told in order.lines:
        lines[told.item].state = LineState.APPROVED if told.approved else LineState.REFUSED
        lines[told.item].reason = None if told.approved else told.reason
    row.state, row.settled_rupiah = ClaimState.DECIDED, _settle_lines(list(lines.values()))
    row.decided_at, row.decided_by = work.now, caller.subject
    row.version += 1
    await work.session.flush()
    return await _view(work, row)


def _settle_lines(lines: Sequence[MarketClaimLineRow]) -> int:
    """Settle the lines of a claim that were approved, less what came back; gives what is due for them."""
    for line in lines:
        line.settled = line.payable
    return settled_rupiah([(line.payable, line.subsidy_rupiah, True) for line in lines])


def _decision_mistakes(order: DecideClaim, known: Sequence[str]) -> list[FieldError]:
    named = [line.item for line in order.lines]
    errors = _item_mistakes(named, known)
    for index, line in enumerate(order.lines):
        if not line.approved and line.reason is None:
            errors.append(FieldError(f"/lines/{index}/reason", "missing", "What is refused needs a reason."))
    if missing := sorted(set(known) - set(named)):
        errors.append(FieldError("/lines", "missing", f"Not decided: {', '.join(missing)}."))
    return errors


async def pay(work: Work, caller: Caller, market_id: UUID, claim_id: UUID, order: PayClaim) -> ClaimView:
    """Note that a claim was paid, less what came back since it was decided; the market is settled with it.

    Raises: Absent (404), Invalid (422), WrongMarketState or WrongClaimState (409)
    """
    row, market = await _claim_for_update(work, caller, market_id, claim_id, ClaimState.DECIDED)
    if errors := when_mistakes(order.paid_at, work.now, caller.role, work.dating_back_days, "/paid_at"):
        raise Invalid(errors)
    row.settled_rupiah = _settle_lines(await claim_store.lines_of(work.session, row.id))
    row.state, row.paid_at, row.paid_by = ClaimState.PAID, order.paid_at, caller.subject
    row.payment_reference = order.reference
    row.version += 1
    await _settled(work, caller, market)
    return await _view(work, row)


async def settle(work: Work, caller: Caller, market_id: UUID) -> MarketView:
    """Close the book of a market that no seller claims for.

    Raises: Absent (404), WrongMarketState or ClaimOutstanding (409)
    """
    market = await market_for_update(work, caller, market_id, State.CLOSED)
    if market.seller is not None and market.model == Model.SUBSIDISED_PACKAGE:
        raise ClaimOutstanding(f"{market.number} is settled when its seller is paid.")
    await _settled(work, caller, market)
    return await handlers.show(work, caller, market.id)


async def _nothing_parked(work: Work, market: MarketRow) -> None:
    """Refuse while sales wait for goods: entered later they would be in no claim, or find the book closed."""
    if waiting := await exceptions.open_with(work.session, KIND, "market_id", str(market.id)):
        raise SalesParked(
            f"{market.number}: {len(waiting)} sales are parked.", exceptions=[str(one) for one in waiting]
        )


async def _settled(work: Work, caller: Caller, market: MarketRow) -> None:
    """Settle a market; entitlement that nobody used goes back where it came from."""
    await _nothing_parked(work, market)
    market.state = State.SETTLED
    market.version += 1
    await work.session.flush()
    unused = market.packages_issued - await claim_store.packages_used(work.session, market.id)
    await handlers.give_back_coupons(work, caller, market, unused)


async def _claim_for_update(
    work: Work, caller: Caller, market_id: UUID, claim_id: UUID, state: ClaimState
) -> tuple[MarketClaimRow, MarketRow]:
    market = await market_for_update(work, caller, market_id, State.CLOSED, State.SETTLED)
    row = await claim_store.claim_of(work.session, market.id)
    if row is None or row.id != claim_id:
        raise Absent
    if row.state != state:
        raise WrongClaimState(f"The claim is {row.state}.", state=row.state)
    return row, market


async def show(work: Work, caller: Caller, market_id: UUID, claim_id: UUID) -> ClaimView:
    """Show a claim; raises Absent (404)."""
    market = await market_seen(work, caller, market_id)
    row = await claim_store.claim_of(work.session, market.id)
    if row is None or row.id != claim_id:
        raise Absent
    return await _view(work, row)


async def _view(work: Work, row: MarketClaimRow) -> ClaimView:
    lines = await claim_store.lines_of(work.session, row.id)
    return ClaimView(
        id=row.id,
        market_id=row.market_id,
        seller=row.seller,
        state=row.state,
        computed_rupiah=row.computed_rupiah,
        claimed_rupiah=row.claimed_rupiah,
        settled_rupiah=row.settled_rupiah,
        recoverable_rupiah=sum(line.recoverable_rupiah for line in lines) if row.state == ClaimState.PAID else 0,
        submitted_at=shown(row.submitted_at),
        decided_at=shown(row.decided_at) if row.decided_at else None,
        paid_at=shown(row.paid_at) if row.paid_at else None,
        payment_reference=row.payment_reference,
        document=row.document,
        lines=[
            ClaimLineView(
                item=line.item,
                sold=line.sold,
                claimed=line.claimed,
                returned=line.returned,
                settled=line.settled,
                subsidy_rupiah=line.subsidy_rupiah,
                amount_rupiah=line.claimed * line.subsidy_rupiah,
                state=line.state,
                reason=line.reason,
            )
            for line in lines
        ],
        excluded=await _excluded(work, row.market_id),
        version=row.version,
    )


async def _excluded(work: Work, market_id: UUID) -> list[ExcludedView]:
    question = (
        select(MarketSaleRow, MarketSaleLineRow)
        .join(MarketSaleLineRow, col(MarketSaleLineRow.sale_id) == col(MarketSaleRow.id))
        .where(MarketSaleRow.market_id == market_id, col(MarketSaleRow.double_use).is_(True))
        .order_by(col(MarketSaleRow.id), col(MarketSaleLineRow.item))
    )
    return [
        ExcludedView(
            sale_id=sale.id,
            coupon_id=sale.coupon_id or sale.id,
            counter=sale.counter,
            item=line.item,
            quantity=line.quantity,
        )
        for sale, line in await work.session.exec(question)
    ]
