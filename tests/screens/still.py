"""A session whose store stands still, and records for it that never change."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from textual.pilot import Pilot

from chtui import records
from chtui.app import ChtuiApp
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.profile.endpoint import Endpoint
from chtui.records import HostId, HostState, HostStatus, Sample
from chtui.screens.pane import PaneScreen
from chtui.session import Session, Watch
from chtui.widgets.row_table import RowTable
from tests.support import effective, replace

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
HOSTS = tuple(
    HostId(f"clickhouse-shard{shard}-replica{replica}", 9000) for shard in (1, 2) for replica in (1, 2)
)


class StillSession(Session):
    """Never asks a server: what is watched is built of one snapshot, at once, in the caller's thread."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(effective("oncall", "", seeds=(Endpoint("127.0.0.1", 1),), name="production"))
        self.still = snapshot
        self.watches: dict[str, tuple[Watch, Collection[Want]]] = {}
        self.refreshed = 0

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def refresh(self) -> None:
        """Count the wish."""
        self.refreshed += 1

    def pause(self, paused: bool) -> None:
        """Show it."""
        self.become(replace(self.still, paused=paused))

    def watch(self, owner: str, watch: Watch, wants: Collection[Want]) -> None:
        """Build and deliver once."""
        self.watches[owner] = (watch, wants)
        watch.deliver(watch.build(self.still))

    def unwatch(self, owner: str) -> None:
        """Forget the watch."""
        self.watches.pop(owner, None)

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that stands still."""
        return self.still

    def become(self, snapshot: Snapshot) -> None:
        """Deliver another snapshot to whoever watches."""
        self.still = snapshot
        for watch, _ in self.watches.values():
            watch.deliver(watch.build(snapshot))


def fixed_snapshot() -> Snapshot:
    """A cluster at night: one replica behind, one readonly, one hung."""
    states = (HostState.UP, HostState.UP, HostState.SLOW, HostState.HUNG)
    errors = ("", "", "", "no answer within 2 s")
    hosts = tuple(
        HostStatus(
            id=host,
            shard_num=index // 2 + 1,
            replica_num=index % 2 + 1,
            address=f"{host.host_name}:8123",
            state=state,
            since=NOW - timedelta(seconds=95 if state is HostState.HUNG else 4000),
            error=error,
            answered_at=NOW - timedelta(seconds=95 if state is HostState.HUNG else 2),
            round_trip_seconds=(0.004, 0.006, 1.4, 0.005)[index],
            version="26.9.2.1",
            sees_all_tables=True,
            readonly_level=1,
        )
        for index, (host, state, error) in enumerate(zip(HOSTS, states, errors, strict=True))
    )
    samples = {
        key: sample for index, host in enumerate(HOSTS) for key, sample in _samples(index, host).items()
    }
    return Snapshot(
        "production",
        "appsentry_cluster",
        NOW,
        hosts,
        samples,
        clusters=("appsentry_cluster",),
        meter_ratio=0.0021,
    )


def _samples(index: int, host: HostId) -> dict[tuple[HostId, str], Sample]:
    readonly = 3 if index == 2 else 0
    summary = records.ReplicationSummary(
        40,
        readonly,
        readonly,
        0,
        (3, 480, 0, 12)[index],
        (4, 312, 0, 9)[index],
        (4, 150, 0, 9)[index],
        3,
        1,
        0,
        600,
        readonly,
    )
    suspects = (
        records.SuspectReplica(
            "otel_v2", "traces_local", True, True, 0, 0, 0, "/t", "r1", "Session expired", 340
        ),
    )
    disk = records.Disk("disk_nvme", "/var/lib/clickhouse/", "Local", (96 - 24 * index) << 30, 400 << 30, 0)
    rows: dict[str, tuple[object, ...]] = {
        "host_state": (records.HostInfo("26.9.2.1", 1_000_000 + index, NOW, host.host_name),),
        "replication_summary": (summary,),
        "suspect_replicas": suspects if readonly else (),
        "replica_keeper_state": (),
        "parts_summary": (records.PartsSummary(44, 1200 + index, 10**9, 10**11, 87, "otel_v2.traces_local"),),
        "disks": (disk,),
    }
    return {(host, probe): Sample(found, NOW - timedelta(seconds=2)) for probe, found in rows.items()}


def with_detail(snapshot: Snapshot) -> Snapshot:
    """The same with everything a host's detail shows, for the first host; its counters have two samples."""
    host = HOSTS[0]
    before = records.HostMetrics(
        990, 12, 3, 1, 2, 40, 9, 9 << 30, 0, 0, 1, 14, 10**9, 10**11, 5, 0, 9000, 30, 2, 5_000_000
    )
    after = replace(
        before, uptime_seconds=1000, inserted_rows_total=10**9 + 92_000, inserted_bytes_total=10**11 + 10**8,
        delayed_inserts_total=9, queries_total=9420, failed_queries_total=31, cpu_microseconds_total=17_000_000,
    )  # fmt: skip
    load = records.HostLoad(3.2, 0.41, 0.07, 0.02, 11 << 30, 64 << 30, 40 << 30)
    tables = (
        records.HostTable(
            "otel_v2",
            "traces_local",
            "ReplicatedMergeTree",
            812,
            8 * 10**8,
            9 * 10**10,
            True,
            False,
            False,
            3,
            4,
        ),
        records.HostTable(
            "otel_v2",
            "logs_local",
            "ReplicatedMergeTree",
            300,
            2 * 10**8,
            10**10,
            True,
            True,
            True,
            10**10,
            0,
        ),
        records.HostTable("system", "query_log", "MergeTree", 9, 10**6, 10**8, False, False, False, 0, 0),
    )
    errors = (records.ServerError("KEEPER_EXCEPTION", 999, 12, 340, "Session expired [/x] \x1b[31m"),)
    earlier = Sample((replace(errors[0], errors=9),), NOW - timedelta(seconds=10))
    more = {
        "host_metrics": Sample((after,), NOW, previous=Sample((before,), NOW - timedelta(seconds=10))),
        "host_load": Sample((load,), NOW),
        "host_limits": Sample((records.HostLimits(100, 60 << 30),), NOW),
        "host_tables": Sample(tables, NOW),
        "server_errors": Sample(errors, NOW, previous=earlier),
        "server_warnings": Sample(
            (records.ServerWarning("Linux transparent hugepages are set to always"),), NOW
        ),
    }
    return replace(
        snapshot, samples={**snapshot.samples, **{(host, name): sample for name, sample in more.items()}}
    )


async def settled(app: ChtuiApp, pilot: Pilot[int]) -> None:
    """Wait until the session is made, the pane is whole, and its first view is drawn."""
    while (
        app.session is None
        or not isinstance(app.screen, PaneScreen)
        or not app.screen.query(RowTable).first().table.columns
    ):
        await pilot.pause(0.01)
    await pilot.pause()
