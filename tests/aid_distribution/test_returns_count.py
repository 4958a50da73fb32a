"""What comes back counts against what was handed out: the limits of recipients and the totals of programmes."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.distributions.limit_rules import (
    Back,
    Handout,
    LimitReached,
    RecipientLimit,
    breaches,
    kept,
)
from services.aid_distribution.distributions.orders import Share
from services.aid_distribution.ledger import handed_out
from services.aid_distribution.ledger.handlers import posting_for_update
from shared.database import Database
from tests.aid_distribution.story import (
    MASKS,
    OFFICE,
    SOAP,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    plant,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.aid_distribution.test_distributions import KITCHEN, TAILOR, happened, registered
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_limit_races import other  # noqa: F401 - a fixture
from tests.aid_distribution.test_limits import limited
from tests.aid_distribution.test_returns import back
from tests.door import Client, told
from tests.waiting import wait_until

Door = Mapping[str, Client]
Json = dict[str, Any]
DAY = date(2026, 5, 20)


def days(count: int) -> timedelta:
    return timedelta(days=count)


def given(parts: Mapping[str, int], *back_again: Back, moved: Mapping[str, int] | None = None) -> Handout:
    return Handout(TAILOR, "19.71", "free-masks", DAY, parts, moved or parts, back_again)


# What a business still has of a hand-out


@pytest.mark.parametrize(
    ("moved", "back_again", "left"),
    [
        (10, [], 6),
        (10, [Back(DAY, TAILOR, MASKS, 2)], 4),
        (10, [Back(DAY, TAILOR, MASKS, 2), Back(DAY, TAILOR, MASKS, 4)], None),
        (10, [Back(DAY, KITCHEN, MASKS, 4)], 6),  # what another one gave back leaves this one's alone
        (10, [Back(DAY, None, MASKS, 3)], 6),  # it may have been the other's
        (10, [Back(DAY, None, MASKS, 7)], 3),  # so much must be of this one's
        (10, [Back(DAY, None, MASKS, 10)], None),
        (6, [Back(DAY, None, MASKS, 2)], 4),  # alone: it is this one's
        (10, [Back(DAY + days(1), TAILOR, MASKS, 2)], 6),  # not back yet
        (10, [Back(DAY, TAILOR, SOAP, 6)], 6),
    ],
)
def test_a_recipient_has_what_was_not_given_back(moved: int, back_again: list[Back], left: int | None) -> None:
    one = given({MASKS: 6}, *back_again, moved={MASKS: moved, SOAP: 6})
    assert kept(one, DAY).goods == ({} if left is None else {MASKS: left})


@pytest.mark.parametrize(
    ("returned", "returned_on", "asked_on", "times", "quantity"),
    [
        (10, 0, 0, 0, 0),  # all of it came back the same day: the day is free again
        (10, 1, 0, 1, 1),  # it came back on the next day: on the first one it was still there
        (10, 3, 3, 0, 0),  # the interval of seven days is free from the day of the return
        (10, 3, 2, 1, 1),  # what is dated before the return finds the goods with their recipient
        (4, 0, 0, 1, 1),  # a part leaves the hand-out one of its times; 6 and 5 are more than 10
        (5, 0, 0, 1, 0),  # 5 and 5 are 10
        (5, 2, 1, 1, 1),
    ],
)
def test_a_return_frees_its_hand_out_from_its_own_day_on(
    returned: int, returned_on: int, asked_on: int, times: int, quantity: int
) -> None:
    limit = RecipientLimit(
        id=UUID(int=1), region="19", programme="free-masks", item=None, quantity_max=10, times_max=1, period_days=7,
        valid_from=DAY - days(30), valid_to=None,
    )  # fmt: skip
    before = [given({MASKS: 10}, Back(DAY + days(returned_on), TAILOR, MASKS, returned))]
    asked = Handout(TAILOR, "19.71", "free-masks", DAY + days(asked_on), {MASKS: 5})
    counts = [one.counts for one in breaches([limit], before, asked)]
    assert (counts.count("times"), counts.count("quantity")) == (times, quantity)


# Distributions


@pytest.fixture
async def stocked(database: Database) -> Database:
    await receive(database, receipt(100, ago(90)))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"))
    return database


async def to(database: Database, quantity: int, at: float, *businesses: UUID, **more: Any) -> Any:
    order = distribution(quantity, ago(at), public=more.pop("public", 0), businesses=businesses, **more)
    return await distribute(database, order)


async def net(database: Database) -> list[tuple[object, ...]]:
    question = "SELECT day, quantity, returned FROM handed_out_day WHERE quantity > 0 ORDER BY day"
    return await ask(database, question)


async def test_a_limit_of_an_interval_is_free_again_when_all_was_given_back(stocked: Database, door: Door) -> None:
    await limited(stocked, times_max=1, quantity_max=10, period_days=30)
    first = await to(stocked, 10, 9, TAILOR)
    await made(door["pangkalpinang"], "/aid/returns", back(4, ago(6), posting=str(first.posting_id)))
    with pytest.raises(LimitReached) as refused:
        await to(stocked, 5, 4, TAILOR)
    assert [(one["counts"], one["received"]) for one in refused.value.members["reached"]] == [
        ("times", 1),
        ("quantity", 6),
    ]
    await made(door["pangkalpinang"], "/aid/returns", back(6, ago(5), posting=str(first.posting_id)))
    with pytest.raises(LimitReached):
        await to(stocked, 5, 7, TAILOR)  # dated before anything came back
    assert (await to(stocked, 10, 4, TAILOR)).state == "posted"
    assert await audited(stocked) == []


async def test_what_came_back_stands_beside_what_was_handed_out_on_that_day(stocked: Database, door: Door) -> None:
    first = await to(stocked, 10, 9, public=10)
    await to(stocked, 5, 9, public=5)
    await made(door["pangkalpinang"], "/aid/returns", back(4, ago(2), posting=str(first.posting_id)))
    day = ago(9).date()
    assert await net(stocked) == [(day, 15, 4)]
    async with stocked.reading(OFFICE) as work:
        served = await handed_out.served(work.session, ["19"], MASKS, None, ago(10).date(), DAY)
    assert served == {"19.71": 11}
    free = await made(door["pangkalpinang"], "/aid/returns", back(1, ago(1)))
    assert free["posting"] is None
    assert await net(stocked) == [(day, 15, 4)]  # nobody knows what it was handed out by
    assert await audited(stocked) == []


async def test_who_gave_back_is_told_where_several_received(stocked: Database, door: Door) -> None:
    await limited(stocked, quantity_max=10, period_days=30)
    shares = [Share(business=TAILOR, item=MASKS, quantity=6), Share(business=KITCHEN, item=MASKS, quantity=10)]
    first = await to(stocked, 16, 9, TAILOR, KITCHEN, shares=shares)
    client, order = door["pangkalpinang"], {"posting": str(first.posting_id)}
    shown = await made(client, "/aid/returns", back(5, ago(8), business=str(KITCHEN), **order))
    assert shown["business"] == str(KITCHEN)
    assert (await client.get(f"/aid/returns/{shown['id']}")).json()["business"] == str(KITCHEN)
    with pytest.raises(LimitReached):
        await to(stocked, 5, 3, TAILOR)
    await to(stocked, 4, 3, TAILOR)
    await to(stocked, 5, 3, KITCHEN)
    refused = await made(client, "/aid/returns", back(7, business=str(TAILOR), **order), 409)
    assert (refused["code"], refused["lines"]) == (
        "more_than_received",
        [{"item": MASKS, "received": 6, "returned": 0, "asked": 7}],
    )
    assert await ask(stocked, "SELECT quantity, returned FROM distribution_share ORDER BY 1") == [(6, 0), (10, 5)]
    async with stocked.work(OFFICE) as work:
        with pytest.raises(DBAPIError, match="distribution_share_returned_within_quantity"):
            await work.session.execute(text("UPDATE distribution_share SET returned = quantity + 1"))
        await work.session.rollback()
    assert await audited(stocked) == []


async def test_whoever_did_not_receive_gives_nothing_back(stocked: Database, door: Door) -> None:
    first = await to(stocked, 10, 9, TAILOR)
    client = door["pangkalpinang"]
    for order in (back(1, business=str(KITCHEN), posting=str(first.posting_id)), back(1, business=str(TAILOR))):
        assert told(await client.post("/aid/returns", json=order)) == {("/business", "not_a_recipient")}
    early = back(1, ago(20), business=str(KITCHEN), posting=str(first.posting_id))
    assert told(await client.post("/aid/returns", json=early)) == {
        ("/occurred_at", "before_posting"),
        ("/business", "not_a_recipient"),
    }


async def test_a_return_and_a_hand_out_at_once_leave_the_limit_kept(
    stocked: Database,
    other: Database,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    """The hand-out does not see what is being returned: it is refused, and free once that is committed."""
    await limited(stocked, times_max=1, period_days=30)
    first = await to(stocked, 10, 9, TAILOR)
    async with other.work(OFFICE) as work:
        await posting_for_update(work, OFFICE, first.posting_id)
        order = back(10, ago(5), posting=str(first.posting_id))
        returning = asyncio.create_task(door["pangkalpinang"].post("/aid/returns", json=order))
        await wait_until(lambda: waits_for_a_lock(stocked), description="the return to wait for the posting")
        with pytest.raises(LimitReached):
            await to(stocked, 1, 2, TAILOR)
    assert (await returning).status_code == 201
    assert (await to(stocked, 1, 2, TAILOR)).state == "posted"


async def test_a_return_that_is_taken_back_counts_for_nothing_any_more(stocked: Database, door: Door) -> None:
    await limited(stocked, quantity_max=10, period_days=30)
    shares = [Share(business=TAILOR, item=MASKS, quantity=10)]
    first = await to(stocked, 10, 9, TAILOR, shares=shares)
    client = door["pangkalpinang"]
    order = back(4, ago(8), business=str(TAILOR), posting=str(first.posting_id))
    for _ in range(2):
        shown = await made(client, "/aid/returns", order)
        await made(client, f"/aid/returns/{shown['id']}/void", {"reason": "Salah catat"})
        assert await ask(stocked, "SELECT quantity, returned FROM distribution_share") == [(10, 0)]
        assert await ask(stocked, "SELECT quantity, returned FROM handed_out_day") == [(10, 0)]
        assert await ask(stocked, "SELECT 1 FROM distribution_return") == []
        with pytest.raises(LimitReached):
            await to(stocked, 1, 3, TAILOR)
        assert await audited(stocked) == []


@pytest.mark.parametrize(
    ("planted", "check"),
    [
        ("UPDATE handed_out_day SET returned = 3", "handed_out_is_sum_of_distributions"),
        ("UPDATE distribution_return SET business_id = NULL", "returned_of_distributions_is_what_returns_say"),
        ("UPDATE distribution_share SET returned = 3", "returned_of_shares_is_sum_of_returns"),
    ],
)
async def test_the_audit_finds_a_sum_that_was_changed(stocked: Database, door: Door, planted: str, check: str) -> None:
    shares = [Share(business=TAILOR, item=MASKS, quantity=10)]
    first = await to(stocked, 10, 9, TAILOR, shares=shares)
    order = back(4, business=str(TAILOR), posting=str(first.posting_id))
    await made(door["pangkalpinang"], "/aid/returns", order)
    assert await audited(stocked) == []
    async with stocked.work(OFFICE) as work:
        await plant(work, planted)
    assert check in {one.check for one in await audited(stocked)}
