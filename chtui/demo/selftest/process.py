"""The process of a case's run: `python -m chtui.demo.selftest.process FOLDER`; it ends when its standard input does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread

from chtui.clock import SystemClock
from chtui.demo.directory import Held
from chtui.demo.selftest import case as cases
from chtui.demo.selftest.faults import FaultyJournal
from chtui.errors import ChtuiError
from chtui.migrate import kept_plan, layout, plan, process

PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def main(folder: Path) -> int:
    """Carry the case in a folder out and return the exit code; its plan is kept, so that the next process goes on with the same one."""
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    for name in PROXIES:
        # the servers are on this machine
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    case, spec = cases.read(folder)
    _held = Held(Path(case.lock)) if case.lock else None
    clock = SystemClock()
    try:
        hosts = case.hosts_of(spec)
        if not (folder / kept_plan.FILE_NAME).exists():
            kept_plan.keep(folder, plan.to_document(layout.lay_out(spec, hosts), clock))
        document = kept_plan.read(folder / kept_plan.FILE_NAME)
        process.open_and_carry_out(
            case.name,
            document["hash"],
            kept_plan.ground_of(document, spec, hosts),
            clock,
            directory=folder / cases.RUN,
            wrapped=lambda journal: FaultyJournal(journal, case),
        )
    except ChtuiError as error:
        print(error.line, flush=True)
        return error.exit_code
    return 0


def _end_with_parent() -> None:
    # not sys.stdin: its lock, held by this thread, would spoil the interpreter's end
    while os.read(0, 1):
        pass
    # a run may be killed at any moment
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
