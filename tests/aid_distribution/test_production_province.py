"""The call for masks of the demo province, as the office finds it once the businesses are known."""

from services import demo
from services.aid_distribution.production import calls
from services.aid_distribution.production.shapes import CallQuery
from shared.clock import Clock
from shared.contracts.registration import BusinessRegistered
from shared.privacy import Vault
from shared.province import PROVINCES, read_province
from tests.aid_distribution.story import OFFICE, OPERATOR
from tests.aid_distribution.test_distributions import happened
from tests.conftest import Databases


async def test_every_garment_business_of_the_province_has_its_part_of_the_call_for_masks(databases: Databases) -> None:
    province = read_province(PROVINCES / "19-kepulauan-bangka-belitung")
    database = await databases("aid_distribution", migrated=True, clock=Clock(), vault=Vault(b"m" * 32))
    async with database.work(OPERATOR) as work:
        assert await demo._stock(work, province)
    garment = [one for one in province.businesses if one.sector == "garment"]
    await happened(
        database,
        *(
            BusinessRegistered(
                business_id=one.id, owner_id=one.owner, name=one.name, sector=one.sector, region=one.region
            )
            for one in garment
        ),
    )
    async with database.reading(OFFICE) as work:
        (needed,) = (await calls.calls(work, OFFICE, CallQuery())).items
        ranking = await calls.candidates(work, OFFICE, needed.id, CallQuery())
    assert (needed.quantity, needed.held, ranking.candidates, ranking.short) == (12_000, 0, len(garment), 0)
    assert sum(line.proposed for line in ranking.items) == 12_000
    assert all(0 < line.proposed <= needed.cap_per_business for line in ranking.items)
