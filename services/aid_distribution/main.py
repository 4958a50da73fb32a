"""The composition root of aid_distribution."""

from services.aid_distribution import sessions
from services.aid_distribution.alerts.api import alerts
from services.aid_distribution.alerts.domain import AlertKind
from services.aid_distribution.alerts.sweeper import sweeper as alert_sweeper
from services.aid_distribution.audits import look_through
from services.aid_distribution.bulk.api import bulk
from services.aid_distribution.chain.api import chain
from services.aid_distribution.chain.sweep import sweeper as head_signer
from services.aid_distribution.coupons.api import coupon_rounds
from services.aid_distribution.distributions.api import (
    distributions,
    follow_up_list,
    parked_distributions,
    recipient_limits,
)
from services.aid_distribution.distributions.domain import MoreThanReceived
from services.aid_distribution.distributions.parked import DISTRIBUTIONS
from services.aid_distribution.distributions.returned import DISTRIBUTED
from services.aid_distribution.exceptions.api import exceptions
from services.aid_distribution.exceptions.issues import ISSUES
from services.aid_distribution.exceptions.store import OVERDUE
from services.aid_distribution.exceptions.sweeper import sweeper as exception_sweeper
from services.aid_distribution.exceptions.transfers import TRANSFERS
from services.aid_distribution.kits.api import kits
from services.aid_distribution.ledger.api import catalogue, stock
from services.aid_distribution.ledger.counts_api import counting
from services.aid_distribution.ledger.reports_api import reports
from services.aid_distribution.ledger.reservations_api import reserving
from services.aid_distribution.ledger.reservations_sweep import sweeper as reservation_sweeper
from services.aid_distribution.ledger.reserved import EXPIRES_BEFORE_USE
from services.aid_distribution.loans.api import loans
from services.aid_distribution.markets.api import markets
from services.aid_distribution.markets.claims_api import market_claims
from services.aid_distribution.markets.parked import SALES
from services.aid_distribution.markets.returned import SOLD
from services.aid_distribution.planning.api import outlook, plans
from services.aid_distribution.prices.api import prices
from services.aid_distribution.prices.store import ABOVE_CEILING
from services.aid_distribution.production.api import parked_deliveries, production
from services.aid_distribution.production.parked import DELIVERIES
from services.aid_distribution.production.sweep import sweeper as offer_sweeper
from services.aid_distribution.reactions import REACTIONS
from services.aid_distribution.regions.api import regions
from services.aid_distribution.returns.api import returns
from services.aid_distribution.self_audit.api import self_audits
from services.aid_distribution.self_audit.store import WRONG_LAST_NIGHT
from services.aid_distribution.self_audit.sweep import auditor
from services.aid_distribution.stations.api import parked_visits, stations
from services.aid_distribution.stations.parked import VISITS
from services.aid_distribution.stations.store import DRY
from shared.service import Service

WATCHES = {
    AlertKind.PRICE: ABOVE_CEILING,
    AlertKind.DRY_STATION: DRY,
    AlertKind.EXCEPTION_OVERDUE: OVERDUE,
    AlertKind.RESERVED_EXPIRES: EXPIRES_BEFORE_USE,
    AlertKind.LEDGER_AUDIT: WRONG_LAST_NIGHT,
}
"""What is alerted of beside stock, by the kind of the alert."""

APPLIERS = {
    "delivery": DELIVERIES,
    "distribution": DISTRIBUTIONS,
    "issue": ISSUES,
    "sale": SALES,
    "transfer": TRANSFERS,
    "visit": VISITS,
}
"""How what was parked is entered after all, by its kind."""

ORIGINS = {"distribution": DISTRIBUTED, "sale": SOLD}
"""Whose documents count what comes back of their goods, by the kind of their postings."""

SERVICE = Service(
    name="aid_distribution",
    title="Serumpun: stock and aid",
    prefix="/aid",
    routes=(
        catalogue,
        regions,
        stock,
        counting,
        reserving,
        kits,
        distributions,
        outlook,
        plans,
        production,
        stations,
        recipient_limits,
        prices,
        alerts,
        follow_up_list,
        markets,
        market_claims,
        coupon_rounds,
        bulk(ORIGINS),
        reports,
        chain,
        self_audits,
        parked_distributions,
        parked_visits,
        parked_deliveries,
        exceptions(APPLIERS),
        returns(ORIGINS, [MoreThanReceived]),
        loans,
        sessions.routes,
    ),
    reactions=REACTIONS,
    workers=(
        offer_sweeper,
        alert_sweeper(WATCHES),
        reservation_sweeper,
        head_signer,
        exception_sweeper,
        auditor(look_through),
    ),
)
