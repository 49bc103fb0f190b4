"""What ClickHouse hosts tell of their sessions with ZooKeeper or Keeper."""

from __future__ import annotations

from chtui.monitor.probe import Probe
from chtui.records.keeper import KeeperConnection

PROBES: tuple[Probe, ...] = (Probe("zookeeper_connection", KeeperConnection, "metrics", 5.0),)
