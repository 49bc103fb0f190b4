"""A migration through `kill -9` and hangs at every stage, on the embedded cluster: no row missing, none twice, no hand needed."""

from __future__ import annotations

import signal
import time
from functools import partial
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import clean, prepare
from chtui.demo.selftest.points import POINTS, SHARDS, STAGES, Blow
from tests.faults.comparing import assert_exact
from tests.rigs.faults_rigs import modern_case
from tests.rigs.migrating import Case
from tests.support import ModernRig, wait_until

CASE_SECONDS = 90.0
SOURCE, TARGET = 0, 3
"""Which of the servers is struck: v1's, or the last replica of the last shard."""


def finish(case: Case) -> int:
    """Start it again until it ends by itself; how often that was."""
    starts = 0
    until = time.monotonic() + CASE_SECONDS
    while time.monotonic() < until:
        process = case.start()
        starts += 1
        try:
            code = process.wait(max(1.0, until - time.monotonic()))
        finally:
            process.kill()
        if code == 0:
            return starts
        assert code == -signal.SIGKILL, case.output()
    raise AssertionError(f"not done in {CASE_SECONDS:.0f} s: {case.output()}")


def test_nothing_befalls_it(modern: ModernRig, tmp_path: Path) -> None:
    case = modern_case(modern, tmp_path, "calm")
    prepare(case, modern.query)
    assert finish(case) == 1
    assert_exact(case, modern.query, SHARDS)
    assert finish(case) == 1, "it may be carried out again"
    assert_exact(case, modern.query, SHARDS)
    clean(case, modern.query, 4)


# What is struck before its intent is written has done nothing: one of those cases is enough here, `make faults` has all.
@pytest.mark.parametrize(
    ("stage", "point"),
    [
        *((stage, point) for stage in STAGES for point in POINTS[1:]),
        ("publish", POINTS[0]),
    ],
)
def test_the_wizard_is_killed(modern: ModernRig, tmp_path: Path, stage: str, point: str) -> None:
    name = f"w{STAGES.index(stage)}{point[0]}"
    case = modern_case(modern, tmp_path, name, blows=(Blow(stage, point, 2),))
    prepare(case, modern.query)
    assert finish(case) == 2
    assert case.fired.read_text() == f"{stage} {point}"
    assert_exact(case, modern.query, SHARDS)
    clean(case, modern.query, 4)


@pytest.mark.parametrize(
    "blow",
    [
        (SOURCE, "link", "sent", False),
        (SOURCE, "copy", "sent", False),
        (TARGET, "copy", "sent", False),
        (TARGET, "publish", "sent", False),
        (TARGET, "publish states", "done", False),
        (TARGET, "copy", "before", True),
        (TARGET, "publish", "sent", True),
    ],
)
def test_a_server_is_killed_or_hangs(
    modern: ModernRig, tmp_path: Path, blow: tuple[int, str, str, bool]
) -> None:
    victim, stage, point, hangs = blow
    # Short, for a socket's path in its folder fits into 103 bytes.
    name = f"s{victim}{STAGES.index(stage)}{point[0]}{'h' * hangs}"
    node = modern.nodes[victim]
    pids, number = [getattr(node, "pid")], signal.SIGSTOP if hangs else signal.SIGKILL  # noqa: B009
    case = modern_case(modern, tmp_path, name, blows=(Blow(stage, point, 3, pids, number),))
    prepare(case, modern.query)
    process = case.start()
    try:
        wait_until(lambda: case.fired.exists() or process.poll() is not None, CASE_SECONDS, "the fault")
        assert case.fired.exists(), case.output()
        time.sleep(2)  # the run goes on meanwhile, as far as it can
        (node.resume if hangs else partial(_restart, modern, victim))()
        assert process.wait(CASE_SECONDS) == 0, case.output()
    finally:
        process.kill()
    assert_exact(case, modern.query, SHARDS)
    clean(case, modern.query, 4)


def _restart(rig: ModernRig, victim: int) -> None:
    wait_until(lambda: not rig.is_alive(victim), 10, "its end")
    rig.nodes[victim].restart()
