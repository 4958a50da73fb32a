"""What a seller is owed for packages sold below their price: computed, claimed, decided, paid."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.aid_distribution.businesses import store as businesses
from services.aid_distribution.businesses.store import KnownBusinessRow
from services.aid_distribution.markets import claims
from services.aid_distribution.markets.claim_rules import (
    AlreadyClaimed,
    ClaimOutstanding,
    NothingToClaim,
    WrongClaimState,
    settled_rupiah,
)
from services.aid_distribution.markets.claims import (
    ClaimedLine,
    ClaimView,
    DecideClaim,
    DecidedLine,
    PayClaim,
    SubmitClaim,
)
from services.aid_distribution.markets.domain import WrongMarketState
from services.aid_distribution.markets.orders import MarketView
from shared.database import Database
from shared.privacy import Vault
from shared.problems import Absent, Invalid
from tests.aid_distribution.market_story import announcement, close, entry, give, offer, open_market, tell
from tests.aid_distribution.story import (
    BELITUNG,
    MARKET,
    NOON,
    OFFICE,
    PANGKALPINANG,
    RICE,
    SOAP,
    StoppedClock,
    ago,
    ask,
    audited,
    furnish,
    receipt,
    receive,
)
from tests.conftest import Databases

SELLER = UUID(int=11)


@pytest.fixture
async def database(databases: Databases, clock: StoppedClock) -> Database:
    database = await databases("aid_distribution", migrated=True, clock=clock, vault=Vault(b"m" * 32))
    async with database.work(OFFICE) as work:
        await furnish(work)
        shop = KnownBusinessRow(
            id=SELLER, owner_id=UUID(int=1), name="Toko Beras", sector="food", region="19.71", state="open"
        )
        await businesses.keep(work.session, [shop])
    for item in (RICE, SOAP):
        await receive(database, receipt(100, ago(1), place=MARKET, item=item))
    return database


@pytest.fixture
async def market(database: Database) -> MarketView:
    """Five packs of rice Rp 7.000 below their price, two cans of soap Rp 12.000, and one pack for a used coupon."""
    order = announcement(offer(), offer(SOAP, price=40_000), seller=SELLER)
    market = await open_market(database, order)
    tokens = [one.token for one in (await give(database, market, range(5))).coupons]
    await tell(
        database,
        market,
        entry(2, coupon=tokens[0]),
        entry(2, coupon=tokens[1]),
        entry(1, coupon=tokens[2]),
        entry(2, coupon=tokens[3], item=SOAP),
    )
    await tell(database, market, entry(1, coupon=tokens[0]), counter="Loket 2")
    return market


async def submit(database: Database, market: MarketView, *lines: ClaimedLine) -> ClaimView:
    async with database.work(PANGKALPINANG) as work:
        return await claims.submit(work, PANGKALPINANG, market.id, SubmitClaim(lines=list(lines)))


async def decide(database: Database, claim: ClaimView, *lines: DecidedLine) -> ClaimView:
    async with database.work(OFFICE) as work:
        return await claims.decide(work, OFFICE, claim.market_id, claim.id, DecideClaim(lines=list(lines)))


async def pay(database: Database, claim: ClaimView) -> ClaimView:
    async with database.work(OFFICE) as work:
        order = PayClaim(paid_at=NOON, reference="SP2D-1")
        return await claims.pay(work, OFFICE, claim.market_id, claim.id, order)


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in refused.value.errors]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([], 0), ([(5, 7_000, True)], 35_000), ([(5, 7_000, True), (2, 12_000, False)], 35_000)],
)
def test_only_what_is_approved_is_paid(lines: list[tuple[int, int, bool]], expected: int) -> None:
    assert settled_rupiah(lines) == expected


async def test_a_claim_goes_from_what_was_sold_to_its_payment_and_settles_the_market(
    database: Database, market: MarketView
) -> None:
    with pytest.raises(WrongMarketState):
        await submit(database, market)
    await close(database, market)
    claim = await submit(database, market)
    assert (claim.computed_rupiah, claim.claimed_rupiah, claim.settled_rupiah) == (59_000, 59_000, None)
    assert [(line.item, line.sold, line.amount_rupiah) for line in claim.lines] == [
        (RICE, 5, 35_000),
        (SOAP, 2, 24_000),
    ]
    assert [(one.counter, one.item, one.quantity) for one in claim.excluded] == [("Loket 2", RICE, 1)]
    with pytest.raises(AlreadyClaimed):
        await submit(database, market)
    with pytest.raises(WrongClaimState):
        await pay(database, claim)
    refused = DecidedLine(item=SOAP, approved=False, reason="Tanpa kuitansi")
    decided = await decide(database, claim, DecidedLine(item=RICE, approved=True), refused)
    assert (decided.state, decided.settled_rupiah) == ("decided", 35_000)
    with pytest.raises(WrongClaimState):
        await decide(database, claim, DecidedLine(item=RICE, approved=True), refused)
    assert (await pay(database, claim)).state == "paid"
    assert await ask(database, "SELECT state FROM market") == [("settled",)]
    assert await ask(database, "SELECT on_hand FROM card WHERE item = :item", item=market.coupon_item) == [(0,)]
    assert await audited(database) == []


async def test_a_seller_may_claim_less_and_never_more(database: Database, market: MarketView) -> None:
    await close(database, market)
    with pytest.raises(Invalid) as refused:
        await submit(
            database,
            market,
            ClaimedLine(item=RICE, quantity=6),
            ClaimedLine(item=RICE, quantity=1),
            ClaimedLine(item="NOTHING", quantity=1),
        )
    assert codes(refused) == [
        ("/lines/1/item", "duplicate"),
        ("/lines/2/item", "unknown_item"),
        ("/lines/0/quantity", "above_sold"),
    ]
    claim = await submit(database, market, ClaimedLine(item=RICE, quantity=4))
    assert (claim.computed_rupiah, claim.claimed_rupiah) == (59_000, 52_000)
    for change, constraint in (
        ("UPDATE market_claim SET claimed_rupiah = 59001", "market_claim_within_computed"),
        ("UPDATE market_claim_line SET claimed = 6", "market_claim_line_within_sold"),
        (
            "UPDATE market_claim SET state = 'decided', decided_at = submitted_at, settled_rupiah = 52001",
            "market_claim_settled_within_claimed",
        ),
    ):
        async with database.work(OFFICE) as work:
            with pytest.raises(DBAPIError, match=constraint):
                await work.session.execute(text(change))
            await work.session.rollback()


async def test_every_line_is_decided_and_a_refusal_says_why(database: Database, market: MarketView) -> None:
    await close(database, market)
    claim = await submit(database, market)
    with pytest.raises(Invalid) as refused:
        await decide(database, claim, DecidedLine(item=RICE, approved=False))
    assert codes(refused) == [("/lines/0/reason", "missing"), ("/lines", "missing")]
    async with database.reading(BELITUNG) as work:
        with pytest.raises(Absent):
            await claims.show(work, BELITUNG, market.id, claim.id)


async def test_a_market_without_a_seller_is_settled_without_a_claim(database: Database, market: MarketView) -> None:
    own = await close(database, await open_market(database))
    with pytest.raises(NothingToClaim):
        await submit(database, own)
    await close(database, market)
    async with database.work(OFFICE) as work:
        with pytest.raises(ClaimOutstanding):
            await claims.settle(work, OFFICE, market.id)
        assert (await claims.settle(work, OFFICE, own.id)).state == "settled"
