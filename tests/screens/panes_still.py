"""Records for every pane that never change: plausible values by the names of their fields, so that a new probe needs none by hand."""

from __future__ import annotations

from datetime import timedelta
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from chtui.monitor.keeper_probes import MEMBER_PROBES, ZNODE_PROBES
from chtui.monitor.probes import PROBES
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER, HostId, Sample
from chtui.records.keeper import KeeperMember, KeeperNode, KeeperSession, MemberState, Znode
from tests.screens.still import HOSTS, NOW, fixed_snapshot
from tests.support import replace

MEMBERS = tuple(HostId(f"zookeeper{number}", 2181) for number in (1, 2, 3))
STATES = (MemberState.FOLLOWER, MemberState.LEADER, MemberState.HUNG)
TABLES = (("otel_v2", "traces_local"), ("otel_v2", "logs_local"), ("otel_v2", "metrics_local"))
TEXTS = {
    "query": "SELECT ServiceName, quantile(0.99)(Duration) FROM otel_v2.traces WHERE Timestamp > now() - 3600 GROUP BY ServiceName",
    "command": "MATERIALIZE COLUMN SpanKind",
    "engine": "ReplicatedMergeTree",
    "type": "GET_PART",
    "cause": "fetch failing",
    "user": "appsentry-backend",
    "event_type": "NewPart",
    "kind": "Select",
    "policy": "tiered_storage",
    "policy_name": "tiered_storage",
    "volume": "hot_volume",
    "volume_name": "hot_volume",
    "disk": "disk_nvme",
    "disk_name": "disk_nvme",
    "name": "disk_nvme",
    "partition": "2026-03-01",
    "partition_id": "20260301",
    "reason": "broken",
    "setting": "",
    "clause": "",
    "data_paths": "",
}


def value(name: str, hint: Any, index: int) -> Any:
    """A value that suits a field."""
    options = [one for one in get_args(hint) if one is not type(None)]
    if get_origin(hint) in (Union, UnionType):
        return value(name, options[0], index)
    if hint is bool:
        return index == 0 and name.startswith("is_")
    if hint is float:
        return 0.42 + index / 10 if name.endswith("_ratio") else 95.5 * (index + 1)
    if hint is int:
        if name.endswith("_seconds"):
            return 95 * (index + 1)
        return (7 << 30) * (index + 1) if "bytes" in name else 1200 * (index + 1)
    if hint is str:
        if name in ("database", "table"):
            return TABLES[index % len(TABLES)][name == "table"]
        return TEXTS.get(name, "" if "exception" in name or "reason" in name else f"{name}-{index}")
    if get_origin(hint) in (tuple, list) or hint in (tuple, list):
        return ()
    return NOW - timedelta(hours=index)


def records(probe: str, host: int) -> tuple[Any, ...]:
    """Three records of a probe on a host."""
    record = PROBES[probe].record
    hints = get_type_hints(record)
    return tuple(
        record(**{name: value(name, hint, index + host) for name, hint in hints.items()})
        for index in range(3)
    )


def with_panes(wants: tuple[Want, ...]) -> Snapshot:
    """The fixed snapshot with answers to these wants, and an ensemble of which one member hangs."""
    given = fixed_snapshot()
    samples = dict(given.samples)
    for want in wants:
        if want.probe in PROBES:
            for number, host in enumerate(HOSTS):
                if (host, want.key) not in samples:
                    samples[host, want.key] = Sample(records(want.probe, number), NOW - timedelta(seconds=2))
        elif want.probe in MEMBER_PROBES | ZNODE_PROBES:
            samples |= _keeper(want)
    members = tuple(
        KeeperMember(host, state, NOW - timedelta(seconds=95), "no answer within 3 s" if state is MemberState.HUNG else "", NOW, "profile", 3)
        for host, state in zip(MEMBERS, STATES, strict=True)
    )  # fmt: skip
    return replace(given, samples=samples, keeper_members=members)


def _keeper(want: Want) -> dict[tuple[HostId, str], Sample]:
    if want.probe == "keeper_node":
        return {
            (host, want.key): Sample((KeeperNode(state, "3.8.0", "ZooKeeper", 0, 1.2, 87, 0, 12, 48211, 97, 40, 9 << 20, 2, 1, 3),), NOW)
            for host, state in zip(MEMBERS[:2], STATES[:2], strict=True)
        }  # fmt: skip
    if want.probe == "keeper_sessions":
        return {(host, want.key): Sample((KeeperSession("0x1000a", "10.0.0.7:41002", 0, 900, 899),), NOW) for host in MEMBERS[:2]}  # fmt: skip
    if want.probe == "znode":
        rows = tuple(
            Znode(
                path,
                path.rpartition("/")[2],
                3,
                40,
                1,
                NOW,
                NOW,
                data="host: clickhouse-shard1-replica1\nport: 9000",
            )
            for path in ("/clickhouse/tables", "/clickhouse/tables/01", "/clickhouse/tables/02")
        )
        return {(KEEPER, want.key): Sample(rows, NOW)}
    return {(KEEPER, want.key): Sample((), NOW)}
