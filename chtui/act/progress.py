"""How a run goes: immutable states, a host each, that tell what was sent, what came back and what was seen afterwards."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from chtui.act.plans import Plan
from chtui.records import HostId
from chtui.text import plural


class Stage(StrEnum):
    """How far a host's steps are."""

    PENDING = "pending"
    """Nothing was sent yet."""
    SENT = "sent"
    """A step was sent and has not been answered."""
    DONE = "done"
    """The server has taken every step."""
    FAILED = "failed"
    """A step was refused, or could not be sent; it has had no effect, later ones were not sent."""
    UNKNOWN = "unknown"
    """A step was sent and no answer came: it may have been done, or may be done later."""


class Verified(StrEnum):
    """What was seen of the effect."""

    NOT_YET = ""
    """Nothing to see yet."""
    LOOKING = "looking"
    """Being looked for."""
    SEEN = "verified"
    """Everything is as it shall be."""
    NOT_SEEN = "not verified"
    """Time is up and something is not."""
    UNKNOWN = "could not be verified"
    """The host did not tell."""
    NOTHING = "nothing was done"
    """No step had an effect, so there is nothing to look for."""


class HostProgress(NamedTuple):
    """One host of a run."""

    host: HostId
    steps: int
    """How many steps it gets."""
    answered: int = 0
    """How many of them the server has taken."""
    stage: Stage = Stage.PENDING
    why: str = ""
    """What it waits for, or why it failed or is unknown; drawable."""
    verified: Verified = Verified.NOT_YET
    gone: tuple[str, ...] = ()
    """Names of targets that are as they shall be."""
    left: tuple[str, ...] = ()
    """Names of those that are not."""
    untold: tuple[str, ...] = ()
    """Those of `left` of which the server has not even taken notice."""
    verified_why: str = ""
    """Why it could not be verified; drawable."""
    is_over: bool = False


class Progress(NamedTuple):
    """A whole run at one moment."""

    plan: Plan
    began_at: datetime
    hosts: tuple[HostProgress, ...]
    """In the order of the plan."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return all(host.is_over for host in self.hosts)

    @property
    def is_good(self) -> bool:
        """Whether everything was done and seen."""
        return all(
            host.stage is Stage.DONE and host.verified in (Verified.SEEN, Verified.NOT_YET) and host.is_over
            for host in self.hosts
        )

    def host(self, host: HostId) -> HostProgress | None:
        """Return one host's progress; None for one that takes no part."""
        return next((found for found in self.hosts if found.host == host), None)

    @property
    def summary(self) -> str:
        """The run in one line: what it came to so far, and the hosts where it did not go well."""
        plan = self.plan
        gone = sum(len(host.gone) for host in self.hosts)
        left = sum(len(host.left) for host in self.hosts if host.verified is not Verified.UNKNOWN)
        parts = []
        if any(plan.checks):
            parts.append(f"{gone} {plan.done_word}")
            if left:
                parts.append(f"{left} {plan.left_word}")
        else:
            parts.append(f"done on {plural(sum(host.stage is Stage.DONE for host in self.hosts), 'host')}")
        parts += [
            f"{host.host} {host.stage}: {host.why}"
            for host in self.hosts
            if host.stage in (Stage.FAILED, Stage.UNKNOWN)
        ]
        parts += [
            f"{host.host} {host.verified}: {host.verified_why}"
            for host in self.hosts
            if host.verified is Verified.UNKNOWN
        ]
        return f"{plan.title}: {', '.join(parts)}"
