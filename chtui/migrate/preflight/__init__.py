"""Preflight: everything about servers, data and spec that would spoil a migration, found before the first write.

It only reads. Each module looks at one subject: it asks the hosts side by side, and judges what they told in pure functions.
"""

from __future__ import annotations

from chtui.clock import Clock, SystemClock
from chtui.migrate.hosts import Hosts
from chtui.migrate.preflight import (
    clusters,
    design,
    keepers,
    retries,
    rights,
    routes,
    rows,
    servers,
    settings,
    source,
    storage,
    targets,
    values,
)
from chtui.migrate.preflight.findings import Finding, Kind, Report, Severity, report
from chtui.migrate.preflight.look import Look
from chtui.migrate.spec import Spec

__all__ = ["Finding", "Kind", "Report", "Severity", "run"]


def run(spec: Spec, hosts: Hosts, clock: Clock | None = None) -> Report:
    """Return all that is found; what cannot be looked at is a finding too, so that nothing is ever silently left out."""
    clock = clock or SystemClock()
    look = Look(spec, hosts)
    servers.check(look, clock)
    design.check(look)
    clusters.check(look)
    keepers.check(look)
    rights.check(look)
    settings.check(look)
    source.check(look)
    retries.check(look)
    routes.check(look, clock.monotonic)
    rows.check(look)
    values.check(look)
    storage.check(look)
    targets.check(look)
    return report(spec.name, look.findings)
