"""The copy of a person that aid_distribution gives: what their businesses received, made, borrowed and were paid."""

from collections.abc import Sequence

from services.aid_distribution.distributions.evidence import THEIRS
from shared.person_copy import PersonTable, of_business, owned

_ORDERS = "t.order_id IN (SELECT id FROM production_order WHERE business_id = ANY(CAST(:businesses AS uuid[])))"

TABLES: Sequence[PersonTable] = (
    owned("known_business"),
    owned("restricted_person"),
    of_business("declared_need"),
    of_business("erased_business"),
    of_business("distribution_business"),
    of_business("distribution_share"),
    of_business("limited_recipient"),
    of_business("producer_profile"),
    of_business("production_share"),
    of_business("production_order"),
    of_business("distribution_return"),
    of_business("stock_return"),
    of_business("loan"),
    PersonTable("production_delivery", _ORDERS),
    PersonTable("production_payment", _ORDERS),
    PersonTable("distribution_evidence", f"t.distribution_id IN ({THEIRS})"),
)
"""Every table of aid_distribution that says something of an owner, through their businesses."""
