"""What tests make sure of with the self test's oracle."""

from __future__ import annotations

from collections.abc import Sequence

from chtui.demo.selftest.case import Case
from chtui.demo.selftest.oracle import Findings, Query, findings, misled


def assert_exact(case: Case, query: Query, shards: Sequence[Sequence[int]]) -> None:
    """Make sure that v2 has v1's rows, each as often, on every replica and by its names, aggregates of just those, and nothing is left over."""
    assert findings(case, query, shards) == Findings(0, 0, 0, ())
    assert misled(case, query, shards) == []
