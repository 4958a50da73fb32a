"""Allocation plans: shared fairly, explained, changed by people, confirmed once."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import pytest

from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger import transfers
from services.aid_distribution.ledger.catalogue import PlaceKind
from services.aid_distribution.ledger.domain import Reason
from services.aid_distribution.ledger.orders import AddPlace, ArrivedLine, DispatchTransfer, GoodsLine, ReceiveTransfer
from services.aid_distribution.planning import handlers
from services.aid_distribution.planning.domain import (
    Cut,
    MoreThanSupply,
    NothingToAllocate,
    PlanNotDraft,
    StockDoesNotCover,
    cut_because,
    gross_need,
)
from services.aid_distribution.planning.orders import (
    ConfirmPlan,
    Derive,
    DiscardPlan,
    Need,
    OverrideLine,
    PlanAllocation,
)
from services.aid_distribution.planning.views import PlanView
from shared.caller import Caller
from shared.contracts.aid_distribution import TransferDispatched
from shared.database import Database
from shared.problems import Absent, Invalid, Stale
from shared.routes import Asked
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    PROVINCE,
    WAREHOUSE,
    ago,
    ask,
    audited,
    give_out,
    hold,
    issue,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import codes
from tests.aid_distribution.test_regions import load
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
CITY, ISLAND, COAST = "19.71", "19.02", "19.01"


@pytest.fixture
async def stocked(database: Database) -> Database:
    """A thousand masks in the province's warehouse, and regions to share them among."""
    await load(database)
    async with database.work(OFFICE) as work:
        await ledger.add_place(work, AddPlace(code="WH-19.01", name="x", kind=PlaceKind.WAREHOUSE, region=COAST))
    await receive(database, receipt(1_000, ago(3), place=PROVINCE))
    return database


def need(region: str, quantity: int | None = None, **more: int) -> Need:
    return Need(region=region, place=f"WH-{region}", need_quantity=quantity, **more)


def order(needs: Sequence[Need], quantity: int | None = None, derive: Derive | None = None) -> PlanAllocation:
    return PlanAllocation(item=MASKS, from_place=PROVINCE, quantity=quantity, needs=list(needs), derive=derive)


async def plan(database: Database, wanted: PlanAllocation) -> PlanView:
    async with database.work(OFFICE) as work:
        return await handlers.plan(work, OFFICE, wanted)


async def override(
    database: Database, plan_id: UUID, region: str, quantity: int, version: int = 1, reason: str = "harbour closed"
) -> PlanView:
    async with database.work(OFFICE) as work:
        wanted = OverrideLine(quantity=quantity, reason=reason)
        return await handlers.override(work, OFFICE, plan_id, region, version, wanted)


async def confirm(database: Database, plan_id: UUID, wanted: ConfirmPlan | None = None) -> PlanView:
    async with database.work(OFFICE) as work:
        return await handlers.confirm(work, OFFICE, plan_id, wanted or ConfirmPlan())


async def discard(database: Database, plan_id: UUID) -> PlanView:
    async with database.work(OFFICE) as work:
        return await handlers.discard(work, OFFICE, plan_id, DiscardPlan(reason="not needed"))


async def show(database: Database, plan_id: UUID, caller: Caller = OFFICE) -> PlanView:
    async with database.reading(caller) as work:
        return await handlers.show(work, caller, plan_id)


def quantities(shown: PlanView) -> dict[str, int]:
    return {line.region: line.quantity for line in shown.lines}


@pytest.mark.parametrize(
    ("population", "per_thousand", "expected"), [(1_000, 5, 5), (1_001, 5, 6), (1, 1, 1), (242_285, 500, 121_143)]
)
def test_a_part_of_a_unit_needs_a_whole_one(population: int, per_thousand: int, expected: int) -> None:
    assert gross_need(population, per_thousand) == expected


