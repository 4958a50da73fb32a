"""The numbered outbox: dense numbers in the order of commits."""

import asyncio
import random

import msgspec
import pytest
from msgspec import structs
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from shared import outbox
from shared.contracts.registration import OwnerChanged
from shared.database import Database
from shared.outbox import EventTooLarge
from tests.shared.backbone import OFFICER, commit, fact, heads, partition, recorded, scalars

NAMES = [f"owner {number}" for number in range(40)]


async def test_numbers_are_dense_and_follow_the_order_of_recording(source: Database) -> None:
    await commit(source, *(fact("siti", number) for number in range(1, 6)))
    await commit(source, fact("siti", 6))
    rows = await recorded(source, partition("siti"))
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.subject for row in rows] == [fact("siti", 1).subject] * 6


async def numbered_and_then_failed(source: Database) -> None:
    async with source.work(OFFICER) as work:
        work.record(fact("siti", 2), region="19.71")
        await outbox.write(work.session, work.recorded, 4)
        raise ArithmeticError


async def test_a_rollback_gives_its_numbers_back(source: Database) -> None:
    await commit(source, fact("siti", 1))
    with pytest.raises(ArithmeticError):
        await numbered_and_then_failed(source)
    await commit(source, fact("siti", 3))
    assert [row.seq for row in await recorded(source, partition("siti"))] == [1, 2]
    assert (await heads(source))[partition("siti")] == 2


async def test_transactions_over_many_partitions_do_not_block_one_another_for_good(source: Database) -> None:
    chance = random.Random(7)

    async def write(number: int) -> None:
        names = chance.sample(NAMES, 6)
        async with source.work(OFFICER) as work:
            await work.session.execute(text("SELECT 1"))
            for name in names:
                work.record(fact(name, number), region="19.71")

    await asyncio.gather(*(write(number) for number in range(80)))
    found = await heads(source)
    assert sum(found.values()) == 480
    for number, head in found.items():
        assert [row.seq for row in await recorded(source, number)] == list(range(1, head + 1))[:500]


async def test_the_order_of_numbers_is_the_order_of_commits(source: Database) -> None:
    """A reader that always asks for what follows the last number it saw never misses a row that comes late."""
    writers = [asyncio.create_task(commit(source, fact("siti", number))) for number in range(60)]
    read: list[int] = []
    while not all(writer.done() for writer in writers):
        read += await scalars(source, f"SELECT seq FROM outbox WHERE seq > {len(read)} ORDER BY seq")  # noqa: S608
        assert read == list(range(1, len(read) + 1))
    read += await scalars(source, f"SELECT seq FROM outbox WHERE seq > {len(read)} ORDER BY seq")  # noqa: S608
    assert read == list(range(1, 61))


async def test_a_sequence_in_place_of_the_head_gives_a_late_number_below_one_already_seen(source: Database) -> None:
    """The control: why the head row exists, and bigserial is not enough."""
    async with source.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE naive (seq bigserial PRIMARY KEY)"))
    async with AsyncSession(source.engine) as slow:
        await slow.execute(text("INSERT INTO naive DEFAULT VALUES"))
        async with source.engine.begin() as quick:
            await quick.execute(text("INSERT INTO naive DEFAULT VALUES"))
        seen = await scalars(source, "SELECT seq FROM naive ORDER BY seq")
        await slow.commit()
    assert seen == [2]
    assert await scalars(source, "SELECT seq FROM naive ORDER BY seq") == [1, 2]


async def test_an_event_of_the_largest_size_is_carried_and_one_byte_more_is_refused_with_its_change(
    source: Database,
) -> None:
    def of_bytes(length: int) -> OwnerChanged:
        around = len(msgspec.msgpack.encode(structs.replace(fact("siti", 1), name="x" * length))) - length
        return structs.replace(fact("siti", 1), name="x" * (length - around))

    await commit(source, of_bytes(outbox.EVENT_BYTES_MAX))
    (row,) = await recorded(source, partition("siti"))
    assert len(row.data) == outbox.EVENT_BYTES_MAX
    with pytest.raises(EventTooLarge) as refused:
        await commit(source, fact("siti", 2), of_bytes(outbox.EVENT_BYTES_MAX + 1))
    assert refused.value.status == 413
    assert refused.value.members["limit_bytes"] == outbox.EVENT_BYTES_MAX
    assert "serumpun.owner.changed.v1 would have 500001 bytes" in refused.value.detail
    assert (await heads(source))[partition("siti")] == 1, "what was recorded with it is not there either"


async def test_a_different_number_of_partitions_is_refused_at_installation(source: Database) -> None:
    async with AsyncSession(source.engine) as session:
        with pytest.raises(ValueError, match="installed with 4 partitions"):
            await outbox.install_heads(session, 8)


async def test_an_event_for_a_partition_that_is_not_installed_fails_the_transaction(source: Database) -> None:
    wrong = Database(source.url, "registration", partitions=64, clock=source.clock)
    name = next(name for name in NAMES if partition(name, 64) >= 4)
    with pytest.raises(LookupError, match="PARTITIONS"):
        await commit(wrong, fact(name, 1))
    await wrong.close()
    assert await scalars(source, "SELECT seq FROM outbox") == []
