from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from services.aid_distribution.ledger import transfers
from services.aid_distribution.ledger.domain import Reason, ShortOfStock
from services.aid_distribution.ledger.orders import (
    ArrivedLine,
    DispatchTransfer,
    GoodsLine,
    ReceiveTransfer,
    TransferView,
)
from services.aid_distribution.ledger.transfers import AlreadyReceived, DoesNotAddUp
from shared.caller import Caller
from shared.contracts.aid_distribution import Goods, TransferDispatched, TransferReceived
from shared.database import Database
from shared.problems import Absent, Invalid, Refusal
from shared.routes import Asked
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    PROVINCE,
    RICE,
    WAREHOUSE,
    ago,
    ask,
    audited,
    receipt,
    receive,
)
from tests.door import Recorded


def sending(
    quantity: int, *, to_place: str = WAREHOUSE, from_place: str = PROVINCE, item: str = MASKS
) -> DispatchTransfer:
    return DispatchTransfer(
        from_place=from_place,
        to_place=to_place,
        occurred_at=ago(1),
        lines=[GoodsLine(item=item, quantity=quantity)],
    )


def arriving(
    accepted: int, rejected: int = 0, reason: Reason | None = None, *, item: str = MASKS, days_ago: float = 0
) -> ReceiveTransfer:
    line = ArrivedLine(item=item, accepted=accepted, rejected=rejected, reason=reason)
    return ReceiveTransfer(occurred_at=ago(days_ago), lines=[line])


async def dispatch(database: Database, order: DispatchTransfer, caller: Caller = OFFICE) -> TransferView:
    async with database.work(caller) as work:
        (outcome,) = await transfers.dispatch(work, [Asked(order, caller)])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def arrive(
    database: Database, transfer_id: UUID, order: ReceiveTransfer, caller: Caller = PANGKALPINANG
) -> TransferView:
    async with database.work(caller) as work:
        return await transfers.arrive(work, caller, transfer_id, order)


@pytest.fixture
async def sent(database: Database) -> TransferView:
    """Ten masks on their way from the province to Pangkalpinang."""
    await receive(database, receipt(100, ago(3), place=PROVINCE))
    return await dispatch(database, sending(10))


async def stock(database: Database) -> dict[str, int]:
    rows = await ask(database, "SELECT place, sum(on_hand)::bigint FROM card GROUP BY place")
    return {str(place): int(str(total)) for place, total in rows}


async def in_transit(database: Database) -> int:
    question = (
        "SELECT coalesce(sum(quantity) FILTER (WHERE to_place = 'IN-TRANSIT'), 0)"
        " - coalesce(sum(quantity) FILTER (WHERE from_place = 'IN-TRANSIT'), 0) FROM posting_line"
    )
    ((total,),) = await ask(database, question)
    return int(str(total))


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return sorted((error.pointer, error.code) for error in refused.value.errors)


async def test_what_is_sent_is_off_the_one_place_and_not_yet_on_the_other(
    database: Database, sent: TransferView, recorded: Recorded
) -> None:
    assert (sent.state, sent.number, sent.received_at) == ("in_transit", "2026-05-19-TO-0001", None)
    assert await stock(database) == {PROVINCE: 90}
    assert await in_transit(database) == 10
    assert (await recorded())[-1] == TransferDispatched(
        transfer_id=sent.id,
        posting_id=sent.posting_id,
        number=sent.number,
        from_place=PROVINCE,
        to_place=WAREHOUSE,
        from_region="19",
        to_region="19.71",
        occurred_at=ago(1),
        lines=[Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=10)],
    )
    assert (await recorded.rows())[-1].region == "19.71"
    assert await audited(database) == []


async def test_what_arrives_is_taken_in_and_what_is_missing_is_written_off(
    database: Database, sent: TransferView, recorded: Recorded
) -> None:
    done = await arrive(database, sent.id, arriving(7, 3, Reason.LOST))
    assert (done.state, done.received_at, done.version) == ("received", NOON, 2)
    (line,) = done.lines
    assert (line.dispatched, line.accepted, line.rejected, line.reason) == (10, 7, 3, "lost")
    assert await stock(database) == {PROVINCE: 90, WAREHOUSE: 7}
    assert await in_transit(database) == 0
    event = (await recorded())[-1]
    assert isinstance(event, TransferReceived)
    assert [(goods.item, goods.quantity) for goods in event.accepted] == [(MASKS, 7)]
    assert [(goods.item, goods.quantity) for goods in event.rejected] == [(MASKS, 3)]
    assert event.subject == f"transfer/{sent.id}"
    assert await audited(database) == []