@pytest.mark.parametrize(
    ("figures", "expected"),
    [((10, 10, 10), Cut.NONE), ((10, 4, 4), Cut.SCARCITY), ((0, 0, 0), Cut.NO_NEED), ((10, 10, 4), Cut.OVERRIDE)],
)
def test_it_is_told_why_a_region_gets_other_than_it_needs(figures: tuple[int, int, int], expected: Cut) -> None:
    assert cut_because(*figures) == expected


async def test_all_that_is_there_is_shared_by_need_and_weight_and_each_line_says_why(stocked: Database) -> None:
    done = await plan(stocked, order([need(CITY, 1_000, decline_permille=500), need(ISLAND, 1_000), need(COAST, 0)]))
    assert (done.state, done.supply, done.supply_from, done.needed, done.left) == (
        "draft",
        1_000,
        "available",
        2_000,
        0,
    )
    assert quantities(done) == {COAST: 0, ISLAND: 400, CITY: 600}
    assert done.level == "1/2500"
    coast, island, city = done.lines
    assert (city.exact_quantity, city.weight_permille, city.share_permille, city.cut) == ("600", 1_500, 600, 400)
    assert [line.cut_because for line in done.lines] == ["no_need", "scarcity", "scarcity"]
    assert coast.share_permille is None
    assert coast.explanation.en == (
        "Need 0, as told. Weight 1.000 (decline of business 0.0%, pressure of prices 0.0%). Nothing is needed any more."
    )
    assert city.explanation.id == (
        "Kebutuhan 1.000 sebagaimana diajukan. Bobot 1,500 (penurunan usaha 50,0%, tekanan harga 0,0%)."
        " Mendapat 600 (60,0%): persediaan 1.000 tidak cukup untuk seluruh kebutuhan 2.000, dan semua yang belum"
        " terpenuhi dikurangi sama rata menurut bobot."
    )
    assert island.region_name == "Belitung"
    assert await show(stocked, done.id) == done


async def test_needs_follow_from_people_less_what_came_in_or_is_on_its_way(stocked: Database) -> None:
    sent = DispatchTransfer(
        from_place=PROVINCE, to_place=WAREHOUSE, occurred_at=ago(1), lines=[GoodsLine(item=MASKS, quantity=30)]
    )
    async with stocked.work(OFFICE) as work:
        arrived, _ = await transfers.dispatch(work, [Asked(sent, OFFICE), Asked(sent, OFFICE)])
        assert isinstance(arrived, transfers.TransferView)
        line = ArrivedLine(item=MASKS, accepted=25, rejected=5, reason=Reason.LOST)
        await transfers.arrive(work, OFFICE, arrived.id, ReceiveTransfer(occurred_at=ago(0.5), lines=[line]))
    await receive(stocked, receipt(7, ago(1)))
    await receive(stocked, receipt(1_000, ago(10)))
    await give_out(stocked, issue(3, ago(0.2)))
    derive = Derive(per_thousand=2, received_since=date(2026, 5, 15))
    done = await plan(stocked, order([need(CITY), need(ISLAND, population=100_000)], 500, derive))
    island, city = done.lines
    assert (city.population, city.population_from, city.need_from) == (242_285, "stored", "derived")
    assert (city.gross_need, city.received, city.need) == (485, 25 + 30 + 7, 423)
    assert (island.population, island.population_from, island.need) == (100_000, "given", 200)
    assert city.explanation.en.startswith(
        "Need 2 per 1,000 people x 242,285 people = 485, less 62 received or on its way since 2026-05-15 = 423."
    )
    assert quantities(done) == {ISLAND: 161, CITY: 339}
    assert (island.exact_quantity, city.exact_quantity) == ("100000/623", "211500/623")


