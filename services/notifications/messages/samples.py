"""An extreme example of each fact that is told, against which the texts are checked at start-up."""

from datetime import UTC, datetime
from uuid import UUID

from shared.contracts import Event
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    Goods,
    Restated,
    StockReceived,
    StockRestated,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import BusinessRegistered

LONG = "W" * 200
CODE = "W" * 40
SOMEBODY = UUID(int=2**128 - 1)
NUMBER = "2020-09-19.71-DO-10000"
REGION = "19.71.01.1001"
AT = datetime(2020, 12, 30, 23, 59, tzinfo=UTC)
GOODS = [Goods(item=CODE, item_name=LONG, unit="piece", quantity=2**63 - 1)] * 40


LONGEST: tuple[Event, ...] = (
    BusinessRegistered(business_id=SOMEBODY, owner_id=SOMEBODY, name=LONG, sector=CODE, region=REGION),
    DistributionPosted(
        distribution_id=SOMEBODY,
        number=NUMBER,
        programme=CODE,
        place=CODE,
        place_name=LONG,
        region=REGION,
        occurred_at=AT,
        lines=GOODS,
        public_heads=2**63 - 1,
        businesses=[SOMEBODY] * 40,
    ),
    DistributionVoided(
        distribution_id=SOMEBODY,
        number=NUMBER,
        programme=CODE,
        place=CODE,
        place_name=LONG,
        region=REGION,
        occurred_at=AT,
        lines=GOODS,
        public_heads=2**63 - 1,
        businesses=[SOMEBODY] * 40,
        reason=LONG,
    ),
    StockReceived(
        posting_id=SOMEBODY, number=NUMBER, region=REGION, occurred_at=AT, lines=GOODS, place=CODE, origin=CODE
    ),
    StockRestated(
        posting_id=SOMEBODY,
        number=NUMBER,
        region=REGION,
        occurred_at=AT,
        cards=[
            Restated(
                place=CODE,
                item=CODE,
                lot=CODE,
                change=-(2**53),
                first_day="2020-09-01",
                last_day="2020-12-30",
                taken_up_by=SOMEBODY,
            )
        ]
        * 40,
    ),
    TransferDispatched(
        transfer_id=SOMEBODY,
        posting_id=SOMEBODY,
        number=NUMBER,
        from_place=CODE,
        to_place=CODE,
        from_region=REGION,
        to_region=REGION,
        occurred_at=AT,
        lines=GOODS,
    ),
    TransferReceived(
        transfer_id=SOMEBODY,
        posting_id=SOMEBODY,
        number=NUMBER,
        from_place=CODE,
        to_place=CODE,
        from_region=REGION,
        to_region=REGION,
        occurred_at=AT,
        accepted=GOODS,
        rejected=GOODS,
    ),
)


def longest(event: type[Event]) -> Event | None:
    """Give the extreme example of a fact, or None for a fact that nothing is told of."""
    return next((sample for sample in LONGEST if type(sample) is event), None)
