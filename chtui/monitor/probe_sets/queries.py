"""Probes of running queries and the query log."""

from __future__ import annotations

from chtui.monitor.probe import Probe

PROBES: tuple[Probe, ...] = ()