async def test_a_transfer_of_which_nothing_was_good_touches_no_card(database: Database, sent: TransferView) -> None:
    await arrive(database, sent.id, arriving(0, 10, Reason.DAMAGED))
    assert await stock(database) == {PROVINCE: 90}
    assert await in_transit(database) == 0
    assert await audited(database) == []


@pytest.mark.parametrize(("accepted", "rejected"), [(9, 0), (11, 0), (8, 1), (0, 0), (0, 11), (10, 1)])
async def test_accepted_and_rejected_are_what_was_sent(
    database: Database, sent: TransferView, accepted: int, rejected: int
) -> None:
    with pytest.raises(DoesNotAddUp) as refused:
        await arrive(database, sent.id, arriving(accepted, rejected, Reason.LOST))
    assert refused.value.members["lines"] == [{"item": MASKS, "dispatched": 10, "accounted_for": accepted + rejected}]
    assert await in_transit(database) == 10


async def test_every_mistake_about_what_arrived_is_told(database: Database, sent: TransferView) -> None:
    lines = [
        ArrivedLine(item=MASKS, accepted=4, rejected=1),
        ArrivedLine(item=MASKS, accepted=5, rejected=0),
        ArrivedLine(item=RICE, accepted=5, rejected=0),
        ArrivedLine(item="NOTHING", accepted=5, rejected=0),
    ]
    with pytest.raises(Invalid) as refused:
        await arrive(database, sent.id, ReceiveTransfer(occurred_at=ago(2), lines=lines))
    assert codes(refused) == [
        ("/lines/0/reason", "missing"),
        ("/lines/1/item", "duplicate"),
        ("/lines/2/item", "unknown_item"),
        ("/lines/3/item", "unknown_item"),
        ("/occurred_at", "before_dispatch"),
    ]


async def test_nothing_arrives_in_the_future(database: Database, sent: TransferView) -> None:
    with pytest.raises(Invalid) as refused:
        await arrive(database, sent.id, arriving(10, days_ago=-1))
    assert codes(refused) == [("/occurred_at", "in_the_future")]


async def test_a_transfer_arrives_once(database: Database, sent: TransferView) -> None:
    done = await arrive(database, sent.id, arriving(10))
    with pytest.raises(AlreadyReceived) as refused:
        await arrive(database, sent.id, arriving(10))
    assert refused.value.members == {"posting_id": str(done.receipt_posting_id)}


async def test_only_those_at_its_end_receive_a_transfer_and_others_know_of_none(
    database: Database, sent: TransferView
) -> None:
    for transfer_id, caller in ((sent.id, BELITUNG), (UUID(int=7), PANGKALPINANG)):
        with pytest.raises(Absent):
            await arrive(database, transfer_id, arriving(10), caller)
        with pytest.raises(Absent):
            async with database.reading(caller) as work:
                await transfers.show(work, caller, transfer_id)
    async with database.reading(PANGKALPINANG) as work:
        assert await transfers.show(work, PANGKALPINANG, sent.id) == sent


async def test_what_was_accepted_keeps_its_lots_in_the_order_of_sending(database: Database) -> None:
    await receive(database, receipt(5, ago(3), place=PROVINCE, lot="B", expires_on=date(2027, 2, 1)))
    await receive(database, receipt(4, ago(3), place=PROVINCE, lot="A", expires_on=date(2027, 1, 1)))
    await receive(database, receipt(9, ago(3), place=PROVINCE, lot="OLD", expires_on=date(2026, 5, 1)))
    sent = await dispatch(database, sending(8))
    assert [(line.lot, line.dispatched) for line in sent.lines] == [("A", 4), ("B", 4)]
    done = await arrive(database, sent.id, arriving(6, 2, Reason.DAMAGED))
    assert [(line.lot, line.accepted, line.rejected, line.reason) for line in done.lines] == [
        ("A", 4, 0, None),
        ("B", 2, 2, "damaged"),
    ]
    assert await ask(database, "SELECT lot, on_hand FROM card WHERE place = 'WH-19.71' ORDER BY lot") == [
        ("A", 4),
        ("B", 2),
    ]
    assert await audited(database) == []


