"""One case carried out on a rig that is up, and its verdict."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from chtui.demo.selftest.case import OUTPUT
from chtui.demo.selftest.cases import Fault
from chtui.demo.selftest.oracle import Findings, clean, findings, misled, prepare
from chtui.demo.selftest.points import SHARDS
from chtui.demo.selftest.rig import FaultRig
from chtui.demo.selftest.supervisor import Supervisor, blows_of
from chtui.demo.selftest.verdicts import EXACT, FAILED, Verdict
from chtui.errors import ChtuiError, MigrateError

TOLD_CHARACTERS = 600
"""Of what a failed case's processes printed, in its verdict."""
RANDOM_TRIES = 4
"""How often a random blow that came too late is tried again, each time earlier."""
SOONER = 0.6
TOO_LATE = "0 of 1 blows struck"
"""All that is wrong with such a case."""
SERVERS = sum(map(len, SHARDS))

Keep = Callable[[Path], Path]
"""Moves the folder of a case that failed to where it stays, and tells where."""


def calm_seconds(rig: FaultRig, directory: Path) -> float:
    """Return how long a run takes that nothing befalls, from its journal's beginning on.

    Raises:
        MigrateError: it is not exact, or did not end at once.
        ChtuiError: a server did not do as it was asked.
    """
    case = rig.case(directory, "calm")
    prepare(case, rig.query)
    supervisor = Supervisor(rig, Fault("calm", "calm", ()), case, 0.0, [], case.start)
    supervisor.carry_out()
    seconds = time.monotonic() - supervisor.journal_seen
    if supervisor.starts != 1 or not findings(case, rig.query, SHARDS).is_exact:
        raise MigrateError(
            f"a run that nothing befell failed: {case.output()[-TOLD_CHARACTERS:]}", exit_code=1
        )
    clean(case, rig.query, SERVERS)
    shutil.rmtree(case.directory)
    return seconds


def carry_out(rig: FaultRig, fault: Fault, directory: Path, calm_seconds: float, keep: Keep) -> Verdict:
    """Carry a case out and compare every replica's rows with v1's; nothing of it is left on the rig.

    `calm_seconds` are those of a run nothing befalls; only cases at random times ask for them.

    Raises:
        ChtuiError: a server does not come back, or not do as it is asked.
        OSError: the case's folder cannot be used.
    """
    for tries in range(RANDOM_TRIES):
        # Short: the run's socket is in its folder, and the path of one may have a hundred bytes.
        folder = directory / f"f{hashlib.sha256(f'{fault.name} {tries}'.encode()).hexdigest()[:7]}"
        found = _carry_out(rig, fault, folder, calm_seconds)
        if found.detail != TOO_LATE or not fault.at_ratio or tries == RANDOM_TRIES - 1:
            break
        calm_seconds = min(calm_seconds, found.seconds) * SOONER
        shutil.rmtree(folder)
    if found.verdict == EXACT:
        shutil.rmtree(folder)
        return found
    said = (folder / OUTPUT).read_text(errors="replace")[-TOLD_CHARACTERS:]
    return replace(found, detail=f"{found.detail}; {keep(folder)}: {said}")


def _carry_out(rig: FaultRig, fault: Fault, folder: Path, calm_seconds: float) -> Verdict:
    rig.heal()
    blows = blows_of(rig, fault)
    case = rig.case(folder.parent, folder.name, blows=tuple(blows))
    prepare(case, rig.query)
    supervisor = Supervisor(rig, fault, case, calm_seconds, blows, case.start)
    problems: list[str] = []
    began = time.monotonic()
    try:
        supervisor.carry_out()
    except ChtuiError as error:
        problems.append(error.line)
    seconds = time.monotonic() - began
    rig.heal()
    wrong = Findings(0, 0, 0, ())
    try:
        wrong = findings(case, rig.query, SHARDS)
        problems += [f"{name} does not lead to its rows" for name in misled(case, rig.query, SHARDS)]
    except ChtuiError as error:
        problems.append(f"v2 cannot be compared: {error.line}")
    expected = 1 if fault.at_ratio else len(blows) + fault.is_struck_again
    if supervisor.struck < expected:
        problems.append(f"{supervisor.struck} of {expected} blows struck")
    if supervisor.ends:
        problems.append(f"the run ended by itself with {supervisor.ends}")
    if wrong.missing or wrong.extra or wrong.aggregates:
        problems.append("v2 does not hold what v1 does")
    if wrong.left_over:
        problems.append(f"left over: {', '.join(wrong.left_over)}")
    clean(case, rig.query, SERVERS)
    return verdict_of(supervisor, wrong, seconds, problems)


def verdict_of(supervisor: Supervisor, wrong: Findings, seconds: float, problems: Iterable[str]) -> Verdict:
    """Return a case's line; one that has a problem failed.

    Raises:
        ChtuiError: the servers do not tell their version.
    """
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
