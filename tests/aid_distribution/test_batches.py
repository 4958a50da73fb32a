"""Batches from devices that were offline."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.aid_distribution.distributions import handlers
from services.aid_distribution.distributions.batch_rules import in_order
from services.aid_distribution.distributions.batches import BatchView, SendBatch, post_batch
from services.aid_distribution.distributions.orders import VoidDistribution
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, Unit
from services.aid_distribution.ledger.device_clock import DeviceClock
from services.aid_distribution.ledger.orders import AddItem, ReceivedLine
from shared.caller import Caller
from shared.contracts.aid_distribution import DistributionPosted
from shared.database import Database
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    receipt,
    receive,
    waits_for_a_lock,
)
from tests.aid_distribution.test_distributions import KITCHEN, TAILOR, happened, registered
from tests.aid_distribution.test_limit_races import other  # noqa: F401 - a fixture
from tests.aid_distribution.test_limits import limited
from tests.door import Client, Recorded, told
from tests.waiting import wait_until

Door = Mapping[str, Client]
Json = dict[str, Any]


@pytest.fixture
async def stocked(database: Database) -> Database:
    """A hundred masks in Pangkalpinang, and two businesses there."""
    await receive(database, receipt(100, ago(20)))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"))
    return database


def entry(number: int, occurred_at: datetime = NOON, quantity: int = 1, **changes: Any) -> Json:
    return {
        "id": str(UUID(int=1_000 + number)),
        "programme": "free-masks",
        "place": WAREHOUSE,
        "occurred_at": occurred_at.isoformat(),
        "lines": [{"item": MASKS, "quantity": quantity}],
        "recipients": {"public": 10},
    } | changes


async def sent(
    database: Database,
    *entries: Json,
    device: str = "HP-1",
    sent_at: datetime = NOON,
    caller: Caller = PANGKALPINANG,
) -> BatchView:
    async with database.work(caller) as work:
        return await post_batch(work, caller, SendBatch(device=device, sent_at=sent_at, entries=list(entries)))


def states(view: BatchView) -> list[str]:
    return [one.state for one in view.entries]


def codes(view: BatchView) -> list[str | None]:
    return [one.problem["code"] if one.problem else None for one in view.entries]


async def on_hand(database: Database) -> object:
    return (await ask(database, "SELECT on_hand FROM card"))[0][0]


@pytest.mark.parametrize(
    ("told_days_ago", "sent_days_ago", "happened_days_ago"),
    [
        (2, 0, 2),
        (5, 3, 2),  # a clock three days behind
        (-1, -3, 2),  # a clock three days ahead
        (-4, -3, 0),  # dated after it was sent: it has happened by now all the same
        (40_000, 3, 36_500),
    ],
)
def test_the_clock_of_a_device_is_counted_back_from_the_arrival(
    told_days_ago: int, sent_days_ago: int, happened_days_ago: int
) -> None:
    day = timedelta(days=1)
    clock = DeviceClock(NOON - sent_days_ago * day, NOON)
    assert clock.behind_seconds == sent_days_ago * 86_400
    assert clock.off is (sent_days_ago != 0)
    assert clock.corrected(NOON - told_days_ago * day) == NOON - happened_days_ago * day


def test_within_some_minutes_a_device_is_taken_at_its_word() -> None:
    minute = timedelta(minutes=1)
    for minutes in (-5, -1, 0, 5):
        clock = DeviceClock(NOON - minutes * minute, NOON)
        assert (clock.off, clock.corrected(NOON - 30 * minute)) == (False, NOON - 30 * minute)
        assert clock.corrected(NOON + 3 * minute) == NOON
    assert DeviceClock(NOON - 6 * minute, NOON).corrected(NOON - 30 * minute) == NOON - 24 * minute


def test_entries_are_taken_by_their_time_and_ties_as_they_stand() -> None:
    assert in_order([NOON, ago(1), NOON, ago(2)]) == [3, 1, 0, 2]


async def test_entries_are_entered_by_the_time_at_which_they_happened(stocked: Database, recorded: Recorded) -> None:
    view = await sent(stocked, entry(1, ago(1), 10), entry(2, ago(3), 20), entry(3, ago(2), 30))
    assert states(view) == ["posted"] * 3
    assert [one.number for one in view.entries] == [f"2026-05-19.71-DO-000{number}" for number in (3, 1, 2)]
    assert (view.posted, view.duplicates, view.refused, view.clock_corrected) == (3, 0, 0, False)
    told = [event for event in await recorded() if isinstance(event, DistributionPosted)]
    assert {event.occurred_at for event in told} == {ago(1), ago(2), ago(3)}
    assert await on_hand(stocked) == 40
    rows = await ask(stocked, "SELECT device, actor, posted, behind_seconds FROM distribution_batch")
    assert rows == [("HP-1", "officer-19.71", 3, 0)]
    assert await audited(stocked) == []


async def test_an_entry_that_comes_again_is_answered_with_what_it_became(stocked: Database) -> None:
    one = entry(1, ago(1), 10)
    first = await sent(stocked, one, entry(2), one)
    assert states(first) == ["posted", "posted", "duplicate"]
    again = await sent(stocked, entry(3), one, device="HP-2")
    assert states(again) == ["posted", "duplicate"]
    for repeated in (first.entries[2], again.entries[1]):
        assert repeated.distribution_id == first.entries[0].distribution_id
        assert (repeated.number, repeated.occurred_at) == (first.entries[0].number, ago(1))
    assert await on_hand(stocked) == 88
    other_hour = one | {"occurred_at": ago(1).isoformat().replace("+00:00", "Z")}
    assert states(await sent(stocked, other_hour)) == ["duplicate"]


async def test_an_id_stands_for_one_entry_and_another_region_does_not_learn_of_it(stocked: Database) -> None:
    await receive(stocked, receipt(10, ago(20), place=ELSEWHERE))
    view = await sent(stocked, entry(1, quantity=5), entry(1, quantity=6), entry(2))
    assert (states(view), codes(view)[1]) == (["posted", "refused", "posted"], "entry_id_reused")
    assert codes(await sent(stocked, entry(1, quantity=6))) == ["entry_id_reused"]
    theirs = await sent(stocked, entry(2), entry(3, place=ELSEWHERE), caller=BELITUNG)
    assert codes(theirs) == ["entry_id_reused", None]
    assert theirs.entries[0].number is None


async def test_one_bad_entry_loses_none_of_the_others_and_all_its_mistakes_are_told(stocked: Database) -> None:
    view = await sent(
        stocked,
        entry(1),
        {"id": "x", "place": "NOWHERE", "lines": [{"item": "NOTHING", "quantity": 0}], "recipients": {}, "more": 1},
        entry(2, place="NOWHERE", recipients={"public": 0}),
        entry(3, quantity=1_000),
        entry(4, ago(31)),
        entry(5, occurred_at=NOON),
        {},
    )
    assert states(view) == ["posted", "refused", "refused", "parked", "refused", "posted", "refused"]
    assert (view.posted, view.parked, view.refused) == (2, 1, 4)
    assert codes(view) == [None, "invalid", "invalid", "short_of_stock", "invalid", None, "invalid"]
    assert [one.index for one in view.entries] == list(range(7))
    misshapen, wrong, short, old = (view.entries[place].problem for place in (1, 2, 3, 4))
    assert misshapen is not None and wrong is not None and short is not None and old is not None  # noqa: PT018 - for the types
    assert {(error["pointer"], error["code"]) for error in misshapen["errors"]} == {
        ("/id", "bad_format"),
        ("/programme", "missing"),
        ("/occurred_at", "missing"),
        ("/lines/0/quantity", "too_small"),
        ("/more", "unknown_field"),
        ("/place", "unknown_place"),
        ("/lines/0/item", "unknown_item"),
        ("/recipients", "no_recipient"),
    }
    assert {(error["pointer"], error["code"]) for error in wrong["errors"]} == {
        ("/place", "unknown_place"),
        ("/recipients", "no_recipient"),
    }
    assert (short["status"], short["cards"][0]["short"]) == (409, 901)
    assert [(error["pointer"], error["code"]) for error in old["errors"]] == [("/occurred_at", "too_far_back")]
    assert await ask(stocked, "SELECT count(*) FROM distribution_entry") == [(2,)]
    assert await on_hand(stocked) == 98


async def test_what_ran_short_is_entered_when_it_comes_again_and_the_goods_are_there(stocked: Database) -> None:
    late = entry(1, ago(1), 150)
    assert codes(await sent(stocked, late, late)) == ["short_of_stock", "short_of_stock"]
    await receive(stocked, receipt(100, ago(2)))
    assert states(await sent(stocked, late, late)) == ["posted", "duplicate"]
    assert await on_hand(stocked) == 50


async def test_a_clock_that_is_off_by_days_is_put_right_and_both_times_are_kept(stocked: Database) -> None:
    behind = timedelta(days=40)
    view = await sent(stocked, entry(1, ago(2) - behind), entry(2, ago(50)), sent_at=NOON - behind)
    assert (view.clock_behind_seconds, view.clock_corrected) == (40 * 86_400, True)
    assert [(one.told_at, one.occurred_at) for one in view.entries] == [
        (ago(2) - behind, ago(2)),
        (ago(50), ago(10)),
    ]
    assert await ask(stocked, "SELECT told_at FROM distribution_entry ORDER BY id") == [
        (ago(2) - behind,),
        (ago(50),),
    ]
    assert await ask(stocked, "SELECT occurred_at FROM distribution ORDER BY 1") == [(ago(10),), (ago(2),)]
    ahead = await sent(stocked, entry(3, NOON + timedelta(days=3)), sent_at=NOON + timedelta(days=3))
    assert ahead.entries[0].occurred_at == NOON
    # The same entry from the same device, its clock put right meanwhile: the first time stands.
    again = await sent(stocked, entry(1, ago(2) - behind))
    assert [(one.state, one.occurred_at) for one in again.entries] == [("duplicate", ago(2))]


async def test_the_moments_at_the_ends_of_the_calendar_are_refused_like_any_other(stocked: Database) -> None:
    ends = [datetime.fromisoformat(moment) for moment in ("0001-01-03T00:00:00+00:00", "9999-12-29T00:00:00+00:00")]
    for number, (sent_at, told_at, code) in enumerate(
        [(ends[1], ends[0], "invalid"), (NOON, ends[0], "invalid"), (ends[0], ends[1], None), (NOON, ends[1], None)]
    ):
        assert codes(await sent(stocked, entry(number, told_at), sent_at=sent_at)) == [code]
    outside = entry(3) | {"occurred_at": "0001-01-01T00:00:00+14:00"}
    assert codes(await sent(stocked, outside)) == ["invalid"]


async def test_limits_are_kept_in_the_order_of_time_and_a_void_gives_them_back(stocked: Database) -> None:
    await limited(stocked, times_max=1, period_days=7)
    to_tailor = {"recipients": {"businesses": [str(TAILOR)]}}
    view = await sent(stocked, *(entry(number, ago(days), **to_tailor) for number, days in ((1, 0), (2, 3), (3, 9))))
    # By time: nine days ago comes first, three days ago is six days later, and today is nine days later.
    assert codes(view) == [None, "limit_reached", None]
    posted = view.entries[0].distribution_id
    assert posted is not None
    async with stocked.work(PANGKALPINANG) as work:
        await handlers.void(work, PANGKALPINANG, posted, VoidDistribution(reason="entered twice"))
    # The entry is not entered anew when it comes again; another one finds the limit free.
    retried = await sent(stocked, entry(1, NOON, **to_tailor), entry(4, ago(1), **to_tailor))
    assert states(retried) == ["duplicate", "posted"]
    assert await on_hand(stocked) == 98
    assert await audited(stocked) == []


async def test_an_entry_that_is_too_large_to_be_told_spoils_no_other(stocked: Database, recorded: Recorded) -> None:
    """Its goods come from more lots, each with a long name, than one event carries."""
    async with stocked.work(OFFICE) as work:
        await ledger.add_item(work, AddItem(code="KITS", name="N" * 200, unit=Unit.PIECE, category=Category.OTHER))
    for number in range(10):
        lots = [ReceivedLine(item="KITS", quantity=1, lot=f"{number}-{lot:037}") for lot in range(200)]
        await receive(stocked, msgspec.structs.replace(receipt(1, ago(20)), lines=lots))
    view = await sent(stocked, entry(1), entry(2, lines=[{"item": "KITS", "quantity": 2_000}]), entry(3))
    assert codes(view) == [None, "event_too_large", None]
    assert len([event for event in await recorded() if isinstance(event, DistributionPosted)]) == 2
    assert await ask(stocked, "SELECT count(*) FROM distribution") == [(2,)]
    assert await audited(stocked) == []


async def test_the_same_entry_from_two_devices_at_once_is_entered_once(
    stocked: Database,
    other: Database,  # noqa: F811 - the fixture
) -> None:
    both = [entry(1, quantity=5), entry(2, quantity=5)]
    async with stocked.work(PANGKALPINANG) as work:
        batch = SendBatch(device="HP-1", sent_at=NOON, entries=both)
        first = await post_batch(work, PANGKALPINANG, batch)
        second = asyncio.create_task(sent(other, both[1], both[0], entry(3), device="HP-2"))
        await wait_until(lambda: waits_for_a_lock(stocked), description="the second device to wait for the entry")
        assert not second.done()
    assert states(first) == ["posted", "posted"]
    assert states(await second) == ["duplicate", "duplicate", "posted"]
    assert await on_hand(stocked) == 89
    assert await audited(stocked) == []


async def test_every_order_and_every_repetition_leaves_the_same(database: Database, clock: StoppedClock) -> None:
    entries = [entry(number, ago(3 - number), number) for number in (1, 2, 3)]
    await receive(database, receipt(1_000, ago(20)))
    numbers: set[tuple[str | None, ...]] = set()
    for ordering in permutations(entries):
        for batch in (ordering[:2], ordering, ordering[::-1]):
            await sent(database, *batch, *batch[:1])
        view = await sent(database, *entries)
        assert states(view) == ["duplicate"] * 3
        numbers.add(tuple(one.number for one in view.entries))
    assert len(numbers) == 1
    assert await on_hand(database) == 994


async def test_over_http_a_batch_is_answered_entry_by_entry(door: Door, stocked: Database) -> None:
    client = door["pangkalpinang"]
    body = {"device": "HP-1", "sent_at": NOON.isoformat(), "entries": [entry(1), entry(2, quantity=999), {"id": 7}]}
    answer = await client.post("/aid/distributions/batch", json=body, headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 201, answer.text
    view = answer.json()
    assert [one["state"] for one in view["entries"]] == ["posted", "parked", "refused"]
    assert view["entries"][1]["problem"]["code"] == "short_of_stock"
    assert view["entries"][0]["occurred_at"] == "2026-05-20T12:00:00+07:00"
    retried = await client.post("/aid/distributions/batch", json=body, headers={"Idempotency-Key": "k-1"})
    assert retried.content == answer.content
    assert (await door["auditor"].post("/aid/distributions/batch", json=body)).status_code == 403
    wrong: Json = {"device": "", "sent_at": "yesterday", "entries": []}
    assert told(await client.post("/aid/distributions/batch", json=wrong)) == {
        ("/device", "too_short"),
        ("/sent_at", "bad_format"),
        ("/entries", "too_few"),
    }
    many: Sequence[Json] = [entry(number) for number in range(501)]
    assert told(await client.post("/aid/distributions/batch", json=body | {"entries": many})) == {
        ("/entries", "too_many")
    }
    shown = await client.get(f"/aid/distributions/{view['entries'][0]['distribution_id']}")
    assert shown.json()["number"] == view["entries"][0]["number"]
