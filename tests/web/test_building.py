"""A build happens when its sources have changed, breaks with the contract, and is no condition for the services."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services import building


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A project of its own to build in, with what is installed and built already."""
    (tmp_path / "docs/contracts").mkdir(parents=True)
    for path in (building.ROOT / "docs/contracts").glob("openapi-*.json"):
        shutil.copy(path, tmp_path / "docs/contracts")
    (tmp_path / "services").mkdir()
    shutil.copy(building.__file__, tmp_path / "services")
    shutil.copytree(building.WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules", "dist.new"))
    (tmp_path / "web/node_modules").symlink_to(building.WEB / "node_modules")
    return tmp_path


def build(
    project: Path, *arguments: str, python: tuple[str, ...] = (sys.executable,), **environment: str
) -> tuple[int, str]:
    done = subprocess.run(
        [*python, str(project / "services/building.py"), *arguments],
        check=False, capture_output=True, text=True, timeout=120, env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_nothing_is_built_while_the_sources_are_the_same(copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (copy / "web/dist").rglob("*")}
    assert build(copy) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in (copy / "web/dist").rglob("*")} == before


def test_a_changed_word_is_built_under_another_name(copy: Path) -> None:
    words = copy / "web/src/words.ts"
    words.write_text(words.read_text().replace("Kotak masuk", "Pesan masuk"))
    before = {path.name for path in (copy / "web/dist/assets").glob("*.js")}
    assert build(copy) == (0, "the pages are built\n")
    after = (copy / "web/dist/assets").glob("*.js")
    (says_it,) = [path for path in after if "Pesan masuk" in path.read_text()]
    assert says_it.name not in before


def test_a_changed_contract_breaks_the_build_and_the_pages_stay_as_they_are(copy: Path) -> None:
    contract = copy / "docs/contracts/openapi-notifications.json"
    contract.write_text(contract.read_text().replace('"read_at"', '"seen_at"'))
    code, said = build(copy)
    assert code == 1
    assert "read_at" in said
    assert said.count("\n") == 1
    assert "those of an earlier build are served" in said
    assert (copy / "web/dist/index.html").is_file()


def test_a_build_that_is_not_possible_is_told_in_one_line_and_keeps_nobody_from_starting(copy: Path) -> None:
    shutil.rmtree(copy / "web/dist")
    alone = (sys.executable, "-S")  # without the packages, and with no Node.js on the way
    code, said = build(copy, "--or-say", python=alone, PATH=str(copy / "nothing"))
    assert code == 0
    assert said.startswith("there are no new pages, everything else works: there is no Node.js")
    assert said.count("\n") == 1
    assert build(copy, python=alone, PATH=str(copy / "nothing"))[0] == 1


def test_the_lock_pins_everything_and_names_no_address() -> None:
    lock = (building.WEB / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 50
    pinned = (building.WEB / "package.json").read_text()
    assert not [mark for mark in "^~*" if f'"{mark}' in pinned]
