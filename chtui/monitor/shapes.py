"""Answers that come as one row a value, made into one record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chtui.records import HostLimits, HostLoad, HostMetrics

Rows = Iterable[Sequence[Any]]


def to_host_metrics(rows: Rows) -> tuple[HostMetrics, ...]:
    """Return the one record in the rows of `monitor/host_metrics`."""
    values = {(str(kind), str(name)): int(value) for kind, name, value in rows}

    def gauge(name: str) -> int | None:
        return values.get(("gauge", name))

    def counter(name: str) -> int:
        return values.get(("counter", name), 0)

    return (
        HostMetrics(
            uptime_seconds=gauge("uptime") or 0,
            queries=gauge("Query"),
            merges=gauge("Merge"),
            mutations=gauge("PartMutation"),
            fetches=gauge("ReplicatedFetch"),
            http_connections=gauge("HTTPConnection"),
            tcp_connections=gauge("TCPConnection"),
            memory_bytes=gauge("MemoryTracking"),
            delayed_inserts_now=gauge("DelayedInserts"),
            readonly_replicas=gauge("ReadonlyReplica"),
            keeper_sessions=gauge("ZooKeeperSession"),
            distributed_files=gauge("DistributedFilesToInsert"),
            inserted_rows_total=counter("InsertedRows"),
            inserted_bytes_total=counter("InsertedBytes"),
            delayed_inserts_total=counter("DelayedInserts"),
            rejected_inserts_total=counter("RejectedInserts"),
            queries_total=counter("Query"),
            failed_queries_total=counter("FailedQuery"),
            keeper_exceptions_total=counter("ZooKeeperHardwareExceptions"),
            cpu_microseconds_total=counter("OSCPUVirtualTimeMicroseconds"),
        ),
    )


def to_host_load(rows: Rows) -> tuple[HostLoad, ...]:
    """Return the one record in the rows of `monitor/host_load`; a value the server does not measure is None."""
    values = {str(name): float(value) for name, value in rows}

    def whole(name: str) -> int | None:
        return int(values[name]) if name in values else None

    return (
        HostLoad(
            load_average_1m=values.get("LoadAverage1"),
            cpu_user_ratio=values.get("OSUserTimeNormalized"),
            cpu_system_ratio=values.get("OSSystemTimeNormalized"),
            cpu_iowait_ratio=values.get("OSIOWaitTimeNormalized"),
            resident_bytes=whole("MemoryResident"),
            os_memory_total_bytes=whole("OSMemoryTotal"),
            os_memory_available_bytes=whole("OSMemoryAvailable"),
        ),
    )


def to_host_limits(rows: Rows) -> tuple[HostLimits, ...]:
    """Return the one record in the rows of `monitor/host_limits`."""
    values = {str(name): int(value) for name, value in rows}
    return (HostLimits(values.get("max_concurrent_queries"), values.get("max_server_memory_usage")),)