async def test_several_transfers_of_one_batch_each_have_their_own_outcome(database: Database) -> None:
    await receive(database, receipt(100, ago(3), place=PROVINCE))
    orders = [sending(60), sending(60), sending(5, to_place=PROVINCE), sending(40)]
    async with database.work(OFFICE) as work:
        outcomes = await transfers.dispatch(work, [Asked(order, OFFICE) for order in orders])
    told = [outcome.code if isinstance(outcome, Refusal) else outcome.number for outcome in outcomes]
    assert told == ["2026-05-19-TO-0001", "short_of_stock", "invalid", "2026-05-19-TO-0002"]
    assert await ask(database, "SELECT count(*) FROM transfer") == [(2,)]


async def test_more_than_there_is_is_not_sent(database: Database, sent: TransferView) -> None:
    with pytest.raises(ShortOfStock):
        await dispatch(database, sending(91))


async def test_a_transfer_goes_to_another_place_that_the_sender_may_know_of(database: Database) -> None:
    await receive(database, receipt(10, ago(3)))
    with pytest.raises(Invalid) as refused:
        await dispatch(database, sending(1, from_place=WAREHOUSE, to_place=ELSEWHERE), PANGKALPINANG)
    assert codes(refused) == [("/to_place", "unknown_place")]
    with pytest.raises(Invalid) as refused:
        await dispatch(database, sending(1, from_place=WAREHOUSE, to_place=WAREHOUSE), PANGKALPINANG)
    assert codes(refused) == [("/to_place", "same_place")]
    with pytest.raises(Invalid) as refused:
        await dispatch(database, sending(1, from_place="LOSS", to_place="IN-TRANSIT"))
    assert codes(refused) == [("/from_place", "unknown_place"), ("/to_place", "unknown_place")]


async def test_a_late_arrival_counts_from_its_own_moment(database: Database, sent: TransferView) -> None:
    await arrive(database, sent.id, arriving(10, days_ago=0.5))
    rows = await ask(database, "SELECT last_occurred_at FROM card WHERE place = 'WH-19.71'")
    assert rows == [(NOON - timedelta(hours=12),)]


async def test_the_damaged_lot_is_named_and_the_others_are_accepted(database: Database) -> None:
    await receive(database, receipt(5, ago(3), place=PROVINCE, lot="B", expires_on=date(2027, 2, 1)))
    await receive(database, receipt(4, ago(3), place=PROVINCE, lot="A", expires_on=date(2027, 1, 1)))
    sent = await dispatch(database, sending(8))
    damaged = ArrivedLine(item=MASKS, lot="A", accepted=1, rejected=3, reason=Reason.DAMAGED)
    rest = ArrivedLine(item=MASKS, accepted=4, rejected=0)
    wrong = ReceiveTransfer(occurred_at=NOON, lines=[msgspec.structs.replace(damaged, lot="C"), rest])
    with pytest.raises(Invalid) as refused:
        await arrive(database, sent.id, wrong)
    assert codes(refused) == [("/lines/0/lot", "unknown_lot")]
    short = ReceiveTransfer(occurred_at=NOON, lines=[msgspec.structs.replace(damaged, rejected=2), rest])
    with pytest.raises(DoesNotAddUp) as differing:
        await arrive(database, sent.id, short)
    assert differing.value.members["lines"] == [{"item": MASKS, "lot": "A", "dispatched": 4, "accounted_for": 3}]
    done = await arrive(database, sent.id, ReceiveTransfer(occurred_at=NOON, lines=[damaged, rest]))
    assert [(line.lot, line.accepted, line.rejected, line.reason) for line in done.lines] == [
        ("A", 1, 3, "damaged"),
        ("B", 4, 0, None),
    ]
    assert await audited(database) == []


@pytest.mark.parametrize(
    ("reason", "to_place"),
    [
        (Reason.DAMAGED, "LOSS"),
        (Reason.LOST, "LOSS"),
        (Reason.EXPIRED, "LOSS"),
        (Reason.RECOUNT, "ADJUSTMENT"),
        (Reason.OTHER, "ADJUSTMENT"),
        (Reason.FOUND, "ADJUSTMENT"),
    ],
)
async def test_what_is_gone_is_a_loss_and_a_difference_in_the_figures_an_adjustment(
    database: Database, sent: TransferView, reason: Reason, to_place: str
) -> None:
    done = await arrive(database, sent.id, arriving(7, 3, reason))
    question = "SELECT quantity FROM posting_line WHERE posting_id = :id AND to_place = :place"
    assert await ask(database, question, id=done.receipt_posting_id, place=to_place) == [(3,)]
    assert await audited(database) == []
