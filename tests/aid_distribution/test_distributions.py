from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from services.aid_distribution.distributions import handlers, lists
from services.aid_distribution.distributions.orders import DistributionQuery, DistributionView, VoidDistribution
from services.aid_distribution.ledger.domain import ShortOfStock
from services.aid_distribution.ledger.voids import AlreadyVoided
from services.aid_distribution.reactions import REACTIONS
from shared.caller import Caller
from shared.contracts import Event
from shared.contracts.aid_distribution import DistributionPosted, DistributionVoided, Goods
from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessRegistered
from shared.database import Database
from shared.problems import Absent, Invalid, Refusal
from shared.reaction import Heard
from shared.routes import Asked
from tests.aid_distribution.story import (
    BELITUNG,
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    OPERATOR,
    PANGKALPINANG,
    WAREHOUSE,
    ago,
    ask,
    audited,
    distribute,
    distribution,
    receipt,
    receive,
)
from tests.door import Recorded

TAILOR, KITCHEN, ABROAD = UUID(int=11), UUID(int=12), UUID(int=13)
OWNER = UUID(int=1)


def registered(business_id: UUID = TAILOR, name: str = "Konveksi Bersama", region: str = "19.71") -> BusinessRegistered:
    return BusinessRegistered(business_id=business_id, owner_id=OWNER, name=name, sector="garment", region=region)


async def happened(database: Database, *events: Event) -> None:
    """Let the service react to what registration tells, as its consumer does."""
    for event in events:
        async with database.work(OPERATOR) as work:
            for reaction in REACTIONS:
                if reaction.event is type(event):
                    await reaction.run(work, [Heard(msgspec.msgpack.encode(event), OPERATOR)])


async def void(database: Database, distribution_id: UUID, caller: Caller = PANGKALPINANG) -> DistributionView:
    async with database.work(caller) as work:
        return await handlers.void(work, caller, distribution_id, VoidDistribution(reason="wrong market"))


async def show(database: Database, distribution_id: UUID, caller: Caller = PANGKALPINANG) -> DistributionView:
    async with database.reading(caller) as work:
        return await lists.show(work, caller, distribution_id)


async def listed(database: Database, query: DistributionQuery, caller: Caller = OFFICE) -> list[str]:
    async with database.reading(caller) as work:
        return [one.number for one in (await lists.page(work, caller, query)).items]


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return sorted((error.pointer, error.code) for error in refused.value.errors)


@pytest.fixture
async def stocked(database: Database) -> Database:
    """A hundred masks in Pangkalpinang, and two businesses there."""
    await receive(database, receipt(100, ago(3)))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"), registered(ABROAD, "Lada", "19.02"))
    return database


async def test_aid_is_handed_out_in_one_go_stock_document_event_and_receipt(
    stocked: Database, recorded: Recorded
) -> None:
    order = distribution(30, ago(hours=1), public=200, businesses=[KITCHEN, TAILOR])
    done = await distribute(stocked, order, PANGKALPINANG)
    assert (done.number, done.state, done.version) == ("2026-05-19.71-DO-0001", "posted", 1)
    assert (done.occurred_at, done.recorded_at) == (ago(hours=1), NOON)
    assert [(line.quantity, line.to_place) for line in done.lines] == [(30, "PUBLIC")]
    assert await ask(stocked, "SELECT place, on_hand FROM card") == [(WAREHOUSE, 70)]
    assert await ask(stocked, "SELECT number, public_heads, business_count, state, actor FROM distribution") == [
        (done.number, 200, 2, "posted", "officer-19.71")
    ]
    rows = await ask(stocked, "SELECT business_id FROM distribution_business ORDER BY 1")
    assert rows == [(TAILOR,), (KITCHEN,)]
    assert (await recorded())[-1] == DistributionPosted(
        distribution_id=done.id,
        number=done.number,
        programme="free-masks",
        place=WAREHOUSE,
        place_name=f"Gudang {WAREHOUSE}",
        region="19.71",
        occurred_at=ago(hours=1),
        lines=[Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=30)],
        public_heads=200,
        businesses=[KITCHEN, TAILOR],
    )
    assert await show(stocked, done.id) == done
    assert await audited(stocked) == []


async def test_without_enough_stock_there_is_no_distribution(stocked: Database, recorded: Recorded) -> None:
    before = await recorded()
    with pytest.raises(ShortOfStock):
        await distribute(stocked, distribution(101))
    assert await ask(stocked, "SELECT count(*) FROM distribution") == [(0,)]
    assert await recorded() == before


async def test_a_distribution_needs_recipients_that_are_known_open_and_the_callers(stocked: Database) -> None:
    gone = BusinessClosed(business_id=KITCHEN, owner_id=OWNER, region="19.71", reason="no orders")
    await happened(stocked, gone)
    order = distribution(1, public=0, businesses=[TAILOR, TAILOR, KITCHEN, ABROAD, UUID(int=7)])
    with pytest.raises(Invalid) as refused:
        await distribute(stocked, order, PANGKALPINANG)
    assert codes(refused) == [
        ("/recipients/businesses/1", "duplicate"),
        ("/recipients/businesses/2", "business_closed"),
        ("/recipients/businesses/3", "unknown_business"),
        ("/recipients/businesses/4", "unknown_business"),
    ]
    with pytest.raises(Invalid) as refused:
        await distribute(stocked, distribution(1, public=0))
    assert codes(refused) == [("/recipients", "no_recipient")]
    assert (await distribute(stocked, distribution(1, public=0, businesses=[ABROAD]), OFFICE)).state == "posted"


