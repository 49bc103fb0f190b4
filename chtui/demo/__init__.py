"""The embedded demo cluster: real ClickHouse nodes on this machine's loopback, with data, load and, if asked, ZooKeeper."""

from __future__ import annotations

from chtui.demo.cluster import DemoCluster
from chtui.demo.nodes import DemoNode
from chtui.demo.options import DemoHost, DemoInfo, DemoOptions

__all__ = ["DemoCluster", "DemoHost", "DemoInfo", "DemoNode", "DemoOptions"]
