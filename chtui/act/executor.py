"""Running a confirmed plan: each host in threads and over a connection of its own, each statement written down before it is sent.

A host is connected to first, and proves who it is; a host that cannot do that in time has been sent nothing and never will be. From the
moment a statement is sent, an answer that does not come means that nobody knows: the state then is unknown, not failed.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chtui import sql
from chtui.act.arming import Arming
from chtui.act.audit import Audit, AuditError
from chtui.act.plans import Check, Plan, Step
from chtui.act.progress import HostProgress, Progress, Stage, Verified
from chtui.clock import Clock, SystemClock
from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError, UsageError
from chtui.fleet.driver import Answer, Driver, query_ids
from chtui.fleet.lane import Call, Outcome
from chtui.fleet.link import Link
from chtui.fleet.topology import Address
from chtui.profile.endpoint import default_http_port, parse_endpoint
from chtui.profile.model import Profile
from chtui.records import HostId
from chtui.text import one_line

Told = Callable[[Progress], None]
CONNECT_SECONDS = 8.0
"""How long a host may take to let chtui in and to prove who it is."""
CHECK_ANSWER_SECONDS = 5.0
"""How long one answer to a check is waited for."""
LANE = "act"


class Executor:
    """Runs plans on one profile's cluster."""

    def __init__(self, profile: Profile, arming: Arming, audit: Audit, clock: Clock | None = None) -> None:
        self.profile = profile
        self.arming = arming
        self.audit = audit
        self.clock = clock or SystemClock()

    def run(self, plan: Plan, addresses: Mapping[HostId, str], told: Told) -> Run:
        """Begin to run a plan a person has confirmed; returns at once.

        `addresses` are where hosts answer HTTP (`host:port`), as `HostStatus.address` has them. `told` gets every new state,
        from threads of the run, one at a time and in order; it must not block.

        Raises:
            UsageError: the plan's cluster is not armed, the plan has no step, or hosts are not reached directly.
        """
        self.arming.require(plan.cluster)
        if not plan.steps:
            raise UsageError("there is nothing to do", where=plan.title)
        if self.profile.access != "direct":
            raise UsageError(
                "with access = through chtui reaches one host only, and changes each host directly",
                where=f"profile {self.profile.name}",
                fix='use access = "direct"',
            )
        run = Run(self, plan, addresses, told)
        threading.Thread(target=run.work, name=f"act {run.run_id}", daemon=True).start()
        return run


