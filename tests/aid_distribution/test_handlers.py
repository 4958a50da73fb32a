from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.ledger import cards, handlers
from services.aid_distribution.ledger.audit import audit
from services.aid_distribution.ledger.cards import BalanceQuery, CardQuery
from services.aid_distribution.ledger.catalogue import CodeTaken, PlaceKind
from services.aid_distribution.ledger.domain import CARD_MAX, QUANTITY_MAX, Reason, ShortOfStock, TooMuch, Virtual
from services.aid_distribution.ledger.handlers import AlreadyReversed, NotReversible
from services.aid_distribution.ledger.orders import AddPlace, PostingView
from shared.caller import Caller
from shared.contracts.aid_distribution import Goods, StockIssued, StockReceived, StockReversed
from shared.database import Database, sqlstate
from shared.problems import Absent, Invalid, Refusal
from shared.routes import Asked
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    OPERATOR,
    PANGKALPINANG,
    PROVINCE,
    RICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    give_out,
    issue,
    plant,
    receipt,
    receive,
    reverse,
)
from tests.door import Recorded

CHECK_VIOLATION, UNIQUE_VIOLATION, RESTRICT_VIOLATION, FOREIGN_KEY_VIOLATION = "23514", "23505", "23001", "23503"
NOT_NULL_VIOLATION = "23502"


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in refused.value.errors]


async def on_hand(database: Database, as_of: datetime | None = None, caller: Caller = OFFICE) -> dict[str, int]:
    """Give what lies where of the masks, by place and lot."""
    async with database.reading(caller) as work:
        page = await cards.balances(work, caller, BalanceQuery(item=MASKS, as_of=as_of))
    return {f"{row.place} {row.lot or ''}".strip(): row.on_hand for row in page.items}


async def test_a_receipt_raises_the_stock_and_is_recorded(database: Database, recorded: Recorded) -> None:
    done = await receive(database, receipt(100, ago(hours=2)), PANGKALPINANG)
    assert (done.number, done.kind, done.region) == ("2026-05-19.71-GR-0001", "receipt", "19.71")
    assert await ask(database, "SELECT id, number, actor, reason, occurred_at, recorded_at FROM posting") == [
        (done.id, done.number, "officer-19.71", "supplier", ago(hours=2), NOON)
    ]
    assert await ask(database, "SELECT line_no, item, lot, quantity, from_place, to_place FROM posting_line") == [
        (1, MASKS, "", 100, "SUPPLIER", WAREHOUSE)
    ]
    assert await ask(database, "SELECT place, item, lot, on_hand, last_occurred_at FROM card") == [
        (WAREHOUSE, MASKS, "", 100, ago(hours=2))
    ]
    assert await ask(database, "SELECT day, opening, incoming, outgoing, lowest FROM card_day") == [
        (date(2026, 5, 20), 0, 100, 0, 0)
    ]
    assert await recorded() == [
        StockReceived(
            posting_id=done.id,
            number=done.number,
            region="19.71",
            occurred_at=ago(hours=2),
            lines=[Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=100)],
            place=WAREHOUSE,
            origin="supplier",
        )
    ]
    (row,) = await recorded.rows()
    assert (row.subject, row.region, row.actor) == (f"posting/{done.id}", "19.71", "officer-19.71")


async def test_an_issue_lowers_the_stock_and_is_recorded(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(100, ago(1)))
    done = await give_out(database, issue(30, reason=Reason.EXPIRED))
    assert done.lines[0].to_place == "LOSS"
    assert await on_hand(database) == {WAREHOUSE: 70}
    assert (await recorded())[-1] == StockIssued(
        posting_id=done.id,
        number="2026-05-19.71-GI-0001",
        region="19.71",
        occurred_at=NOON,
        lines=[Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=30)],
        place=WAREHOUSE,
        reason="expired",
    )
    assert await audited(database) == []


