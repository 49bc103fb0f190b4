"""`chtui migrate rehearse`: a spec carried out on a throw-away embedded cluster, over some of v1's rows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect
    from chtui.demo.rehearsal.run import Rehearsal

EXIT_INEXACT, EXIT_INTERRUPTED = 1, 130


def run(arguments: argparse.Namespace, found: Connect) -> int:
    """Rehearse, print what came of it, and return 0 where all rows reached v2 exactly, 1 where they did not.

    Raises:
        ChtuiError: it cannot be rehearsed, or was interrupted.
    """
    from chtui.demo.rehearsal import run as rehearsing
    from chtui.demo.rehearsal.sample import Size
    from chtui.errors import MigrateError

    spec = common.spec(arguments.spec)
    live = common.source(spec, found().profile)
    try:
        with common.ending():
            done = rehearsing.run(spec, live, Size(arguments.rows, arguments.partitions), common.say)
    except KeyboardInterrupt:
        raise MigrateError(
            "interrupted", fix="nothing of the rehearsal is left", exit_code=EXIT_INTERRUPTED
        ) from None
    finally:
        live.close()
    print(json.dumps(done.as_dict(), indent=2) if arguments.json else "\n".join(_lines(done)))
    return 0 if done.is_exact else EXIT_INEXACT


def _lines(done: Rehearsal) -> Iterator[str]:
    from dataclasses import replace

    from chtui.cli.migrating.preparing import report_text
    from chtui.text import one_line, plural

    yield f"spec {one_line(done.spec)} on ClickHouse {done.version}; v1 is {done.source_version}"
    for each in done.samples:
        of = f"{plural(each.rows, 'row')} of {each.source_rows}"
        yield f"  {one_line(each.table)}: {of}, from {each.partitions} of {plural(each.source_partitions, 'partition')}"
    yield from (f"  left out: {one_line(text)}" for text in done.left_out)
    if done.preflight.blockers:
        yield report_text(replace(done.preflight, findings=done.preflight.blockers))
    if done.status is not None:
        yield f"run: {done.status['rows_done']} of {plural(done.status['rows'], 'row')} in {done.seconds:.0f} s"
    yield f"verdict: {done.verdict}"