async def test_a_change_by_hand_is_kept_with_who_when_and_why(stocked: Database, recorded: Recorded) -> None:
    done = await plan(stocked, order([need(CITY, 1_000), need(ISLAND, 1_000)]))
    changed = await override(stocked, done.id, CITY, 300)
    assert (changed.version, changed.allocated, changed.left) == (2, 800, 200)
    changed = await override(stocked, done.id, CITY, 350, 2, "half of it opened")
    island, city = changed.lines
    assert [(one.from_quantity, one.to_quantity, one.reason, one.actor, one.at) for one in city.overrides] == [
        (500, 300, "harbour closed", "staff-provinsi", NOON),
        (300, 350, "half of it opened", "staff-provinsi", NOON),
    ]
    assert (city.fair_quantity, city.quantity, city.cut, city.cut_because) == (500, 350, 650, "override")
    assert city.explanation.id.endswith("Diubah oleh staff-provinsi dari 300 menjadi 350: half of it opened")
    assert (island.overrides, island.cut_because) == ([], "scarcity")
    with pytest.raises(Stale):
        await override(stocked, done.id, ISLAND, 1, 2)
    with pytest.raises(MoreThanSupply) as refused:
        await override(stocked, done.id, ISLAND, 651, 3)
    assert refused.value.members == {"supply": 1_000, "allocated": 1_001, "over": 1}
    with pytest.raises(Invalid) as unchanged:
        await override(stocked, done.id, CITY, 350, 3)
    assert codes(unchanged) == [("/quantity", "unchanged")]
    with pytest.raises(Absent):
        await override(stocked, done.id, COAST, 1, 3)
    assert quantities(await override(stocked, done.id, ISLAND, 650, 3)) == {ISLAND: 650, CITY: 350}
    assert len(await recorded()) == 1, "nothing has moved"


async def test_what_there_is_is_committed_and_the_rest_stays_open_until_it_is_accepted(database: Database) -> None:
    await load(database)
    await receive(database, receipt(2, ago(3), place=PROVINCE))
    done = await plan(database, order([need(CITY, 5)], 2))
    (line,) = done.lines
    assert (line.need, line.quantity, line.fulfilled, line.open) == (5, 2, 0, 5)
    (sent,) = (await confirm(database, done.id, ConfirmPlan(version=1))).lines
    assert (sent.quantity, sent.fulfilled, sent.open) == (2, 0, 5)
    assert sent.transfer_id is not None
    async with database.work(PANGKALPINANG) as work:
        line_in = ArrivedLine(item=MASKS, accepted=1, rejected=1, reason=Reason.LOST)
        await transfers.arrive(
            work, PANGKALPINANG, sent.transfer_id, ReceiveTransfer(occurred_at=NOON, lines=[line_in])
        )
    (arrived,) = (await show(database, done.id)).lines
    assert (arrived.quantity, arrived.fulfilled, arrived.open) == (2, 1, 4)
    assert await audited(database) == []
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE allocation_line SET quantity = 1")
    assert {one.check for one in await audited(database)} == {"plan_line_is_its_transfer"}


async def test_confirming_sends_one_transfer_for_each_that_is_given_something(
    stocked: Database, recorded: Recorded
) -> None:
    done = await plan(stocked, order([need(CITY, 900), need(ISLAND, 600), need(COAST, 0)], 500))
    confirmed = await confirm(stocked, done.id, ConfirmPlan(document="SK-7", version=1))
    assert (confirmed.state, confirmed.version, confirmed.settled_by) == ("confirmed", 2, "staff-provinsi")
    assert await ask(
        stocked, "SELECT to_place, document, dispatched FROM transfer JOIN transfer_line ON transfer_id = id ORDER BY 1"
    ) == [(ELSEWHERE, "SK-7", 200), (WAREHOUSE, "SK-7", 300)]
    assert [line.transfer_id is None for line in confirmed.lines] == [True, False, False]
    events = (await recorded())[1:]
    assert {(event.to_place, event.lines[0].quantity) for event in events if isinstance(event, TransferDispatched)} == {
        (ELSEWHERE, 200), (WAREHOUSE, 300),
    }  # fmt: skip
    assert await ask(stocked, "SELECT on_hand FROM card WHERE place = 'WH-PROV'") == [(500,)]
    assert await audited(stocked) == []
    for act in (confirm, discard):
        with pytest.raises(PlanNotDraft) as refused:
            await act(stocked, done.id)
        assert refused.value.members == {"state": "confirmed"}
    with pytest.raises(PlanNotDraft):
        await override(stocked, done.id, CITY, 1, 2)


