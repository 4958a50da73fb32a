"""The rehearsal on machines unlike this one: scripts stand in for their tools, and do what those do there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import ROOT

Rehearsal = Callable[[], subprocess.CompletedProcess[str]]
SECONDS_MAX = 60


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of tools that all say yes."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("docker", "docker-compose", "debootstrap", "iptables", "docker-init"):
        tool(folder, name, "exit 0")
    tool(folder, "dockerd", "exec sleep 30")
    return folder


@pytest.fixture
def rehearse(tools: Path, tmp_path: Path) -> Rehearsal:
    def rehearsed() -> subprocess.CompletedProcess[str]:
        path = f"{tools}:{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", "deploy.rehearsal"],
            cwd=ROOT,
            env={**os.environ, "PATH": path, "SERUMPUN_CONTAINERS": str(tmp_path / "containers")},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    return rehearsed


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_where_no_engine_can_start_it_says_so_in_a_box_with_the_reason_and_goes_on(
    tools: Path, rehearse: Rehearsal
) -> None:
    tool(tools, "docker", "exit 1")
    tool(tools, "dockerd", "echo 'no cgroups on this machine' >&2; exit 1")

    done = rehearse()

    assert done.returncode == 0
    assert "* THE CONTAINERS WERE NOT TESTED: no engine can run here" in done.stdout
    for way in ("overlay2, without iptables", "overlay2, with iptables", "vfs, without iptables", "vfs, with iptables"):
        assert f"* {way}: no cgroups on this machine" in done.stdout


def test_an_engine_that_starts_and_can_run_nothing_is_none(tools: Path, rehearse: Rehearsal) -> None:
    nobody_yet = f"[ -e {tools}/asked ] || {{ touch {tools}/asked; exit 1; }}"
    tool(tools, "docker", f"case $1 in version) {nobody_yet};; run) echo no namespaces >&2; exit 125;; esac")

    done = rehearse()

    assert done.returncode == 0
    assert "* overlay2, without iptables: no namespaces" in done.stdout


def test_once_a_container_has_run_a_failure_is_a_failure(tools: Path, rehearse: Rehearsal) -> None:
    tool(tools, "docker", "[ $1 != build ] || { echo the build broke >&2; exit 1; }")

    done = rehearse()

    assert done.returncode == 1
    assert "* THE CONTAINERS FAILED" in done.stdout
    assert "* the build broke" in done.stdout
