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
    FIND_BY_NIK = "find_by_nik"
    SEE_CONSENTS = "see_consents"
    SEE_CONSENT_TEXTS = "see_consent_texts"
    RECORD_CONSENT = "record_consent"
    SEE_DUPLICATES = "see_duplicates"
    SCAN_DUPLICATES = "scan_duplicates"
    DECIDE_DUPLICATE = "decide_duplicate"
    MERGE_BUSINESSES = "merge_businesses"
    SEE_CONTACT_TASKS = "see_contact_tasks"
    CLOSE_CONTACT_TASK = "close_contact_task"
    SEE_OWN_CONSENTS = "see_own_consents"
    GIVE_CONSENT = "give_consent"

    CHANGE_KK = "change_kk"
    SEE_KK = "see_kk"
    REVEAL = "reveal"
    REVEAL_IDENTITY = "reveal_identity"
    REVEAL_TURNOVER = "reveal_turnover"
    SEE_REVEALS = "see_reveals"
    SEE_OWN_REVEALS = "see_own_reveals"
    RESTRICT_PERSON = "restrict_person"
    ERASE_PERSON = "erase_person"
    IMPORT_BUSINESSES = "import_businesses"
    EXPORT_BUSINESSES = "export_businesses"

    SEE_TRAININGS = "see_trainings"
    ANNOUNCE_TRAINING = "announce_training"
    SEE_ENROLMENTS = "see_enrolments"
    SEE_OWN_ENROLMENTS = "see_own_enrolments"
    ENROL_BUSINESS = "enrol_business"
    ANSWER_SEAT = "answer_seat"
    ALLOCATE_SEATS = "allocate_seats"
    SEE_ENTRY_CODE = "see_entry_code"
    RECORD_ATTENDANCE = "record_attendance"
    ISSUE_CERTIFICATES = "issue_certificates"
    SEE_CERTIFICATES = "see_certificates"
    SEE_OWN_CERTIFICATES = "see_own_certificates"
    PRINT_CERTIFICATE = "print_certificate"
    VERIFY_CERTIFICATE = "verify_certificate"

    SEE_SURVEYS = "see_surveys"
    PLAN_SURVEY = "plan_survey"
    RECORD_ANSWER = "record_answer"
    SEE_ANSWERS = "see_answers"
    SEE_NEED = "see_need"
    SEE_SURVEY_LINK = "see_survey_link"
    SEE_OWN_SURVEYS = "see_own_surveys"
    SEE_LINKED_SURVEY = "see_linked_survey"
    ANSWER_BY_LINK = "answer_by_link"

    SEE_STOCK = "see_stock"
    SEE_CATALOGUE = "see_catalogue"
    CHANGE_CATALOGUE = "change_catalogue"
    RECEIVE_STOCK = "receive_stock"
    ISSUE_STOCK = "issue_stock"
    TRANSFER_STOCK = "transfer_stock"
    RESERVE_STOCK = "reserve_stock"
    DEFINE_KIT = "define_kit"
    ASSEMBLE_KITS = "assemble_kits"
    REVERSE_POSTING = "reverse_posting"
    COUNT_STOCK = "count_stock"
    HOLD_LOT = "hold_lot"
    POST_IN_BULK = "post_in_bulk"
    SEE_DISTRIBUTIONS = "see_distributions"
    POST_DISTRIBUTION = "post_distribution"
    VOID_DISTRIBUTION = "void_distribution"
    SEE_PLANS = "see_plans"
    PLAN_ALLOCATION = "plan_allocation"

    SEE_PRODUCTION = "see_production"
    SEE_OWN_PRODUCTION = "see_own_production"
    ORDER_PRODUCTION = "order_production"
    ANSWER_PRODUCTION = "answer_production"
    RECEIVE_PRODUCTION = "receive_production"
    PAY_PRODUCTION = "pay_production"
    SEE_STATIONS = "see_stations"
    PLACE_STATION = "place_station"
    VISIT_STATION = "visit_station"
    REMOVE_STATION = "remove_station"
    SEE_STATION_CODE = "see_station_code"
    SEE_STATION_STATE = "see_station_state"
    REPORT_STATION = "report_station"
    ADD_EVIDENCE = "add_evidence"
    SEE_EVIDENCE = "see_evidence"
    SEE_FOLLOW_UPS = "see_follow_ups"
    DRAW_SAMPLE = "draw_sample"
    SET_LIMITS = "set_limits"
    SEE_LIMITS = "see_limits"
    SEE_PRICES = "see_prices"
    OBSERVE_PRICES = "observe_prices"
    SET_CEILINGS = "set_ceilings"
    SET_LEVELS = "set_levels"
    SEE_ALERTS = "see_alerts"
    FOLLOW_STOCK = "follow_stock"
    SEE_MARKETS = "see_markets"
    RUN_MARKETS = "run_markets"
    RUN_COUPONS = "run_coupons"
    SEE_COUPONS = "see_coupons"
    SEE_PRESSURE = "see_pressure"
    SETTLE_CLAIMS = "settle_claims"
    VERIFY_PAPER = "verify_paper"
    SEE_CHAIN = "see_chain"
    SEE_AUDITS = "see_audits"
    SEE_CHAIN_KEY = "see_chain_key"
    RETURN_STOCK = "return_stock"
    LEND_ASSETS = "lend_assets"
    SEE_EXCEPTIONS = "see_exceptions"
    PARK_EXCEPTION = "park_exception"
    SETTLE_EXCEPTION = "settle_exception"

    READ_INBOX = "read_inbox"
    SET_PREFERENCES = "set_preferences"
    STOP_MESSAGES = "stop_messages"
    SUBSCRIBE = "subscribe"
    REGISTER_STAFF = "register_staff"
    SEE_CONTACTS = "see_contacts"
    SEE_MESSAGES = "see_messages"
    RESOLVE_DELIVERY = "resolve_delivery"
    SEE_LOCAL_OUTBOX = "see_local_outbox"
    OPEN_LOCAL_OUTBOX = "open_local_outbox"
    TAKE_RECEIPTS = "take_receipts"
    ENTER_REPLY = "enter_reply"
    SEE_REPLIES = "see_replies"
    SIGN_IN = "sign_in"
    SIGN_IN_AT_OFFICE = "sign_in_at_office"
    SEE_BROADCASTS = "see_broadcasts"
    DRAFT_BROADCAST = "draft_broadcast"
    APPROVE_BROADCAST = "approve_broadcast"
    HALT_BROADCAST = "halt_broadcast"

    READ_EVENTS = "read_events"
    SEE_PARKED = "see_parked"


