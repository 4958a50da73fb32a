"""Everything is broken at once, by the dice, while offices work: nothing is lost, nothing comes twice.

This is the short form of `make faults`. Three control runs, each without one promise, show that the checker sees.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.nemesis.__main__ import command, kept_seeds
from tests.faults.nemesis.controls import CONTROLS
from tests.faults.nemesis.controls import SIZE as CONTROL_SIZE
from tests.faults.nemesis.plant import Plant
from tests.faults.nemesis.run import SHORT, Plan, laid_out, run
from tests.faults.nemesis.table import verdict

SEED = kept_seeds()[0]


@pytest_asyncio.fixture(scope="module")
async def plant() -> AsyncIterator[Plant]:
    async with laid_out() as plant:
        yield plant


async def test_nothing_is_lost_or_doubled_or_disordered_and_only_poison_is_parked(plant: Plant) -> None:
    report = await run(plant, SEED, SHORT, Plan(), print)

    assert not verdict(report, command(SEED, SHORT)), verdict(report, command(SEED, SHORT))
    assert report.drain_seconds <= SHORT.drain_seconds_max
    assert len(report.history.operations) >= SHORT.operations
    assert report.findings.parked > 0
    assert report.recalled > 0, "the backup was not older than what was acknowledged: the fence had nothing to do"


@pytest.mark.parametrize("name", CONTROLS)
async def test_the_checker_sees_when_a_promise_is_left_out(plant: Plant, name: str) -> None:
    control = CONTROLS[name]
    control.define(plant)

    report = await run(plant, SEED, CONTROL_SIZE, control.plan, print)

    found = getattr(report.findings, control.finds)
    assert any(one.startswith("notifications ('message'") for one in found), report.findings.all
