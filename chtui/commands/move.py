"""Commands that move the cursor, or what is read."""

from __future__ import annotations

from chtui.commands.base import Command


class MoveCursor(Command):
    """A command that moves the cursor, or what is read."""

    group = "Move"


class CursorDown(MoveCursor):
    """One row down."""

    keys, shown = "j,down", "j down"
    title, help, group = "Down", "Go one row down.", "Move"


class CursorUp(MoveCursor):
    """One row up."""

    keys, shown = "k,up", "k up"
    title, help, group = "Up", "Go one row up.", "Move"


class CursorLeft(MoveCursor):
    """One column left."""

    keys, shown = "h,left", "h left"
    title, help, group = "Left", "Go one column to the left.", "Move"


class CursorRight(MoveCursor):
    """One column right."""

    keys, shown = "l,right", "l right"
    title, help, group = "Right", "Go one column to the right.", "Move"


class PageDown(MoveCursor):
    """One page down."""

    keys, shown = "pagedown,ctrl+f", "pgdn ctrl+f"
    title, help, group = "Page down", "Go one page down.", "Move"


class PageUp(MoveCursor):
    """One page up."""

    keys, shown = "pageup,ctrl+b", "pgup ctrl+b"
    title, help, group = "Page up", "Go one page up.", "Move"


class CursorTop(MoveCursor):
    """First row."""

    keys, shown = "g,home", "g home"
    title, help, group = "Top", "Go to the first row.", "Move"


class CursorBottom(MoveCursor):
    """Last row."""

    keys, shown = "G,shift+g,end", "G end"
    title, help, group = "Bottom", "Go to the last row.", "Move"


class NextPart(Command):
    """Next part of the screen."""

    keys, shown = "tab", "tab"
    title, help, group = "Next part", "Go to the next table of the screen.", "Move"


class PreviousPart(Command):
    """Previous part of the screen."""

    keys, shown = "shift+tab", "shift+tab"
    title, help, group = "Previous part", "Go to the previous table of the screen.", "Move"