async def test_a_plan_that_the_stock_no_longer_covers_sends_nothing_and_says_what_is_short(stocked: Database) -> None:
    done = await plan(stocked, order([need(CITY, 600), need(ISLAND, 400)]))
    await give_out(stocked, issue(100, ago(1), place=PROVINCE))
    with pytest.raises(StockDoesNotCover) as refused:
        await confirm(stocked, done.id)
    assert refused.value.members == {
        "place": PROVINCE, "item": MASKS, "planned": 1_000, "available": 900, "short": 100,
        "not_sent": [{"region": CITY, "place": WAREHOUSE, "quantity": 600}],
    }  # fmt: skip
    assert await ask(stocked, "SELECT count(*) FROM transfer") == [(0,)]
    assert (await show(stocked, done.id)).state == "draft"
    await override(stocked, done.id, CITY, 500)
    assert (await confirm(stocked, done.id)).state == "confirmed"


async def test_what_has_expired_is_not_there_to_be_shared(stocked: Database) -> None:
    await receive(stocked, receipt(50, ago(2), place=PROVINCE, lot="OLD", expires_on=date(2026, 5, 19)))
    await receive(stocked, receipt(5, ago(2), place=PROVINCE, lot="NEW", expires_on=date(2026, 5, 20)))
    await receive(stocked, receipt(7, ago(2), place=PROVINCE, lot="HELD", expires_on=date(2027, 5, 20)))
    await hold(stocked, "HELD")
    made = await plan(stocked, order([need(CITY, 2_000)]))
    assert (made.supply, made.expiring) == (1_005, 5)
    assert (made.left_out.expired, made.left_out.held) == (50, 7)
    assert await show(stocked, made.id) == made
    given = await plan(stocked, order([need(CITY, 2_000)], 10))
    assert (given.supply, given.left_out) == (10, made.left_out)


async def test_where_nothing_can_be_handed_out_it_is_said_what_lies_there(stocked: Database) -> None:
    await give_out(stocked, issue(1_000, ago(1), place=PROVINCE))
    await receive(stocked, receipt(50, ago(2), place=PROVINCE, lot="OLD", expires_on=date(2026, 5, 19)))
    with pytest.raises(NothingToAllocate) as refused:
        await plan(stocked, order([need(CITY, 1)]))
    assert refused.value.members["left_out"] == {"expired": 50, "held": 0}


async def test_there_must_be_something_to_give_and_somebody_who_needs_it(stocked: Database) -> None:
    with pytest.raises(NothingToAllocate):
        await plan(stocked, order([need(CITY, 0), need(ISLAND, 0)]))
    done = await plan(stocked, order([need(CITY, 1)]))
    await override(stocked, done.id, CITY, 0)
    with pytest.raises(NothingToAllocate):
        await confirm(stocked, done.id)
    await give_out(stocked, issue(1_000, ago(1), place=PROVINCE))
    with pytest.raises(NothingToAllocate):
        await plan(stocked, order([need(CITY, 1)]))
    assert (await plan(stocked, order([need(CITY, 1)], 5))).supply_from == "given"


async def test_a_plan_is_put_away_with_a_reason(stocked: Database) -> None:
    done = await discard(stocked, (await plan(stocked, order([need(CITY, 1)]))).id)
    assert (done.state, done.reason, done.settled_at, done.version) == ("discarded", "not needed", NOON, 2)
    with pytest.raises(PlanNotDraft):
        await confirm(stocked, done.id)


async def test_a_plan_that_was_seen_at_another_version_is_not_confirmed(stocked: Database) -> None:
    done = await plan(stocked, order([need(CITY, 10)]))
    await override(stocked, done.id, CITY, 5)
    with pytest.raises(Stale):
        await confirm(stocked, done.id, ConfirmPlan(version=1))
    with pytest.raises(Invalid) as refused:
        await confirm(stocked, done.id, ConfirmPlan(occurred_at=ago(-1)))
    assert codes(refused) == [("/occurred_at", "in_the_future")]


