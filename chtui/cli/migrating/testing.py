"""`chtui migrate selftest`: migrations through kills and hangs, on a throw-away embedded cluster."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect
    from chtui.demo.selftest.cases import Fault
    from chtui.demo.selftest.run import Kept
    from chtui.demo.selftest.verdicts import Results
    from chtui.errors import ChtuiError

EXIT_INEXACT, EXIT_INTERRUPTED = 1, 130


def run(arguments: argparse.Namespace, _: Connect) -> int:
    """Carry the cases out, print a line for each as it is done, and the figures at the end.

    Raises:
        UsageError: there is no such case, or the results cannot be kept.
        ChtuiError: the cluster cannot be started or kept, or the test was interrupted: the figures so far are printed.
    """
    from chtui.clock import SystemClock, rfc3339
    from chtui.demo.selftest import cases, summary
    from chtui.demo.selftest.run import Kept
    from chtui.demo.selftest.verdicts import EXACT, Results
    from chtui.errors import UsageError

    faults = cases.chosen(arguments.cases, arguments.random, arguments.only, arguments.shard, arguments.seed)
    if not faults:
        raise UsageError(
            "there is no such case", fix="ask for others with --cases, --only, --random, --shard"
        )
    results, kept = Results(arguments.results, resumes=arguments.resume), Kept()
    trouble = _carry_out(faults, results, kept, is_json=arguments.json)
    if trouble is not None and not results.verdicts:
        raise trouble
    names = {f"{cases.EMBEDDED.name}/{fault.name}" for fault in faults}
    found = [verdict for verdict in results.verdicts if verdict.case in names]
    if arguments.json:
        document = summary.document(
            found,
            seed=arguments.seed,
            generated_at=rfc3339(SystemClock().now()),
            kept=str(kept.path or ""),
        )
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(["", *summary.table(found)]))
    if kept.path:
        common.say(f"journals and output of the cases that failed are in {kept.path}")
    if trouble is not None:
        common.say(f"{len(found)} of {len(faults)} cases were done")
        raise trouble
    return EXIT_INEXACT if any(verdict.verdict != EXACT for verdict in found) else 0


def _carry_out(faults: list[Fault], results: Results, kept: Kept, *, is_json: bool) -> ChtuiError | None:
    """Carry out the cases that results lack; return what kept some of them from being done."""
    from chtui.demo.selftest import cases, summary
    from chtui.demo.selftest.run import run as carry_out
    from chtui.demo.selftest.verdicts import Verdict
    from chtui.errors import ChtuiError, MigrateError

    done = {verdict.case for verdict in results.verdicts}
    left = [fault for fault in faults if f"{cases.EMBEDDED.name}/{fault.name}" not in done]
    number = len(faults) - len(left)

    def tell(verdict: Verdict) -> None:
        nonlocal number
        number += 1
        results.add(verdict)
        place = f"{number:>{len(str(len(faults)))}}/{len(faults)}"
        print(f"{place} {summary.line(verdict)}", file=sys.stderr if is_json else sys.stdout, flush=True)

    if not left:
        return None
    try:
        with common.ending():
            carry_out(left, tell, common.say, kept)
    except KeyboardInterrupt:
        return MigrateError("interrupted", fix="--resume goes on with --results", exit_code=EXIT_INTERRUPTED)
    except ChtuiError as error:
        return error
    return None
