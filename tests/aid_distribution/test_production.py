"""Calls, offers and the answers to them: who is asked for how much, and what becomes of an offer."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from services.aid_distribution.production import producers, sweep
from services.aid_distribution.production.domain import (
    MoreThanNeeded,
    NewerProfileKnown,
    NotOffered,
    OfferExpired,
    OrderIsOver,
    OverCap,
)
from services.aid_distribution.production.shapes import CallQuery, OrderQuery
from shared.caller import Caller
from shared.contracts.aid_distribution import (
    ProductionAccepted,
    ProductionDeclined,
    ProductionExpired,
    ProductionOffered,
    ProductionTakenBack,
)
from shared.contracts.registration import BusinessClosed
from shared.database import Database
from shared.problems import Absent, Invalid
from tests.aid_distribution.story import BELITUNG, MASKS, NOON, OFFICE, PANGKALPINANG, WAREHOUSE, StoppedClock, ask
from tests.aid_distribution.test_distributions import codes, happened
from tests.aid_distribution.workshops import (
    DUE,
    FAR,
    HARTINI,
    HER,
    LINA,
    OWNER,
    STRANGER,
    YUSNITA,
    accept,
    call,
    decline,
    deliver,
    delivery,
    offer,
    open_workshops,
    profile,
    proposed,
    ranked,
    shown_call,
    shown_order,
    take_back,
)
from tests.door import Recorded


@pytest.fixture
async def workshops(database: Database) -> Database:
    await open_workshops(database)
    return database


async def listed(database: Database, caller: Caller, **query: object) -> list[UUID]:
    async with database.reading(caller) as work:
        ask_for = producers.own_orders if caller in (OWNER, STRANGER) else producers.orders
        return [one.id for one in (await ask_for(work, caller, OrderQuery(**query))).items]  # type: ignore[arg-type]


async def test_candidates_are_ranked_by_a_score_that_explains_itself(workshops: Database) -> None:
    made = await call(workshops, 200, 150)
    ranking = await ranked(workshops, made.id)
    assert [
        (line.rank, line.name, line.decline_permille, line.capacity_per_week, line.not_yet_served_permille, line.score)
        for line in ranking.items
    ] == [
        (1, "Konveksi Hartini", 600, 200, 1000, 120_000_000),
        (2, "Lina Fesyen", 400, 100, 1000, 40_000_000),
        (3, "Jahit Yusnita", 0, 0, 0, 0),
    ]
    assert [(line.share, line.held, line.proposed, line.left_out) for line in ranking.items] == [
        (150, 0, 150, None),
        (50, 0, 50, None),
        (0, 0, 0, "no_profile"),
    ]
    assert (ranking.quantity, ranking.held, ranking.proposed, ranking.short) == (200, 0, 200, 0)
    assert ranking.rule == "decline-capacity-served/1"
    greater = await call(workshops, 1_000, 150)
    assert (await ranked(workshops, greater.id)).short == 700


async def test_all_regions_of_a_call_are_asked_and_no_other_nor_who_has_closed(workshops: Database) -> None:
    await profile(workshops, FAR, 400, 600)
    whole = await call(workshops, 200, 150, regions=["19"], place="WH-PROV")
    assert list(await proposed(workshops, whole.id)) == [FAR, HARTINI, LINA, YUSNITA]
    gone = BusinessClosed(business_id=HARTINI, owner_id=HER, region="19.71", reason="no orders")
    await happened(workshops, gone)
    assert list(await proposed(workshops, whole.id)) == [FAR, LINA, YUSNITA]


async def test_an_offer_is_made_as_proposed_and_tells_the_owner(workshops: Database, recorded: Recorded) -> None:
    made = await call(workshops)
    done = await offer(workshops, made.id)
    assert (done.state, done.quantity, done.proposed, done.override_reason) == ("offered", 150, 150, None)
    assert (done.score, done.rule, done.price_rupiah) == (120_000_000, "decline-capacity-served/1", 5_000)
    assert done.answer_by == NOON + timedelta(days=3)
    assert (await recorded())[-1] == ProductionOffered(
        order_id=done.id,
        call_id=made.id,
        business_id=HARTINI,
        region="19.71",
        place=WAREHOUSE,
        place_name=f"Gudang {WAREHOUSE}",
        place_region="19.71",
        item=MASKS,
        item_name="Masker kain",
        unit="piece",
        quantity=150,
        price_rupiah=5_000,
        due_on=DUE,
        answer_by=NOON + timedelta(days=3),
    )
    assert (await recorded.rows())[-1].subject == f"production_order/{done.id}"
    assert await proposed(workshops, made.id) == {HARTINI: 0, LINA: 50, YUSNITA: 0}
    held = await shown_call(workshops, made.id)
    assert (held.held, held.open) == (150, 50)
    assert await shown_order(workshops, done.id) == done


async def test_another_quantity_needs_a_reason_which_is_kept_with_the_ranking(workshops: Database) -> None:
    made = await call(workshops)
    with pytest.raises(Invalid) as refused:
        await offer(workshops, made.id, HARTINI, 100)
    assert codes(refused) == [("/reason", "missing")]
    done = await offer(workshops, made.id, HARTINI, 100, "satu mesin rusak")
    assert (done.quantity, done.proposed, done.override_reason) == (100, 150, "satu mesin rusak")
    with pytest.raises(Invalid) as refused:
        await offer(workshops, made.id, YUSNITA)
    assert codes(refused) == [("/quantity", "missing")]
    forced = await offer(workshops, made.id, YUSNITA, 20, "kapasitas dilihat di tempat")
    assert (forced.proposed, forced.score) == (0, 0)
    async with workshops.reading(OFFICE) as work:
        kept = await producers.ranking_at(work, OFFICE, done.id, CallQuery())
    assert [(line.name, line.score, line.proposed) for line in kept.items] == [
        ("Konveksi Hartini", 120_000_000, 150),
        ("Lina Fesyen", 40_000_000, 50),
        ("Jahit Yusnita", 0, 0),
    ]


async def test_neither_cap_nor_need_is_exceeded_whatever_the_reason(workshops: Database) -> None:
    made = await call(workshops)
    with pytest.raises(OverCap) as refused:
        await offer(workshops, made.id, HARTINI, 151, "lebih cepat")
    assert refused.value.members == {"cap": 150, "held": 0, "asked": 151}
    await offer(workshops, made.id)
    with pytest.raises(OverCap):
        await offer(workshops, made.id, HARTINI, 1, "tambahan")
    with pytest.raises(MoreThanNeeded) as over:
        await offer(workshops, made.id, LINA, 51, "tambahan")
    assert over.value.members == {"open": 50, "asked": 51}
    await offer(workshops, made.id, LINA)
    assert (await shown_call(workshops, made.id)).open == 0


async def test_an_offer_goes_to_a_known_open_business_of_the_call_in_time(workshops: Database) -> None:
    made = await call(workshops)
    await happened(workshops, BusinessClosed(business_id=LINA, owner_id=HER, region="19.71", reason="x"))
    for business in (LINA, UUID(int=99)):
        with pytest.raises(Invalid) as refused:
            await offer(workshops, made.id, business)
        assert codes(refused) == [("/business", "unknown_business")]
    for business in (FAR, UUID(int=31)):
        with pytest.raises(Invalid) as refused:
            await offer(workshops, made.id, business, 1, "dekat")
        assert codes(refused) == [("/business", "not_asked")]
    with pytest.raises(Invalid) as refused:
        await offer(workshops, UUID(int=7), UUID(int=99), answer_by=NOON)
    assert codes(refused) == [
        ("/answer_by", "in_the_past"),
        ("/business", "unknown_business"),
        ("/call", "unknown_call"),
    ]


async def test_the_owner_takes_the_own_order_and_nobody_elses(workshops: Database, recorded: Recorded) -> None:
    done = await offer(workshops, (await call(workshops)).id)
    for caller in (STRANGER, BELITUNG):
        with pytest.raises(Absent):
            await accept(workshops, done.id, caller)
    agreed = await accept(workshops, done.id)
    assert (agreed.state, agreed.accepted_at, agreed.outstanding) == ("accepted", NOON, 150)
    assert isinstance((await recorded())[-1], ProductionAccepted)
    with pytest.raises(NotOffered) as refused:
        await accept(workshops, done.id)
    assert refused.value.members == {"state": "accepted"}
    with pytest.raises(NotOffered):
        await decline(workshops, done.id)
    assert await listed(workshops, OWNER) == [done.id]
    assert await listed(workshops, STRANGER) == []
    assert await listed(workshops, Caller("not an id", OWNER.role, ())) == []


async def test_the_office_answers_for_an_owner_who_has_said_so(workshops: Database) -> None:
    made = await call(workshops)
    assert (await accept(workshops, (await offer(workshops, made.id)).id, PANGKALPINANG)).state == "accepted"
    done = await decline(workshops, (await offer(workshops, made.id, LINA)).id, OFFICE)
    assert (done.state, done.decline_reason) == ("declined", "Mesin rusak")


async def test_what_is_declined_comes_back_to_the_others(workshops: Database, recorded: Recorded) -> None:
    made = await call(workshops, 200, 180)
    done = await offer(workshops, made.id, LINA)
    assert done.quantity == 50
    await decline(workshops, done.id, STRANGER)
    event = (await recorded())[-1]
    assert isinstance(event, ProductionDeclined)
    assert event.reason == "Mesin rusak"
    assert (await shown_call(workshops, made.id)).held == 0
    ranking = await ranked(workshops, made.id)
    assert [(line.proposed, line.left_out) for line in ranking.items[:2]] == [(180, None), (0, "declined")]
    assert ranking.short == 20


async def test_an_unanswered_offer_expires_by_itself_and_the_sweep_tells_of_it(
    workshops: Database, clock: StoppedClock, recorded: Recorded
) -> None:
    made = await call(workshops, 200, 180)
    done = await offer(workshops, made.id, answer_by=NOON + timedelta(hours=1))
    assert await sweep.sweep(workshops) == 0
    clock.advance(timedelta(hours=1))
    assert (await shown_order(workshops, done.id)).state == "expired"
    assert (await shown_call(workshops, made.id)).held == 0
    assert await listed(workshops, OFFICE, state="expired") == [done.id]
    assert await listed(workshops, OFFICE, state="offered") == []
    assert (await proposed(workshops, made.id))[LINA] == 180
    for answer in (accept, decline):
        with pytest.raises(OfferExpired):
            await answer(workshops, done.id)
    assert not [event for event in await recorded() if isinstance(event, ProductionExpired)]
    assert [await sweep.sweep(workshops) for _ in range(2)] == [1, 0]
    (event,) = [event for event in await recorded() if isinstance(event, ProductionExpired)]
    assert (event.order_id, event.quantity) == (done.id, 150)
    assert await ask(workshops, "SELECT state, held FROM production_order JOIN production_share USING (call_id)") == [
        ("expired", 0)
    ]
    with pytest.raises(OfferExpired):
        await accept(workshops, done.id)


async def test_a_new_offer_writes_down_what_has_expired_first(
    workshops: Database, clock: StoppedClock, recorded: Recorded
) -> None:
    made = await call(workshops, 150, 150)
    await offer(workshops, made.id, answer_by=NOON + timedelta(hours=1), quantity=150, reason="semua")
    clock.advance(timedelta(hours=2))
    done = await offer(workshops, made.id, LINA)
    assert (done.quantity, (await shown_call(workshops, made.id)).open) == (150, 0)
    assert [type(event).__name__ for event in await recorded()][-2:] == ["ProductionExpired", "ProductionOffered"]


async def test_an_order_taken_back_gives_the_rest_free_and_keeps_what_was_delivered(
    workshops: Database, recorded: Recorded
) -> None:
    made = await call(workshops)
    done = await accept(workshops, (await offer(workshops, made.id)).id)
    await deliver(workshops, done.id, delivery(40))
    gone = await take_back(workshops, done.id)
    assert (gone.state, gone.accepted, gone.outstanding, gone.due_rupiah) == ("taken_back", 40, 0, 200_000)
    event = (await recorded())[-1]
    assert isinstance(event, ProductionTakenBack)
    assert (event.accepted, event.released, event.reason) == (40, 110, "Terlambat")
    held = await shown_call(workshops, made.id)
    assert (held.held, held.open) == (40, 160)
    assert await proposed(workshops, made.id) == {HARTINI: 0, LINA: 150, YUSNITA: 0}
    with pytest.raises(OrderIsOver):
        await take_back(workshops, done.id)
    again = await offer(workshops, made.id, LINA)
    assert again.quantity == 150


async def test_an_offer_can_be_withdrawn_before_it_is_answered(workshops: Database) -> None:
    made = await call(workshops)
    done = await take_back(workshops, (await offer(workshops, made.id)).id)
    assert (done.state, (await shown_call(workshops, made.id)).held) == ("taken_back", 0)
    with pytest.raises(NotOffered):
        await accept(workshops, done.id)


async def test_who_was_served_by_another_call_comes_later(workshops: Database, clock: StoppedClock) -> None:
    first = await call(workshops)
    await accept(workshops, (await offer(workshops, first.id, HARTINI, 150, None)).id)
    second = await call(workshops, 200, 150)
    line = (await ranked(workshops, second.id)).items[0]
    assert (line.business_id, line.served, line.not_yet_served_permille) == (HARTINI, 150, 571)
    assert line.score == 600 * 200 * 571
    clock.advance(timedelta(days=366))
    later = await call(workshops, 200, 150, due_on=date(2028, 1, 1))
    assert (await ranked(workshops, later.id)).items[0].served == 0


async def test_a_call_is_for_those_who_see_all_its_regions_and_orders_for_either_end(workshops: Database) -> None:
    both = await call(workshops, regions=["19.71", "19.02"])
    for caller in (PANGKALPINANG, BELITUNG):
        with pytest.raises(Absent):
            await ranked(workshops, both.id, caller)
    done = await offer(workshops, both.id)
    assert (await shown_order(workshops, done.id, PANGKALPINANG)).id == done.id
    assert await listed(workshops, PANGKALPINANG) == [done.id]
    with pytest.raises(Absent):
        await shown_order(workshops, done.id, BELITUNG)
    assert await listed(workshops, BELITUNG) == []
    async with workshops.reading(PANGKALPINANG) as work:
        with pytest.raises(Absent):
            await producers.ranking_at(work, PANGKALPINANG, done.id, CallQuery())
    with pytest.raises(Absent):
        await accept(workshops, done.id, BELITUNG)
    own = await call(workshops)
    assert (await ranked(workshops, own.id, PANGKALPINANG)).candidates == 3


async def test_orders_are_listed_by_call_business_state_and_lateness(workshops: Database, clock: StoppedClock) -> None:
    made = await call(workshops)
    first = await accept(workshops, (await offer(workshops, made.id)).id)
    second = await offer(workshops, made.id, LINA)
    assert await listed(workshops, OFFICE) == [second.id, first.id]
    assert await listed(workshops, OFFICE, business=HARTINI) == [first.id]
    assert await listed(workshops, OFFICE, call=made.id, state="offered") == [second.id]
    assert await listed(workshops, OFFICE, late=True) == []
    clock.advance(timedelta(days=11))
    assert await listed(workshops, OFFICE, late=True) == [first.id]
    assert (await shown_order(workshops, first.id)).days_late == 1


async def test_the_younger_profile_counts(workshops: Database) -> None:
    changed = await profile(workshops, HARTINI, 250, 700, date(2026, 5, 1))
    assert (changed.id, changed.capacity_per_week, changed.version) == (HARTINI, 250, 2)
    with pytest.raises(NewerProfileKnown) as refused:
        await profile(workshops, HARTINI, 1, 1, date(2026, 4, 1))
    assert refused.value.members == {"as_of": "2026-05-01"}
    with pytest.raises(Absent):
        await profile(workshops, UUID(int=99), 1, 1)
    with pytest.raises(Invalid) as wrong:
        await profile(workshops, HARTINI, 1, 1, date(2026, 5, 21))
    assert codes(wrong) == [("/as_of", "in_the_future")]


async def test_a_call_tells_all_that_is_wrong_with_it_at_once(workshops: Database) -> None:
    with pytest.raises(Invalid) as refused:
        await call(
            workshops, 10, 11, item="NOTHING", place="PUBLIC", due_on=date(2026, 5, 19), regions=["20", "19", "19"]
        )
    assert codes(refused) == [
        ("/cap_per_business", "more_than_needed"),
        ("/due_on", "in_the_past"),
        ("/item", "unknown_item"),
        ("/place", "unknown_place"),
        ("/regions/0", "unknown_region"),
        ("/regions/2", "duplicate"),
    ]