async def test_what_registration_says_last_of_a_business_is_what_counts(stocked: Database) -> None:
    moved = BusinessChanged(business_id=TAILOR, owner_id=OWNER, name="Konveksi Baru", sector="food", region="19.02")
    await happened(stocked, moved, moved)
    question = "SELECT name, sector, region, state FROM known_business WHERE id = :id"
    assert await ask(stocked, question, id=TAILOR) == [("Konveksi Baru", "food", "19.02", "open")]
    order = distribution(1, businesses=[TAILOR])
    with pytest.raises(Invalid):
        await distribute(stocked, order, PANGKALPINANG)
    unknown = BusinessClosed(business_id=UUID(int=99), owner_id=OWNER, region="19.71", reason="never heard of")
    await happened(stocked, unknown)
    assert await ask(stocked, "SELECT count(*) FROM known_business") == [(3,)]


async def test_a_business_is_learned_while_a_distribution_to_it_is_being_posted(stocked: Database) -> None:
    order = distribution(1, businesses=[TAILOR])
    async with stocked.work(PANGKALPINANG) as work:
        await handlers.post_all(work, [Asked(order, PANGKALPINANG)])
        await happened(stocked, registered(name="Konveksi Baru"))
    assert await ask(stocked, "SELECT count(*) FROM distribution") == [(1,)]


async def test_a_void_gives_the_stock_back_at_the_moment_it_was_handed_out(
    stocked: Database, recorded: Recorded
) -> None:
    done = await distribute(stocked, distribution(30, ago(1), businesses=[TAILOR]))
    gone = await void(stocked, done.id)
    assert (gone.state, gone.void_reason, gone.version) == ("voided", "wrong market", 2)
    assert gone.lines == done.lines
    assert await ask(stocked, "SELECT on_hand FROM card") == [(100,)]
    assert await ask(stocked, "SELECT day, opening, incoming, outgoing FROM card_day ORDER BY day OFFSET 1") == [
        ((NOON - timedelta(days=1)).date(), 100, 30, 30)
    ]
    event = (await recorded())[-1]
    assert isinstance(event, DistributionVoided)
    assert (event.number, event.reason, event.businesses) == (done.number, "wrong market", [TAILOR])
    assert event.lines == [Goods(item=MASKS, item_name="Masker kain", unit="piece", quantity=30)]
    assert [type(one).__name__ for one in await recorded()][-2:] == ["DistributionPosted", "DistributionVoided"]
    assert await show(stocked, done.id) == gone
    assert await audited(stocked) == []


async def test_a_distribution_is_voided_once(stocked: Database) -> None:
    done = await distribute(stocked, distribution(30))
    gone = await void(stocked, done.id)
    with pytest.raises(AlreadyVoided) as refused:
        await void(stocked, done.id)
    assert refused.value.members == {"posting_id": str(gone.void_posting_id)}
    assert await ask(stocked, "SELECT on_hand FROM card") == [(100,)]


async def test_a_distribution_of_another_region_is_absent(stocked: Database) -> None:
    done = await distribute(stocked, distribution(30))
    for distribution_id in (done.id, UUID(int=7)):
        with pytest.raises(Absent):
            await show(stocked, distribution_id, BELITUNG)
        with pytest.raises(Absent):
            await void(stocked, distribution_id, BELITUNG)
    assert await listed(stocked, DistributionQuery(), BELITUNG) == []
    assert await listed(stocked, DistributionQuery(region="19.71"), BELITUNG) == []
    nobody = Caller("somebody", BELITUNG.role, ())
    assert await listed(stocked, DistributionQuery(), nobody) == []


async def test_distributions_are_listed_newest_first_and_by_what_is_asked_for(stocked: Database) -> None:
    await receive(stocked, receipt(100, ago(3), place=ELSEWHERE))
    orders = [
        distribution(1, ago(2)),
        distribution(1, ago(1), place=ELSEWHERE),
        distribution(1, ago(2)),
        distribution(1, ago(1)),
    ]
    async with stocked.work(OFFICE) as work:
        outcomes = await handlers.post_all(work, [Asked(order, OFFICE) for order in orders])
    assert not [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    own = ["2026-05-19.71-DO-0003", "2026-05-19.71-DO-0002", "2026-05-19.71-DO-0001"]
    assert await listed(stocked, DistributionQuery()) == [own[0], "2026-05-19.02-DO-0001", *own[1:]]
    assert await listed(stocked, DistributionQuery(region="19.71")) == own
    assert await listed(stocked, DistributionQuery(place=WAREHOUSE)) == own
    assert await listed(stocked, DistributionQuery(), PANGKALPINANG) == own
    assert await listed(stocked, DistributionQuery(place=ELSEWHERE), PANGKALPINANG) == []
