"""Two processes at one ledger: each has a store of its own on the same database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.ledger import deciding, handlers, loading, writing
from services.aid_distribution.ledger.account import Card, CardKey, Cards
from services.aid_distribution.ledger.domain import Draft, Entered, Kind, Line, ShortOfStock
from services.aid_distribution.ledger.handlers import AlreadyReversed
from services.aid_distribution.ledger.orders import GoodsLine, IssueStock, PostingView, ReceivedLine, ReceiveStock
from services.aid_distribution.ledger.store import Posted
from shared.caller import Caller, Role
from shared.database import Database, Work, unreachable
from shared.problems import Invalid, Refusal
from shared.routes import Asked
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    RICE,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    give_out,
    issue,
    receipt,
    receive,
    reverse,
    waits_for_a_lock,
)
from tests.waiting import wait_until

ITEMS = (MASKS, RICE, SOAP)


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


async def settled(*tasks: "asyncio.Task[PostingView]") -> list[PostingView | BaseException]:
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def on_hand(database: Database) -> int:
    ((total,),) = await ask(database, "SELECT on_hand FROM card WHERE item = :item", item=MASKS)
    return int(str(total))


async def test_of_two_issues_of_60_from_100_one_is_accepted(database: Database, other: Database) -> None:
    await receive(database, receipt(100, ago(1)))
    async with database.work(OFFICE) as work:
        (first,) = await handlers.issue(work, [Asked(issue(60), OFFICE)])
        second = asyncio.create_task(give_out(other, issue(60)))
        await wait_until(lambda: waits_for_a_lock(database), description="the second issue to wait for the card")
        assert not second.done()
    assert isinstance(first, PostingView)
    with pytest.raises(ShortOfStock):
        await second
    assert await on_hand(database) == 40
    assert await audited(database) == []


async def decide_without_lock(work: Work, draft: Draft) -> Cards:
    """Read a card as the ledger does, but without keeping others from it."""
    rows = await work.session.execute(text("SELECT place, item, lot, last_occurred_at FROM card"))
    cards = Cards(Card(CardKey(row.place, row.item, row.lot), last_occurred_at=row.last_occurred_at) for row in rows)
    await loading.load_days(work.session, cards, [draft], work.now)
    return cards


async def test_without_the_lock_both_would_be_accepted_and_the_audit_would_tell(
    database: Database, other: Database
) -> None:
    await receive(database, receipt(100, ago(1)))
    async with database.work(OFFICE) as one, other.work(OFFICE) as another:
        read = []
        for number, work in enumerate((one, another), 1):
            draft = Draft(
                id=work.new_id(),
                kind=Kind.ISSUE,
                region="19.71",
                occurred_at=NOON,
                caller=Caller("control", Role.OPERATOR, ("19",)),
                lines=(Line(MASKS, 60, WAREHOUSE, "LOSS", ""),),
            )
            read.append((work, number, draft, await decide_without_lock(work, draft)))
        for work, number, draft, cards in read:
            entered = deciding.post(draft, cards, work.now)
            assert isinstance(entered, Entered)
            posted = Posted(draft, entered.lines, f"control-{number}", work.now, entered)
            heads = (await writing.raise_counters(work.session, {("19.71", date(2026, 5, 1), Kind.ISSUE): 1})).heads
            await writing.write(work.session, [posted], heads, cards)
            await work.session.commit()
    assert await on_hand(database) == 40
    assert {found.check for found in await audited(database)} >= {"never_negative", "card_is_sum_of_lines"}


async def test_of_two_reversals_one_wins_and_the_other_is_told_who(database: Database, other: Database) -> None:
    done = await receive(database, receipt(100, ago(1)))
    outcomes = await settled(*(asyncio.create_task(reverse(store_, done.id)) for store_ in (database, other) * 3))
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, PostingView)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, AlreadyReversed)]
    assert len(lost) == 5
    assert {refused.members["number"] for refused in lost} == {won.number}
    assert await on_hand(database) == 0
    assert await audited(database) == []


async def test_without_the_lock_both_would_reverse_it_and_the_database_refuses_the_second(
    database: Database, other: Database
) -> None:
    """The control: both have read that nobody has reversed it, and both post the opposite; there is enough for both."""
    await receive(database, receipt(100, ago(2)))
    done = await receive(database, receipt(100, ago(1)))
    reversals = text("SELECT count(*) FROM posting WHERE reverses = :id")
    async with database.work(OFFICE) as one, other.work(OFFICE) as another:
        read = [(await work.session.execute(reversals, {"id": done.id})).scalar_one() for work in (one, another)]
        assert read == [0, 0]
        await handlers.post(one, [opposite(one, done)])
        await one.session.commit()
        with pytest.raises(DBAPIError, match="posting_reverses_key"):
            await handlers.post(another, [opposite(another, done)])
        await another.session.rollback()
    assert await audited(database) == []


def opposite(work: Work, done: PostingView) -> Draft:
    return Draft(
        id=work.new_id(),
        kind=Kind.REVERSAL,
        region="19.71",
        occurred_at=done.occurred_at,
        caller=OFFICE,
        reason="control",
        reverses=done.id,
        lines=(Line(MASKS, 100, WAREHOUSE, "SUPPLIER", ""),),
    )


async def test_documents_that_are_made_at_once_are_numbered_without_a_gap(database: Database, other: Database) -> None:
    await asyncio.gather(*(receive(database, receipt(1)) for _ in range(2)))
    orders = [receipt(1, item=ITEMS[number % 3]) for number in range(10)]
    stores = (database, other) * 5
    done = await asyncio.gather(*(receive(one, order) for one, order in zip(stores, orders, strict=True)))
    assert sorted(view.number for view in done) == [f"2026-05-19.71-GR-{number:04d}" for number in range(3, 13)]


async def test_of_two_who_tell_another_expiry_of_a_new_lot_the_second_is_refused(
    database: Database, other: Database
) -> None:
    january, february = (receipt(1, lot="A", expires_on=date(2027, month, 1)) for month in (1, 2))
    elsewhere = ReceiveStock(
        place="PASAR-19.71", source=february.source, occurred_at=february.occurred_at, lines=february.lines
    )
    async with database.work(OFFICE) as work:
        await handlers.receive(work, [Asked(january, OFFICE)])
        second = asyncio.create_task(receive(other, elsewhere))
        await wait_until(lambda: waits_for_a_lock(database), description="the second receipt to wait for the lot")
    with pytest.raises(Invalid) as refused:
        await second
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/lines/0/expires_on", "differs")]
    assert await ask(database, "SELECT place FROM card") == [(WAREHOUSE,)]


async def test_a_card_that_is_not_free_in_time_is_an_overload_and_no_defect(
    database: Database, other: Database
) -> None:
    await receive(database, receipt(100, ago(1)))
    async with database.work(OFFICE) as work:
        await handlers.issue(work, [Asked(issue(60), OFFICE)])
        async with other.work(OFFICE) as late:
            await late.session.execute(text("SET LOCAL lock_timeout = '20ms'"))
            with pytest.raises(DBAPIError) as waited:
                await handlers.issue(late, [Asked(issue(1), OFFICE)])
            await late.session.rollback()
    assert unreachable(waited.value)


def several(items: Sequence[str], quantity: int, *, lot: str | None = None) -> ReceiveStock:
    lines = [ReceivedLine(item=item, quantity=quantity, lot=lot) for item in items]
    return ReceiveStock(place=WAREHOUSE, source=receipt(1).source, occurred_at=NOON, lines=lines)


def taking(items: Sequence[str], quantity: int) -> IssueStock:
    lines = [GoodsLine(item=item, quantity=quantity) for item in items]
    return IssueStock(place=WAREHOUSE, reason=issue(1).reason, occurred_at=NOON, lines=lines)


async def test_orders_over_the_same_cards_in_any_order_never_wait_in_a_circle(
    database: Database, other: Database
) -> None:
    # `database.work` carries out once, so that a deadlock would show as an error and not be tried again.
    await receive(database, several(ITEMS, 1_000))
    random = Random(4)

    async def one(number: int) -> PostingView:
        items = random.sample(ITEMS, 3)
        target = (database, other)[number % 2]
        if number % 3:
            return await give_out(target, taking(items, 2))
        return await receive(target, several(items, 3, lot=f"L{number % 4}"))

    outcomes = await settled(*(asyncio.create_task(one(number)) for number in range(60)))
    assert [outcome for outcome in outcomes if not isinstance(outcome, PostingView)] == []
    rows = await ask(database, "SELECT item, sum(on_hand)::bigint FROM card GROUP BY item ORDER BY item")
    assert rows == [(item, 1_000 + 20 * 3 - 40 * 2) for item in sorted(ITEMS)]
    assert await audited(database) == []


async def test_1000_units_asked_for_by_32_at_once_are_given_exactly(
    database: Database, other: Database, clock: StoppedClock
) -> None:
    await receive(database, receipt(1_000, ago(1)))
    random = Random(7)
    wanted = [random.randint(1, 5) for _ in range(448)]
    waiting = list(enumerate(wanted))
    given: list[int] = []
    refused: list[int] = []

    async def connection(number: int) -> None:
        while waiting:
            batch = [waiting.pop() for _ in range(min(len(waiting), 1 + number % 4))]
            async with (database, other)[number % 2].work(OFFICE) as work:
                # Some say when it happened late, which must not let them have more.
                orders = [issue(quantity, NOON - timedelta(hours=index % 3)) for index, quantity in batch]
                outcomes = await handlers.issue(work, [Asked(order, OFFICE) for order in orders])
            for (_, quantity), outcome in zip(batch, outcomes, strict=True):
                (refused if isinstance(outcome, Refusal) else given).append(quantity)

    await asyncio.gather(*(connection(number) for number in range(32)))
    assert len(given) + len(refused) == len(wanted)
    assert refused
    assert await on_hand(database) == 1_000 - sum(given)
    assert 1_000 - sum(given) < 5
    assert await audited(database) == []
