"""The garment businesses of these tests, what they can make, and what is ordered from them."""

from datetime import date, datetime, timedelta
from uuid import UUID

from services.aid_distribution.production import calls, deliveries, handlers, producers
from services.aid_distribution.production.shapes import (
    CallForProduction,
    CallQuery,
    CallView,
    DeclineOrder,
    Inspection,
    OfferOrder,
    ProductionOrderView,
    ProfileView,
    RankingView,
    RecordDelivery,
    RecordPayment,
    RejectedPart,
    SetProfile,
    SupplierView,
    TakeBack,
)
from shared.caller import Caller, Role
from shared.contracts.registration import BusinessRegistered
from shared.database import Database
from tests.aid_distribution.story import MASKS, NOON, OFFICE, PANGKALPINANG, WAREHOUSE
from tests.aid_distribution.test_distributions import happened

HARTINI, LINA, YUSNITA, FAR = UUID(int=21), UUID(int=22), UUID(int=23), UUID(int=24)
HER, HIS = UUID(int=121), UUID(int=122)
OWNER = Caller(str(HER), Role.OWNER, ())
STRANGER = Caller(str(HIS), Role.OWNER, ())
DUE = date(2026, 5, 30)


def tailor(business_id: UUID, name: str, owner: UUID = HER, region: str = "19.71") -> BusinessRegistered:
    return BusinessRegistered(business_id=business_id, owner_id=owner, name=name, sector="garment", region=region)


async def open_workshops(database: Database) -> None:
    """Let three tailors of Pangkalpinang be known, two of them hit by the crisis, and one of Belitung."""
    await happened(
        database,
        tailor(HARTINI, "Konveksi Hartini"),
        tailor(LINA, "Lina Fesyen", HIS),
        tailor(YUSNITA, "Jahit Yusnita", HIS),
        tailor(FAR, "Konveksi Nurlaila", HIS, "19.02"),
        BusinessRegistered(business_id=UUID(int=31), owner_id=HIS, name="Dapur", sector="food", region="19.71"),
    )
    for business_id, capacity, decline in ((HARTINI, 200, 600), (LINA, 100, 400)):
        await profile(database, business_id, capacity, decline)


async def profile(
    database: Database, business_id: UUID, capacity: int, decline: int, as_of: date = date(2026, 4, 30)
) -> ProfileView:
    order = SetProfile(capacity_per_week=capacity, decline_permille=decline, as_of=as_of, source="Survei April")
    async with database.work(OFFICE) as work:
        return await producers.set_profile(work, OFFICE, business_id, order)


async def call(database: Database, quantity: int = 200, cap: int = 150, **changes: object) -> CallView:
    values: dict[str, object] = {
        "item": MASKS,
        "quantity": quantity,
        "price_rupiah": 5_000,
        "due_on": DUE,
        "regions": ["19.71"],
        "place": WAREHOUSE,
        "sector": "garment",
        "cap_per_business": cap,
    }
    async with database.work(OFFICE) as work:
        return await calls.add_call(work, OFFICE, CallForProduction(**(values | changes)))  # type: ignore[arg-type]


async def shown_call(database: Database, call_id: UUID) -> CallView:
    async with database.reading(OFFICE) as work:
        return await calls.show_call(work, OFFICE, call_id)


async def ranked(database: Database, call_id: UUID, caller: Caller = OFFICE) -> RankingView:
    async with database.reading(caller) as work:
        return await calls.candidates(work, caller, call_id, CallQuery())


async def proposed(database: Database, call_id: UUID) -> dict[UUID, int]:
    return {line.business_id: line.proposed for line in (await ranked(database, call_id)).items}


async def offer(
    database: Database,
    call_id: UUID,
    business_id: UUID = HARTINI,
    quantity: int | None = None,
    reason: str | None = None,
    answer_by: datetime | None = None,
) -> ProductionOrderView:
    order = OfferOrder(call=call_id, business=business_id, quantity=quantity, reason=reason, answer_by=answer_by)
    async with database.work(OFFICE) as work:
        return await handlers.offer(work, OFFICE, order)


async def accept(database: Database, order_id: UUID, caller: Caller = OWNER) -> ProductionOrderView:
    async with database.work(caller) as work:
        return await handlers.accept(work, caller, order_id)


async def decline(database: Database, order_id: UUID, caller: Caller = OWNER) -> ProductionOrderView:
    async with database.work(caller) as work:
        return await handlers.decline(work, caller, order_id, DeclineOrder(reason="Mesin rusak"))


async def taken(database: Database, quantity: int = 100, cap: int = 150) -> ProductionOrderView:
    """Give an order of some masks that Konveksi Hartini has accepted."""
    made = await call(database, cap, cap)
    return await accept(database, (await offer(database, made.id, HARTINI, quantity, "uji")).id)


def delivery(
    accepted: int = 100,
    rejected: int = 0,
    *,
    layers: int | None = 2,
    at: datetime = NOON - timedelta(hours=1),
    last: bool = False,
) -> RecordDelivery:
    reasons = [RejectedPart(reason="seams", quantity=rejected)] if rejected else []  # type: ignore[arg-type]
    found = Inspection(layers=layers, accepted=accepted, rejected=rejected, reasons=reasons)
    return RecordDelivery(occurred_at=at, document="SJ-1", quantity=accepted + rejected, inspection=found, last=last)


async def deliver(
    database: Database, order_id: UUID, order: RecordDelivery, caller: Caller = PANGKALPINANG
) -> ProductionOrderView:
    async with database.work(caller) as work:
        return await deliveries.deliver(work, caller, order_id, order)


async def pay(database: Database, order_id: UUID, amount: int, reference: str = "SP2D-1") -> ProductionOrderView:
    order = RecordPayment(amount_rupiah=amount, paid_at=NOON, reference=reference)
    async with database.work(OFFICE) as work:
        return await deliveries.pay(work, OFFICE, order_id, order)


async def take_back(database: Database, order_id: UUID) -> ProductionOrderView:
    async with database.work(OFFICE) as work:
        return await handlers.take_back(work, OFFICE, order_id, TakeBack(reason="Terlambat"))


async def record_of(database: Database, business_id: UUID, caller: Caller = OFFICE) -> SupplierView:
    async with database.reading(caller) as work:
        return await producers.record_of(work, caller, business_id)


async def shown_order(database: Database, order_id: UUID, caller: Caller = OFFICE) -> ProductionOrderView:
    async with database.reading(caller) as work:
        return await producers.show(work, caller, order_id)
