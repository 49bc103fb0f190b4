"""The arguments of `chtui migrate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

SPEC_HELP = "the spec: a TOML file, or the name of one that chtui ships (otel_v2)"
RUN_HELP = "the run's name: that of its spec, unless it was given another"
Verbs = Any
"""What argparse makes of `add_subparsers`."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the verbs to the command line."""
    migrate = commands.add_parser("migrate", help="move tables to another schema", allow_abbrev=False)
    verbs = migrate.add_subparsers(dest="verb", metavar="VERB", required=True)
    _preparing(verbs)
    _running(verbs)
    _asking(verbs)
    _proving(verbs)
    _testing(verbs)


def add_render(actions: argparse._SubParsersAction[Any]) -> None:
    """Add `config render`."""
    render = actions.add_parser(
        "render", help="write per-host server XML for cluster, macros and storage policy", allow_abbrev=False
    )
    render.add_argument("spec", help=SPEC_HELP)
    render.add_argument("directory", type=Path, help="the folder to write to, a folder in it for each host")


def _preparing(verbs: Verbs) -> None:
    init = _verb(verbs, "init", "write a spec from v1 as it is")
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
    preflight = _verb(verbs, "preflight", "find what would spoil it; changes nothing; exit 1 with a blocker")
    preflight.add_argument("spec", help=SPEC_HELP)
    _json(preflight)
    plan = _verb(verbs, "plan", "print every statement and every chunk; changes nothing")
    plan.add_argument("spec", help=SPEC_HELP)
    _json(plan)
    rehearse = _verb(
        verbs, "rehearse", "carry it out on a throw-away embedded cluster, with some of v1's rows"
    )
    rehearse.add_argument("spec", help=SPEC_HELP)
    rehearse.add_argument(
        "--rows",
        type=_positive,
        default=100_000,
        metavar="N",
        help="of each of v1's tables at most, spread over these partitions (100000)",
    )
    rehearse.add_argument(
        "--partitions",
        type=_positive,
        default=24,
        metavar="N",
        help="of each of v1's tables at most: the first, the last, some between (24)",
    )
    _json(rehearse)


def _running(verbs: Verbs) -> None:
    run = _verb(verbs, "run", "carry it out, or go on with it; this process stays until it is done")
    run.add_argument("spec", help=SPEC_HELP)
    run.add_argument("--plan", type=Path, metavar="FILE", help="the plan of 'plan --json' that was looked at")
    run.add_argument("--run", metavar="NAME", help="what the run is called (as the spec)")
    _yes(run)
    run.add_argument("--json", action="store_true", help="progress as lines of JSON")
    takeover = _verb(verbs, "takeover", "go on with a run whose process somebody else began")
    _run(takeover)
    takeover.add_argument("spec", help=SPEC_HELP)
    takeover.add_argument(
        "--rebuild", action="store_true", help="without its journal: plan, measure and copy everything anew"
    )
    takeover.add_argument("--force", action="store_true", help="even while its holder gives signs of life")
    _yes(takeover)
    takeover.add_argument("--json", action="store_true", help="progress as lines of JSON")


def _asking(verbs: Verbs) -> None:
    for name, what in (
        ("status", "how far a run is; exit 3 where no process carries it out"),
        ("pause", "begin nothing new, and stop copies, within 5 seconds"),
        ("resume", "go on after a pause"),
        ("abort", "end the process; run goes on where it ended"),
    ):
        verb = _verb(verbs, name, what)
        _run(verb)
        _json(verb)
    for name, what in (
        ("cutover", "let readers move to v2, once nothing stands in the way"),
        ("rollback", "let readers move back to v1; what v1 lacks is brought back first"),
    ):
        verb = _verb(verbs, name, what)
        _run(verb)
        _accepting(verb)
        _json(verb)
    drop = _verb(verbs, "drop-source", "drop v1 after its retention; asks for the run's name")
    _run(drop)
    _yes(drop)
    _json(drop)
    skip = _verb(verbs, "skip", "leave a chunk out; nothing the run says can be exact then")
    _run(skip)
    skip.add_argument("cell", metavar="CELL", help="a chunk as status names it, or a table and its partition")
    _json(skip)
    change = _verb(verbs, "set", "change limits of the spec while it runs")
    _run(change)
    change.add_argument("values", nargs="+", metavar="NAME=VALUE", help="workers=4, chunk_rows=1000000 ...")
    _json(change)
    dual = _verb(
        verbs, "dual-write", "end dual writing, the last step; run begins it, rollback takes it up again"
    )
    _run(dual)
    dual.add_argument("state", choices=("on", "off"), help="off; on says how it is begun")
    dual.add_argument(
        "--early", action="store_true", help="before the retention ends: a rollback copies rows back then"
    )
    _accepting(dual)
    _json(dual)
    accept = _verb(verbs, "accept", "accept a difference by its name")
    _run(accept)
    accept.add_argument("name", metavar="NAME", help="as status names it")
    _json(accept)
    confirm = _verb(verbs, "confirm", "say that what a hook asks a person to do is done")
    _run(confirm)
    confirm.add_argument("hook", metavar="HOOK", help="the hook's name")
    _json(confirm)


