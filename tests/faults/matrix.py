"""The fault matrix as a program: every case on real servers, one line of JSON a case, resumable and shardable.

python -m tests.faults.matrix [--rig modern|replicated] [--shard 1/2] [--random 200] [--results FILE] [--resume]
python -m tests.faults.matrix --summary FILE...
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.faults import control, summary
from tests.faults.carrying import EXACT, Verdict, calm_seconds, carry_out
from tests.faults.cases import all_cases
from tests.rigs.faults_rigs import RIGS, FaultRig

RESULTS = Path("build/faults.jsonl")
RANDOM_CASES = 200
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
        return summary.show(told.summary)
    # Else the run under way would outlive this.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    for name in UNWANTED:
        os.environ.pop(name, None)
    results: Path = told.results
    if results.exists() and not told.resume:
        print(f"{results} has results already: --resume goes on with them, --results names another file")
        return 2
    results.parent.mkdir(parents=True, exist_ok=True)
    done = {str(line["case"]) for line in summary.read([results])} if results.exists() else set[str]()
    kept = Path(tempfile.mkdtemp(prefix="chtui-faults-"))
    good = True
    for name in [told.rig] if told.rig else list(RIGS):
        good &= _on_rig(name, told, done, kept)
    if good:
        shutil.rmtree(kept)
    else:
        print(f"the journals of the cases that failed are in {kept}")
    return 0 if good else 1


def _on_rig(name: str, told: argparse.Namespace, done: set[str], kept: Path) -> bool:
    directory = kept / name
    directory.mkdir()
    good = True
    wanted = [
        *(f"{name}/{fault.name}" for fault in all_cases(name, told.random)),
        *(f"{name}/{each.name}" for each in control.all_cases()),
    ]
    if told.only:
        wanted = [each for each in wanted if told.only in each]
    mine = set(share(wanted, told.shard)) - done
    if not mine:
        return True
    with RIGS[name](directory) as rig:
        for case, job in _jobs(rig, directory, told.random):
            if case not in mine:
                continue
            verdict = job()
            with told.results.open("a") as stream:
                stream.write(json.dumps(asdict(verdict)) + "\n")
            print(summary.line(verdict), flush=True)
            good &= verdict.verdict == EXACT or verdict.group == control.GROUP
    return good


def _jobs(rig: FaultRig, directory: Path, random_cases: int) -> Iterable[Job]:
    quiet = calm_seconds(rig, directory)
    print(f"{rig.name} {rig.version()}: a run that nothing befalls takes {quiet:.1f} s", flush=True)
    for fault in all_cases(rig.name, random_cases):
        yield f"{rig.name}/{fault.name}", lambda fault=fault: carry_out(rig, fault, directory, quiet)  # type: ignore[misc]
    for each in control.all_cases():
        yield f"{rig.name}/{each.name}", lambda each=each: control.carry_out(rig, each, directory)  # type: ignore[misc]


def share(cases: Sequence[str], shard: tuple[int, int]) -> Sequence[str]:
    """Return the cases of one of so many shares, counted from 1."""
    return cases[shard[0] - 1 :: shard[1]]


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    found = int(number), int(count)
    if not 1 <= found[0] <= found[1]:
        raise argparse.ArgumentTypeError(f"{text} is no share: write 1/2 for the first of two")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description=__doc__)
    parser.add_argument("--rig", choices=tuple(RIGS), help="one rig alone")
    parser.add_argument("--shard", type=_shard, default=(1, 1), help="one share of the cases, as 1/2")
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
