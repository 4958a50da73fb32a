"""Hand-outs that a device tells late, out of reservations that somebody has let go of meanwhile: they have happened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.aid_distribution.distributions.batches import BatchView
from services.aid_distribution.ledger.reservation_orders import ReservationView
from shared.contracts.aid_distribution import DistributionPosted
from shared.database import Database
from tests.aid_distribution.story import MASKS, NOON, StoppedClock, ago, ask, audited, receipt, receive
from tests.aid_distribution.test_batches import codes, entry, sent, states
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_reservations import release, reserve, reserving, shown, sweep
from tests.door import Client, Recorded

Door = Mapping[str, Client]
Json = dict[str, Any]
HOUR = timedelta(hours=1)


async def told(
    database: Database, one: ReservationView, at: datetime, sent_at: datetime, quantity: int = 10
) -> BatchView:
    order = entry(1, at, quantity, reservation=str(one.id))
    return await sent(database, order, sent_at=sent_at)


async def test_what_was_released_meanwhile_is_taken_out_of_the_free_goods_and_the_answer_says_so(
    database: Database, recorded: Recorded, clock: StoppedClock
) -> None:
    await receive(database, receipt(30, ago(20)))
    one = await reserve(database, reserving(10))
    await release(database, one)
    clock.advance(2 * HOUR)
    first = await told(database, one, NOON + HOUR, clock.at)
    assert states(first) == ["posted"]
    assert first.entries[0].note == f"{one.number} is released. It was taken out of the free goods."
    assert first.entries[0].occurred_at == NOON + HOUR
    again = await told(database, one, NOON + HOUR, clock.at)
    assert (states(again), again.entries[0].note) == (["duplicate"], first.entries[0].note)
    assert (await shown(database, one.id)).uses == []
    assert [event.lines[0].quantity for event in await recorded() if isinstance(event, DistributionPosted)] == [10]
    assert await audited(database) == []


async def test_what_was_promised_until_its_release_is_entered_as_of_the_release(
    database: Database, clock: StoppedClock
) -> None:
    """All the goods were promised when they were handed out: the book has them free only since the release."""
    await receive(database, receipt(10, ago(20)))
    one = await reserve(database, reserving(10))
    clock.advance(2 * HOUR)
    await release(database, one)
    clock.advance(2 * HOUR)
    (outcome,) = (await told(database, one, NOON + HOUR, clock.at)).entries
    assert (outcome.state, outcome.told_at, outcome.occurred_at) == ("posted", NOON + HOUR, NOON + 2 * HOUR)
    assert await ask(database, "SELECT on_hand FROM card WHERE on_hand > 0") == []
    assert await audited(database) == []


async def test_what_nobody_has_free_is_parked_and_entered_when_the_promise_has_ended(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    """It has expired by the clock of the hand-out, and nobody has put its goods back yet."""
    await receive(database, receipt(10, ago(20)))
    one = await reserve(database, reserving(10, days=1 / 24))
    clock.advance(3 * HOUR)
    view = await told(database, one, NOON + 2 * HOUR, clock.at)
    assert (states(view), codes(view)) == (["parked"], ["short_of_stock"])
    assert await sweep(database) == 1
    path = f"/aid/exceptions/{view.entries[0].exception_id}/application"
    applied = await made(door["pangkalpinang"], path, {})
    assert applied["state"] == "applied"
    (again,) = (await told(database, one, NOON + 2 * HOUR, clock.at)).entries
    assert (again.state, again.note) == (
        "duplicate",
        f"{one.number} is expired. It was taken out of the free goods.",
    )
    assert await ask(database, "SELECT on_hand FROM card WHERE on_hand > 0") == []
    assert await audited(database) == []


async def test_what_a_promise_still_holds_is_taken_out_of_it_and_the_rest_is_free_goods(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    await receive(database, receipt(30, ago(20)))
    one = await reserve(database, reserving(6))
    clock.advance(HOUR)
    (outcome,) = (await told(database, one, NOON + HOUR, clock.at)).entries
    assert (outcome.state, outcome.note) == (
        "posted",
        f"{MASKS}: asked 10, {one.number} holds 6. The rest was taken out of the free goods.",
    )
    after = await shown(database, one.id)
    assert (after.state, [use.quantity for use in after.uses]) == ("used", [6])
    await made(door["pangkalpinang"], f"/aid/distributions/{outcome.distribution_id}/void", {"reason": "Salah"})
    restored = await shown(database, one.id)
    assert (restored.state, restored.lines[0].left) == ("open", 6)
    assert await audited(database) == []


@pytest.mark.parametrize("at", [NOON, NOON + HOUR])
async def test_an_office_that_asks_at_once_is_told_that_the_promise_is_gone(
    database: Database, door: Door, clock: StoppedClock, at: datetime
) -> None:
    """The control: it is no fact of the past, and the office may leave the reservation out."""
    await receive(database, receipt(30, ago(20)))
    one = await reserve(database, reserving(10))
    await release(database, one)
    clock.advance(HOUR)
    order = entry(1, at, 10, reservation=str(one.id))
    del order["id"]
    refused = await made(door["pangkalpinang"], "/aid/distributions", order, 409)
    assert refused["code"] == "reservation_ended"