@pytest.mark.parametrize(
    ("reason", "goes_to"),
    [
        (Reason.DAMAGED, "LOSS"),
        (Reason.LOST, "LOSS"),
        (Reason.EXPIRED, "LOSS"),
        (Reason.RECOUNT, "ADJUSTMENT"),
        (Reason.OTHER, "ADJUSTMENT"),
    ],
)
async def test_where_an_issue_goes_depends_on_its_reason(database: Database, reason: Reason, goes_to: str) -> None:
    await receive(database, receipt(1))
    assert (await give_out(database, issue(1, reason=reason))).lines[0].to_place == goes_to


async def test_a_refused_order_writes_nothing_and_takes_no_number(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(10, ago(1)))
    before = await ask(database, "SELECT * FROM card_day"), await recorded()
    with pytest.raises(ShortOfStock) as refused:
        await give_out(database, issue(15))
    assert refused.value.members["cards"] == [
        {
            "place": WAREHOUSE,
            "item": MASKS,
            "lot": None,
            "asked": 15,
            "available": 10,
            "short": 5,
            "first_short_on": "2026-05-20",
        }
    ]
    assert (await ask(database, "SELECT * FROM card_day"), await recorded()) == before
    assert (await give_out(database, issue(10))).number == "2026-05-19.71-GI-0001"


async def test_in_a_batch_each_order_has_its_own_outcome(database: Database, recorded: Recorded) -> None:
    orders = [issue(6), issue(6), issue(1, place="NOWHERE"), issue(4), issue(1)]
    await receive(database, receipt(10, ago(1)))
    async with database.work(OFFICE) as work:
        outcomes = await handlers.issue(work, [Asked(order, OFFICE) for order in orders])
    told = [outcome.code if isinstance(outcome, Refusal) else outcome.number[-7:] for outcome in outcomes]
    assert told == ["GI-0001", "short_of_stock", "invalid", "GI-0002", "short_of_stock"]
    assert len(await recorded()) == 3
    assert await audited(database) == []


async def test_each_order_of_a_batch_is_judged_by_its_own_callers_role_and_regions(
    database: Database, recorded: Recorded
) -> None:
    order = receipt(5, ago(60))
    callers = (OFFICE, PANGKALPINANG, BELITUNG, OPERATOR)
    async with database.work(OFFICE) as work:
        outcomes = await handlers.receive(work, [Asked(order, caller) for caller in callers])
    told = [
        [(error.pointer, error.code) for error in outcome.errors] if isinstance(outcome, Invalid) else "posted"
        for outcome in outcomes
    ]
    late = ("/occurred_at", "too_far_back")
    assert told == ["posted", [late], [("/place", "unknown_place"), late], "posted"]
    assert {row.actor for row in await recorded.rows()} == {"staff-provinsi", "operator"}


async def test_numbers_run_by_office_month_and_kind_without_a_gap(database: Database) -> None:
    new_month = datetime(2026, 4, 30, 17, 0, tzinfo=UTC)  # midnight of the 1st of May in WIB
    numbers = [
        (await receive(database, order, OPERATOR)).number
        for order in (
            receipt(10, new_month - timedelta(microseconds=1)),
            receipt(10, new_month),
            receipt(10, place=ELSEWHERE),
            receipt(10, place=PROVINCE),
            receipt(10),
        )
    ]
    numbers.append((await give_out(database, issue(1))).number)
    assert numbers == [
        "2026-04-19.71-GR-0001",
        "2026-05-19.71-GR-0001",
        "2026-05-19.02-GR-0001",
        "2026-05-19-GR-0001",
        "2026-05-19.71-GR-0002",
        "2026-05-19.71-GI-0001",
    ]
    assert await audited(database) == []


async def test_a_transaction_that_fails_gives_its_numbers_back(database: Database) -> None:
    async with database.work(OFFICE) as work:
        await handlers.receive(work, [Asked(receipt(1), OFFICE), Asked(receipt(2), OFFICE)])
        await work.session.rollback()
        work.recorded.clear()
    assert (await receive(database, receipt(1))).number == "2026-05-19.71-GR-0001"


