"""Which probe is due on which host. Pure: time comes in, jobs go out; no clock, no threads, no network."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from chtui.fleet.link import DATA, LIVENESS
from chtui.monitor.probe import Args, Ask, sample_key
from chtui.monitor.probes import ALWAYS, PROBES, Probe
from chtui.profile.model import Intervals
from chtui.records import HostId

COST_SHARE = 0.02
"""A probe may take this share of its host's time: after two dear answers in a row it waits that much longer."""
LONGEST_DELAY_SECONDS = 600.0


class Want(NamedTuple):
    """A pane's wish to see a probe: on one host, or on all."""

    probe: str
    host: HostId | None = None
    args: Args = ()
    """Values for its parameters by name, in a fixed order."""

    @property
    def key(self) -> str:
        """What the samples are stored under."""
        return sample_key(self.probe, self.args)


class Gate(NamedTuple):
    """What a host allows at this moment."""

    host: HostId
    answers: bool
    """Whether data probes make sense."""
    retry_at: float
    """Monotonic instant before which liveness is not asked again."""
    busy_lanes: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    """Sample keys whose last query may still run there."""


class Job(NamedTuple):
    """Ask this host this probe now."""

    host: HostId
    ask: Ask

    @property
    def probe(self) -> Probe:
        """The probe."""
        return self.ask.probe


class _Clockwork:
    __slots__ = ("delay_seconds", "due_at", "last_cost_seconds")

    def __init__(self) -> None:
        self.due_at = 0.0
        self.delay_seconds = 0.0
        self.last_cost_seconds = 0.0


class Scheduler:
    """Wishes in, due jobs out."""

    def __init__(self, intervals: Intervals) -> None:
        self.intervals = intervals
        self.paused = False
        """Only liveness goes on while paused."""
        self._wants: dict[str, frozenset[Want]] = {}
        self._clockworks: dict[tuple[HostId, str], _Clockwork] = {}

    def want(self, owner: str, wants: Collection[Want]) -> None:
        """Let `owner` want exactly these probes; none to want nothing."""
        if wants:
            self._wants[owner] = frozenset(wants)
        else:
            self._wants.pop(owner, None)

    def wanted(self, host: HostId) -> list[Ask]:
        """Return what to ask of this host, in the order of the probes' definition."""
        asks = {
            (want.probe, want.args)
            for wants in self._wants.values()
            for want in wants
            if want.host in (None, host) and want.probe in PROBES
        } | ALWAYS_ASKED
        return [Ask(PROBES[name], args) for name, args in sorted(asks, key=_place)]

    def leave(self, owner: str) -> set[str]:
        """Let `owner` want nothing; return the sample keys of its own values that nobody wants any more."""
        before = self._wants.pop(owner, frozenset())
        still = {want.key for wants in self._wants.values() for want in wants}
        return {want.key for want in before if want.args} - still

    def due(self, now: float, gates: Iterable[Gate]) -> list[Job]:
        """Return at most one job for each idle lane: the one most overdue."""
        jobs: list[Job] = []
        for gate in gates:
            for lane in (LIVENESS, DATA):
                if lane not in gate.busy_lanes and (candidates := self._candidates(gate, lane, now)):
                    jobs.append(Job(gate.host, min(candidates, key=lambda moment: moment[:2])[2]))
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
        clockwork = self._clockwork(job.host, job.ask)
        clockwork.due_at = now + max(self.interval(job.probe), clockwork.delay_seconds)

    def ended(self, job: Job, now: float, seconds: float) -> None:
        """Note what a job cost. A probe that is dear twice running is asked less often; one dear answer may be chance."""
        clockwork = self._clockwork(job.host, job.ask)
        lasting = min(seconds, clockwork.last_cost_seconds)
        clockwork.last_cost_seconds = seconds
        is_dear = lasting > COST_SHARE * self.interval(job.probe)
        clockwork.delay_seconds = min(LONGEST_DELAY_SECONDS, lasting / COST_SHARE) if is_dear else 0.0
        clockwork.due_at = max(clockwork.due_at, now + clockwork.delay_seconds)

    def rest(self, job: Job, until: float) -> None:
        """Let a job not fall due before a monotonic instant."""
        clockwork = self._clockwork(job.host, job.ask)
        clockwork.due_at = max(clockwork.due_at, until)

    def slowed(self, host: HostId, ask: Ask) -> float | None:
        """Return the seconds between two answers where cost has made them more than the interval; None if it has not."""
        clockwork = self._clockworks.get((host, ask.key))
        return (
            clockwork.delay_seconds
            if clockwork and clockwork.delay_seconds > self.interval(ask.probe)
            else None
        )

    def hasten(self, probes: Collection[str] | None = None) -> None:
        """Make the named probes due at once on every host; all of them without names."""
        for (_, key), clockwork in self._clockworks.items():
            if probes is None or key.partition("?")[0] in probes:
                clockwork.due_at = 0.0

    def forget(self, host: HostId) -> None:
        """Drop everything of a host that left the cluster or must be asked anew."""
        self._clockworks = {key: clockwork for key, clockwork in self._clockworks.items() if key[0] != host}

    def interval(self, probe: Probe) -> float:
        """Return the seconds between two answers of a cheap probe."""
        return float(getattr(self.intervals, probe.interval))

    def _candidates(self, gate: Gate, lane: str, now: float) -> list[tuple[float, int, Ask]]:
        return [moment for moment in self._moments(gate, lane) if moment[0] <= now]

    def _moments(self, gate: Gate, lane: str) -> list[tuple[float, int, Ask]]:
        if lane == DATA and (self.paused or not gate.answers):
            return []
        return [
            (self._moment(gate, ask), PROBES.place(ask.probe.name), ask)
            for ask in self.wanted(gate.host)
            if ask.probe.lane == lane and ask.key not in gate.blocked
        ]

    def _moment(self, gate: Gate, ask: Ask) -> float:
        due_at = self._clockwork(gate.host, ask).due_at
        if ask.probe.lane == LIVENESS:
            return gate.retry_at if gate.retry_at else due_at
        return due_at

    def _clockwork(self, host: HostId, ask: Ask) -> _Clockwork:
        return self._clockworks.setdefault((host, ask.key), _Clockwork())


ALWAYS_ASKED: frozenset[tuple[str, Args]] = frozenset((name, ()) for name in ALWAYS)


def _place(ask: tuple[str, Args]) -> tuple[int, str]:
    return PROBES.place(ask[0]), str(ask[1])
