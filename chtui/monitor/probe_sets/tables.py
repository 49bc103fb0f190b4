"""Probes of tables, columns, partitions, detached parts."""

from __future__ import annotations

from chtui.monitor.probe import Probe

PROBES: tuple[Probe, ...] = ()