async def test_every_mistake_of_an_order_is_told_at_once(database: Database) -> None:
    order = receipt(1, NOON + timedelta(seconds=1), place=ELSEWHERE, item="NOTHING", expires_on=date(2026, 6, 1))
    with pytest.raises(Invalid) as refused:
        await receive(database, order, PANGKALPINANG)
    assert sorted(codes(refused)) == [
        ("/lines/0/item", "unknown_item"),
        ("/lines/0/lot", "missing"),
        ("/occurred_at", "in_the_future"),
        ("/place", "unknown_place"),
    ]


async def test_what_was_found_is_not_issued(database: Database) -> None:
    await receive(database, receipt(1))
    with pytest.raises(Invalid) as refused:
        await give_out(database, issue(1, reason=Reason.FOUND))
    assert codes(refused) == [("/reason", "unknown_value")]


async def test_goods_without_a_lot_go_by_expiry(database: Database) -> None:
    await receive(database, receipt(30, ago(3), lot="JAN", expires_on=date(2027, 1, 31)))
    await receive(database, receipt(6, ago(3), lot="FEB", expires_on=date(2027, 2, 28)))
    await receive(database, receipt(2, ago(3)))
    done = await give_out(database, issue(37))
    assert [(line.lot, line.quantity) for line in done.lines] == [("JAN", 30), ("FEB", 6), (None, 1)]
    assert await on_hand(database) == {WAREHOUSE: 1, f"{WAREHOUSE} JAN": 0, f"{WAREHOUSE} FEB": 0}
    assert await audited(database) == []


async def test_aid_is_never_handed_out_of_an_expired_lot_by_itself(database: Database) -> None:
    await receive(database, receipt(30, ago(9), lot="OLD", expires_on=date(2026, 5, 19)))
    with pytest.raises(ShortOfStock) as refused:
        await distribute(database, distribution(1))
    (told,) = refused.value.members["cards"]  # type: ignore[misc]
    assert (told["available"], told["skipped_expired"]) == (0, ["OLD"])  # type: ignore[call-overload, index]
    assert (await give_out(database, issue(1, reason=Reason.EXPIRED))).lines[0].lot == "OLD"


async def test_a_lot_has_one_expiry_and_who_tells_another_is_refused(database: Database) -> None:
    await receive(database, receipt(1, lot="A"))
    await receive(database, receipt(1, lot="A", expires_on=date(2027, 1, 31)))
    await receive(database, receipt(1, lot="A"))
    with pytest.raises(Invalid) as refused:
        await receive(database, receipt(1, lot="A", expires_on=date(2027, 2, 28)))
    assert codes(refused) == [("/lines/0/expires_on", "differs")]
    assert await ask(database, "SELECT lot, expires_on FROM lot") == [("A", date(2027, 1, 31))]
    orders = [receipt(1, lot="B", expires_on=date(2027, month, 1)) for month in (1, 2, 1)]
    async with database.work(OFFICE) as work:
        outcomes = await handlers.receive(work, [Asked(order, OFFICE) for order in orders])
    assert [isinstance(outcome, PostingView) for outcome in outcomes] == [True, False, True]


async def test_a_reversal_undoes_a_posting_at_its_own_moment(database: Database, recorded: Recorded) -> None:
    await receive(database, receipt(50, ago(5)))
    wrong = await give_out(database, issue(20, ago(3)))
    undone = await reverse(database, wrong.id, PANGKALPINANG)
    assert (undone.reverses, undone.kind, undone.number) == (wrong.id, "reversal", "2026-05-19.71-RV-0001")
    assert (undone.occurred_at, undone.recorded_at) == (ago(3), NOON)
    assert [(line.from_place, line.to_place, line.quantity) for line in undone.lines] == [("LOSS", WAREHOUSE, 20)]
    assert [(await on_hand(database, ago(days)))[WAREHOUSE] for days in (4, 2, 0)] == [50, 50, 50]
    assert (await recorded())[-1] == StockReversed(
        posting_id=undone.id,
        number=undone.number,
        region="19.71",
        occurred_at=ago(3),
        lines=[Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=20)],
        reverses=wrong.id,
        reason="typed twice",
    )
    assert await audited(database) == []


