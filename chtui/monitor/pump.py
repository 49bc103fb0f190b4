"""What turns wishes into samples: hands due jobs to lanes, watches their deadlines, files what comes back.

A pump is stepped by one thread. It never waits for a host: it waits for whatever ends first.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from chtui.clock import Clock
from chtui.errors import ChtuiError, DeadlineError, QueryError, UsageError
from chtui.fleet.capabilities import discover
from chtui.fleet.driver import Answer, Driver, query_id_prefix, query_ids
from chtui.fleet.fleet import Fleet, Target
from chtui.fleet.lane import Call, Outcome
from chtui.fleet.link import BACKGROUND, DATA, LIVENESS, Link
from chtui.fleet.topology import to_clusters
from chtui.fleet.trouble import ABSENT_CODES, DENIED_CODES
from chtui.monitor import asking
from chtui.monitor.meter import Meter
from chtui.monitor.probe import IDLE_SECONDS, Context
from chtui.monitor.scheduler import Gate, Job, Scheduler
from chtui.monitor.store import Store
from chtui.profile.model import Thresholds
from chtui.records import HostId, Sample

SEED_SECONDS = 5.0
"""How long one seed may take to tell the topology."""
SEED_STAGGER_SECONDS = 0.3
"""How long one seed is waited for before the next is asked too. Source: RFC 8305's delay between attempts, 250 ms."""
SEED_PAUSE_SECONDS = 2.0
"""The pause before all seeds are asked again when none told a cluster."""
TOPOLOGY_SECONDS = 60.0
"""How often the topology is read again."""
PORTS_SECONDS = 20.0
"""How often peers are asked for HTTP ports while a host is in trouble that a wrong address may explain."""
BACKGROUND_DEADLINE_SECONDS = 20.0
DISCOVERY_SECONDS = 10.0
"""How long a server may take to tell what it has."""
DISCOVERY_PAUSE_SECONDS = 5.0
"""The pause before a server that would not tell what it has is asked again."""
REDISCOVER_SECONDS = 120.0
"""How old what a server has may be when something is wanted that it lacked then."""
SETTLE_SECONDS = 5.0
"""How often it is looked whether an overdue query has ended."""


class Flight(NamedTuple):
    """A call that was handed to a lane."""

    link: Link
    lane: str
    call: Call
    deadline_at: float
    done: Callable[[Outcome], None]


