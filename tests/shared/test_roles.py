"""The matrix is its own list of cases; what must hold of it is said once more, in words."""

import pytest

from shared.caller import Caller, Role
from shared.problems import Forbidden
from shared.roles import MATRIX, Action, allowed, demand

CASES = [(action, role) for action in Action for role in Role]
OPEN = {action for action in Action if allowed(action, Role.PUBLIC)}
READING = {action for action in Action if action.startswith(("see_", "read_", "follow_", "draw_"))}


def may(role: Role) -> set[Action]:
    return {action for action in Action if allowed(action, role)}


@pytest.mark.parametrize(("action", "role"), CASES, ids=lambda value: value.value)
def test_the_edge_lets_exactly_those_pass_whom_the_matrix_names(action: Action, role: Role) -> None:
    caller = Caller("someone", role, ())
    if role in MATRIX[action]:
        demand(caller, action)
        return
    with pytest.raises(Forbidden) as refusal:
        demand(caller, action)
    assert (refusal.value.status, refusal.value.code) == (403, "forbidden")
    assert refusal.value.members == {"action": action.value}


def test_every_action_has_a_row_and_nobody_is_without_any_right() -> None:
    assert set(MATRIX) == set(Action)
    assert all(MATRIX.values())
    assert all(may(role) for role in set(Role) - {Role.PUBLIC})


def test_the_matrix_cannot_be_changed_while_it_runs() -> None:
    with pytest.raises(TypeError):
        MATRIX[Action.SEE_STOCK] = frozenset(Role)  # type: ignore[index]


def test_an_auditor_changes_nothing() -> None:
    own = {Action.SET_PREFERENCES, Action.SIGN_IN_AT_OFFICE}
    assert may(Role.AUDITOR) - OPEN - own <= READING, "but how they are told themselves, and their own session"


def test_an_auditor_checks_figures_and_not_people() -> None:
    assert not allowed(Action.SEE_CONTACTS, Role.AUDITOR)


def test_who_keeps_the_machines_running_looks_behind_no_mask() -> None:
    assert {Action.REVEAL, Action.REVEAL_IDENTITY, Action.REVEAL_TURNOVER, Action.SEE_KK}.isdisjoint(may(Role.OPERATOR))


def test_turnover_has_a_role_of_its_own_which_sees_no_identity_and_reaches_nobody() -> None:
    assert {role for role in Role if allowed(Action.REVEAL_TURNOVER, role)} == {Role.TURNOVER_READER}
    own = {Action.SEE_BUSINESSES, Action.REVEAL, Action.REVEAL_TURNOVER, Action.SIGN_IN_AT_OFFICE}
    assert may(Role.TURNOVER_READER) - OPEN == own


def test_an_owner_sees_only_what_is_their_own() -> None:
    own = {
        Action.SEE_OWN_BUSINESS,
        Action.SEE_OWN_CONSENTS,
        Action.SEE_CONSENT_TEXTS,
        Action.GIVE_CONSENT,
        Action.SEE_OWN_PRODUCTION,
        Action.ANSWER_PRODUCTION,
        Action.READ_INBOX,
        Action.SET_PREFERENCES,
    }
    own |= {Action.SEE_OWN_ENROLMENTS, Action.ENROL_BUSINESS, Action.ANSWER_SEAT}
    own |= {Action.SEE_ENTRY_CODE, Action.PRINT_CERTIFICATE, Action.SET_PREFERENCES}
    own |= {Action.SEE_OWN_SURVEYS, Action.SEE_OWN_CERTIFICATES}
    assert may(Role.OWNER) - OPEN == own | {Action.SEE_OWN_REVEALS}


def test_another_service_reads_the_feed_and_nothing_else() -> None:
    assert may(Role.SERVICE) - OPEN == {Action.READ_EVENTS}


def test_the_feed_with_every_region_in_it_is_not_for_offices() -> None:
    assert {role for role in Role if allowed(Action.READ_EVENTS, role)} == {Role.SERVICE, Role.OPERATOR}


def test_a_regency_does_its_daily_work_but_leaves_the_catalogue_to_the_province() -> None:
    daily = {Action.POST_DISTRIBUTION, Action.RECEIVE_STOCK, Action.ISSUE_STOCK, Action.REGISTER_BUSINESS}
    assert daily <= may(Role.REGENCY_OFFICER)
    assert may(Role.REGENCY_OFFICER) < may(Role.PROVINCE_STAFF)
    assert may(Role.PROVINCE_STAFF) - may(Role.REGENCY_OFFICER) == {
        Action.ALLOCATE_SEATS,
        Action.ANNOUNCE_TRAINING,
        Action.CHANGE_CATALOGUE,
        Action.DEFINE_KIT,
        Action.ERASE_PERSON,
        Action.HOLD_LOT,
        Action.ISSUE_CERTIFICATES,
        Action.ORDER_PRODUCTION,
        Action.PAY_PRODUCTION,
        Action.PLAN_ALLOCATION,
        Action.PLAN_SURVEY,
        Action.REGISTER_STAFF,
        Action.RESTRICT_PERSON,
        Action.SEE_AUDITS,
        Action.SEE_CHAIN,
        Action.SEE_PARKED,
        Action.SEE_PRESSURE,
        Action.SET_CEILINGS,
        Action.SET_LIMITS,
        Action.SETTLE_CLAIMS,
    }
