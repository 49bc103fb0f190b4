"""Every command: one class holds its key, its words in footer, palette and help, and is the message that asks for it.

A command is asked by posting it to the focused widget; it bubbles through the screen to the app, and whoever can do it
stops it. Nothing here does anything.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

REGISTRY: dict[str, type[Command]] = {}
"""Every command that can be asked, by its name in `action_ask`."""


class Command(Message):
    """Something a person can ask for."""

    keys: ClassVar[str] = ""
    """Keys in Textual's spelling, separated by commas."""
    shown: ClassVar[str] = ""
    """How help and footer spell the keys."""
    title: ClassVar[str] = ""
    """What the palette and the help call it."""
    help: ClassVar[str] = ""
    """What it does, in one sentence."""
    footer: ClassVar[str] = ""
    """Its word in the footer; empty to leave it out."""
    names: ClassVar[tuple[str, ...]] = ()
    """What it is called after `:`."""
    takes: ClassVar[str] = ""
    """What its argument after `:` is; empty if it takes none."""
    group: ClassVar[str] = "General"
    is_dangerous: ClassVar[bool] = False
    """Whether it changes a server: armed only."""

    def __init__(self, argument: str = "") -> None:
        super().__init__()
        self.argument = argument
        """What was typed after the command's name."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)  # type: ignore[arg-type]
        if cls.title:
            REGISTRY[cls.__name__] = cls

    @classmethod
    def binding(cls) -> Binding:
        """Return the Textual binding that asks for this command."""
        # Keys come in bursts over a slow line: one that moves the focus must act before the next key is handed on.
        priority = issubclass(cls, TakesKeyboard)
        return Binding(
            cls.keys, f"app.ask('{cls.__name__}')", cls.title, show=False, priority=priority, id=cls.__name__
        )


def bindings() -> list[BindingType]:
    """Return the bindings of all commands that have keys."""
    return [command.binding() for command in REGISTRY.values() if command.keys]


def by_name(text: str) -> tuple[type[Command], str] | None:
    """Return the command typed after `:` and its argument; None if there is no such command.

    A beginning that fits one command only will do.
    """
    word, _, argument = text.strip().partition(" ")
    found = {name: command for command in REGISTRY.values() for name in command.names}
    if word in found:
        return found[word], argument.strip()
    beginning = {found[name] for name in found if word and name.startswith(word)}
    return (beginning.pop(), argument.strip()) if len(beginning) == 1 else None


def completions() -> list[str]:
    """Return every name that can be typed after `:`, sorted."""
    return sorted(name for command in REGISTRY.values() for name in command.names)


class OpenPane(Command):
    """Show a pane; each pane has a command of its own below this one."""

    pane: ClassVar[str] = ""
    group = "Panes"


class OpenReplicas(OpenPane):
    """Show the replicas pane."""

    pane = "replicas"
    keys, shown = "2", "2"
    title, help, footer = (
        "Replicas",
        "Shards and replicas: how each host answers, readonly tables, lag, queue, parts, disks.",
        "",
    )
    names = ("replicas",)


class TakesKeyboard(Command):
    """A command whose effect takes the keys that follow."""


class Ask(TakesKeyboard):
    """Open the command line."""

    keys, shown = "colon", ":"
    title, help, footer = "Command line", "Type a command; tab completes, enter runs it, esc leaves.", "cmd"


class Filter(TakesKeyboard):
    """Open the filter line."""

    keys, shown = "slash", "/"
    title, help, footer = (
        "Filter rows",
        "Show only rows that match a regular expression; a leading ! inverts; empty shows all.",
        "filter",
    )
    group = "Table"


class Help(Command):
    """Show the help."""

    keys, shown = "question_mark", "?"
    title, help, footer = "Help", "Every key and command.", "help"
    names = ("help",)


class Palette(Command):
    """Open the palette."""

    keys, shown = "ctrl+p", "ctrl+p"
    title, help = "Command palette", "Find any command by its name."


class Back(Command):
    """Leave what is open."""

    keys, shown = "escape,q", "esc q"
    title, help, footer = "Back", "Close what is open; on a pane, clear the filter.", ""


class Quit(Command):
    """Leave chtui."""

    keys, shown = "Q,shift+q", "Q"
    title, help, footer = "Quit", "Leave chtui at once; no host is waited for.", "quit"
    names = ("quit", "q")


class Interrupt(Command):
    """Leave chtui as ctrl+c does."""

    keys, shown = "ctrl+c", "ctrl+c"
    title, help = "Interrupt", "Leave chtui with exit code 130."


class Pause(Command):
    """Stop or resume polling."""

    keys, shown = "p", "p"
    title, help, footer = "Pause", "Stop asking the servers, or go on; host states are asked always.", "pause"
    names = ("pause",)


class Refresh(Command):
    """Ask everything now."""

    keys, shown = "r", "r"
    title, help, footer = "Refresh", "Ask everything the pane shows at once.", "refresh"
    names = ("refresh",)


class UseTheme(Command):
    """Choose a theme."""

    title, help = "Theme", "Choose a theme by name; without a name the next one."
    names, takes = ("theme",), "NAME"


class Open(Command):
    """Drill into the row."""

    keys, shown = "enter", "enter"
    title, help, footer = "Open", "Show what is behind the row under the cursor.", "open"
    group = "Table"


class Detail(Command):
    """Show the whole row."""

    keys, shown = "d", "d"
    title, help, footer = "Detail", "Show every field of the row under the cursor, uncut.", "detail"
    group = "Table"


class CopyCell(Command):
    """Copy the cell."""

    keys, shown = "y", "y"
    title, help = "Copy cell", "Copy the cell under the cursor to the terminal's clipboard (OSC 52)."
    group = "Table"


class Mark(Command):
    """Mark the row."""

    keys, shown = "space", "space"
    title, help = "Mark", "Mark or unmark the row under the cursor and go down."
    group = "Table"


class Sort(Command):
    """Sort ascending."""

    keys, shown = "s", "s"
    title, help, footer = (
        "Sort",
        "Sort by the column under the cursor; again to return to the own order.",
        "sort",
    )
    group = "Table"


class SortReverse(Command):
    """Sort descending."""

    keys, shown = "S,shift+s", "S"
    title, help = (
        "Sort descending",
        "Sort by the column under the cursor, largest first; again to return to the own order.",
    )
    group = "Table"


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
