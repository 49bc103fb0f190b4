"""The demo without a console: one line of JSON when it is ready, then until a signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import IO

from chtui.demo.cluster import DemoCluster
from chtui.demo.options import DemoOptions
from chtui.text import one_line

WATCH_SECONDS = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Signalled(BaseException):
    """A signal came while the demo was starting."""


def headless(options: DemoOptions, stream: IO[str]) -> int:
    """Run a demo until SIGINT, SIGTERM or SIGHUP and return the exit code: 130 after SIGINT, else 0.

    `stream` gets one line of JSON (`DemoInfo.as_json`) when everything answers; a process that dies is one line on stderr.
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
        _watch(cluster, wake)
    except _Signalled:
        _say("stopped while starting")
    finally:
        starting = False
        cluster.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 130 if came and came[0] == signal.SIGINT else 0


def _watch(cluster: DemoCluster, wake: threading.Event, say: Callable[[str], None] | None = None) -> None:
    known: set[str] = set()
    while not wake.wait(WATCH_SECONDS):
        for line in cluster.deaths():
            if line not in known:
                known.add(line)
                (say or _say)(line)


def _say(line: str) -> None:
    print(f"chtui demo: {one_line(line)}", file=sys.stderr, flush=True)
