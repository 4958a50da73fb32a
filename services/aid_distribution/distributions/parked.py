"""Distributions that have happened and that a rule stands against: parked, and entered later with all their effects."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.coupons.domain import CouponUsed, RoundClosed
from services.aid_distribution.distributions import batch_store
from services.aid_distribution.distributions.batch_rules import EntryIdReused
from services.aid_distribution.distributions.batch_store import Claim
from services.aid_distribution.distributions.domain import BUSINESS_CLOSED
from services.aid_distribution.distributions.handlers import post_all
from services.aid_distribution.distributions.happened import notes_of, post_accepted
from services.aid_distribution.distributions.limit_rules import LimitReached
from services.aid_distribution.distributions.orders import DistributionView, ParkDistribution, PostDistribution
from services.aid_distribution.distributions.within_limits import Facts
from services.aid_distribution.exceptions import parking, store
from services.aid_distribution.exceptions.domain import Breach, EntryDropped, NotShort, Posting, State
from services.aid_distribution.exceptions.orders import ApplyException, ExceptionView, exception_view
from services.aid_distribution.exceptions.parking import Applier, Short, asked_of, undated
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger.domain import CountedSince, LotHeld, ShortOfStock
from shared.caller import Caller
from shared.database import Work
from shared.problems import Invalid, Refusal
from shared.routes import Asked

KIND = "distribution"
HIDDEN = ("coupons", "evidence")


class FromBatch(msgspec.Struct, frozen=True):
    """What entering an entry of a device needs beside its order."""

    batch_id: UUID
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedEntry:
    """An entry of a device that a rule stands against, and the exception that it is already, if it is one."""

    order: PostDistribution
    refusal: Refusal
    entry_id: UUID
    digest: bytes
    batch_id: UUID
    told_at: datetime
    exception: ExceptionRow | None


async def park_distribution(work: Work, caller: Caller, body: ParkDistribution) -> ExceptionView:
    """Park a distribution that no card holds the goods of.

    Raises: NotShort (409) when it can be posted as it is, and whatever else the distribution would be refused for
    """
    order = PostDistribution(**{name: getattr(body, name) for name in PostDistribution.__struct_fields__})
    (outcome,) = await post_all(work, [Asked(order, caller)])
    if not isinstance(outcome, Refusal):
        raise NotShort("It can be posted as it is; post the distribution.")
    if not isinstance(outcome, ShortOfStock):
        raise outcome
    (row,) = await parking.park(work, caller, [_short(order, outcome, due_at=body.due_at)])
    return exception_view(row, HIDDEN, work.now)


def _short(order: PostDistribution, refusal: Refusal, **more: Any) -> Short:
    return Short(kind=KIND, order=order, place=order.place, occurred_at=order.occurred_at, refusal=refusal, **more)


async def of_entries(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, ExceptionRow]:
    """Give what is or was parked of these entries, and keep others from settling it meanwhile."""
    return await store.of_entries(session, KIND, ids)


def dropped(row: ExceptionRow) -> EntryDropped | None:
    """Say that an entry was dropped, if it was."""
    if row.state != State.DROPPED:
        return None
    return EntryDropped(f"It was dropped: {row.drop_reason}", exception_id=str(row.id))


def parks(outcome: object) -> bool:
    """Tell whether an entry was refused by a rule, and not for how it is put: then it has happened, and is kept."""
    if isinstance(outcome, Invalid):
        return bool(outcome.errors) and all(error.code == BUSINESS_CLOSED for error in outcome.errors)
    return isinstance(outcome, ShortOfStock | LimitReached | LotHeld | CountedSince | CouponUsed | RoundClosed)


async def park_entries(work: Work, caller: Caller, entries: Sequence[ParkedEntry]) -> list[ExceptionRow]:
    """Park entries, and keep of those that are parked already that they were told again; in the same order."""
    await parking.note_refused(work, [(one.exception, one.refusal) for one in entries if one.exception])
    new = [one for one in entries if one.exception is None]
    fresh = [
        _short(
            one.order,
            one.refusal,
            entry_id=one.entry_id,
            digest=one.digest,
            context=msgspec.to_builtins(FromBatch(one.batch_id, one.told_at)),
        )
        for one in new
    ]
    rows = iter(await parking.park(work, caller, fresh))
    return [one.exception or next(rows) for one in entries]


async def note_refused(work: Work, refused: Sequence[tuple[ExceptionRow, Refusal]]) -> None:
    """Keep of what is parked that it was told again and something else than stock stood against it."""
    await parking.note_refused(work, refused)


async def note_entered(work: Work, caller: Caller, entered: Sequence[tuple[ExceptionRow, DistributionView]]) -> None:
    """Close what was parked and has been entered because its device sent it again."""
    done = [(row, Posting(view.posting_id, view.number)) for row, view in entered]
    await parking.note_applied(work, caller, done, HIDDEN)


async def enter(work: Work, caller: Caller, row: ExceptionRow, how: ApplyException) -> Posting | Refusal:
    """Enter a distribution that was parked; an entry of a device is taken then, should it be sent again."""
    order, new_id = asked_of(row, PostDistribution, how.document), work.new_id()
    facts = Facts(breach_accepted=how.breach_accepted is not None)
    if row.entry_id is not None and row.digest is not None:
        told = msgspec.convert(row.context, FromBatch)
        claim = Claim(row.entry_id, new_id, row.digest, told.told_at)
        if not await batch_store.claim(work.session, told.batch_id, row.owner, [claim]):
            return EntryIdReused("This entry has been entered by another id.")
    outcome = await post_accepted(work, Asked(order, undated(caller)), new_id, facts)
    if not isinstance(outcome, Refusal):
        await batch_store.note(work.session, notes_of([outcome], facts))
        refused = facts.breaches.get(outcome.posting_id)
        breach = Breach(refused.code, refused.detail or refused.title, dict(refused.members)) if refused else None
        return Posting(outcome.posting_id, outcome.number, breach)
    if row.entry_id is not None:
        await batch_store.give_up(work.session, [row.entry_id])
    return outcome


DISTRIBUTIONS = Applier(enter, HIDDEN)
