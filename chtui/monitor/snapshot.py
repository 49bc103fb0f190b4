"""Everything known at one moment, frozen: what rules, views, JSON and panes are functions of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chtui.profile.model import Intervals, Thresholds
from chtui.records import HostId, HostStatus, Sample

if TYPE_CHECKING:
    from chtui.records.keeper import KeeperMember

STALE_MARGIN_SECONDS = 1.0
"""A sample older than its interval by more than this is stale."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One cluster as it is known at one moment."""

    profile: str
    cluster: str
    """Empty while no seed has told one."""
    taken_at: datetime
    hosts: tuple[HostStatus, ...] = ()
    samples: Mapping[tuple[HostId, str], Sample] = field(default_factory=dict)
    keeper_members: tuple[KeeperMember, ...] = ()
    """The ensemble's members, as far as they are known; none before a screen has asked for them."""
    error: str = ""
    """Why there is no cluster, in one line; empty when there is one, or before the first try ended."""
    clusters: tuple[str, ...] = ()
    """Names of all clusters the seed knows."""
    access: str = "direct"
    notes: tuple[str, ...] = ()
    """Things the user should know that are no host's fault."""
    meter_ratio: float | None = None
    """The busiest host's query time spent on chtui, seconds a second, over the last minute."""
    meter_is_server_time: bool = True
    slowed: Mapping[str, float] = field(default_factory=dict)
    """Probe to the seconds between its answers, where its cost has slowed it down."""
    paused: bool = False
    armed_seconds: float = 0.0
    """How long the cluster may still be changed; 0 while it may not."""
    intervals: Intervals = field(default_factory=Intervals)
    thresholds: Thresholds = field(default_factory=Thresholds)

    def sample(self, host: HostId, probe: str) -> Sample | None:
        """Return the last sample of a probe on a host, None before its first attempt ended."""
        return self.samples.get((host, probe))

    def rows(self, host: HostId, probe: str) -> tuple[Any, ...]:
        """Return the last good records of a probe on a host."""
        sample = self.samples.get((host, probe))
        return sample.rows if sample else ()

    def one(self, host: HostId, probe: str) -> Any | None:
        """Return the only record of a probe that gives one, None while there is none."""
        rows = self.rows(host, probe)
        return rows[0] if rows else None

    def host(self, host: HostId) -> HostStatus | None:
        """Return the status of one host."""
        return next((status for status in self.hosts if status.id == host), None)

    def age_seconds(self, host: HostId, probe: str) -> float | None:
        """Return how old the rows of a probe on a host are; None while there are none."""
        sample = self.samples.get((host, probe))
        return (self.taken_at - sample.taken_at).total_seconds() if sample and sample.taken_at else None

    @property
    def partly_blind(self) -> tuple[HostId, ...]:
        """The hosts on which this user sees only part of the tables."""
        return tuple(status.id for status in self.hosts if status.sees_all_tables is False)

    @property
    def is_readonly_user(self) -> bool:
        """Whether this user may change nothing on any host that told."""
        levels = [status.readonly_level for status in self.hosts if status.readonly_level is not None]
        return bool(levels) and all(level >= 1 for level in levels)
