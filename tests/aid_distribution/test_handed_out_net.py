"""What a programme handed out net is the sum of its hand-outs, less what was voided and what came back, in every order.

A plain list stands beside the service: random orders, each dated at random and none in the order of time.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.aid_distribution.distributions import handlers as distributions
from services.aid_distribution.distributions.orders import DistributionView, Share, VoidDistribution
from services.aid_distribution.ledger import handed_out
from services.aid_distribution.ledger.orders import GoodsLine
from services.aid_distribution.main import ORIGINS
from services.aid_distribution.returns import handlers as returns
from services.aid_distribution.returns.domain import Direction
from services.aid_distribution.returns.orders import ReturnStock
from shared.clock import wib_day
from shared.database import Database
from shared.problems import Refusal
from tests.aid_distribution.story import (
    OFFICE,
    WAREHOUSE,
    ago,
    audited,
    distribute,
    distribution,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import KITCHEN, TAILOR, happened, registered
from tests.aid_distribution.test_ledger_model import new_item

LIVES, STEPS_MAX = 12, 14


class HandOut(NamedTuple):
    quantity: int
    days: int
    to: int


class Void(NamedTuple):
    which: int


class Return(NamedTuple):
    which: int
    quantity: int
    of: UUID | None
    late: bool


whiches = st.integers(0, 9)
steps = st.one_of(
    st.builds(HandOut, st.integers(2, 9), st.integers(1, 4), st.integers(0, 2)),
    st.builds(Void, whiches),
    st.builds(Return, whiches, st.integers(1, 6), st.sampled_from([None, TAILOR, KITCHEN]), st.booleans()),
)


@dataclass
class Given:
    """A hand-out in the plain list: who has how much of it, and what came back."""

    view: DistributionView
    day: date
    shares: dict[UUID, int]
    quantity: int
    voided: bool = False
    back: int = 0
    back_of: Counter[UUID] = field(default_factory=Counter)

    def takes(self, one: Return) -> bool:
        """Tell whether a return is within what was given, and to that business."""
        if self.voided or self.back + one.quantity > self.quantity:
            return False
        return one.of is None or (self.shares.get(one.of, 0) >= self.back_of[one.of] + one.quantity)


class Book:
    """The service, and the plain list of what was asked of it."""

    def __init__(self, database: Database, item: str) -> None:
        self.database = database
        self.item = item
        self.given: list[Given] = []

    async def take(self, step: HandOut | Void | Return) -> None:
        if isinstance(step, HandOut):
            await self._hand_out(step)
        elif self.given:
            one = self.given[step.which % len(self.given)]
            await (self._void(one) if isinstance(step, Void) else self._give_back(one, step))

    async def _hand_out(self, step: HandOut) -> None:
        shares = {TAILOR: step.quantity - 1, KITCHEN: 1} if step.to == 2 else {TAILOR: step.quantity} if step.to else {}
        told = [Share(business=business, item=self.item, quantity=quantity) for business, quantity in shares.items()]
        order = distribution(
            step.quantity,
            ago(step.days),
            item=self.item,
            public=0 if shares else 5,
            businesses=list(shares),
            shares=told,
        )
        view = await distribute(self.database, order)
        self.given.append(Given(view, wib_day(ago(step.days)), shares, step.quantity))

    async def _void(self, one: Given) -> None:
        expected = not one.voided and one.back == 0
        async with self.database.work(OFFICE) as work:
            try:
                await distributions.void(work, OFFICE, one.view.id, VoidDistribution(reason="Salah"))
            except Refusal:
                assert not expected
                await work.session.rollback()
            else:
                assert expected
                one.voided = True

    async def _give_back(self, one: Given, step: Return) -> None:
        order = ReturnStock(
            direction=Direction.FROM_PUBLIC,
            place=WAREHOUSE,
            occurred_at=one.view.occurred_at if step.late else ago(),
            reason="Tidak cocok",
            lines=[GoodsLine(item=self.item, quantity=step.quantity)],
            posting=one.view.posting_id,
            business=step.of,
        )
        expected = one.takes(step)
        async with self.database.work(OFFICE) as work:
            try:
                await returns.give_back(work, OFFICE, order, ORIGINS)
            except Refusal:
                assert not expected
                await work.session.rollback()
            else:
                assert expected
                one.back += step.quantity
                if step.of is not None:
                    one.back_of[step.of] += step.quantity

    async def agrees(self) -> None:
        """See that every day's figure is the plain sum, and that the service's own audit finds nothing."""
        due = Counter[date]()
        for one in self.given:
            due[one.day] += 0 if one.voided else one.quantity - one.back
        async with self.database.reading(OFFICE) as work:
            for days in range(1, 5):
                day = wib_day(ago(days))
                found = await handed_out.served(work.session, ["19"], self.item, "free-masks", day, day)
                assert found.get("19.71", 0) == due[day]
            whole = await handed_out.served(work.session, ["19"], self.item, None, wib_day(ago(9)), wib_day(ago()))
        assert whole.get("19.71", 0) == sum(due.values())
        assert await audited(self.database) == []


@pytest.fixture
async def stocked(database: Database) -> Database:
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"))
    return database


@settings(max_examples=LIVES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=st.lists(steps, min_size=3, max_size=STEPS_MAX))
async def test_handed_out_net_is_the_sum_of_hand_outs_less_voids_and_returns(
    stocked: Database, life: list[HandOut | Void | Return]
) -> None:
    book = Book(stocked, await new_item(stocked))
    await receive(stocked, receipt(1_000, ago(20), item=book.item))
    for step in life:
        await book.take(step)
    await book.agrees()
