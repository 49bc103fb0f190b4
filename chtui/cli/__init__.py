"""The command line, thin: parse, call, print, exit code."""

from __future__ import annotations

import os
import signal
import sys

EXIT_INTERNAL = 70
"""A fault of chtui's own; EX_SOFTWARE of sysexits.h."""


def entry() -> int:
    """Run the command line; return the exit code. Whatever goes wrong ends in one line on stderr."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from chtui import __version__

        print(f"chtui {__version__}")
        return 0
    from chtui.cli.main import main
    from chtui.errors import ChtuiError

    try:
        return main(sys.argv[1:])
    except ChtuiError as error:
        print(f"chtui: {error.line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has left; nothing is wrong, and flushing at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 - the last boundary: a fault of ours is one line too, its traceback a file
        from chtui.cli.crash import report

        print(f"chtui: {report(error)}", file=sys.stderr)
        return EXIT_INTERNAL
