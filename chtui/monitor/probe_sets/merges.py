"""Probes of merges, mutations, background pools, parts of partitions."""

from __future__ import annotations

from chtui.monitor.probe import Probe
from chtui.records.merges import Merge

MERGE_ROWS = 500
"""At most so many merges of one host are listed."""

PROBES: tuple[Probe, ...] = (Probe("merges", Merge, "merges", 5.0, max_rows=MERGE_ROWS),)