async def test_a_posting_is_reversed_once_and_a_reversal_never(database: Database) -> None:
    done = await receive(database, receipt(50))
    undone = await reverse(database, done.id)
    with pytest.raises(AlreadyReversed) as again:
        await reverse(database, done.id)
    assert again.value.members == {"reversed_by": str(undone.id), "number": undone.number}
    with pytest.raises(NotReversible):
        await reverse(database, undone.id)


async def test_a_receipt_whose_goods_are_used_is_not_reversed(database: Database) -> None:
    done = await receive(database, receipt(50, ago(2)))
    await give_out(database, issue(20, ago(1)))
    with pytest.raises(ShortOfStock) as refused:
        await reverse(database, done.id)
    (told,) = refused.value.members["cards"]  # type: ignore[misc]
    assert (told["available"], told["first_short_on"]) == (30, "2026-05-19")  # type: ignore[call-overload, index]


async def test_the_posting_of_a_distribution_is_undone_by_voiding_it_only(database: Database) -> None:
    await receive(database, receipt(50, ago(2)))
    done = await distribute(database, distribution(20))
    with pytest.raises(NotReversible) as refused:
        await reverse(database, done.posting_id)
    assert refused.value.members == {"kind": "distribution"}


async def test_a_posting_of_another_region_is_absent(database: Database) -> None:
    done = await receive(database, receipt(50))
    for posting_id in (done.id, UUID(int=7)):
        with pytest.raises(Absent):
            await reverse(database, posting_id, BELITUNG)


async def test_what_a_clock_ahead_has_posted_can_be_reversed_where_the_clock_is_behind(
    database: Database, clock: StoppedClock
) -> None:
    done = await receive(database, receipt(50, NOON))
    clock.advance(timedelta(milliseconds=-40))
    undone = await reverse(database, done.id)
    assert undone.recorded_at == undone.occurred_at == NOON
    assert await audited(database) == []


async def test_a_reversal_keeps_the_lots_and_the_order_of_the_lines(database: Database) -> None:
    await receive(database, receipt(30, ago(3), lot="JAN", expires_on=date(2027, 1, 31)))
    await receive(database, receipt(6, ago(3), lot="FEB", expires_on=date(2027, 2, 28)))
    done = await give_out(database, issue(33))
    undone = await reverse(database, done.id)
    assert [(line.lot, line.quantity) for line in undone.lines] == [("JAN", 30), ("FEB", 3)]
    assert await on_hand(database) == {f"{WAREHOUSE} JAN": 30, f"{WAREHOUSE} FEB": 6}


async def test_the_balance_of_any_moment_is_told(database: Database) -> None:
    await receive(database, receipt(50, ago(10)))
    await give_out(database, issue(20, ago(3, hours=2)))
    await receive(database, receipt(5, ago(3)))
    await give_out(database, issue(35, ago(1)))
    await receive(database, receipt(7, ago(12)))
    moments = {
        ago(13): 0,
        ago(12): 7,
        ago(10) - timedelta(microseconds=1): 7,
        ago(10): 57,
        ago(4): 57,
        ago(3, hours=2): 37,
        ago(3, hours=1): 37,
        ago(3): 42,
        ago(2): 42,
        ago(1): 7,
        NOON: 7,
        NOON + timedelta(days=400): 7,
    }
    assert {moment: (await on_hand(database, moment))[WAREHOUSE] for moment in moments} == moments
    assert await on_hand(database) == {WAREHOUSE: 7}


