"""One case of the fault matrix carried out on a rig that is up, and its verdict."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chtui.errors import ChtuiError
from chtui.migrate.journal import FILE_NAME
from tests.faults.cases import ON_SOURCE, Fault
from tests.faults.migrations import Findings, clean, findings, misled, prepare
from tests.rigs.faults_rigs import MODERN, SHARDS, SOURCE, TARGET, WIZARD, FaultRig
from tests.rigs.migrating import SCHEMA, Blow, Case
from tests.rigs.servers import QueryError as ServerError

CASE_SECONDS = 240.0
"""When a case is given up."""
MOST_ENDS = 5
"""How often a run that ended by itself is started again."""
TOLD_CHARACTERS = 600
DEAD_SECONDS = 1.0
"""How long a server stays dead."""
RANDOM_TRIES = 4
"""How often a random blow that came too late is tried again, each time earlier."""
SOONER = 0.6
EXACT, FAILED = "exact", "failed"


@dataclass(frozen=True)
class Verdict:
    """One line of the results."""

    case: str
    rig: str
    version: str
    group: str
    stage: str
    kind: str
    point: str
    victim: str
    is_hung: bool
    struck: int
    """How many blows struck."""
    seconds: float
    """From the first start of the run to its end, everything brought back."""
    starts: int
    missing: int
    extra: int
    aggregates: int
    left_over: int
    manual_steps: int
    """Ends of the run by itself, other than with success: somebody would have to start it again."""
    verdict: str
    detail: str = ""


@dataclass
class Supervisor:
    """Starts the run again whenever it was killed, and brings victims back after a while."""

    rig: FaultRig
    fault: Fault
    case: Case
    calm_seconds: float
    blows: list[Blow]
    start: Callable[[], subprocess.Popen[bytes]]
    starts: int = 0
    struck: int = 0
    journal_seen: float = 0.0
    """When the run was seen to have begun."""
    ends: list[int] = field(default_factory=list)
    """Exit codes that are neither success nor a kill."""
    _due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def carry_out(self) -> float:
        """Carry the case out; return how many seconds it took."""
        began = time.monotonic()
        try:
            self._start()
            self._until_done(began + CASE_SECONDS)
        finally:
            self._kill()
            for _, action in self._due:
                action()
        return time.monotonic() - began

    def _until_done(self, until: float) -> None:
        while time.monotonic() < until:
            self._notice()
            for entry in [each for each in self._due if each[0] <= time.monotonic()]:
                self._due.remove(entry)
                entry[1]()
            code = self._running().poll()
            if code == 0 and not self._due:
                return
            if code not in (None, 0):
                if code != -signal.SIGKILL:
                    self.ends.append(code or 0)
                assert len(self.ends) <= MOST_ENDS, "it ends by itself again and again"
                self._start()
            time.sleep(0.02)
        raise AssertionError(f"not done in {CASE_SECONDS:.0f} s")

    def _start(self) -> None:
        # A run cannot begin while a server is down: whoever lost both starts the server first.
        for _, action in self._due:
            action()
        self._due.clear()
        self._process = self.start()
        self.starts += 1

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _kill(self) -> None:
        process = self._running()
        process.kill()
        process.wait()

    # Blows

    def _notice(self) -> None:
        """See to it that what was struck comes back; strike, where the case says when rather than where."""
        if not self.journal_seen and (Path(self.case.directory) / "run" / FILE_NAME).exists():
            self.journal_seen = time.monotonic()
        if self.fault.at_ratio:
            if not self.struck and self._is_time():
                self._strike_now()
            return
        struck = self.case.struck
        if struck > self.struck:
            self._plan_return(self.blows[self.struck])
            self.struck += 1

    def _is_time(self) -> bool:
        if not self.journal_seen or self._running().poll() is not None:
            return False
        return time.monotonic() - self.journal_seen >= self.fault.at_ratio * self.calm_seconds

    def _strike_now(self) -> None:
        self.struck += 1
        victim = self.fault.victims[0]
        number = signal.SIGSTOP if self.fault.is_hung else signal.SIGKILL
        pids = self.rig.pids(victim, self.fault.target)
        for pid in pids:
            os.kill(pid or self._running().pid, number)
        self._plan_return(Blow("", "", pids=pids, signal=number))

    def _plan_return(self, blow: Blow) -> None:
        fault = self.fault
        is_hung = blow.signal == signal.SIGSTOP
        pause = fault.hang_seconds if is_hung else DEAD_SECONDS
        for victim in fault.victims if len(blow.pids) > 1 or 0 not in blow.pids else ():
            if victim != WIZARD:
                self._due.append((time.monotonic() + pause, self._returning(victim, is_hung, blow)))
        if is_hung and 0 in blow.pids:
            wizard = self._running()
            self._due.append((time.monotonic() + pause, lambda: wizard.send_signal(signal.SIGCONT)))

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
    is_elsewhere = fault.kind in ON_SOURCE or (fault.kind == SCHEMA and rig.name != MODERN)
    if fault.victims == (SOURCE,) and not is_elsewhere:
        host, skip = rig.hosts[0], int(rig.name == MODERN)
    elif fault.victims == (TARGET,) and not is_elsewhere:
        host, skip = rig.hosts[fault.target], int(rig.name == MODERN)
    first = Blow(fault.kind, fault.point, skip, pids, number, host)
    return [first, *(Blow(kind, point, 0) for kind, point in fault.then)]


def calm_seconds(rig: FaultRig, directory: Path) -> float:
    """Return how long a run takes that nothing befalls, from its journal's beginning on."""
    case = rig.case(directory, "calm")
    prepare(case, rig.query)
    supervisor = Supervisor(rig, Fault("calm", "calm", ()), case, 0.0, [], case.start)
    supervisor.carry_out()
    seconds = time.monotonic() - supervisor.journal_seen
    assert (supervisor.starts, findings(case, rig.query, SHARDS).is_exact) == (1, True), case.output()
    clean(case, rig.query, 4)
    return seconds


