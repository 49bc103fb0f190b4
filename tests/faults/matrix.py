"""The fault matrix as a program: every case on both rigs and the control, one line of JSON a case, resumable and shardable.

python -m tests.faults.matrix [--rig modern|replicated] [--shard 1/2] [--random 200] [--results FILE] [--resume]
python -m tests.faults.matrix --summary FILE...

`chtui migrate selftest` carries out the same cases on the first rig alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from chtui.cli.migrating.arguments import share
from chtui.demo.selftest import summary
from chtui.demo.selftest.carrying import calm_seconds, carry_out
from chtui.demo.selftest.cases import all_cases, share_of
from chtui.demo.selftest.rig import FaultRig
from chtui.demo.selftest.verdicts import EXACT, Results, Verdict, read
from chtui.errors import UsageError
from tests.faults import control
from tests.rigs.faults_rigs import RIGS, SETTINGS

RESULTS = Path("build/faults.jsonl")
RANDOM_CASES = 200
CONTROL = "{:<11}{:<12}{:<18}{:>6}{:>8}{:>9}{:>9}{:>12}"
UNWANTED = (
    "http_proxy",
    "https_proxy",
    "CLICKHOUSE_URL",
    "CLICKHOUSE_HOST",
    "CLICKHOUSE_USER",
    "CLICKHOUSE_PASSWORD",
)

Job = tuple[str, Callable[[], Verdict]]


def main(arguments: list[str] | None = None) -> int:
    """Return 0 where every case held and the control did not."""
    told = _parser().parse_args(arguments)
    if told.summary:
        return show([verdict for file in told.summary for verdict in read(file)])
    # Else the run under way would outlive this.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    for name in UNWANTED:
        os.environ.pop(name, None)
    told.results.parent.mkdir(parents=True, exist_ok=True)
    try:
        results = Results(told.results, resumes=told.resume)
    except UsageError as error:
        print(error.line)
        return 2
    kept = Path(tempfile.mkdtemp(prefix="chtui-faults-"))
    good = True
    for name in [told.rig] if told.rig else list(RIGS):
        good &= _on_rig(name, told, results, kept)
    if good:
        shutil.rmtree(kept)
    else:
        print(f"the journals of the cases that failed are in {kept}")
    return 0 if good else 1


def _on_rig(name: str, told: argparse.Namespace, results: Results, kept: Path) -> bool:
    directory = kept / name
    directory.mkdir()
    good = True
    wanted = [
        *(f"{name}/{fault.name}" for fault in all_cases(SETTINGS[name], told.random)),
        *(f"{name}/{each.name}" for each in control.all_cases()),
    ]
    if told.only:
        wanted = [each for each in wanted if told.only in each]
    mine = set(share_of(wanted, told.shard)) - {verdict.case for verdict in results.verdicts}
    if not mine:
        return True
    with RIGS[name](directory) as rig:
        for case, job in _jobs(rig, directory, told.random):
            if case not in mine:
                continue
            verdict = job()
            results.add(verdict)
            print(f"{rig.name} {summary.line(verdict)}", flush=True)
            good &= verdict.verdict == EXACT or verdict.group == control.GROUP
    return good


def _jobs(rig: FaultRig, directory: Path, random_cases: int) -> Iterable[Job]:
    quiet = calm_seconds(rig, directory)
    print(f"{rig.name} {rig.version()}: a run that nothing befalls takes {quiet:.1f} s", flush=True)
    for fault in all_cases(rig.setting, random_cases):
        yield (
            f"{rig.name}/{fault.name}",
            lambda fault=fault: carry_out(rig, fault, directory, quiet, lambda folder: folder),  # type: ignore[misc]
        )
    for each in control.all_cases():
        yield f"{rig.name}/{each.name}", lambda each=each: control.carry_out(rig, each, directory)  # type: ignore[misc]


def show(verdicts: Sequence[Verdict]) -> int:
    """Print the figures; return 0 where every case held."""
    own = [each for each in verdicts if each.group != control.GROUP]
    for (rig,), members in summary.grouped(own, lambda each: (each.rig,)):
        print("\n".join([rig, *summary.table(members), ""]))
    controls = [each for each in verdicts if each.group == control.GROUP]
    if controls:
        print("the control: the plan's script")
        print(CONTROL.format("rig", "script", "victim", "cases", "wrong", "missing", "extra", "aggregates"))
    for key, members in summary.grouped(controls, lambda each: (each.rig, each.stage, each.victim)):
        found = summary.figures(members)
        print(CONTROL.format(*key, found.cases, found.failed, found.missing, found.extra, found.aggregates))
    return int(any(each.verdict != EXACT for each in own))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description=__doc__)
    parser.add_argument("--rig", choices=tuple(RIGS), help="one rig alone")
    parser.add_argument("--shard", type=share, default=(1, 1), help="one share of the cases, as 1/2")
    parser.add_argument("--random", type=int, default=RANDOM_CASES, help="how many cases at random times")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of verdicts")
    parser.add_argument("--resume", action="store_true", help="go on: cases the file has are passed over")
    parser.add_argument(
        "--summary", type=Path, nargs="+", metavar="FILE", help="print figures of results and end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