async def test_a_card_shows_the_balance_after_each_movement(database: Database) -> None:
    await receive(database, receipt(30, ago(3), lot="JAN", expires_on=date(2027, 1, 31)))
    await receive(database, receipt(6, ago(3)))
    await give_out(database, issue(33, ago(1)))
    await receive(database, receipt(4, ago(2)))
    async with database.reading(OFFICE) as work:
        whole = await cards.card(work, OFFICE, WAREHOUSE, MASKS, CardQuery())
        part = await cards.card(work, OFFICE, WAREHOUSE, MASKS, CardQuery(from_=ago(2), to=ago(1)))
    told = [(entry.lot, entry.quantity, entry.balance, entry.kind) for entry in whole.items]
    assert told == [
        ("JAN", 30, 30, "receipt"),
        (None, 6, 36, "receipt"),
        (None, 4, 40, "receipt"),
        ("JAN", -30, 10, "issue"),
        (None, -3, 7, "issue"),
    ]
    assert part.items == whole.items[2:3]


async def test_a_place_is_made_in_ones_own_regions_and_its_code_is_taken_once(database: Database) -> None:
    order = AddPlace(code="WH-19.03", name="Gudang", kind=PlaceKind.WAREHOUSE, region="19.03")
    async with database.work(OFFICE) as work:
        assert (await handlers.add_place(work, order)).region == "19.03"
    with pytest.raises(CodeTaken):
        async with database.work(OFFICE) as work:
            await handlers.add_place(work, order)
    with pytest.raises(Invalid) as refused:
        async with database.work(BELITUNG) as work:
            await handlers.add_place(work, order)
    assert codes(refused) == [("/region", "unknown_region")]


async def refusals(database: Database, orders: Iterable[str]) -> dict[str, str | None]:
    """Give the SQLSTATE with which the database refuses each of these orders, by itself."""
    states = {}
    for order in orders:
        try:
            async with database.work(OPERATOR) as work:
                await work.session.execute(text(order))
                await work.session.rollback()
            states[order] = None
        except DBAPIError as refused:
            states[order] = sqlstate(refused)
    return states


async def test_the_journal_is_never_changed(database: Database) -> None:
    await receive(database, receipt(50))
    orders = [
        "UPDATE posting SET actor = 'x'",
        "DELETE FROM posting",
        "TRUNCATE posting CASCADE",
        "UPDATE posting_line SET quantity = 1",
        "DELETE FROM posting_line",
        "TRUNCATE posting_line",
    ]
    assert await refusals(database, orders) == dict.fromkeys(orders, RESTRICT_VIOLATION)


LINE = (
    "INSERT INTO posting_line SELECT posting_id, 2, item, lot, {}, {}, {}, occurred_at, recorded_at FROM posting_line"
)
POSTING = (
    "INSERT INTO posting (id, number, kind, region, occurred_at, recorded_at, actor, reason, reverses, chain_hash,"
    " chain_form, chain_seq) SELECT gen_random_uuid(), {}, {}, region, {}, recorded_at, actor, {}, {}, chain_hash,"
    " chain_form, chain_seq + {} FROM posting"
)


