"""What stands behind the QR code of a paper: codes that nobody can make up, and what the books say to them.

A code is what the paper claims and a mark over it that only this installation can make: the number of a posting, or of
a stock card its place, item, days and balance. So a claim that was not printed here has no answer but that it is not
valid, and neither has one that somebody put together from the codes of others.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from services.aid_distribution.ledger.catalogue import find
from services.aid_distribution.ledger.movements import MICROSECOND, on_hand
from services.aid_distribution.ledger.words import OUTSIDE
from shared.clock import WIB, shown, wib_day
from shared.database import Work
from shared.privacy import Vault

PURPOSE = "paper"
BETWEEN = "_"
"""Parts a code; it stands in no number, place or item."""

CODE_LENGTH_MAX = 200
MOMENT = "%Y%m%d%H%M%S"
DAY = "%Y%m%d"


@dataclass(frozen=True, slots=True)
class CardClaim:
    """What a printed stock card says: so much lay there at that moment, which is not included."""

    place: str
    item: str
    first: date
    until: datetime
    balance: int


def posting_code(vault: Vault, number: str) -> str:
    """Give the code of a posting's receipt."""
    return _signed(vault, number)


def card_code(vault: Vault, claim: CardClaim) -> str:
    """Give the code of a printed stock card."""
    until = claim.until.astimezone(WIB).strftime(MOMENT)
    return _signed(vault, claim.place, claim.item, claim.first.strftime(DAY), until, str(claim.balance))


def _signed(vault: Vault, *parts: str) -> str:
    claim = BETWEEN.join(parts)
    return f"{claim}{BETWEEN}{vault.mark(PURPOSE, claim)}"


def claim_of(vault: Vault, code: str) -> str | CardClaim | None:
    """Give what a code claims, the number of a posting or a card; None when it was not made here."""
    claim, _, mark = code.rpartition(BETWEEN)
    if len(code) > CODE_LENGTH_MAX or not vault.marked(PURPOSE, claim, mark):
        return None
    number, *card = claim.split(BETWEEN)
    if not card:
        return number
    with suppress(ValueError):
        item, first, until, balance = card
        moment = datetime.strptime(until, MOMENT).replace(tzinfo=WIB)
        return CardClaim(number, item, date.fromisoformat(first), moment, int(balance))
    return None


class VerifiedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on a receipt."""

    item: str
    item_name: str
    lot: str | None
    unit: str
    quantity: int
    from_place: str
    to_place: str


class VerifiedPosting(msgspec.Struct, frozen=True, kw_only=True, tag_field="paper", tag="posting"):
    """What the books say of a receipt; who posted it, and why, is not for the public."""

    number: str
    kind: str
    occurred_on: date
    lines: list[VerifiedLine]
    reverses: str | None
    reversed_by: str | None


class VerifiedCard(msgspec.Struct, frozen=True, kw_only=True, tag_field="paper", tag="card"):
    """What the books say of a printed stock card: `printed` is the balance on the paper, `on_hand` that of today.

    Shape: both are balances of the moment `until`; they differ where something was posted late
    """

    place: str
    place_name: str
    item: str
    item_name: str
    unit: str
    from_: date = msgspec.field(name="from")
    until: datetime
    printed: int
    on_hand: int


POSTING = text(
    "SELECT p.id, p.number, p.kind, p.occurred_at, o.number AS reverses, r.number AS reversed_by FROM posting p"
    " LEFT JOIN posting o ON o.id = p.reverses LEFT JOIN posting r ON r.reverses = p.id WHERE p.number = :number"
)
LINES = text(
    "SELECT l.item, i.name, l.lot, i.unit, l.from_place, f.name AS from_name, l.to_place, t.name AS to_name,"
    " sum(l.quantity)::bigint AS quantity, min(l.line_no) AS line_no FROM posting_line l JOIN item i ON i.code = l.item"
    " JOIN place f ON f.code = l.from_place JOIN place t ON t.code = l.to_place WHERE l.posting_id = :id"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY line_no"
)


async def verified(work: Work, code: str) -> VerifiedPosting | VerifiedCard | None:
    """Say what the books hold of a paper; None for every code that is not valid, whatever is wrong with it."""
    claim = claim_of(work.vault, code)
    if claim is None:
        return None
    return await (verified_posting(work, claim) if isinstance(claim, str) else _card(work, claim))


async def verified_posting(work: Work, number: str) -> VerifiedPosting | None:
    """Say what the books hold of a posting, without anything about a person; None when there is no such number."""
    row = (await work.session.execute(POSTING, {"number": number})).first()
    if row is None:
        return None
    return VerifiedPosting(
        number=row.number,
        kind=row.kind,
        occurred_on=wib_day(row.occurred_at),
        lines=await _lines(work, row.id),
        reverses=row.reverses,
        reversed_by=row.reversed_by,
    )


async def _lines(work: Work, posting_id: UUID) -> list[VerifiedLine]:
    return [
        VerifiedLine(
            item=row.item,
            item_name=row.name,
            lot=row.lot or None,
            unit=row.unit,
            quantity=row.quantity,
            from_place=named(row.from_place, row.from_name),
            to_place=named(row.to_place, row.to_name),
        )
        for row in await work.session.execute(LINES, {"id": posting_id})
    ]


def named(code: str, name: str) -> str:
    """Give the name of a place; what is outside all places is called by its code, for which there are words."""
    return code if code in OUTSIDE else name


async def _card(work: Work, claim: CardClaim) -> VerifiedCard | None:
    items, places = await find(work.session, [claim.item], [claim.place])
    if not (items and places):
        return None
    item: Any = items[claim.item]
    return VerifiedCard(
        place=claim.place,
        place_name=places[claim.place].name,
        item=claim.item,
        item_name=item.name,
        unit=item.unit,
        from_=claim.first,
        until=shown(claim.until),
        printed=claim.balance,
        on_hand=await on_hand(work, claim.place, claim.item, None, claim.until - MICROSECOND),
    )


def printed_until(ends: datetime, now: datetime) -> datetime:
    """Give the moment up to which a card that is printed now tells: the end of its days, or of this second."""
    return min(ends, now.replace(microsecond=0) + timedelta(seconds=1))
