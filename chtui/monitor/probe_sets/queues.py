"""Probes of replication queues, fetches, Distributed sends."""

from __future__ import annotations

from chtui.monitor.probe import Probe

PROBES: tuple[Probe, ...] = ()