GUARDED = {
    "UPDATE card SET on_hand = -1": CHECK_VIOLATION,
    "UPDATE place SET kind = 'reserved' WHERE code = 'WH-19.71'": CHECK_VIOLATION,
    "UPDATE place SET code = 'WH-19.02~' WHERE code = 'WH-19.02'": CHECK_VIOLATION,
    "UPDATE card_day SET lowest = -1": CHECK_VIOLATION,
    "UPDATE card_day SET lowest = 1": CHECK_VIOLATION,
    "UPDATE card_day SET outgoing = 51": CHECK_VIOLATION,
    "UPDATE card_day SET incoming = -1, opening = 60": CHECK_VIOLATION,
    "UPDATE card_day SET incoming = 1000000000000001": CHECK_VIOLATION,
    "UPDATE document_series SET last = 0": CHECK_VIOLATION,
    LINE.format("0", "from_place", "to_place"): CHECK_VIOLATION,
    LINE.format("-1", "from_place", "to_place"): CHECK_VIOLATION,
    LINE.format(str(QUANTITY_MAX + 1), "from_place", "to_place"): CHECK_VIOLATION,
    LINE.format("1", "to_place", "to_place"): CHECK_VIOLATION,
    LINE.format("1", "from_place", "'NOWHERE'"): FOREIGN_KEY_VIOLATION,
    POSTING.format("number", "kind", "occurred_at", "reason", "reverses", "1"): UNIQUE_VIOLATION,
    POSTING.format("'x'", "'gift'", "occurred_at", "reason", "reverses", "1"): CHECK_VIOLATION,
    POSTING.format("'x'", "kind", "recorded_at + interval '1 us'", "reason", "reverses", "1"): CHECK_VIOLATION,
    POSTING.format("'x'", "kind", "occurred_at", "reason", "id", "1"): CHECK_VIOLATION,
    POSTING.format("'x'", "'reversal'", "occurred_at", "reason", "NULL", "1"): CHECK_VIOLATION,
    POSTING.format("'x'", "'reversal'", "occurred_at", "NULL", "id", "1"): CHECK_VIOLATION,
    POSTING.format("n::text", "'reversal'", "occurred_at", "'x'", "id", "n") + ", generate_series(1, 2) n": "23505",
    POSTING.format("'x'", "kind", "occurred_at", "reason", "reverses", "0"): UNIQUE_VIOLATION,
    POSTING.format("'x'", "kind", "occurred_at", "reason", "reverses", "-1"): CHECK_VIOLATION,
    POSTING.format("'x'", "kind", "occurred_at", "reason", "reverses", "NULL"): NOT_NULL_VIOLATION,
    "UPDATE chain_head SET last_seq = 0": CHECK_VIOLATION,
    "UPDATE chain_head SET last_hash = '\\x00'": CHECK_VIOLATION,
}


async def test_the_database_is_the_last_guard(database: Database) -> None:
    await receive(database, receipt(50))
    assert await refusals(database, GUARDED) == GUARDED


