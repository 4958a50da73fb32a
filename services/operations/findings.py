"""What a check says: that all is well, or what is wrong, where, and which command cures it."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec


class Severity(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # it works, but not as it should, or not for long
    FAULT = "fault"  # something is wrong


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found.

    Shape: `check` is a stable name; `where` names the service, partition, event or file; `cure` is a command where one
           helps, else what a person must do
    """

    check: str
    severity: Severity
    where: str
    what: str
    cure: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check of everything: `whole` when nothing is wrong; `checked` counts what was looked at."""

    whole: bool
    checked: dict[str, int]
    findings: list[Finding]


class Steps(Protocol):
    """Whoever wants to see how far a long piece of work is."""

    def begin(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a step of so many parts; what is given is called with how many more are done."""
        ...


def fault(check: str, where: str, what: str, cure: str) -> Finding:
    """Say what is wrong."""
    return Finding(check=check, severity=Severity.FAULT, where=where, what=what, cure=cure)


def warning(check: str, where: str, what: str, cure: str) -> Finding:
    """Say what is not as it should be."""
    return Finding(check=check, severity=Severity.WARNING, where=where, what=what, cure=cure)


def fine(check: str, where: str, what: str) -> Finding:
    """Say what is well."""
    return Finding(check=check, severity=Severity.OK, where=where, what=what)


def whole(findings: Sequence[Finding]) -> bool:
    """Tell that there is no fault."""
    return not any(finding.severity is Severity.FAULT for finding in findings)
