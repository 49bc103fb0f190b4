"""Measures with their bounds, as ratios within one run; `make bench` prints them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chtui.session import Session
from tests.bench.pty_run import watch
from tests.screens.terminal import clean_environment, config_file, console_command
from tests.support import ModernRig, started, wait_until

ROUNDS = 7
ROOT = Path(__file__).resolve().parents[2]
MINIMAL = (sys.executable, str(Path(__file__).with_name("minimal_app.py")))


def environment() -> dict[str, str]:
    return {
        **clean_environment(),
        "TERM": "xterm-256color",
        "PATH": os.environ["PATH"],
        "TEXTUAL_ANIMATIONS": "none",
    }


def report(name: str, value: float, bound: float, unit: str = "x") -> None:
    print(f"\n{name}: {value:.2f} {unit} (bound {bound:g} {unit})")


def wall(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return time.perf_counter() - began


def pairs(
    first: Callable[[], float], second: Callable[[], float], rounds: int = ROUNDS
) -> tuple[float, list[float], list[float]]:
    """The median of the ratios of two measures taken in turn, after one round that does not count."""
    first(), second()
    taken = [(first(), second()) for _ in range(rounds)]
    return statistics.median(a / b for a, b in taken), [a for a, _ in taken], [b for _, b in taken]


@pytest.fixture
def config(modern: ModernRig, tmp_path: Path) -> Path:
    return config_file(modern, tmp_path)


def minimal_paint() -> float:
    return watch(MINIMAL, environment(), ["cell 3 9"]).seconds["cell 3 9"]


def test_first_paint(config: Path) -> None:
    command = console_command(config)

    def console_paint() -> float:
        return watch(command, environment(), ["? help"]).seconds["? help"]

    ratio, ours, theirs = pairs(console_paint, minimal_paint)
    report(
        f"first paint ({statistics.median(ours):.3f} s against {statistics.median(theirs):.3f} s)",
        ratio,
        1.25,
    )
    assert ratio <= 1.25


def test_first_data(config: Path) -> None:
    command = console_command(config)

    def first_data() -> float:
        return watch(command, environment(), [" up "]).seconds[" up "]

    ratio, ours, theirs = pairs(first_data, minimal_paint)
    report(
        f"first data ({statistics.median(ours):.3f} s against {statistics.median(theirs):.3f} s)", ratio, 2.2
    )
    assert ratio <= 2.2


def test_version() -> None:
    chtui = str(Path(sys.executable).with_name("chtui"))
    ratio, ours, theirs = pairs(
        lambda: wall([chtui, "--version"]), lambda: wall([sys.executable, "-c", "pass"]), 15
    )
    report(
        f"chtui --version ({statistics.median(ours):.3f} s against {statistics.median(theirs):.3f} s)",
        ratio,
        5,
    )
    assert ratio <= 5


def test_freshness_beside_a_hung_host(modern: ModernRig, sessions: list[Session]) -> None:
    session = started(modern.effective(), sessions)
    hosts = wait_until(
        lambda: (
            [s.id for s in session.snapshot.hosts if s.state.answers]
            if len(session.snapshot.hosts) == 4
            else []
        )
    )
    wait_until(lambda: all(session.snapshot.age_seconds(host, "host_state") is not None for host in hosts))
    wait_until(lambda: all(status.state.answers for status in session.snapshot.hosts))
    healthy = [status.id for status in session.snapshot.hosts][:3]
    modern.nodes[3].suspend()
    worst, end = 0.0, time.monotonic() + 30
    while time.monotonic() < end:
        snapshot = session.snapshot
        ages = [snapshot.age_seconds(host, "host_state") for host in healthy]
        worst = max(worst, *[age for age in ages if age is not None])
        time.sleep(0.05)
    modern.nodes[3].resume()
    bound = session.effective.intervals.host_state + 1.0
    report("oldest host state of the others with one host stopped", worst, bound, "s")
    assert worst <= bound


def test_bytes_of_one_changed_cell() -> None:
    variables = {**environment(), "PYTHONPATH": str(ROOT)}
    run = watch((sys.executable, "-m", "tests.bench.one_cell_app"), variables, ["HUNG"], linger_seconds=8.0)
    quiet = run.seconds["HUNG"] + 2.0
    frames = [size for when, size in run.chunks if when > quiet]
    report("one changed cell", float(statistics.median(frames)), 1024, "B")
    assert len(frames) > 5
    assert max(frames) < 1024


def test_bytes_at_rest(config: Path) -> None:
    run = watch(console_command(config), environment(), ["4/4 hosts up", "GiB"], linger_seconds=30.0)
    quiet = max(run.seconds.values()) + 8.0
    sent = sum(size for when, size in run.chunks if when > quiet)
    report("bytes a second to the terminal, live cluster at rest", sent / 22.0, 1024, "B")
    assert sent / 22.0 < 1024
