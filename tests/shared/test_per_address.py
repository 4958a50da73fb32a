"""How often one address may ask: a share of time for each question, a minute ahead at the most."""

from datetime import UTC, datetime, timedelta

from shared.per_address import AskedByAddress

NOW = datetime(2020, 9, 14, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_so_many_at_once_and_then_one_for_each_share_of_a_minute() -> None:
    asked = AskedByAddress(per_minute=6)
    assert [asked.wait_seconds("203.0.113.9", NOW) for _ in range(8)] == [0] * 6 + [10, 10]
    later = NOW + 9 * SECOND
    assert asked.wait_seconds("203.0.113.9", later) == 1
    assert [asked.wait_seconds("203.0.113.9", later + SECOND) for _ in range(2)] == [0, 10]
    whole = NOW + timedelta(minutes=5)
    assert [asked.wait_seconds("203.0.113.9", whole) for _ in range(7)] == [0] * 6 + [10]


def test_addresses_count_apart_and_a_household_of_ipv6_counts_as_one() -> None:
    asked = AskedByAddress(per_minute=1)
    told = ["203.0.113.9", "203.0.113.10", "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1", "", ""]
    assert [bool(asked.wait_seconds(one, NOW)) for one in told] == [False, False, False, True, False, False, True]


def test_no_more_is_remembered_than_counts_and_than_there_is_room_for() -> None:
    asked = AskedByAddress(per_minute=1, addresses_max=3)
    for one in range(10):
        asked.wait_seconds(f"203.0.113.{one}", NOW)
    assert len(asked._free_at) == 3
    assert asked.wait_seconds("203.0.113.9", NOW) == 60
    assert asked.wait_seconds("203.0.113.0", NOW) == 0
    asked.wait_seconds("203.0.113.77", NOW + timedelta(minutes=2))
    assert list(asked._free_at) == ["203.0.113.77"]