def _accepting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="NAME",
        help="a finding that may stand, as it is named; or 'no readers', 'no writers' where there are none to be seen",
    )


def _proving(verbs: Verbs) -> None:
    verify = _verb(verbs, "verify", "compare v2 with v1 row by row; exit 1 where they differ")
    verify.add_argument("spec", help=SPEC_HELP)
    verify.add_argument(
        "--table", action="append", default=[], metavar="TABLE", help="this table alone; may be repeated"
    )
    verify.add_argument(
        "--until",
        metavar="INSTANT",
        help="hours that end before, as 2026-01-31T12:00:00Z or seconds since 1970 (while both are written: now less the lateness)",
    )
    verify.add_argument("--run", metavar="NAME", help="the run whose journal tells who writes (as the spec)")
    verify.add_argument(
        "--benchmarks", action="store_true", help="time the spec's benchmark queries on v1 and on v2 too"
    )
    verify.add_argument(
        "--times", type=_times, default=3, metavar="N", help="how often each is run on each side (3)"
    )
    verify.add_argument("--report", type=Path, metavar="FILE", help="write a report with every digest")
    _json(verify)
    cleanup = _verb(verbs, "cleanup", "drop what a run left: its own tables and its lease")
    _run(cleanup)
    cleanup.add_argument("spec", help=SPEC_HELP)
    cleanup.add_argument(
        "--drop-target", action="store_true", help="and v2's objects of the spec, rows and all"
    )
    _yes(cleanup)
    _json(cleanup)


def _times(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100:
        raise ValueError(text)
    return number


def _testing(verbs: Verbs) -> None:
    test = _verb(
        verbs, "selftest", "kill and hang processes of small migrations on a throw-away embedded cluster"
    )
    test.add_argument(
        "--cases",
        choices=("quick", "all"),
        default="quick",
        help="24 cases, some minutes; or all, some hours",
    )
    test.add_argument(
        "--random", type=_number, default=0, metavar="N", help="so many more at random times (0)"
    )
    test.add_argument(
        "--seed", type=_number, default=4, metavar="N", help="what random times derive from (4)"
    )
    test.add_argument("--only", default="", metavar="TEXT", help="cases whose name has this in it")
    test.add_argument(
        "--shard", type=share, default=(1, 1), metavar="K/N", help="the Kth of N shares of them"
    )
    test.add_argument("--results", type=Path, metavar="FILE", help="keep each verdict as a line of JSON")
    test.add_argument("--resume", action="store_true", help="go on: cases the results have are passed over")
    _json(test)


def _number(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _positive(text: str) -> int:
    value = _number(text)
    if not value:
        raise ValueError(text)
    return value


def share(text: str) -> tuple[int, int]:
    """Return which of so many shares is meant: `1/2` is the first of two.

    Raises:
        ValueError: none is.
    """
    number, _, count = text.partition("/")
    found = int(number), int(count)
    if not 1 <= found[0] <= found[1]:
        raise ValueError(text)
    return found


_number.__name__ = _positive.__name__ = "number"  # argparse says "invalid number value"


def _verb(verbs: Verbs, name: str, what: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(name, help=what, allow_abbrev=False)
    return made


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def _yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
