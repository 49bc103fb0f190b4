"""Watches the servers while a migration works on them, and holds it up where they, or those who read them, suffer.

Every reason says which host, what was seen and what the limit is. Limits may change while it watches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from chtui.errors import ChtuiError, ConnectError, DeadlineError, UnavailableError
from chtui.fleet.literal import Value
from chtui.migrate.hosts import Host, Hosts, each
from chtui.migrate.progress import Progress
from chtui.migrate.snapshot import POLICY_SINCE
from chtui.migrate.spec import Flavour, Limits, Spec
from chtui.text import format_bytes, format_percent, one_line

EVERY_SECONDS = 4.0
ASK_SECONDS = 4.0
PROBE_SECONDS = 2.0
SNAPSHOT = ("snapshot",)
"""The step that takes room on v1."""
DEFAULT_POLICY = "default"

Reasons = dict[str, str]
"""What is wrong by the name of what was looked at."""


class Throttle:
    """Watches for one run in a thread of its own."""

    def __init__(
        self, spec: Spec, hosts: Hosts, progress: Progress, *, every_seconds: float = EVERY_SECONDS
    ) -> None:
        self._spec = spec
        self._hosts = hosts
        self._progress = progress
        self._every_seconds = every_seconds
        self._held: set[str] = set()
        self._unseen: dict[str, str] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="throttle", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and hold nothing up any more."""
        self._stopped.set()
        self._thread.join()
        self._hold({})

    @property
    def notes(self) -> list[str]:
        """What cannot be watched, and why, a line each."""
        return [f"{where}: {why}" for where, why in sorted(self._unseen.items())]

    def look(self) -> None:
        """Look once at everything, and hold the run up for what is wrong now."""
        limits = self._progress.limits
        found: Reasons = {}
        unseen: dict[str, str] = {}
        for host, told in each(self._hosts.everyone, lambda host: self._host(host, limits)).items():
            if isinstance(told, ChtuiError):
                found[f"{host}"] = f"{host} does not answer: {told.what}"
            else:
                reasons, unknown = told
                found.update({f"{host} {what}": f"{host}: {why}" for what, why in reasons.items()})
                unseen.update({f"{host} {what}": why for what, why in unknown.items()})
        if limits.probe_url and (why := probe(limits.probe_url)):
            found["probe"] = why
        self._unseen = unseen
        self._hold(found)

    def _run(self) -> None:
        while True:
            self.look()
            if self._stopped.wait(self._every_seconds):
                return

    def _hold(self, reasons: Mapping[str, str]) -> None:
        for name in self._held - reasons.keys():
            self._progress.hold(name, "")
        for name, reason in reasons.items():
            self._progress.hold(name, reason, SNAPSHOT if name.endswith(" room on v1") else ())
        self._held = set(reasons)

    def _host(self, host: Host, limits: Limits) -> tuple[Reasons, dict[str, str]]:
        """What is wrong on a host, and what cannot be seen there.

        Raises:
            ConnectError, DeadlineError: it does not answer.
        """
        questions: dict[str, Callable[[Host, Limits], str]] = {}
        if host in self._hosts.targets:
            questions |= {"parts": self._parts, "merges": _merges, "disks": self._disks}
            if self._spec.target.flavour is Flavour.REPLICATED:
                questions |= {"queue": self._replicas}
        if host is self._hosts.source:
            questions |= {"room on v1": self._room}
        if limits.query_p95_seconds:
            questions |= {"queries": _queries}
        found: Reasons = {}
        unseen: dict[str, str] = {}
        for name, ask in questions.items():
            try:
                why = ask(host, limits)
            except (ConnectError, DeadlineError):
                raise
            except ChtuiError as error:
                unseen[name] = f"cannot be watched: {error.what}"
            else:
                found |= {name: why} if why else {}
        return found, unseen

    def _parts(self, host: Host, limits: Limits) -> str:
        for table, partition_id, parts in host.rows("throttle_parts", self._tables(), seconds=ASK_SECONDS):
            if int(parts) >= limits.parts_per_partition:
                where = one_line(f"partition {partition_id} of {table}", 120)
                return f"{parts} parts in {where}, the limit is {limits.parts_per_partition}"
        return ""

    def _replicas(self, host: Host, limits: Limits) -> str:
        rows = host.rows("throttle_replicas", self._tables(), seconds=ASK_SECONDS)
        for table, entries, delay in rows:
            name = one_line(table, 80)
            if int(entries) >= limits.queue_entries:
                return f"{entries} entries in the replication queue of {name}, the limit is {limits.queue_entries}"
            if limits.replica_delay_seconds and int(delay) >= limits.replica_delay_seconds:
                return f"{name} is {delay} s behind, the limit is {limits.replica_delay_seconds:g} s"
        return ""

    def _disks(self, host: Host, limits: Limits) -> str:
        policy = self._spec.target.policy or DEFAULT_POLICY
        return _room(host, "throttle_disks", {"policy": policy}, limits)

    def _room(self, host: Host, limits: Limits) -> str:
        why = _room(host, "throttle_source_disks", {"database": self._spec.source.database}, limits)
        return f"{why}; no snapshot of v1 is taken" if why else ""

    def _tables(self) -> dict[str, Value]:
        spec = self._spec
        names: list[Value] = [
            *(each.local for each in spec.tables),
            *(each.local for each in spec.aggregates),
        ]
        return {"database": spec.target.database, "tables": names}


def probe(url: str) -> str:
    """Return why a probe holds a migration up; empty where it answers with 2xx."""
    import httpx

    try:
        # An answer that leads elsewhere is none: it is not followed.
        code = httpx.get(url, timeout=PROBE_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return one_line(f"the probe {url} fails: {error or type(error).__name__}", 300)
    return "" if 200 <= code < 300 else one_line(f"the probe {url} answers {code}, not 2xx", 300)


def _merges(host: Host, limits: Limits) -> str:
    ((running,),) = host.rows("throttle_merges", {}, seconds=ASK_SECONDS)
    if int(running) < limits.running_merges:
        return ""
    return f"{running} merges run, the limit is {limits.running_merges}"


def _queries(host: Host, limits: Limits) -> str:
    ((number, p95),) = host.rows("throttle_queries", {}, seconds=ASK_SECONDS)
    if not int(number) or float(p95) <= limits.query_p95_seconds:
        return ""
    return (
        f"SELECTs of the last minute took {float(p95):.2f} s (p95 of {number}), "
        f"the limit is {limits.query_p95_seconds:g} s"
    )


def _room(host: Host, name: str, params: Mapping[str, str], limits: Limits) -> str:
    if not limits.free_space_ratio:
        return ""
    if host.version < POLICY_SINCE:
        raise UnavailableError("this version does not tell what is free on its disks")
    for disk, free, total in host.rows(name, dict(params), seconds=ASK_SECONDS):
        ratio = int(free) / int(total)
        if ratio < limits.free_space_ratio:
            return (
                f"{format_percent(ratio, 1)} of disk {one_line(disk, 60)} is free ({format_bytes(int(free))}), "
                f"the limit is {format_percent(limits.free_space_ratio)}"
            )
    return ""
