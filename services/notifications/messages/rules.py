"""Which fact tells whom, in which class and over which channels: the whole of it is the table RULES."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.notifications.plans import Kind, Urgency
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    AlertRaised,
    DistributionPosted,
    DistributionVoided,
    ExceptionChanged,
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
    NAMED = "named"  # the member of staff whom the fact names as the one to act, where they serve its region
    TOLD = "told"  # those who were told of this very matter before, under the purpose `after`


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    Shape:  `purpose` names the texts; one person gets one message per fact and purpose, ever. `region` is the field
            of the event that says where the audience is; `after` the purpose of those who were told before. With
            `outside` it leaves the inbox over the channels that its reader has and chose; `until` is the field of the
            event that says when it is of no use any more, where that is sooner than a week; `kind` is what staff
            subscribe to, which then decides beside their role; `only` is the kind of event of which it tells, where
            events of one type are of many kinds
    """

    event: type[Event]
    tells: Audience
    purpose: str
    urgency: Urgency
    outside: bool = field(default=False, kw_only=True)
    until: str | None = field(default=None, kw_only=True)
    kind: Kind | None = field(default=None, kw_only=True)
    region: str = field(default="region", kw_only=True)
    after: str | None = field(default=None, kw_only=True)
    only: str | None = field(default=None, kw_only=True)

    def tells_of(self, event: Event) -> bool:
        """Tell whether it is about this event, where events of one type are of many kinds."""
        return self.only is None or getattr(event, "kind", None) == self.only


# fmt: off
RULES: tuple[Rule, ...] = (
    Rule(BusinessRegistered, Audience.OWNERS, "welcome", Urgency.INFORMATION, outside=True),

    Rule(DistributionPosted, Audience.OWNERS, "aid", Urgency.REQUIRED, outside=True),
    Rule(DistributionPosted, Audience.OFFICE, "aid_office", Urgency.INFORMATION, outside=True),
    Rule(DistributionVoided, Audience.TOLD, "void", Urgency.REQUIRED, outside=True, after="aid"),
    Rule(DistributionVoided, Audience.TOLD, "void_office", Urgency.INFORMATION, outside=True, after="aid_office"),

    Rule(StockReceived, Audience.KEEPERS, "stock_in", Urgency.INFORMATION),
    Rule(StockRestated, Audience.KEEPERS, "restated", Urgency.INFORMATION, kind=Kind.DISCREPANCY),
    Rule(TransferDispatched, Audience.KEEPERS, "goods_coming", Urgency.INFORMATION, outside=True, region="to_region"),
    Rule(
        TransferReceived, Audience.KEEPERS, "goods_arrived", Urgency.INFORMATION,
        region="from_region", kind=Kind.DISCREPANCY,
    ),

    Rule(ProductionOffered, Audience.OWNERS, "order_offered", Urgency.INVITATION, outside=True, until="answer_by"),
    Rule(ProductionTakenBack, Audience.OWNERS, "order_taken_back", Urgency.REQUIRED, outside=True),
    Rule(ProductionPaid, Audience.OWNERS, "order_paid", Urgency.REQUIRED, outside=True),
    Rule(ProductionDelivered, Audience.KEEPERS, "order_delivered", Urgency.INFORMATION, region="place_region"),
    Rule(StationReported, Audience.KEEPERS, "station_reported", Urgency.REQUIRED, outside=True, kind=Kind.STATION),
    Rule(StationDry, Audience.KEEPERS, "station_dry", Urgency.REQUIRED, outside=True, kind=Kind.STATION),
    Rule(StationBroken, Audience.KEEPERS, "station_broken", Urgency.REQUIRED, outside=True, kind=Kind.STATION),
    Rule(MarketAnnounced, Audience.OFFICE, "market", Urgency.INFORMATION, until="closes_at"),
    Rule(MarketCancelled, Audience.TOLD, "market_cancelled", Urgency.INFORMATION, after="market", until="closes_at"),
    Rule(
        KitsReserved, Audience.KEEPERS, "kits_reserved", Urgency.INFORMATION,
        outside=True, region="place_region", until="expires_at",
    ),
    Rule(KitsRefused, Audience.OFFICE, "kits_refused", Urgency.INFORMATION, outside=True),
    Rule(
        KitsReleased, Audience.TOLD, "kits_released", Urgency.INFORMATION, region="place_region", after="kits_reserved"
    ),
    Rule(SeatOffered, Audience.OWNERS, "seat_offered", Urgency.INVITATION, outside=True, until="answer_by"),
    Rule(SeatAccepted, Audience.OWNERS, "seat_accepted", Urgency.INVITATION, outside=True),
    Rule(SeatExpired, Audience.OWNERS, "seat_expired", Urgency.INVITATION, outside=True),
    Rule(SeatWaitlisted, Audience.OWNERS, "seat_waitlisted", Urgency.INVITATION, outside=True),
    Rule(SeatWithdrawn, Audience.OWNERS, "seat_withdrawn", Urgency.INVITATION, outside=True),
    Rule(TrainingMoved, Audience.OWNERS, "training_moved", Urgency.INVITATION, outside=True),
    Rule(TrainingCancelled, Audience.OWNERS, "training_cancelled", Urgency.INVITATION, outside=True),
    Rule(CertificateIssued, Audience.OWNERS, "certificate_issued", Urgency.INFORMATION, outside=True),
    Rule(CertificateRevoked, Audience.OWNERS, "certificate_revoked", Urgency.INFORMATION, outside=True),
    Rule(PriceAlert, Audience.OFFICE, "price_alert", Urgency.INFORMATION, outside=True, kind=Kind.PRICE),
    Rule(StockLow, Audience.KEEPERS, "stock_low", Urgency.INFORMATION, outside=True, kind=Kind.LOW),
    Rule(StockOut, Audience.KEEPERS, "stock_out", Urgency.INFORMATION, outside=True, kind=Kind.OUT),
    Rule(StockExpiring, Audience.KEEPERS, "stock_expiring", Urgency.INFORMATION, outside=True, kind=Kind.EXPIRING),
    Rule(ExceptionOpened, Audience.KEEPERS, "exception_opened", Urgency.INFORMATION, kind=Kind.EXCEPTION),
    Rule(ExceptionChanged, Audience.NAMED, "exception_yours", Urgency.REQUIRED, outside=True),
    Rule(ExceptionOverdue, Audience.KEEPERS, "exception_overdue", Urgency.REQUIRED, outside=True, kind=Kind.EXCEPTION),
    Rule(
        AlertRaised, Audience.KEEPERS, "ledger_audit", Urgency.REQUIRED,
        outside=True, kind=Kind.DISCREPANCY, only="ledger_audit",
    ),
    Rule(
        AlertRaised, Audience.KEEPERS, "reserved_expires", Urgency.INFORMATION,
        outside=True, kind=Kind.EXPIRING, only="reserved_expires",
    ),
    Rule(SurveyOpened, Audience.OWNERS, "survey", Urgency.INVITATION, outside=True),
)
# fmt: on


def rules_of(event: type[Event]) -> tuple[Rule, ...]:
    """Give the rules of a fact, in the order of the table."""
    return tuple(rule for rule in RULES if rule.event is event)
