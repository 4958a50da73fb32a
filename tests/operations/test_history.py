"""`serumpun demo --scale`: a long history that verify finds nothing wrong with, in a demo and nowhere else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.operations.conftest import Installation
from tests.processes import Process
from tests.waiting import wait_until

MOVEMENTS = 4_000
SECONDS_MAX = 240
GOODS = "SELECT count(*) FROM item WHERE NOT starts_with(code, 'COUPON-')"
A_STRANGER = """
    INSERT INTO business
    SELECT (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid(), 'nib', NULL))).* FROM business b
    LIMIT 1
"""


async def demo(there: Installation, movements: int, folder: Path) -> Process:
    """Run the command to its end."""
    environment = {name: value for name, value in there.environment.items() if name != "SERUMPUN_HOME"}
    process = Process(there.settings.home, "demo", "--scale", str(movements), log=folder / "demo.log", **environment)
    process.start()
    try:
        await wait_until(lambda: not process.running, SECONDS_MAX, "the history to be loaded")
    finally:
        await process.stop()
    return process


async def counted(there: Installation, question: str) -> int:
    ((count,),) = await there.rows("aid_distribution", question)
    return int(count)


async def test_a_history_is_loaded_over_what_is_there_and_verify_holds(there: Installation, tmp_path: Path) -> None:
    before = await counted(there, "SELECT count(*) FROM posting")
    for times in (1, 2):
        loaded = await demo(there, MOVEMENTS, tmp_path)
        assert loaded.exit_code == 0, loaded.output
        assert f"{MOVEMENTS:,} movements" in loaded.output
        assert await counted(there, "SELECT count(*) FROM posting") == before + times * MOVEMENTS
    assert await there.faults() == []
    by_place = await there.rows(
        "aid_distribution",
        """
        SELECT p.code, count(DISTINCT c.item) AS items, count(DISTINCT c.lot) AS lots FROM place p
        JOIN card c ON c.place = p.code WHERE p.kind <> 'virtual' GROUP BY p.code
        """,
    )
    assert len(by_place) == await counted(there, "SELECT count(*) FROM place WHERE kind <> 'virtual'")
    assert min(row["items"] for row in by_place) == await counted(there, GOODS)
    assert min(row["lots"] for row in by_place) >= 3
    assert await counted(there, "SELECT count(DISTINCT day) FROM card_day") >= 365
    assert await counted(there, "SELECT count(*) FROM distribution WHERE document = 'DEMO'") > MOVEMENTS // 2


async def test_posting_goes_on_after_a_history_also_back_into_it(there: Installation, tmp_path: Path) -> None:
    assert (await demo(there, MOVEMENTS, tmp_path)).exit_code == 0
    lines = [{"item": "MASK-CLOTH", "quantity": 1}]
    async with there.running() as client:
        for days in (0, 20):
            at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            order = {"place": "WH-19.71", "reason": "damaged", "occurred_at": at, "lines": lines}
            assert (await client.post("/aid/issues", json=order)).status_code == 201
    await there.becomes_whole()


async def test_where_somebody_is_registered_whom_no_demo_lists_it_is_refused(
    there: Installation, tmp_path: Path
) -> None:
    await there.sql("registration", A_STRANGER)
    before = await counted(there, "SELECT count(*) FROM posting")
    refused = await demo(there, 100, tmp_path)
    assert refused.exit_code == 1
    assert "this is no demo" in refused.output
    assert await counted(there, "SELECT count(*) FROM posting") == before
