"""The demo without a console: one line of JSON when it is ready, then until a signal."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import IO

from chtui.demo.cluster import DemoCluster
from chtui.demo.options import DemoOptions
from chtui.errors import DemoError
from chtui.text import one_line

WATCH_SECONDS = 0.5
DEAD_SECONDS = 2.0
"""How long what ended stays so, where it is to be started again."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Signalled(BaseException):
    """A signal came while the demo was starting."""


def headless(options: DemoOptions, stream: IO[str]) -> int:
    """Run a demo until SIGINT, SIGTERM or SIGHUP and return the exit code: 130 after SIGINT, else 0.

    `stream` gets one line of JSON (`DemoInfo.as_json`) when everything answers; a process that dies is one line on stderr, and
    is started again where the options say so. Pids are others then.
    To be called in the main thread.

    Raises:
        DemoError: the demo cannot be started.
    """
    came: list[int] = []
    starting = True
    wake = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        wake.set()
        if starting and len(came) == 1:
            raise _Signalled

    before = {number: signal.signal(number, note) for number in SIGNALS}
    cluster = DemoCluster(options, say=_say)
    try:
        info = cluster.start()
        starting = False
        print(info.as_json(), file=stream, flush=True)
        _watch(cluster, wake, options.restart)
    except _Signalled:
        _say("stopped while starting")
    finally:
        starting = False
        cluster.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 130 if came and came[0] == signal.SIGINT else 0


def _watch(cluster: DemoCluster, wake: threading.Event, restart: bool) -> None:
    known: set[str] = set()
    while not wake.wait(WATCH_SECONDS):
        dead = cluster.deaths()
        for line in dead:
            if line not in known:
                known.add(line)
                _say(line)
        if not dead or not restart or wake.wait(DEAD_SECONDS):
            continue
        try:
            cluster.revive()
            known.clear()
        except DemoError as error:
            _say(error.line)


def _say(line: str) -> None:
    print(f"chtui demo: {one_line(line)}", file=sys.stderr, flush=True)
