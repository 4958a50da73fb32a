"""Owners by the dozen, and a broadcast to them, for the tests of broadcasts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.database import Database
from tests.notifications.story import NOON, OFFICE, Door

PATH = "/notifications/broadcasts"
ANOTHER = "staff-provinsi-2"


def person(number: int) -> UUID:
    """Give the id of an owner, in the order of their numbers."""
    return UUID(int=(0x0174472D_8680_7000 << 64) + 0x9000_0000_0000_0000 + number)


PEOPLE = text(
    """
    INSERT INTO contact (owner_id, name, phone, email, language, region, changed_at)
    SELECT id, 'Pemilik ' || n, '+62834' || lpad(n::text, 8, '0'), NULL, 'id', :region, CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS p(id, n)
    """
)
BUSINESSES = text(
    """
    INSERT INTO contact_business (business_id, owner_id, name, region, sector, trading, changed_at)
    SELECT id, id, 'Usaha ' || n, :region, :sector, true, CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS p(id, n)
    """
)


async def people(database: Database, count: int, *, region: str = "19.71", sector: str = "garment") -> None:
    """Let so many owners be known, each with a telephone and a business: in bulk, as events would one by one."""
    asked = {"ids": [person(number) for number in range(1, count + 1)], "region": region, "now": database.clock.now()}
    async with database.work(OFFICE) as work:
        await work.session.execute(PEOPLE, asked)
        await work.session.execute(BUSINESSES, asked | {"sector": sector})


def wanted(**changes: Any) -> dict[str, Any]:
    """Give the body of a draft."""
    return {
        "urgency": "invitation",
        "title_id": "Pelatihan dibuka",
        "body_id": "{owner}, pendaftaran untuk {business} dibuka sampai {until}.",
        "title_en": "Training is open",
        "body_en": "{owner}, {business} can apply until {until}.",
        "audience": {"regions": ["19.71"]},
        "expires_at": (NOON + timedelta(days=3)).isoformat(),
    } | changes


async def drafted(door: Door, **changes: Any) -> str:
    """Draft a broadcast as the office, and give its path."""
    answer = await door(OFFICE).post(PATH, json=wanted(**changes))
    assert answer.status_code == 201, answer.text
    return f"{PATH}/{answer.json()['id']}"


async def let_go(door: Door, path: str) -> dict[str, Any]:
    """Submit a broadcast."""
    answer = await door(OFFICE).post(f"{path}/submission")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
