"""The append script: a stream continues by number, or it is told why not."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared import stream
from shared.consumer import arrived
from shared.contracts.envelope import Envelope
from tests.shared.backbone import SOURCE, envelope, partition, published

HERE = partition("siti")
STREAM = stream.stream_name(SOURCE, HERE)


def events(first: int, last: int) -> list[Envelope]:
    return [envelope("siti", seq) for seq in range(first, last + 1)]


async def numbers(redis: Redis) -> list[int]:
    return (await published(redis))[HERE]


def test_a_stream_is_named_for_its_source_and_its_partition_in_braces() -> None:
    assert stream.stream_name("registration", 3) == "ev:registration:{3}"
    assert stream.positions_name("registration", 3) == "pos:registration:{3}"


async def test_events_are_appended_under_their_numbers(redis: Redis) -> None:
    assert await stream.append(redis, STREAM, events(1, 3), oldest=False) == stream.Appended("ok", 3)
    assert await stream.append(redis, STREAM, events(4, 5), oldest=False) == stream.Appended("ok", 5)
    assert await numbers(redis) == [1, 2, 3, 4, 5]


async def test_a_batch_whose_answer_was_lost_may_be_sent_again(redis: Redis) -> None:
    batch = events(1, 5)
    for _ in range(3):
        assert await stream.append(redis, STREAM, batch, oldest=False) == stream.Appended("ok", 5)
    assert await stream.append(redis, STREAM, [*batch[2:], *events(6, 7)], oldest=False) == stream.Appended("ok", 7)
    assert await numbers(redis) == [1, 2, 3, 4, 5, 6, 7]


async def test_a_gap_is_answered_and_nothing_is_written(redis: Redis) -> None:
    assert await stream.append(redis, STREAM, events(2, 3), oldest=False) == stream.Appended("gap", 0)
    await stream.append(redis, STREAM, events(1, 1), oldest=False)
    assert await stream.append(redis, STREAM, events(3, 4), oldest=False) == stream.Appended("gap", 1)
    assert await stream.append(redis, STREAM, [*events(2, 2), *events(4, 4)], oldest=False) == stream.Appended("gap", 1)
    assert await numbers(redis) == [1]


async def test_the_oldest_that_is_kept_may_begin_a_stream_anywhere(redis: Redis) -> None:
    assert await stream.append(redis, STREAM, events(7, 8), oldest=True) == stream.Appended("ok", 8)
    assert await numbers(redis) == [7, 8]


async def test_another_event_at_the_same_number_is_a_clash_and_nothing_is_written(redis: Redis) -> None:
    await stream.append(redis, STREAM, events(1, 3), oldest=False)
    assert await stream.append(redis, STREAM, events(3, 5), oldest=False) == stream.Appended("clash", 3)
    assert await numbers(redis) == [1, 2, 3]


async def test_appending_at_the_same_moment_leaves_no_hole_and_no_duplicate(redis: Redis) -> None:
    batch = events(1, 300)
    starts = [(start, start + 40) for start in range(0, 300, 20)]
    for _ in range(20):
        await asyncio.gather(
            *(stream.append(redis, STREAM, batch[start:end], oldest=False) for start, end in reversed(starts))
        )
    assert await numbers(redis) == list(range(1, 301))


async def test_something_else_in_the_streams_place_is_an_error_not_an_empty_stream(redis: Redis) -> None:
    await redis.set(STREAM, "x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await stream.append(redis, STREAM, events(1, 1), oldest=False)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await stream.tails(redis, SOURCE, [HERE])


async def test_the_end_of_a_stream_is_told_with_what_consumers_have_said(redis: Redis) -> None:
    assert await stream.tails(redis, SOURCE, [HERE]) == [stream.Tail()]
    batch = events(1, 3)
    await stream.append(redis, STREAM, batch, oldest=False)
    await stream.leave_word(redis, "ours", SOURCE, {HERE: 2})
    await stream.leave_word(redis, "theirs", SOURCE, {HERE: 1})
    assert await stream.tails(redis, SOURCE, [HERE]) == [stream.Tail(3, 3, str(batch[2].id), 2)]
    await redis.xtrim(STREAM, maxlen=0, approximate=False)
    assert await stream.tails(redis, SOURCE, [HERE]) == [stream.Tail(3, passed=2)]


async def test_an_event_comes_back_from_a_stream_as_it_went_in(redis: Redis) -> None:
    event = envelope("siti", 1)
    await stream.append(redis, STREAM, [event], oldest=False)
    ((entry_id, fields),) = await redis.xrange(STREAM)
    assert stream.envelope_of(SOURCE, HERE, stream.seq_of(entry_id), fields) == event


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([b"id", b"type", b"subject", b"time", b"actor", b"region", b"traceparent", b"data", b"x"]),
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from(
                    [b"2020-09-01T00:00:00Z", b"01a20491-40a9-72e2-ba35-7236a5d369b0", b"9999-12-31T23:59Z"]
                ),
            ),
        ),
        max_size=5,
    )
)
def test_reading_entries_never_raises_whatever_stands_there(entries: list[dict[bytes, bytes]]) -> None:
    ids = [f"{seq}-0".encode() for seq in range(1, len(entries) + 1)]
    batch = arrived(SOURCE, HERE, {"type": "bstream", "channel": STREAM, "message_ids": ids, "data": entries})
    assert [event.seq for event in batch] == list(range(1, len(entries) + 1))
    for event in batch:
        assert (event.envelope is None) == bool(event.fault)


def test_an_entry_with_a_foreign_id_is_passed_over() -> None:
    batch = arrived(SOURCE, HERE, {"type": "bstream", "channel": STREAM, "message_ids": [b"5-1"], "data": [{}]})
    assert batch == []
