"""Who stands beside a run: starts it again whenever it was killed, and brings back what was struck."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chtui.demo.selftest.case import RUN, Case
from chtui.demo.selftest.cases import ON_SOURCE, Fault
from chtui.demo.selftest.points import SCHEMA, SOURCE, TARGET, WIZARD, Blow
from chtui.demo.selftest.rig import FaultRig
from chtui.errors import MigrateError
from chtui.migrate.journal import FILE_NAME

CASE_SECONDS = 240.0
"""When a case is given up."""
MOST_ENDS = 5
"""How often a run that ended by itself is started again."""
DEAD_SECONDS = 1.0
"""How long a server stays dead."""
POLL_SECONDS = 0.02


class Running(Protocol):
    """A process of a run."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal), None while it runs."""
        ...

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        ...

    def kill(self) -> None:
        """Kill it and wait until it is gone."""
        ...


@dataclass
class Supervisor:
    """Carries one case out, once."""

    rig: FaultRig
    fault: Fault
    case: Case
    calm_seconds: float
    """Of a run that nothing befalls; random cases strike within it."""
    blows: list[Blow]
    start: Callable[[], Running]
    starts: int = 0
    struck: int = 0
    journal_seen: float = 0.0
    """When the run was seen to have begun."""
    ends: list[int] = field(default_factory=list)
    """Exit codes that are neither success nor a kill."""
    _due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _process: Running | None = None

    def carry_out(self) -> None:
        """Carry the case out, until the run has ended with success and whoever was struck is back.

        Raises:
            MigrateError: that does not come about; whoever was struck may still be away then.
            ChtuiError: a server does not come back.
        """
        try:
            process = self._begin()
            until = time.monotonic() + CASE_SECONDS
            while time.monotonic() < until:
                self._notice(process)
                self._bring_back(time.monotonic())
                code = process.poll()
                if code == 0 and not self._due:
                    return
                if code not in (None, 0):
                    if code != -signal.SIGKILL:
                        self.ends.append(code or 0)
                    if len(self.ends) > MOST_ENDS:
                        raise MigrateError("it ends by itself again and again", exit_code=1)
                    process = self._begin()
                time.sleep(POLL_SECONDS)
            raise MigrateError(f"not done in {CASE_SECONDS:.0f} s", exit_code=1)
        finally:
            if self._process is not None:
                self._process.kill()

    def _begin(self) -> Running:
        # A run cannot begin while a server is down: whoever lost both starts the server first.
        self._bring_back()
        self._process = self.start()
        self.starts += 1
        return self._process

    def _bring_back(self, until: float = float("inf")) -> None:
        for entry in [each for each in self._due if each[0] <= until]:
            self._due.remove(entry)
            entry[1]()

    # Blows

    def _notice(self, process: Running) -> None:
        """See to it that what was struck comes back; strike, where the case says when rather than where."""
        if not self.journal_seen and (Path(self.case.directory) / RUN / FILE_NAME).exists():
            self.journal_seen = time.monotonic()
        if self.fault.at_ratio:
            if not self.struck and self._is_time(process):
                self._strike_now(process)
            return
        if self.case.struck > self.struck:
            self._plan_return(self.blows[self.struck], process)
            self.struck += 1

    def _is_time(self, process: Running) -> bool:
        if not self.journal_seen or process.poll() is not None:
            return False
        return time.monotonic() - self.journal_seen >= self.fault.at_ratio * self.calm_seconds

    def _strike_now(self, process: Running) -> None:
        self.struck += 1
        number = signal.SIGSTOP if self.fault.is_hung else signal.SIGKILL
        pids = self.rig.pids(self.fault.victims[0], self.fault.target)
        for pid in pids:
            os.kill(pid or process.pid, number)
        self._plan_return(Blow("", "", pids=pids, signal=number), process)

    def _plan_return(self, blow: Blow, process: Running) -> None:
        fault = self.fault
        is_hung = blow.signal == signal.SIGSTOP
        at = time.monotonic() + (fault.hang_seconds if is_hung else DEAD_SECONDS)
        for victim in fault.victims if len(blow.pids) > 1 or 0 not in blow.pids else ():
            if victim != WIZARD:
                self._due.append((at, self._returning(victim, is_hung, blow)))
        if is_hung and 0 in blow.pids:
            self._due.append((at, lambda: process.send(signal.SIGCONT)))

    def _returning(self, victim: str, is_hung: bool, blow: Blow) -> Callable[[], None]:
        rig, fault = self.rig, self.fault

        def back() -> None:
            rig.bring_back(victim, fault.target, is_hung, list(blow.pids))
            if fault.is_struck_again and self.struck == 1:
                self.struck += 1
                os.kill(rig.pids(victim, fault.target)[0], signal.SIGKILL)
                rig.bring_back(victim, fault.target, False, [])

        return back


def blows_of(rig: FaultRig, fault: Fault) -> list[Blow]:
    """Return the signals of a case, as the run sends them."""
    if not fault.kind:
        return []
    pids = [pid for victim in fault.victims for pid in rig.pids(victim, fault.target)]
    number = signal.SIGSTOP if fault.is_hung else signal.SIGKILL
    host, skip = "", 3 if fault.kind == SCHEMA else 2
    is_per_host = rig.setting.is_per_host
    is_elsewhere = fault.kind in ON_SOURCE or (fault.kind == SCHEMA and not is_per_host)
    if fault.victims == (SOURCE,) and not is_elsewhere:
        host, skip = rig.hosts[0], int(is_per_host)
    elif fault.victims == (TARGET,) and not is_elsewhere:
        host, skip = rig.hosts[fault.target], int(is_per_host)
    first = Blow(fault.kind, fault.point, skip, pids, number, host)
    return [first, *(Blow(kind, point, 0) for kind, point in fault.then)]
