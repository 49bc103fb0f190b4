"""One node of the demo, a process of its own: `python -m chtui.demo.node DIRECTORY`.

It serves until its standard input ends. DIRECTORY holds `config.xml` and `users.xml`; beside it lies the lock file that says the node lives.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

from chtui.demo.directory import Held
from chtui.sql import load

SERVE = ("demo/listen_http", "demo/listen_tcp", "demo/wait_for_stdin")
EXIT_HELD = 3


def main(directory: Path) -> int:
    """Serve until standard input ends; return the exit code."""
    script = ";\n".join(load(name).text for name in SERVE)
    try:
        held = Held(directory.with_suffix(".lock"))
    except BlockingIOError:
        print(f"{directory}: another process serves this node", file=sys.stderr)
        return EXIT_HELD
    # the import itself opens an engine, which would read a config.xml in the current directory
    os.chdir("/")
    engine = import_module("chdb._chdb")
    os.chdir(directory)
    try:
        # the format becomes the server's default, so it must be one that prints
        engine.query(script, "TSV", path=str(directory / "data"))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        held.release()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
