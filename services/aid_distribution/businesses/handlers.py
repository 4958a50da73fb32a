"""Following what registration says of businesses; events of one business come in their order."""

from services.aid_distribution.businesses.store import KnownBusinessRow, keep
from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessRegistered
from shared.database import Work


async def learn(work: Work, event: BusinessRegistered | BusinessChanged) -> None:
    """Keep the name, sector and region of a business."""
    row = KnownBusinessRow(
        id=event.business_id,
        owner_id=event.owner_id,
        name=event.name,
        sector=event.sector,
        region=event.region,
        state="open",
    )
    await keep(work.session, row)


async def forget(work: Work, event: BusinessClosed) -> None:
    """Note that nothing is handed to a business any more."""
    row = await work.session.get(KnownBusinessRow, event.business_id)
    if row is not None:
        row.state = "closed"
        await work.session.flush()
