"""Keys on a pane of 5,000 rows while it is read anew, against the smallest app with as many."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.keys import key_seconds
from tests.bench.test_bench import ROOT, environment, report

KEYS = [b"j"] * 60 + [b"\x06"] * 30 + [b"k"] * 60 + [b"G", b"g"] * 15
"""Down, pages down (ctrl+f), up, and from end to end."""
MINIMAL_KEYS = [b"\x1b[B"] * 60 + [b"\x1b[6~"] * 30 + [b"\x1b[A"] * 60 + [b"\x1b[1;5F", b"\x1b[1;5H"] * 15
ROUNDS = 2


def p99(values: list[float]) -> float:
    return sorted(values)[round(0.99 * (len(values) - 1))]


def against_minimal(
    module: str, ready: str, keys: list[bytes], minimal_keys: list[bytes]
) -> tuple[float, float]:
    """p99 of the console's keys, and of the smallest app's, in turn."""
    variables = {**environment(), "PYTHONPATH": str(ROOT)}
    minimal = (sys.executable, str(Path(__file__).with_name("minimal_rows_app.py")))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        theirs += key_seconds(minimal, variables, "cell 9 9", minimal_keys)
        ours += key_seconds((sys.executable, "-m", module), variables, ready, keys)
    return p99(ours), p99(theirs)


def test_keys_on_5000_rows() -> None:
    ours, theirs = against_minimal("tests.bench.many_rows_app", "traces_01249", KEYS, MINIMAL_KEYS)
    name = f"p99 of a key to its frame, 5,000 rows ({ours * 1000:.0f} ms against {theirs * 1000:.0f} ms)"
    report(name, ours / theirs, 2)
    assert ours / theirs <= 2


def test_keys_under_a_plot_that_is_redrawn() -> None:
    down, minimal_down = KEYS[:60], MINIMAL_KEYS[:60]
    ours, theirs = against_minimal("tests.bench.plot_app", "traces_00009", down, minimal_down)
    name = f"p99 of a key to its frame, a plot redrawn twice a second ({ours * 1000:.0f} ms against {theirs * 1000:.0f} ms)"
    report(name, ours / theirs, 2)
    assert ours / theirs <= 2
