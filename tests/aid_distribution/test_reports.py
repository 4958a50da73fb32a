"""What can be read out of the ledger, against a plain list of all movements and at the door."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.aid_distribution.ledger import cards
from services.aid_distribution.ledger.cards import BalanceQuery
from services.aid_distribution.ledger.explain import ExplainedPosting, Explanation, ExplanationQuery, explain
from services.aid_distribution.ledger.periods import Days, PeriodQuery, PeriodView, periods
from services.aid_distribution.ledger.stockouts import StockoutView, joined, stockouts
from shared.clock import wib_day
from shared.database import Database
from shared.routes import Code
from tests.aid_distribution.model import Model, moments
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    OFFICE,
    RICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    audited,
    give_out,
    issue,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_api import Door, made, stocked
from tests.aid_distribution.test_api import issue as _issue
from tests.aid_distribution.test_api import receipt as _receipt
from tests.aid_distribution.test_ledger_model import History, Step, new_item, steps
from tests.door import told

TODAY = date(2026, 5, 20)
ONE_DAY = timedelta(days=1)


async def periods_of(database: Database, query: PeriodQuery) -> list[PeriodView]:
    async with database.reading(OFFICE) as work:
        return (await periods(work, OFFICE, query)).items


async def stockouts_of(database: Database, query: PeriodQuery) -> list[StockoutView]:
    async with database.reading(OFFICE) as work:
        return (await stockouts(work, OFFICE, query)).items


async def explained(
    database: Database, item: Code, query: ExplanationQuery
) -> tuple[Explanation, list[ExplainedPosting]]:
    """Read an explanation page by page; gives the last page, and the entries of all."""
    entries: list[ExplainedPosting] = []
    following: str | None = None
    async with database.reading(OFFICE) as work:
        while True:
            asked = ExplanationQuery(
                as_of=query.as_of, lot=query.lot, order=query.order, limit=query.limit, cursor=following
            )
            page = await explain(work, OFFICE, WAREHOUSE, item, asked)
            entries += page.items
            following = page.next
            if following is None:
                return page, entries


async def balance_of(database: Database, item: Code, lot: str | None, as_of: datetime | None) -> int:
    async with database.reading(OFFICE) as work:
        page = await cards.balances(work, OFFICE, BalanceQuery(place=WAREHOUSE, item=item, as_of=as_of))
    return sum(one.on_hand for one in page.items if lot is None or (one.lot or "") == lot)


def empty_days(model: Model, days: Days) -> list[date]:
    """Name the days that ended with nothing after something had come in, movement by movement."""
    found = []
    for number in range((days.last - days.first).days + 1):
        day = days.first + timedelta(days=number)
        so_far = [change for (at, _, _), _, change in model.movements if wib_day(at) <= day]
        if sum(so_far) == 0 and any(change > 0 for change in so_far):
            found.append(day)
    return found


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    steps=steps, as_of=st.one_of(st.none(), moments), lot=st.sampled_from([None, "", "A", "B"]), limit=st.integers(1, 4)
)
async def test_what_is_read_out_of_the_ledger_is_what_a_plain_list_of_movements_says(
    database: Database,
    clock: StoppedClock,
    steps: Sequence[tuple[int, Step]],
    as_of: datetime | None,
    lot: str | None,
    limit: int,
) -> None:
    history = History(database, clock, await new_item(database))
    for number, (behind, step) in enumerate(steps):
        await history.take(number, behind, step)
    item, model = history.item, history.model
    days = Days(TODAY - 2 * ONE_DAY, TODAY)
    asked = PeriodQuery(place=WAREHOUSE, item=item, from_=days.first, to=days.last)
    for one in await periods_of(database, asked):
        mine = [(wib_day(at), change) for (at, _, _), held, change in model.movements if held == (one.lot or "")]
        inside = [change for day, change in mine if days.first <= day <= days.last]
        assert one.opening == sum(change for day, change in mine if day < days.first)
        assert one.incoming == sum(change for change in inside if change > 0)
        assert one.outgoing == -sum(change for change in inside if change < 0)
        assert one.closing == one.opening + one.incoming - one.outgoing
    shelves = await stockouts_of(database, asked)
    dry = [day for shelf in shelves for one in shelf.ranges for day in days_of(Days(one.from_, one.to))]
    assert dry == (empty_days(model, days) if shelves else [])
    assert [shelf.days for shelf in shelves] == [len(dry)] * len(shelves)

    for order in ("oldest", "newest"):
        query = ExplanationQuery(as_of=as_of, lot=lot, order=order, limit=limit)  # type: ignore[arg-type]  # both are
        page, entries = await explained(database, item, query)
        assert page.on_hand == await balance_of(database, item, lot, as_of)
        oldest_first = entries if order == "oldest" else entries[::-1]
        assert [one.balance for one in oldest_first[-1:]] in ([], [page.on_hand])
        running = 0
        for one in oldest_first:
            running += one.change
            assert one.balance == running
            assert sum(part.change for part in one.lots) == one.change
        assert running == page.on_hand
        changed = [(one.occurred_at, one.change) for one in oldest_first if one.change]
        assert changed == movements_of(model, lot, as_of)


def movements_of(model: Model, lot: str | None, as_of: datetime | None) -> list[tuple[datetime, int]]:
    """Give what each posting did to a shelf or to one lot on it, in order."""
    made: dict[object, int] = {}
    for moment, held, change in model.movements:
        if (lot is None or held == lot) and (as_of is None or moment[0] <= as_of):
            made[moment] = made.get(moment, 0) + change
    return [(moment[0], change) for moment, change in made.items() if change]  # type: ignore[index]  # a moment is a tuple


def days_of(days: Days) -> list[date]:
    return [days.first + timedelta(days=number) for number in range((days.last - days.first).days + 1)]


# Periods


async def test_a_period_says_what_was_there_what_came_what_went_and_what_is_left(door: Door) -> None:
    client = door["pangkalpinang"]
    await made(client, "/aid/receipts", _receipt(100, ago(10), document="SJ-1"))
    await made(client, "/aid/issues", _issue(30, ago(5)))
    await made(client, "/aid/receipts", _receipt(7, ago(4)))
    await made(client, "/aid/issues", _issue(2, ago(1)))
    asked = {"place": WAREHOUSE, "item": MASKS, "from": "2026-05-15", "to": "2026-05-18"}
    assert (await client.get("/aid/periods", params=asked)).json() == {
        "items": [
            {
                "place": WAREHOUSE,
                "item": MASKS,
                "lot": None,
                "from": "2026-05-15",
                "to": "2026-05-18",
                "opening": 100,
                "in": 7,
                "out": 30,
                "closing": 77,
            }
        ],
        "next": None,
    }
    (month,) = (await client.get("/aid/periods")).json()["items"]
    assert (month["from"], month["to"]) == ("2026-05-01", "2026-05-20")
    assert [month[name] for name in ("opening", "in", "out", "closing")] == [0, 107, 32, 75]
    (before,) = (await client.get("/aid/periods", params={"from": "2026-04-01", "to": "2026-04-30"})).json()["items"]
    assert [before[name] for name in ("opening", "in", "out", "closing")] == [0, 0, 0, 0]


async def test_half_past_six_and_half_past_seven_in_the_morning_are_the_same_local_day(database: Database) -> None:
    midnight = datetime.fromisoformat("2026-05-19T00:00:00+07:00")
    for at in (midnight - timedelta(minutes=30), midnight + timedelta(minutes=30), midnight + timedelta(hours=6.5)):
        await receive(database, receipt(1, at))
    await receive(database, receipt(1, midnight + timedelta(hours=7.5)))
    day = date(2026, 5, 19)
    (one,) = await periods_of(database, PeriodQuery(from_=day, to=day))
    assert (one.opening, one.incoming, one.closing) == (1, 3, 4)


async def test_a_day_that_does_not_agree_with_the_others_is_not_hidden(database: Database) -> None:
    """The control: the closing figure is read by itself, so it can differ from what came before it."""
    await receive(database, receipt(10, ago(3)))
    await give_out(database, issue(4, ago(1)))
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE card_day SET opening = 11 WHERE day = '2026-05-19'")
    (one,) = await periods_of(database, PeriodQuery())
    assert one.opening + one.incoming - one.outgoing != one.closing


@pytest.mark.parametrize("path", ["/aid/periods", "/aid/stockouts"])
async def test_reports_show_the_callers_regions_page_by_page(door: Door, path: str) -> None:
    for place in (WAREHOUSE, ELSEWHERE):
        for item in (MASKS, RICE):
            await stocked(door, place=place, lines=[{"item": item, "quantity": 1}])

    async def shelves(caller: str, query: str = "limit=1") -> list[tuple[str, str]]:
        found, following = [], f"{path}?{query}"
        while following:
            answer = await door[caller].get(following)
            assert answer.status_code == 200, answer.text
            found += [(one["place"], one["item"]) for one in answer.json()["items"]]
            following = answer.links.get("next", {}).get("url", "")
        return found

    assert await shelves("belitung") == [(ELSEWHERE, MASKS), (ELSEWHERE, RICE)]
    assert await shelves("auditor", "limit=3") == [(p, i) for p in (ELSEWHERE, WAREHOUSE) for i in (MASKS, RICE)]
    assert await shelves("pangkalpinang", f"place={ELSEWHERE}") == []
    assert await shelves("office", f"item={RICE}&limit=1") == [(ELSEWHERE, RICE), (WAREHOUSE, RICE)]


@pytest.mark.parametrize("path", ["/aid/periods", "/aid/stockouts"])
@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ({"from": "2026-05-21"}, ("/query/from", "in_the_future")),
        ({"from": "2026-05-02", "to": "2026-05-01"}, ("/query/to", "before_from")),
        ({"from": "2025-05-19"}, ("/query/from", "period_too_long")),
        ({"from": "20 May"}, ("/query/from", "bad_format")),
        ({"cursor": "AA"}, ("/query/cursor", "bad_cursor")),
    ],
)
async def test_days_that_make_no_period_are_refused(
    door: Door, path: str, query: Mapping[str, str], mistake: tuple[str, str]
) -> None:
    answer = await door["office"].get(path, params=dict(query))
    assert (answer.status_code, told(answer)) == (422, {mistake})
    assert (await door["office"].get(path, params={"from": "2025-05-20", "to": "9000-01-01"})).status_code == 200


# Days out of stock


async def test_days_out_of_stock_are_counted_in_local_days(database: Database) -> None:
    await receive(database, receipt(10, ago(12)))
    await give_out(database, issue(10, ago(10)))  # out on the 10th, and so on the 11th
    await receive(database, receipt(5, ago(8), lot="A"))
    await give_out(database, issue(5, ago(8, minutes=-1), lot="A"))  # came and went: the 12th, and so until the 14th
    await receive(database, receipt(3, ago(5)))
    await give_out(database, issue(3, ago(1)))  # the 19th and today
    await receive(database, receipt(1, ago(3), item=RICE))
    dry, never = await stockouts_of(database, PeriodQuery(place=WAREHOUSE))
    assert (dry.days, [(one.from_.day, one.to.day, one.days) for one in dry.ranges]) == (7, [(10, 14, 5), (19, 20, 2)])
    assert (never.item, never.days, never.ranges) == (RICE, 0, [])
    (part,) = await stockouts_of(database, PeriodQuery(item=MASKS, from_=date(2026, 5, 13), to=date(2026, 5, 19)))
    assert [(one.from_.day, one.to.day) for one in part.ranges] == [(13, 14), (19, 19)]
    (before,) = await stockouts_of(database, PeriodQuery(item=MASKS, from_=date(2026, 4, 1), to=date(2026, 5, 8)))
    assert before.days == 0


async def test_goods_that_arrive_late_in_the_books_end_a_stockout_that_was_none(database: Database) -> None:
    await receive(database, receipt(10, ago(9)))
    await give_out(database, issue(10, ago(6)))
    assert [one.days for one in await stockouts_of(database, PeriodQuery())] == [7]
    await receive(database, receipt(1, ago(5)))
    assert [one.days for one in await stockouts_of(database, PeriodQuery())] == [1]
    assert await audited(database) == []


def test_ranges_that_follow_one_another_are_one() -> None:
    one, two, four = (Days(date(2026, 5, day), date(2026, 5, day)) for day in (1, 2, 4))
    assert joined([one, two, four]) == [Days(one.first, two.last), four]
    assert joined([]) == []


# Explanations


async def test_a_figure_is_explained_by_its_postings_and_leads_to_them(door: Door) -> None:
    client = door["pangkalpinang"]
    await made(client, "/aid/receipts", _receipt(100, ago(3), document="SJ-1"))
    wrong = await made(door["office"], "/aid/issues", _issue(30, ago(2)))
    undone = await made(client, f"/aid/postings/{wrong['id']}/reversal", {"reason": "typed twice"})
    path = f"/aid/explanations/{WAREHOUSE}/{MASKS}"
    told = (await client.get(path)).json()
    assert {name: told[name] for name in told if name != "items"} == {
        "next": None,
        "place": WAREHOUSE,
        "item": MASKS,
        "lot": None,
        "unit": "piece",
        "as_of": "2026-05-20T12:00:00+07:00",
        "on_hand": 100,
    }
    came, went, back = told["items"]
    assert (came["document"], came["actor"], came["kind"]) == ("SJ-1", "officer-19.71", "receipt")
    assert (came["change"], came["balance"], came["lots"]) == (100, 100, [{"lot": None, "change": 100}])
    assert (went["actor"], went["change"], went["balance"]) == ("staff-provinsi", -30, 70)
    assert went["reversed_by"] == {"id": undone["id"], "number": undone["number"], "href": back["href"]}
    assert back["reverses"] == {"id": wrong["id"], "number": wrong["number"], "href": went["href"]}
    assert (back["reason"], back["balance"], back["reversed_by"]) == ("typed twice", 100, None)
    for entry in told["items"]:
        assert (await client.get(entry["href"])).json()["number"] == entry["number"]
    newest = (await client.get(path, params={"order": "newest", "limit": 1})).json()
    assert newest["items"] == [back]
    then = (await client.get(path, params={"as_of": ago(2.5).isoformat()})).json()
    assert (then["on_hand"], then["items"]) == (100, [came])


async def test_a_posting_of_several_lots_is_one_entry_and_each_lot_can_be_explained(database: Database) -> None:
    await receive(database, receipt(3, ago(3), lot="A", expires_on=date(2026, 7, 1)))
    await receive(database, receipt(5, ago(2)))
    await give_out(database, issue(6, ago(1)))
    _, entries = await explained(database, MASKS, ExplanationQuery(limit=1))
    assert [(one.change, one.balance) for one in entries] == [(3, 3), (5, 8), (-6, 2)]
    assert [(lot.lot, lot.change) for lot in entries[-1].lots] == [("A", -3), (None, -3)]
    for lot, left in (("A", 0), ("", 2)):
        page, entries = await explained(database, MASKS, ExplanationQuery(lot=lot, order="newest", limit=1))
        assert (page.on_hand, [one.balance for one in entries]) == (left, [left, left + 3])
    page, entries = await explained(database, MASKS, ExplanationQuery(lot="NONE"))
    assert (page.on_hand, entries) == (0, [])


async def test_what_is_another_regions_or_not_there_is_not_explained(door: Door) -> None:
    await stocked(door)
    for caller, path in (
        ("belitung", f"{WAREHOUSE}/{MASKS}"),
        ("office", f"{WAREHOUSE}/NONE"),
        ("office", f"NOWHERE/{MASKS}"),
        ("office", f"SUPPLIER/{MASKS}"),
        ("office", f"{WAREHOUSE}/masks"),
    ):
        assert (await door[caller].get(f"/aid/explanations/{path}")).status_code == 404