class Run:
    """One plan being run."""

    def __init__(self, executor: Executor, plan: Plan, addresses: Mapping[HostId, str], told: Told) -> None:
        self.run_id = f"{plan.kind.replace(' ', '-')}-{secrets.token_hex(4)}"
        """What its lines in the audit log have in common."""
        self._executor = executor
        self._plan = plan
        self._addresses = addresses
        self._told = told
        self._lock = threading.Lock()
        hosts = tuple(HostProgress(host, len(plan.steps_of(host))) for host in plan.hosts)
        self.progress = Progress(plan, executor.clock.now(), hosts)
        """The latest state; any thread may read it."""
        self.trouble = ""
        """A fault of whoever is told, in one line; the run goes on."""

    def work(self) -> None:
        """Write down that the run begins, then let every host go its way."""
        plan = self._plan
        facts = {"kind": plan.kind, "title": plan.title, "hosts": [str(host) for host in plan.hosts]}
        try:
            self.write_down("run", {**facts, "statements": len(plan.steps)})
        except ChtuiError as error:
            for host in plan.hosts:
                self.change(host, **unsent(error.line), is_over=True)
            return
        for host in plan.hosts:
            # Daemons: leaving chtui waits for no host.
            threading.Thread(target=self._run_host, args=(host,), name=f"act {host}", daemon=True).start()

    def write_down(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append a line to the audit log.

        Raises:
            AuditError: it is not on disk.
        """
        profile = self._executor.profile
        common = {
            "run": self.run_id,
            "profile": profile.name,
            "cluster": self._plan.cluster,
            "user": (profile.write or profile.credentials).user,
        }
        self._executor.audit.write(event, {**common, **facts})

    def change(self, host: HostId, **changes: Any) -> None:
        """Change one host's state and tell it."""
        with self._lock:
            hosts = tuple(
                known._replace(**changes) if known.host == host else known for known in self.progress.hosts
            )
            self.progress = self.progress._replace(hosts=hosts)
            try:
                self._told(self.progress)
            except Exception as error:  # noqa: BLE001 - a statement that was sent must be seen through whoever looks on
                self.trouble = f"{type(error).__name__}: {error}"

    def _run_host(self, host: HostId) -> None:
        executor = self._executor
        try:
            endpoint = parse_endpoint(
                self._addresses.get(host, ""), default_http_port(executor.profile.tls.secure), str(host)
            )
            _HostRun(self, executor, self._plan, host, Address(endpoint, "proven")).work()
        except ChtuiError as error:
            self.end_unsent(host, error.line)
        except Exception as surprise:  # noqa: BLE001 - a fault of ours must show as this host's state, not over the screen
            what = f"chtui failed: {type(surprise).__name__}: {one_line(surprise, 200)}; please report it"
            self.change(host, stage=Stage.UNKNOWN, why=what)
        finally:
            self.change(host, is_over=True)

    def end_unsent(self, host: HostId, why: str) -> None:
        """Take note that a host was sent nothing and never will be."""
        trouble = self.record("not sent", {"host": str(host), "error": why})
        self.change(host, **unsent("; ".join(text for text in (why, trouble) if text)))

    def record(self, event: str, facts: Mapping[str, Any]) -> str:
        """Write down what cannot be undone any more; return why that failed, empty if it did not."""
        try:
            self.write_down(event, facts)
        except ChtuiError as error:
            return f"this outcome is not in the audit log: {error.line}"
        return ""


@dataclass
class _HostRun:
    """One host's part of a run, in a thread of its own; what talks to the host is a lane's."""

    run: Run
    executor: Executor
    plan: Plan
    host: HostId
    address: Address
    outcomes: queue.SimpleQueue[Outcome] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        profile = self.executor.profile
        writer = profile._replace(credentials=profile.write or profile.credentials)
        self.link = Link(writer, self.address, self.host, self.plan.cluster, self.outcomes.put)
        # /ping first: a host that hangs would run every login query sent meanwhile once it wakes.
        self.link.is_hung = True

    def work(self) -> None:
        """Connect, send the steps, look what came of them."""
        try:
            self.change(why="connecting")
            outcome = self._call(lambda _: None, CONNECT_SECONDS)
            if outcome is None or outcome.error is not None:
                why = outcome.error.line if outcome and outcome.error else _no_answer(CONNECT_SECONDS)
                self.run.end_unsent(self.host, why)
                return
            if self._send_all():
                self._verify()
        finally:
            self.link.close()

    def change(self, **changes: Any) -> None:
        """Change this host's state and tell it."""
        self.run.change(self.host, **changes)

    # Steps

    def _send_all(self) -> bool:
        """Send the host's steps until one does not go well; return whether any may have had an effect."""
        for number, step in enumerate(self.plan.steps_of(self.host)):
            query_id = next(IDS)
            line = {"host": str(self.host), "statement": step.text, "query_id": query_id}
            try:
                self.executor.arming.require(self.plan.cluster)
                self.run.write_down("send", line)
            except ChtuiError as error:
                self.change(**unsent(error.line, number))
                if not isinstance(error, AuditError):
                    self.run.record("not sent", {**line, "error": error.line})
                return number > 0
            self.change(stage=Stage.SENT, why="")
            outcome = self._call(partial(_send, step=step, query_id=query_id), step.seconds)
            if outcome is None:
                self._settle(Stage.UNKNOWN, step, query_id, _no_answer(step.seconds))
                return True
            if outcome.error is not None:
                stage = stage_of(outcome.error)
                self._settle(stage, step, query_id, outcome.error.line)
                if number == 0 and stage is Stage.FAILED:
                    self.change(verified=Verified.NOTHING)
                    return False
                return True
            self._settle(Stage.DONE, step, query_id, "", seconds=outcome.seconds)
            is_last = number + 1 == len(self.plan.steps_of(self.host))
            self.change(stage=Stage.DONE if is_last else Stage.SENT, answered=number + 1)
        return True

    def _settle(self, stage: Stage, step: Step, query_id: str, why: str, **facts: Any) -> None:
        """Write down what became of a step, then show it."""
        line = {"host": str(self.host), "statement": step.text, "query_id": query_id, "error": why or None}
        trouble = self.run.record(str(stage), {**line, **facts})
        told = "; ".join(text for text in (why, trouble) if text)
        if stage is not Stage.DONE:
            self.change(stage=stage, why=told)
        elif trouble:
            self.change(why=trouble)

    # Verification

    def _verify(self) -> None:
        checks = self.plan.checks_of(self.host)
        if not checks:
            return
        self.change(verified=Verified.LOOKING)
        left: dict[str, bool] = {}
        why = ""
        for check in checks:
            found, trouble = self._look(check)
            why = why or trouble
            left.update(found)
        gone = tuple(name for check in checks for name in check.names if name not in left)
        if why:
            verified, gone = Verified.UNKNOWN, ()
        else:
            verified = Verified.NOT_SEEN if left else Verified.SEEN
        untold = tuple(name for name, is_told in left.items() if not is_told)
        names = tuple(left)
        facts = {"host": str(self.host), "gone": list(gone), "left": list(names), "error": why or None}
        trouble = self.run.record(str(verified), facts)
        why = "; ".join(text for text in (why, trouble) if text)
        self.change(verified=verified, gone=gone, left=names, untold=untold, verified_why=why)

    def _look(self, check: Check) -> tuple[dict[str, bool], str]:
        """Ask until nothing is left or time is up; return what is left and whether it was told, and why nobody knows."""
        until = time.monotonic() + check.seconds
        while True:
            seconds = max(1.0, min(CHECK_ANSWER_SECONDS, until - time.monotonic()))
            asked = time.monotonic()
            outcome = self._call(partial(_ask, check=check), seconds)
            why = _no_answer(seconds) if outcome is None else outcome.error.line if outcome.error else ""
            left = dict.fromkeys(check.names, True)
            if outcome is not None and outcome.error is None:
                left = {str(name): bool(is_told) for name, is_told in outcome.result.rows}
                if not left:
                    return {}, ""
                self._show(check, left)
            elif outcome is not None and isinstance(outcome.error, QueryError) and outcome.error.code:
                return left, why  # it will refuse the next time too
            pause = asked + check.every_seconds - time.monotonic()
            if time.monotonic() + pause >= until:
                return left, why
            time.sleep(max(0.0, pause))

    def _show(self, check: Check, left: Mapping[str, bool]) -> None:
        """Tell what one check has seen, beside what the others had."""
        known = self.run.progress.host(self.host)
        mine = set(check.names)
        before = known or HostProgress(self.host, 0)
        gone = (*(n for n in before.gone if n not in mine), *(n for n in check.names if n not in left))
        self.change(gone=gone, left=(*(n for n in before.left if n not in mine), *left))

    # Calls

    def _call(self, work: Callable[[Driver], Any], seconds: float) -> Outcome | None:
        """Let the lane make a call; return its outcome, None if it had not ended in time: the lane is dropped then."""
        made = Call(work, seconds)
        deadline = time.monotonic() + seconds
        self.link.submit(LANE, made)
        while True:
            try:
                outcome = self.outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.link.lane(LANE).drop()
                return None
            if outcome.call is made:
                return outcome


def unsent(why: str, sent: int = 0) -> dict[str, Any]:
    """Return the changes to a host's state when no more than its first `sent` steps were sent."""
    if sent:
        return {"stage": Stage.FAILED, "why": f"{why}; the steps after the first {sent} were not sent"}
    return {"stage": Stage.FAILED, "why": f"{why}; nothing was sent", "verified": Verified.NOTHING}


def stage_of(error: ChtuiError) -> Stage:
    """Return what an error, met while a statement was sent, says about it: refused, or nobody knows.

    Only the server's own refusal, and a connection that never came about, mean that it had no effect.
    """
    if isinstance(error, QueryError) and error.code:
        return Stage.FAILED
    if isinstance(error, ConnectError) and error.kind != "down":
        return Stage.FAILED
    return Stage.UNKNOWN


def _send(driver: Driver, step: Step, query_id: str) -> None:
    statement, params = step.for_server(driver.binds_parameters)
    driver.command(statement, params, query_id=query_id, seconds=step.seconds)


def _ask(driver: Driver, check: Check) -> Answer:
    return driver.read(
        sql.load(check.statement), check.params, query_id=next(IDS), seconds=CHECK_ANSWER_SECONDS
    )


def _no_answer(seconds: float) -> str:
    return DeadlineError(f"no answer within {seconds:.0f} s").line


IDS = query_ids("act")
