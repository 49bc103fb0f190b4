"""Every probe there is, in the order in which hosts are asked what falls due at once."""

from __future__ import annotations

from collections.abc import Mapping

from chtui.monitor.probe import Args, Ask, Context, Params, Probe, sample_key, to_records
from chtui.monitor.probe_sets import hosts, keeper, merges, queries, queues, storage, tables

PROBES: Mapping[str, Probe] = {
    probe.name: probe
    for module in (hosts, keeper, queues, merges, queries, tables, storage)
    for probe in module.PROBES
}
"""Every probe by name."""

__all__ = ["PROBES", "Args", "Ask", "Context", "Params", "Probe", "sample_key", "to_records"]
