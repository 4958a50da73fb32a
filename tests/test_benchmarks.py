"""The benchmarks still run and add up; what they come to is for a quiet machine, and never a test."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.figures import Budget, Row, shown
from benchmarks.report import table
from benchmarks.stage import Stage
from shared.settings import Settings
from tests.processes import Process
from tests.waiting import wait_until

SECONDS_MAX = 300
"""A hang, and not a busy machine, is what this ends."""


async def test_every_benchmark_runs_in_its_quick_form_and_gives_its_rows(tmp_path: Path) -> None:
    run = Process(tmp_path, "--quick", "--json", module="benchmarks", log=tmp_path / "log")
    run.start()
    try:
        await wait_until(lambda: not run.running, SECONDS_MAX, "the benchmarks to end")
    finally:
        await run.stop()
    assert run.exit_code == 0, run.output[-4000:]
    report = msgspec.json.decode(run.output.splitlines()[-1])
    assert set(report["benchmarks"]) == set(BENCHMARKS)
    assert report["machine"]["PostgreSQL"]
    for name, rows in report["benchmarks"].items():
        assert rows, f"{name} gives nothing"
        for row in rows:
            assert min(row["figures"] + row["others"]) > 0, row
            assert row["met"] in ((True, False) if row["budgets"] else (None,))
            if row["others"]:
                assert row["ratio"] == pytest.approx(row["figures"][0] / row["others"][0])
    assert str(tmp_path) not in run.output.splitlines()[-1]


async def test_what_is_compared_is_taken_in_turns_after_a_round_that_is_not_counted() -> None:
    taken: list[str] = []

    async def measure(name: str) -> float:
        taken.append(name)
        return float(len(taken))

    stage = Stage(Settings.from_env({}), lambda _line: None)
    found = await stage.in_turns({"a": lambda: measure("a"), "b": lambda: measure("b")})
    assert "".join(taken) == "abababababab"
    assert found == {"a": [3, 5, 7, 9, 11], "b": [4, 6, 8, 10, 12]}


def test_a_ratio_is_the_median_of_the_ratios_of_the_turns_not_the_ratio_of_the_medians() -> None:
    row = Row(what="x", unit="/s", figures=[10, 200, 30], against="y", others=[5, 100, 30], budgets=())
    assert (row.figure, row.ratio, row.met) == (30, 2, None)


@pytest.mark.parametrize(
    ("budgets", "met"),
    [
        ((Budget(25),), True),
        ((Budget(31),), False),
        ((Budget(30, most=True),), True),
        ((Budget(2, ratio=True),), True),
        ((Budget(1.9, ratio=True, most=True),), False),
        ((Budget(25), Budget(3, ratio=True)), False),
    ],
)
def test_a_row_meets_its_budgets_when_it_meets_each(budgets: tuple[Budget, ...], met: object) -> None:
    row = Row(what="x", unit="/s", figures=[10, 200, 30], against="y", others=[5, 100, 30], budgets=budgets)
    assert row.met is met
    assert ("**no**" in table({"x": [row]})) is not met


def test_a_benchmark_that_does_not_exist_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["pipelin"])
    assert end.value.code == 2
    assert f"pipelin is not one of {', '.join(BENCHMARKS)}" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "words"), [(12345.6, "12,346"), (99.94, "99.9"), (0.0123, "0.0123")])
def test_a_figure_has_three_digits_or_all_before_the_point(value: float, words: str) -> None:
    assert shown(value) == words
