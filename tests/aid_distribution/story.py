"""Who asks in these tests, where, and what they tell the ledger."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.aid_distribution.audits import FIGURES
from services.aid_distribution.distributions import handlers as distributions
from services.aid_distribution.distributions.orders import DistributionView, PostDistribution, Recipients, Share
from services.aid_distribution.ledger import chain_audit, holding
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.audit import Discrepancy, audit
from services.aid_distribution.ledger.catalogue import Category, PlaceKind, Unit
from services.aid_distribution.ledger.domain import Reason, Source
from services.aid_distribution.ledger.orders import (
    AddItem,
    AddPlace,
    GoodsLine,
    HoldLot,
    IssueStock,
    PostingView,
    ReceivedLine,
    ReceiveStock,
    ReversePosting,
)
from services.aid_distribution.ledger.programmes import Programme
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.database import Database, Work
from shared.problems import Refusal
from shared.routes import Asked

OFFICE = Caller("staff-provinsi", Role.PROVINCE_STAFF, ("19",), "request-1", "")
PANGKALPINANG = Caller("officer-19.71", Role.REGENCY_OFFICER, ("19.71",), "request-2", "")
BELITUNG = Caller("officer-19.02", Role.REGENCY_OFFICER, ("19.02",), "request-3", "")
AUDITOR = Caller("auditor", Role.AUDITOR, ("19",), "request-4", "")
OPERATOR = Caller("operator", Role.OPERATOR, ("19",), "request-5", "")

WAREHOUSE = "WH-19.71"
MARKET = "PASAR-19.71"
ELSEWHERE = "WH-19.02"
PROVINCE = "WH-PROV"
MASKS, RICE, SOAP = "MASK-CLOTH", "RICE-5KG", "SOAP-5L"

NOON = datetime(2026, 5, 20, 5, 0, tzinfo=UTC)
"""12:00 WIB on a Wednesday."""


class StoppedClock(Clock):
    """A clock that goes on only when told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def ago(days: float = 0, *, hours: float = 0, minutes: float = 0) -> datetime:
    """Give a moment before the noon at which these tests take place."""
    return NOON - timedelta(days=days, hours=hours, minutes=minutes)


async def furnish(work: Work) -> None:
    """Make the items and places known that these tests speak of."""
    for code, name, unit, category in (
        (MASKS, "Masker kain", Unit.PIECE, Category.MASK),
        (RICE, "Beras 5 kg", Unit.PACK, Category.STAPLE),
        (SOAP, "Sabun cair 5 l", Unit.LITRE, Category.HYGIENE),
    ):
        await ledger.add_item(work, AddItem(code=code, name=name, unit=unit, category=category))
    for code, kind, region in (
        (WAREHOUSE, PlaceKind.WAREHOUSE, "19.71"),
        (MARKET, PlaceKind.MARKET_VENUE, "19.71"),
        (ELSEWHERE, PlaceKind.WAREHOUSE, "19.02"),
        (PROVINCE, PlaceKind.WAREHOUSE, "19"),
    ):
        await ledger.add_place(work, AddPlace(code=code, name=f"Gudang {code}", kind=kind, region=region))


def receipt(
    quantity: int,
    occurred_at: datetime = NOON,
    *,
    place: str = WAREHOUSE,
    item: str = MASKS,
    lot: str | None = None,
    expires_on: date | None = None,
) -> ReceiveStock:
    """Give the order for a receipt of one line."""
    line = ReceivedLine(item=item, quantity=quantity, lot=lot, expires_on=expires_on)
    return ReceiveStock(place=place, source=Source.SUPPLIER, occurred_at=occurred_at, lines=[line])


def issue(
    quantity: int,
    occurred_at: datetime = NOON,
    *,
    place: str = WAREHOUSE,
    item: str = MASKS,
    lot: str | None = None,
    reason: Reason = Reason.DAMAGED,
) -> IssueStock:
    """Give the order for an issue of one line."""
    line = GoodsLine(item=item, quantity=quantity, lot=lot)
    return IssueStock(place=place, reason=reason, occurred_at=occurred_at, lines=[line])


def distribution(
    quantity: int,
    occurred_at: datetime = NOON,
    *,
    place: str = WAREHOUSE,
    item: str = MASKS,
    public: int = 100,
    businesses: Sequence[UUID] = (),
    shares: Sequence[Share] = (),
) -> PostDistribution:
    """Give the order for a distribution of one line."""
    return PostDistribution(
        programme=Programme.FREE_MASKS,
        place=place,
        occurred_at=occurred_at,
        lines=[GoodsLine(item=item, quantity=quantity)],
        recipients=Recipients(public=public, businesses=list(businesses), shares=list(shares)),
    )


def _raised(outcome: PostingView | DistributionView | Refusal) -> None:
    if isinstance(outcome, Refusal):
        raise outcome


async def receive(database: Database, order: ReceiveStock, caller: Caller = OFFICE) -> PostingView:
    async with database.work(caller) as work:
        (outcome,) = await ledger.receive(work, [Asked(order, caller)])
    _raised(outcome)
    assert isinstance(outcome, PostingView)
    return outcome


async def give_out(database: Database, order: IssueStock, caller: Caller = OFFICE) -> PostingView:
    async with database.work(caller) as work:
        (outcome,) = await ledger.issue(work, [Asked(order, caller)])
    _raised(outcome)
    assert isinstance(outcome, PostingView)
    return outcome


async def distribute(database: Database, order: PostDistribution, caller: Caller = OFFICE) -> DistributionView:
    async with database.work(caller) as work:
        (outcome,) = await distributions.post_all(work, [Asked(order, caller)])
    _raised(outcome)
    assert isinstance(outcome, DistributionView)
    return outcome


async def hold(database: Database, lot: str, item: str = MASKS) -> None:
    """Keep a lot from being handed out."""
    async with database.work(OFFICE) as work:
        await holding.hold(work, HoldLot(item=item, lot=lot, reason="Bau bensin"))


async def reverse(database: Database, posting_id: UUID, caller: Caller = OFFICE) -> PostingView:
    async with database.work(caller) as work:
        return await ledger.reverse(work, caller, posting_id, ReversePosting(reason="typed twice"))


async def audited(database: Database) -> list[Discrepancy]:
    """Let the ledger look through itself."""
    async with database.reading(OFFICE) as work:
        return [*await audit(work.session, FIGURES), *await chain_audit.audit(work.session)]


async def ask(database: Database, question: str, **values: object) -> list[tuple[object, ...]]:
    """Put a question to the tables."""
    async with database.reading(OFFICE) as work:
        return [tuple(row) for row in await work.session.execute(text(question), values)]


async def plant(work: Work, *orders: str) -> None:
    """Change the tables behind the ledger's back: with its triggers asleep, as an administrator could."""
    await work.session.execute(text("SET LOCAL session_replication_role = replica"))
    for order in orders:
        await work.session.execute(text(order))


async def waits_for_a_lock(database: Database) -> bool:
    """Tell whether some transaction waits for another one."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return await ask(database, question) != [(0,)]
