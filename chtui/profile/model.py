"""What a connection profile and the settings hold, once every source has been heard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from chtui.errors import ConfigError
from chtui.profile.endpoint import Endpoint, default_http_port, parse_endpoint
from chtui.profile.secret import Secret

Access = Literal["direct", "through"]
"""How hosts are reached: each by its own connection, or all through one seed."""

DDL_QUEUE_PATH = "/clickhouse/task_queue/ddl"
"""Where ClickHouse's own default configuration puts the queue of statements sent with ON CLUSTER."""
CONNECT_TIMEOUT_SECONDS = 3.0
"""chtui's own choice: below the host state's interval, so that a host that does not answer is seen within it."""


class Tls(NamedTuple):
    """How a connection is encrypted and whom it trusts."""

    secure: bool = False
    """Whether hosts are spoken to over HTTPS."""
    verify: bool = True
    """Whether the server's certificate and name are checked."""
    ca_file: Path | None = None
    """PEM certificates to trust; None for the system's."""
    cert_file: Path | None = None
    """PEM certificate this client shows; None for none."""
    key_file: Path | None = None
    """The certificate's PEM key; None where `cert_file` holds both, or there is none."""
    server_name: str | None = None
    """The name to expect in the certificate; None for the host's."""


class Credentials(NamedTuple):
    """A user and the password that goes with it."""

    user: str
    secret: Secret


class Profile(NamedTuple):
    """One cluster and how it is reached."""

    name: str
    """What the person calls it; unnamed, its first seed. Drawable, but may hold `/`: not a file name as it is."""
    seeds: tuple[Endpoint, ...]
    """HTTP addresses to ask for the topology, at least one, in the order to try them."""
    cluster: str | None
    """The cluster of `system.clusters` to show; None to choose one after looking."""
    credentials: Credentials
    """Who reads."""
    tls: Tls = Tls()
    access: Access = "direct"
    http_addresses: Mapping[str, str] = MappingProxyType({})
    """`host_name:native_port` of `system.clusters` to `host:http_port`."""
    http_template: str | None = None
    """What makes an HTTP address of a host's name, like `{host_name}:8123`; `{native_port}` may stand in it too."""
    write: Credentials | None = None
    """Who writes while armed; None for the reader."""
    write_allowed: bool = True
    """Whether this profile may be armed at all."""
    connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS
    """Seconds until an attempt to connect to one host is given up."""
    keeper: tuple[Endpoint, ...] = ()
    """Members of the ZooKeeper or Keeper ensemble, each with its client port; empty to ask the hosts for them."""
    keeper_root: str = ""
    """The znode below which the servers have all their paths; empty for none."""
    keeper_admin_port: int | None = None
    """The port of every member's AdminServer, asked over HTTP; None where there is none."""
    ddl_queue_path: str = DDL_QUEUE_PATH
    """Where the queue of statements sent with ON CLUSTER is, below `keeper_root`."""

    def http_address(self, host_name: str, native_port: int) -> Endpoint | None:
        """Return where the profile says this host of `system.clusters` answers HTTP; None if it says nothing.

        The explicit map is asked before the template.

        Raises:
            ConfigError: the server's `host_name` makes no address.
        """
        where = f"profile {self.name}, HTTP address of {host_name}"
        default_port = default_http_port(self.tls.secure)
        bracketed = f"[{host_name}]" if ":" in host_name else host_name
        for key in (f"{host_name}:{native_port}", f"{bracketed}:{native_port}"):
            if key in self.http_addresses:
                return parse_endpoint(self.http_addresses[key], default_port, where)
        if self.http_template is None:
            return None
        return parse_endpoint(fill_template(self.http_template, bracketed, native_port), default_port, where)


def fill_template(template: str, host_name: str, native_port: int) -> str:
    """Return an HTTP template with its two places filled; the values are taken as they are, braces and all."""
    before = template.split("{host_name}")
    return host_name.join(part.replace("{native_port}", str(native_port)) for part in before)


