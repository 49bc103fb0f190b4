"""Which probe is due on which host. Pure: time comes in, jobs go out; no clock, no threads, no network."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from chtui.fleet.link import DATA, LIVENESS
from chtui.monitor.probes import PROBES, Probe
from chtui.profile.model import Intervals
from chtui.records import HostId

COST_SHARE = 0.02
"""A probe may take this share of its host's time: after two dear answers in a row it waits that much longer."""
LONGEST_DELAY_SECONDS = 600.0


class Want(NamedTuple):
    """A pane's wish to see a probe: on one host, or on all."""

    probe: str
    host: HostId | None = None


class Gate(NamedTuple):
    """What a host allows at this moment."""

    host: HostId
    answers: bool
    """Whether data probes make sense."""
    retry_at: float
    """Monotonic instant before which liveness is not asked again."""
    busy_lanes: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    """Probes whose last query may still run there."""


class Job(NamedTuple):
    """Ask this host this probe now."""

    host: HostId
    probe: Probe


@dataclass(slots=True)
class _Clockwork:
    due_at: float = 0.0
    delay_seconds: float = 0.0
    last_cost_seconds: float = 0.0


@dataclass
class Scheduler:
    """Wishes in, due jobs out."""

    intervals: Intervals
    paused: bool = False
    """Only liveness goes on while paused."""
    _wants: dict[str, frozenset[Want]] = field(default_factory=dict)
    _clockworks: dict[tuple[HostId, str], _Clockwork] = field(default_factory=dict)

    def want(self, owner: str, wants: Collection[Want]) -> None:
        """Let `owner` want exactly these probes; none to want nothing."""
        if wants:
            self._wants[owner] = frozenset(wants)
        else:
            self._wants.pop(owner, None)

    def wanted(self, host: HostId) -> list[Probe]:
        """Return the probes to ask of this host, in the order of their definition."""
        names = {want.probe for wants in self._wants.values() for want in wants if want.host in (None, host)}
        return [probe for probe in PROBES.values() if probe.always or probe.name in names]

    def due(self, now: float, gates: Iterable[Gate]) -> list[Job]:
        """Return at most one job for each idle lane: the one most overdue."""
        jobs: list[Job] = []
        for gate in gates:
            for lane in (LIVENESS, DATA):
                if lane not in gate.busy_lanes and (candidates := self._candidates(gate, lane, now)):
                    jobs.append(Job(gate.host, min(candidates)[2]))
        return jobs

    def next_at(self, now: float, gates: Iterable[Gate]) -> float:
        """Return the monotonic instant at which the next job falls due, at most a second from now."""
        moments = [
            moment
            for gate in gates
            for lane in (LIVENESS, DATA)
            if lane not in gate.busy_lanes
            for moment, _, _ in self._moments(gate, lane)
        ]
        return max(now, min([*moments, now + 1.0]))

    def started(self, job: Job, now: float) -> None:
        """Note that a job was handed out: it is due again after its interval, whatever becomes of it."""
        clockwork = self._clockwork(job.host, job.probe)
        clockwork.due_at = now + max(self.interval(job.probe), clockwork.delay_seconds)

    def ended(self, job: Job, now: float, seconds: float) -> None:
        """Note what a job cost. A probe that is dear twice running is asked less often; one dear answer may be chance."""
        clockwork = self._clockwork(job.host, job.probe)
        lasting = min(seconds, clockwork.last_cost_seconds)
        clockwork.last_cost_seconds = seconds
        is_dear = lasting > COST_SHARE * self.interval(job.probe)
        clockwork.delay_seconds = min(LONGEST_DELAY_SECONDS, lasting / COST_SHARE) if is_dear else 0.0
        clockwork.due_at = max(clockwork.due_at, now + clockwork.delay_seconds)

    def slowed(self, host: HostId, probe: str) -> float | None:
        """Return the seconds between two answers where cost has made them more than the interval; None if it has not."""
        clockwork = self._clockworks.get((host, probe))
        return (
            clockwork.delay_seconds
            if clockwork and clockwork.delay_seconds > self.interval(PROBES[probe])
            else None
        )

    def hasten(self, probes: Collection[str] | None = None) -> None:
        """Make the named probes due at once on every host; all of them without names."""
        for (_, name), clockwork in self._clockworks.items():
            if probes is None or name in probes:
                clockwork.due_at = 0.0

    def forget(self, host: HostId) -> None:
        """Drop everything of a host that left the cluster or must be asked anew."""
        self._clockworks = {key: clockwork for key, clockwork in self._clockworks.items() if key[0] != host}

    def interval(self, probe: Probe) -> float:
        """Return the seconds between two answers of a cheap probe."""
        return float(getattr(self.intervals, probe.interval))

    def _candidates(self, gate: Gate, lane: str, now: float) -> list[tuple[float, int, Probe]]:
        return [moment for moment in self._moments(gate, lane) if moment[0] <= now]

    def _moments(self, gate: Gate, lane: str) -> list[tuple[float, int, Probe]]:
        if lane == DATA and (self.paused or not gate.answers):
            return []
        order = {name: index for index, name in enumerate(PROBES)}
        return [
            (self._moment(gate, probe), order[probe.name], probe)
            for probe in self.wanted(gate.host)
            if probe.lane == lane and probe.name not in gate.blocked
        ]

    def _moment(self, gate: Gate, probe: Probe) -> float:
        due_at = self._clockwork(gate.host, probe).due_at
        if probe.lane == LIVENESS:
            return gate.retry_at if gate.retry_at else due_at
        return due_at

    def _clockwork(self, host: HostId, probe: Probe) -> _Clockwork:
        return self._clockworks.setdefault((host, probe.name), _Clockwork())
