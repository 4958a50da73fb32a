"""Transfers that are taken back before they arrive."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.aid_distribution.ledger import counts, transfer_voids
from services.aid_distribution.ledger.domain import CountedSince
from services.aid_distribution.ledger.orders import CountedLine, CountStock, TransferView
from services.aid_distribution.ledger.transfers import AlreadyReceived
from services.aid_distribution.ledger.voids import AlreadyVoided, VoidDocument
from shared.caller import Caller
from shared.contracts.aid_distribution import TransferVoided
from shared.database import Database
from shared.problems import Absent
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    PROVINCE,
    ago,
    ask,
    audited,
    receipt,
    receive,
)
from tests.aid_distribution.test_limit_races import other  # noqa: F401 - a fixture
from tests.aid_distribution.test_reservations import reserve, reserving, shown
from tests.aid_distribution.test_transfers import arrive, arriving, dispatch, in_transit, sending, stock
from tests.door import Client, Recorded

Door = Mapping[str, Client]
MISTAKE = VoidDocument(reason="Salah tujuan")


async def void(database: Database, transfer_id: UUID, caller: Caller = OFFICE) -> TransferView:
    async with database.work(caller) as work:
        return await transfer_voids.void(work, caller, transfer_id, MISTAKE)


@pytest.fixture
async def sent(database: Database) -> TransferView:
    """Ten masks on their way from the province to Pangkalpinang."""
    await receive(database, receipt(100, ago(3), place=PROVINCE))
    return await dispatch(database, sending(10))


async def test_a_transfer_that_is_taken_back_is_on_the_shelf_it_left_from_that_moment_on(
    database: Database, sent: TransferView, recorded: Recorded
) -> None:
    done = await void(database, sent.id)
    assert (done.state, done.void_reason, done.version) == ("voided", "Salah tujuan", sent.version + 1)
    assert await stock(database) == {PROVINCE: 100}
    assert await in_transit(database) == 0
    question = "SELECT occurred_at, reverses FROM posting WHERE id = :id"
    assert await ask(database, question, id=done.void_posting_id) == [(ago(1), sent.posting_id)]
    (event,) = [one for one in await recorded() if isinstance(one, TransferVoided)]
    assert (event.transfer_id, event.reverses, event.lines[0].quantity) == (sent.id, sent.posting_id, 10)
    with pytest.raises(AlreadyVoided):
        await void(database, sent.id)
    with pytest.raises(AlreadyVoided):
        await arrive(database, sent.id, arriving(10))
    assert await audited(database) == []


async def test_what_has_arrived_is_not_taken_back_and_only_the_sender_takes_back(
    database: Database, sent: TransferView
) -> None:
    with pytest.raises(Absent):
        await void(database, sent.id, PANGKALPINANG)
    await arrive(database, sent.id, arriving(10))
    with pytest.raises(AlreadyReceived):
        await void(database, sent.id)


async def test_what_was_counted_since_is_not_taken_back_and_the_count_is_named(
    database: Database, sent: TransferView
) -> None:
    async with database.work(OFFICE) as work:
        counting = CountStock(place=PROVINCE, occurred_at=NOON, lines=[CountedLine(item=MASKS, quantity=90)])
        counted = await counts.count(work, OFFICE, counting)
    with pytest.raises(CountedSince) as refused:
        await void(database, sent.id)
    assert refused.value.members["numbers"] == [counted.number]
    assert await in_transit(database) == 10


async def test_what_came_out_of_a_reservation_is_reserved_again(database: Database) -> None:
    await receive(database, receipt(100, ago(3), place=PROVINCE))
    one = await reserve(database, msgspec.structs.replace(reserving(10), place=PROVINCE), OFFICE)
    order = msgspec.structs.replace(sending(10), occurred_at=NOON, reservation=one.id)
    sent = await dispatch(database, order)
    assert (await shown(database, one.id)).state == "used"
    await void(database, sent.id)
    assert (await shown(database, one.id)).state == "open"
    assert await in_transit(database) == 0
    assert await audited(database) == []


async def test_of_a_void_and_an_arrival_at_once_one_wins(
    database: Database,
    sent: TransferView,
    other: Database,  # noqa: F811 - the fixture
) -> None:
    outcomes: list[Any] = await asyncio.gather(
        void(database, sent.id), arrive(other, sent.id, arriving(10)), return_exceptions=True
    )
    (won,) = [one for one in outcomes if isinstance(one, TransferView)]
    (lost,) = [one for one in outcomes if not isinstance(one, TransferView)]
    assert isinstance(lost, AlreadyVoided if won.state == "voided" else AlreadyReceived)
    assert await in_transit(database) == 0
    assert await audited(database) == []


async def test_over_http_a_transfer_is_taken_back_with_a_reason(door: Door, sent: TransferView) -> None:
    path = f"/aid/transfers/{sent.id}/void"
    assert (await door["office"].post(path, json={})).status_code == 422
    done = await door["office"].post(path, json={"reason": "Salah tujuan"})
    assert (done.status_code, done.json()["state"]) == (201, "voided")
    assert (await door["office"].post(path, json={"reason": "Salah tujuan"})).json()["code"] == "already_voided"
    assert (await door["auditor"].post(path, json={"reason": "Salah tujuan"})).status_code == 403
