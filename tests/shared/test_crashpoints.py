"""The crash points: declared once, each one place in the code, deadly only when asked for; and docs/failures.md."""

import ast
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import process_time

import pytest

from shared import crashpoints
from shared.crashpoints import POINTS
from shared.settings import SettingInvalid
from tests.processes import inherited

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "failures.md"
MATRIX = "tests/shared/test_failure_matrix.py"
PASSES = "reach('consumer.before_commit', 'one', 'other')"
CALLS = 10_000
MICROSECONDS_MAX = 10
"""A point that is not armed takes a fifth of one; a look into the environment would already take two."""


def reached() -> Counter[str]:
    """Count in how many places of the code each point is reached."""
    calls = (
        node
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "reach"
    )
    return Counter(ast.literal_eval(call.args[0]) for call in calls)


def test_every_declared_point_is_one_place_in_the_code_and_none_stands_there_undeclared() -> None:
    assert reached() == Counter(dict.fromkeys(POINTS, 1))


def test_every_point_says_what_is_done_and_what_is_still_to_do() -> None:
    assert len({(point.done, point.to_do) for point in POINTS.values()}) == len(POINTS)
    assert all(point.done and point.to_do and point.done != point.to_do for point in POINTS.values())
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in POINTS)


def test_a_point_that_is_not_declared_is_refused_wherever_it_is_named() -> None:
    with pytest.raises(LookupError, match=r"relay\.somewhere is not declared"):
        crashpoints.reach("relay.somewhere")
    with pytest.raises(SettingInvalid, match=r"SERUMPUN_CRASH_AT=relay\.somewhere"):
        crashpoints.arm("relay.somewhere")
    assert "SERUMPUN_CRASH_AT=relay.somewhere is not a crash point" in passing("relay.somewhere").stderr


@pytest.mark.parametrize("where", ["", "@one", "@other"])
def test_the_process_dies_at_the_point_that_the_environment_names(where: str) -> None:
    ended = passing(f"consumer.before_commit{where}")
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "before\n")


@pytest.mark.parametrize("armed", ["", "consumer.after_commit", "consumer.before_commit@third"])
def test_the_process_passes_every_other_point(armed: str) -> None:
    ended = passing(armed)
    assert (ended.returncode, ended.stdout) == (0, "before\nafter\n")


def passing(armed: str) -> "subprocess.CompletedProcess[str]":
    """Let a process pass a point, with what passes it, while the environment names one."""
    program = f"from shared.crashpoints import reach; print('before', flush=True); {PASSES}; print('after')"
    environment = inherited(SERUMPUN_CRASH_AT=armed)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_point_that_is_not_armed_costs_nothing_to_speak_of() -> None:
    def microseconds_each() -> float:
        began = process_time()
        for _ in range(CALLS):
            crashpoints.reach("consumer.after_reaction", "a reaction")
        return (process_time() - began) / CALLS * 1e6

    assert min(microseconds_each() for _ in range(5)) < MICROSECONDS_MAX


def test_the_document_lists_every_point() -> None:
    listed = [line for line in DOCUMENT.read_text().splitlines() if re.match(r"\| `[a-z]+\.[a-z_]+` \|", line)]
    assert listed == [
        f"| `{point.name}` | {point.passer} | {point.done} | {point.to_do} | {'stands' if point.stands else ''} |"
        for point in POINTS.values()
    ]


def test_every_row_of_the_documents_matrix_names_tests_that_exist_and_every_test_of_the_matrix_has_a_row() -> None:
    named = set(re.findall(r"`(tests/\S+?\.py)::(test_\w+)`", DOCUMENT.read_text()))
    written = {
        (path, node.name)
        for path in {MATRIX, *(path for path, _ in named)}
        for node in ast.parse((ROOT / path).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert named <= written, "a row names a test that does not exist"
    assert {(path, name) for path, name in written if path == MATRIX and name.startswith("test_")} <= named
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and "tests/" in line]
    assert len(rows) > 10
