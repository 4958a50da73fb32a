"""The role matrix: who may do what, in one place; its test is parametrised by it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from shared.caller import Caller, Role
from shared.problems import Forbidden


class Action(StrEnum):
    """Everything that a route asks permission for."""

    SEE_BUSINESSES = "see_businesses"
    REGISTER_BUSINESS = "register_business"
    CHANGE_BUSINESS = "change_business"
    CLOSE_BUSINESS = "close_business"
    SEE_OWN_BUSINESS = "see_own_business"

    SEE_STOCK = "see_stock"
    SEE_CATALOGUE = "see_catalogue"
    CHANGE_CATALOGUE = "change_catalogue"
    RECEIVE_STOCK = "receive_stock"
    ISSUE_STOCK = "issue_stock"
    TRANSFER_STOCK = "transfer_stock"
    REVERSE_POSTING = "reverse_posting"
    COUNT_STOCK = "count_stock"
    HOLD_LOT = "hold_lot"
    SEE_DISTRIBUTIONS = "see_distributions"
    POST_DISTRIBUTION = "post_distribution"
    VOID_DISTRIBUTION = "void_distribution"

    READ_INBOX = "read_inbox"
    REGISTER_STAFF = "register_staff"
    SEE_CONTACTS = "see_contacts"
    SEE_MESSAGES = "see_messages"

    READ_EVENTS = "read_events"


_FIELD = frozenset({Role.REGENCY_OFFICER, Role.PROVINCE_STAFF, Role.OPERATOR})
_READERS = _FIELD | {Role.AUDITOR}
_OFFICE = frozenset({Role.PROVINCE_STAFF, Role.OPERATOR})

MATRIX: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.SEE_BUSINESSES: _READERS,
        Action.REGISTER_BUSINESS: _FIELD,
        Action.CHANGE_BUSINESS: _FIELD,
        Action.CLOSE_BUSINESS: _FIELD,
        Action.SEE_OWN_BUSINESS: frozenset({Role.OWNER}),
        Action.SEE_STOCK: _READERS,
        Action.SEE_CATALOGUE: _READERS,
        Action.CHANGE_CATALOGUE: _OFFICE,
        Action.RECEIVE_STOCK: _FIELD,
        Action.ISSUE_STOCK: _FIELD,
        Action.TRANSFER_STOCK: _FIELD,
        Action.REVERSE_POSTING: _FIELD,
        Action.COUNT_STOCK: _FIELD,
        Action.HOLD_LOT: _OFFICE,
        Action.SEE_DISTRIBUTIONS: _READERS,
        Action.POST_DISTRIBUTION: _FIELD,
        Action.VOID_DISTRIBUTION: _FIELD,
        Action.READ_INBOX: _READERS | {Role.OWNER},  # one's own, always
        Action.REGISTER_STAFF: _OFFICE,
        Action.SEE_CONTACTS: _FIELD,  # phones and addresses: an auditor checks figures, not people
        Action.SEE_MESSAGES: _READERS,
        Action.READ_EVENTS: frozenset({Role.SERVICE, Role.OPERATOR}),  # the feed holds every region
    }
)


def allowed(action: Action, role: Role) -> bool:
    """Tell whether a role may do something; where, is a matter of the caller's regions."""
    return role in MATRIX[action]


def demand(caller: Caller, action: Action) -> None:
    """Let a caller pass, or raise Forbidden (403) naming the action."""
    if not allowed(action, caller.role):
        raise Forbidden(f"The role {caller.role} may not {action.replace('_', ' ')}.", action=action.value)
