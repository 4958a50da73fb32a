"""All that one service may know of another: its events, and who listens to whom."""

from shared.contracts.aid_distribution import (
    CouponsIssued,
    DistributionPosted,
    DistributionVoided,
    ExceptionApplied,
    ExceptionDropped,
    ExceptionOpened,
    ExceptionOverdue,
    LoanOpened,
    LoanReturned,
    MarketAnnounced,
    MarketCancelled,
    MarketClosed,
    MarketOpened,
    MarketSold,
    PriceAlert,
    PriceObserved,
    ProductionAccepted,
    ProductionDeclined,
    ProductionDelivered,
    ProductionExpired,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    StationBroken,
    StationDry,
    StationPlaced,
    StationRemoved,
    StationReported,
    StationServiced,
    StockCounted,
    StockExpiring,
    StockIssued,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    StockRestored,
    StockReturned,
    StockReversed,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.event import Event
from shared.contracts.notifications import MessageDelivered, MessageFailed
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessRegistered,
    OwnerChanged,
    OwnerRegistered,
)

__all__ = ["EVENTS", "SUBSCRIPTIONS", "Event", "consumers_of"]

EVENTS: dict[str, type[Event]] = {
    event.type: event
    for event in (
        OwnerRegistered,
        OwnerChanged,
        BusinessRegistered,
        BusinessChanged,
        BusinessClosed,
        StockReceived,
        StockIssued,
        StockReversed,
        StockCounted,
        StockRestated,
        TransferDispatched,
        TransferReceived,
        DistributionPosted,
        DistributionVoided,
        ProductionOffered,
        ProductionAccepted,
        ProductionDeclined,
        ProductionExpired,
        ProductionDelivered,
        ProductionPaid,
        ProductionTakenBack,
        StationPlaced,
        StationServiced,
        StationDry,
        StationBroken,
        StationReported,
        StationRemoved,
        PriceObserved,
        PriceAlert,
        StockLow,
        StockOut,
        StockExpiring,
        StockRestored,
        MarketAnnounced,
        MarketOpened,
        MarketClosed,
        MarketCancelled,
        CouponsIssued,
        MarketSold,
        ExceptionOpened,
        ExceptionApplied,
        ExceptionDropped,
        ExceptionOverdue,
        StockReturned,
        LoanOpened,
        LoanReturned,
        MessageDelivered,
        MessageFailed,
    )
}
"""Every event by the type that stands on the wire."""

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "registration": ("aid_distribution",),
    "aid_distribution": ("registration",),
    "notifications": ("registration", "aid_distribution"),
}
"""Which sources each service consumes. A source trims its streams only behind every service named for it here."""


def consumers_of(source: str) -> tuple[str, ...]:
    """Name the services that consume a source."""
    return tuple(name for name, sources in SUBSCRIPTIONS.items() if source in sources)
