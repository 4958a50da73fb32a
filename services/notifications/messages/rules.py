"""Which fact tells whom, in which class and over which channels: the whole of it is the table RULES."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.contracts import Event
from shared.contracts.aid_distribution import (
    DistributionPosted,
    DistributionVoided,
    ExceptionOpened,
    ExceptionOverdue,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    PriceAlert,
    ProductionDelivered,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
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


class Audience(StrEnum):
    """Who is meant, to be found when the fact arrives."""

    OWNERS = "owners"  # of the businesses that the fact names
    OFFICE = "office"  # the officers of the region and the staff of the province around it
    KEEPERS = "keepers"  # the staff of the very office whose stock it is
    TOLD = "told"  # those who were told of this very matter before, under the purpose `after`


class Urgency(StrEnum):
    """The class of a message, which decides when and how insistently it is sent."""

    REQUIRED = "required"  # aid for you
    INVITATION = "invitation"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    Shape:  `purpose` names the texts; one person gets one message per fact and purpose, ever. `region` is the field
            of the event that says where the audience is; `after` the purpose of those who were told before
    """

    event: type[Event]
    tells: Audience
    purpose: str
    urgency: Urgency
    email: bool = field(default=False, kw_only=True)
    region: str = field(default="region", kw_only=True)
    after: str | None = field(default=None, kw_only=True)


# fmt: off
RULES: tuple[Rule, ...] = (
    Rule(BusinessRegistered, Audience.OWNERS, "welcome", Urgency.INFORMATION, email=True),

    Rule(DistributionPosted, Audience.OWNERS, "aid", Urgency.REQUIRED, email=True),
    Rule(DistributionPosted, Audience.OFFICE, "aid_office", Urgency.INFORMATION, email=True),
    Rule(DistributionVoided, Audience.TOLD, "void", Urgency.REQUIRED, email=True, after="aid"),
    Rule(DistributionVoided, Audience.TOLD, "void_office", Urgency.INFORMATION, email=True, after="aid_office"),

    Rule(StockReceived, Audience.KEEPERS, "stock_in", Urgency.INFORMATION),
    Rule(StockRestated, Audience.KEEPERS, "restated", Urgency.INFORMATION),
    Rule(TransferDispatched, Audience.KEEPERS, "goods_coming", Urgency.INFORMATION, email=True, region="to_region"),
    Rule(TransferReceived, Audience.KEEPERS, "goods_arrived", Urgency.INFORMATION, region="from_region"),

    Rule(ProductionOffered, Audience.OWNERS, "order_offered", Urgency.INVITATION, email=True),
    Rule(ProductionTakenBack, Audience.OWNERS, "order_taken_back", Urgency.REQUIRED, email=True),
    Rule(ProductionPaid, Audience.OWNERS, "order_paid", Urgency.REQUIRED, email=True),
    Rule(ProductionDelivered, Audience.KEEPERS, "order_delivered", Urgency.INFORMATION, region="place_region"),
    Rule(StationReported, Audience.KEEPERS, "station_reported", Urgency.REQUIRED, email=True),
    Rule(StationDry, Audience.KEEPERS, "station_dry", Urgency.REQUIRED, email=True),
    Rule(StationBroken, Audience.KEEPERS, "station_broken", Urgency.REQUIRED, email=True),
    Rule(MarketAnnounced, Audience.OFFICE, "market", Urgency.INFORMATION),
    Rule(MarketCancelled, Audience.TOLD, "market_cancelled", Urgency.INFORMATION, after="market"),
    Rule(KitsReserved, Audience.KEEPERS, "kits_reserved", Urgency.INFORMATION, email=True, region="place_region"),
    Rule(KitsRefused, Audience.OFFICE, "kits_refused", Urgency.INFORMATION, email=True),
    Rule(
        KitsReleased, Audience.TOLD, "kits_released", Urgency.INFORMATION, region="place_region", after="kits_reserved"
    ),
    Rule(SeatOffered, Audience.OWNERS, "seat_offered", Urgency.INVITATION, email=True),
    Rule(SeatAccepted, Audience.OWNERS, "seat_accepted", Urgency.INVITATION, email=True),
    Rule(SeatExpired, Audience.OWNERS, "seat_expired", Urgency.INVITATION, email=True),
    Rule(SeatWaitlisted, Audience.OWNERS, "seat_waitlisted", Urgency.INVITATION, email=True),
    Rule(SeatWithdrawn, Audience.OWNERS, "seat_withdrawn", Urgency.INVITATION, email=True),
    Rule(TrainingMoved, Audience.OWNERS, "training_moved", Urgency.INVITATION, email=True),
    Rule(TrainingCancelled, Audience.OWNERS, "training_cancelled", Urgency.INVITATION, email=True),
    Rule(CertificateIssued, Audience.OWNERS, "certificate_issued", Urgency.INFORMATION, email=True),
    Rule(CertificateRevoked, Audience.OWNERS, "certificate_revoked", Urgency.INFORMATION, email=True),
    Rule(PriceAlert, Audience.OFFICE, "price_alert", Urgency.INFORMATION, email=True),
    Rule(StockLow, Audience.KEEPERS, "stock_low", Urgency.INFORMATION, email=True),
    Rule(StockOut, Audience.KEEPERS, "stock_out", Urgency.INFORMATION, email=True),
    Rule(StockExpiring, Audience.KEEPERS, "stock_expiring", Urgency.INFORMATION, email=True),
    Rule(ExceptionOpened, Audience.KEEPERS, "exception_opened", Urgency.INFORMATION),
    Rule(ExceptionOverdue, Audience.KEEPERS, "exception_overdue", Urgency.REQUIRED, email=True),
    Rule(SurveyOpened, Audience.OWNERS, "survey", Urgency.INVITATION, email=True),
)
# fmt: on


def rules_of(event: type[Event]) -> tuple[Rule, ...]:
    """Give the rules of a fact, in the order of the table."""
    return tuple(rule for rule in RULES if rule.event is event)
