"""An extreme example of each fact that is told, against which the texts are checked at start-up."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shared.contracts import Event
from shared.contracts.aid_distribution import (
    AlertRaised,
    DistributionPosted,
    DistributionVoided,
    ExceptionChanged,
    ExceptionOpened,
    ExceptionOverdue,
    Goods,
    KitElsewhere,
    KitShortage,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    MarketOffer,
    PriceAlert,
    ProductionDelivered,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    Rejected,
    Restated,
    StationBroken,
    StationDry,
    StationReported,
    StockExpiring,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import (
    BusinessRegistered,
    CertificateIssued,
    CertificateRevoked,
    SeatAccepted,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    SurveyOpened,
    TrainingCancelled,
    TrainingMoved,
)

LONG = "W" * 200
CODE = "W" * 40
SOMEBODY = UUID(int=2**128 - 1)
NUMBER = "2020-09-19.71-DO-10000"
REGION = "19.71.01.1001"
AT = datetime(2020, 12, 30, 23, 59, tzinfo=UTC)
MONEY = 2**63 - 1
PRODUCTION: dict[str, Any] = {
    "order_id": SOMEBODY,
    "call_id": SOMEBODY,
    "business_id": SOMEBODY,
    "region": REGION,
    "place": CODE,
    "place_name": LONG,
    "place_region": REGION,
    "item": CODE,
    "item_name": LONG,
    "unit": "piece",
    "quantity": 2**63 - 1,
    "price_rupiah": MONEY,
    "due_on": date(2020, 12, 30),
}
GOODS = [Goods(item=CODE, item_name=LONG, unit="piece", quantity=2**63 - 1)] * 40
SHELF: dict[str, Any] = {
    "alert_id": SOMEBODY,
    "place": CODE,
    "place_name": LONG,
    "region": REGION,
    "item": CODE,
    "item_name": LONG,
    "unit": "piece",
    "on_hand": 2**63 - 1,
}
STATION: dict[str, Any] = {
    "station_id": SOMEBODY,
    "code": CODE,
    "name": LONG,
    "site": CODE,
    "site_name": LONG,
    "region": REGION,
    "occurred_at": AT,
}
EXCEPTION: dict[str, Any] = {
    "exception_id": SOMEBODY,
    "kind": CODE,
    "region": REGION,
    "place": CODE,
    "place_name": LONG,
    "occurred_at": AT,
    "due_at": AT,
    "short": GOODS,
}

KITS: dict[str, Any] = {
    "training_id": SOMEBODY,
    "programme": CODE,
    "title": LONG,
    "region": REGION,
    "starts_on": date(2020, 12, 30),
    "place": CODE,
    "place_name": LONG,
    "place_region": REGION,
}
TRAINING: dict[str, Any] = {
    "training_id": SOMEBODY,
    "programme": CODE,
    "title": LONG,
    "region": REGION,
    "starts_on": date(2020, 12, 30),
    "ends_on": date(2020, 12, 30),
}
SEAT: dict[str, Any] = {**TRAINING, "enrolment_id": SOMEBODY, "business_id": SOMEBODY, "venue": LONG, "step": 2**31}
CERTIFICATE: dict[str, Any] = {
    "certificate_id": SOMEBODY,
    "number": "2020-19.71.01.1001-CT-10000",
    "enrolment_id": SOMEBODY,
    "training_id": SOMEBODY,
    "business_id": SOMEBODY,
    "programme": CODE,
    "title": LONG,
    "region": REGION,
}
SHORTAGES = [
    KitShortage(
        item=CODE,
        item_name=LONG,
        unit="piece",
        asked=2**63 - 1,
        available=0,
        elsewhere=[KitElsewhere(place=CODE, place_name=LONG, region=REGION, available=2**63 - 1)] * 5,
    )
] * 40

OFFERS = [
    MarketOffer(
        item=CODE,
        item_name=LONG,
        unit="piece",
        price_rupiah=2**63 - 1,
        market_price_rupiah=2**63 - 1,
        allotment=2**63 - 1,
        sold=0,
    )
] * 40

LONGEST: tuple[Event, ...] = (
    StockLow(**SHELF, low_at=2**63 - 1),
    StockOut(**SHELF, low_at=2**63 - 1),
    StockExpiring(**SHELF, lot=CODE, expires_on=date(2020, 12, 30)),
    BusinessRegistered(business_id=SOMEBODY, owner_id=SOMEBODY, name=LONG, sector=CODE, region=REGION),
    SurveyOpened(
        participant_id=SOMEBODY,
        survey_id=SOMEBODY,
        business_id=SOMEBODY,
        region=REGION,
        title=LONG,
        closes_on=date(2020, 12, 30),
        link=LONG,
    ),
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
    ProductionOffered(**PRODUCTION, answer_by=AT),
    ProductionTakenBack(**PRODUCTION, reason=LONG, accepted=2**63 - 1, released=2**63 - 1),
    ProductionPaid(
        **PRODUCTION,
        payment_no=1,
        amount_rupiah=MONEY,
        paid_at=AT,
        reference=LONG,
        due_rupiah=MONEY,
        paid_rupiah=MONEY,
        balance_rupiah=MONEY,
    ),
    ProductionDelivered(
        **PRODUCTION,
        delivery_no=1,
        occurred_at=AT,
        document=LONG,
        delivered=2**63 - 1,
        accepted=2**63 - 1,
        rejected=2**63 - 1,
        reasons=[Rejected(reason=CODE, quantity=2**63 - 1)] * 40,
        posting_id=SOMEBODY,
        number=NUMBER,
        lines=GOODS,
        amount_due_rupiah=MONEY,
        due_rupiah=MONEY,
        state=CODE,
    ),
    MarketAnnounced(
        market_id=SOMEBODY,
        number=NUMBER,
        model=CODE,
        place=CODE,
        place_name=LONG,
        region=REGION,
        opens_at=AT,
        closes_at=AT,
        offers=OFFERS,
    ),
    MarketCancelled(
        market_id=SOMEBODY,
        number=NUMBER,
        model=CODE,
        place=CODE,
        place_name=LONG,
        region=REGION,
        opens_at=AT,
        closes_at=AT,
        offers=OFFERS,
        reason=LONG,
    ),
    AlertRaised(
        alert_id=SOMEBODY,
        kind="ledger_audit",
        about=LONG,
        region=REGION,
        place=CODE,
        place_name=LONG,
        item=CODE,
        item_name=LONG,
        unit=CODE,
        lot=CODE,
        figure=2**63 - 1,
        due_on=date(2020, 12, 30),
    ),
    PriceAlert(
        observation_id=SOMEBODY,
        place=CODE,
        place_name=LONG,
        region=REGION,
        item=CODE,
        item_name=LONG,
        unit=CODE,
        observed_at=AT,
        price_rupiah=2**63 - 1,
        ceiling_rupiah=2**63 - 1,
    ),
    KitsReserved(**KITS, reservation_id=SOMEBODY, number=NUMBER, expires_at=AT, lines=GOODS),
    KitsRefused(**KITS, because=CODE, shortages=SHORTAGES),
    KitsReleased(**KITS, reservation_id=SOMEBODY, number=NUMBER, because=CODE, reason=LONG),
    SeatOffered(**SEAT, answer_by=AT),
    SeatAccepted(**SEAT, how=CODE),
    SeatExpired(**SEAT, answer_by=AT),
    SeatWaitlisted(**SEAT),
    SeatWithdrawn(**SEAT, how=CODE, reason=LONG),
    TrainingMoved(
        **TRAINING,
        change=2**31,
        session=60,
        was_on=date(2020, 12, 29),
        held_on=date(2020, 12, 30),
        venue=LONG,
        reason=LONG,
        sessions=[date(2020, 12, 30)] * 60,
        businesses=[SOMEBODY] * 40,
    ),
    TrainingCancelled(**TRAINING, reason=LONG, businesses=[SOMEBODY] * 40),
    CertificateIssued(**CERTIFICATE, attended=60, held=60),
    CertificateRevoked(**CERTIFICATE, reason=LONG),
    ExceptionOpened(**EXCEPTION, causes=[CODE] * 4),
    ExceptionChanged(**EXCEPTION, owner=LONG, reason=LONG),
    ExceptionOverdue(**EXCEPTION, owner=LONG),
    StationDry(**STATION, outage_id=SOMEBODY),
    StationBroken(**STATION, outage_id=SOMEBODY),
    StationReported(**STATION, outage_id=SOMEBODY, problem=CODE),
)


def longest(event: type[Event]) -> Event | None:
    """Give the extreme example of a fact, or None for a fact that nothing is told of."""
    return next((sample for sample in LONGEST if type(sample) is event), None)