async def test_every_mistake_about_a_plan_is_told(stocked: Database, door: Door) -> None:
    needs = [
        {"region": CITY, "place": WAREHOUSE, "need_quantity": -1, "decline_permille": 1_001},
        {"region": CITY, "place": WAREHOUSE},
        {"region": ISLAND, "place": "WH-19.01"},
        {"region": "19.99", "place": "NOWHERE"},
        {"region": COAST, "place": PROVINCE},
    ]
    body = {"item": "NOTHING", "from_place": PROVINCE, "needs": needs, "derive": {"per_thousand": 1}}
    answer = await door["office"].post("/aid/allocation-plans", json=body)
    shape = {("/needs/0/need_quantity", "too_small"), ("/needs/0/decline_permille", "too_large")}
    rules = {
        ("/item", "unknown_item"),
        ("/needs/1/region", "duplicate"),
        ("/needs/1/place", "duplicate"),
        ("/needs/2/place", "elsewhere"),
        ("/needs/3/region", "unknown_region"),
        ("/needs/3/place", "unknown_place"),
        ("/needs/4/place", "same_place"),
    }
    assert (answer.status_code, told(answer)) == (422, shape | rules)
    needs[0] = {"region": CITY, "place": WAREHOUSE}
    body["derive"] = {"per_thousand": 1, "received_since": "2025-05-18"}
    answer = await door["office"].post("/aid/allocation-plans", json=body)
    assert told(answer) == rules | {("/derive/received_since", "too_far_back")}
    del body["derive"]
    missing = {(f"/needs/{index}/need_quantity", "missing") for index in range(5)}
    assert told(await door["office"].post("/aid/allocation-plans", json=body)) == rules | missing


async def test_a_plan_is_made_changed_confirmed_listed_and_shown_at_the_door(stocked: Database, door: Door) -> None:
    needs = [{"region": CITY, "place": WAREHOUSE, "need_quantity": 10}]
    body = {"item": MASKS, "from_place": PROVINCE, "needs": needs}
    made = [await door["office"].post("/aid/allocation-plans", json=body) for _ in range(3)]
    assert [(one.status_code, one.headers["etag"]) for one in made] == [(201, '"1"')] * 3
    first, path = made[0].json(), made[0].headers["location"]
    line = f"{path}/lines/{CITY}"
    assert (await door["office"].patch(line, json={"quantity": 4, "reason": "x"})).status_code == 428
    changed = await door["office"].patch(line, json={"quantity": 4, "reason": "x"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (await door["auditor"].get(path)).json() == changed.json()
    key = {"Idempotency-Key": "confirm-1"}
    confirmed = await door["office"].post(f"{path}/confirmation", json={"version": 2}, headers=key)
    assert (confirmed.status_code, confirmed.json()["state"]) == (201, "confirmed")
    again = await door["office"].post(f"{path}/confirmation", json={"version": 2}, headers=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (confirmed.content, "true")
    late = await door["operator"].post(f"{path}/confirmation", json={})
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "plan_not_draft", "confirmed")
    page = await door["office"].get("/aid/allocation-plans?limit=2")
    ids = [one["id"] for one in page.json()["items"]]
    ids += [one["id"] for one in (await door["office"].get(page.links["next"]["url"])).json()["items"]]
    assert ids == [one.json()["id"] for one in reversed(made)]
    drafts = (await door["office"].get(f"/aid/allocation-plans?state=draft&item={MASKS}")).json()["items"]
    assert first["id"] not in {one["id"] for one in drafts}
    assert len(drafts) == 2
    for act in ("confirmation", "discard"):
        assert (await door["pangkalpinang"].post(f"{path}/{act}", json={"reason": "x"})).status_code == 403
    assert (await door["pangkalpinang"].get("/aid/allocation-plans")).json()["items"] == []
    with pytest.raises(Absent):
        await show(stocked, UUID(first["id"]), PANGKALPINANG)