class Pump:
    """The monitor's heart: one for each profile."""

    def __init__(
        self,
        fleet_of: Callable[[Callable[[Outcome], None]], Fleet],
        scheduler: Scheduler,
        store: Store,
        clock: Clock,
        thresholds: Thresholds,
    ) -> None:
        self._inbox: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self.fleet = fleet_of(self._inbox.put)
        self.scheduler = scheduler
        self.store = store
        self.meter = Meter()
        self._clock = clock
        self._thresholds = thresholds
        self._flights: dict[int, Flight] = {}
        self._requests: deque[Callable[[], None]] = deque()
        self.query_id_prefix = query_id_prefix()
        """What the ids of all its queries begin with, those of logging in excepted."""
        self._ids = query_ids("probe", self.query_id_prefix)
        self._seeds_at = 0.0
        self._next_seed_at = 0.0
        self._topology_at = 0.0
        self._ports_at = 0.0
        self._settle_at = 0.0

    def ask(self, request: Callable[[], None]) -> None:
        """Let the stepping thread run `request`; may be called from any thread."""
        self._requests.append(request)
        self._inbox.put(None)

    def step(self, timeout_seconds: float) -> None:
        """Hand out what is due, then wait for the next event, at most `timeout_seconds`, and file it."""
        while self._requests:
            self._requests.popleft()()
        now = self._clock.monotonic()
        self._expire(now)
        self._housekeep(now)
        self._dispatch(now)
        moments = [flight.deadline_at for flight in self._flights.values()]
        if self.fleet.seeds_left and self.fleet.cluster is None:
            # Once one has told the cluster the others are not asked, and their turn is no moment to wake for.
            moments.append(self._next_seed_at)
        until = min([now + timeout_seconds, self.scheduler.next_at(now, self._gates()), *moments])
        try:
            event = self._inbox.get(timeout=max(0.0, until - now))
            while True:
                if event is not None:
                    self._file(event)
                event = self._inbox.get_nowait()
        except queue.Empty:
            return

    # Calls and their deadlines

    def _launch(self, link: Link, lane: str, call: Call, done: Callable[[Outcome], None]) -> None:
        self._flights[id(call)] = Flight(link, lane, call, self._clock.monotonic() + call.seconds, done)
        link.submit(lane, call)

    def _expire(self, now: float) -> None:
        for key, flight in list(self._flights.items()):
            if flight.deadline_at <= now:
                del self._flights[key]
                flight.link.lane(flight.lane).drop()
                where = str(flight.link.host or flight.link.address.endpoint)
                error = DeadlineError(f"no answer within {flight.call.seconds:.0f} s", where=where)
                flight.done(Outcome(flight.call, None, error, flight.call.seconds, True))

    def _file(self, outcome: Outcome) -> None:
        flight = self._flights.pop(id(outcome.call), None)
        if flight is not None and flight.call is outcome.call:
            flight.done(outcome)
        elif outcome.error is None or isinstance(outcome.error, QueryError):
            # The answer came after all: the query has ended on the server.
            for target in self.fleet.targets.values():
                self._settled(target, {outcome.call.query_id})

    def _busy(self, link: Link) -> frozenset[str]:
        return frozenset(flight.lane for flight in self._flights.values() if flight.link is link)

    # Topology

    def _housekeep(self, now: float) -> None:
        fleet = self.fleet
        if fleet.cluster is None:
            self._ask_seeds(now)
            return
        topology = partial(asking.topology, ids=self._ids)
        if now >= self._topology_at and self._in_background(topology, self._topology_again):
            self._topology_at = now + TOPOLOGY_SECONDS
        secure = fleet.profile.tls.secure
        ports = partial(asking.http_ports, ids=self._ids, cluster=fleet.cluster.name, secure=secure)
        wrong = now >= self._ports_at and fleet.correctable()
        if wrong and self._in_background(ports, self._ports_told):
            self._ports_at = now + PORTS_SECONDS
        if now >= self._settle_at:
            self._settle_at = now + SETTLE_SECONDS
            for target in fleet.targets.values():
                if target.overdue and self._is_free(target):
                    self._settle(target)

    def _ask_seeds(self, now: float) -> None:
        """Ask the next seed when the one before has failed, or has let wait: four logins at once would delay the first."""
        fleet = self.fleet
        if isinstance(fleet.error, UsageError):
            return
        if not fleet.seeds_left and not fleet.seeds_asked and now >= self._seeds_at:
            fleet.seeds_left.extend(fleet.seed_endpoints())
            self._next_seed_at = now
        if fleet.seeds_left and now >= self._next_seed_at:
            self._next_seed_at = now + SEED_STAGGER_SECONDS
            link = fleet.seed_link(fleet.seeds_left.popleft())
            call = Call(partial(asking.topology, ids=self._ids), SEED_SECONDS)
            self._launch(link, LIVENESS, call, partial(self._seed_told, link))

    def _seed_told(self, link: Link, outcome: Outcome) -> None:
        self.fleet.seeds_asked.remove(link)
        fleet = self.fleet
        if outcome.error is not None:
            link.close()
            if fleet.cluster is None and not isinstance(fleet.error, UsageError):
                fleet.error = outcome.error
                self._next_seed_at = 0.0
                self._seeds_at = self._clock.monotonic() + SEED_PAUSE_SECONDS
            return
        try:
            if fleet.cluster is None:
                fleet.found(to_clusters(outcome.result.rows), link)
                self._topology_at = self._clock.monotonic() + TOPOLOGY_SECONDS
        except ChtuiError as error:
            fleet.error = error
            if isinstance(error, UsageError):
                # The others know the same clusters: it is the wish that is wrong.
                fleet.seeds_left.clear()
        if all(target.link is not link for target in fleet.targets.values()):
            link.close()

    def _is_free(self, target: Target) -> bool:
        return target.liveness.state.answers and BACKGROUND not in self._busy(target.link)

    def _in_background(self, work: Callable[[Driver], Any], done: Callable[[Link, Outcome], None]) -> bool:
        """Ask the first host that answers and has nothing else to do in its background lane; return whether there is one."""
        target = next(filter(self._is_free, self.fleet.targets.values()), None)
        if target is None:
            return False
        call = Call(work, BACKGROUND_DEADLINE_SECONDS)
        self._launch(target.link, BACKGROUND, call, partial(done, target.link))
        return True

    def _topology_again(self, link: Link, outcome: Outcome) -> None:
        if outcome.error is None:
            before = set(self.fleet.entries)
            try:
                self.fleet.found(to_clusters(outcome.result.rows), link)
            except UsageError as error:
                self.fleet.error = error
            for gone in before - set(self.fleet.entries):
                self.store.forget(gone)
                self.scheduler.forget(gone)

    def _ports_told(self, _link: Link, outcome: Outcome) -> None:
        if outcome.error is None:
            for host in self.fleet.correct(outcome.result.rows):
                self.scheduler.forget(host)

    # Overdue queries

    def _settle(self, target: Target) -> None:
        overdue = list(target.overdue.values())
        fresh = [query_id for query_id in overdue if query_id not in target.killed]
        target.killed.update(fresh)

        def told(outcome: Outcome) -> None:
            if outcome.error is None:
                self._settled(target, outcome.result)

        call = Call(
            lambda driver: asking.settle(driver, overdue, fresh, self._ids), BACKGROUND_DEADLINE_SECONDS
        )
        self._launch(target.link, BACKGROUND, call, told)

    def _settled(self, target: Target, ended: set[str]) -> None:
        target.overdue = {
            probe: query_id for probe, query_id in target.overdue.items() if query_id not in ended
        }
        target.killed -= ended

    # Probes

    def _gates(self) -> list[Gate]:
        """What each target allows now; one that has just refused to tell what it has takes no data job for a while."""
        now, gates = self._clock.monotonic(), []
        for key, target in self.fleet.targets.items():
            liveness, closed = target.liveness, self._busy(target.link)
            if target.link.capabilities is None and now < target.discover_at:
                closed |= {DATA}
            gates.append(
                Gate(key, liveness.state.answers, liveness.retry_at, closed, frozenset(target.overdue))
            )
        return gates

    def _dispatch(self, now: float) -> None:
        for job in self.scheduler.due(now, self._gates()):
            target = self.fleet.targets[job.host]
            if job.probe.lane == DATA and target.link.capabilities is None:
                target.discover_at = now + DISCOVERY_PAUSE_SECONDS
                self._discover(target)
                continue
            self.scheduler.started(job, now)
            self._ask_probe(target, job)

    def _discover(self, target: Target) -> None:
        query_id = next(self._ids)

        def told(outcome: Outcome) -> None:
            if outcome.error is None:
                target.link.capabilities, target.discovered_at = outcome.result, self._clock.monotonic()
                target.late.pop("capabilities", None)
            else:
                target.late["capabilities"] = outcome.error.line
                for host in target.hosts:
                    for ask in self.scheduler.wanted(target.key):
                        if ask.probe.lane == DATA:
                            self.store.fail(host, ask.key, outcome.error.line, self._clock.now())

        call = Call(lambda driver: discover(driver, query_id, DISCOVERY_SECONDS), DISCOVERY_SECONDS, query_id)
        self._launch(target.link, DATA, call, told)

    def _ask_probe(self, target: Target, job: Job) -> None:
        probe, capabilities = job.probe, target.link.capabilities
        statement = probe.statement
        if capabilities is not None:
            able = [each for each in probe.statements if not capabilities.lacks(each)]
            if not able:
                last = probe.statements[-1]
                reason, is_too_old = capabilities.lacks(last), capabilities.is_too_old(last)
                for host in target.hosts:
                    self.store.unavailable(host, job.ask.key, reason, is_too_old)
                if not is_too_old and self._clock.monotonic() - target.discovered_at > REDISCOVER_SECONDS:
                    # A server makes its logs when it first has something to write.
                    target.link.capabilities = None
                return
            statement = able[0]
        params = asking.merged_params([probe.params(self._context(host)) for host in target.hosts])
        if params is None:
            for host in target.hosts:
                self.store.clear(host, job.ask.key, self._clock.now())
            return
        limit = {} if probe.max_rows is None else {"max_rows": probe.max_rows}
        params = {**params, **limit, **dict(job.ask.args)}
        absent = capabilities.absent(statement) if capabilities else frozenset[str]()
        through = self.fleet.cluster.name if self.fleet.is_through and self.fleet.cluster else ""
        question = asking.Question(probe, statement, params, next(self._ids), absent, through)
        call = Call(lambda driver: asking.probe(driver, question), probe.deadline_seconds, question.query_id)
        self._launch(target.link, probe.lane, call, lambda outcome: self._probe_told(target, job, outcome))

    def _context(self, host: HostId) -> Context:
        return Context(
            self._thresholds, lambda name: self.store.get(host, name), self.fleet.peer_missing(host)
        )

    def _probe_told(self, target: Target, job: Job, outcome: Outcome) -> None:
        if self.fleet.targets.get(target.key) is not target:
            return  # The host left the cluster, or is asked elsewhere now.
        now = self._clock.monotonic()
        if outcome.error is None:
            answer: Answer = outcome.result.answer
            self.meter.add(target.key, now, answer.cost)
            # How fast the liveness query is says how the host is, not what the query costs.
            self.scheduler.ended(job, now, 0.0 if job.probe.lane == LIVENESS else answer.cost.seconds)
            target.late.pop(job.ask.key, None)
            self._keep(target, job, outcome)
        elif outcome.late and job.probe.lane == DATA:
            self.scheduler.ended(job, now, outcome.seconds)
            target.overdue[job.ask.key] = outcome.call.query_id
            target.late[job.ask.key] = f"{job.probe.name}: {outcome.error.what}"
        if outcome.error is not None:
            self._lose(target, job, outcome.error)

    def _keep(self, target: Target, job: Job, outcome: Outcome) -> None:
        told: asking.Told = outcome.result
        records = self._by_host(target, told)
        if job.probe.lane == LIVENESS:
            versions = {host: rows[0].version for host, rows in records.items() if rows}
            if self.fleet.answered(target, outcome.seconds, versions.get(target.key, "")):
                target.link.capabilities, target.discover_at = None, 0.0
                self.scheduler.forget(target.key)
            if self.fleet.is_through:
                self.fleet.answered_through(target, outcome.seconds, versions)
            self.fleet.remember()
        for host, rows in records.items():
            sample = Sample(rows, self._clock.now(), cost=told.answer.cost, missing=told.answer.missing)
            self.store.put(host, job.ask.key, sample)
            if host == target.key and job.probe.is_idle(sample):
                self.scheduler.rest(job, self._clock.monotonic() + IDLE_SECONDS)

    def _by_host(self, target: Target, told: asking.Told) -> dict[HostId, tuple[Any, ...]]:
        """Records by host; asked through a gateway, a host that answers may well have had no row to give."""
        if not self.fleet.is_through:
            return {target.key: told.records[None]}
        found: dict[HostId, tuple[Any, ...]] = {
            host: () for host, entry in self.fleet.entries.items() if entry.liveness.state.answers
        }
        for origin, records in told.records.items():
            host = self.fleet.host_of(*origin) if origin else None
            if host is not None:
                found[host] = records
        return found

    def _lose(self, target: Target, job: Job, error: ChtuiError) -> None:
        if job.probe.lane == LIVENESS:
            self.fleet.failed(target, error)
        refused = isinstance(error, QueryError) and error.code in ABSENT_CODES | DENIED_CODES
        for host in target.hosts:
            if refused:
                self.store.unavailable(host, job.ask.key, error.what)
            else:
                self.store.fail(host, job.ask.key, error.line, self._clock.now())
