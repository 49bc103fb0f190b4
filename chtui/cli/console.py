"""The console in this terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from chtui.errors import UsageError

if TYPE_CHECKING:
    from chtui.profile.effective import Effective, Options
    from chtui.session import Profiles, Session


def require_terminal() -> None:
    """Refuse to draw where nothing can be drawn.

    Raises:
        UsageError: stdin or stdout is no terminal, or it can move no cursor.
    """
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise UsageError(
            "standard input or output is not a terminal", fix="use 'chtui show' or 'chtui check' in scripts"
        )
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise UsageError(
            "this terminal can move no cursor",
            where=f"TERM={os.environ.get('TERM', '')}",
            fix="set TERM, or use 'chtui show'",
        )


def run_console(found: Effective, options: Options) -> int:
    """Draw until the user leaves; return the exit code. `options` says where other profiles are found."""
    ui = found.ui
    if ui.slow_link:
        # Textual reads these once, when it is imported.
        os.environ.setdefault("TEXTUAL_FPS", "10")
        os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if all(os.get_terminal_size(sys.stdout.fileno())):
        # Left by `kubectl exec -- env COLUMNS=...` and the like: they would hold the size fast when the window changes.
        os.environ.pop("COLUMNS", None)
        os.environ.pop("LINES", None)
    from chtui.app import ChtuiApp

    def opening() -> Session:
        from chtui.session import Session

        return Session(found)

    def profiles() -> Profiles:
        from chtui.session import Profiles

        return Profiles(options, os.environ)

    app = ChtuiApp(opening, ui, profiles)
    result = app.run(mouse=ui.mouse)
    if app.crash is not None:
        raise app.crash
    return result if result is not None else app.return_code or 0
