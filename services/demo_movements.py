"""What has happened to the demo province's stock since it lay there: kits, loans, returns, and what is not in the book.

It goes through the handlers of the requests, like all that `services.demo` loads.
"""

from itertools import groupby
from operator import attrgetter

from services.aid_distribution.exceptions.issues import park_issue
from services.aid_distribution.exceptions.orders import ParkIssue
from services.aid_distribution.kits import handlers as kits
from services.aid_distribution.kits.orders import AssembleKits, Component, DefineKit, UnpackKits
from services.aid_distribution.ledger.domain import Reason
from services.aid_distribution.ledger.orders import GoodsLine
from services.aid_distribution.loans import handlers as loans
from services.aid_distribution.loans.orders import BackLine, Borrower, LendAssets, LentLine, ReturnLoan
from services.aid_distribution.returns import handlers as returns
from services.aid_distribution.returns.domain import Direction
from services.aid_distribution.returns.orders import ReturnStock
from shared.database import Work
from shared.province import Province


async def load(work: Work, province: Province) -> None:
    """Post what a province says of its kits, loans and returns, and park its exceptions."""
    await _kits(work, province)
    await _loans(work, province)
    for row in province.returns:
        order = ReturnStock(
            direction=Direction(row.direction),
            place=row.place,
            occurred_at=row.occurred_at,
            reason=row.reason,
            lines=[GoodsLine(item=row.item, quantity=row.quantity)],
        )
        await returns.give_back(work, work.caller, order, {})  # none of them names the posting whose goods come back
    for parked in province.exceptions:
        issue = ParkIssue(
            place=parked.place,
            reason=Reason(parked.reason),
            occurred_at=parked.occurred_at,
            lines=[GoodsLine(item=parked.item, quantity=parked.quantity)],
        )
        await park_issue(work, work.caller, issue)


async def _kits(work: Work, province: Province) -> None:
    kit = attrgetter("kit")
    for code, rows in groupby(sorted(province.kits, key=kit), kit):
        parts = [Component(item=row.item, quantity=row.quantity) for row in rows]
        await kits.define(work, work.caller, DefineKit(kit=code, components=parts))
    for done in sorted(province.kit_work, key=attrgetter("occurred_at")):
        if done.work == "assemble":
            made = AssembleKits(place=done.place, quantity=done.quantity, occurred_at=done.occurred_at)
            await kits.assemble(work, work.caller, done.kit, made)
        else:
            apart = UnpackKits(place=done.place, quantity=done.quantity, occurred_at=done.occurred_at)
            await kits.unpack(work, work.caller, done.kit, apart)


async def _loans(work: Work, province: Province) -> None:
    for row in province.loans:
        order = LendAssets(
            place=row.place,
            borrower=Borrower(name=row.borrower),
            due_on=row.due_on,
            occurred_at=row.occurred_at,
            lines=[LentLine(item=row.item, quantity=row.quantity)],
        )
        lent = await loans.lend(work, work.caller, order)
        if row.returned and row.returned_at:
            lines = [BackLine(item=row.item, returned=row.returned)]
            await loans.take_back(work, work.caller, lent.id, ReturnLoan(occurred_at=row.returned_at, lines=lines))