_FIELD = frozenset({Role.REGENCY_OFFICER, Role.PROVINCE_STAFF, Role.OPERATOR})
_READERS = _FIELD | {Role.AUDITOR}
_OFFICE = frozenset({Role.PROVINCE_STAFF, Role.OPERATOR})
_EVERYBODY = frozenset(Role)
_CASEWORK = frozenset({Role.REGENCY_OFFICER, Role.PROVINCE_STAFF})
"""Who works with people; who keeps the machines running has no need of their numbers."""

MATRIX: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.SEE_BUSINESSES: _READERS | {Role.TURNOVER_READER},
        Action.REGISTER_BUSINESS: _FIELD,
        Action.CHANGE_BUSINESS: _FIELD,
        Action.CLOSE_BUSINESS: _FIELD,
        Action.SEE_OWN_BUSINESS: frozenset({Role.OWNER}),
        Action.FIND_BY_NIK: _FIELD,  # who has the card of a person before them
        Action.SEE_DUPLICATES: _READERS,
        Action.SCAN_DUPLICATES: _FIELD,
        Action.DECIDE_DUPLICATE: _FIELD,
        Action.MERGE_BUSINESSES: _FIELD,
        Action.SEE_CONSENTS: _READERS,
        Action.SEE_CONSENT_TEXTS: _READERS | {Role.OWNER},
        Action.RECORD_CONSENT: _FIELD,
        Action.SEE_CONTACT_TASKS: _FIELD,  # the names of people: an auditor checks figures
        Action.CLOSE_CONTACT_TASK: _FIELD,
        Action.SEE_OWN_CONSENTS: frozenset({Role.OWNER}),
        Action.GIVE_CONSENT: frozenset({Role.OWNER}),
        Action.CHANGE_KK: _CASEWORK,
        Action.SEE_KK: _CASEWORK,
        Action.REVEAL: _CASEWORK | {Role.TURNOVER_READER},  # and then by the field: the two below
        Action.REVEAL_IDENTITY: _CASEWORK,
        Action.REVEAL_TURNOVER: frozenset({Role.TURNOVER_READER}),  # specific personal data: a role of its own
        Action.SEE_REVEALS: frozenset({Role.AUDITOR}),
        Action.SEE_OWN_REVEALS: frozenset({Role.OWNER}),
        Action.RESTRICT_PERSON: frozenset({Role.PROVINCE_STAFF}),
        Action.ERASE_PERSON: frozenset({Role.PROVINCE_STAFF}),
        Action.IMPORT_BUSINESSES: _FIELD,
        Action.EXPORT_BUSINESSES: _FIELD,  # names and telephone numbers in one file
        Action.SEE_TRAININGS: _READERS,
        Action.ANNOUNCE_TRAINING: _OFFICE,
        Action.SEE_SURVEYS: _READERS,
        Action.PLAN_SURVEY: _OFFICE,
        Action.RECORD_ANSWER: _FIELD,
        Action.SEE_ANSWERS: _FIELD,  # what one business told: an auditor checks figures, not people
        Action.SEE_NEED: _FIELD,
        Action.SEE_SURVEY_LINK: _FIELD,  # who has the link may answer
        Action.SEE_OWN_SURVEYS: frozenset({Role.OWNER}),
        Action.SEE_LINKED_SURVEY: _EVERYBODY,
        Action.ANSWER_BY_LINK: _EVERYBODY,
        Action.SEE_ENROLMENTS: _READERS,
        Action.SEE_OWN_ENROLMENTS: frozenset({Role.OWNER}),
        Action.ENROL_BUSINESS: _FIELD | {Role.OWNER},  # an owner their own
        Action.ANSWER_SEAT: _FIELD | {Role.OWNER},  # an owner for their own; the office for who has told it so
        Action.ALLOCATE_SEATS: _OFFICE,
        Action.SEE_ENTRY_CODE: _FIELD | {Role.OWNER},  # who has the code is let in
        Action.RECORD_ATTENDANCE: _FIELD,
        Action.ISSUE_CERTIFICATES: _OFFICE,
        Action.SEE_CERTIFICATES: _READERS,
        Action.SEE_OWN_CERTIFICATES: frozenset({Role.OWNER}),
        Action.PRINT_CERTIFICATE: _FIELD | {Role.OWNER},  # it bears a name
        Action.VERIFY_CERTIFICATE: _EVERYBODY,  # whoever holds the paper
        Action.SEE_STOCK: _READERS,
        Action.SEE_CATALOGUE: _READERS,
        Action.CHANGE_CATALOGUE: _OFFICE,
        Action.RECEIVE_STOCK: _FIELD,
        Action.ISSUE_STOCK: _FIELD,
        Action.TRANSFER_STOCK: _FIELD,
        Action.RESERVE_STOCK: _FIELD,
        Action.DEFINE_KIT: _OFFICE,
        Action.ASSEMBLE_KITS: _FIELD,
        Action.REVERSE_POSTING: _FIELD,
        Action.COUNT_STOCK: _FIELD,
        Action.HOLD_LOT: _OFFICE,
        Action.POST_IN_BULK: _FIELD,  # each line as its own kind besides
        Action.SEE_DISTRIBUTIONS: _READERS,
        Action.POST_DISTRIBUTION: _FIELD,
        Action.VOID_DISTRIBUTION: _FIELD,
        Action.SEE_PLANS: _READERS,
        Action.PLAN_ALLOCATION: _OFFICE,
        Action.SEE_PRODUCTION: _READERS,
        Action.SEE_OWN_PRODUCTION: frozenset({Role.OWNER}),
        Action.ORDER_PRODUCTION: _OFFICE,
        Action.ANSWER_PRODUCTION: _FIELD | {Role.OWNER},  # an owner their own; the office for who has told it so
        Action.RECEIVE_PRODUCTION: _FIELD,
        Action.PAY_PRODUCTION: _OFFICE,
        Action.SEE_STATIONS: _READERS,
        Action.PLACE_STATION: _FIELD,
        Action.VISIT_STATION: _FIELD,
        Action.REMOVE_STATION: _FIELD,
        Action.SEE_STATION_CODE: _FIELD,  # who has the code may report
        Action.SEE_STATION_STATE: _EVERYBODY,
        Action.REPORT_STATION: _EVERYBODY,
        Action.ADD_EVIDENCE: _FIELD,  # and with it seeing the name of who signed
        Action.SEE_EVIDENCE: _READERS,
        Action.SEE_FOLLOW_UPS: _READERS,
        Action.DRAW_SAMPLE: _READERS,
        Action.SET_LIMITS: _OFFICE,
        Action.SEE_LIMITS: _READERS,
        Action.SEE_PRICES: _READERS,
        Action.OBSERVE_PRICES: _FIELD,
        Action.SET_CEILINGS: _OFFICE,
        Action.SET_LEVELS: _FIELD,
        Action.SEE_ALERTS: _READERS,
        Action.FOLLOW_STOCK: _READERS,
        Action.SEE_MARKETS: _READERS,
        Action.RUN_MARKETS: _FIELD,
        Action.RUN_COUPONS: _FIELD,  # and with it seeing a coupon itself: who has it may use it
        Action.SEE_COUPONS: _READERS,
        Action.SETTLE_CLAIMS: _OFFICE,
        Action.SEE_PRESSURE: _OFFICE | {Role.AUDITOR},  # one region beside the other
        Action.VERIFY_PAPER: frozenset(Role),  # whoever holds the paper
        Action.SEE_CHAIN: _OFFICE | {Role.AUDITOR},
        Action.SEE_AUDITS: _OFFICE | {Role.AUDITOR},  # about a whole province
        Action.SEE_CHAIN_KEY: _EVERYBODY,  # whoever was given a head
        Action.RETURN_STOCK: _FIELD,
        Action.LEND_ASSETS: _FIELD,
        Action.SEE_EXCEPTIONS: _READERS,
        Action.PARK_EXCEPTION: _FIELD,
        Action.SETTLE_EXCEPTION: _FIELD,
        Action.READ_INBOX: _READERS | {Role.OWNER},  # one's own, always
        Action.SET_PREFERENCES: _READERS | {Role.OWNER},  # one's own, always
        Action.STOP_MESSAGES: _FIELD,  # for who said so at the office
        Action.SUBSCRIBE: frozenset({Role.REGENCY_OFFICER, Role.PROVINCE_STAFF}),  # whom the rules tell
        Action.REGISTER_STAFF: _OFFICE,
        Action.SEE_CONTACTS: _FIELD,  # phones and addresses: an auditor checks figures, not people
        Action.SEE_MESSAGES: _READERS,
        Action.RESOLVE_DELIVERY: _FIELD,
        Action.SEE_LOCAL_OUTBOX: _FIELD,  # phones and addresses, as with contacts
        Action.OPEN_LOCAL_OUTBOX: _EVERYBODY,  # whoever was given the address of the day
        Action.TAKE_RECEIPTS: _EVERYBODY,  # who can sign for the provider
        Action.ENTER_REPLY: _FIELD,
        Action.SEE_REPLIES: _FIELD,  # the words of people: an auditor checks figures
        Action.SIGN_IN: _EVERYBODY,  # who one is is just what is found out
        Action.SIGN_IN_AT_OFFICE: _READERS | {Role.TURNOVER_READER},  # by a token; an owner by a code
        Action.SEE_BROADCASTS: _READERS,
        Action.DRAFT_BROADCAST: _CASEWORK,
        Action.APPROVE_BROADCAST: _CASEWORK,  # and of these nobody what they wrote themselves
        Action.HALT_BROADCAST: _FIELD,  # whoever sees that something goes wrong
        Action.READ_EVENTS: frozenset({Role.SERVICE, Role.OPERATOR}),  # the feed holds every region
        Action.SEE_PARKED: _OFFICE,  # of every region too, by number and kind alone
    }
)


def allowed(action: Action, role: Role) -> bool:
    """Tell whether a role may do something; where, is a matter of the caller's regions."""
    return role in MATRIX[action]


def demand(caller: Caller, action: Action) -> None:
    """Let a caller pass, or raise Forbidden (403) naming the action."""
    if not allowed(action, caller.role):
        raise Forbidden(f"The role {caller.role} may not {action.replace('_', ' ')}.", action=action.value)