class Intervals(NamedTuple):
    """Seconds between two probes of one kind on one host; a costly probe waits longer than told."""

    host_state: float = 5.0
    """Seconds between liveness probes. Source: DESIGN, Cost."""
    replicas: float = 5.0
    """Seconds between reads of the cheap columns of `system.replicas`. Source: DESIGN, Cost."""
    metrics: float = 5.0
    """Seconds between reads of `system.metrics` and `system.events`. Source: DESIGN, Cost."""
    parts: float = 60.0
    """Seconds between reads of `system.parts`. Source: DESIGN, Cost."""
    disks: float = 60.0
    """Seconds between reads of `system.disks`, which touch the file system. Source: DESIGN, Cost."""
    tables: float = 60.0
    """Seconds between reads of `system.tables`. Source: DESIGN, Cost."""
    queries: float = 5.0
    """Seconds between reads of running queries. Source: DESIGN, Cost."""
    queues: float = 10.0
    """Seconds between reads of the replication and Distributed queues. Source: DESIGN, Cost."""
    merges: float = 5.0
    """Seconds between reads of merges, moves and background pools. Source: DESIGN, Cost."""
    mutations: float = 60.0
    """Seconds between reads of `system.mutations`. Source: DESIGN, Cost."""
    detached: float = 300.0
    """Seconds between reads of detached parts, which walk folders. Source: DESIGN, Cost."""
    logs: float = 60.0
    """Seconds between reads of `system.query_log` and `system.part_log`. Source: chtui's choice, their cost."""
    keeper: float = 5.0
    """Seconds between questions to a Keeper node. Source: DESIGN, Cost (live lists)."""
    once: float = 3600.0
    """Seconds until something that is asked on a key press is asked again by itself. Source: chtui's choice."""


class Thresholds(NamedTuple):
    """From where on a measured value is a finding."""

    replica_lag_warning_seconds: float = 300.0
    """`absolute_delay` in seconds that is a warning. Source: yandex/ch-tools."""
    replica_lag_critical_seconds: float = 600.0
    """`absolute_delay` in seconds that is critical. Source: yandex/ch-tools."""
    queue_size_warning: int = 100
    """Replication queue entries of one table that are a warning. Source: chtui's choice, busy tables pass 20 often."""
    queue_size_critical: int = 1000
    """Replication queue entries of one table that are critical. Source: chtui's choice."""
    readonly_grace_seconds: float = 60.0
    """Seconds a replica may be readonly, as in a Keeper election, before it is critical. Source: on-call runbooks."""
    disk_used_warning_ratio: float = 0.80
    """Used share of a disk, 0 to 1, that is a warning. Source: on-call runbooks; merges stall from 0.85."""
    disk_used_critical_ratio: float = 0.95
    """Used share of a disk, 0 to 1, that is critical. Source: on-call runbooks."""
    slow_host_round_trip_seconds: float = 1.0
    """Round trip of the liveness probe, in seconds, from where a host is slow. Source: chtui's choice."""


class Ui(NamedTuple):
    """How the console looks and listens."""

    theme: str | None = None
    """The theme's name; None for what suits the terminal. Unchecked here: the app knows the themes."""
    mouse: bool = False
    """Whether the mouse is captured. Off: it would keep the terminal from selecting text."""
    ascii: bool = False
    """Whether only ASCII is drawn."""
    slow_link: bool = False
    """Whether to draw less often, for a slow line."""
    default_pane: str = "replicas"
    """The pane shown first, by name. Unchecked here: the app knows the panes."""


def check_template(template: str, label: str, where: str) -> str:
    """Return an HTTP template that makes addresses.

    Raises:
        ConfigError: it lacks `{host_name}`, holds another place, or makes no `host:port`.
    """
    rest = template.replace("{host_name}", "h").replace("{native_port}", "9000")
    if "{host_name}" not in template or "{" in rest or "}" in rest:
        raise ConfigError(
            f"{label} must hold {{host_name}}, may hold {{native_port}}, and nothing else in braces",
            where=where,
            fix='write it as in "{host_name}:8123"',
        )
    check_plain_address(fill_template(template, "host", 9000), label, where)
    return template


def check_znode_path(label: str, text: str, where: str) -> str:
    """Return the path of a znode.

    Raises:
        ConfigError: it is none.
    """
    parts = text.split("/")[1:]
    if not text.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise ConfigError(
            f"{label}: '{text}' is no path of a znode",
            where=where,
            fix="begin it with a slash, end it with none",
        )
    return text


def check_plain_address(text: str, label: str, where: str) -> Endpoint:
    """Return the address in `host:port`.

    Raises:
        ConfigError: it has a scheme or no port, or is no address.
    """
    if "://" in text:
        raise ConfigError(
            f"{label} says http:// or https://", where=where, fix="only `secure` does, for all hosts"
        )
    endpoint = parse_endpoint(text, 0, where)
    if endpoint.port == 0:
        raise ConfigError(f"{label}: '{text}' has no port", where=where, fix="write host:port")
    return endpoint
