"""What was found before a step that is not taken lightly: checks, and in each what stands in the way, by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from chtui.errors import MigrateError

DIFFERS, UNKNOWN = 1, 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands in the way until it is gone, or accepted by its name."""

    name: str
    """Short, and the same as long as the thing is."""
    what: str
    remedy: str = ""
    exit_code: int = DIFFERS
    """1 for a difference, 3 where it is not known."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question, and what was seen."""

    name: str
    evidence: str
    findings: tuple[Finding, ...] = ()
    accepted: frozenset[str] = frozenset()
    """Names of its findings that somebody accepted."""

    @property
    def ok(self) -> bool:
        """Whether nothing of it stands in the way."""
        return not self.open

    @property
    def open(self) -> tuple[Finding, ...]:
        """Its findings that nobody accepted."""
        return tuple(each for each in self.findings if each.name not in self.accepted)

    @property
    def remedy(self) -> str:
        """What to do first; empty where nothing is to be done."""
        return self.open[0].remedy if self.open else ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "name": self.name,
            "ok": self.ok,
            "evidence": self.evidence,
            "remedy": self.remedy,
            "findings": [
                {
                    "name": each.name,
                    "what": each.what,
                    "remedy": each.remedy,
                    "is_unknown": each.exit_code == UNKNOWN,
                    "is_accepted": each.name in self.accepted,
                }
                for each in self.findings
            ],
        }


def made(name: str, evidence: str, findings: Sequence[Finding], accepted: Collection[str]) -> Check:
    """Return a check whose findings may have been accepted."""
    return Check(name, evidence, tuple(findings), frozenset(each.name for each in findings) & set(accepted))


def demand(checks: Sequence[Check], step: str) -> None:
    """Return where nothing stands in the way.

    Raises:
        MigrateError: something does, exit code 1; nothing but what is unknown, exit code 3.
    """
    left = [each for check in checks for each in check.open]
    if not left:
        return
    more = f" (and {len(left) - 1} more: {', '.join(each.name for each in left[1:6])})" if left[1:] else ""
    raise MigrateError(
        f"{step} is not possible yet: {left[0].name}: {left[0].what}{more}",
        fix=left[0].remedy or "accept it by its name if it is meant to be so",
        exit_code=DIFFERS if any(each.exit_code == DIFFERS for each in left) else UNKNOWN,
    )
