"""Probes of policies, disks, volumes, moves and TTL."""

from __future__ import annotations

from chtui.monitor.probe import Probe

PROBES: tuple[Probe, ...] = ()
