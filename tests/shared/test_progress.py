"""Progress: exact, and the only thing by which a consumer is judged alive."""

from time import monotonic

from shared.consumer import NotYet
from shared.parking import ParkedBecause
from shared.progress import STALLED_SECONDS, ConsumerState, Lane


def lane(position: int, last: int) -> Lane:
    lane = Lane("registration", 0)
    lane.see(last, monotonic())
    lane.advance(position)
    return lane


def test_lag_is_the_difference_of_two_numbers() -> None:
    assert lane(7, 10).lag == 3
    assert lane(10, 10).lag == 0
    assert lane(10, 4).lag == -6  # Redis has lost what we have handled, and is being filled again
    assert ConsumerState([lane(7, 10), lane(10, 4), lane(0, 2)]).lag == 5


def test_who_is_behind_and_does_not_move_is_not_alive() -> None:
    now = monotonic()
    late = lane(7, 10)
    late.see(10, now + STALLED_SECONDS + 1)
    assert late.stalled(now + STALLED_SECONDS + 1)
    assert not late.alive(now + STALLED_SECONDS + 1)
    late.advance(8)
    late.moved_at = now + STALLED_SECONDS
    assert late.alive(now + STALLED_SECONDS + 1)


def test_who_stands_still_is_started_anew_now_and_then_and_stays_dead_meanwhile() -> None:
    late = lane(7, 10)
    now = late.moved_at + STALLED_SECONDS + 1
    late.see(10, now)
    assert late.wants_restart(now)
    late.restarted_at = now
    assert not late.wants_restart(now + 1)
    assert late.wants_restart(now + STALLED_SECONDS + 1)
    assert not late.alive(now)


def test_who_has_nothing_to_do_is_alive_however_long_that_lasts() -> None:
    idle = lane(10, 10)
    later = monotonic() + 1000
    idle.see(10, later)
    assert idle.alive(later)
    assert idle.behind_seconds(later) == 0


def test_who_was_never_or_not_lately_seen_is_not_alive() -> None:
    assert not Lane("registration", 0).alive(monotonic())
    assert not lane(10, 10).alive(monotonic() + STALLED_SECONDS + 1)


def test_a_new_event_after_a_long_rest_starts_the_time_anew() -> None:
    rested = lane(10, 10)
    later = monotonic() + 1000
    rested.see(10, later)
    rested.see(11, later + 1)
    assert rested.behind_seconds(later + 1) < 2


def test_what_holds_a_lane_up_is_told_in_our_words_or_by_its_class_only() -> None:
    held = lane(7, 10)
    held.fail(NotYet("the owner is not known yet"))
    assert held.error == "NotYet: the owner is not known yet"
    held.fail(ValueError("Siti Aminah"))
    assert held.error == "ValueError"
    assert held.failures == 2
    held.advance(8)
    assert (held.error, held.failures) == ("", 0)


def test_a_service_without_sources_has_nothing_to_be_behind_of() -> None:
    state = ConsumerState([])
    assert state.alive(monotonic())
    assert state.parked == {ParkedBecause.POISON: 0, ParkedBecause.NOT_YET: 0, ParkedBecause.BEHIND: 0}
