"""A rehearsal as one thing: an embedded cluster started, v1 stood in for, the migration carried out and proven, nothing left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from chtui.clock import SystemClock
from chtui.demo import reach
from chtui.demo.cluster import DemoCluster, require_engine
from chtui.demo.options import CLUSTER, HOST, DemoOptions
from chtui.demo.rehearsal import sample
from chtui.demo.rehearsal.fitting import Fitted, fitted
from chtui.demo.rehearsal.sample import Sample, Size
from chtui.migrate import kept_plan, layout, plan, preflight, sealed_report
from chtui.migrate.hosts import Host, Hosts, connect
from chtui.migrate.preflight.findings import Report
from chtui.migrate.process import Process
from chtui.migrate.spec import Spec
from chtui.records import HostId
from chtui.sql import load

SCHEMA = "chtui/1 migrate rehearsal"
USER = "admin"
NAME = "rehearsal"
"""The run's name, and its folder in the cluster's, which goes when that does."""


class Rehearsal(NamedTuple):
    """What came of one."""

    spec: str
    source_version: str
    version: str
    """Of the embedded cluster."""
    left_out: tuple[str, ...]
    """What the embedded cluster cannot hold, in words."""
    samples: tuple[Sample, ...]
    preflight: Report
    """Of the stand-in."""
    status: Mapping[str, Any] | None
    """Of the run at its end; None where preflight kept it from beginning."""
    report: Mapping[str, Any] | None
    """The sealed report; None without a run."""
    seconds: float
    """The run's."""

    @property
    def is_exact(self) -> bool:
        """Whether all rows that were taken reached v2, each of them once, and aggregates are theirs."""
        return self.report is not None and bool(self.report["is_proof"])

    @property
    def verdict(self) -> str:
        """In words."""
        return str(self.report["exact"]) if self.report is not None else "stopped by preflight"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        return {
            "schema": SCHEMA,
            "spec": self.spec,
            "source_version": self.source_version,
            "version": self.version,
            "is_exact": self.is_exact,
            "verdict": self.verdict,
            "left_out": list(self.left_out),
            "samples": [each._asdict() for each in self.samples],
            "preflight": self.preflight.as_dict(),
            "seconds": round(self.seconds, 1),
            "status": self.status,
            "report": self.report,
        }


def run(spec: Spec, live: Host, size: Size, say: Callable[[str], None]) -> Rehearsal:
    """Rehearse a spec with some of the rows of v1; `say` is told what is being done.

    Raises:
        DemoError: the embedded cluster is not installed or cannot be started.
        MigrateError: v1 lacks a table, or the run cannot go on: what is wrong with the spec is said as `run` would.
        QueryError, ConnectError: v1 cannot be asked, or what the spec says is refused.
        OSError: the cluster's folder cannot be used.
    """
    require_engine()
    with _stage(spec, say) as (folder, fit, hosts):
        samples = sample.take(live, hosts.source, spec, size, say)
        say("preflight ...")
        found = preflight.run(fit.spec, hosts)
        status, report, seconds = None, None, 0.0
        if not found.blockers:
            say("the run ...")
            began = time.monotonic()
            status, report = _carried_out(folder, fit.spec, hosts)
            seconds = time.monotonic() - began
        return Rehearsal(
            spec.name,
            _version(live),
            _version(hosts.source),
            fit.left_out,
            samples,
            found,
            status,
            report,
            seconds,
        )


def _version(host: Host) -> str:
    return ".".join(map(str, host.version))


def _carried_out(folder: Path, spec: Spec, hosts: Hosts) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The run's last status, and its sealed report."""
    clock = SystemClock()
    document = plan.to_document(layout.lay_out(spec, hosts), clock)
    ground = kept_plan.ground_of(document, spec, hosts)
    process = Process(NAME, document["hash"], ground, clock, directory=folder)
    process.carry_out()
    status = process.status()
    return status, sealed_report.read(folder / sealed_report.FILE_NAME)


@contextmanager
def _stage(spec: Spec, say: Callable[[str], None]) -> Iterator[tuple[Path, Fitted, Hosts]]:
    """An embedded cluster with nothing on it, the spec as it can hold it, and connections to its servers."""
    with DemoCluster(DemoOptions(shards=2, replicas=2, rows=0, days=1, load=False), say) as demo:
        nodes = demo.nodes
        # What it has of its own stands where the stand-in goes.
        for database in {spec.source.database, spec.target.database}:
            for node in nodes:
                demo.query(node, load("demo/drop_database").text, params={"database": database})
        ports = [node.http_port for node in nodes]
        profile = reach.profile(NAME, CLUSTER, ports, demo.addresses, user=USER, password=demo.password(USER))
        fit = fitted(spec, HostId(HOST, nodes[0].port))
        hosts = connect(profile, CLUSTER, fit.spec.source.host)
        try:
            yield demo.info.directory / NAME, fit, hosts
        finally:
            hosts.close()
