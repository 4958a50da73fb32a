"""The copy of a person that notifications gives: how they are reached, and everything that was written to them."""

from collections.abc import Sequence

from shared.person_copy import PersonTable, of_business, owned, told

TABLES: Sequence[PersonTable] = (
    owned("contact"),
    owned("contact_hold"),
    owned("contact_consent"),
    owned("contact_business"),
    told("preference"),
    PersonTable("reply", ":owner_id = ANY(t.owner_ids)"),
    of_business("seat_offer"),
    told("message"),
    told("delivery"),
    told("withheld"),
    told("last_word"),
    told("broadcast_recipient"),
)
"""Every table of notifications that says something of an owner."""
