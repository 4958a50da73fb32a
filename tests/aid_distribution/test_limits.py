"""Limits per recipient: set by the office, and kept where the stock falls."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.aid_distribution.distributions import handlers, limits
from services.aid_distribution.distributions.handlers import post_all
from services.aid_distribution.distributions.limit_rules import LimitReached
from services.aid_distribution.distributions.limits import LimitView, SetLimit
from services.aid_distribution.distributions.orders import DistributionView, PostDistribution, Share, VoidDistribution
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.programmes import Programme
from shared.contracts.aid_distribution import BusinessShare, DistributionPosted
from shared.database import Database
from shared.problems import Invalid, Refusal
from shared.routes import Asked
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    SOAP,
    StoppedClock,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import ABROAD, KITCHEN, TAILOR, happened, registered, show
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Body = dict[str, Any]


@pytest.fixture
async def stocked(database: Database) -> Database:
    """A hundred masks in Pangkalpinang since three months, two businesses there and one in Belitung."""
    await receive(database, receipt(100, ago(90)))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"), registered(ABROAD, "Lada", "19.02"))
    return database


async def limited(database: Database, **changes: Any) -> LimitView:
    usual = {"region": "19", "programme": Programme.FREE_MASKS, "valid_from": ago(80).date()}
    async with database.work(OFFICE) as work:
        return await limits.set_limit(work, OFFICE, SetLimit(**(usual | changes)))


async def together(database: Database, *orders: PostDistribution) -> list[DistributionView | Refusal]:
    async with database.work(OFFICE) as work:
        return await post_all(work, [Asked(order, OFFICE) for order in orders])


def outcomes(done: list[DistributionView | Refusal]) -> list[str]:
    return [one.code if isinstance(one, Refusal) else one.state for one in done]


def to_tailor(occurred_at: datetime = NOON, quantity: int = 1) -> PostDistribution:
    return distribution(quantity, occurred_at, public=0, businesses=[TAILOR])


async def test_once_a_day_is_once_a_day_in_wib(stocked: Database, clock: StoppedClock) -> None:
    await limited(stocked, times_max=1)
    clock.advance(timedelta(days=2))
    early, later = (datetime(2026, 5, 20, hour, 30, tzinfo=UTC) - timedelta(hours=7) for hour in (6, 7))
    await distribute(stocked, to_tailor(early))
    with pytest.raises(LimitReached):
        await distribute(stocked, to_tailor(later))
    late, night = (datetime(2026, 5, 21, hour, 30, tzinfo=UTC) for hour in (16, 17))
    await distribute(stocked, to_tailor(late))
    await distribute(stocked, to_tailor(night))
    assert await audited(stocked) == []


async def test_a_refusal_names_recipient_limit_and_the_next_day_and_leaves_nothing(
    stocked: Database, recorded: Recorded
) -> None:
    limit = await limited(stocked, item=MASKS, quantity_max=10, period_days=7)
    await distribute(stocked, distribution(16, ago(2), public=0, businesses=[TAILOR, KITCHEN]), PANGKALPINANG)
    before = await recorded()
    with pytest.raises(LimitReached) as refused:
        await distribute(stocked, to_tailor(quantity=3), PANGKALPINANG)
    assert refused.value.members["reached"] == [
        {
            "business": str(TAILOR),
            "item": MASKS,
            "limit": str(limit.id),
            "counts": "quantity",
            "allowed": 10,
            "received": 8,
            "asked": 3,
            "period_days": 7,
            "next_allowed_on": "2026-05-25",
        }
    ]
    assert refused.value.detail == (f"Business {TAILOR}: at most 10 of {MASKS} in any 7 days; 8 received, 3 asked.")
    assert await recorded() == before
    assert await ask(stocked, "SELECT on_hand FROM card") == [(84,)]
    assert (await distribute(stocked, to_tailor(quantity=2))).state == "posted"


async def test_what_is_dated_late_finds_the_same_limit_between_two_others(stocked: Database) -> None:
    await limited(stocked, times_max=1, period_days=7)
    await distribute(stocked, to_tailor(ago(20)))
    await distribute(stocked, to_tailor(ago(7)))
    for days in (26, 19, 14, 13, 8, 6, 1):
        with pytest.raises(LimitReached):
            await distribute(stocked, to_tailor(ago(days)))
    await distribute(stocked, to_tailor(NOON))
    assert await ask(stocked, "SELECT count(*) FROM distribution") == [(3,)]


async def test_without_shares_each_recipient_counts_an_even_part_rounded_up(stocked: Database) -> None:
    await limited(stocked, item=MASKS, quantity_max=4)
    await distribute(stocked, distribution(10, public=1, businesses=[TAILOR, KITCHEN]))
    for business in (TAILOR, KITCHEN):
        with pytest.raises(LimitReached):
            await distribute(stocked, distribution(1, public=0, businesses=[business]))


async def test_shares_are_what_counts_and_what_is_told(stocked: Database, recorded: Recorded) -> None:
    await limited(stocked, item=MASKS, quantity_max=8)
    shares = [Share(business=TAILOR, item=MASKS, quantity=8), Share(business=KITCHEN, item=MASKS, quantity=2)]
    done = await distribute(stocked, distribution(10, public=0, businesses=[TAILOR, KITCHEN], shares=shares))
    assert done.recipients.shares == shares
    assert await show(stocked, done.id) == done
    event = (await recorded())[-1]
    assert isinstance(event, DistributionPosted)
    assert event.shares == [
        BusinessShare(business_id=TAILOR, item=MASKS, quantity=8),
        BusinessShare(business_id=KITCHEN, item=MASKS, quantity=2),
    ]
    with pytest.raises(LimitReached):
        await distribute(stocked, to_tailor())
    assert (await distribute(stocked, distribution(6, public=0, businesses=[KITCHEN]))).state == "posted"
    with pytest.raises(Invalid) as refused:
        await distribute(stocked, distribution(9, public=0, businesses=[TAILOR, KITCHEN], shares=shares))
    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("/recipients/shares", "does_not_add_up")
    ]


async def test_a_void_gives_the_limit_back_with_the_stock(stocked: Database) -> None:
    await limited(stocked, times_max=1)
    done = await distribute(stocked, to_tailor())
    with pytest.raises(LimitReached):
        await distribute(stocked, to_tailor())
    async with stocked.work(OFFICE) as work:
        await handlers.void(work, OFFICE, done.id, VoidDistribution(reason="wrong business"))
    assert (await distribute(stocked, to_tailor())).state == "posted"
    assert await audited(stocked) == []


async def test_of_a_batch_each_finds_what_the_others_took_and_only_that(stocked: Database) -> None:
    await limited(stocked, times_max=1)
    done = await together(stocked, to_tailor(), to_tailor(), distribution(1, public=0, businesses=[KITCHEN]))
    assert outcomes(done) == ["posted", "limit_reached", "posted"]
    # The first is short of stock, so it takes nothing from the limit: the second has it.
    tomorrow_less = [to_tailor(ago(3), 999), to_tailor(ago(3), 2), to_tailor(ago(3), 1)]
    assert outcomes(await together(stocked, *tomorrow_less)) == ["short_of_stock", "posted", "limit_reached"]
    with pytest.raises(ShortOfStock):
        await distribute(stocked, to_tailor(ago(5), 999))
    assert await ask(stocked, "SELECT on_hand FROM card") == [(96,)]
    assert await audited(stocked) == []


async def test_a_limit_is_about_its_programme_region_and_days(stocked: Database) -> None:
    await limited(stocked, region="19.02", times_max=1)
    await limited(stocked, programme=Programme.TRAINING, times_max=1)
    await limited(stocked, times_max=1, valid_from=ago(10).date(), valid_to=ago(5).date())
    await distribute(stocked, to_tailor())
    await distribute(stocked, to_tailor())
    await distribute(stocked, to_tailor(ago(7)))
    with pytest.raises(LimitReached):
        await distribute(stocked, to_tailor(ago(7)))
    abroad = distribution(1, public=0, businesses=[ABROAD])
    await distribute(stocked, abroad)
    with pytest.raises(LimitReached):
        await distribute(stocked, abroad)
    await distribute(stocked, distribution(1, public=500))


async def test_the_office_sets_and_ends_limits_and_the_others_see_those_that_concern_them(
    door: Door, stocked: Database, clock: StoppedClock
) -> None:
    body: Body = {"region": "19", "programme": "free-masks", "item": MASKS, "quantity_max": 50, "document": "SK-7"}
    answer = await door["office"].post("/aid/limits", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made == body | {
        "id": made["id"], "times_max": None, "period_days": 1, "valid_from": "2026-05-20", "valid_to": None,
        "recorded_at": "2026-05-20T12:00:00+07:00", "version": 1,
    }  # fmt: skip
    path = answer.headers["location"]
    body |= {"region": "19.02", "times_max": 1, "programme": "training", "item": None, "quantity_max": None}
    elsewhere = (await door["office"].post("/aid/limits", json=body)).json()
    assert (await door["pangkalpinang"].post("/aid/limits", json=body)).status_code == 403
    seen = (await door["pangkalpinang"].get("/aid/limits")).json()["items"]
    assert [one["id"] for one in seen] == [made["id"]]
    assert (await door["pangkalpinang"].get(path)).json() == made
    assert (await door["pangkalpinang"].get(f"/aid/limits/{elsewhere['id']}")).status_code == 404
    for query, expected in (
        ("", [elsewhere, made]),
        ("?programme=free-masks", [made]),
        ("?valid_on=2026-05-19", []),
        ("?limit=1", [elsewhere]),
    ):
        assert (await door["office"].get(f"/aid/limits{query}")).json()["items"] == expected
    second = (await door["office"].get("/aid/limits?limit=1")).links["next"]["url"]
    assert (await door["office"].get(second)).json() == {"items": [made], "next": None}
    end = {"valid_to": "2026-05-20"}
    assert (await door["office"].patch(path, json=end)).status_code == 428
    ended = await door["office"].patch(path, json=end, headers={"If-Match": '"1"'})
    assert ended.json() == made | end | {"version": 2}
    assert (await door["office"].patch(path, json=end, headers={"If-Match": '"1"'})).status_code == 412
    clock.advance(timedelta(days=1))
    await distribute(stocked, to_tailor(NOON, 50))
    with pytest.raises(LimitReached):
        await distribute(stocked, to_tailor(NOON))
    await distribute(stocked, to_tailor(clock.now()))
    undone = {"valid_to": "2026-05-18"}
    assert told(await door["office"].patch(path, json=undone, headers={"If-Match": '"2"'})) == {
        ("/valid_to", "before_valid_from")
    }
    undone = {"valid_to": "2026-05-19"}
    assert (await door["office"].patch(path, json=undone, headers={"If-Match": '"2"'})).status_code == 200
    await distribute(stocked, to_tailor(NOON))
    absent = await door["office"].patch(f"/aid/limits/{UUID(int=7)}", json=end, headers={"If-Match": '"1"'})
    assert absent.status_code == 404


async def test_all_that_is_wrong_with_a_limit_is_told_at_once(door: Door, database: Database) -> None:
    wrong = {"region": "31.71", "programme": "gifts", "item": "NOTHING", "period_days": 0, "valid_to": "2026-05-19"}
    assert told(await door["office"].post("/aid/limits", json=wrong)) == {
        ("/region", "unknown_region"),
        ("/programme", "unknown_value"),
        ("/item", "unknown_item"),
        ("/period_days", "too_small"),
        ("/quantity_max", "missing"),
        ("/valid_to", "before_valid_from"),
    }
    good_shape = {"region": "19", "programme": "free-masks", "item": SOAP, "valid_from": "2026-06-01"}
    assert told(await door["office"].post("/aid/limits", json=good_shape)) == {("/quantity_max", "missing")}
    assert await ask(database, "SELECT count(*) FROM recipient_limit") == [(0,)]


async def test_over_http_a_limit_that_is_reached_is_a_conflict(door: Door, stocked: Database) -> None:
    await limited(stocked, item=MASKS, quantity_max=3)
    body = {
        "programme": "free-masks",
        "place": "WH-19.71",
        "occurred_at": NOON.isoformat(),
        "lines": [{"item": MASKS, "quantity": 4}],
        "recipients": {"businesses": [str(TAILOR)]},
    }
    answer = await door["pangkalpinang"].post("/aid/distributions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")
    assert [one["next_allowed_on"] for one in answer.json()["reached"]] == [None]
    body["recipients"] = {
        "businesses": [str(TAILOR), str(KITCHEN)],
        "shares": [
            {"business": str(TAILOR), "item": MASKS, "quantity": 3},
            {"business": str(KITCHEN), "item": MASKS, "quantity": 1},
        ],
    }
    answer = await door["pangkalpinang"].post("/aid/distributions", json=body)
    assert (answer.status_code, answer.json()["recipients"]) == (201, body["recipients"] | {"public": 0})