def carry_out(rig: FaultRig, fault: Fault, directory: Path, calm_seconds: float) -> Verdict:
    """Carry a case out and compare every replica's rows with v1's; nothing of it is left on the rig."""
    tries = 0
    while True:
        # Short: the run's socket is in its folder.
        name = f"f{hashlib.sha256(f'{fault.name} {tries}'.encode()).hexdigest()[:10]}"
        found = _carry_out(rig, fault, directory, calm_seconds, name)
        tries += 1
        calm_seconds = min(calm_seconds, found.seconds) * SOONER
        if not fault.at_ratio or found.struck or tries == RANDOM_TRIES:
            return found


def _carry_out(rig: FaultRig, fault: Fault, directory: Path, calm_seconds: float, name: str) -> Verdict:
    rig.heal()
    blows = blows_of(rig, fault)
    case = rig.case(directory, name, more=[asdict(blow) for blow in blows])
    prepare(case, rig.query)
    supervisor = Supervisor(rig, fault, case, calm_seconds, blows, case.start)
    problems: list[str] = []
    began = time.monotonic()
    try:
        supervisor.carry_out()
    except AssertionError as error:
        problems.append(str(error))
    seconds = time.monotonic() - began
    rig.heal()
    wrong = Findings(0, 0, 0, ())
    try:
        wrong = findings(case, rig.query, SHARDS)
        problems += [f"{name} does not lead to its rows" for name in misled(case, rig.query, SHARDS)]
    except (ChtuiError, ServerError) as error:
        problems.append(f"v2 cannot be compared: {error}")
    expected = 1 if fault.at_ratio else len(blows) + fault.is_struck_again
    if supervisor.struck < expected:
        problems.append(f"{supervisor.struck} of {expected} blows struck")
    if supervisor.ends:
        problems.append(f"the run ended by itself with {supervisor.ends}")
    if not wrong.is_exact:
        problems.append(f"{wrong}")
    if problems:
        problems.append(f"{case.directory}: {case.output()[-TOLD_CHARACTERS:]}")
    else:
        shutil.rmtree(case.directory)
    clean(case, rig.query, 4)
    return verdict_of(supervisor, wrong, seconds, problems)


def verdict_of(supervisor: Supervisor, wrong: Findings, seconds: float, problems: Iterable[str]) -> Verdict:
    """Return a case's line."""
    told = "; ".join(problems)
    rig, fault = supervisor.rig, supervisor.fault
    return Verdict(
        case=f"{rig.name}/{fault.name}",
        rig=rig.name,
        version=rig.version(),
        group=fault.group,
        stage=fault.stage,
        kind=fault.kind,
        point=fault.point,
        victim=fault.victim,
        is_hung=fault.is_hung,
        struck=supervisor.struck,
        seconds=round(seconds, 2),
        starts=supervisor.starts,
        missing=wrong.missing,
        extra=wrong.extra,
        aggregates=wrong.aggregates,
        left_over=len(wrong.left_over),
        manual_steps=len(supervisor.ends),
        verdict=FAILED if told else EXACT,
        detail=told,
    )
