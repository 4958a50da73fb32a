"""Random operations by many clients at once leave every book right: the short form of `tests/faults/crowd.py`."""

from pathlib import Path

from tests.faults.crowd import at_work

OPERATIONS = 2_000
CLIENTS = 16


async def test_whatever_a_crowd_does_at_once_verify_finds_nothing_wrong(tmp_path: Path) -> None:
    outcome = await at_work(OPERATIONS, CLIENTS, seed=2020, folder=tmp_path)
    assert outcome.wrong == []
    assert outcome.whole, outcome.verdict[-4000:]
    assert sum(outcome.told.values()) == OPERATIONS
    for what in ("receipts 201", "issues 409", "transfers 201", "postings 201", "distributions 201", "bulk 200"):
        assert outcome.told[what] > 0, outcome.told
