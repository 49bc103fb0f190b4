"""Verbs that change no server: `init`, `preflight` and `plan`; and `chtui config render`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect
    from chtui.migrate.preflight import Finding, Report


def init(arguments: argparse.Namespace, found: Connect) -> int:
    """Write a spec from v1 as it is."""
    from chtui.errors import MigrateError
    from chtui.migrate import init as writing
    from chtui.migrate import spec_file
    from chtui.migrate.hosts import connect, first_host
    from chtui.migrate.spec import DdlMode, Flavour, Source, Target
    from chtui.paths import write_new

    profile = found().profile
    cluster, first = first_host(profile)
    flavour = Flavour(arguments.engine)
    ddl = arguments.ddl or ("on_cluster" if flavour is Flavour.REPLICATED else "per_host")
    source = Source(
        common.host(arguments.source) if arguments.source else first,
        arguments.source_database,
        arguments.source_cluster,
    )
    template = spec_file.shipped(arguments.template) if arguments.template else None
    kept = template.target.policy if template else ""
    policy = kept if arguments.policy is None else arguments.policy
    target = Target(
        cluster,
        arguments.target_database,
        flavour,
        DdlMode(ddl),
        policy,
        "/clickhouse/tables/{shard}/{database}/{table}" if flavour is Flavour.REPLICATED else "",
    )
    hosts = connect(profile, cluster, source.host)
    try:
        text = writing.run(hosts.source, arguments.file.stem, source, target, template)
    finally:
        hosts.close()
    try:
        write_new(arguments.file, text)
    except OSError as error:
        raise MigrateError(
            f"cannot be written: {error.strerror}", where=str(arguments.file), fix="give another file"
        ) from error
    print(f"{arguments.file}: look through it, then run: chtui migrate preflight {arguments.file}")
    return 0


def preflight(arguments: argparse.Namespace, found: Connect) -> int:
    """Print what would spoil it."""
    from chtui.migrate import preflight as looking

    spec = common.spec(arguments.spec)
    hosts = common.hosts(spec, found().profile)
    try:
        report = looking.run(spec, hosts)
    finally:
        hosts.close()
    print(json.dumps(report.as_dict(), indent=2) if arguments.json else report_text(report))
    return report.exit_code


def report_text(report: Report) -> str:
    """Findings a few lines each; what is found alike on several hosts is said once."""
    from dataclasses import replace

    from chtui.text import one_line, plural

    hosts: dict[Finding, list[str]] = {}
    for finding in report.findings:
        hosts.setdefault(replace(finding, host=None), []).extend([str(finding.host)] * bool(finding.host))
    lines = []
    for finding, names in hosts.items():
        head = " ".join(
            text for text in (f"{finding.severity:<8} {finding.kind}", one_line(finding.object)) if text
        )
        lines.append(f"{head}: {one_line(finding.what)}")
        lines += [f"         on:   {one_line(', '.join(names))}"] * bool(names)
        lines += [f"         seen: {one_line(finding.evidence)}"] * bool(finding.evidence)
        lines += [f"         do:   {one_line(finding.remedy)}"] * bool(finding.remedy)
    counts = Counter(str(finding.severity) for finding in report.findings)
    lines.append(", ".join(plural(counts[name], name) for name in ("blocker", "warning", "note")))
    return "\n".join(lines)


def plan(arguments: argparse.Namespace, found: Connect) -> int:
    """Print every statement and every chunk."""
    from chtui.clock import SystemClock
    from chtui.migrate import layout, plan_text
    from chtui.migrate import plan as planning

    spec = common.spec(arguments.spec)
    hosts = common.hosts(spec, found().profile)
    try:
        document = planning.to_document(layout.lay_out(spec, hosts), SystemClock())
    finally:
        hosts.close()
    print(json.dumps(document, indent=2) if arguments.json else plan_text.to_text(document))
    return 0


def render(arguments: argparse.Namespace) -> int:
    """Write server XML from a spec."""
    from chtui.errors import MigrateError
    from chtui.migrate import server_xml

    spec = common.spec(arguments.spec)
    try:
        written = server_xml.write(server_xml.render(spec), arguments.directory)
    except OSError as error:
        raise MigrateError(
            f"cannot be written: {error.strerror}", where=str(error.filename), fix="give another folder"
        ) from error
    for path in written:
        print(path)
    for name in server_xml.variables(spec):
        print(f"chtui: the servers' environment must have {name}", file=sys.stderr)
    return 0
