"""The process that keeps ZooKeeper for the demo: `python -m chtui.demo.keeper DIRECTORY`.

Java does not watch its standard input, so this does, and ends it; were this killed too, the kernel ends Java.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

from chtui.demo.directory import Held
from chtui.demo.zookeeper import CONFIG, JARS, require

MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
PR_SET_PDEATHSIG = 1


def main(folder: Path) -> int:
    """Run ZooKeeper until standard input ends; return the exit code."""
    held = Held(folder.with_suffix(".lock"))
    classpath = ":".join(str(jar) for jar in JARS)
    java = subprocess.Popen(
        [
            require(),
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            # in KiB; its own choice of 64 MiB a file is large for a demo
            "-Dzookeeper.preAllocSize=1024",
            "-cp",
            classpath,
            MAIN,
            str(folder / CONFIG),
        ],
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread here
    )

    def watch() -> None:
        sys.stdin.buffer.read()
        java.kill()

    Thread(target=watch, daemon=True).start()
    code = java.wait()
    held.release()
    # a daemon thread that still sits in read() would trip the interpreter's shutdown
    os._exit(0 if code == -signal.SIGKILL else 1)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
