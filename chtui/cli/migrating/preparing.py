"""`chtui migrate`: verbs of a migration, and `chtui config render`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chtui.migrate.hosts import Hosts
    from chtui.migrate.preflight import Finding, Report
    from chtui.migrate.spec import Spec
    from chtui.profile.effective import Effective
    from chtui.profile.model import Profile
    from chtui.records import HostId

SPEC_HELP = "the spec: a TOML file, or the name of one that chtui ships (otel_v2)"


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verbs to the command line."""
    migrate = commands.add_parser("migrate", help="prepare a move to another schema", allow_abbrev=False)
    verbs = migrate.add_subparsers(dest="verb", metavar="VERB", required=True)
    init = verbs.add_parser("init", help="write a spec from v1 as it is", allow_abbrev=False)
    init.add_argument("file", type=Path, help="the file to write; it must not be there")
    init.add_argument(
        "--source", metavar="HOST:PORT", help="v1's host and native port in system.clusters (the first host)"
    )
    init.add_argument("--source-database", default="otel", metavar="NAME", help="v1's database (otel)")
    init.add_argument(
        "--source-cluster",
        default="otel_v1",
        metavar="NAME",
        help="the one-shard entry of remote_servers by which target hosts read v1 (otel_v1)",
    )
    init.add_argument("--target-database", default="otel_v2", metavar="NAME", help="v2's database (otel_v2)")
    init.add_argument("--engine", choices=("replicated", "plain"), default="replicated", help="v2's tables")
    init.add_argument(
        "--ddl",
        choices=("on_cluster", "per_host"),
        help="how statements reach all hosts (on_cluster for replicated tables)",
    )
    init.add_argument("--policy", metavar="NAME", help="the storage policy of v2's tables (the template's)")
    init.add_argument(
        "--template",
        metavar="NAME",
        help="begin with a spec that chtui ships (otel_v2), else with v1's own tables",
    )
    preflight = verbs.add_parser(
        "preflight",
        help="find what would spoil it; changes nothing; exit 1 with a blocker",
        allow_abbrev=False,
    )
    preflight.add_argument("spec", help=SPEC_HELP)
    preflight.add_argument("--json", action="store_true", help="as JSON")
    plan = verbs.add_parser(
        "plan", help="print every statement and every chunk; changes nothing", allow_abbrev=False
    )
    plan.add_argument("spec", help=SPEC_HELP)
    plan.add_argument("--json", action="store_true", help="as JSON")


def add_render(actions: argparse._SubParsersAction[Any]) -> None:
    """Add `config render`."""
    render = actions.add_parser(
        "render", help="write per-host server XML for cluster, macros and storage policy", allow_abbrev=False
    )
    render.add_argument("spec", help=SPEC_HELP)
    render.add_argument("directory", type=Path, help="the folder to write to, a folder in it for each host")


def run(arguments: argparse.Namespace, found: Effective) -> int:
    """Carry one verb out; return the exit code.

    Raises:
        ChtuiError: it cannot be done; the error says why in one line.
    """
    verbs = {"init": _init, "preflight": _preflight, "plan": _plan}
    return _told(lambda: verbs[arguments.verb](arguments, found))


def _told(work: Callable[[], int]) -> int:
    """Do it; what is wrong with a spec is printed whole, a line each."""
    from chtui.migrate.spec_file import SpecError

    try:
        return work()
    except SpecError as error:
        for problem in error.problems:
            print(f"chtui: {problem.line}", file=sys.stderr)
        return error.exit_code


def render(arguments: argparse.Namespace) -> int:
    """Write server XML from a spec.

    Raises:
        ChtuiError: the spec cannot be used, or a file not be written.
    """
    return _told(lambda: _render(arguments))


def _render(arguments: argparse.Namespace) -> int:
    from chtui.errors import MigrateError
    from chtui.migrate import server_xml

    spec = _spec(arguments.spec)
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


def _init(arguments: argparse.Namespace, found: Effective) -> int:
    from chtui.errors import MigrateError
    from chtui.migrate import init, spec_file
    from chtui.migrate.hosts import connect, first_host
    from chtui.migrate.spec import DdlMode, Flavour, Source, Target
    from chtui.paths import write_new

    cluster, first = first_host(found.profile)
    flavour = Flavour(arguments.engine)
    ddl = arguments.ddl or ("on_cluster" if flavour is Flavour.REPLICATED else "per_host")
    source = Source(
        _host(arguments.source) if arguments.source else first,
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
    hosts = connect(found.profile, cluster, source.host)
    try:
        text = init.run(hosts.source, arguments.file.stem, source, target, template)
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


def _preflight(arguments: argparse.Namespace, found: Effective) -> int:
    from chtui.migrate import preflight

    spec = _spec(arguments.spec)
    hosts = _hosts(spec, found.profile)
    try:
        report = preflight.run(spec, hosts)
    finally:
        hosts.close()
    print(json.dumps(report.as_dict(), indent=2) if arguments.json else _report_text(report))
    return report.exit_code


def _report_text(report: Report) -> str:
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


def _plan(arguments: argparse.Namespace, found: Effective) -> int:
    from chtui.clock import SystemClock
    from chtui.migrate import layout, plan, plan_text

    spec = _spec(arguments.spec)
    hosts = _hosts(spec, found.profile)
    try:
        document = plan.to_document(layout.lay_out(spec, hosts), SystemClock())
    finally:
        hosts.close()
    print(json.dumps(document, indent=2) if arguments.json else plan_text.to_text(document))
    return 0


def _spec(name: str) -> Spec:
    from chtui.migrate import spec_file

    return spec_file.shipped(name) if name in spec_file.shipped_names() else spec_file.read(Path(name))


def _host(text: str) -> HostId:
    from chtui.profile.model import check_plain_address
    from chtui.records import HostId

    address = check_plain_address(text, "--source", "--source")
    return HostId(address.host, address.port)


def _hosts(spec: Spec, profile: Profile) -> Hosts:
    from chtui.migrate.hosts import connect
    from chtui.profile.effective import Options, resolve

    other = (
        resolve(Options(profile_name=spec.source.profile), os.environ).profile
        if spec.source.profile
        else None
    )
    return connect(profile, spec.target.cluster, spec.source.host, other)