async def test_sums_that_could_not_be_counted_are_refused_and_no_defect(database: Database) -> None:
    orders = [receipt(QUANTITY_MAX, ago(1)) for _ in range(CARD_MAX // QUANTITY_MAX)]
    async with database.work(OFFICE) as work:
        outcomes = await handlers.receive(work, [Asked(order, OFFICE) for order in orders])
    assert all(isinstance(outcome, PostingView) for outcome in outcomes)
    for order in (receipt(1), receipt(1, ago(1)), receipt(QUANTITY_MAX, ago(2))):
        with pytest.raises(TooMuch):
            await receive(database, order)
    assert await on_hand(database) == {WAREHOUSE: CARD_MAX}
    assert await audited(database) == []


PLANTED: list[tuple[list[str], set[str]]] = [
    (["UPDATE card SET on_hand = on_hand + 1"], {"card_is_sum_of_lines", "item_sums_to_zero"}),
    (["UPDATE card SET last_occurred_at = last_occurred_at - interval '1 s'"], {"card_is_sum_of_lines"}),
    (["DELETE FROM card"], {"card_is_sum_of_lines", "item_sums_to_zero"}),
    (["UPDATE card_day SET opening = opening + 1, lowest = lowest WHERE opening > 0"], {"day_is_sum_of_lines"}),
    (["UPDATE card_day SET lowest = lowest - 1 WHERE lowest > 0"], {"day_is_sum_of_lines"}),
    (["DELETE FROM card_day WHERE opening > 0"], {"day_is_sum_of_lines"}),
    (["UPDATE document_series SET last = last + 1 WHERE kind = 'GI'"], {"numbers_without_gap"}),
    (["UPDATE posting SET number = '2026-05-19.71-GR-0009' WHERE kind = 'receipt'"], {"numbers_without_gap"}),
    (
        ["UPDATE posting_line SET quantity = quantity + 1 WHERE from_place = 'WH-19.71' AND to_place = 'LOSS'"],
        {"card_is_sum_of_lines", "day_is_sum_of_lines", "item_sums_to_zero", "reversal_is_the_opposite"},
    ),
    (
        ["UPDATE posting_line SET quantity = 49 WHERE from_place = 'SUPPLIER'"],
        {"card_is_sum_of_lines", "day_is_sum_of_lines", "item_sums_to_zero"},
    ),
    (
        ["UPDATE posting_line SET occurred_at = occurred_at + interval '2 s' WHERE from_place = 'SUPPLIER'"],
        {"line_has_moment_of_posting"},
    ),
    (
        [
            "UPDATE posting SET occurred_at = recorded_at WHERE kind = 'receipt'",
            "UPDATE posting_line SET occurred_at = recorded_at WHERE from_place = 'SUPPLIER'",
        ],
        {"card_is_sum_of_lines", "day_is_sum_of_lines", "never_negative"},
    ),
    (
        ["DELETE FROM posting_line WHERE from_place = 'LOSS'"],
        {
            "card_is_sum_of_lines",
            "day_is_sum_of_lines",
            "item_sums_to_zero",
            "line_has_moment_of_posting",
            "reversal_is_the_opposite",
        },
    ),
]


async def test_the_audit_finds_what_was_changed_behind_its_back(database: Database) -> None:
    await receive(database, receipt(50, ago(3)))
    undone = await give_out(database, issue(20, ago(2)))
    await reverse(database, undone.id)
    await give_out(database, issue(10, ago(1)))
    assert await audited(database) == []
    for orders, checks in PLANTED:
        async with database.work(OFFICE) as work:
            await plant(work, *orders)
            assert {found.check for found in await audit(work.session)} == checks, orders
            await work.session.rollback()
    assert await audited(database) == []


async def test_the_audit_names_the_card_and_both_figures(database: Database) -> None:
    await receive(database, receipt(50, ago(3), item=RICE, lot="A"))
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE card_day SET incoming = 51")
        (found,) = await audit(work.session)
    assert found.subject == f"{WAREHOUSE} {RICE} A 2026-05-17"
    assert (found.expected, found.found) == ("0/50/0/0", "0/51/0/0")


async def test_the_world_outside_has_a_place_for_each_way_in_and_out(database: Database) -> None:
    rows = await ask(database, "SELECT code, region FROM place WHERE kind = 'virtual' ORDER BY code")
    assert rows == [(place.value, "") for place in sorted(Virtual)]


async def test_late_issues_of_one_transaction_lower_every_later_day(database: Database) -> None:
    """OpenLMIS: 50 on D-1, then 5 on D and 10 on D+2, then late and together 1 on D and 2 on D+1: 44, 42, 32."""
    await receive(database, receipt(50, ago(4)))
    await give_out(database, issue(5, ago(3)))
    await give_out(database, issue(10, ago(1)))
    async with database.work(OFFICE) as work:
        late = [Asked(issue(1, ago(3, hours=-1)), OFFICE), Asked(issue(2, ago(2)), OFFICE)]
        outcomes = await handlers.issue(work, late)
    assert not any(isinstance(outcome, Refusal) for outcome in outcomes)
    closings = "SELECT opening + incoming - outgoing FROM card_day WHERE place = :place ORDER BY day"
    assert await ask(database, closings, place=WAREHOUSE) == [(50,), (44,), (42,), (32,)]
    changed = "SELECT change FROM late_change ORDER BY posting_id"
    assert (await ask(database, changed))[-2:] == [(-1,), (-2,)]
    assert await audited(database) == []
