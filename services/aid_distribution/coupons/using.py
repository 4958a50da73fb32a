"""Coupons at a distribution: read, held against their round, and used in the transaction that hands out the goods.

The rows are locked before any card is, so that of two who come with the same coupon the second finds it used.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from services.aid_distribution.coupons import signing, store
from services.aid_distribution.coupons.domain import CouponUsed, RoundClosed, State
from services.aid_distribution.coupons.handlers import PURPOSE
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.domain import Draft, Kind, Line, Virtual
from services.aid_distribution.ledger.handlers import posting_for_update, undo
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.problems import FieldError, Refusal
from shared.routes import Asked

B = TypeVar("B")


class Use(NamedTuple):
    """A hand-out at which households were known by their coupons."""

    distribution_id: UUID
    number: str
    region: str
    occurred_at: datetime
    caller: Caller
    coupons: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Coupons:
    """The coupons that a batch of distributions names: `signed` by their words, `rows` as they are stored, locked."""

    signed: Mapping[str, signing.Signed]
    rows: Mapping[UUID, Any]

    def mistakes(self, tokens: Sequence[str], programme: str, place: str, at: datetime) -> list[FieldError]:
        """Say what is wrong with naming these: not ours, told twice, of another round, or given only afterwards."""
        errors: list[FieldError] = []
        seen: set[UUID] = set()
        for index, token in enumerate(tokens):
            pointer, row = f"/coupons/{index}", self._row(token)
            if row is None:
                errors.append(FieldError(pointer, "unknown_coupon", "This is no coupon of ours."))
                continue
            if row.id in seen:
                errors.append(FieldError(pointer, "duplicate", "This coupon is named twice."))
            elif (row.programme, row.place) != (programme, place):
                detail = f"It is of {row.number}, for {row.programme} at {row.place}."
                errors.append(FieldError(pointer, "other_round", detail))
            elif at < row.issued_at:
                errors.append(FieldError(pointer, "before_coupon", "It was given only afterwards."))
            seen.add(row.id)
        return errors

    def refusal(self, tokens: Sequence[str]) -> Refusal | None:
        """Give the rule that stands against using these: one was used already, or its round is closed."""
        rows = [row for token in tokens if (row := self._row(token)) is not None]
        for index, row in enumerate(rows):
            if row.distribution_id is not None:
                detail = f"Coupon {row.serial} was used {shown(row.used_at):%Y-%m-%d %H:%M}."
                return CouponUsed(detail, coupon=index, distribution_id=str(row.distribution_id))
        closed = next((row for row in rows if row.state != State.OPEN), None)
        return RoundClosed(f"{closed.number} is closed.", number=closed.number) if closed else None

    def ids(self, tokens: Iterable[str]) -> list[UUID]:
        """Give the ids of coupons that are ours."""
        return [row.id for token in tokens if (row := self._row(token)) is not None]

    def _row(self, token: str) -> Any:
        said = self.signed.get(token)
        row = self.rows.get(said.coupon_id) if said else None
        return row if said and row is not None and row.round_id == said.market_id else None


async def named(work: Work, tokens: Collection[str]) -> Coupons:
    """Read and lock the coupons that are named."""
    if not tokens:
        return Coupons({}, {})
    key = work.vault.signer(PURPOSE).public_key()
    read = {token: signing.read(token, key) for token in set(tokens)}
    signed = {token: said for token, said in read.items() if said is not None}
    return Coupons(signed, await store.locked(work.session, [said.coupon_id for said in signed.values()]))


def once_each(orders: Iterable[Asked[B]]) -> Iterator[list[Asked[B]]]:
    """Part orders so that no two of one part name the same coupon: the later one is to find it used."""
    run: list[Asked[B]] = []
    seen: set[str] = set()
    for one in orders:
        told: Sequence[str] = getattr(one.body, "coupons", ())
        if not seen.isdisjoint(told):
            yield run
            run, seen = [], set()
        seen.update(told)
        run.append(one)
    if run:
        yield run


async def use(work: Work, coupons: Coupons, used: Sequence[Use]) -> dict[UUID, UUID]:
    """Use coupons: their entitlement goes back to where it came from; gives the posting of each distribution."""
    drafts = {one.distribution_id: _draft(work, coupons, one) for one in used if one.coupons}
    if not drafts:
        return {}
    for posted in await ledger.post(work, list(drafts.values())):
        if isinstance(posted, Refusal):
            raise posted
    spent = [(coupon, one.distribution_id, one.occurred_at) for one in used for coupon in one.coupons]
    await store.use(work.session, spent)
    return {distribution: draft.id for distribution, draft in drafts.items()}


def _draft(work: Work, coupons: Coupons, one: Use) -> Draft:
    rows = [coupons.rows[coupon] for coupon in one.coupons]
    counted: dict[tuple[str, str], int] = {}
    for row in rows:
        counted[row.item, row.place] = counted.get((row.item, row.place), 0) + 1
    return Draft(
        id=work.new_id(),
        kind=Kind.COUPON,
        region=one.region,
        occurred_at=one.occurred_at,
        caller=one.caller,
        document=one.number,
        lines=tuple(Line(item, count, place, Virtual.COUPONS, "") for (item, place), count in sorted(counted.items())),
    )


async def lock_used(work: Work, distribution_id: UUID) -> Sequence[Any]:
    """Lock the coupons that were used at a distribution, before any card is: whoever uses one locks in this order."""
    return await store.locked_of(work.session, distribution_id)


async def give_back(work: Work, caller: Caller, used: Sequence[Any], posting_id: UUID | None, reason: str) -> None:
    """Give coupons back whose distribution is voided; of a round that is closed they stay used."""
    if posting_id is None or any(row.state != State.OPEN for row in used):
        return
    await undo(work, caller, await posting_for_update(work, caller, posting_id), reason)
    await store.give_back(work.session, [row.id for row in used])
