"""Following what registration says of businesses; events of one business come in their order."""

from collections.abc import Sequence

from services.aid_distribution.businesses import store
from services.aid_distribution.businesses.store import KnownBusinessRow
from shared.contracts.registration import BusinessChanged, BusinessClosed, BusinessMerged, BusinessRegistered
from shared.database import Work
from shared.reaction import Heard


async def learn(work: Work, run: Sequence[Heard[BusinessRegistered | BusinessChanged]]) -> None:
    """Keep the names, sectors and regions of businesses."""
    rows = [
        KnownBusinessRow(
            id=event.business_id,
            owner_id=event.owner_id,
            name=event.name,
            sector=event.sector,
            region=event.region,
            state="open",
        )
        for event in (one.event for one in run)
    ]
    await store.keep(work.session, rows)


async def forget(work: Work, run: Sequence[Heard[BusinessClosed | BusinessMerged]]) -> None:
    """Note that nothing is handed to these businesses any more, and which one a merged one has turned out to be."""
    await store.close(work.session, [one.event.business_id for one in run], work.now)
    for one in run:  # a run is about others each, and one may be what another is merged into
        if isinstance(one.event, BusinessMerged):
            await store.merge(work.session, [(one.event.business_id, one.event.into)])
