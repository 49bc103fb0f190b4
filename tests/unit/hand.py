"""Records made by hand, and a clock moved by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chtui.monitor.snapshot import Snapshot
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials, Profile
from chtui.profile.secret import Secret
from chtui.records import Cluster, ClusterReplica, HostId, HostState, HostStatus, ReplicationSummary, Sample
from tests.support import replace

T = TypeVar("T")

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
A, B, C, D = (HostId(f"ch{number}.example", 9000) for number in (1, 2, 3, 4))

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2Jclear",
    "[/red][bold]markup",
    "日本語のテーブル",
    "a\u202egnp.exe",
    "zero\u200bwidth",
    "line\none\ttwo\r\n",
    "lone \ud800 surrogate",
    "tag\U000e0041\U000e007f",
    "\x00nul\x7f",
    "👨\u200d👩\u200d👧 family",
)
"""Names a server may hold that a terminal must not be given as they are, or that are wider than they are long."""


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        """The instant."""
        return NOW + timedelta(seconds=self.seconds - 1000.0)

    def monotonic(self) -> float:
        """The same as seconds."""
        return self.seconds


def ago(seconds: float) -> datetime:
    """The instant so long before NOW."""
    return NOW - timedelta(seconds=seconds)


def profile(**changes: Any) -> Profile:
    """A profile of one seed."""
    made = Profile(
        "test", (Endpoint("seed.example", 8123),), None, Credentials("u", Secret.literal("p", "test"))
    )
    return replace(made, **changes)


def replica(
    host: HostId, shard: int = 1, number: int = 1, *, local: bool = False, cluster: str = "c"
) -> ClusterReplica:
    """A row of system.clusters."""
    return ClusterReplica(cluster, shard, number, host, local)


def cluster(*replicas: ClusterReplica) -> dict[str, Cluster]:
    """What a seed told: one cluster, called c."""
    return {"c": Cluster("c", replicas)}


def status(host: HostId = A, state: HostState = HostState.UP, **changes: Any) -> HostStatus:
    """A host that answers, and sees everything."""
    made = HostStatus(
        id=host,
        shard_num=1,
        replica_num=1,
        address=f"{host.host_name}:8123",
        state=state,
        since=ago(120),
        answered_at=NOW,
        round_trip_seconds=0.004,
        version="26.9.2.1",
        sees_all_tables=True,
        readonly_level=1,
    )
    return replace(made, **changes)


def blank(record: type[T], **values: Any) -> T:
    """A record with zeros, empty texts and Falses but for `values`."""
    empty = {"int": 0, "str": "", "bool": False, "float": 0.0, "datetime": NOW}
    given = {
        name: empty.get(getattr(hint, "__forward_arg__", str(hint)))
        for name, hint in record.__annotations__.items()
    }
    return record(**{**given, **values})


def summary(**values: Any) -> ReplicationSummary:
    """Ten replicated tables, all well."""
    return blank(ReplicationSummary, **{"tables": 10, **values})


def good(*rows: Any, age: float = 0.0, previous: Sample | None = None) -> Sample:
    """A sample that came well."""
    return Sample(rows, ago(age), previous=previous)


def snapshot(
    *statuses: HostStatus, samples: Mapping[tuple[HostId, str], Sample] | None = None, **changes: Any
) -> Snapshot:
    """A snapshot taken NOW."""
    return replace(Snapshot("test", "c", NOW, statuses, samples or {}), **changes)
