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


def test_keys_on_5000_rows() -> None:
    variables = {**environment(), "PYTHONPATH": str(ROOT)}
    minimal = (sys.executable, str(Path(__file__).with_name("minimal_rows_app.py")))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        theirs += key_seconds(minimal, variables, "cell 9 9", MINIMAL_KEYS)
        ours += key_seconds(
            (sys.executable, "-m", "tests.bench.many_rows_app"), variables, "traces_01249", KEYS
        )
    ratio = p99(ours) / p99(theirs)
    report(
        f"p99 of a key to its frame, 5,000 rows ({p99(ours) * 1000:.0f} ms against {p99(theirs) * 1000:.0f} ms)",
        ratio,
        2,
    )
    assert ratio <= 2
