"""What a demo is asked for, and what it tells when it is ready."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from chtui.errors import DemoError

CLUSTER = "appsentry_cluster"
SOURCE_CLUSTER = "otel_v1"
"""The first host alone, where the telemetry of v1 lies."""
PROFILE = "demo"
BLIND_PROFILE = "blind"
HOST = "127.0.0.1"
INGESTION_SERVICE, BACKEND_SERVICE = "ingestion", "backend"
NO_TELEMETRY = "--no-telemetry"
"""Tells the load to leave telemetry to the services."""
DEFAULT_ROWS = 100_000
DEFAULT_SEED = 20_240_601
DEFAULT_DAYS = 90
MOST_NODES = 16
MOST_DAYS = 99
"""An insert may write no more partitions than a hundred."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What is asked for; None takes what the directory was made with, or the default.

    Data are the same for the same seed, rows and anchor.
    """

    shards: int | None = None
    """Default 2."""
    replicas: int | None = None
    """Of each shard; default 2."""
    directory: Path | None = None
    """Kept, and resumed when it is a demo's; None is a fresh one, removed at the end."""
    rows: int | None = None
    """Spans in `otel.traces`; as many log lines, half as many metric points; default 100,000."""
    seed: int | None = None
    days: int | None = None
    """Days the telemetry spreads over, a partition each; default 90."""
    load: bool = True
    """Run the live load."""
    zookeeper: bool = False
    """Also run Debian's ZooKeeper, and make Replicated tables on it."""
    services: bool = False
    """Also run the stand-ins for the services that write and read telemetry; the live load leaves telemetry to them."""
    writers: int = 3
    """Of the service that writes, 1 to 16."""
    restart: bool = False
    """Without a console: start nodes and services again that ended, as a service manager does."""
    anchor: date | None = None
    """Data end where this day (UTC) begins; default the day the directory was made."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a demo's directory was made with; it stays when the demo is resumed."""

    shards: int
    replicas: int
    rows: int
    seed: int
    days: int
    anchor: date

    def checked(self) -> Shape:
        """Return this shape.

        Raises:
            DemoError: it cannot be built.
        """
        if self.shards < 1 or self.replicas < 1 or self.shards * self.replicas > MOST_NODES:
            raise DemoError(
                f"{self.shards} shards of {self.replicas} replicas cannot be started",
                fix=f"ask for 1 to {MOST_NODES} nodes altogether",
            )
        if self.rows < 0:
            raise DemoError(f"rows cannot be {self.rows}", fix="give 0 or more")
        if not 1 <= self.days <= MOST_DAYS:
            raise DemoError(f"days cannot be {self.days}", fix=f"give 1 to {MOST_DAYS}")
        if not 0 <= self.seed < 2**64:
            raise DemoError(f"seed cannot be {self.seed}", fix="give a number from 0 to 2^64 - 1")
        return self


@dataclass(frozen=True, slots=True)
class DemoHost:
    """One node as a client sees it."""

    host_name: str
    port: int
    """The native port."""
    http_port: int
    shard_num: int
    replica_num: int
    pid: int


@dataclass(frozen=True, slots=True)
class DemoServices:
    """Where the stand-ins for services are told what to do, and tell what they did."""

    ingestion_url: str
    """`http://host:port` of `telemetry-ingestion`, which writes."""
    backend_url: str
    """`http://host:port` of `appsentry-backend`, which reads."""


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """A running demo."""

    config_file: Path
    """chtui's configuration with the profiles `demo` and `blind`; mode 0600."""
    profile: str
    cluster: str
    hosts: tuple[DemoHost, ...]
    pids: tuple[int, ...]
    """Every process the demo started, the nodes' first."""
    directory: Path
    temporary: bool
    """The directory goes away with the demo."""
    zookeeper: str
    """`host:port` of ZooKeeper, empty without."""
    services: DemoServices | None = None
    """None without."""

    def as_json(self) -> str:
        """Return everything as one line of JSON; it holds no secret."""
        return json.dumps({"schema": "chtui.demo/1", **asdict(self)}, default=str, ensure_ascii=False)
