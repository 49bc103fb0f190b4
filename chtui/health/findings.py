"""What rules find: a severity, where, what, the evidence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from chtui.records import HostId

EXIT_OK, EXIT_WARNING, EXIT_CRITICAL, EXIT_UNCHECKED = 0, 1, 2, 3


class Severity(IntEnum):
    """How bad a finding is."""

    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """The word people read."""
        return self.name.lower()


class Finding(NamedTuple):
    """One thing that is wrong."""

    severity: Severity
    rule: str
    """The rule's name, stable."""
    host: HostId | None
    object: str
    """The table or disk concerned, empty for the host as a whole. The server's own text: sanitize before drawing."""
    summary: str
    """What is wrong. May hold the server's own text."""
    evidence: str = ""
    """The server's own words, as they came."""
    since_seconds: float | None = None
    """For how long; None if nobody knows."""
    advice: str = ""
    """The first thing to do."""


class Unchecked(NamedTuple):
    """Something no rule could look at."""

    host: HostId | None
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """All findings, worst first, and what could not be checked."""

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    too_old: tuple[Unchecked, ...] = ()
    """What the servers' versions cannot tell at all; does not change the exit code."""

    @property
    def exit_code(self) -> int:
        """2 critical, else 3 something could not be checked, else 1 warning, else 0."""
        worst = max((finding.severity for finding in self.findings), default=None)
        if worst is Severity.CRITICAL:
            return EXIT_CRITICAL
        if self.unchecked:
            return EXIT_UNCHECKED
        return EXIT_WARNING if worst is Severity.WARNING else EXIT_OK
