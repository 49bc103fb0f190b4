"""A fault of chtui's own, told in one line; the traceback goes to a file only its user can read."""

from __future__ import annotations

import traceback

from chtui import paths
from chtui.text import one_line


def report(error: BaseException) -> str:
    """Keep an error's traceback; return the line that says what happened and where the traceback is."""
    line = f"internal error, {type(error).__name__}: {one_line(error, 200)}"
    try:
        path = paths.state_dir() / "crash.txt"
        paths.write_private(path, "".join(traceback.format_exception(error)))
    except OSError as trouble:
        return f"{line}; its traceback could not be written: {trouble.strerror}; please report it"
    return f"{line}; please report it with {path}"
