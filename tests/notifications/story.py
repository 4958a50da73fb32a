"""What happens in these tests, and how it reaches the service: through its own table of reactions, on a real store."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import msgspec
from sqlalchemy import text

from services.notifications.contacts.handlers import register_staff
from services.notifications.contacts.store import StaffMemberRow
from services.notifications.reactions import REACTIONS
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.contracts import EVENTS, Event
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    Goods,
    StationBroken,
    StationDry,
    StationReported,
    StockReceived,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import BusinessRegistered, OwnerRegistered
from shared.database import Database, Work
from shared.reaction import Heard

NOON = datetime(2020, 9, 21, 5, 0, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OFFICE = Caller("staff-provinsi", Role.PROVINCE_STAFF, ("19",), "request-1", "")
PANGKALPINANG = Caller("officer-19.71", Role.REGENCY_OFFICER, ("19.71",), "request-2", "")
BELITUNG = Caller("officer-19.02", Role.REGENCY_OFFICER, ("19.02",), "request-3", "")
AUDITOR = Caller("auditor", Role.AUDITOR, ("19",), "request-4", "")

SITI = UUID("0174472d-8680-7000-8000-000000000001")
HASAN = UUID("0174472d-8680-7000-8000-000000000002")
TAILOR = UUID("0174472d-8680-7001-8000-000000000001")
KITCHEN = UUID("0174472d-8680-7001-8000-000000000002")
PEPPER = UUID("0174472d-8680-7001-8000-000000000003")
DISTRIBUTION = UUID("0174472d-8680-7002-8000-000000000001")
TRANSFER = UUID("0174472d-8680-7003-8000-000000000001")
POSTING = UUID("0174472d-8680-7004-8000-000000000001")


Door = Callable[[Caller], httpx.AsyncClient]


class StoppedClock(Clock):
    """A clock that goes on only when told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def masks(quantity: int = 500) -> Goods:
    return Goods(item="MASK-CLOTH", item_name="Masker kain dua lapis", unit="piece", quantity=quantity)


def owner(owner_id: UUID = SITI, name: str = "Siti Rohani", **changes: str | None) -> OwnerRegistered:
    given = {"region": "19.71", "language": "id", "phone": None, "email": "siti@contoh.example"} | changes
    return msgspec.convert({"owner_id": owner_id, "name": name, **given}, OwnerRegistered)


def business(business_id: UUID = TAILOR, owner_id: UUID = SITI, name: str = "Konveksi Siti") -> BusinessRegistered:
    return BusinessRegistered(business_id=business_id, owner_id=owner_id, name=name, sector="garment", region="19.71")


def posted(*businesses: UUID, public_heads: int = 0, lines: list[Goods] | None = None) -> DistributionPosted:
    return DistributionPosted(
        distribution_id=DISTRIBUTION,
        number="2020-09-19.71-DO-0001",
        programme="free-masks",
        place="WH-19.71",
        place_name="Gudang Kota Pangkalpinang",
        region="19.71",
        occurred_at=NOON,
        lines=lines or [masks()],
        public_heads=public_heads,
        businesses=list(businesses),
    )


def voided(*businesses: UUID) -> DistributionVoided:
    fields = msgspec.structs.asdict(posted(*businesses))
    return DistributionVoided(**fields, reason="salah tempat")


def out_of_use(since: datetime = NOON) -> list[Event]:
    """Give what is told of a station that is reported, found dry, and then broken."""
    about = {
        "station_id": POSTING,
        "code": "CT-01",
        "name": "Pintu timur",
        "site": "CC-19.71-01",
        "site_name": "Pasar Induk",
        "region": "19.71",
        "occurred_at": since,
        "outage_id": UUID(int=int(since.timestamp())),
    }
    return [
        msgspec.convert({**about, "problem": "dry"}, StationReported),
        msgspec.convert(about, StationDry),
        msgspec.convert(about, StationBroken),
    ]


def received(region: str = "19.71", place: str = "WH-19.71") -> StockReceived:
    return StockReceived(
        posting_id=POSTING,
        number="2020-09-19.71-GR-0001",
        region=region,
        occurred_at=NOON,
        lines=[masks()],
        place=place,
        origin="production",
    )


def dispatched() -> TransferDispatched:
    return TransferDispatched(**_transfer(), lines=[masks(200)])


def arrived(accepted: int = 180, rejected: int = 20) -> TransferReceived:
    return TransferReceived(
        **_transfer(),
        accepted=[masks(accepted)] if accepted else [],
        rejected=[masks(rejected)] if rejected else [],
    )


def _transfer() -> dict[str, object]:
    return {
        "transfer_id": TRANSFER,
        "posting_id": POSTING,
        "number": "2020-09-19-TR-0001",
        "from_place": "WH-PROV",
        "to_place": "WH-19.71",
        "from_region": "19",
        "to_region": "19.71",
        "occurred_at": NOON,
    }


async def happened(
    database: Database, *events: Event, actor: str = "officer-19.71", traceparent: str = TRACEPARENT
) -> None:
    """Let each event take its effects, in a transaction of its own."""
    for event in events:
        caller = Caller(actor, Role.SERVICE, (), traceparent=traceparent)
        async with database.work(caller) as work:
            for reaction in REACTIONS:
                if reaction.event is type(event):
                    await reaction.run(work, [Heard(msgspec.msgpack.encode(event), caller)])


async def staff(database: Database, *members: tuple[str, str, str], email: bool = False, language: str = "id") -> None:
    """Register members of staff, each given as subject, role and region."""
    for subject, role, region in members:
        row = StaffMemberRow(
            subject=subject,
            name=subject.title(),
            role=role,
            regions=[region],
            email=f"{subject}@contoh.example" if email else None,
            language=language,
        )
        async with database.work(OFFICE) as work:
            await register_staff(work, OFFICE, row)


async def rows(database: Database, question: str, **values: object) -> list[dict[str, object]]:
    """Ask the store."""

    async def ask(work: Work) -> list[dict[str, object]]:
        return [dict(row) for row in (await work.session.execute(text(question), values)).mappings()]

    async with database.reading(OFFICE) as work:
        return await ask(work)


async def messages(database: Database) -> dict[tuple[str, str], dict[str, object]]:
    """Give every message by person and purpose."""
    return {(str(row["person"]), str(row["purpose"])): row for row in await rows(database, "SELECT * FROM message")}


async def recorded(database: Database) -> list[Event]:
    """Give what was recorded, from the real outbox."""
    found = await rows(database, "SELECT type, data FROM outbox ORDER BY id")
    return [msgspec.msgpack.decode(row["data"], type=EVENTS[str(row["type"])]) for row in found]  # type: ignore[arg-type]


OWNER = Caller(str(SITI), Role.OWNER, ())
